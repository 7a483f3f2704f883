"""Steps: all of it, or nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from alertd.core.alerts import AlertKey, alert_key
from alertd.core.incidents import Closed, Waiting
from alertd.core.tickets import Create, Field, Intent, Known, Ticket
from alertd.flows.errors import Conflict
from alertd.flows.ports import ConditionRow, IncidentRow, Step
from alertd.store.reading import Unsettled
from alertd.store.store import Store
from tests.store.making import (
    T0,
    FixedClock,
    condition,
    condition_write,
    envelope,
    first_seen,
    happening,
    incident,
    incident_write,
    ticketed,
)

KEY = alert_key("prometheus", "a")


async def decide(store: Store, name: str) -> None:
    appended = await store.append(envelope(name))
    await store.commit(first_seen(name, appended.journal_id))


async def test_what_was_committed_is_loaded(store: Store) -> None:
    await decide(store, "a")

    loaded = await store.load([KEY, AlertKey("unknown")], ["a", "unknown"])

    assert loaded.conditions == {KEY: ConditionRow(condition("a"), 1)}
    assert loaded.incidents == {"a": IncidentRow(incident("a"), Known(), 1, T0)}
    assert await store.undecided(after=0, limit=9) == []
    assert (await store.accounts()).totals == {"pending": 1}
    assert [line.what for line in await store.history(incident_keys=["a"], limit=9)] == ["opened"]


async def test_every_part_of_a_document_survives(store: Store) -> None:
    known = ticketed(
        7,
        fields={"status": Field(1, 1, 8)},
        tags={"alertd": 3},
        intent=Intent(operation=Create("alertd-x-g1", 2), begun_at=T0, text="ä\u2028"),
        retry_at=T0 + timedelta(microseconds=1),
    )
    closed = incident("a", phase=Closed(T0, "cleared", T0 + timedelta(hours=1)), previous=Ticket(6, "T1"))
    await store.commit(Step(incidents=[incident_write("a", incident_=closed, known=known, state="closed")]))

    row = (await store.load([], ["a"])).incidents["a"]

    assert (row.incident, row.known) == (closed, known)


async def test_versions_rise_and_the_latest_is_loaded(store: Store) -> None:
    await decide(store, "a")
    later = incident("a", phase=Waiting(T0))

    await store.commit(
        Step(
            conditions=[condition_write("a", version=1, ticketed=True)],
            incidents=[incident_write("a", version=1, incident_=later, settle_at=None)],
        )
    )

    loaded = await store.load([KEY], ["a"])
    assert loaded.conditions == {KEY: ConditionRow(condition("a", ticketed=True), 2)}
    assert loaded.incidents == {"a": IncidentRow(later, Known(), 2, None)}


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(Step(incidents=[incident_write("a", version=2)]), id="incident was changed"),
        pytest.param(Step(incidents=[incident_write("a")]), id="incident was made"),
        pytest.param(Step(incidents=[incident_write("b", version=1)]), id="incident is not there"),
        pytest.param(Step(conditions=[condition_write("a", version=3)]), id="condition was changed"),
        pytest.param(Step(conditions=[condition_write("a")]), id="condition was made"),
        pytest.param(Step(conditions=[condition_write("b", version=1)]), id="condition is not there"),
        pytest.param(Step(decided=[1]), id="entry was decided"),
        pytest.param(Step(decided=[99]), id="entry is not there"),
        pytest.param(
            Step(conditions=[condition_write("new")], incidents=[incident_write("new"), incident_write("a")]),
            id="one row of many",
        ),
    ],
)
async def test_a_conflict_applies_nothing(store: Store, step: Step) -> None:
    await decide(store, "a")
    waiting = await store.append(envelope("other"))
    whole = Step(
        decided=[waiting.journal_id, *step.decided],
        conditions=[condition_write("fresh"), *step.conditions],
        incidents=[incident_write("fresh"), *step.incidents],
        history=[happening("opened", incident_key="fresh")],
        totals={"pending": 5},
    )

    with pytest.raises(Conflict):
        await store.commit(whole)

    loaded = await store.load(
        [KEY, alert_key("prometheus", "fresh"), alert_key("prometheus", "new")], ["fresh", "new", "a"]
    )
    assert loaded.conditions == {KEY: ConditionRow(condition("a"), 1)}
    assert loaded.incidents == {"a": IncidentRow(incident("a"), Known(), 1, T0)}
    assert (await store.accounts()).totals == {"pending": 1}
    assert await store.history(incident_keys=["fresh"], limit=9) == []
    assert len(await store.undecided(after=0, limit=9)) == 1


async def test_of_two_steps_at_once_one_wins(store: Store) -> None:
    await decide(store, "a")

    outcomes = await asyncio.gather(
        *(store.commit(Step(incidents=[incident_write("a", version=1)])) for _ in range(5)),
        return_exceptions=True,
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict"] * 4 + ["NoneType"]


async def test_a_row_twice_in_one_step_is_a_bug(store: Store) -> None:
    with pytest.raises(ValueError, match="twice"):
        await store.commit(Step(incidents=[incident_write("a"), incident_write("a")]))


async def test_totals_move_by_their_changes(store: Store) -> None:
    await store.commit(Step(totals={"pending": 3, "held": 1}))
    await store.commit(Step(totals={"pending": -2, "ticketed": 2}))

    assert (await store.accounts()).totals == {"pending": 1, "held": 1, "ticketed": 2}


async def test_a_big_step_is_loaded_whole(store: Store) -> None:
    names = [f"n{number}" for number in range(1203)]
    await store.commit(
        Step(
            conditions=[condition_write(name) for name in names],
            incidents=[incident_write(name) for name in names],
        )
    )

    loaded = await store.load([alert_key("prometheus", name) for name in names], iter(names))

    assert (len(loaded.conditions), len(loaded.incidents)) == (1203, 1203)
    await store.commit(Step(incidents=[incident_write(name, version=1) for name in names]))


async def test_an_empty_step_is_fine(store: Store) -> None:
    await store.commit(Step())


# --- time ---------------------------------------------------------------------------------------------


async def test_due_is_in_order_of_time_and_names_the_next_instant(store: Store) -> None:
    minutes = {"a": 3, "b": 1, "c": 2, "later": 9}
    await store.commit(
        Step(
            conditions=[condition_write(n, due_at=T0 + timedelta(minutes=m)) for n, m in minutes.items()],
            incidents=[
                incident_write("i2", due_at=T0 + timedelta(minutes=2)),
                incident_write("i1", due_at=T0 + timedelta(minutes=1)),
                incident_write("i8", due_at=T0 + timedelta(minutes=8)),
                incident_write("never"),
            ],
        )
    )

    due = await store.due(T0 + timedelta(minutes=3), limit=10)

    assert list(due.alert_keys) == [alert_key("prometheus", name) for name in "bca"]
    assert list(due.incident_keys) == ["i1", "i2"]
    assert due.next_at == T0 + timedelta(minutes=8)


async def test_due_keeps_to_its_limit_oldest_first(store: Store) -> None:
    await store.commit(
        Step(incidents=[incident_write(f"i{n}", due_at=T0 + timedelta(seconds=n)) for n in (3, 1, 2)])
    )

    due = await store.due(T0 + timedelta(minutes=1), limit=2)

    assert (list(due.incident_keys), due.next_at) == (["i1", "i2"], None)


async def test_nothing_is_due_in_an_empty_store(store: Store) -> None:
    due = await store.due(T0, limit=5)

    assert (list(due.alert_keys), list(due.incident_keys), due.next_at) == ([], [], None)


async def test_unsettled_since_is_kept_until_settled(store: Store, clock: FixedClock) -> None:
    await store.commit(Step(incidents=[incident_write("a"), incident_write("b", settle_at=None)]))
    assert await store.unsettled() == Unsettled(1, T0)

    clock.advance(minutes=1)
    await store.commit(Step(incidents=[incident_write("a", version=1, settle_at=T0 + timedelta(hours=1))]))
    assert await store.unsettled() == Unsettled(1, T0)

    await store.commit(Step(incidents=[incident_write("a", version=2, settle_at=None)]))
    assert (await store.unsettled()).count == 0

    clock.advance(minutes=1)
    await store.commit(Step(incidents=[incident_write("a", version=3)]))
    assert await store.unsettled() == Unsettled(1, T0 + timedelta(minutes=2))
