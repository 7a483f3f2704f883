"""Alerta's API: one alert for each post, told apart by environment, resource, event and customer."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Literal

from alertd.core.alerts import Severity, Status
from alertd.core.reading.bodies import Unreadable
from alertd.core.reading.events import Event
from alertd.core.reading.instants import instant
from alertd.core.reading.objects import object_in, paragraphs, text_in, texts_in
from alertd.core.reading.settings import SenderSettings
from alertd.core.reading.trees import Tree
from alertd.core.sources.kind import Payload, sender_kind
from alertd.core.sources.sheets import Sheet

HEARTBEAT = "heartbeat"  # said by the path of heartbeats
_NORMAL = frozenset({"normal", "ok", "cleared"})
_CLOSED = frozenset({"closed"})
_OPEN = frozenset({"", "open", "assign", "unknown"})
_UPDATES = {
    "ack": "acknowledged",
    "shelved": "shelved",
    "blackout": "in a blackout",
    "expired": "expired",
}
_SEVERITIES = dict.fromkeys(_NORMAL, Severity.INFO)
_LONGEST_TIMEOUT_S = 36_500 * 86_400
_URLS = ("moreInfo", "url", "link", "runBook", "runbook")

SHEET = Sheet(
    product="Alerta's API",
    summary="Reads the alerts that are posted to Alerta's API by its command, its library and its plug-ins.",
    alertname="`event`",
    title="`event` on `resource`",
    host="`resource`",
    client="`customer`",
    problem="`environment`, `resource`, `event` with those of `correlate`, and `customer`",
    clears="`severity` normal, ok or cleared; `status` closed",
    tokens=("header", "url"),
    header="`Authorization: Key TOKEN`, or `X-API-Key: TOKEN`",
    path="/alerta/alert",
    steps=(
        "Where the client has its endpoint (`ALERTA_ENDPOINT`) put {{url}} without `/alert`.",
        "Put the token where the client has its API key (`key`, `ALERTA_API_KEY`): {{token}}",
    ),
    severities=(
        ("security, critical", "critical"),
        ("major", "high"),
        ("minor, warning", "warning"),
        ("indeterminate", "low"),
        ("informational, debug, trace", "info"),
    ),
    states=(
        ("a severity above normal", "fires"),
        ("`severity` normal, ok or cleared; `status` closed", "clears"),
        ("`status` ack, shelved, blackout or expired", "is told in the ticket's next note"),
        ("heartbeat", "ignored"),
    ),
    labels=(
        ("environment, resource, event, group, origin", "the field of that name"),
        ("service, tags", "the list, joined by commas"),
        ("every name in `attributes`", "its value"),
    ),
    notes=(
        "Events that list one another in `correlate` (NodeDown, NodeUp) are one problem: list both in each.",
        "After `timeout` seconds of silence the alert expires, unless the source sets `expire_after`.",
        "An alert without a severity fires; Alerta itself would take it for normal.",
    ),
)


class AlertaSettings(SenderSettings):
    """`[[sources]]` with `kind = "alerta"`."""

    kind: Literal["alerta"]


def _event(item: dict[str, Tree], payload: Payload, settings: AlertaSettings) -> Event:
    if dict(payload.body.query).get("action") == HEARTBEAT:
        return _heartbeat(item)
    resource, event = text_in(item, "resource"), text_in(item, "event")
    if not (resource or event):
        raise Unreadable("shape", "an alert of Alerta's needs resource and event; there is neither")
    severity, state = text_in(item, "severity"), text_in(item, "status").lower()
    status = _status(severity.lower(), state)
    at = instant(item.get("createTime"))
    return Event(
        key=(text_in(item, "environment"), resource, _correlated(item, event), text_in(item, "customer")),
        status=status,
        unknown_status="" if state in _OPEN | _CLOSED | _UPDATES.keys() else state,
        alertname=event,
        title=" on ".join(filter(None, (event, resource))),
        description=paragraphs(text_in(item, "text"), _value(item)),
        url=next((url for name in _URLS if (url := _address(object_in(item, "attributes"), name))), ""),
        host=resource,
        client=text_in(item, "customer"),
        severity=severity,
        labels=_labels(item),
        annotations={"update": f"{_UPDATES[state]} in Alerta"} if status is Status.UPDATED else {},
        starts_at=at if status is not Status.CLEARED else None,
        ends_at=at,
        expires_after=_timeout(item) if settings.expire_after is None else None,
    )


def _heartbeat(item: dict[str, Tree]) -> Event:
    origin = text_in(item, "origin")
    return Event(
        key=(HEARTBEAT, origin),
        status=Status.IGNORED,
        alertname=origin,
        title=f"Heartbeat of {origin}",
        annotations={"ignored": "heartbeat"},
    )


def _status(severity: str, state: str) -> Status:
    if severity in _NORMAL or state in _CLOSED:
        return Status.CLEARED
    return Status.UPDATED if state in _UPDATES else Status.FIRING


def _correlated(item: dict[str, Tree], event: str) -> str:
    """Return the events that are one problem: whichever of them is sent, the answer is the same."""
    return " ".join(sorted({event, *texts_in(item, "correlate")}))


def _value(item: dict[str, Tree]) -> str:
    value = text_in(item, "value")
    return f"Value: {value}" if value else ""


def _address(attributes: dict[str, Tree], name: str) -> str:
    address = text_in(attributes, name)
    return address if address.startswith(("http://", "https://")) else ""


def _labels(item: dict[str, Tree]) -> dict[str, str]:
    attributes = object_in(item, "attributes")
    lists = {name: ", ".join(texts_in(item, name)) for name in ("service", "tags")}
    names = ("environment", "resource", "event", "group", "origin", "type")
    return {
        **{name: text_in(attributes, name) for name in attributes},
        **lists,
        **{name: text_in(item, name) for name in names},
    }


def _timeout(item: dict[str, Tree]) -> timedelta | None:
    """Return how long Alerta would wait; None: it did not say, or 0, which is for ever."""
    try:
        seconds = float(text_in(item, "timeout") or 0)
    except ValueError:
        return None
    if not math.isfinite(seconds) or not 0 < seconds <= _LONGEST_TIMEOUT_S:
        return None
    return timedelta(seconds=seconds)


KIND = sender_kind(AlertaSettings, _event, SHEET, severities=_SEVERITIES)
