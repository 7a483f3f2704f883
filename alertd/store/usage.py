"""Unit counts: every one that came, and the newest of each account and service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, select
from sqlalchemy.sql.expression import ClauseElement

from alertd.core.vendors import Count
from alertd.store.encoding import instant_to_us, us_to_instant
from alertd.store.statements import Prepared, Values, insert_into, parameters
from alertd.store.tables import usage_counts, usage_levels

_NAMES = ("source", "account_id", "service_id", "count", "received_at", "receipt", "no_build")
_KEY = _NAMES[:3]


def _add_statement(dialect_name: str) -> ClauseElement:
    statement = insert_into(dialect_name, usage_counts).values(parameters(_NAMES))
    return statement.on_conflict_do_nothing(index_elements=["receipt", "account_id", "service_id"])


def _level_statement(dialect_name: str) -> ClauseElement:
    statement = insert_into(dialect_name, usage_levels).values(parameters(_NAMES))
    newer = statement.excluded.received_at >= usage_levels.c.received_at
    return statement.on_conflict_do_update(
        index_elements=list(_KEY),
        set_={name: statement.excluded[name] for name in _NAMES if name not in _KEY},
        where=newer,
    )


_ADD = Prepared(_add_statement, _NAMES)
_SET_LEVEL = Prepared(_level_statement, _NAMES)


def add(conn: Connection, counts: Sequence[Count]) -> None:
    """Keep counts; one that is kept already is not kept twice."""
    rows = [_values(count) for count in counts]
    _ADD.run(conn, rows)
    _SET_LEVEL.run(conn, rows)


def levels(conn: Connection, source: str | None) -> list[Count]:
    """Return the newest counts of a source, or of all of them, by source, account and service."""
    query = select(usage_levels).order_by(*(usage_levels.c[name] for name in _KEY))
    if source is not None:
        query = query.where(usage_levels.c.source == source)
    return [_count(row) for row in conn.execute(query)]


def of_receipt(conn: Connection, receipt: str) -> list[Count]:
    """Return what one request counted."""
    return [
        _count(row) for row in conn.execute(_columns(usage_counts).where(usage_counts.c.receipt == receipt))
    ]


def of_level(conn: Connection, source: str, account_id: str, service_id: str) -> list[Count]:
    """Return every count of an account and a service, oldest first."""
    query = _columns(usage_counts).where(
        usage_counts.c.source == source,
        usage_counts.c.account_id == account_id,
        usage_counts.c.service_id == service_id,
    )
    return [
        _count(row) for row in conn.execute(query.order_by(usage_counts.c.received_at, usage_counts.c.id))
    ]


def _columns(table: Table) -> Any:
    return select(*(table.c[name] for name in _NAMES))


def _values(count: Count) -> Values:
    return (
        count.source,
        count.account_id,
        count.service_id,
        count.count,
        instant_to_us(count.received_at),
        count.receipt,
        int(count.no_build),
    )


def _count(row: Row[Any]) -> Count:
    source, account_id, service_id, count, received_at, receipt, no_build = tuple(row)
    return Count(
        source=source,
        account_id=account_id,
        service_id=service_id,
        count=count,
        received_at=us_to_instant(received_at),
        receipt=receipt,
        no_build=bool(no_build),
    )
