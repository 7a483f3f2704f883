"""GoAlert's generic inlet: one alert for each call, as JSON, as a form or in the query."""

from __future__ import annotations

import hashlib
from typing import Literal

from alertd.core.alerts import Status
from alertd.core.reading.events import Event
from alertd.core.reading.objects import text_in, texts_in
from alertd.core.reading.settings import SenderSettings
from alertd.core.reading.trees import Tree
from alertd.core.sources.kind import Payload, sender_kind
from alertd.core.sources.sheets import Sheet, Template

_FIRES = frozenset({"", "trigger", "triggered", "open", "create"})
_CLEARS = frozenset({"close", "closed", "resolve", "resolved"})
_HOSTS = ("host", "hostname", "instance", "device")
_AUTO_KEY = 32  # hex digits

SHEET = Sheet(
    product="GoAlert's generic API",
    summary="Reads what is sent to GoAlert's generic integration: summary, details, action, dedup and meta.",
    alertname="`dedup`, else a hash of `summary` and `details`",
    title="`summary`",
    host="`meta.host`, `meta.hostname`, `meta.instance`, `meta.device`",
    client="`meta.client`",
    problem="`dedup`; where it is missing `summary` and `details`, as in GoAlert",
    clears="`action` close",
    tokens=("url", "header"),
    path="/goalert/api/v2/generic/incoming",
    steps=(
        "At the client replace GoAlert's address by this one: {{url}}",
        "Put the token where the client has the integration key: `?token={{token}}`.",
    ),
    templates=(
        Template(
            title="An alert that begins, and one that ends",
            language="sh",
            text="""curl '{{url}}' -d 'token={{token}}' -d 'summary=Disk C: is full' -d 'dedup=fs02/disk-c'
curl '{{url}}' -d 'token={{token}}' -d 'summary=Disk C: is full' -d 'dedup=fs02/disk-c' -d 'action=close'
""",
        ),
    ),
    severities=(("none; `meta.severity` if you send it", "as there, else `severity` of the source"),),
    states=(("no `action`", "fires"), ("`action` close", "clears")),
    labels=(("every name in `meta`", "its value"),),
    notes=(
        "JSON, a form and the query are read alike; what is not in the body is taken from the query.",
        "Without `dedup` a changed number in the text is another alert. GoAlert does the same.",
    ),
)


class GoalertSettings(SenderSettings):
    """`[[sources]]` with `kind = "goalert"`."""

    kind: Literal["goalert"]


def is_close(action: str) -> bool:
    """Whether the word of `action` closes."""
    return action.lower() in _CLEARS


def _event(item: dict[str, Tree], payload: Payload, settings: GoalertSettings) -> Event:
    fields = {**dict(payload.body.query), **item}
    summary, details = text_in(fields, "summary"), text_in(fields, "details")
    action = text_in(fields, "action")
    meta = _meta(fields)
    return Event(
        key=(text_in(fields, "dedup") or _auto_key(summary, details),),
        status=Status.CLEARED if is_close(action) else Status.FIRING,
        unknown_status="" if action.lower() in _FIRES | _CLEARS else action,
        title=summary,
        description=details,
        host=next((meta[name] for name in _HOSTS if meta.get(name)), ""),
        severity=meta.get("severity", ""),
        labels=meta,
    )


def _auto_key(summary: str, details: str) -> str:
    if not (summary or details):
        return ""
    return hashlib.sha256(f"{len(summary)}:{summary}{details}".encode("utf-8", "replace")).hexdigest()[
        :_AUTO_KEY
    ]


def _meta(fields: dict[str, Tree]) -> dict[str, str]:
    """Return `meta`: an object in JSON, `name=value` once or more in a form."""
    meta = fields.get("meta")
    if isinstance(meta, dict):
        return {name: text for name in meta if (text := text_in(meta, name))}
    pairs = (text.partition("=") for text in texts_in(fields, "meta"))
    return {name.strip(): value for name, found, value in pairs if found and name.strip()}


KIND = sender_kind(GoalertSettings, _event, SHEET, takes_queries=True)
