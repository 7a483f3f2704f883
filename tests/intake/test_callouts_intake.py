"""Call-outs over a real socket: signed or refused, never stored, never more than a hint to read a ticket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from alertd.core.callouts import sign
from alertd.core.secret import Secret
from alertd.intake.callouts import MOST_REMEMBERED, PATH, CalloutDesk
from tests.intake.conftest import Serve, World

SECRET = Secret("callout-secret-0123456789")


class Heard:
    def __init__(self) -> None:
        self.tickets: list[int] = []
        self.deactivations = 0

    def deactivated(self) -> None:
        self.deactivations += 1

    def desk(self) -> CalloutDesk:
        return CalloutDesk(secret=SECRET, changed=self.tickets.append, deactivated=self.deactivated)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def world(serve: Serve, new_world: type[World], heard: Heard) -> AsyncIterator[World]:
    made = new_world()
    made.callouts = heard.desk()
    async with serve(made, max_body="64KiB") as world:
        yield world


def event(number: int = 42, ticket: int = 101, **more: Any) -> bytes:
    told = {
        "Action": "Update",
        "Guid": "0f0e",
        "EntityType": "Ticket",
        "Id": ticket,
        "Fields": {"Title": 'Tom & Jerry\'s <disk> + 漢 "🙂"'},
        "EventTime": "2026-03-05T09:12:44Z",
        "SequenceNumber": number,
        "PersonID": 29682886,
    }
    return json.dumps(told | more, ensure_ascii=False).encode()


async def send(
    world: World, client: aiohttp.ClientSession, body: bytes, signature: str | None = None
) -> tuple[int, str]:
    headers = {"X-Hook-Signature": sign(body, SECRET) if signature is None else signature}
    async with client.post(world.url(PATH), data=body, headers=headers) as response:
        return response.status, await response.text()


def count(world: World, outcome: str) -> float | None:
    return world.registry.get_sample_value("alertd_callouts_total", {"outcome": outcome})


async def test_a_signed_callout_is_a_hint_and_nothing_is_stored(
    world: World, client: aiohttp.ClientSession, heard: Heard
) -> None:
    assert await send(world, client, event()) == (200, "{}")
    assert heard.tickets == [101]
    assert world.journal.envelopes == []
    assert count(world, "accepted") == 1
    assert count(world, "unauthorized") == 0


@pytest.mark.parametrize("signature", ["", "sha1=AAAA", "sha1=" + "A" * 28])
async def test_a_wrong_signature_is_401(
    world: World, client: aiohttp.ClientSession, heard: Heard, signature: str
) -> None:
    status, text = await send(world, client, event(), signature)
    assert status == 401
    assert "0f0e" not in text
    assert heard.tickets == []
    assert count(world, "unauthorized") == 1
    assert world.count("(unknown)", "unauthorized") == 1


async def test_a_body_changed_on_the_way_is_401(
    world: World, client: aiohttp.ClientSession, heard: Heard
) -> None:
    assert (await send(world, client, event(ticket=102), sign(event(), SECRET)))[0] == 401
    assert heard.tickets == []


async def test_a_repeat_is_taken_and_not_passed_on(
    world: World, client: aiohttp.ClientSession, heard: Heard
) -> None:
    for _ in range(5):
        assert (await send(world, client, event()))[0] == 200
    assert heard.tickets == [101]
    assert count(world, "repeated") == 4


async def test_order_does_not_matter(world: World, client: aiohttp.ClientSession, heard: Heard) -> None:
    for number in (9, 7, 8):
        await send(world, client, event(number))
    assert heard.tickets == [101] * 3


async def test_memory_of_repeats_is_bounded(
    world: World, client: aiohttp.ClientSession, heard: Heard
) -> None:
    callouts = world.intake._callouts
    assert callouts is not None
    callouts._seen = {("old", number): None for number in range(MOST_REMEMBERED)}
    await send(world, client, event())
    assert len(callouts._seen) == MOST_REMEMBERED


async def test_an_unsigned_deactivation_has_the_webhook_looked_at(
    world: World, client: aiohttp.ClientSession, heard: Heard
) -> None:
    assert (await send(world, client, event(Action="Deactivated"), ""))[0] == 200
    assert (heard.tickets, heard.deactivations) == ([], 1)
    assert count(world, "deactivated") == 1


@pytest.mark.parametrize(
    ("body", "outcome"),
    [(event(EntityType="Account"), "ignored"), (b"not json", "unreadable"), (b"", "unreadable")],
)
async def test_what_says_nothing_of_a_ticket_is_taken_all_the_same(
    world: World, client: aiohttp.ClientSession, heard: Heard, body: bytes, outcome: str
) -> None:
    assert (await send(world, client, body))[0] == 200
    assert heard.tickets == []
    assert count(world, outcome) == 1


async def test_limits_of_method_and_size(world: World, client: aiohttp.ClientSession) -> None:
    async with client.get(world.url(PATH)) as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")
    assert (await send(world, client, b"x" * 65_537))[0] == 413


async def test_guessing_turns_a_stranger_away_and_not_autotask(
    world: World, client: aiohttp.ClientSession, heard: Heard
) -> None:
    await send(world, client, event(0))
    for number in range(30):
        assert (await send(world, client, event(number), "sha1=AAAA"))[0] == 401
    assert (await send(world, client, event(99)))[0] == 200
    assert len(heard.tickets) == 2


async def test_an_address_that_has_only_guessed_is_turned_away(
    world: World, client: aiohttp.ClientSession, heard: Heard
) -> None:
    for number in range(20):
        await send(world, client, event(number), "sha1=AAAA")
    assert (await send(world, client, event(99)))[0] == 401
    assert count(world, "unauthorized") == 20


async def test_without_a_listener_there_is_no_such_path(serve: Serve, client: aiohttp.ClientSession) -> None:
    async with serve() as world:
        assert (await send(world, client, event()))[0] == 404
