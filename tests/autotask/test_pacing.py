from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from alertd.autotask.budget import WINDOW, RollingBudget
from alertd.autotask.pacing import Ended, Gate
from alertd.autotask.precedence import Precedence
from alertd.autotask.pressure import pressure_level
from alertd.autotask.scheduler import Scheduler
from alertd.autotask.shares import Errand
from alertd.autotask.slots import LONGEST_FIRST, Slots, Turn
from alertd.flows.errors import Throttled

START = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


class StandingClock:
    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at


class KeptLog:
    def __init__(self, before: Sequence[datetime] = ()) -> None:
        self.kept = list(before)

    async def recent(self, since: datetime) -> Sequence[datetime]:
        return [at for at in self.kept if at > since]

    async def record(self, at: datetime, endpoint: str) -> None:
        del endpoint
        self.kept.append(at)

    def answered(self, at: datetime, ended: Ended) -> None:
        del at, ended


def make_gate(*, calls: int = 100, limit: int = 2, log: KeptLog | None = None) -> tuple[Gate, StandingClock]:
    clock = StandingClock()
    scheduler = Scheduler(calls_per_hour=calls, calls_in_flight=limit)
    return Gate(scheduler, log=log or KeptLog(), clock=clock), clock


def errand(
    endpoint: str = "Tickets", *, precedence: Precedence = Precedence.CRITICAL_CREATE, company: str = ""
) -> Errand:
    return Errand(endpoint=endpoint, precedence=precedence, company=company)


async def turns_of_the_loop() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@given(calls=st.integers(1, 20), steps=st.lists(st.floats(0, 1200), max_size=200))
def test_no_rolling_hour_is_ever_above_the_budget(calls: int, steps: list[float]) -> None:
    budget, now, sent = RollingBudget(calls), START, list[datetime]()
    for step in steps:
        now += timedelta(seconds=step)
        if not budget.wait(now):
            budget.spend(now)
            sent.append(now)
    hour = timedelta(hours=1)
    assert all(sum(at <= other <= at + hour for other in sent) <= calls for at in sent)


@given(calls=st.integers(1, 20), steps=st.lists(st.floats(0, 300), min_size=1, max_size=60))
def test_the_wait_ends_exactly_when_a_call_may_be_made(calls: int, steps: list[float]) -> None:
    budget, now = RollingBudget(calls), START
    for step in steps:
        now += timedelta(seconds=step)
        if not budget.wait(now):
            budget.spend(now)
    wait = budget.wait(now)
    if wait:
        assert budget.wait(now + wait - timedelta(milliseconds=1))
    assert not budget.wait(now + wait)


@given(calls=st.integers(1, 5), steps=st.lists(st.tuples(st.floats(0, 1200), st.booleans()), max_size=200))
def test_calls_that_never_left_are_given_back_and_no_others(
    calls: int, steps: list[tuple[float, bool]]
) -> None:
    budget, now, sent = RollingBudget(calls), START, list[datetime]()
    for step, left in steps:
        now += timedelta(seconds=step)
        if budget.wait(now):
            continue
        spent = budget.spend(now)
        if left:
            sent.append(now)
        else:
            budget.give_back(spent)
    assert budget.remaining(now) == calls - sum(at + WINDOW > now for at in sent)
    assert all(sum(at <= other <= at + timedelta(hours=1) for other in sent) <= calls for at in sent)


def test_a_call_whose_instant_was_lost_with_the_clock_stays_counted() -> None:
    budget = RollingBudget(2)
    spent = budget.spend(START)
    yesterday = START - timedelta(days=1)
    assert budget.remaining(yesterday) == 1
    budget.give_back(spent)
    assert budget.remaining(yesterday) == 1


def test_a_restored_budget_counts_calls_of_the_last_run() -> None:
    budget = RollingBudget(3)
    budget.restore([START - timedelta(minutes=30), START - timedelta(minutes=59), START - timedelta(hours=2)])
    assert budget.remaining(START) == 1


def test_a_clock_set_back_locks_nobody_out_for_longer_than_an_hour() -> None:
    budget = RollingBudget(2)
    budget.spend(START - timedelta(minutes=5))
    budget.spend(START)
    yesterday = START - timedelta(days=1)
    assert budget.remaining(yesterday) == 0
    assert budget.wait(yesterday) == WINDOW


