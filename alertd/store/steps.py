"""One step: decided entries, conditions, incidents, history and totals in one transaction, or nothing of it.

Versions are checked first, by one locking read per table; the writes that follow cannot miss then. That
needs no count of changed rows, which not every driver gives for many rows at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, null, select
from sqlalchemy.exc import IntegrityError

from alertd.core.identity import reference
from alertd.core.incidents import Closed, Incident
from alertd.core.tickets import Known
from alertd.flows.errors import Conflict
from alertd.flows.ports import ConditionWrite, IncidentWrite, Step
from alertd.store import entries, happenings
from alertd.store.counters import add_totals
from alertd.store.encoding import encode, instant_to_us, optional_to_us
from alertd.store.statements import Lookup, Values, inserting, updating
from alertd.store.tables import alerts, incidents

_LEASE = ("owner", "lease_until", "fence")  # a commit leaves the lease as it is
_FREE = (None, None, 0)


def _locking(table: Table, also: ColumnElement[Any]) -> Lookup:
    query = select(table.c.key, table.c.version, also).order_by(table.c.key).with_for_update()
    return Lookup(lambda keys: query.where(table.c.key.in_(keys)))


_INSERT_ALERT = inserting(alerts)
_UPDATE_ALERT = updating(alerts, [c.name for c in alerts.columns if c.name != "key"])
_INSERT_INCIDENT = inserting(incidents)
_UPDATE_INCIDENT = updating(incidents, [c.name for c in incidents.columns if c.name not in ("key", *_LEASE)])
_LOCK_ALERTS = _locking(alerts, null())
_LOCK_INCIDENTS = _locking(incidents, incidents.c.unsettled_since)


def commit(conn: Connection, step: Step, now: datetime, instance: str) -> None:
    """Apply the step.

    Raises:
        Conflict: A row has another version than the one that was read, or an entry is decided already.
        ValueError: The step writes one row twice.
    """
    if entries.lock_undecided(conn, step.decided) != len(step.decided):
        raise Conflict("an entry of this step has been decided already")
    try:
        _write_conditions(conn, step.conditions)
        _write_incidents(conn, step.incidents, now, instance)
    except IntegrityError as exc:  # another node stored the row between our check and our insert
        raise Conflict("a row of this step has been stored by somebody else") from exc
    entries.mark_decided(conn, step.decided)
    entries.mark_parked(conn, step.parked)
    happenings.add_all(conn, step.history)
    add_totals(conn, step.totals)


def _write_conditions(conn: Connection, writes: Sequence[ConditionWrite]) -> None:
    versions = _versions((write.row.condition.key, write.row.version) for write in writes)
    stored = _lock(conn, _LOCK_ALERTS, versions)
    rows = [(write.row.condition.key, _alert_values(write)) for write in writes]
    _INSERT_ALERT.run(conn, [(key, *values) for key, values in rows if key not in stored])
    _UPDATE_ALERT.run(conn, [(*values, key) for key, values in rows if key in stored])


def _write_incidents(conn: Connection, writes: Sequence[IncidentWrite], now: datetime, instance: str) -> None:
    versions = _versions((write.row.incident.key, write.row.version) for write in writes)
    stored = _lock(conn, _LOCK_INCIDENTS, versions)
    rows = []
    for write in writes:
        key = write.row.incident.key
        since = _unsettled_since(write, stored.get(key), now)
        rows.append((key, _incident_values(write, since, now, instance)))
    _INSERT_INCIDENT.run(conn, [(key, *_FREE, *values) for key, values in rows if key not in stored])
    _UPDATE_INCIDENT.run(conn, [(*values, key) for key, values in rows if key in stored])


# --- versions -----------------------------------------------------------------------------------------


def _versions(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    versions: dict[str, int] = {}
    for key, version in pairs:
        if key in versions:
            raise ValueError(f"the step writes {key!r} twice")
        versions[key] = version
    return versions


def _lock(conn: Connection, lookup: Lookup, versions: Mapping[str, int]) -> dict[str, Any]:
    """Lock the rows that are stored under these keys, check their versions, and return the third column."""
    stored: dict[str, Any] = {}
    for key, version, value in lookup.rows(conn, sorted(versions)):
        if versions[key] != version:
            raise Conflict(f"{key!r} has version {version}, not {versions[key]}")
        stored[key] = value
    missing = sum(version > 0 for version in versions.values()) - len(stored)
    if missing:
        raise Conflict(f"{missing} rows are not stored any more")
    return stored


# --- rows ---------------------------------------------------------------------------------------------


def _alert_values(write: ConditionWrite) -> Values:
    condition = write.row.condition
    return (
        write.row.version + 1,
        optional_to_us(write.due_at),
        int(condition.firing),
        condition.source,
        condition.fingerprint,
        instant_to_us(condition.seen_at),
        encode(condition),
    )


def _incident_values(write: IncidentWrite, since: int | None, now: datetime, instance: str) -> Values:
    incident, known = write.row.incident, write.row.known
    ticket = known.ticket or incident.ticket
    phase = incident.phase
    return (
        write.row.version + 1,
        incident.generation,
        write.state,
        incident.policy.board,
        incident.policy.route_name,
        reference(instance, incident.key, incident.generation),
        ticket.id if ticket is not None else None,
        (ticket.number or None) if ticket is not None else None,
        _stands_since(incident, known),
        write.watched_ticket_id,
        optional_to_us(write.due_at),
        optional_to_us(write.settle_at),
        write.urgency,
        write.fair_key,
        since,
        instant_to_us(incident.opened_at),
        instant_to_us(now),
        instant_to_us(phase.at) if isinstance(phase, Closed) else None,
        encode(incident),
        encode(known),
        write.scope,
        optional_to_us(write.wanted_at),
        write.storm_key,
        write.severity,
    )


def _unsettled_since(write: IncidentWrite, stored: int | None, now: datetime) -> int | None:
    """Keep the instant at which it became unsettled for as long as it is."""
    if write.settle_at is None:
        return None
    return stored if stored is not None else instant_to_us(now)


def _stands_since(incident: Incident, known: Known) -> int | None:
    """When the ticket was made, if it is certain that it is ours and stands: it can serve as a canary."""
    gone = isinstance(incident.phase, Closed) and incident.phase.how == "gone"
    stands = known.ticket is not None and known.verified and not known.foreign and not gone
    return optional_to_us(known.created_at) if stands else None
