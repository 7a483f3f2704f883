"""sd_notify over a real datagram socket, and the watchdog that is told the truth."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from alertd.ops.notify import Notifier, keep_alive, notifier, watchdog_interval_s
from alertd.ops.pulse import Pulse


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.setblocking(False)
        yield sock


def heard(sock: socket.socket) -> str:
    return sock.recv(4096).decode()


def test_states(systemd: socket.socket) -> None:
    notify = notifier({"NOTIFY_SOCKET": systemd.getsockname()}, lambda: 12.5)

    notify.ready()
    notify.ready("2 sources,\n1 board")
    notify.reloading()
    notify.status("x" * 600)
    notify.alive()
    notify.stopping()

    assert heard(systemd) == "READY=1"
    assert heard(systemd) == "READY=1\nSTATUS=2 sources, 1 board"
    assert heard(systemd) == "RELOADING=1\nMONOTONIC_USEC=12500000"
    assert heard(systemd) == "STATUS=" + "x" * 500
    assert heard(systemd) == "WATCHDOG=1"
    assert heard(systemd) == "STOPPING=1"


def test_an_abstract_socket() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0alertd-test-{id(sock)}-{time.monotonic_ns()}")
        sock.setblocking(False)
        Notifier("@" + sock.getsockname()[1:].decode(), time.monotonic).ready()

        assert heard(sock) == "READY=1"


def test_without_systemd_nothing_happens() -> None:
    notifier({}, time.monotonic).ready()


def test_a_systemd_that_is_gone_is_no_reason_to_fail(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as logs:
        Notifier(str(tmp_path / "gone"), time.monotonic).alive()

    assert [line["event"] for line in logs] == ["ops.notify_failed"]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_watchdog_interval(environ: dict[str, str], expected: float | None) -> None:
    assert watchdog_interval_s(environ, 7) == expected


class TestPulse:
    def test_a_loop_that_stops_turning_is_stale(self) -> None:
        now = 0.0
        pulse = Pulse(lambda: now)
        beat = pulse.expect("decide", every_s=5)
        pulse.expect("settle", every_s=10)

        now = 5.0
        assert pulse.stale() == []
        now = 6.0
        assert pulse.stale() == ["decide"]
        beat()
        assert pulse.stale() == []
        now = 10.5
        assert pulse.stale() == ["settle"]

    def test_who_waits_for_the_disk_is_not_stuck(self) -> None:
        now, held_up = 0.0, True
        pulse = Pulse(lambda: now, held_up=lambda: held_up)
        pulse.expect("decide", every_s=5)

        now = 60.0
        assert pulse.stale() == []
        held_up, now = False, 64.0
        assert pulse.stale() == []
        now = 66.0
        assert pulse.stale() == ["decide"]

    def test_a_loop_that_ended_is_not_missed(self) -> None:
        now = 0.0
        pulse = Pulse(lambda: now)
        beat = pulse.expect("decide", every_s=5)
        pulse.forget("decide")
        beat()
        now = 100.0

        assert pulse.stale() == []


class Told(Notifier):
    def __init__(self) -> None:
        super().__init__("", time.monotonic)
        self.count = 0
        self.bell = asyncio.Event()

    def alive(self) -> None:
        self.count += 1
        self.bell.set()


async def test_the_watchdog_is_told_while_all_loops_turn() -> None:
    stop, told, pulse = asyncio.Event(), Told(), Pulse(time.monotonic)
    pulse.expect("decide", every_s=60)

    async with asyncio.TaskGroup() as group:
        group.create_task(
            keep_alive(stop, notifier=told, pulse=pulse, every_s=0.001, monotonic=time.monotonic)
        )
        await told.bell.wait()
        stop.set()

    assert told.count >= 1


class Stuck(Pulse):
    """A pulse that is stale twice and then fresh."""

    def __init__(self) -> None:
        super().__init__(time.monotonic)
        self.asked = 0

    def stale(self) -> list[str]:
        self.asked += 1
        return ["settle"] if self.asked <= 2 else []


async def test_the_watchdog_is_not_told_while_a_loop_is_stuck() -> None:
    stop, told, pulse = asyncio.Event(), Told(), Stuck()
    with structlog.testing.capture_logs() as logs:
        async with asyncio.TaskGroup() as group:
            group.create_task(
                keep_alive(stop, notifier=told, pulse=pulse, every_s=0.001, monotonic=time.monotonic)
            )
            await told.bell.wait()
            stop.set()

    assert told.count == pulse.asked - 2
    assert logs == [{"event": "ops.loops_stuck", "loops": ["settle"], "log_level": "error"}]


async def test_the_watchdog_is_not_told_by_a_late_event_loop() -> None:
    times = itertools.chain([0.0, 6.1], itertools.repeat(6.2))
    stop, told = asyncio.Event(), Told()
    with structlog.testing.capture_logs() as logs:
        async with asyncio.TaskGroup() as group:
            group.create_task(
                keep_alive(
                    stop,
                    notifier=told,
                    pulse=Pulse(lambda: 0.0),
                    every_s=0.001,
                    monotonic=lambda: next(times),
                )
            )
            await told.bell.wait()
            stop.set()

    assert [line["loops"] for line in logs] == [["event loop"]]
    assert told.count == 1
