"""POST /api/v2/alerts and GET /api/v2/status, as Alertmanager answers them."""

from __future__ import annotations

import json
from typing import Any

import pytest

PATH = "/api/v2/alerts"
GOOD = {"labels": {"alertname": "DiskFull"}}
BAD = {"labels": {"alertname": ""}}


@pytest.fixture
def headers(bearer: dict[str, str]) -> dict[str, str]:
    return {**bearer, "Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "status", "accepted", "parked"),
    [
        pytest.param([], 200, 0, 0, id="none"),
        pytest.param([GOOD], 200, 1, 0, id="one"),
        pytest.param([GOOD, BAD, GOOD], 400, 2, 1, id="one bad among good ones"),
        pytest.param([{}], 422, 0, 1, id="without labels"),
        pytest.param([{**GOOD, "generatorURL": "%zz"}], 422, 0, 1, id="not a URI"),
        pytest.param({"alerts": []}, 400, 0, 1, id="not a list"),
    ],
)
async def test_what_is_kept_and_answered(
    world: Any, post: Any, headers: Any, body: Any, status: int, accepted: int, parked: int
) -> None:
    code, answer, _ = await post(PATH, json.dumps(body).encode(), headers=headers)

    (envelope,) = world.journal.envelopes
    assert code == status
    assert (answer == b"") == (status == 200)
    assert envelope.kind == "alertmanager_v2"
    assert (envelope.messages - envelope.parked_messages, envelope.parked_messages) == (accepted, parked)
    assert len(world.handover.accepted[0][1]) == accepted


async def test_the_messages_come_as_one_json_string(post: Any, headers: Any) -> None:
    _, answer, _ = await post(PATH, json.dumps([BAD, GOOD]).encode(), headers=headers)

    assert json.loads(answer) == "at least one label pair required"


async def test_an_empty_body_is_answered_602(world: Any, post: Any, headers: Any) -> None:
    code, answer, _ = await post(PATH, b"", headers=headers)

    assert (code, json.loads(answer)["code"]) == (422, 602)
    assert world.journal.envelopes[0].parked_messages == 1


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_another_content_type_is_415(world: Any, post: Any, bearer: Any, content_type: str) -> None:
    code, _, _ = await post(PATH, b"[]", headers={**bearer, "Content-Type": content_type})

    assert code == 415
    assert world.journal.envelopes == []


async def test_a_charset_does_not_matter(post: Any, bearer: Any) -> None:
    headers = {**bearer, "Content-Type": "application/json; charset=utf-8"}

    assert (await post(PATH, b"[]", headers=headers))[0] == 200


async def test_a_source_of_another_kind_may_post_too(world: Any, post: Any) -> None:
    headers = {
        "Authorization": "Bearer doorbell-token-0123456789abcdefghijklmnopq",
        "Content-Type": "application/json",
    }

    assert (await post(PATH, b'[{"labels":{"alertname":"A"}}]', headers=headers))[0] == 200
    assert [(each.source, each.kind) for each in world.journal.envelopes] == [("doorbell", "alertmanager_v2")]


async def test_status_has_the_members_that_clients_demand(world: Any, client: Any, bearer: Any) -> None:
    async with client.get(world.url("/api/v2/status"), headers=bearer) as got:
        document = await got.json()

    assert set(document) == {"cluster", "versionInfo", "config", "uptime"}
    assert document["cluster"]["status"] == "disabled"
    assert document["uptime"] == "2026-11-23T12:00:00.000Z"
    assert set(document["versionInfo"]) == {
        *("version", "revision", "branch", "buildUser", "buildDate", "goVersion"),
    }


async def test_status_needs_a_token(world: Any, client: Any) -> None:
    async with client.get(world.url("/api/v2/status")) as got:
        assert got.status == 401


async def test_healthy_and_ready(world: Any, client: Any) -> None:
    async with client.get(world.url("/-/healthy")) as got:
        assert (got.status, await got.text()) == (200, "OK\n")
    async with client.head(world.url("/-/ready")) as got:
        assert got.status == 200
    world.reason = "the journal is being read"
    async with client.get(world.url("/-/ready")) as got:
        assert (got.status, await got.text()) == (503, "the journal is being read\n")
    async with client.post(world.url("/-/ready")) as got:
        assert got.status == 405
