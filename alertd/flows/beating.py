"""Showing a sign of life while something slow is waited for: a slow Autotask is no reason to be restarted."""

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
