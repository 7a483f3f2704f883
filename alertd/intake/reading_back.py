"""Clients that ask for what they have just sent."""

from __future__ import annotations

import asyncio
import contextlib

from alertd.intake.senders import Handover

LONGEST_S = 2.0


async def caught_up(handover: Handover) -> None:
    """Wait, for two seconds at most, until what was taken in before is decided."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LONGEST_S):
            await handover.passed()
