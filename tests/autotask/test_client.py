from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from alertd.autotask.client import AutotaskClient
from alertd.autotask.credential import Credential
from alertd.autotask.queries import Query, Where
from alertd.autotask.transport import Around, Transport
from alertd.flows.errors import Unavailable
from tests.autotask.conftest import Reaction, autotask_that, make_settings

ALL = Query(entity="Tickets", conditions=(Where("gte", "id", 0),), fields=("title",), limit=2)


class Ledger:
    """A server of one's own: answers by function of (method, path, body), and what it was sent."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, str, Any]] = []
        self.answer: Any = lambda method, path, body: (200, {})

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        path = request.path.partition("/V1.0/")[2]
        self.bodies.append((request.method, path, body))
        status, payload = self.answer(request.method, path, body)
        if isinstance(payload, str):
            return web.Response(status=status, text=payload, content_type="text/html")
        return web.json_response(payload, status=status)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
async def client(ledger: Ledger, credential: Credential, around: Around) -> AsyncIterator[AutotaskClient]:
    react: Reaction = ledger
    async with autotask_that(react) as zone_url:
        made = AutotaskClient(Transport(make_settings(zone_url), credential, around))
        yield made
        await made.close()


def after(body: Any) -> int:
    return max((each["value"] for each in body["filter"] if each["op"] == "gt"), default=0)


async def test_pages_are_asked_behind_the_last_id(client: AutotaskClient, ledger: Ledger) -> None:
    ledger.answer = lambda _m, _p, body: (
        200,
        {"items": [{"id": n} for n in range(1, 6) if n > after(body)][:2]},
    )
    assert [row["id"] for row in (await client.rows(ALL)).rows] == [1, 2, 3, 4, 5]
    assert [after(body) for _, _, body in ledger.bodies] == [0, 2, 4]


async def test_pages_that_do_not_advance_are_refused(client: AutotaskClient, ledger: Ledger) -> None:
    ledger.answer = lambda *_: (200, {"items": [{"id": 1}, {"id": 2}]})
    with pytest.raises(Unavailable, match="do not advance"):
        await client.rows(ALL)


async def test_a_next_page_url_is_never_followed(client: AutotaskClient, ledger: Ledger) -> None:
    page = {"items": [{"id": 1}], "pageDetails": {"nextPageUrl": "http://169.254.169.254/"}}
    ledger.answer = lambda *_: (200, page)
    assert len((await client.rows(ALL)).rows) == 1
    assert len(ledger.bodies) == 1


async def test_rows_that_nobody_asked_for_are_dropped_and_told(
    client: AutotaskClient, ledger: Ledger
) -> None:
    ledger.answer = lambda *_: (200, {"items": [{"id": 1, "externalID": "x"}, {"id": 2, "externalID": "y"}]})
    query = Query(entity="Tickets", conditions=(Where("eq", "externalID", "y"),), fields=())
    found = await client.rows(query)
    assert ([row["id"] for row in found.rows], found.strays) == ([2], 1)
    with pytest.raises(Unavailable, match="whole query"):
        await client.exact(query)


@pytest.mark.parametrize(
    "payload",
    [{}, {"items": None}, {"items": [None]}, {"items": [{}]}, {"items": [{"id": "x"}]}, "<html>", []],
    ids=str,
)
async def test_a_query_answered_with_garbage_is_unavailable(
    client: AutotaskClient, ledger: Ledger, payload: Any
) -> None:
    ledger.answer = lambda *_: (200, payload)
    with pytest.raises(Unavailable):
        await client.rows(ALL)
    with pytest.raises(Unavailable):
        await client.count(ALL)
    with pytest.raises(Unavailable):
        await client.item("Tickets", 5)


async def test_a_count(client: AutotaskClient, ledger: Ledger) -> None:
    ledger.answer = lambda *_: (200, {"queryCount": 137})
    assert await client.count(ALL) == 137
    assert ledger.bodies == [
        ("POST", "Tickets/query/count", {"filter": [{"op": "gte", "field": "id", "value": 0}]})
    ]


async def test_another_record_than_the_one_asked_for_is_not_taken(
    client: AutotaskClient, ledger: Ledger
) -> None:
    ledger.answer = lambda *_: (200, {"item": {"id": 6}})
    with pytest.raises(Unavailable, match="another record"):
        await client.item("Tickets", 5)


async def test_put_sends_every_writable_field_and_no_masked_value(
    client: AutotaskClient, ledger: Ledger
) -> None:
    item = {
        "id": 5,
        "title": "x",
        "status": 1,
        "createDate": "2026-03-05T12:00:00Z",
        "userDefinedFields": [{"name": "Site", "value": "North"}, {"name": "Pin", "value": "*****"}],
    }
    answers = {"PATCH": (404, "<html>"), "GET": (200, {"item": item}), "PUT": (200, {"itemId": 5})}
    ledger.answer = lambda method, *_: answers[method]
    await client.change("Tickets", 5, {"status": 8}, writable=lambda: frozenset({"title", "status"}))
    assert ledger.bodies[-1] == (
        "PUT",
        "Tickets",
        {"id": 5, "title": "x", "status": 8, "userDefinedFields": [{"name": "Site", "value": "North"}]},
    )


async def test_where_every_route_is_404_nothing_is_put(client: AutotaskClient, ledger: Ledger) -> None:
    ledger.answer = lambda *_: (404, "<html>")
    with pytest.raises(Unavailable):
        await client.change("Tickets", 5, {"status": 8}, writable=lambda: frozenset({"status"}))
    assert "PUT" not in {method for method, _, _ in ledger.bodies}
