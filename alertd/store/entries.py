"""The journal's rows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any

import msgspec
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.sql.expression import ClauseElement

from alertd.flows.ports import Appended, Entry, Envelope, Parking
from alertd.store.counters import add_accepted
from alertd.store.encoding import decode_texts, encode, instant_to_us, us_to_instant
from alertd.store.statements import (
    Lookup,
    NumberingInsert,
    Prepared,
    ReturningInsert,
    Values,
    insert_into,
)
from alertd.store.tables import DECIDED, UNDECIDED, journal

MOST_BYTES = 16 * 1024**2  # of bodies, read at once to be decided

_COLON: ColumnElement[str] = literal_column("':'")
_BUT_BODY = [column for column in journal.columns if column.name != "body"]
_NAMES = [column.name for column in journal.columns if column.name != "id"]


def _insert_statement(dialect_name: str, rows: list[dict[str, BindParameter[Any]]]) -> ClauseElement:
    """Insert, unless this delivery is there already. An equal receipt is an error: receipts are ours."""
    return (
        insert_into(dialect_name, journal)
        .values(rows)
        .on_conflict_do_nothing(
            index_elements=["source", "delivery_id"], index_where=journal.c.delivery_id.is_not(None)
        )
        .returning(journal.c.receipt, journal.c.id)
    )


_INSERT = ReturningInsert(_insert_statement, _NAMES)
_INSERT_NEW = NumberingInsert(journal, _NAMES)


def _count_undecided(ids: Sequence[BindParameter[Any]]) -> ClauseElement:
    locked = select(journal.c.id).where(journal.c.id.in_(ids), UNDECIDED).with_for_update().subquery()
    return select(func.count()).select_from(locked)


_LOCK_UNDECIDED = Lookup(_count_undecided)
_MARK_DECIDED = Lookup(
    lambda ids: update(journal).where(journal.c.id.in_(ids)).values(decided=literal_column("1"))
)


_park = (
    update(journal)
    .where(journal.c.id == bindparam("the_id"))
    .values(parked=bindparam("new_parked"), parked_messages=bindparam("new_messages"))
)
_MARK_PARKED = Prepared(lambda _: _park, ("new_parked", "new_messages", "the_id"))


def append_all(conn: Connection, envelopes: Sequence[Envelope]) -> list[Appended]:
    """Insert the envelopes and answer for each, in order. A repeated delivery answers with its first row."""
    if not any(envelope.delivery_id for envelope in envelopes):
        numbers = _INSERT_NEW.run(conn, [_row(envelope) for envelope in envelopes])
        add_accepted(conn, sum(envelope.messages for envelope in envelopes))
        return [Appended(id_, each.receipt) for id_, each in zip(numbers, envelopes, strict=True)]
    inserted = _INSERT.run(conn, [_row(envelope) for envelope in envelopes])
    ids: dict[str, int] = {row.receipt: row.id for row in inserted}
    add_accepted(conn, sum(envelope.messages for envelope in envelopes if envelope.receipt in ids))
    return [
        Appended(ids[envelope.receipt], envelope.receipt)
        if envelope.receipt in ids
        else _first_delivery(conn, envelope)
        for envelope in envelopes
    ]


def _row(envelope: Envelope) -> Values:
    return (
        envelope.receipt,
        envelope.source,
        envelope.kind,
        instant_to_us(envelope.received_at),
        envelope.content_type,
        encode(envelope.params).decode() if envelope.params else "{}",
        envelope.peer,
        envelope.delivery_id,
        envelope.messages,
        envelope.parked,
        envelope.parked_messages,
        0,
        envelope.body,
    )


def _first_delivery(conn: Connection, envelope: Envelope) -> Appended:
    same = (journal.c.source == envelope.source) & (journal.c.delivery_id == envelope.delivery_id)
    first = conn.execute(select(journal.c.id, journal.c.receipt).where(same)).one()
    return Appended(first.id, first.receipt, duplicate=True)


def lock_undecided(conn: Connection, journal_ids: Sequence[int]) -> int:
    """Return how many of these entries are undecided, and keep others from deciding them meanwhile."""
    return sum(count for (count,) in _LOCK_UNDECIDED.rows(conn, sorted(set(journal_ids))))


def mark_decided(conn: Connection, journal_ids: Sequence[int]) -> None:
    """Set the flag."""
    _MARK_DECIDED.apply(conn, journal_ids)


def mark_parked(conn: Connection, parked: Mapping[int, Parking]) -> None:
    """Keep why these entries, by id, are set aside."""
    _MARK_PARKED.run(conn, [(each.reason, each.messages, id_) for id_, each in sorted(parked.items())])


# --- reading ------------------------------------------------------------------------------------------


def undecided(conn: Connection, after: int, limit: int) -> list[Entry]:
    """Return undecided entries with a larger id than `after`, oldest first; parked ones too.

    At most `limit`, and no more than fit into `MOST_BYTES`, but one at least.
    """
    waiting = select(journal).where(UNDECIDED, journal.c.id > after).order_by(journal.c.id)
    sizes = waiting.with_only_columns(func.length(journal.c.body)).limit(limit)
    read = list(accumulate(conn.execute(sizes).scalars()))
    return _entries(conn, waiting, max(bisect_right(read, MOST_BYTES), min(len(read), 1)))


def entry(conn: Connection, receipt: str) -> Entry | None:
    """Return the entry with this receipt."""
    found = _entries(conn, select(journal).where(journal.c.receipt == receipt), 1)
    return found[0] if found else None


class SourceTotals(msgspec.Struct, frozen=True):
    """What one source has sent that the journal still holds."""

    requests: int
    messages: int  # alert messages, parked ones too
    parked: int  # of these
    seen_at: datetime


def of_source(conn: Connection, source: str, limit: int) -> list[Entry]:
    """Return the last requests of one source, newest first."""
    return _entries(
        conn, select(journal).where(journal.c.source == source).order_by(journal.c.id.desc()), limit
    )


def totals_by_source(conn: Connection) -> dict[str, SourceTotals]:
    """Return what each source has sent, by its name."""
    columns = (
        func.count(),
        func.sum(journal.c.messages),
        func.sum(journal.c.parked_messages),
        func.max(journal.c.received_at),
    )
    rows = conn.execute(select(journal.c.source, *columns).group_by(journal.c.source))
    return {
        source: SourceTotals(requests, int(messages), int(parked), us_to_instant(seen_at))
        for source, requests, messages, parked, seen_at in rows
    }


def parked(conn: Connection, limit: int) -> list[Entry]:
    """Return entries that could not be read, wholly or in part, newest first; without their bodies."""
    some = select(*_BUT_BODY).where(journal.c.parked.is_not(None)).order_by(journal.c.id.desc())
    return _entries(conn, some, limit)


def parked_by_reason(conn: Connection) -> dict[str, int]:
    """Return how many entries are parked, by what their reason begins with before a colon."""
    position = func.instr if conn.dialect.name == "sqlite" else func.strpos
    before_colon = position(journal.c.parked.concat(_COLON), _COLON) - literal_column("1")
    reason = func.substr(journal.c.parked, literal_column("1"), before_colon)
    counted = select(reason, func.count()).where(journal.c.parked.is_not(None)).group_by(reason)
    return dict(conn.execute(counted).all())


def oldest(conn: Connection) -> Entry | None:
    """Return the oldest entry that is kept, without its body."""
    found = _entries(conn, select(*_BUT_BODY).order_by(journal.c.id), 1)
    return found[0] if found else None


def since(conn: Connection, at: datetime, after: int, limit: int) -> list[Entry]:
    """Return entries received at or after `at` with a larger id than `after`, oldest first: for replay."""
    some = select(journal).where(journal.c.received_at >= instant_to_us(at), journal.c.id > after)
    return _entries(conn, some.order_by(journal.c.id), limit)


def _entries(conn: Connection, query: Select[tuple[object, ...]], limit: int) -> list[Entry]:
    return [_entry(row) for row in conn.execute(query.limit(limit))]


def _entry(row: Row[tuple[object, ...]]) -> Entry:
    kept = row._mapping  # noqa: SLF001 - SQLAlchemy's public way to columns by name, in spite of its name
    envelope = Envelope(
        receipt=kept["receipt"],
        source=kept["source"],
        kind=kept["kind"],
        received_at=us_to_instant(kept["received_at"]),
        body=bytes(kept.get("body", b"")),
        content_type=kept["content_type"],
        params=decode_texts(f"params of receipt {kept['receipt']}", kept["params"]),
        peer=kept["peer"],
        delivery_id=kept["delivery_id"],
        messages=kept["messages"],
        parked=kept["parked"],
        parked_messages=kept["parked_messages"],
    )
    return Entry(kept["id"], envelope, decided=bool(kept["decided"]))


# --- retention ----------------------------------------------------------------------------------------


def purge(conn: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` decided entries received before this; return how many."""
    old = (
        select(journal.c.id)
        .where(journal.c.received_at < instant_to_us(before), DECIDED)
        .order_by(journal.c.received_at)
        .limit(limit)
    )
    return conn.execute(delete(journal).where(journal.c.id.in_(old))).rowcount
