"""Retention of conditions: the fleet's every disk that was ever full would stay for ever otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, literal_column, select, tuple_

from alertd.store.encoding import decode_condition, instant_to_us
from alertd.store.statements import Lookup
from alertd.store.tables import OVER, alerts, incidents

_not_closed = select(incidents.c.key).where(incidents.c.state != literal_column("'closed'"))
_NOT_CLOSED = Lookup(lambda keys: _not_closed.where(incidents.c.key.in_(keys)))
_DELETE = Lookup(lambda keys: delete(alerts).where(alerts.c.key.in_(keys)))


class Place(NamedTuple):
    """How far retention has come: it goes by the time of the last message, then by key."""

    seen_us: int
    key: str


BEGIN = Place(-(2**63), "")


def purge(conn: Connection, before: datetime, after: Place, limit: int) -> tuple[int, Place | None]:
    """Look at up to `limit` conditions that do not hold, and delete those that nothing needs any more.

    Args:
        conn: In a transaction.
        before: Heard of last before this.
        after: Where an earlier call has come to, or `BEGIN`.
        limit: How many to look at.

    Returns:
        How many were deleted, and where to go on; None: there are no more.
    """
    place = tuple_(alerts.c.seen_at, alerts.c.key)
    over = select(alerts.c.key, alerts.c.seen_at, alerts.c.doc).where(
        OVER, alerts.c.seen_at < instant_to_us(before), place > after
    )
    some = conn.execute(
        over.order_by(alerts.c.seen_at, alerts.c.key).limit(limit).with_for_update(skip_locked=True)
    ).all()
    unneeded = _unneeded(conn, some)
    _DELETE.apply(conn, unneeded)
    return len(unneeded), Place(some[-1].seen_at, some[-1].key) if len(some) == limit else None


def _unneeded(conn: Connection, rows: Sequence[Row[*tuple[Any, ...]]]) -> list[str]:
    """Return the keys of those whose incidents, if any, are all closed or gone."""
    incidents_by_key = {row.key: decode_condition(row.key, row.doc).incidents for row in rows}
    asked = sorted({key for keys in incidents_by_key.values() for key in keys})
    needed = {key for (key,) in _NOT_CLOSED.rows(conn, asked)}
    return [key for key, keys in incidents_by_key.items() if needed.isdisjoint(keys)]
