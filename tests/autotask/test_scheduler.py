"""The scheduler's rules one by one, clock in hand."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from alertd.autotask.budget import WINDOW, RollingBudget
from alertd.autotask.circuit import PROBE_EVERY, Circuit, CircuitState
from alertd.autotask.holding import Cause, HeldUntil
from alertd.autotask.precedence import Precedence, resolved
from alertd.autotask.pressure import Usage
from alertd.autotask.ramp import LASTS, Ramp
from alertd.autotask.scheduler import Ending, Scheduler
from alertd.autotask.shares import Errand
from alertd.flows.sending import NOBODY, Sending, shared

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
CRITICAL, COMPLETE, CREATE = Precedence.CRITICAL_CREATE, Precedence.COMPLETE, Precedence.CREATE
UPDATE, SYNC, BILLING = Precedence.UPDATE, Precedence.SYNC, Precedence.BILLING


def at(**later: float) -> datetime:
    return NOON + timedelta(**later)


def errand(precedence: Precedence = CRITICAL, endpoint: str = "Tickets", company: str = "") -> Errand:
    return Errand(endpoint=endpoint, precedence=precedence, company=company)


def scheduler(calls: int = 1000) -> Scheduler:
    return Scheduler(calls_per_hour=calls, calls_in_flight=2)


def held(one: Scheduler, what: Errand, now: datetime) -> HeldUntil | None:
    try:
        one.check(what, now)
    except HeldUntil as exc:
        return exc
    return None


def spend(one: Scheduler, what: Errand, now: datetime, *, most: int = 10_000) -> int:
    """Make calls until one is held; return how many went."""
    for count in range(most):
        if held(one, what, now):
            return count
        one.start(what, now)
    return most


def tell_usage(one: Scheduler, share: float, now: datetime) -> None:
    one.read_usage(Usage(int(10_000 * share), 10_000), now)


# --- our own hour


def test_each_class_leaves_a_reserve_to_those_before_it() -> None:
    one = scheduler()
    gone = {each: spend(one, errand(each), NOON) for each in reversed(Precedence)}
    used, upto = 0, {}
    for each in reversed(Precedence):
        used += gone[each]
        upto[each] = used
    assert upto == {BILLING: 500, SYNC: 700, UPDATE: 750, CREATE: 850, COMPLETE: 880, CRITICAL: 1000}


def test_what_goes_first_cannot_use_up_what_a_class_has_at_least() -> None:
    one = scheduler()
    spend(one, errand(COMPLETE), NOON)
    assert {each: spend(one, errand(each), NOON) for each in (CREATE, UPDATE, SYNC, BILLING)} == {
        CREATE: 5,
        UPDATE: 10,
        SYNC: 5,  # of 10: beyond 90 % are critical creates alone
        BILLING: 0,
    }
    assert spend(one, errand(CRITICAL), NOON) == 100


def test_a_company_that_has_had_much_leaves_calls_to_others() -> None:
    one = scheduler()
    assert spend(one, errand(CREATE, company="Flood"), NOON) == 650
    refusal = held(one, errand(CREATE, company="Flood"), NOON)
    assert refusal is not None
    assert refusal.cause is Cause.COMPANY
    assert [spend(one, errand(CREATE, company=f"Quiet {n}"), NOON, most=3) for n in range(50)] == [3] * 50
    assert spend(one, errand(CRITICAL, company="Flood"), NOON) == 150  # before any other company's create
    assert spend(one, errand(CRITICAL, company="Quiet"), NOON) == 50


def test_those_who_wait_are_told_one_instant_after_the_other() -> None:
    one = scheduler()
    for second in range(650):
        one.start(errand(CREATE, company="Flood"), at(seconds=second))
    now = at(seconds=650)
    told = [held(one, errand(CREATE, company="Flood"), now) for _ in range(5)]
    assert [each and each.until for each in told] == [at(seconds=n) + WINDOW for n in range(5)]
    assert one.waiting(now)[CREATE] == 5
    assert one.waiting(at(hours=2))[CREATE] == 0


def test_a_tiny_budget_is_not_divided() -> None:
    assert spend(scheduler(2), errand(BILLING), NOON) == 1
    assert spend(scheduler(1), errand(UPDATE), NOON) == 1


# --- the tenant's counter


@pytest.mark.parametrize(
    ("share", "gone"),
    [
        pytest.param(0.45, {BILLING: 100, SYNC: 100, UPDATE: 100, CREATE: 100}, id="green"),
        pytest.param(0.55, {BILLING: 5, SYNC: 100, UPDATE: 100, CREATE: 100}, id="yellow"),
        pytest.param(0.76, {BILLING: 0, SYNC: 20, UPDATE: 20, CREATE: 100}, id="orange"),
        pytest.param(0.91, {BILLING: 0, SYNC: 0, UPDATE: 0, CREATE: 0}, id="red"),
    ],
)
def test_what_goes_at_each_level_of_the_tenants_use(share: float, gone: dict[Precedence, int]) -> None:
    one = scheduler()
    tell_usage(one, share, NOON)
    assert {each: spend(one, errand(each), NOON, most=100) for each in gone} == gone
    for each in (COMPLETE, CRITICAL):
        assert spend(one, errand(each), NOON, most=50) == 50


def test_our_own_calls_raise_the_level_between_readings() -> None:
    one = scheduler(4000)
    tell_usage(one, 0.7, NOON)
    assert one.tenant_level(NOON) == 1
    spend(one, errand(CREATE), NOON, most=600)
    assert (one.tenant.foreign, one.tenant_level(NOON)) == (7000, 2)


def test_a_counter_that_cannot_be_read_any_more_holds_nobody_for_longer_than_its_hour() -> None:
    one = scheduler()
    tell_usage(one, 0.95, NOON)
    assert one.tenant_level(at(minutes=59)) == 3
    assert one.tenant_level(at(hours=1)) == 0
    assert held(one, errand(CREATE), at(hours=1)) is None


def test_calls_of_ours_are_not_foreign() -> None:
    one = scheduler()
    spend(one, errand(), NOON, most=300)
    tell_usage(one, 0.05, at(minutes=1))
    assert one.tenant.foreign == 200


def test_who_waits_for_the_counter_is_told_the_next_reading() -> None:
    one = scheduler()
    tell_usage(one, 0.95, NOON)
    first, second = (held(one, errand(CREATE), at(seconds=10)) for _ in range(2))
    assert first is not None
    assert second is not None
    assert at(minutes=2) < first.until < second.until < at(minutes=2, seconds=5)
    assert not held(one, errand(CRITICAL), at(seconds=10))


# --- what Autotask refuses


def test_a_refused_tenant_stops_everybody_and_then_one_finds_out() -> None:
    one = scheduler()
    one.shut(seconds=60, now=NOON)
    assert held(one, errand(endpoint="Tags"), at(seconds=59))
    one.start(errand(), at(seconds=61))
    assert held(one, errand(), at(seconds=62))
    one.ended(errand(), Ending.ANSWERED, began_at=at(seconds=61), now=at(seconds=63))
    assert not held(one, errand(), at(seconds=63))


def test_an_answer_to_an_older_call_opens_nothing() -> None:
    one = scheduler()
    one.start(errand(), NOON)
    one.shut(seconds=60, now=at(seconds=1))
    one.ended(errand(), Ending.ANSWERED, began_at=NOON, now=at(seconds=2))
    assert held(one, errand(), at(seconds=3))


def test_too_many_at_once_hold_their_endpoint_alone_and_narrow_it_for_a_minute() -> None:
    one = scheduler()
    one.too_many_at_once("Tickets", seconds=1.5, now=NOON)
    assert held(one, errand(), at(seconds=1))
    assert not held(one, errand(endpoint="Tags"), at(seconds=1))
    assert not held(one, errand(), at(seconds=2))
    first, second = one.ask(errand()), one.ask(errand())
    assert (first.granted, second.granted) == (True, False)
    assert one.leave(first, at(seconds=3)) == [second]
    third = one.ask(errand())
    assert not third.granted
    fourth = one.ask(errand())
    assert one.leave(second, at(minutes=2)) == [third, fourth]


# --- circuits


def fail(one: Scheduler, what: Errand, now: datetime, *, times: int, ending: Ending = Ending.FAILED) -> None:
    for _ in range(times):
        one.start(what, now)
        one.ended(what, ending, began_at=now, now=now)


def test_a_circuit_opens_at_half_of_ten_failures_and_stops_its_endpoint_alone() -> None:
    one = scheduler()
    fail(one, errand(), NOON, times=5, ending=Ending.ANSWERED)
    fail(one, errand(), NOON, times=4)
    assert not held(one, errand(), NOON)
    fail(one, errand(), NOON, times=1)
    refusal = held(one, errand(), NOON)
    assert refusal is not None
    assert (refusal.cause, refusal.until) == (Cause.CIRCUIT, NOON + PROBE_EVERY)
    assert one.circuit("Tickets") == CircuitState.OPEN
    assert not held(one, errand(endpoint="TicketNotes"), NOON)


def test_failures_of_long_ago_and_calls_that_never_left_open_no_circuit() -> None:
    one = scheduler()
    fail(one, errand(), NOON, times=9)
    fail(one, errand(), at(seconds=61), times=9)
    fail(one, errand(), at(seconds=61), times=50, ending=Ending.UNSENT)
    assert not held(one, errand(), at(seconds=61))


def test_an_open_circuit_lets_one_probe_go_every_30_seconds_and_closes_by_its_answer() -> None:
    one, probes = scheduler(), 0
    fail(one, errand(), NOON, times=10)
    for second in range(1, 300):
        if not held(one, errand(), at(seconds=second)):
            probes += 1
            fail(one, errand(), at(seconds=second), times=1)
    assert 9 <= probes <= 10
    healed = next(second for second in range(300, 400) if not held(one, errand(), at(seconds=second)))
    assert healed <= 331
    one.start(errand(), at(seconds=healed))
    assert one.circuit("Tickets") == CircuitState.PROBING
    assert held(one, errand(), at(seconds=healed))
    one.ended(errand(), Ending.ANSWERED, began_at=at(seconds=healed), now=at(seconds=healed + 1))
    assert one.circuit("Tickets") == CircuitState.CLOSED
    assert not held(one, errand(), at(seconds=healed + 1))


def test_the_answer_to_a_call_from_before_closes_no_circuit() -> None:
    circuit = Circuit()
    for _ in range(10):
        circuit.ended(at(seconds=5), began_at=NOON, failed=True)
    circuit.ended(at(seconds=6), began_at=at(seconds=1), failed=False)
    assert circuit.state == CircuitState.OPEN


# --- after an outage


def test_a_ramp_rises_from_a_quarter_of_the_rate_to_all_of_it_in_ten_minutes() -> None:
    ramp, gone = Ramp(3600), []
    ramp.begin(NOON)
    for second in range(600):
        sent = 0
        while ramp.held_until(at(seconds=second), CRITICAL) is None:
            ramp.spend()
            sent += 1
        gone.append(sent)
    minutes = [sum(gone[start : start + 60]) for start in range(0, 600, 60)]
    assert minutes[0] <= 35  # those that may go at once, too
    assert minutes[1:] == sorted(minutes[1:])
    assert 14 <= minutes[1] <= 25  # of 60 at the full rate
    assert 54 <= minutes[9] <= 60
    assert not ramp.is_on(NOON + LASTS)


def test_on_a_ramp_what_is_critical_goes_first_and_others_are_told_a_true_instant() -> None:
    ramp = Ramp(3600)
    ramp.begin(NOON)
    while (until := ramp.held_until(NOON, CREATE)) is None:
        ramp.spend()
    assert ramp.held_until(NOON, CRITICAL) is None
    assert ramp.held_until(until - timedelta(seconds=1), CREATE) is not None
    assert ramp.held_until(until + timedelta(seconds=0.01), CREATE) is None


def test_a_short_outage_needs_no_ramp_and_a_long_one_does() -> None:
    one = scheduler(4000)
    one.outage_ended(timedelta(minutes=4), NOON)
    assert not held(one, errand(BILLING), NOON)
    assert spend(one, errand(), NOON, most=200) == 200
    one.outage_ended(timedelta(minutes=6), NOON)
    assert spend(one, errand(), NOON, most=200) < 20


def test_an_endpoint_whose_circuit_was_open_for_long_ramps_up_alone() -> None:
    one = scheduler(4000)
    fail(one, errand(), NOON, times=10)
    one.start(errand(), at(minutes=7))
    one.ended(errand(), Ending.ANSWERED, began_at=at(minutes=7), now=at(minutes=7))
    assert spend(one, errand(), at(minutes=7), most=200) < 20
    assert spend(one, errand(endpoint="TicketNotes"), at(minutes=7), most=200) == 200


# --- the forecast


def test_the_forecast_is_when_the_hour_is_spent_at_the_present_rate() -> None:
    budget = RollingBudget(100)
    for _ in range(40):
        budget.spend(NOON)
    assert budget.exhausted_in(NOON, a_second=0.1) == pytest.approx(600)
    assert budget.exhausted_in(NOON, a_second=0.0) == math.inf
    assert budget.exhausted_in(NOON, a_second=0.02) == pytest.approx(3000)
    for _ in range(60):
        budget.spend(NOON)
    assert budget.exhausted_in(NOON, a_second=0.1) == 0.0


def test_a_rate_that_the_hour_bears_never_spends_it() -> None:
    one = scheduler(1000)
    for second in range(0, 3600, 10):
        one.start(errand(), at(seconds=second))
    assert one.exhausted_in(at(hours=1)) == math.inf
    for second in range(600):
        one.start(errand(), at(hours=1, seconds=second))
    assert 0 < one.exhausted_in(at(hours=1, minutes=10)) < 600


# --- for whom


def test_a_call_has_the_class_of_what_it_serves() -> None:
    assert resolved(NOBODY, own=SYNC) is SYNC
    assert resolved(Sending("k", "", CRITICAL, "Acme"), own=SYNC) is CRITICAL


def test_a_shared_call_is_as_urgent_as_the_most_urgent_asker() -> None:
    both = shared([Sending("a", "", CREATE, "Acme"), Sending("b", "", CRITICAL, "Other")])
    assert both == Sending(precedence=CRITICAL)
    assert shared([Sending("a", "", CREATE, "Acme")]).company == "Acme"
    assert shared([]) == NOBODY
