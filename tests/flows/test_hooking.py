"""The webhook is installed once and checked every hour; trouble is told, and nobody is fought."""

from __future__ import annotations

import asyncio

import pytest

from alertd.flows.errors import PortError, Rejected, Unavailable
from alertd.flows.hooking import Hooking
from tests.flows.conftest import LoopClock

pytestmark = pytest.mark.looptime


class Hook:
    def __init__(self) -> None:
        self.calls: list[tuple[str, float]] = []
        self.errors: list[PortError] = []
        self.said = ""

    def _called(self, name: str) -> None:
        self.calls.append((name, asyncio.get_running_loop().time()))
        if self.errors:
            raise self.errors.pop(0)

    async def install(self) -> None:
        self._called("install")

    async def check(self) -> str:
        self._called("check")
        return self.said

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


class Run:
    """A flow over a hook, until the block ends."""

    def __init__(self, hook: Hook) -> None:
        self.begun = True
        self.flow = Hooking(hook, LoopClock(), begun=lambda: self.begun)
        self._stop = asyncio.Event()

    async def __aenter__(self) -> Run:
        self._task = asyncio.create_task(self.flow.run(self._stop, lambda: None))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await self._task


async def test_installed_once_and_checked_every_hour() -> None:
    hook = Hook()
    async with Run(hook) as run:
        await asyncio.sleep(3 * 3600 + 60)
        assert run.flow.state == "on"
    assert hook.names == ["install", "check", "check", "check"]


async def test_nothing_is_done_before_the_tenant_is_known_to_be_ours() -> None:
    hook = Hook()
    async with Run(hook) as run:
        run.begun = False
        await asyncio.sleep(600)
        assert hook.names == []
        run.begun = True
        await asyncio.sleep(2)
    assert hook.names == ["install"]


async def test_what_cannot_be_had_now_is_tried_again_ever_later() -> None:
    hook = Hook()
    hook.errors = [Unavailable("down")] * 9
    async with Run(hook) as run:
        await asyncio.sleep(6 * 3600)
        assert run.flow.state == "on"
    times = [at for _, at in hook.calls]
    pauses = [round((b - a) / 60) for a, b in zip(times, times[1:], strict=False)]
    assert pauses[:8] == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_a_missing_right_is_one_line_and_asked_again_in_an_hour() -> None:
    hook = Hook()
    hook.errors = [Rejected("no adequate permissions")]
    async with Run(hook) as run:
        await asyncio.sleep(1800)
        assert "Can create Webhooks" in run.flow.trouble
        assert "\n" not in run.flow.trouble
        assert hook.names == ["install"]
        await asyncio.sleep(3600)
        assert run.flow.trouble == ""
    assert hook.names == ["install", "install"]


async def test_one_that_was_switched_off_is_told_and_not_installed_again() -> None:
    hook = Hook()
    async with Run(hook) as run:
        await asyncio.sleep(60)
        hook.said = "webhook 7 is switched off"
        await asyncio.sleep(2 * 3600)
        assert run.flow.trouble == "webhook 7 is switched off"
        assert run.flow.state == "trouble"
        hook.said = ""
        await asyncio.sleep(3600)
        assert run.flow.state == "on"
    assert hook.names.count("install") == 1


async def test_a_claimed_deactivation_is_looked_at_soon_but_seldom() -> None:
    hook = Hook()
    async with Run(hook) as run:
        await asyncio.sleep(1200)
        run.flow.doubt()
        await asyncio.sleep(2)
        assert hook.names == ["install", "check"]
        for _ in range(1000):
            run.flow.doubt()
            await asyncio.sleep(1)
    assert hook.names.count("check") == 2
