"""Silences over the admin API: added, listed, expired, and refused in words that help."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alertd.core.silences import Silence
from alertd.ops.silencing import OperatorSilences

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


class Kept:
    def __init__(self) -> None:
        self.kept: dict[str, Silence] = {}

    def silences(self) -> Sequence[Silence]:
        return list(self.kept.values())

    def silence(self, silence_id: str) -> Silence | None:
        return self.kept.get(silence_id)

    async def keep(self, *silences: Silence) -> None:
        self.kept |= {each.id: each for each in silences}


class Asking:
    """Asks a running admin listener."""

    def __init__(self, desk: Any, client: Any, clock: Clock) -> None:
        self.desk = desk
        self.client = client
        self.clock = clock

    async def __call__(self, path: str = "", *, body: Any = None, kind: str = "application/json") -> Any:
        method = "GET" if body is None else "POST"
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {**self.desk.headers, "Content-Type": kind}
        url = self.desk.url(f"/api/v1/silences{path}")
        async with self.client.request(method, url, data=data, headers=headers) as got:
            return got.status, await got.json()


@pytest.fixture
async def asking(serve: Any, client: Any) -> AsyncIterator[Asking]:
    clock, ids = Clock(), iter("abc")
    routes = OperatorSilences(Kept(), clock, new_id=lambda: next(ids)).routes()
    async with serve(more=routes) as desk:
        yield Asking(desk, client, clock)


def wanted(*matchers: str, hours: float = 1, **changes: Any) -> dict[str, Any]:
    ends_at = (NOW + timedelta(hours=hours)).isoformat()
    said = {"comment": "patching", "created_by": "noc"}
    return {"matchers": matchers or ['host="fs02"'], "ends_at": ends_at, **said, **changes}


async def test_one_is_added_and_listed(asking: Asking) -> None:
    status, made = await asking(body=wanted('host="fs02",severity!="critical"', "team=x"))

    assert status == 201
    assert made == {
        "id": "a",
        "state": "active",
        "matchers": ['host="fs02"', 'severity!="critical"', 'team="x"'],
        "starts_at": "2026-11-23T12:00:00.000Z",
        "ends_at": "2026-11-23T13:00:00.000Z",
        "created_by": "noc",
        "comment": "patching",
        "updated_at": "2026-11-23T12:00:00.000Z",
        "annotations": {},
    }
    assert await asking() == (200, [made])


async def test_what_is_over_is_listed_on_request_alone(asking: Asking) -> None:
    await asking(body=wanted(hours=3))
    await asking(body=wanted(hours=2, starts_at=(NOW + timedelta(hours=1)).isoformat()))
    await asking(body=wanted(hours=1))
    assert [each["id"] for each in (await asking())[1]] == ["c", "b", "a"]

    asking.clock.at = NOW + timedelta(minutes=90)
    assert [each["id"] for each in (await asking())[1]] == ["b", "a"]
    assert [each["id"] for each in (await asking("?state=expired"))[1]] == ["c"]
    assert (await asking("?state=over"))[0] == 400


async def test_one_is_expired_and_again(asking: Asking) -> None:
    await asking(body=wanted())
    asking.clock.at = NOW + timedelta(minutes=5)
    for _ in range(2):
        status, over = await asking("/a/expire", body=b"")
        assert (status, over["state"], over["ends_at"]) == (200, "expired", "2026-11-23T12:05:00.000Z")
    assert await asking() == (200, [])


async def test_a_stranger_cannot_be_expired(asking: Asking) -> None:
    status, told = await asking("/nobody/expire", body=b"")
    assert status == 404
    assert "alertd silence list" in told["error"]


@pytest.mark.parametrize(
    "body",
    [
        wanted("team=~("),
        wanted("{"),
        wanted('team=""'),
        wanted(hours=-1),
        wanted(starts_at="2026-11-23T12:00:00"),
        wanted(surprise=1),
        {"matchers": ["a=b"]},
        [],
        b"{",
        b"\xff",
    ],
)
async def test_what_cannot_be_is_refused_with_the_reason(asking: Asking, body: Any) -> None:
    status, told = await asking(body=body)
    assert status == 400
    assert told["error"]


async def test_only_json_is_taken(asking: Asking) -> None:
    assert (await asking(body=wanted(), kind="text/plain"))[0] == 415
