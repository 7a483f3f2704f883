"""Statements say the same to both databases, and never read a whole table where there is an index."""

from __future__ import annotations

import gc
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Dialect, bindparam, event, select
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.dialects.postgresql import asyncpg

from alertd.core.alerts import alert_key
from alertd.flows.ports import Parking, Step
from alertd.store.opening import open_store
from alertd.store.settings import StoreSettings
from alertd.store.statements import Lookup, NumberingInsert, Prepared, ReturningInsert, _parts
from alertd.store.store import Store
from alertd.store.tables import alerts, history
from tests.store.making import (
    T0,
    FixedClock,
    condition_write,
    envelope,
    first_seen,
    happening,
    incident_write,
    ticketed,
)

STATEMENTS = [one for one in gc.get_objects() if isinstance(one, Prepared)]


every_dialect = pytest.mark.parametrize(
    "dialect", [sqlite_dialect.dialect(), asyncpg.dialect()], ids=["sqlite", "postgresql"]
)


@every_dialect
def test_every_prepared_statement_compiles_with_its_parameters_in_order(dialect: Dialect) -> None:
    assert len(STATEMENTS) > 20
    for statement in STATEMENTS:
        assert statement.text(dialect)


@every_dialect
@pytest.mark.parametrize("size", [1, 3, NumberingInsert.MOST])
def test_a_numbering_insert_compiles_for_any_number_of_rows(dialect: Dialect, size: int) -> None:
    insert = NumberingInsert(history, [column.name for column in history.columns if column.name != "id"])

    assert insert.text(dialect, size) == insert._prepared(size).text(dialect)
    assert insert.text(dialect, size).count("(") > size


def test_a_statement_with_its_parameters_in_another_order_is_refused() -> None:
    query = select(alerts.c.key).where(alerts.c.key == bindparam("a"), alerts.c.version == bindparam("b"))

    with pytest.raises(ValueError, match="another order"):
        Prepared(lambda _: query, ["b", "a"]).text(sqlite_dialect.dialect())


@pytest.mark.parametrize(
    ("count", "parts"),
    [
        (0, []),
        (1, [(0, 1)]),
        (5, [(0, 8)]),
        (64, [(0, 64)]),
        (65, [(0, 500)]),
        (501, [(0, 500), (500, 1)]),
        (1009, [(0, 500), (500, 500), (1000, 64)]),
    ],
)
def test_parts(count: int, parts: list[tuple[int, int]]) -> None:
    assert list(_parts(count, (500, 64, 8, 1))) == parts


def test_statements_of_every_kind_are_among_those_checked() -> None:
    kinds = [one for one in gc.get_objects() if isinstance(one, Lookup | ReturningInsert)]
    assert len(kinds) >= 6


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    settings = StoreSettings(url=f"sqlite:///{tmp_path / 'alertd.db'}", min_free=0)
    async with open_store(settings, clock=FixedClock(), registry=CollectorRegistry()) as opened:
        yield opened


async def test_no_question_reads_a_whole_table(store: Store) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_conn: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "PRAGMA")):
            asked.append((statement, parameters[0] if isinstance(parameters, list) else parameters))

    conn = store._runner._db.conn
    for engine in (conn.engine, store._reads._engine):
        event.listen(engine, "before_cursor_execute", note)
    await _use_everything(store)

    plans: list[str] = []

    def explain(conn: Any) -> None:
        for statement, parameters in asked.copy():
            for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
                if re.match(r"SCAN (journal|alerts|incidents|history|calls)\b(?! USING)", row.detail):
                    plans.append(f"{row.detail}: {statement}")

    await store._runner.run(explain)
    assert len(asked) > 40
    assert [plan for plan in plans if not any(column in plan for column in SCANNED)] == []
    assert len(plans) == len(SCANNED)


# Asked by a person now and then: an index would cost every decision a write at a random place.
SCANNED = ("incidents.reference = ", "history.alert_key IN ")


async def _use_everything(store: Store) -> None:
    for name in ("a", "b"):
        appended = await store.append(envelope(name, delivery_id=name))
        await store.commit(first_seen(name, appended.journal_id))
    await store.append(envelope("c", delivery_id="a"))
    await store.commit(
        Step(
            conditions=[condition_write("a", version=1, due_at=T0)],
            incidents=[incident_write("a", version=1, known=ticketed(1), watched_ticket_id=1)],
            history=[happening("joined", incident_key="a")],
        )
    )
    entry = await store.append(envelope("d"))
    await store.commit(Step(decided=[entry.journal_id], parked={entry.journal_id: Parking("gone", 1)}))
    ended = condition_write("ended", firing=False, seen_at=T0 - timedelta(days=90), incidents=("a", "b"))
    await store.commit(Step(conditions=[ended]))
    [claim, *_] = await store.claim(T0, limit=5, owner="me", lease=timedelta(minutes=1))
    await store.release(claim)
    await store.set("a", "b")
    await store.record(T0, "Tickets", "a")
    await store.undecided(after=0, limit=5)
    await store.entry("a")
    await store.parked_entries(limit=5)
    await store.parked_by_reason()
    await store.entries_since(T0, after=0, limit=5)
    await store.load([alert_key("prometheus", "a")], ["a", "b"])
    await store.due(T0, limit=5)
    await store.next_settle_at()
    await store.live_tickets()
    await store.canaries(limit=5)
    await store.incident("a")
    await store.incident_by_ticket_id(1)
    await store.incident_by_ticket_number("T1")
    await store.incident_by_reference("alertd-x-g1")
    await store.incidents_by_key(["a", "b"])
    await store.incidents(limit=5)
    await store.incidents(states=["open"], limit=5)
    await store.firing_conditions(limit=5)
    await store.history(incident_keys=["a"], receipts=["a"], limit=5)
    await store.history(alert_keys=["a"], limit=5)
    await store.calls_of("a")
    await store.recent(T0)
    await store.accounts()
    await store.counts_by_state()
    await store.count_firing()
    await store.unsettled()
    await store.get("a")
    await store.purge(T0 + timedelta(days=31), keep_journal=timedelta(days=30))