class SlotsMachine(RuleBasedStateMachine):
    """Any order of asking, leaving and giving up keeps the cap, and leaves no slot idle while one waits."""

    def __init__(self) -> None:
        super().__init__()
        self.slots = Slots(2)
        self.turns: list[Turn] = []

    @rule(
        endpoint=st.sampled_from(["Tickets", "TicketNotes"]),
        precedence=st.sampled_from(Precedence),
        company=st.sampled_from(["", "a", "b"]),
    )
    def ask(self, endpoint: str, precedence: Precedence, company: str) -> None:
        self.turns.append(self.slots.ask(endpoint, precedence, company))

    @precondition(lambda self: self.turns)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        turn = data.draw(st.sampled_from(self.turns))
        self.turns.remove(turn)
        for following in self.slots.leave(turn):
            assert following in self.turns
            assert following.granted

    @invariant()
    def capped_and_busy(self) -> None:
        for endpoint in ("Tickets", "TicketNotes"):
            mine = [turn for turn in self.turns if turn.endpoint == endpoint]
            granted = sum(turn.granted for turn in mine)
            assert granted == self.slots.in_flight(endpoint) == min(2, len(mine))
        waiting = [turn for turn in self.turns if not turn.granted]
        assert self.slots.waiting().total() == len(waiting)
        assert self.slots.high_water <= 2


TestSlots = SlotsMachine.TestCase


def order_of(slots: Slots, waiting: Sequence[tuple[str, Precedence, str]]) -> list[str]:
    """Return in which order callers are granted the one slot that somebody holds now."""
    holder = slots.ask("Tickets", Precedence.BILLING)
    turns = {slots.ask("Tickets", each, company): name for name, each, company in waiting}
    order, [turn] = [], slots.leave(holder)
    while True:
        order.append(turns[turn])
        following = slots.leave(turn)
        if not following:
            return order
        [turn] = following


def test_the_most_urgent_goes_first_then_who_came_first() -> None:
    update, create = Precedence.UPDATE, Precedence.CRITICAL_CREATE
    waiting = [("a", update, ""), ("b", create, ""), ("c", update, ""), ("d", create, "")]
    assert order_of(Slots(1), waiting)[:3] == ["b", "d", "a"]


def test_companies_of_one_class_take_turns() -> None:
    flood = [(f"flood{n}", Precedence.CREATE, "Flood") for n in range(20)]
    quiet = [(f"quiet{n}", Precedence.CREATE, f"Quiet {n}") for n in range(5)]
    order = order_of(Slots(1), [*flood, *quiet])
    assert max(order.index(f"quiet{n}") for n in range(5)) <= 8  # one turn in four is by age alone


def test_a_company_that_comes_back_gains_no_turns() -> None:
    """One that has had its turns waits for a round, and one that joins late begins with the present one."""
    slots = Slots(1)
    holder = slots.ask("Tickets", Precedence.CREATE, "Flood")
    flood = [slots.ask("Tickets", Precedence.CREATE, "Flood") for _ in range(30)]
    for _ in range(10):
        [holder] = slots.leave(holder)
    late = slots.ask("Tickets", Precedence.CREATE, "Late")
    granted = 0
    while not late.granted:
        [holder] = slots.leave(holder)
        granted += 1
    assert granted <= 3
    assert holder in (late, *flood)


def test_a_class_is_not_starved_by_those_before_it() -> None:
    slots = Slots(1)
    holder, last = slots.ask("Tickets", Precedence.COMPLETE), slots.ask("Tickets", Precedence.BILLING)
    for _ in range(2 * LONGEST_FIRST):
        slots.ask("Tickets", Precedence.CRITICAL_CREATE)
        [holder] = slots.leave(holder)
        if holder is last:
            return
    pytest.fail("never its turn")


