"""Waiting: with a sign of life, since a slow Autotask is no reason to be restarted, or until the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
BEAT_S = 1.0


async def beating(work: Coroutine[Any, Any, T], beat: Callable[[], None]) -> T:
    """Return what `work` returns, calling `beat` every second meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            beat()
            await asyncio.wait((task,), timeout=BEAT_S)
    finally:
        task.cancel()
    return await task


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until `stop`."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
