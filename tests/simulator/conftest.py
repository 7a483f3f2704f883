from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from alertd.simulator import API_INTEGRATION_CODE, API_SECRET, API_USERNAME, Simulator, serving

NOON = 1_772_712_000.0  # 2026-03-05T12:00:00Z


class Clock:
    """Stands still until moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sim(clock: Clock) -> Simulator:
    return Simulator(clock=clock)


Api = Callable[..., tuple[int, Any]]


@pytest.fixture
def api(sim: Simulator) -> Api:
    """One call as the built-in user, in process: status and JSON."""

    def call(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        reply = sim.call(method, path, body)
        return reply.status, reply.json()

    return call


@pytest.fixture
def new_ticket(api: Api) -> Callable[..., int]:
    """Create a ticket and return its id."""

    def create(**fields: Any) -> int:
        body = {"companyID": 175, "title": "Disk full", "status": 1, "priority": 2, "queueID": 29682833}
        status, answer = api("POST", "Tickets", body | fields)
        assert status == 200, answer
        return int(answer["itemId"])

    return create


@dataclass
class Wire:
    """The simulator behind a real socket."""

    session: aiohttp.ClientSession
    url: str

    @property
    def root(self) -> str:
        return self.url.removesuffix("/atservicesrest")

    async def api(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        sent = {"UserName": API_USERNAME, "Secret": API_SECRET, "ApiIntegrationCode": API_INTEGRATION_CODE}
        address = f"{self.url}/V1.0/{path}"
        async with self.session.request(method, address, json=body, headers=sent | headers) as answer:
            text = await answer.text()
            plain = not answer.content_type.endswith("json") or not text
            return answer.status, text if plain else await answer.json()

    async def control(self, name: str, body: Any = None) -> Any:
        method = "GET" if body is None else "POST"
        async with self.session.request(method, f"{self.root}/__sim/{name}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def ticket(self, **fields: Any) -> tuple[int, Any]:
        body = {"companyID": 175, "title": "Disk full", "status": 1, "priority": 2, "queueID": 29682833}
        return await self.api("POST", "Tickets", body | fields)


@pytest.fixture
async def wire(sim: Simulator) -> AsyncIterator[Wire]:
    async with serving(sim) as url, aiohttp.ClientSession() as session:
        yield Wire(session, url)