def test_a_narrowed_endpoint_takes_fewer_and_is_filled_again_when_it_is_widened() -> None:
    slots = Slots(2)
    first, second = slots.ask("Tickets", Precedence.SYNC), slots.ask("Tickets", Precedence.SYNC)
    waiting = [slots.ask("Tickets", Precedence.SYNC) for _ in range(3)]
    slots.narrow("Tickets", 1)
    assert slots.leave(first) == []
    assert slots.leave(second) == waiting[:1]
    slots.widen("Tickets")
    assert slots.leave(waiting[0]) == waiting[1:]


@pytest.mark.parametrize(
    ("usage", "before", "level"),
    [
        pytest.param(0.49, 0, 0, id="green below half"),
        pytest.param(0.5, 0, 1, id="yellow at half"),
        pytest.param(0.75, 0, 2, id="orange at three quarters"),
        pytest.param(0.9, 0, 3, id="red at nine tenths"),
        pytest.param(0.46, 1, 1, id="yellow holds just below"),
        pytest.param(0.44, 1, 0, id="and is left further down"),
        pytest.param(0.72, 3, 2, id="from red to orange, since that one holds"),
        pytest.param(0.2, 3, 0, id="a great fall goes all the way"),
        pytest.param(0.47, 0, 0, id="what holds does not rise"),
    ],
)
def test_pressure_level(usage: float, before: int, level: int) -> None:
    assert pressure_level(usage, before=before) == level


async def test_the_gate_never_lets_more_than_the_limit_in() -> None:
    gate, _ = make_gate(limit=2)
    inside, most, release = 0, 0, asyncio.Event()

    async def call() -> None:
        nonlocal inside, most
        async with gate.permit(errand("Tickets")):
            inside += 1
            most = max(most, inside)
            await release.wait()
            inside -= 1

    tasks = [asyncio.create_task(call()) for _ in range(20)]
    await turns_of_the_loop()
    release.set()
    await asyncio.gather(*tasks)
    assert (most, gate.scheduler.slots.high_water, gate.scheduler.slots.in_flight("Tickets")) == (2, 2, 0)


async def test_endpoints_do_not_wait_for_one_another() -> None:
    gate, _ = make_gate(limit=1)
    async with gate.permit(errand("Tickets")), gate.permit(errand("TicketNotes")):
        assert gate.scheduler.slots.in_flight("TicketNotes") == 1


@pytest.mark.parametrize("after_grant", [False, True], ids=["while waiting", "just as the slot was granted"])
async def test_a_cancelled_waiter_leaves_no_slot_behind(after_grant: bool) -> None:
    gate, _ = make_gate(limit=1)

    async def call() -> None:
        async with gate.permit(errand("Tickets")):
            await asyncio.sleep(0)

    async with gate.permit(errand("Tickets")):
        waiter, next_one = asyncio.create_task(call()), asyncio.create_task(call())
        await turns_of_the_loop()
        if not after_grant:
            waiter.cancel()
            await turns_of_the_loop()
    if after_grant:
        waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    await next_one
    assert gate.scheduler.slots.in_flight("Tickets") == 0


async def test_a_spent_budget_says_when_the_next_call_may_be_made() -> None:
    gate, clock = make_gate(calls=1)
    async with gate.permit(errand("Tickets")):
        pass
    clock.at += timedelta(minutes=20)
    with pytest.raises(Throttled) as caught:
        async with gate.permit(errand("Tickets")):
            pass
    assert caught.value.retry_after == (WINDOW - timedelta(minutes=20)).total_seconds()


async def test_calls_are_recorded_before_they_are_sent_and_counted_after_a_restart() -> None:
    log = KeptLog()
    gate, _ = make_gate(calls=2, log=log)
    async with gate.permit(errand("Tickets")):
        assert log.kept == [START]
    restarted, _ = make_gate(calls=2, log=log)
    await restarted.restore()
    assert restarted.remaining() == 1


async def test_nobody_passes_while_autotask_refuses_the_tenant() -> None:
    gate, clock = make_gate()
    gate.scheduler.shut(seconds=60, now=clock.now())
    with pytest.raises(Throttled):
        async with gate.permit(errand("Tags")):
            pass
    clock.at += timedelta(seconds=61)
    async with gate.permit(errand("Tags")):
        assert not gate.scheduler.is_shut(clock.now())
