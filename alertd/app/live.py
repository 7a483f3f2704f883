"""What a reload replaces, as one object: readers see the old configuration or the new, never a mix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alertd.app.callouts import webhook_plan
from alertd.app.routing import route_tags, routing_of
from alertd.app.sources import compile_senders
from alertd.autotask.board_forms import RouteForm
from alertd.autotask.credential import Credential
from alertd.autotask.desk import BoardPlan
from alertd.autotask.webhooks import WebhookPlan
from alertd.config import secrets
from alertd.config.loading import file_hash, load
from alertd.config.settings import Settings
from alertd.core.folding import Routing
from alertd.core.inhibiting import InhibitRule
from alertd.core.secret import Secret
from alertd.core.settings import SecretRef
from alertd.core.ticket_forms import BLANK
from alertd.intake.senders import Sender

NEEDS_RESTART = ("instance", "mode", "server", "admin", "store", "sync")


@dataclass(frozen=True, kw_only=True)
class Live:
    """A configuration with its secrets opened and everything compiled."""

    settings: Settings
    senders: Mapping[str, Sender]
    routing: Routing
    inhibit: tuple[InhibitRule, ...]
    credential: Credential
    plan: BoardPlan
    webhook: WebhookPlan | None
    mark: str  # SHA-256 of the file


def bring_to_life(path: Path, environ: Mapping[str, str]) -> Live:
    """Load the file at `path` and compile all of it.

    Raises:
        ConfigError: Something in it is wrong.
        SecretMissing: A secret it refers to cannot be read or used.
    """
    return compile_settings(load(path, environ), environ, mark=file_hash([path]))


def compile_settings(settings: Settings, environ: Mapping[str, str], *, mark: str) -> Live:
    """Open the secrets and compile sources and routes.

    Raises:
        SecretMissing: A secret cannot be read or used.
    """

    def open_secret(ref: SecretRef) -> Secret:
        return secrets.resolve(ref, environ)

    routing = routing_of(settings)
    return Live(
        settings=settings,
        senders=compile_senders(settings.sources, open_secret),
        routing=routing,
        inhibit=tuple(each.rule() for each in settings.inhibit),
        credential=credential_of(settings, environ),
        plan=plan_of(settings, routing),
        webhook=webhook_plan(settings, environ) if settings.mode == "live" else None,
        mark=mark,
    )


def credential_of(settings: Settings, environ: Mapping[str, str]) -> Credential:
    """Open the credential of `[autotask]`.

    Raises:
        SecretMissing: A part of it cannot be read, or cannot be a header.
    """
    secret = secrets.resolve(settings.autotask.secret, environ)
    code = secrets.resolve(settings.autotask.integration_code, environ)
    try:
        return Credential(username=settings.autotask.username, secret=secret, integration_code=code)
    except ValueError as exc:
        raise secrets.SecretMissing(f"{exc}; write it again as one line") from None


def plan_of(settings: Settings, routing: Routing) -> BoardPlan:
    """Return the boards, and which ones stand in for a board that cannot take tickets."""
    stand_ins = [settings.route.board]
    if settings.autotask.fallback_board is not None:
        stand_ins.append(settings.autotask.fallback_board)
    return BoardPlan(
        boards=settings.boards,
        stand_ins=stand_ins,
        more_tags=route_tags(routing),
        routes=[
            RouteForm(route_name=policy.route_name, board=policy.board, form=policy.form)
            for policy in routing.policies.values()
            if policy.form != BLANK
        ],
        companies=frozenset(each.company for each in settings.route.walk() if each.company is not None),
    )


def needs_restart(old: Settings, new: Settings) -> list[str]:
    """Return the sections that differ and are only read at start."""
    changed = [name for name in NEEDS_RESTART if getattr(old, name) != getattr(new, name)]
    return changed if _fixed_part(old) == _fixed_part(new) else [*changed, "autotask"]


def _fixed_part(settings: Settings) -> dict[str, object]:
    """What of `[autotask]` is read at start only: all but the secrets, and the board that stands in.

    Another user may be another tenant's, and what is known here would be done to strangers' tickets.
    """
    return settings.autotask.model_dump(exclude={"secret", "integration_code", "fallback_board"})


class Current:
    """Holds the configuration in force."""

    def __init__(self, live: Live) -> None:
        self.live = live
