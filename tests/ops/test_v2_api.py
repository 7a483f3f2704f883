"""Alertmanager's API on the admin listener over real HTTP: headers, errors, and what is asked of whom."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from alertd.core.route_settings import RootRouteSettings
from alertd.core.routes import build_tree
from alertd.core.silences import Silence
from alertd.core.v2.alerts import Situation
from alertd.flows.errors import StoreFailed
from alertd.ops.v2.api import Api
from alertd.ops.v2.bodies import MOST_BYTES
from alertd.ops.v2.desk import Taken
from alertd.ops.v2.silences import SilenceDesk

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SILENCE = {
    "matchers": [{"name": "host", "value": "fs01", "isRegex": False}],
    "startsAt": "2026-11-23T12:00:00Z",
    "endsAt": "2026-11-23T14:00:00Z",
    "createdBy": "anna",
    "comment": "patch night",
}


class World:
    """A desk, a clock and silences."""

    started_at = NOW

    def __init__(self) -> None:
        self.at = NOW
        self.kept: dict[str, Silence] = {}
        self.posted: list[bytes] = []
        self.taken = Taken(200, b"")
        self.fault: Exception | None = None

    def now(self) -> datetime:
        return self.at

    def boards(self) -> Sequence[str]:
        return ["noc", "backups"]

    def configuration(self) -> str:
        return "route:\n"

    async def situation(self) -> Situation:
        tree = build_tree(RootRouteSettings.model_validate({"board": "noc"}))
        return Situation(now=self.at, tree=tree)

    async def take(self, request: web.BaseRequest) -> Taken:
        self.posted.append(await request.read())
        return self.taken

    def silences(self) -> Sequence[Silence]:
        return list(self.kept.values())

    def silence(self, silence_id: str) -> Silence | None:
        return self.kept.get(silence_id)

    async def keep(self, *silences: Silence) -> None:
        if self.fault is not None:
            raise self.fault
        self.kept |= {each.id: each for each in silences}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def desk(serve: Any, world: World) -> AsyncIterator[Any]:
    async with serve(more=Api(world, SilenceDesk(world, world)).routes()) as desk:
        yield desk


class Said:
    """An answer."""

    def __init__(self, got: aiohttp.ClientResponse, text: str) -> None:
        self.status = got.status
        self.headers = got.headers
        self.json = json.loads(text) if text else None


@pytest.fixture
def ask(desk: Any, client: aiohttp.ClientSession) -> Any:
    async def ask(method: str, path: str, document: Any = None, **headers: str) -> Said:
        body = None if document is None else json.dumps(document).encode()
        json_said = {"Content-Type": "application/json"} if body is not None else {}
        every = {**desk.headers, **json_said, **headers}
        async with client.request(method, desk.url(path), data=body, headers=every) as got:
            return Said(got, await got.text())

    return ask


async def test_all_of_it_needs_the_token_but_health(ask: Any) -> None:
    for path in ("status", "alerts", "alerts/groups", "silences", "receivers", "nothing"):
        assert (await ask("GET", f"/api/v2/{path}", Authorization="")).status == 401
    assert (await ask("POST", "/api/v2/alerts", [], Authorization="")).status == 401
    assert (await ask("DELETE", "/api/v2/silence/x", Authorization="Bearer x")).status == 401


async def test_healthy_and_ready_are_open(desk: Any, client: aiohttp.ClientSession) -> None:
    desk.operations.reason = "starting"
    async with client.get(desk.url("/-/healthy")) as got:
        assert got.status == 200
    async with client.get(desk.url("/-/ready")) as got:
        assert got.status == 503


async def test_status_names_the_version_that_is_spoken(ask: Any) -> None:
    said = await ask("GET", "/api/v2/status")
    assert said.json["cluster"] == {"peers": [], "status": "disabled"}
    assert said.json["config"] == {"original": "route:\n"}
    assert said.json["uptime"] == "2026-11-23T12:00:00.000Z"
    assert said.json["versionInfo"]["version"] == "0.34.0"


async def test_receivers_are_the_boards(ask: Any) -> None:
    assert (await ask("GET", "/api/v2/receivers")).json == [{"name": "noc"}, {"name": "backups"}]
    asked = await ask("GET", "/api/v2/receivers?receiver_matchers=name%3D~%22b.%2A%22")
    assert asked.json == [{"name": "backups"}]
    assert (await ask("GET", "/api/v2/receivers?receiver_matchers=x")).status == 400


async def test_posted_alerts_are_handed_over_as_they_came(ask: Any, world: World) -> None:
    world.taken = Taken(400, b'"at least one label pair required"')
    said = await ask("POST", "/api/v2/alerts", [{"labels": {}}])
    assert world.posted == [b'[{"labels": {}}]']
    assert (said.status, said.json) == (400, "at least one label pair required")


async def test_nothing_is_kept_by_caches_and_empty_answers_have_no_type(ask: Any) -> None:
    for path in ("status", "alerts", "nothing", "silences"):
        assert (await ask("GET", f"/api/v2/{path}")).headers["Cache-Control"] == "no-store"
    said = await ask("POST", "/api/v2/alerts", [])
    assert (said.headers["Cache-Control"], said.headers.get("Content-Type")) == ("no-store", None)


async def test_pages_may_read_and_ask_without_a_token_what_they_may_send(ask: Any) -> None:
    page = {"Origin": "http://page.example"}
    assert (await ask("GET", "/api/v2/alerts", **page)).headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in (await ask("GET", "/api/v2/alerts")).headers
    asks = {**page, "Access-Control-Request-Method": "POST", "Authorization": ""}
    said = await ask("OPTIONS", "/api/v2/alerts", **asks)
    assert (said.status, said.headers["Access-Control-Allow-Methods"]) == (200, "POST")
    for more in (
        {"Access-Control-Request-Headers": "authorization"},
        {"Access-Control-Request-Method": "PUT"},
    ):
        refused = await ask("OPTIONS", "/api/v2/alerts", **{**asks, **more})
        assert "Access-Control-Allow-Origin" not in refused.headers


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("status", "GET"),
        ("alerts", "GET,POST"),
        ("silences", "GET,POST"),
        ("silence/x", "DELETE,GET"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(ask: Any, path: str, allowed: str) -> None:
    said = await ask("PUT", f"/api/v2/{path}")
    assert (said.status, said.headers["Allow"]) == (405, allowed)
    assert said.json == {"code": 405, "message": f"method PUT is not allowed, but [{allowed}] are"}


async def test_only_who_takes_json_is_answered(ask: Any) -> None:
    said = await ask("GET", "/api/v2/silences", Accept="text/html")
    assert (said.status, said.json["code"]) == (406, 406)


async def test_a_silence_is_made_changed_and_ended(ask: Any, world: World) -> None:
    made = (await ask("POST", "/api/v2/silences", SILENCE)).json["silenceID"]
    longer = {**SILENCE, "id": made, "endsAt": "2026-11-23T15:00:00Z"}
    assert (await ask("POST", "/api/v2/silences", longer)).json == {"silenceID": made}
    shown = (await ask("GET", f"/api/v2/silence/{made}")).json
    assert (shown["status"], shown["endsAt"]) == ({"state": "active"}, "2026-11-23T15:00:00.000Z")
    assert shown["matchers"] == [{"name": "host", "value": "fs01", "isRegex": False, "isEqual": True}]

    other = {**longer, "matchers": [{"name": "host", "value": "fs02", "isRegex": True, "isEqual": False}]}
    new = (await ask("POST", "/api/v2/silences", other)).json["silenceID"]
    assert new != made
    assert str(world.kept[new].matchers[0]) == 'host!~"fs02"'

    world.at += timedelta(minutes=1)
    assert (await ask("DELETE", f"/api/v2/silence/{new}")).status == 200
    assert (await ask("DELETE", f"/api/v2/silence/{new}")).status == 200
    every = (await ask("GET", "/api/v2/silences")).json
    assert [each["status"]["state"] for each in every] == ["expired", "expired"]
    assert (await ask("GET", "/api/v2/silences?expired=false")).json == []


async def test_annotations_and_odd_text_of_a_silence_are_kept_as_text(ask: Any, world: World) -> None:
    odd = {**SILENCE, "comment": "a\0b", "annotations": {"ticket": "T1", "none": None}}
    made = (await ask("POST", "/api/v2/silences", odd)).json["silenceID"]
    assert world.kept[made].comment == "a\ufffdb"
    assert world.kept[made].annotations == {"ticket": "T1", "none": ""}


@pytest.mark.parametrize(
    "times",
    [
        {"startsAt": "0001-01-01T00:00:00Z"},
        {"startsAt": ""},
        {"startsAt": "2026-11-23T13:00:00+02:00"},
        {"startsAt": "2026-11-23T11:00:00"},
    ],
)
async def test_a_start_in_the_past_is_now(ask: Any, world: World, times: dict[str, str]) -> None:
    made = (await ask("POST", "/api/v2/silences", {**SILENCE, **times})).json["silenceID"]
    assert world.kept[made].starts_at == NOW


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"startsAt": "0001-01-01T00:00:00+10:00"}, 400),
        ({"endsAt": "9999-12-31T23:59:59-10:00"}, 400),
        ({"endsAt": "2026-11-23T11:00:00Z"}, 400),
        ({"matchers": [{"name": "", "value": "x", "isRegex": False}]}, 400),
        ({"matchers": [{"name": "a", "value": "(", "isRegex": True}]}, 400),
        ({"matchers": [None]}, 422),
        ({"id": "no such thing"}, 404),
        ({"comment": None}, 422),
    ],
)
async def test_what_a_silence_may_not_be(ask: Any, world: World, changes: Any, status: int) -> None:
    said = await ask("POST", "/api/v2/silences", {**SILENCE, **changes})
    assert (said.status, world.kept) == (status, {})
    assert said.json


async def test_a_silence_larger_than_any_is_refused(ask: Any) -> None:
    said = await ask("POST", "/api/v2/silences", {**SILENCE, "comment": "x" * MOST_BYTES})
    assert (said.status, said.json["code"]) == (413, 413)


async def test_what_the_store_does_not_take_is_not_said_to_be_kept(ask: Any, world: World) -> None:
    world.fault = StoreFailed("the disk is full", full=True)
    assert (await ask("POST", "/api/v2/silences", SILENCE)).status == 503
