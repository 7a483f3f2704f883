"""The one scheduler of all calls to the tenant: pure, and time is an argument. `Gate` puts it before them."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from enum import Enum, auto

from alertd.autotask.budget import TIMEFRAME, RollingBudget, Spent
from alertd.autotask.circuit import Circuit, CircuitState
from alertd.autotask.holding import Cause, HeldUntil, Told, spread
from alertd.autotask.precedence import Precedence
from alertd.autotask.pressure import Tenant, Usage, most_of_class
from alertd.autotask.ramp import AFTER, Ramp
from alertd.autotask.shares import Errand, Limit, limit_for
from alertd.autotask.slots import Slots, Turn

NARROWED = timedelta(minutes=1)  # how long an endpoint takes fewer calls that had too many
FORECAST_OVER = timedelta(minutes=5)  # the present rate is that of the last minutes
_DOUBTED = timedelta(seconds=5)  # how long one call has to find out whether a refusal is over
_NEEDED = "Tickets"  # the endpoint without which there is nothing to do
_BETWEEN = timedelta(seconds=0.25)  # two that come back, where nothing better is known
_LONGEST_SPREAD = {
    Cause.ALLOWANCE: timedelta(seconds=30),
    Cause.CIRCUIT: timedelta(seconds=30),
    Cause.PRESSURE: timedelta(minutes=5),
}
_WHY = {
    Cause.ALLOWANCE: "Autotask has refused further calls of this tenant",
    Cause.BUDGET: "our calls of this hour are spent",
    Cause.RESERVE: "what is left of our calls of this hour is kept for what goes first",
    Cause.COMPANY: "what is left of our calls of this hour is kept for other companies",
    Cause.PRESSURE: "the tenant's integrations have used too much of the allowance for this kind of call",
    Cause.RAMP: "an outage has just ended, and calls come back by and by",
    Cause.CIRCUIT: "most calls to this endpoint have failed",
    Cause.THREADS: "Autotask has had too many calls to this endpoint at once",
    Cause.SLOT: "other calls took all of this endpoint's time",
}


class Ending(Enum):
    """How a call ended, as far as pacing cares."""

    ANSWERED = auto()  # whatever the answer said
    FAILED = auto()  # no answer, or one that says the server is ill
    UNSENT = auto()  # it never left, or says nothing of the endpoint


class _Endpoint:
    """What is known of one endpoint."""

    def __init__(self, calls_per_hour: int) -> None:
        self.circuit = Circuit()
        self.ramp = Ramp(calls_per_hour)
        self.held_until: datetime | None = None
        self.narrow_until: datetime | None = None


class Scheduler:
    """Decides which call goes when. Who may not go now is told until when, and holds nobody up.

    A call passes `check`, takes a turn by `ask`, and once that is granted `start`s; `ended` and `leave`
    follow. Times must not go back by more than a clock is set back.
    """

    def __init__(self, *, calls_per_hour: int, calls_in_flight: int) -> None:
        self.budget = RollingBudget(calls_per_hour)
        self.slots = Slots(calls_in_flight)
        self.tenant = Tenant()
        self._ramp = Ramp(calls_per_hour)
        self._endpoints: defaultdict[str, _Endpoint] = defaultdict(lambda: _Endpoint(calls_per_hour))
        self._told = Told()
        self._shut_at: datetime | None = None
        self._shut_until: datetime | None = None
        self._doubt_until: datetime | None = None

    # --- whether a call may go ------------------------------------------------------------------------

    def check_way(self, now: datetime) -> None:
        """Say what keeps every call back, whatever it is for.

        Where tickets cannot be reached, nothing is worth a try: in an outage of hours every incident that
        waits would otherwise be taken up again twice a minute, only to hear so.

        Raises:
            HeldUntil: Autotask has refused the tenant, or fails, or our hour is spent.
        """
        if self._shut_until is not None and now < self._shut_until:
            raise _held(Cause.ALLOWANCE, self._shut_until, now)
        wait = self.budget.wait(now)
        if wait:
            raise _held(Cause.BUDGET, now + wait, now)
        probe_at = self._endpoints[_NEEDED].circuit.held_until(now)
        if probe_at is not None:
            raise _held(Cause.CIRCUIT, probe_at, now)

    def check_room(self, errand: Errand, now: datetime) -> None:
        """Say what keeps a call back, whichever endpoint it goes to.

        Raises:
            HeldUntil: It may not go now.
        """
        held = self._held_by_all(errand, now) or self._held_by_pressure(errand, now)
        held = held or self._held_by_budget(errand, now)
        held = held or self._held_by_ramp(self._ramp, errand, now)
        if held is not None:
            self._told.tell(held, errand.precedence)
            raise held

    def check(self, errand: Errand, now: datetime) -> None:
        """Say what keeps a call back, but for the turn.

        Raises:
            HeldUntil: It may not go now.
        """
        self.check_room(errand, now)
        held = self._held_by_endpoint(errand, now)
        if held is not None:
            self._told.tell(held, errand.precedence)
            raise held

    def ask(self, errand: Errand) -> Turn:
        """Take a turn at the endpoint, granted at once where a slot is free."""
        return self.slots.ask(errand.endpoint, errand.precedence, errand.company)

    def start(self, errand: Errand, now: datetime) -> Spent:
        """Count a call whose turn has come.

        Raises:
            HeldUntil: Meanwhile it may not go.
        """
        self.check(errand, now)
        if self._shut_until is not None:
            self._doubt_until = now + _DOUBTED
        endpoint = self._endpoints[errand.endpoint]
        endpoint.circuit.began(now)
        for ramp in (self._ramp, endpoint.ramp):
            ramp.spend()
        return self.budget.spend(now, errand.precedence, errand.company)

    def leave(self, turn: Turn, now: datetime) -> list[Turn]:
        """End a turn, granted or not, and return those that are granted now."""
        endpoint = self._endpoints[turn.endpoint]
        if endpoint.narrow_until is not None and now >= endpoint.narrow_until:
            endpoint.narrow_until = None
            self.slots.widen(turn.endpoint)
        return self.slots.leave(turn)

    # --- what answers say -----------------------------------------------------------------------------

    def ended(self, errand: Errand, ending: Ending, *, began_at: datetime, now: datetime) -> None:
        """Take in how a call ended."""
        if ending is Ending.UNSENT:
            return
        endpoint = self._endpoints[errand.endpoint]
        failed = ending is Ending.FAILED
        was_open = endpoint.circuit.ended(now, began_at=began_at, failed=failed)
        if was_open is not None and was_open >= AFTER:
            endpoint.ramp.begin(now)
        if not failed:
            self._open(now)

    def too_many_at_once(self, endpoint: str, *, seconds: float, now: datetime) -> None:
        """Autotask has refused a call since too many were in flight there."""
        state = self._endpoints[endpoint]
        state.held_until = now + timedelta(seconds=seconds)
        state.narrow_until = now + NARROWED
        self.slots.narrow(endpoint, max(1, self.slots.limit - 1))

    def shut(self, *, seconds: float, now: datetime) -> None:
        """Autotask has refused the whole tenant: nobody goes for a while, and then one."""
        self._shut_at = self._shut_at or now
        self._shut_until, self._doubt_until = now + timedelta(seconds=seconds), None

    def outage_ended(self, lasted: timedelta, now: datetime) -> None:
        """Calls can be made again that could not be made for so long."""
        if lasted >= AFTER:
            self._ramp.begin(now)

    def read_usage(self, usage: Usage, now: datetime) -> None:
        """Take in the tenant's counter."""
        self.tenant.read(usage, ours=self.budget.since(now - TIMEFRAME), at=now)

    # --- what is to be told ---------------------------------------------------------------------------

    def is_shut(self, now: datetime) -> bool:
        """Whether Autotask has refused the whole tenant, and not long enough ago."""
        return self._shut_until is not None and now < self._shut_until

    def tenant_level(self, now: datetime) -> int:
        """Return 0 green to 3 red by the tenant's use alone."""
        return self.tenant.level(self.budget.used(now), now=now)

    def waiting(self, now: datetime) -> Counter[Precedence]:
        """Return how many calls wait for a slot or for the instant they were told, by class."""
        return self.slots.waiting() + self._told.count(now)

    def circuit(self, endpoint: str) -> CircuitState:
        """Return the state of an endpoint's circuit."""
        return self._endpoints[endpoint].circuit.state

    def exhausted_in(self, now: datetime) -> float:
        """Return after how many seconds our hour is spent at the present rate; infinite: never."""
        recent = self.budget.since(now - FORECAST_OVER)
        return self.budget.exhausted_in(now, a_second=recent / FORECAST_OVER.total_seconds())

    # --- inside ---------------------------------------------------------------------------------------

    def _open(self, now: datetime) -> None:
        if self._shut_until is None or self._shut_at is None or now < self._shut_until:
            return  # a call that went before the refusal has just been answered
        self.outage_ended(now - self._shut_at, now)
        self._shut_at = self._shut_until = self._doubt_until = None

    def _held_by_all(self, errand: Errand, now: datetime) -> HeldUntil | None:
        if self._shut_until is None:
            return None
        if now < self._shut_until:
            until = self._shut_until
        elif self._doubt_until is not None and now < self._doubt_until:
            until = self._doubt_until
        else:
            return None
        return _held(Cause.ALLOWANCE, self._behind(until, Cause.ALLOWANCE, errand, now), now)

    def _held_by_pressure(self, errand: Errand, now: datetime) -> HeldUntil | None:
        level = self.tenant_level(now)
        most = most_of_class(errand.precedence, level, self.budget.calls)
        if most is None or self.budget.of_class(errand.precedence) < most:
            return None
        until = self._behind(self.tenant.next_reading(now), Cause.PRESSURE, errand, now)
        return _held(Cause.PRESSURE, until, now)

    def _held_by_budget(self, errand: Errand, now: datetime) -> HeldUntil | None:
        limit: Limit = limit_for(errand, self.budget, now)
        if not self.budget.wait(now, limit=limit.calls):
            return None
        ahead = self._told.ahead(limit.cause, errand.precedence, now)
        until = now + self.budget.wait(now, limit=limit.calls, ahead=ahead)
        return _held(limit.cause, until, now)

    def _held_by_ramp(self, ramp: Ramp, errand: Errand, now: datetime) -> HeldUntil | None:
        ahead = self._told.ahead(Cause.RAMP, errand.precedence, now)
        until = ramp.held_until(now, errand.precedence, ahead=ahead)
        return None if until is None else _held(Cause.RAMP, until, now)

    def _held_by_endpoint(self, errand: Errand, now: datetime) -> HeldUntil | None:
        endpoint = self._endpoints[errand.endpoint]
        if endpoint.held_until is not None and now < endpoint.held_until:
            return _held(Cause.THREADS, endpoint.held_until, now)
        until = endpoint.circuit.held_until(now)
        if until is not None:
            return _held(Cause.CIRCUIT, self._behind(until, Cause.CIRCUIT, errand, now), now)
        return self._held_by_ramp(endpoint.ramp, errand, now)

    def _behind(self, at: datetime, cause: Cause, errand: Errand, now: datetime) -> datetime:
        ahead = self._told.ahead(cause, errand.precedence, now)
        return spread(at, ahead, every=_BETWEEN, most=_LONGEST_SPREAD[cause])


def _held(cause: Cause, until: datetime, now: datetime) -> HeldUntil:
    return HeldUntil(until, now=now, why=_WHY[cause], cause=cause)


def slot_wait_over(now: datetime, wait: timedelta) -> HeldUntil:
    """Return what a caller is told that has waited long enough for a slot."""
    return _held(Cause.SLOT, now + wait, now)
