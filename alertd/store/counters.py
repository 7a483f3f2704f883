"""Small things by name: totals of the dispositions, and what alertd remembers about itself."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, func, select
from sqlalchemy.sql.expression import ClauseElement

from alertd.store.statements import Prepared, insert_into, parameters
from alertd.store.tables import UNDECIDED, journal, memory, totals

_ACCEPTED = "accepted"  # messages ever journalled; kept beside the dispositions, which sum up to it


def _add_statement(dialect_name: str) -> ClauseElement:
    statement = insert_into(dialect_name, totals).values(parameters(("name", "value")))
    return statement.on_conflict_do_update(
        index_elements=["name"], set_={"value": totals.c.value + statement.excluded.value}
    )


def _set_statement(dialect_name: str) -> ClauseElement:
    statement = insert_into(dialect_name, memory).values(parameters(("name", "value")))
    return statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value})


_ADD = Prepared(_add_statement, ("name", "value"))
_SET = Prepared(_set_statement, ("name", "value"))


def add_totals(conn: Connection, changes: Mapping[str, int]) -> None:
    """Move the totals by these changes. Sorted, so that two nodes never wait for one another in a ring."""
    _ADD.run(conn, sorted(changes.items()))


def add_accepted(conn: Connection, messages: int) -> None:
    """Count messages that the journal took."""
    add_totals(conn, {_ACCEPTED: messages})


def read_totals(conn: Connection) -> dict[str, int]:
    """Return the total of every disposition that ever occurred."""
    rows = conn.execute(select(totals.c.name, totals.c.value).where(totals.c.name != _ACCEPTED))
    return dict(rows.all())


def read_accepted(conn: Connection) -> int:
    """Return how many messages the journal ever took, purged ones too."""
    found = conn.execute(select(totals.c.value).where(totals.c.name == _ACCEPTED)).scalar()
    return found or 0


def read_undecided_messages(conn: Connection) -> int:
    """Return how many journalled messages wait to be decided."""
    waiting = select(func.coalesce(func.sum(journal.c.messages), 0)).where(UNDECIDED)
    return int(conn.execute(waiting).scalar_one())


def read_unaccounted(conn: Connection) -> int:
    """Return accepted messages that are neither waiting to be decided nor in any disposition: 0, or a bug."""
    return read_accepted(conn) - read_undecided_messages(conn) - sum(read_totals(conn).values())


def set_memory(conn: Connection, name: str, value: str) -> None:
    """Remember `value` under `name`."""
    _SET.run(conn, [(name, value)])


def get_memory(conn: Connection, name: str) -> str | None:
    """Return what was remembered under `name`."""
    value: str | None = conn.execute(select(memory.c.value).where(memory.c.name == name)).scalar()
    return value
