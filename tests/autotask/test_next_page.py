"""No URL of an answer is ever asked: pages come behind the last id, and the listener sees nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from alertd.autotask.client import MOST_PAGES, AutotaskClient
from alertd.autotask.credential import Credential
from alertd.autotask.queries import Query, Where
from alertd.autotask.transport import Around, Transport
from alertd.autotask.wire import Reply, Request, Wire
from alertd.flows.errors import Unavailable
from alertd.simulator import Simulator
from alertd.simulator.control import control
from tests.autotask.conftest import Reaction, autotask_that, make_settings

COMPANIES = Query(entity="Companies", conditions=(Where("gte", "id", 0),), fields=("companyName",), limit=2)
METADATA = "http://169.254.169.254/latest/meta-data/"


class Listener:
    """A place that must see nothing."""

    def __init__(self) -> None:
        self.visits = 0
        self.url = ""

    async def visited(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    listener = Listener()
    server = await asyncio.start_server(listener.visited, "127.0.0.1", 0)
    async with server:
        listener.url = (
            f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ATServicesRest/V1.0/x/query/next"
        )
        yield listener


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every URL that leaves the process, whatever becomes of it."""
    urls: list[str] = []
    exchange = Wire.exchange

    async def noted(wire: Wire, request: Request) -> Reply:
        urls.append(request.url)
        return await exchange(wire, request)

    monkeypatch.setattr(Wire, "exchange", noted)
    return urls


@pytest.fixture
async def client(zone_url: str, credential: Credential, around: Around) -> AsyncIterator[AutotaskClient]:
    made = AutotaskClient(Transport(make_settings(zone_url), credential, around))
    yield made
    await made.close()


def set_fault(sim: Simulator, **fault: Any) -> None:
    reply = control(sim, "POST", "faults", body=json.dumps({"kind": "next_page_url", **fault}).encode())
    assert reply.status == 200, reply


def origins(urls: list[str]) -> set[str]:
    return {urlsplit(url).netloc for url in urls}


@pytest.mark.parametrize("where", ["listener", METADATA, "file:///etc/passwd", "itself"])
async def test_every_page_of_a_query_is_had_without_its_next_page_url(
    client: AutotaskClient, sim: Simulator, asked: list[str], zone_url: str, where: str
) -> None:
    whole = {row["id"] for row in (await client.rows(COMPANIES)).rows}
    pages = len([url for url in asked if url.endswith("Companies/query")])
    asked.clear()
    async with listening() as listener:
        itself = zone_url.replace("atservicesrest", "ATServicesRest/V1.0/Companies/query")
        set_fault(sim, url={"listener": listener.url, "itself": itself}.get(where, where))
        rows = (await client.rows(COMPANIES)).rows
    assert {row["id"] for row in rows} == whole
    assert len(rows) == len(whole) > 4
    assert len(asked) == pages
    assert origins(asked) == {urlsplit(zone_url).netloc}
    assert listener.visits == 0


@asynccontextmanager
async def client_of(react: Reaction, credential: Credential, around: Around) -> AsyncIterator[AutotaskClient]:
    async with autotask_that(react) as zone_url:
        made = AutotaskClient(Transport(make_settings(zone_url), credential, around))
        yield made
        await made.close()


async def test_a_child_list_that_names_a_next_page_is_refused(
    credential: Credential, around: Around, asked: list[str]
) -> None:
    async with listening() as listener:

        async def first_page(_: web.Request) -> web.Response:
            return web.json_response({"items": [{"id": 1}], "pageDetails": {"nextPageUrl": listener.url}})

        async with client_of(first_page, credential, around) as client:
            with pytest.raises(Unavailable, match="more than one page"):
                await client.children("TicketWebhooks/7/Fields", "TicketWebhookFields")
    assert len([url for url in asked if "zoneInformation" not in url]) == 1
    assert len(origins(asked)) == 1
    assert listener.visits == 0


async def test_pages_without_end_are_given_up(credential: Credential, around: Around) -> None:
    async def endless(request: web.Request) -> web.Response:
        body = await request.json()
        after = max((each["value"] for each in body["filter"] if each["op"] == "gt"), default=0)
        return web.json_response({"items": [{"id": after + 1}, {"id": after + 2}]})

    async with client_of(endless, credential, around) as client:
        with pytest.raises(Unavailable, match=f"more than {MOST_PAGES} pages"):
            await client.rows(COMPANIES)
