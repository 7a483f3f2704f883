"""Telling systemd how we are: sd_notify(3), over its datagram socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping

import structlog

from alertd.ops.pulse import Pulse

_log = structlog.get_logger("alertd.ops")

LOOP_LAG_S = 5.0  # an event loop that is later than this is as good as stuck


class Notifier:
    """Sends states to systemd; silent where there is none.

    Args:
        address: NOTIFY_SOCKET: a path, or `@name` for an abstract socket; empty: nobody listens.
        monotonic: Returns seconds.
    """

    def __init__(self, address: str, monotonic: Callable[[], float]) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._monotonic = monotonic

    def ready(self, status: str = "") -> None:
        """Say that start, or a reload, is complete."""
        self._send("READY=1", *([f"STATUS={_one_line(status)}"] if status else ()))

    def reloading(self) -> None:
        """Say that a reload has begun; `ready` must follow, however it ends."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={int(self._monotonic() * 1_000_000)}")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """Set the line that `systemctl status` shows."""
        self._send(f"STATUS={_one_line(text)}")

    def alive(self) -> None:
        """Keep the watchdog from restarting us."""
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.setblocking(False)
                sock.sendto("\n".join(lines).encode(), self._address)
        except OSError as exc:
            _log.warning("ops.notify_failed", error=exc.strerror or type(exc).__name__)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:500]


def notifier(environ: Mapping[str, str], monotonic: Callable[[], float]) -> Notifier:
    """Return the notifier of this process's environment."""
    return Notifier(environ.get("NOTIFY_SOCKET", ""), monotonic)


def watchdog_interval_s(environ: Mapping[str, str], pid: int) -> float | None:
    """Return how often systemd wants to hear from us: half of WATCHDOG_USEC. None: not at all."""
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    text = environ.get("WATCHDOG_USEC", "")
    return int(text) / 2_000_000 if text.isascii() and text.isdigit() and int(text) > 0 else None


async def keep_alive(
    stop: asyncio.Event,
    *,
    notifier: Notifier,
    pulse: Pulse,
    every_s: float,
    monotonic: Callable[[], float],
) -> None:
    """Tell the watchdog until `stop`, but only while the event loop is on time and every loop turns."""
    was_late = False
    while not stop.is_set():
        due = monotonic() + every_s
        try:
            async with asyncio.timeout(every_s):
                await stop.wait()
        except TimeoutError:
            stuck = pulse.stale() + (["event loop"] if monotonic() - due > LOOP_LAG_S else [])
            if not stuck:
                notifier.alive()
            elif not was_late:
                _log.error("ops.loops_stuck", loops=stuck)
            was_late = bool(stuck)
