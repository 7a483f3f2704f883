"""How fast we may call: our share of the rolling hour, a few at a time per endpoint, and the load.

The models are pure, and the clock is an argument; `Gate` puts them in front of the calls.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from alertd.flows.errors import Throttled
from alertd.flows.ports import Clock

WINDOW = timedelta(hours=1, seconds=5)  # Autotask counts at arrival, up to a connection later than we do
_LEVELS = (0.5, 0.75, 0.9)  # yellow, orange, red: shares of the allowance
_CALM = 0.05  # a level is left only this far below its threshold, so that it does not flutter


class HeldUntil(Throttled):
    """Nobody may call before an instant, which the text names: it stays the same while they wait."""

    def __init__(self, until: datetime, *, now: datetime, why: str) -> None:
        super().__init__((until - now).total_seconds(), why)
        self.args = (f"{why}; again at {until:%H:%M:%S} UTC",)


class CallLog(Protocol):
    """Durable record of the calls we made, so that a restart does not grant a fresh hour."""

    async def recent(self, since: datetime) -> Sequence[datetime]:
        """Return when the calls since then were recorded, in any order."""
        ...

    async def record(self, at: datetime, endpoint: str) -> None:
        """Keep that a call is about to be sent; returns when a crash cannot forget it.

        Raises:
            Throttled: Other nodes have spent the shared budget. The call is not sent.
        """
        ...


class TransientCallLog:
    """A call log for commands that run without a store: what it keeps ends with the process."""

    async def recent(self, since: datetime) -> Sequence[datetime]:
        """Return nothing: no earlier call is known."""
        del since
        return ()

    async def record(self, at: datetime, endpoint: str) -> None:
        """Keep nothing: the budget in memory has counted the call."""
        del at, endpoint


class RollingBudget:
    """At most `calls` in every rolling hour, exactly: one time stamp per call."""

    def __init__(self, calls: int) -> None:
        self.calls = calls
        self._sent: deque[datetime] = deque()

    def restore(self, sent: Iterable[datetime]) -> None:
        """Count calls made before this process began."""
        self._sent = deque(sorted((*self._sent, *sent)))

    def remaining(self, now: datetime) -> int:
        """Return how many calls may be made at once."""
        self._settle(now)
        return max(0, self.calls - len(self._sent))

    def wait(self, now: datetime) -> timedelta:
        """Return how long until a call may be made; zero: now."""
        self._settle(now)
        over = len(self._sent) - self.calls
        return self._sent[over] + WINDOW - now if over >= 0 else timedelta()

    def spend(self, now: datetime) -> None:
        """Count one call."""
        self._settle(now)
        self._sent.append(now)

    def give_back(self, at: datetime) -> None:
        """Count a call of that instant no more, since it never left. One that is not found stays counted."""
        with suppress(ValueError):
            self._sent.remove(at)

    def _settle(self, now: datetime) -> None:
        while self._sent and self._sent[0] + WINDOW <= now:
            self._sent.popleft()
        # a clock that was set back must not lock us out for longer than an hour
        ahead = 0
        while self._sent and self._sent[-1] > now:
            self._sent.pop()
            ahead += 1
        self._sent.extend([now] * ahead)


class Turn:
    """One caller's place at an endpoint: waiting, then granted, then over."""

    __slots__ = ("endpoint", "granted", "over")

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.granted = False
        self.over = False


