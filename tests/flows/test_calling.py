"""Call-outs have a ticket read soon, and can do no harm: over fakes and in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from alertd.core.incidents import Acknowledged
from alertd.flows.calling import Calls
from alertd.flows.errors import OutcomeUnknown
from alertd.flows.settings import SyncSettings
from alertd.flows.syncing import Syncer
from tests.flows.conftest import LoopClock, Machine, alert

pytestmark = pytest.mark.looptime
SELDOM = SyncSettings(every=timedelta(hours=12))


class Called(Machine):
    """All flows, with a sync that hardly ever comes by itself."""

    def boot(self) -> None:
        super().boot()
        self.syncer = Syncer(self.world, SELDOM, wake_settling=self.settler.wake)
        self.calls = Calls(self.syncer, self.clock)

    async def run(self, seconds: float) -> None:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.calls.run(stop, lambda: None))
            await super().run(seconds)
            stop.set()
            await task


async def with_a_ticket(count: int = 1) -> Called:
    machine = Called()
    await machine.post(*(alert(f"host{number}") for number in range(count)))
    await machine.run(120)
    assert len(machine.tickets) == count
    machine.desk.calls.clear()
    return machine


def phases(machine: Machine) -> list[type]:
    return [type(row.incident.phase) for row in machine.state.incidents.values()]


async def test_a_ticket_that_is_called_is_read_within_two_seconds() -> None:
    machine = await with_a_ticket()
    machine.desk.person(machine.tickets[0].id, status=5)
    machine.calls.changed(machine.tickets[0].id)
    await machine.run(2)

    assert phases(machine) == [Acknowledged]
    assert machine.desk.calls == ["ticket", "merged_away"]


async def test_what_is_called_is_read_by_id_since_queries_lag() -> None:
    machine = await with_a_ticket()
    machine.desk.search_lag = timedelta(seconds=30)
    machine.desk.person(machine.tickets[0].id, status=5)
    machine.calls.changed(machine.tickets[0].id)
    await machine.run(2)
    assert phases(machine) == [Acknowledged]


async def test_a_query_that_lags_does_not_undo_what_a_read_by_id_has_shown() -> None:
    machine = await with_a_ticket()
    [ticket] = machine.tickets
    stale = machine.desk._facts(ticket)
    machine.desk.person(ticket.id, status=5)
    machine.calls.changed(ticket.id)
    await machine.run(2)
    before = machine.state.commits

    async def lagging(_: object) -> list[object]:
        return [stale]

    machine.desk.tickets = lagging  # type: ignore[assignment]
    await machine.syncer.sync()
    assert machine.state.commits == before


async def test_many_calls_are_one_read() -> None:
    machine = await with_a_ticket()
    for _ in range(1000):
        machine.calls.changed(machine.tickets[0].id)
    await machine.run(60)
    assert machine.desk.calls == ["ticket"]


async def test_a_call_for_a_stranger_ticket_asks_nothing_of_autotask() -> None:
    machine = await with_a_ticket()
    for ticket_id in range(500_000, 501_000):
        machine.calls.changed(ticket_id)
    await machine.run(60)
    assert machine.desk.calls == []


async def test_many_tickets_are_read_by_one_query() -> None:
    machine = await with_a_ticket(20)
    for ticket in machine.tickets:
        machine.calls.changed(ticket.id)
    await machine.run(30)
    assert machine.desk.calls == ["tickets"]


async def test_calls_that_never_stop_cost_a_round_every_half_minute() -> None:
    machine = await with_a_ticket()
    running = asyncio.create_task(machine.run(3600))
    while not running.done():
        machine.calls.changed(machine.tickets[0].id)
        await asyncio.sleep(0.5)
    await running
    assert machine.desk.calls.count("ticket") <= 3600 / 30 + 6


async def test_after_a_storm_the_next_call_is_served_at_once_again() -> None:
    machine = await with_a_ticket()
    for _ in range(20):
        machine.calls.changed(machine.tickets[0].id)
        await machine.run(10)
    await machine.run(60)
    machine.desk.calls.clear()
    machine.calls.changed(machine.tickets[0].id)
    await machine.run(2)
    assert machine.desk.calls == ["ticket"]


async def test_a_forged_call_changes_nothing() -> None:
    machine = await with_a_ticket()
    await machine.syncer.sync()  # the first clean read is worth a write, by whomever it is set off
    before = dict(machine.state.incidents)
    machine.calls.changed(machine.tickets[0].id)
    await machine.run(5)
    assert machine.state.incidents == before


async def test_a_ticket_that_is_not_shown_is_left_to_the_sync() -> None:
    machine = await with_a_ticket()
    machine.tickets[0].gone = True
    for _ in range(5):
        machine.calls.changed(machine.tickets[0].id)
        await machine.run(60)
    assert machine.desk.calls.count("ticket") == 5
    assert "Gone" not in str(phases(machine))
    assert all(row.known.missing == 0 for row in machine.state.incidents.values())


async def test_a_call_just_after_our_own_write_is_read_when_that_proves_something() -> None:
    machine = await with_a_ticket()
    await machine.post(alert("host0", severity="critical"))
    await machine.run(5)
    machine.desk.calls.clear()
    machine.desk.person(machine.tickets[0].id, status=5)
    machine.calls.changed(machine.tickets[0].id)
    await machine.run(10)
    assert "ticket" not in machine.desk.calls
    await machine.run(30)
    assert machine.desk.calls.count("ticket") == 1
    assert phases(machine) == [Acknowledged]


async def test_what_cannot_be_read_now_is_left_to_the_sync() -> None:
    machine = await with_a_ticket()
    machine.desk.down = True
    machine.calls.changed(machine.tickets[0].id)
    await machine.run(60)
    machine.desk.down = False
    machine.desk.person(machine.tickets[0].id, status=5)
    await machine.syncer.sync()
    assert phases(machine) == [Acknowledged]


async def test_more_calls_than_can_be_remembered_are_let_go() -> None:
    class Reader:
        asked: frozenset[int] = frozenset()

        async def read(self, ticket_ids: frozenset[int]) -> Mapping[int, datetime] | None:
            self.asked = ticket_ids
            return None

    reader, stop = Reader(), asyncio.Event()
    calls = Calls(reader, LoopClock())
    for ticket_id in range(50_000):
        calls.changed(ticket_id)
    async with asyncio.TaskGroup() as group:
        group.create_task(calls.run(stop, lambda: None))
        await asyncio.sleep(1)
        stop.set()
    assert len(reader.asked) == 10_000


async def test_a_call_during_our_own_write_is_read_after_it() -> None:
    machine = await with_a_ticket()
    [ticket] = machine.tickets
    machine.desk.fail("change", "after", OutcomeUnknown("lost"))
    await machine.post(alert("host0", severity="critical"))
    await machine.run(1)
    assert next(iter(machine.state.incidents.values())).known.intent is not None
    machine.desk.person(ticket.id, status=5)
    machine.calls.changed(ticket.id)
    await machine.run(600)
    assert phases(machine) == [Acknowledged]
