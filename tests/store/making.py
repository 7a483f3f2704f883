"""Values for the store's tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from alertd.core.alerts import Severity, alert_key
from alertd.core.conditions import Condition
from alertd.core.history import Happening
from alertd.core.incidents import Incident, Member, Open
from alertd.core.routes import Policy
from alertd.core.tickets import Known, Ticket
from alertd.flows.ports import (
    ConditionRow,
    ConditionWrite,
    Envelope,
    IncidentRow,
    IncidentWrite,
    Step,
)

T0 = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
POLICY = Policy(route_name="root", board="noc")


class FixedClock:
    """A clock that a test sets."""

    def __init__(self, at: datetime = T0) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, **parts: float) -> None:
        self.at += timedelta(**parts)


def envelope(receipt: str, **changes: Any) -> Envelope:
    values: dict[str, Any] = {
        "receipt": receipt,
        "source": "prometheus",
        "kind": "alertmanager",
        "received_at": T0,
        "body": b'{"alerts": []}',
        "content_type": "application/json",
    }
    return Envelope(**values | changes)


def condition(name: str, **changes: Any) -> Condition:
    values: dict[str, Any] = {
        "key": alert_key("prometheus", name),
        "source": "prometheus",
        "fingerprint": name,
        "firing": True,
        "severity": Severity.HIGH,
        "labels": {"alertname": "DiskFull", "host": name, "source": "prometheus", "client": "Contoso"},
        "annotations": {"title": f"Disk full on {name}", "description": "90 % of /var is used"},
        "started_at": T0,
        "seen_at": T0,
        "incidents": (name,),
    }
    return Condition(**values | changes)


def incident(key: str, **changes: Any) -> Incident:
    member = Member(key=alert_key("prometheus", key), title="Disk full", severity=Severity.HIGH, since=T0)
    values: dict[str, Any] = {
        "key": key,
        "policy": POLICY,
        "group": {"host": key, "alertname": "DiskFull"},
        "client": "Contoso",
        "phase": Open(),
        "opened_at": T0,
        "members": {member.key: member},
        "severity": Severity.HIGH,
    }
    return Incident(**values | changes)


def condition_write(
    name: str, *, version: int = 0, due_at: datetime | None = None, **changes: Any
) -> ConditionWrite:
    return ConditionWrite(ConditionRow(condition(name, **changes), version), due_at)


def incident_write(
    key: str,
    *,
    version: int = 0,
    incident_: Incident | None = None,
    known: Known | None = None,
    **columns: Any,
) -> IncidentWrite:
    values: dict[str, Any] = {
        "due_at": None,
        "settle_at": T0,
        "watched_ticket_id": None,
        "urgency": 2,
        "fair_key": "Contoso",
        "state": "opening",
    }
    row = IncidentRow(incident_ or incident(key), known or Known(), version)
    return IncidentWrite(row=row, **values | columns)


def ticketed(ticket_id: int, **changes: Any) -> Known:
    values: dict[str, Any] = {
        "ticket": Ticket(ticket_id, f"T20261123.{ticket_id:04}"),
        "verified": True,
        "created_at": T0,
    }
    return Known(**values | changes)


def happening(what: str, **changes: Any) -> Happening:
    values: dict[str, Any] = {"at": T0, "what": what}
    return Happening(**values | changes)


def first_seen(name: str, journal_id: int) -> Step:
    """Return the step of one alert that opens an incident."""
    return Step(
        decided=[journal_id],
        conditions=[condition_write(name)],
        incidents=[incident_write(name)],
        history=[happening("opened", incident_key=name, receipt=name)],
        totals={"pending": 1},
    )
