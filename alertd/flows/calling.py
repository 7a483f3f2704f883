"""The call-out flow: tickets that somebody says have changed are read soon, together, and not too often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from alertd.flows.beating import beating, pause
from alertd.flows.ports import Clock

GATHER_S = 0.3  # one change by a person is often several call-outs
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
MOST_CALLED = 10_000  # what is not remembered is read by the sync flow all the same
_WAKE_S = 1.0


class Reader(Protocol):
    """Reads tickets of ours by their ids."""

    async def read(self, ticket_ids: frozenset[int]) -> Mapping[int, datetime] | None:
        """Read those that are watched, and return which are to be read later, and from when.

        None: none of them is ours, and nothing was asked of Autotask.
        """
        ...


class Calls:
    """Gathers call-outs and has their tickets read. One task runs it.

    Reading pauses between rounds, ever longer while call-outs keep coming: however many there are, they
    cost no more than a round every half minute.
    """

    def __init__(self, reader: Reader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._called: set[int] = set()
        self._later: dict[int, datetime] = {}
        self._bell = asyncio.Event()
        self._pause_s = FIRST_PAUSE_S

    def changed(self, ticket_id: int) -> None:
        """Have a ticket read soon. Never blocks, never raises."""
        if len(self._called) < MOST_CALLED:
            self._called.add(ticket_id)
            self._bell.set()

    async def run(self, stop: asyncio.Event, beat: Callable[[], None]) -> None:
        """Read what is called, until `stop`."""
        while not stop.is_set():
            beat()
            if not await self._rung():
                self._pause_s = max(self._pause_s / 2, FIRST_PAUSE_S)  # it is quiet
                continue
            await asyncio.sleep(GATHER_S)
            if await beating(self._round(), beat):
                await beating(pause(stop, self._pause_s), beat)
                self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    async def _rung(self) -> bool:
        """Wait for a call, a while at most."""
        now = self._clock.now()
        if any(at <= now for at in self._later.values()):
            return True
        try:
            async with asyncio.timeout(_WAKE_S):
                await self._bell.wait()
        except TimeoutError:
            return False
        return True

    async def _round(self) -> bool:
        """Read what was called; whether that asked anything of Autotask."""
        now = self._clock.now()
        due = {ticket_id for ticket_id, at in self._later.items() if at <= now}
        called = frozenset(self._called | due)
        self._called.clear()
        self._bell.clear()
        later = await self._reader.read(called)
        self._later = {id_: at for id_, at in self._later.items() if id_ not in called} | dict(later or {})
        return later is not None
