"""Those who ask what there is wait until what was accepted before is decided."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from alertd.flows import deciding
from tests.flows.conftest import Machine, alert

pytestmark = pytest.mark.looptime


async def decide_until(machine: Machine, passed: asyncio.Task[Any]) -> None:
    """Run the decide flow alone until the reader has been let go."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(machine.decider.run(stop, lambda: None))
        await asyncio.wait([passed])
        stop.set()


async def test_nothing_waits_so_nobody_waits() -> None:
    machine = Machine()
    async with asyncio.timeout(1):
        await machine.decider.passed()
    assert machine.decider.undecided() == []


async def test_a_reader_is_let_go_once_what_came_before_is_decided() -> None:
    machine = Machine()
    await machine.post(alert("a"))
    reader = asyncio.create_task(machine.decider.passed())
    await asyncio.sleep(1)
    waiting = [each.alert.labels["host"] for each in machine.decider.undecided()]

    assert (reader.done(), waiting) == (False, ["a"])
    await decide_until(machine, reader)
    assert machine.decider.undecided() == []
    assert len(machine.state.incidents) == 1


async def test_a_reader_does_not_wait_for_what_comes_later() -> None:
    machine = Machine()
    await machine.post(alert("a"))
    reader = asyncio.create_task(machine.decider.passed())
    await asyncio.sleep(0)
    stop = asyncio.Event()
    running = asyncio.create_task(machine.decider.run(stop, lambda: None))
    while not reader.done():
        await machine.post(alert("b"))  # there is always something to decide
        await asyncio.sleep(0.01)
    stop.set()
    await running


async def test_what_memory_had_no_room_for_is_waited_for_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "MOST_WAITING", 1)
    machine = Machine()
    for host in "abcd":
        await machine.post(alert(host))

    async def read() -> int:
        await machine.decider.passed()
        return len(machine.state.incidents)

    reader = asyncio.create_task(read())
    await decide_until(machine, reader)
    assert reader.result() == 4
