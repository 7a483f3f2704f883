"""The webhook flow: sees that Autotask calls us when people change tickets, and tells where it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from alertd.flows.beating import beating
from alertd.flows.errors import PortError, Rejected
from alertd.flows.ports import Clock

CHECK_EVERY = timedelta(hours=1)
SOONEST = timedelta(minutes=10)  # between checks that somebody unproven asks for
FIRST_RETRY = timedelta(minutes=1)
_STEP_S = 1.0

_log = structlog.get_logger()


class Hook(Protocol):
    """The one webhook of ours. Both raise `PortError`s, which say what to do next."""

    async def install(self) -> None:
        """Make it, or bring the one that is there up to date, and switch it on."""
        ...

    async def check(self) -> str:
        """See that it is there and on, and return what a person has to put right; empty: nothing."""
        ...


class Hooking:
    """Installs the webhook once per process, and checks it every hour. One task runs it.

    Args:
        hook: The webhook.
        clock: The wall clock.
        begun: Whether it is known that the tenant is the store's.
    """

    def __init__(self, hook: Hook, clock: Clock, *, begun: Callable[[], bool]) -> None:
        self._hook = hook
        self._clock = clock
        self._begun = begun
        self._installed = False
        self._retry = FIRST_RETRY
        self._asked_at: datetime | None = None
        self._due_at = clock.now()
        self.trouble = ""  # what a person has to put right, in one line

    @property
    def state(self) -> str:
        """Return how call-outs were when last looked at: `on`, `trouble`, or `not set up yet`."""
        if self.trouble:
            return "trouble"
        return "on" if self._installed else "not set up yet"

    def doubt(self) -> None:
        """Somebody says that the webhook was switched off. Anybody can say so, so it is only looked at."""
        soonest = (self._asked_at or self._clock.now() - SOONEST) + SOONEST
        if soonest < self._due_at:
            self._due_at = soonest
            _log.info("hooking.doubted", look_at=soonest.isoformat(timespec="seconds"))

    async def run(self, stop: asyncio.Event, beat: Callable[[], None]) -> None:
        """Keep it in place until `stop`."""
        while not stop.is_set():
            beat()
            if self._begun() and self._clock.now() >= self._due_at:
                await beating(self._look(), beat)
            try:
                async with asyncio.timeout(_STEP_S):
                    await stop.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        self._asked_at = self._clock.now()
        try:
            trouble = await self._looked()
        except Rejected as exc:
            trouble = (
                f"Autotask refuses the webhook: {exc}. Let the API user's security level create webhooks"
                " (Can create Webhooks), or remove [autotask.callouts]"
            )
        except PortError as exc:
            _log.warning("hooking.put_off", reason=exc.reason, error=str(exc))
            self._due_at = self._clock.now() + self._retry
            self._retry = min(2 * self._retry, CHECK_EVERY)
            return
        self._retry = FIRST_RETRY
        self._due_at = self._clock.now() + CHECK_EVERY
        self._tell(trouble)

    async def _looked(self) -> str:
        if self._installed:
            return await self._hook.check()
        await self._hook.install()
        self._installed = True
        return ""

    def _tell(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            _log.warning("hooking.no_callouts", why=trouble)
        elif self.trouble and not trouble:
            _log.info("hooking.callouts_again")
        self.trouble = trouble
