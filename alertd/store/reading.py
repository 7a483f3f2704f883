"""Conditions and incidents as they stand: for deciding, for lists, for `explain`, for metrics."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, Table, func, select

from alertd.core.alerts import AlertKey, alert_key
from alertd.core.incidents import RESTING_STATES, Incident
from alertd.core.tickets import Known
from alertd.flows.ports import Canary, ConditionRow, Due, IncidentRow, LiveTicket, Loaded
from alertd.store.encoding import (
    decode_condition,
    decode_incident,
    decode_known,
    instant_to_us,
    us_to_instant,
    us_to_optional,
)
from alertd.store.statements import Lookup
from alertd.store.tables import FIRING, alerts, incidents


class StoredIncident(msgspec.Struct, frozen=True, kw_only=True):
    """An incident with all that is kept beside it."""

    incident: Incident
    known: Known
    version: int
    state: str
    reference: str  # of its present generation
    ticket_id: int | None
    ticket_number: str | None
    watched_ticket_id: int | None
    due_at: datetime | None
    settle_at: datetime | None
    unsettled_since: datetime | None
    urgency: int
    fair_key: str
    owner: str | None  # who settles it just now
    lease_until: datetime | None
    fence: int
    updated_at: datetime
    closed_at: datetime | None


class Unsettled(msgspec.Struct, frozen=True):
    """How much waits to be brought to Autotask, and since when the oldest of it does."""

    count: int
    oldest_since: datetime | None


_condition_columns = [alerts.c[name] for name in ("key", "version", "doc")]
_row_columns = [incidents.c[name] for name in ("key", "version", "settle_at", "doc", "known")]
_CONDITIONS = Lookup(lambda keys: select(*_condition_columns).where(alerts.c.key.in_(keys)))
_INCIDENTS = Lookup(lambda keys: select(*_row_columns).where(incidents.c.key.in_(keys)))
_STORED = Lookup(lambda keys: select(incidents).where(incidents.c.key.in_(keys)))


# --- for deciding -------------------------------------------------------------------------------------


def load(conn: Connection, alert_keys: Sequence[str], incident_keys: Sequence[str]) -> Loaded:
    """Return what is stored under these keys."""
    return Loaded(_load_conditions(conn, alert_keys), _load_incidents(conn, incident_keys))


def _load_conditions(conn: Connection, keys: Sequence[str]) -> dict[AlertKey, ConditionRow]:
    found: dict[AlertKey, ConditionRow] = {}
    for key, version, doc in _CONDITIONS.rows(conn, keys):
        found[AlertKey(key)] = ConditionRow(decode_condition(key, doc), version)
    return found


def _load_incidents(conn: Connection, keys: Sequence[str]) -> dict[str, IncidentRow]:
    found: dict[str, IncidentRow] = {}
    for key, version, settle_at, doc, known in _INCIDENTS.rows(conn, keys):
        found[key] = IncidentRow(
            decode_incident(key, doc), decode_known(key, known), version, us_to_optional(settle_at)
        )
    return found


def due(conn: Connection, now: datetime, limit: int) -> Due:
    """Return keys whose `due_at` has come, oldest first, at most `limit` of each kind."""
    now_us = instant_to_us(now)
    later = [
        at for at in (_next_due(conn, alerts, now_us), _next_due(conn, incidents, now_us)) if at is not None
    ]
    return Due(
        [AlertKey(key) for key in _due_keys(conn, alerts, now_us, limit)],
        _due_keys(conn, incidents, now_us, limit),
        us_to_optional(min(later, default=None)),
    )


def _due_keys(conn: Connection, table: Table, now_us: int, limit: int) -> list[str]:
    come = select(table.c.key).where(table.c.due_at <= now_us)
    return list(conn.execute(come.order_by(table.c.due_at, table.c.key).limit(limit)).scalars())


def _next_due(conn: Connection, table: Table, now_us: int) -> int | None:
    at: int | None = conn.execute(select(func.min(table.c.due_at)).where(table.c.due_at > now_us)).scalar()
    return at


def unticketed(conn: Connection, states: Sequence[str], after: str, limit: int) -> list[str]:
    """Return keys of incidents in these states that have no ticket, in order, greater than `after`."""
    query = select(incidents.c.key).where(
        incidents.c.state.in_(states), incidents.c.ticket_id.is_(None), incidents.c.key > after
    )
    return list(conn.execute(query.order_by(incidents.c.key).limit(limit)).scalars())


# --- for the sync flow --------------------------------------------------------------------------------


def live_tickets(conn: Connection) -> list[LiveTicket]:
    """Return incidents with a ticket that is watched, ordered by ticket id."""
    watched = select(incidents.c.key, incidents.c.watched_ticket_id).where(
        incidents.c.watched_ticket_id.is_not(None)
    )
    rows = conn.execute(watched.order_by(incidents.c.watched_ticket_id, incidents.c.key))
    return [LiveTicket(key, ticket_id) for key, ticket_id in rows]


def watching(conn: Connection, ticket_id: int) -> list[str]:
    """Return the keys of the incidents that watch this ticket, in order."""
    keys = select(incidents.c.key).where(incidents.c.watched_ticket_id == ticket_id)
    return list(conn.execute(keys.order_by(incidents.c.key)).scalars())


def canaries(conn: Connection, limit: int) -> list[Canary]:
    """Return the newest tickets that are certain to be ours and to stand, newest first."""
    ours = select(incidents.c.ticket_id, incidents.c.ticket_created_at).where(
        incidents.c.ticket_created_at.is_not(None)
    )
    newest = ours.order_by(incidents.c.ticket_created_at.desc(), incidents.c.ticket_id.desc()).limit(limit)
    return [Canary(ticket_id, us_to_instant(at)) for ticket_id, at in conn.execute(newest)]


# --- for people ---------------------------------------------------------------------------------------


def incident(conn: Connection, key: str) -> StoredIncident | None:
    """Return the incident with this key."""
    return _one(conn, incidents.c.key == key)


def incident_by_ticket_number(conn: Connection, number: str) -> StoredIncident | None:
    """Return the incident whose ticket carries this number; of several, the one changed last."""
    return _one(conn, incidents.c.ticket_number == number)


def incident_by_ticket_id(conn: Connection, ticket_id: int) -> StoredIncident | None:
    """Return the incident whose ticket has this id; of several, the one changed last."""
    return _one(conn, incidents.c.ticket_id == ticket_id)


def incident_by_reference(conn: Connection, reference: str) -> StoredIncident | None:
    """Return the incident whose present generation has this reference."""
    return _one(conn, incidents.c.reference == reference)


def incidents_by_key(conn: Connection, keys: Sequence[str]) -> list[StoredIncident]:
    """Return the incidents with these keys, in this order; those that are not there are left out."""
    row_by_key = {row.key: row for row in _STORED.rows(conn, keys)}
    return [_stored(row_by_key[key]) for key in keys if key in row_by_key]


def incidents_after(conn: Connection, after: str, limit: int) -> list[StoredIncident]:
    """Return all incidents, closed ones too, page by page: by key, those greater than `after`."""
    some = select(incidents).where(incidents.c.key > after).order_by(incidents.c.key).limit(limit)
    return [_stored(row) for row in conn.execute(some)]


def list_incidents(conn: Connection, states: Sequence[str] | None, limit: int) -> list[StoredIncident]:
    """Return incidents in these states (None: in any), the newest opened first."""
    query = select(incidents.c.key)  # from the index alone: documents are read for those that are returned
    if states is not None:
        query = query.where(incidents.c.state.in_(states))
    newest = query.order_by(incidents.c.opened_at.desc(), incidents.c.key).limit(limit)
    return incidents_by_key(conn, conn.execute(newest).scalars().all())


def conditions_by_fingerprint(conn: Connection, fingerprint: str) -> list[ConditionRow]:
    """Return the conditions with this fingerprint: one for each source that sends it."""
    begins = alerts.c.key.between(alert_key("", fingerprint), f"{fingerprint}\x20")
    return _conditions(conn, select(alerts).where(begins).order_by(alerts.c.key))


def firing_conditions(conn: Connection, limit: int) -> list[ConditionRow]:
    """Return the conditions that hold, by key."""
    return _conditions(conn, select(alerts).where(FIRING).order_by(alerts.c.key).limit(limit))


def firing(conn: Connection) -> Loaded:
    """Return every condition that holds, and the incidents they belong to, at one moment."""
    rows = _conditions(conn, select(alerts).where(FIRING))
    incident_keys = {key for row in rows for key in row.condition.incidents}
    return Loaded({row.condition.key: row for row in rows}, _load_incidents(conn, sorted(incident_keys)))


def resting(conn: Connection) -> Loaded:
    """Return the conditions that are over while their incidents are not, and those, at one moment."""
    keys = conn.execute(select(incidents.c.key).where(incidents.c.state.in_(RESTING_STATES))).scalars()
    rows = _load_incidents(conn, list(keys))
    over = {
        member.key for row in rows.values() for member in row.incident.members.values() if not member.firing
    }
    return Loaded(_load_conditions(conn, sorted(over)), rows)


def _conditions(conn: Connection, query: Select[Any]) -> list[ConditionRow]:
    return [ConditionRow(decode_condition(row.key, row.doc), row.version) for row in conn.execute(query)]


def _one(conn: Connection, which: ColumnElement[bool]) -> StoredIncident | None:
    newest = select(incidents).where(which).order_by(incidents.c.updated_at.desc()).limit(1)
    row = conn.execute(newest).first()
    return _stored(row) if row is not None else None


def _stored(row: Row[Any]) -> StoredIncident:
    return StoredIncident(
        incident=decode_incident(row.key, row.doc),
        known=decode_known(row.key, row.known),
        version=row.version,
        state=row.state,
        reference=row.reference,
        ticket_id=row.ticket_id,
        ticket_number=row.ticket_number,
        watched_ticket_id=row.watched_ticket_id,
        due_at=us_to_optional(row.due_at),
        settle_at=us_to_optional(row.settle_at),
        unsettled_since=us_to_optional(row.unsettled_since),
        urgency=row.urgency,
        fair_key=row.fair_key,
        owner=row.owner,
        lease_until=us_to_optional(row.lease_until),
        fence=row.fence,
        updated_at=us_to_instant(row.updated_at),
        closed_at=us_to_optional(row.closed_at),
    )


# --- for metrics --------------------------------------------------------------------------------------


def counts_by_state(conn: Connection) -> dict[str, int]:
    """Return how many incidents are in each state; a state without any is absent."""
    rows = conn.execute(select(incidents.c.state, func.count()).group_by(incidents.c.state))
    return dict(rows.all())


def count_firing(conn: Connection) -> int:
    """Return how many conditions hold."""
    return conn.execute(select(func.count()).select_from(alerts).where(FIRING)).scalar_one()


def unsettled(conn: Connection) -> Unsettled:
    """Return how many incidents are unsettled, and since when the oldest is."""
    waiting = select(func.count(), func.min(incidents.c.unsettled_since)).where(
        incidents.c.settle_at.is_not(None)
    )
    count, since = conn.execute(waiting).one()
    return Unsettled(count, us_to_optional(since))
