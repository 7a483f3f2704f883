"""Values for the tests of conditions, incidents and their tickets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from alertd.core.alerts import Alert, AlertKey, Severity, Status
from alertd.core.clients import Customer
from alertd.core.deciding import decide, open_incident
from alertd.core.incidents import Change, Ended, Fired, Incident, Linked, Member
from alertd.core.routes import Policy
from alertd.core.tickets import Board, Field, Known, Level, Ticket

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
TICKET = Ticket(101, "T20261123.0001")
HOLD = timedelta(minutes=5)
INTERVAL = timedelta(minutes=15)
BOARD = Board(
    name="noc",
    queue_id=8,
    priority_by_severity={"critical": 4, "high": 1, "warning": 2, "low": 3, "info": 3},
    status_new=1,
    status_done=5,
    tags=("alertd",),
    state_tags={"firing": "is firing", "cleared": "is clear"},
)


def at(**parts: float) -> datetime:
    """An instant that long after T0."""
    return T0 + timedelta(**parts)


def alert(name: str = "a", *, cleared: bool = False, **changes: Any) -> Alert:
    values: dict[str, Any] = {
        "source": "prometheus",
        "fingerprint": name,
        "status": Status.CLEARED if cleared else Status.FIRING,
        "severity": Severity.WARNING,
        "labels": {"alertname": "DiskFull", "host": name, "client": "Contoso", "source": "prometheus"},
        "annotations": {"title": f"Disk full on {name}"},
    }
    return Alert(**values | changes)


def member(name: str = "a", severity: Severity = Severity.WARNING, **changes: Any) -> Member:
    values: dict[str, Any] = {"title": f"Disk {name}", "since": T0, "host": f"srv-{name}"}
    return Member(key=AlertKey(name), severity=severity, **values | changes)


def opened(*, now: datetime = T0, first: Member | None = None, **policy: Any) -> Incident:
    """An incident with one firing member."""
    return open_incident(
        "key",
        Fired(first or member()),
        Policy(route_name="root", board="noc", **policy),
        group={"host": "a"},
        customer=Customer(source="", client="Contoso"),
        receipt="r1",
        now=now,
    )


def standing(**policy: Any) -> Incident:
    """An incident whose ticket stands since T0."""
    return decide(opened(**policy), Linked(TICKET, 0), now=T0)


def after(incident: Incident, *changes: Change, now: datetime = T0) -> Incident:
    for change in changes:
        incident = decide(incident, change, now=now)
    return incident


def ended(name: str = "a", *, expired: bool = False, ended_at: datetime = T0) -> Ended:
    return Ended(AlertKey(name), ended_at, expired=expired)


def level(**changes: Any) -> Level:
    values: dict[str, Any] = {
        "ticket": True,
        "reference": "alertd-x-g1",
        "status": 1,
        "done": False,
        "priority": 2,
        "queue": 8,
    }
    return Level(**values | changes)


def known(**changes: Any) -> Known:
    """A verified ticket that stands as `level()` wants it, written at T0."""
    values: dict[str, Any] = {
        "ticket": TICKET,
        "verified": True,
        "created_at": T0,
        "wrote_at": T0,
        "patched_at": T0,
        "fields": {"status": Field(1, 1, 1), "priority": Field(2, 2, 2), "queue": Field(8, 8, 8)},
    }
    return Known(**values | changes)
