"""Our one webhook at Autotask: made in order, found again, repaired, and never fought over."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from alertd.autotask.client import AutotaskClient
from alertd.autotask.credential import Credential
from alertd.autotask.memory import TransientMemory
from alertd.autotask.transport import Around, Transport
from alertd.autotask.webhooks import TicketWebhook, WebhookPlan
from alertd.core.secret import Secret
from alertd.flows.errors import Rejected, Unavailable
from alertd.simulator import API_USERNAME
from tests.autotask.conftest import autotask_that, make_settings

URL = "https://alerts.example.com/v1/autotask/callout"
KEY = "callout-secret-0123456789"
OWN = 29682890
CHILDREN = {"Fields": "fieldID", "ExcludedResources": "resourceID"}


class Books:
    """TicketWebhooks and their children, by the API reference alone."""

    def __init__(self) -> None:
        self.webhooks: dict[int, dict[str, Any]] = {}
        self.children: dict[tuple[int, str], list[dict[str, Any]]] = {}
        self.calls: list[str] = []
        self.refuse: dict[str, str] = {}  # pattern of "VERB path": the text of the refusal
        self.refuse_once = False
        self.lose: str = ""  # pattern of the call of which the first answer is lost
        self.most_at_once = self.at_once = 0
        self._ids = itertools.count(7)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            path = request.path.partition("/V1.0/")[2]
            body = await request.json() if request.can_read_body else {}
            return self._answer(f"{request.method} {path}", path.split("/"), body)
        finally:
            self.at_once -= 1

    def _answer(self, call: str, parts: list[str], body: dict[str, Any]) -> web.Response:
        self.calls.append(call)
        for pattern, text in self.refuse.items():
            if re.fullmatch(pattern, call):
                self.refuse = {} if self.refuse_once else self.refuse
                return web.json_response({"errors": [text]}, status=500)
        answer = web.json_response(self._done(call.partition(" ")[0], parts, body))
        if self.lose and re.fullmatch(self.lose, call):
            self.lose = ""
            return web.Response(status=502, text="<html>")
        return answer

    def _done(self, verb: str, parts: list[str], body: dict[str, Any]) -> dict[str, Any]:
        match verb, parts:
            case "POST", ["TicketWebhooks", "query"]:
                return {"items": [{**row, "secretKey": None} for row in self.webhooks.values()]}
            case "POST", ["Resources", "query"]:
                return {"items": [{"id": OWN, "userName": API_USERNAME.partition("@")[0]}]}
            case "POST", ["TicketWebhooks"]:
                made = next(self._ids)
                self.webhooks[made] = {"id": made, **body}
                return {"itemId": made}
            case "PATCH", ["TicketWebhooks"]:
                self.webhooks[body["id"]].update(body)
                return {"itemId": body["id"]}
            case "DELETE", ["TicketWebhooks", gone]:
                del self.webhooks[int(gone)]
                return {"itemId": int(gone)}
            case "GET", ["TicketWebhooks", parent, child]:
                rows = self.children.get((int(parent), child), [])
                return {"items": rows, "pageDetails": {"nextPageUrl": None}}
            case "POST", ["TicketWebhooks", parent, child]:
                made = next(self._ids)
                self.children.setdefault((int(parent), child), []).append({"id": made, **body})
                return {"itemId": made}
        raise AssertionError(f"{verb} {parts}")

    def of(self, child: str) -> list[int]:
        [webhook_id] = self.webhooks
        return [row[CHILDREN[child]] for row in self.children.get((webhook_id, child), [])]


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture
async def client(books: Books, credential: Credential, around: Around) -> AsyncIterator[AutotaskClient]:
    async with autotask_that(books) as zone_url:
        made = AutotaskClient(Transport(make_settings(zone_url), credential, around))
        yield made
        await made.close()


def plan(**more: Any) -> WebhookPlan:
    values: dict[str, Any] = {
        "url": URL,
        "secret": Secret(KEY),
        "name": "alertd",
        "fields": ("Status", "Priority"),
        "username": API_USERNAME,
    }
    return WebhookPlan(**(values | more))


def webhook(
    client: AutotaskClient, memory: TransientMemory, *, own: int | None = None, **more: Any
) -> TicketWebhook:
    return TicketWebhook(client, plan(**more), memory=memory, own_resource_id=lambda: own)


async def test_it_is_made_in_order_and_is_silent_until_its_last_step(
    client: AutotaskClient, memory: TransientMemory, books: Books
) -> None:
    await webhook(client, memory).install()

    [made] = books.webhooks.values()
    assert made["isActive"] is True
    assert (made["webhookUrl"], made["deactivationUrl"], made["secretKey"]) == (URL, URL, KEY)
    assert made["isSubscribedToUpdateEvents"] is True
    assert books.of("Fields") == [5, 6]
    assert books.of("ExcludedResources") == [OWN]
    assert books.calls == [
        "POST TicketWebhooks/query",
        "POST TicketWebhooks",
        "POST Resources/query",
        "POST TicketWebhooks/7/ExcludedResources",
        *["POST TicketWebhooks/7/Fields"] * 2,
    ]
    assert books.most_at_once == 1


async def test_it_is_found_again_after_a_restart(
    client: AutotaskClient, memory: TransientMemory, books: Books
) -> None:
    await webhook(client, memory).install()
    books.calls.clear()
    await webhook(client, memory, own=OWN).install()

    assert len(books.webhooks) == 1
    assert len(books.calls) == 4
    assert not any(call.startswith("POST TicketWebhooks/7") for call in books.calls)


async def test_it_is_found_by_its_url_where_the_store_is_lost(
    client: AutotaskClient, memory: TransientMemory, books: Books
) -> None:
    await webhook(client, memory).install()
    await webhook(client, TransientMemory()).install()
    assert len(books.webhooks) == 1


async def test_it_follows_a_new_url_secret_and_fields(
    client: AutotaskClient, memory: TransientMemory, books: Books
) -> None:
    await webhook(client, memory).install()
    new = {
        "url": "https://new.example.com/c",
        "secret": Secret("another-secret-0123"),
        "fields": ("QueueID",),
    }
    await webhook(client, memory, **new).install()

    [row] = books.webhooks.values()
    assert (row["webhookUrl"], row["secretKey"]) == ("https://new.example.com/c", "another-secret-0123")
    assert 14 in books.of("Fields")


@pytest.mark.parametrize("lost", ["POST TicketWebhooks", "POST .*/Fields", "POST .*/ExcludedResources"])
async def test_an_answer_that_is_lost_leaves_one_webhook(
    client: AutotaskClient, memory: TransientMemory, books: Books, lost: str
) -> None:
    books.lose = lost
    hook = webhook(client, memory)
    with pytest.raises(Unavailable):
        await hook.install()
    await hook.install()
    assert len(books.webhooks) == 1
    assert books.of("Fields") == [5, 6]
    assert books.of("ExcludedResources") == [OWN]
    assert books.webhooks[min(books.webhooks)]["isActive"] is True


async def test_a_second_one_of_ours_is_deleted_and_a_strangers_is_not(
    client: AutotaskClient, memory: TransientMemory, books: Books
) -> None:
    ours = {"name": "alertd", "webhookUrl": URL, "isActive": True}
    books.webhooks = {
        3: {"id": 3, **ours},
        4: {"id": 4, **ours},
        5: {"id": 5, **ours, "webhookUrl": "https://other.example.com"},
        6: {"id": 6, **ours, "name": "by hand"},
    }
    await webhook(client, memory).install()
    assert sorted(books.webhooks) == [3, 5, 6]


async def test_what_a_person_has_switched_off_stays_off_until_a_restart(
    client: AutotaskClient, memory: TransientMemory, books: Books
) -> None:
    hook = webhook(client, memory)
    await hook.install()
    books.webhooks[7]["isActive"] = False
    books.calls.clear()
    trouble = [await hook.check() for _ in range(3)]

    assert "switched off in Autotask" in trouble[0]
    assert "\n" not in trouble[0]
    assert books.calls == ["POST TicketWebhooks/query"] * 3
    await webhook(client, memory).install()
    assert books.webhooks[7]["isActive"] is True


async def test_one_that_is_gone_is_made_again(
    client: AutotaskClient, memory: TransientMemory, books: Books
) -> None:
    hook = webhook(client, memory)
    await hook.install()
    books.webhooks.clear()
    assert await hook.check() == ""
    assert len(books.webhooks) == 1


async def test_a_check_costs_one_call(client: AutotaskClient, memory: TransientMemory, books: Books) -> None:
    hook = webhook(client, memory, own=OWN)
    await hook.install()
    books.calls.clear()
    assert await hook.check() == ""
    assert len(books.calls) == 1


async def test_another_address_is_told(client: AutotaskClient, memory: TransientMemory, books: Books) -> None:
    hook = webhook(client, memory)
    await hook.install()
    books.webhooks[7]["webhookUrl"] = "https://elsewhere.example.com"
    assert "another address" in await hook.check()


async def test_a_missing_right_says_so_without_our_key(
    client: AutotaskClient, memory: TransientMemory, books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"The logged in Resource does not have the adequate permissions to create {KEY} this entity type."
    books.refuse["POST TicketWebhooks"] = text
    with pytest.raises(Rejected, match="adequate permissions") as told:
        await webhook(client, memory).install()
    assert "***" in str(told.value)
    assert KEY not in str(told.value) + capsys.readouterr().out


async def test_one_field_that_is_refused_does_not_cost_the_others(
    client: AutotaskClient, memory: TransientMemory, books: Books
) -> None:
    books.refuse["POST .*/Fields"] = "fieldID is not valid, it cannot be created"
    books.refuse_once = True
    await webhook(client, memory).install()
    assert len(books.of("Fields")) == 1
    assert books.webhooks[7]["isActive"] is True


async def test_one_without_any_field_is_told(
    client: AutotaskClient, memory: TransientMemory, books: Books
) -> None:
    books.refuse["POST .*/Fields"] = "fieldID is not valid, it cannot be created"
    with pytest.raises(Rejected):
        await webhook(client, memory).install()
    books.refuse.clear()
    await webhook(client, memory).install()
    assert books.of("Fields") == [5, 6]


async def test_an_update_that_is_lost_is_repeated(
    client: AutotaskClient, memory: TransientMemory, books: Books
) -> None:
    await webhook(client, memory).install()
    books.lose = "PATCH TicketWebhooks"
    with pytest.raises(Unavailable):
        await webhook(client, memory).install()
    await webhook(client, memory).install()
    assert len(books.webhooks) == 1


async def test_we_are_left_out_as_soon_as_it_is_known_who_we_are(
    client: AutotaskClient, memory: TransientMemory, books: Books
) -> None:
    books.refuse["POST Resources/query"] = "does not have the adequate permissions to query this entity type."
    known: list[int] = []
    hook = TicketWebhook(client, plan(), memory=memory, own_resource_id=lambda: known[0] if known else None)
    await hook.install()
    assert books.of("ExcludedResources") == []
    known.append(4)
    assert await hook.check() == ""
    assert books.of("ExcludedResources") == [4]
