"""The maps where no daemon runs: the store is held meanwhile, and Autotask asked as the daemon would."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from alertd.app.assembly import CallsByIncident
from alertd.app.clock import SystemClock
from alertd.app.company_maps import CompanyMaps
from alertd.app.company_moves import CompanyMoves
from alertd.app.live import credential_of, plan_of
from alertd.app.routing import routing_of
from alertd.autotask.desk import AutotaskDesk
from alertd.autotask.metrics import AutotaskMetrics
from alertd.autotask.transport import Around
from alertd.config.settings import Settings
from alertd.store.opening import open_store


@asynccontextmanager
async def offline_maps(settings: Settings) -> AsyncIterator[CompanyMaps]:
    """Open store and desk, and the maps over them.

    Raises:
        StoreError, StoreFailed: The store cannot be used.
        SecretMissing: The credential of Autotask cannot be read.
    """
    registry, clock = CollectorRegistry(), SystemClock()
    async with open_store(
        settings.store, clock=clock, registry=registry, instance=settings.instance
    ) as store:
        desk = AutotaskDesk(
            settings.autotask,
            credential_of(settings, os.environ),
            plan=plan_of(settings, routing_of(settings)),
            around=Around(
                clock=clock,
                memory=store,
                call_log=CallsByIncident(store),
                metrics=AutotaskMetrics(registry),
                chance=random.Random(),  # noqa: S311 - spreads retries; nothing secret
            ),
        )
        moves = CompanyMoves(store, desk, now=clock.now)
        maps = CompanyMaps(store, desk, settings=lambda: settings, moves=moves)
        try:
            await maps.load()
            yield maps
        finally:
            await desk.close()
