"""What every store must do, whatever the database. A new database joins by another entry in OPENERS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeAlias

import pytest
from prometheus_client import CollectorRegistry

from alertd.store.opening import open_store
from alertd.store.settings import StoreSettings
from alertd.store.store import Store
from tests.store.making import FixedClock

Opener: TypeAlias = Callable[[], AbstractAsyncContextManager[Store]]  # each call opens the same store again


def _sqlite(directory: Path, clock: FixedClock) -> Opener:
    settings = StoreSettings(url=f"sqlite:///{directory / 'alertd.db'}", min_free=0)
    return lambda: open_store(settings, clock=clock, registry=CollectorRegistry())


OPENERS = {"sqlite": _sqlite}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture(params=sorted(OPENERS))
def opener(request: pytest.FixtureRequest, tmp_path: Path, clock: FixedClock) -> Opener:
    return OPENERS[request.param](tmp_path, clock)


@pytest.fixture
async def store(opener: Opener) -> AsyncIterator[Store]:
    async with opener() as opened:
        yield opened
