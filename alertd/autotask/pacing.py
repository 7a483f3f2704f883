"""What every call to the tenant passes: the scheduler, with this process's clock, waiting and durability."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from alertd.autotask.budget import WINDOW, Spent
from alertd.autotask.holding import HeldUntil
from alertd.autotask.scheduler import Scheduler, slot_wait_over
from alertd.autotask.shares import Errand
from alertd.autotask.slots import Turn
from alertd.flows.ports import Clock

SLOT_PATIENCE_S = 20.0  # with the longest call's time-out shorter than what is left of a lease
_COME_BACK = timedelta(seconds=1)


class Ended(NamedTuple):
    """How a call ended: the outcome as in the metrics, HTTP's status if any, and in short what was said."""

    endpoint: str
    outcome: str
    status: int | None
    answer: str


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

    def answered(self, at: datetime, ended: Ended) -> None:
        """Keep how a recorded call ended, sooner or later. Never blocks, never raises."""
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

    def answered(self, at: datetime, ended: Ended) -> None:
        """Keep nothing."""
        del at, ended


class Pass:
    """One call on its way."""

    def __init__(self, scheduler: Scheduler, spent: Spent) -> None:
        self._scheduler = scheduler
        self._spent = spent

    @property
    def began_at(self) -> datetime:
        """When the call was counted."""
        return self._spent.at

    def give_back(self) -> None:
        """Count the call no more, since it has never left.

        Its record stays: after a restart it counts, which errs on the safe side.
        """
        self._scheduler.budget.give_back(self._spent)


class Gate:
    """Puts the scheduler before the calls. Each is recorded before it goes."""

    def __init__(self, scheduler: Scheduler, *, log: CallLog, clock: Clock) -> None:
        self.scheduler = scheduler
        self._log = log
        self._clock = clock
        self._woken: dict[Turn, asyncio.Future[None]] = {}
        self._restoring = asyncio.Lock()
        self._restored = False

    @asynccontextmanager
    async def permit(self, errand: Errand) -> AsyncIterator[Pass]:
        """Hold a slot while one call is made.

        Raises:
            Throttled: The call may not go now.
        """
        if not self._restored:
            await self.restore()
        self.scheduler.check(errand, self._clock.now())
        turn = self.scheduler.ask(errand)
        try:
            if not turn.granted:
                await self._granted(turn)
            yield Pass(self.scheduler, await self._spend(errand))
        finally:
            self._leave(turn)

    def answered(self, passed: Pass, ended: Ended) -> None:
        """Keep how the call that was let pass has ended."""
        self._log.answered(passed.began_at, ended)

    def remaining(self) -> int:
        """Return what is left of this hour's budget."""
        return self.scheduler.budget.remaining(self._clock.now())

    def check(self) -> None:
        """Stop a caller while nobody may pass, whatever for.

        Raises:
            Throttled: The hour's budget is spent, or Autotask has said that the tenant's is.
        """
        self.scheduler.check_way(self._clock.now())

    def check_room(self, errand: Errand) -> None:
        """Stop a caller whose call may not go now, whichever endpoint it goes to.

        Raises:
            Throttled: It may not.
        """
        self.scheduler.check_room(errand, self._clock.now())

    async def restore(self) -> None:
        """Count the calls of the last hour, once."""
        async with self._restoring:
            if not self._restored:
                self.scheduler.budget.restore(await self._log.recent(self._clock.now() - WINDOW))
                self._restored = True

    async def _granted(self, turn: Turn) -> None:
        future = self._woken[turn] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(SLOT_PATIENCE_S):
                await future
        except TimeoutError:
            raise slot_wait_over(self._clock.now(), _COME_BACK) from None
        finally:
            del self._woken[turn]

    def _leave(self, turn: Turn) -> None:
        for following in self.scheduler.leave(turn, self._clock.now()):
            future = self._woken.get(following)
            # a cancelled waiter leaves, and passes its slot on, itself
            if future is not None and not future.done():
                future.set_result(None)

    async def _spend(self, errand: Errand) -> Spent:
        spent = self.scheduler.start(errand, self._clock.now())
        await self._log.record(spent.at, errand.endpoint)
        return spent


__all__ = ["CallLog", "Ended", "Gate", "HeldUntil", "Pass", "TransientCallLog"]
