"""What happened, line by line, and the calls that were made: what `explain` tells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, delete, false, literal_column, or_, select, update

from alertd.core.history import Happening
from alertd.store.encoding import decode_texts, encode, instant_to_us, us_to_instant
from alertd.store.statements import inserting
from alertd.store.tables import calls, history

_INSERT_HAPPENING = inserting(history)
_INSERT_CALL = inserting(calls)


class Call(msgspec.Struct, frozen=True):
    """One request to Autotask. `incident_key` is empty where it served none in particular."""

    at: datetime
    endpoint: str
    incident_key: str = ""
    operation: str = ""
    outcome: str = ""  # as in alertd_autotask_requests_total; empty: none is known, or it is not over
    status: int | None = None  # HTTP's; None: there was no answer
    answer: str = ""  # what went wrong, in short, or what was made


def add_all(conn: Connection, happenings: Sequence[Happening]) -> None:
    """Append lines of history."""
    _INSERT_HAPPENING.run(
        conn,
        [
            (
                instant_to_us(line.at),
                line.what,
                line.incident_key,
                line.alert_key,
                line.receipt,
                encode(line.detail).decode() if line.detail else "{}",
            )
            for line in happenings
        ],
    )


class About(msgspec.Struct, frozen=True):
    """What history is asked about: lines that name any of these."""

    incident_keys: Sequence[str] = ()
    alert_keys: Sequence[str] = ()
    receipts: Sequence[str] = ()


def read(conn: Connection, about: About, limit: int) -> list[Happening]:
    """Return lines about any of these, oldest first: the newest `limit` of them."""
    asked = (
        (history.c.incident_key, about.incident_keys),
        (history.c.alert_key, about.alert_keys),
        (history.c.receipt, about.receipts),
    )
    told = or_(
        # said twice, as only then the partial index is used
        *(column.in_(wanted) & (column != literal_column("''")) for column, wanted in asked if wanted),
        false(),
    )
    newest = conn.execute(select(history).where(told).order_by(history.c.id.desc()).limit(limit)).all()
    return [
        Happening(
            at=us_to_instant(row.at),
            what=row.what,
            incident_key=row.incident_key,
            alert_key=row.alert_key,
            receipt=row.receipt,
            detail=decode_texts(f"history line {row.id}", row.detail),
        )
        for row in reversed(newest)
    ]


def record_calls(conn: Connection, made: Sequence[Call]) -> list[None]:
    """Append calls to the log from which the rolling hour is counted."""
    rows = [
        (instant_to_us(call.at), call.endpoint, call.incident_key, call.operation, None, None, None)
        for call in made
    ]
    _INSERT_CALL.run(conn, rows)
    return [None] * len(made)


def answer_calls(conn: Connection, made: Sequence[Call]) -> None:
    """Keep how calls for single incidents ended: those that were recorded with this time and endpoint."""
    for call in made:
        recorded = (
            (calls.c.incident_key == call.incident_key)
            & (calls.c.incident_key != literal_column("''"))
            & (calls.c.at == instant_to_us(call.at))
            & (calls.c.endpoint == call.endpoint)
        )
        conn.execute(
            update(calls).where(recorded).values(outcome=call.outcome, status=call.status, answer=call.answer)
        )


def recent_calls(conn: Connection, since: datetime) -> list[datetime]:
    """Return when calls were made at or after `since`, oldest first."""
    times = select(calls.c.at).where(calls.c.at >= instant_to_us(since)).order_by(calls.c.at)
    return [us_to_instant(at) for at in conn.execute(times).scalars()]


def calls_of(conn: Connection, incident_key: str) -> list[Call]:
    """Return the calls made for one incident that are still kept, oldest first."""
    made = select(calls).where(
        calls.c.incident_key == incident_key, calls.c.incident_key != literal_column("''")
    )
    return [
        Call(
            us_to_instant(row.at),
            row.endpoint,
            row.incident_key,
            row.operation or "",
            row.outcome or "",
            row.status,
            row.answer or "",
        )
        for row in conn.execute(made.order_by(calls.c.at, calls.c.id))
    ]


def purge_history(conn: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` lines from before this; return how many."""
    return _purge(conn, history, before, limit)


def purge_calls(conn: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` calls for no incident in particular from before this; return how many."""
    return _purge(conn, calls, before, limit, calls.c.incident_key == "")


def purge_incident_calls(conn: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` calls for single incidents from before this; return how many."""
    return _purge(conn, calls, before, limit)


def _purge(conn: Connection, table: Table, before: datetime, limit: int, *which: ColumnElement[bool]) -> int:
    old = select(table.c.id).where(table.c.at < instant_to_us(before), *which)
    some = old.order_by(table.c.at).limit(limit)
    return conn.execute(delete(table).where(table.c.id.in_(some))).rowcount
