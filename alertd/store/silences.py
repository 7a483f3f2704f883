"""Silences as rows. They are few, and read all at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select
from sqlalchemy.sql.expression import ClauseElement

from alertd.core.silences import Silence
from alertd.store.encoding import decode_silence, encode, instant_to_us
from alertd.store.statements import Prepared, insert_into, parameters
from alertd.store.tables import silences

_NAMES = ("id", "ends_at", "doc")


def _keep_statement(dialect_name: str) -> ClauseElement:
    statement = insert_into(dialect_name, silences).values(parameters(_NAMES))
    return statement.on_conflict_do_update(
        index_elements=["id"],
        set_={"ends_at": statement.excluded.ends_at, "doc": statement.excluded.doc},
    )


_KEEP = Prepared(_keep_statement, _NAMES)


def keep(conn: Connection, kept: Sequence[Silence]) -> None:
    """Store these, each in place of the one with its id."""
    _KEEP.run(conn, [(each.id, instant_to_us(each.ends_at), encode(each)) for each in kept])


def read_all(conn: Connection) -> list[Silence]:
    """Return every silence that is kept, by id."""
    rows = conn.execute(select(silences.c.id, silences.c.doc).order_by(silences.c.id))
    return [decode_silence(id_, doc) for id_, doc in rows]


def purge(conn: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` silences that ended before this; return how many."""
    old = select(silences.c.id).where(silences.c.ends_at < instant_to_us(before))
    some = old.order_by(silences.c.ends_at).limit(limit)
    return conn.execute(delete(silences).where(silences.c.id.in_(some))).rowcount
