"""Alerta's documents: an alert, a heartbeat and the settings, as its clients read them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import msgspec

from alertd.core.alerts import Alert, Severity, Status
from alertd.core.conditions import Condition
from alertd.core.reading.objects import object_in, text_in, texts_in
from alertd.core.reading.trees import Tree
from alertd.intake.identifiers import uuid_of

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z")
_DAY_S = 86_400
_LEVELS = {
    "security": 0,
    "critical": 1,
    "major": 2,
    "minor": 3,
    "warning": 4,
    "indeterminate": 5,
    "informational": 6,
    "normal": 7,
    "ok": 7,
    "cleared": 7,
    "debug": 8,
    "trace": 9,
    "unknown": 10,
}
_WORDS = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "major",
    Severity.WARNING: "warning",
    Severity.LOW: "indeterminate",
    Severity.INFO: "informational",
}
CONFIG = msgspec.json.encode(
    {
        "alarm_model": {
            "name": "Alerta 8.0.1",
            "severity": _LEVELS,
            "defaults": {"normal_severity": "normal", "previous_severity": "unknown"},
        },
        "severity": _LEVELS,
        "auth_required": True,
        "signup_enabled": False,
        "provider": "basic",
        "customer_views": False,
        "timeouts": {"alert": _DAY_S, "heartbeat": _DAY_S, "ack": 0, "shelve": 7200},
        "colors": {},
        "actions": [],
    }
)


def alert(
    tree: Tree, read: Alert, *, receipt: str, received_at: datetime, is_open: bool | None = None
) -> dict[str, Any]:
    """Return an alert as it was sent.

    Args:
        tree: Its body.
        read: What it was read as.
        receipt: Of the request; its id is made of it.
        received_at: When it came in.
        is_open: Whether it fires now; None: as it said when it was sent.
    """
    received = time(received_at)
    fires = read.status is not Status.CLEARED if is_open is None else is_open
    return {
        **_identity(tree, receipt),
        "severity": text_in(tree, "severity") or "normal",
        "status": "open" if fires else "closed",
        "correlate": texts_in(tree, "correlate"),
        "service": texts_in(tree, "service"),
        "group": text_in(tree, "group") or "Misc",
        "value": text_in(tree, "value") or None,
        "text": text_in(tree, "text"),
        "tags": texts_in(tree, "tags"),
        "attributes": _attributes(tree),
        "origin": text_in(tree, "origin") or None,
        "type": text_in(tree, "type") or "exceptionAlert",
        "createTime": _time_in(tree, received),
        "timeout": _whole_number(tree, "timeout"),
        "rawData": None,
        "customer": text_in(tree, "customer") or None,
        **_received(receipt, received, is_worse=fires),
    }


def condition(known: Condition) -> dict[str, Any]:
    """Return an alert as it stands."""
    labels, started = known.labels, time(known.started_at)
    return {
        "id": uuid_of(known.receipt),
        "resource": labels.get("resource") or labels.get("host") or labels["alertname"],
        "event": labels.get("event") or labels["alertname"],
        "environment": labels.get("environment", ""),
        "severity": _WORDS[known.severity],
        "status": "open" if known.firing else "closed",
        "correlate": [],
        "service": _listed(labels.get("service", "")),
        "group": labels.get("group") or "Misc",
        "value": None,
        "text": known.annotations.get("description", ""),
        "tags": _listed(labels.get("tags", "")),
        "attributes": {},
        "origin": labels.get("origin"),
        "type": labels.get("type") or "exceptionAlert",
        "createTime": started,
        "timeout": None,
        "rawData": None,
        "customer": labels.get("client"),
        **_received(known.receipt, started, is_worse=known.firing),
        "lastReceiveTime": time(known.seen_at),
    }


def heartbeat(tree: Tree, *, receipt: str, received_at: datetime) -> dict[str, Any]:
    """Return a heartbeat as it was sent."""
    received = time(received_at)
    return {
        "id": uuid_of(receipt),
        "origin": text_in(tree, "origin"),
        "tags": texts_in(tree, "tags"),
        "attributes": _attributes(tree),
        "type": "Heartbeat",
        "createTime": _time_in(tree, received),
        "receiveTime": received,
        "timeout": _whole_number(tree, "timeout") or _DAY_S,
        "maxLatency": 2000,
        "latency": 0,
        "since": 0,
        "status": "ok",
        "customer": text_in(tree, "customer") or None,
    }


def time(at: datetime) -> str:
    """Return an instant as Alerta writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _identity(tree: Tree, receipt: str) -> dict[str, Any]:
    names = ("resource", "event", "environment")
    return {"id": uuid_of(receipt), **{name: text_in(tree, name) for name in names}}


def _received(receipt: str, received: str, *, is_worse: bool) -> dict[str, Any]:
    return {
        "duplicateCount": 0,
        "repeat": False,
        "previousSeverity": "unknown",
        "trendIndication": "moreSevere" if is_worse else "lessSevere",
        "receiveTime": received,
        "updateTime": received,
        "lastReceiveId": uuid_of(receipt),
        "lastReceiveTime": received,
        "history": [],
    }


def _attributes(tree: Tree) -> dict[str, str]:
    # Alerta's client takes none with these in its name
    attributes = object_in(tree, "attributes")
    return {name: text_in(attributes, name) for name in attributes if not {".", "$"} & set(name)}


def _time_in(tree: Tree, received: str) -> str:
    sent = text_in(tree, "createTime")
    return sent if _TIME.fullmatch(sent) else received


def _whole_number(tree: Tree, name: str) -> int | None:
    text = text_in(tree, name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _listed(text: str) -> list[str]:
    return [each for each in text.split(", ") if each]
