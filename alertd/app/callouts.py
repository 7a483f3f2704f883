"""From `[autotask.callouts]` to the parts that make, keep and hear Autotask's call-outs."""

from __future__ import annotations

from collections.abc import Mapping

from alertd.autotask.webhooks import MOST_SECRET, WebhookPlan
from alertd.config import secrets
from alertd.config.settings import Settings
from alertd.intake.callouts import PATH

LEAST_SECRET = 16


def webhook_plan(settings: Settings, environ: Mapping[str, str]) -> WebhookPlan | None:
    """Return the webhook that the configuration wants; None: none.

    Raises:
        SecretMissing: Its key cannot be read, or Autotask cannot take it.
    """
    callouts = settings.autotask.callouts
    if callouts is None:
        return None
    secret = secrets.resolve(callouts.secret, environ)
    if not LEAST_SECRET <= len(secret.reveal()) <= MOST_SECRET:
        raise secrets.SecretMissing(
            f"the secret {callouts.secret} should have {LEAST_SECRET} to {MOST_SECRET} characters, which is"
            " what Autotask takes; make another, for instance by: openssl rand -hex 24"
        )
    return WebhookPlan(
        url=callouts.url or f"{settings.server.public_url}{PATH}",
        secret=secret,
        name=f"alertd {settings.instance}",
        fields=callouts.fields,
        excluded=frozenset(callouts.excluded_resources),
        username=settings.autotask.username,
    )
