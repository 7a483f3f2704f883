"""What every test shares."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _one_loop_for_synchronous_tests() -> Iterator[None]:
    """Own the loop that pytest-asyncio 1.5 would leave open after a synchronous test (its issue 724)."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()
