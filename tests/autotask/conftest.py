from __future__ import annotations

import inspect
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import aiohttp
import aioresponses.core
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry

from alertd.autotask.credential import Credential
from alertd.autotask.desk import AutotaskDesk, BoardPlan
from alertd.autotask.memory import TransientMemory
from alertd.autotask.metrics import AutotaskMetrics
from alertd.autotask.pacing import Ended
from alertd.autotask.settings import AutotaskSettings, Timeouts
from alertd.autotask.transport import Around
from alertd.core.boards import BoardSettings
from alertd.core.secret import Secret
from alertd.core.settings import SecretRef
from alertd.simulator import API_INTEGRATION_CODE, API_SECRET, API_USERNAME, Simulator, serving

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


def plain_aioresponses_works() -> bool:
    """Whether aioresponses can make aiohttp's responses without our help."""
    return "stream_writer" not in inspect.signature(aiohttp.ClientResponse.__init__).parameters


mocking: Any = aioresponses.core  # it exports none of the names that the bridge replaces
_plain_stream = mocking.stream_reader_factory


@pytest.fixture
def bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bridge aioresponses 0.7.9 to aiohttp 3.14: a response needs a writer, and its stream a parser."""

    class Response(aiohttp.ClientResponse):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.setdefault("stream_writer", Mock(output_size=0))
            super().__init__(*args, **kwargs)

    def stream(loop: Any = None) -> Any:
        reader = _plain_stream(loop)
        reader._protocol._parser = Mock(feed_data=Mock(return_value=((), False, b"")))
        return reader

    monkeypatch.setattr(mocking, "ClientResponse", Response)
    monkeypatch.setattr(mocking, "stream_reader_factory", stream)


@pytest.fixture
def mocked(bridge: None) -> Iterator[aioresponses.aioresponses]:
    with aioresponses.aioresponses() as mock:
        yield mock


class FakeClock:
    """Stands still until moved."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def forward(self, **amount: float) -> None:
        self.at += timedelta(**amount)


class FakeCallLog:
    """Keeps what was recorded, over restarts of the client."""

    def __init__(self) -> None:
        self.calls: list[tuple[datetime, str]] = []
        self.ended: list[tuple[datetime, Ended]] = []

    async def recent(self, since: datetime) -> Sequence[datetime]:
        return [at for at, _ in self.calls if at > since]

    async def record(self, at: datetime, endpoint: str) -> None:
        self.calls.append((at, endpoint))

    def answered(self, at: datetime, ended: Ended) -> None:
        self.ended.append((at, ended))


async def no_sleep(seconds: float) -> None:
    del seconds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def call_log() -> FakeCallLog:
    return FakeCallLog()


@pytest.fixture
def memory() -> TransientMemory:
    return TransientMemory()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def around(
    clock: FakeClock, call_log: FakeCallLog, memory: TransientMemory, registry: CollectorRegistry
) -> Around:
    return Around(
        clock=clock,
        memory=memory,
        call_log=call_log,
        metrics=AutotaskMetrics(registry),
        chance=random.Random(1),
        sleep=no_sleep,
    )


def make_settings(zone_url: str, **more: Any) -> AutotaskSettings:
    secret = SecretRef(env="NOT_READ_HERE")
    values: dict[str, Any] = {
        "username": API_USERNAME,
        "secret": secret,
        "integration_code": secret,
        "zone_url": zone_url,
    }
    return AutotaskSettings(**(values | more))


def short_timeouts() -> Timeouts:
    return Timeouts(
        connect=timedelta(seconds=5), read=timedelta(milliseconds=300), create=timedelta(milliseconds=300)
    )


@pytest.fixture
def credential() -> Credential:
    return Credential(
        username=API_USERNAME, secret=Secret(API_SECRET), integration_code=Secret(API_INTEGRATION_CODE)
    )


Reaction = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def autotask_that(react: Reaction) -> AsyncIterator[str]:
    """Serve a zone look-up that points here, and `react` for every other route; yield the zone URL."""

    async def zone(request: web.Request) -> web.Response:
        url = f"http://{request.host}/ATServicesRest/"
        return web.json_response({"zoneName": "Test", "url": url, "webUrl": "https://ww.test/", "ci": 7})

    async def other(request: web.Request) -> web.StreamResponse:
        return await react(request)

    app = web.Application()
    app.router.add_get("/atservicesrest/v1.0/zoneInformation", zone)
    app.router.add_route("*", "/{path:.*}", other)
    async with TestServer(app) as server:
        yield str(server.make_url("/atservicesrest"))


NOC = BoardSettings(name="noc", queue="NOC", tags=["alertd"])


@pytest.fixture
def sim(clock: FakeClock) -> Simulator:
    def now() -> float:
        return clock.at.timestamp()

    return Simulator(clock=now)


@pytest.fixture
async def zone_url(sim: Simulator) -> AsyncIterator[str]:
    async with serving(sim) as url:
        yield url


@pytest.fixture
async def desk(zone_url: str, credential: Credential, around: Around) -> AsyncIterator[AutotaskDesk]:
    """A desk on the simulator, not yet ready."""
    made = AutotaskDesk(
        make_settings(zone_url, timeouts=Timeouts(create=timedelta(seconds=2))),
        credential,
        plan=BoardPlan(boards=[NOC], stand_ins=["noc"], more_tags=frozenset({"backup"})),
        around=around,
    )
    yield made
    await made.close()


class Control:
    """The simulator's control API, over HTTP."""

    def __init__(self, root: str, session: aiohttp.ClientSession) -> None:
        self._root = root
        self._session = session

    async def post(self, what: str, body: Any) -> Any:
        async with self._session.post(f"{self._root}/__sim/{what}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def get(self, what: str) -> Any:
        async with self._session.get(f"{self._root}/__sim/{what}") as answer:
            return await answer.json()

    async def fault(self, kind: str, **more: Any) -> None:
        await self.post("faults", {"kind": kind, **more})

    async def heal(self) -> None:
        await self.post("faults", {"clear": True})

    async def tickets(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.get("state?only=tickets"))["tickets"]
        return found


@pytest.fixture
async def control(zone_url: str) -> AsyncIterator[Control]:
    async with aiohttp.ClientSession() as session:
        yield Control(zone_url.removesuffix("/atservicesrest"), session)
