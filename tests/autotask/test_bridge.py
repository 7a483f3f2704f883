from __future__ import annotations

import aiohttp
import pytest
from aioresponses import aioresponses

from tests.autotask.conftest import mocking, plain_aioresponses_works


async def _answer() -> bytes:
    with aioresponses() as mock:
        mock.get("http://autotask.test/", body=b"x" * 500_000)
        async with aiohttp.ClientSession() as session, session.get("http://autotask.test/") as answer:
            return await answer.read()


async def test_the_bridge_is_still_needed() -> None:
    """Fails as soon as plain aioresponses works with this aiohttp: then `bridge` is to be removed."""
    assert not plain_aioresponses_works()
    with pytest.raises((TypeError, AssertionError)):
        await _answer()


async def test_the_bridge_carries_large_bodies(bridge: None) -> None:
    assert len(await _answer()) == 500_000
    assert mocking.ClientResponse is not aiohttp.ClientResponse
