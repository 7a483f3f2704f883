from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from alertd.core.secret import Secret
from alertd.ops.admin import Admin, Route, serving
from alertd.ops.operations import NotReloaded
from alertd.ops.settings import AdminSettings
from alertd.ops.snapshot import Snapshot

TOKEN = "admin-token-0123456789abcdefghijklmnopqrst"


class Operations:
    def __init__(self) -> None:
        self.reason: str | None = None
        self.stuck: str | None = None
        self.faulty: list[str] = []
        self.fault: Exception | None = None
        self.reload_fault: str | None = None
        self.reloads = 0
        self.now = Snapshot(alerts={"ticketed": 3}, incidents={"open": 2}, oldest_unsettled_s=1.5)

    def not_ready(self) -> str | None:
        return self.reason

    def unhealthy(self) -> str | None:
        return self.stuck

    def problems(self) -> Sequence[str]:
        return self.faulty

    async def reload(self) -> None:
        self.reloads += 1
        if self.reload_fault:
            raise NotReloaded(self.reload_fault)

    async def snapshot(self) -> Snapshot:
        self._fail()
        return self.now

    async def status(self) -> Mapping[str, Any]:
        self._fail()
        return {"version": "0.1.0"}

    async def incidents(
        self, *, limit: int, states: Sequence[str] | None = None
    ) -> Sequence[Mapping[str, Any]]:
        self._fail()
        return [{"key": "i-1", "limit": limit}]

    async def explain(self, subject: str) -> Mapping[str, Any] | None:
        return {"subject": subject} if subject != "unknown" else None

    async def parked(self, *, limit: int) -> Sequence[Mapping[str, Any]]:
        return [{"receipt": "r-1", "limit": limit}]

    def _fail(self) -> None:
        if self.fault:
            raise self.fault


class Desk:
    """A running admin listener and what is behind it."""

    def __init__(self, operations: Operations, registry: CollectorRegistry, address: str) -> None:
        self.operations = operations
        self.registry = registry
        self.address = address
        self.headers = {"Authorization": f"Bearer {TOKEN}"}

    def url(self, path: str) -> str:
        return f"http://{self.address}{path}"


Serve = Callable[..., AbstractAsyncContextManager[Desk]]


@pytest.fixture
def serve() -> Serve:
    @contextlib.asynccontextmanager
    async def serve(
        *, token: str | None = TOKEN, more: Sequence[Route] = (), **settings: Any
    ) -> AsyncIterator[Desk]:
        table = {"listen": "127.0.0.1:0", "token": {"env": "T"} if token else None, **settings}
        admin_settings = AdminSettings.model_validate(table)
        operations, registry = Operations(), CollectorRegistry()
        admin = Admin(
            admin_settings,
            operations,
            registry=registry,
            token=Secret(token) if token else None,
            more=more,
        )
        async with serving(admin, admin_settings) as address:
            yield Desk(operations, registry, address)

    return serve


@pytest.fixture
async def desk(serve: Serve) -> AsyncIterator[Desk]:
    async with serve() as desk:
        yield desk


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