class Slots:
    """At most `limit` turns granted per endpoint; the most urgent waits least, then who came first."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.high_water = 0
        self._in_flight: dict[str, int] = defaultdict(int)
        self._waiting: dict[str, list[tuple[int, int, Turn]]] = defaultdict(list)
        self._asked = 0

    def ask(self, endpoint: str, urgency: int) -> Turn:
        """Take a turn, granted at once where a slot is free. Urgency 0 goes first."""
        turn = Turn(endpoint)
        if self._in_flight[endpoint] < self.limit:
            self._grant(turn)
        else:
            self._asked += 1
            heapq.heappush(self._waiting[endpoint], (urgency, self._asked, turn))
        return turn

    def leave(self, turn: Turn) -> Turn | None:
        """End a turn, granted or not, and return the one that is granted its slot."""
        if turn.over:
            return None
        turn.over = True
        if not turn.granted:
            return None
        self._in_flight[turn.endpoint] -= 1
        waiting = self._waiting[turn.endpoint]
        while waiting:
            following = heapq.heappop(waiting)[2]
            if not following.over:
                self._grant(following)
                return following
        return None

    def in_flight(self, endpoint: str) -> int:
        """Return how many turns are granted there."""
        return self._in_flight[endpoint]

    def _grant(self, turn: Turn) -> None:
        turn.granted = True
        self._in_flight[turn.endpoint] += 1
        self.high_water = max(self.high_water, self._in_flight[turn.endpoint])


def pressure_level(usage: float, *, before: int) -> int:
    """Return 0 green, 1 yellow, 2 orange or 3 red for a share of the allowance, given the level before."""
    risen = sum(usage >= at for at in _LEVELS)
    held = sum(usage >= at - _CALM for at in _LEVELS)
    return max(risen, min(before, held))


class Gate:
    """What every call passes: a slot at its endpoint, then a call of the budget, recorded before it goes."""

    def __init__(self, *, budget: RollingBudget, slots: Slots, log: CallLog, clock: Clock) -> None:
        self.budget = budget
        self.slots = slots
        self._log = log
        self._clock = clock
        self._woken: dict[Turn, asyncio.Future[None]] = {}
        self._restoring = asyncio.Lock()
        self._restored = False
        self._shut_until: datetime | None = None

    @asynccontextmanager
    async def permit(self, endpoint: str, *, urgency: int) -> AsyncIterator[Callable[[], None]]:
        """Hold a slot while one call is made. Call what is given where the call has never left.

        The record of such a call stays: after a restart it counts, which errs on the safe side.

        Raises:
            Throttled: The hour's budget is spent, or Autotask has said that the tenant's is.
        """
        turn = self.slots.ask(endpoint, urgency)
        try:
            if not turn.granted:
                await self._granted(turn)
            yield partial(self.budget.give_back, await self._spend(endpoint))
        finally:
            self._leave(turn)

    def shut(self, seconds: float) -> None:
        """Let nobody pass for a while: Autotask has said that the tenant's allowance is spent."""
        self._shut_until = self._clock.now() + timedelta(seconds=seconds)

    @property
    def is_shut(self) -> bool:
        """Whether Autotask has refused the whole tenant, and not long enough ago."""
        return self._shut_until is not None and self._clock.now() < self._shut_until

    def remaining(self) -> int:
        """Return what is left of this hour's budget."""
        return self.budget.remaining(self._clock.now())

    def check(self) -> None:
        """Stop a caller while nobody may pass.

        Raises:
            Throttled: The hour's budget is spent, or Autotask has said that the tenant's is.
        """
        now = self._clock.now()
        if self._shut_until is not None and now < self._shut_until:
            raise HeldUntil(
                self._shut_until, now=now, why="Autotask has refused further calls of this tenant"
            )
        wait = self.budget.wait(now)
        if wait:
            raise HeldUntil(now + wait, now=now, why="our calls of this hour are spent")

    async def restore(self) -> None:
        """Count the calls of the last hour, once."""
        async with self._restoring:
            if not self._restored:
                self.budget.restore(await self._log.recent(self._clock.now() - WINDOW))
                self._restored = True

    async def _granted(self, turn: Turn) -> None:
        future = self._woken[turn] = asyncio.get_running_loop().create_future()
        try:
            await future
        finally:
            del self._woken[turn]

    def _leave(self, turn: Turn) -> None:
        following = self.slots.leave(turn)
        if following is None:
            return
        future = self._woken.get(following)
        if (
            future is not None and not future.done()
        ):  # a cancelled waiter leaves, and passes its slot on, itself
            future.set_result(None)

    async def _spend(self, endpoint: str) -> datetime:
        if not self._restored:
            await self.restore()
        self.check()
        now = self._clock.now()
        self.budget.spend(now)
        await self._log.record(now, endpoint)
        return now
