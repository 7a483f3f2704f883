"""Small things by name: totals of the dispositions, and what alertd remembers about itself."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, func, select
from sqlalchemy.sql.expression import ClauseElement

from alertd.store.statements import Prepared, insert_into, parameters
from alertd.store.tables import UNDECIDED, journal, memory, totals

_ACCEPTED = "accepted"  # messages ever journalled; kept beside the dispositions, which sum up to it


class Accounts(msgspec.Struct, frozen=True, kw_only=True):
    """Where every alert message is, at one moment."""

    accepted: int  # that the journal ever took, purged ones too
    undecided: int  # journalled ones that wait to be decided
    totals: Mapping[str, int]  # in each disposition that ever occurred, by decision

    @property
    def unaccounted(self) -> int:
        """Messages that neither wait to be decided nor have a disposition: 0, or there is a bug."""
        return self.accepted - self.undecided - sum(self.totals.values())


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


def read_accounts(conn: Connection) -> Accounts:
    """Return the accounts. Only where `conn` sees one moment do they agree with one another."""
    values = dict(conn.execute(select(totals.c.name, totals.c.value)).all())
    waiting = select(func.coalesce(func.sum(journal.c.messages), 0)).where(UNDECIDED)
    accepted = values.pop(_ACCEPTED, 0)
    return Accounts(accepted=accepted, undecided=int(conn.execute(waiting).scalar_one()), totals=values)


def set_memory(conn: Connection, name: str, value: str) -> None:
    """Remember `value` under `name`."""
    _SET.run(conn, [(name, value)])


def get_memory(conn: Connection, name: str) -> str | None:
    """Return what was remembered under `name`."""
    value: str | None = conn.execute(select(memory.c.value).where(memory.c.name == name)).scalar()
    return value
