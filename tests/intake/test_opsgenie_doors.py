"""Opsgenie's paths: what is answered, refused, kept and read again."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from alertd.core.alerts import Status

TOKEN = "doorbell-token-0123456789abcdefghijklmnopq"
GENIE = {"Authorization": f"GenieKey {TOKEN}"}
PROMETHEUS = {"Authorization": "Bearer prometheus-token-0123456789abcdefghijklmno"}
FOREIGN = {"status": "firing", "labels": {"alertname": "DiskFull"}}
CREATE = {"message": "Disk C: 96 %", "alias": "fs02/disk-c", "priority": "P1", "entity": "fs02"}


async def test_a_create_is_accepted_as_opsgenie_does(call: Any, kept: Any) -> None:
    status, answer = await call("POST", "/v2/alerts", CREATE, **GENIE)

    assert status == 202
    assert answer["result"] == "Request will be processed"
    assert answer["took"] >= 0
    envelope, alert = kept()
    assert (alert.severity, alert.labels["host"]) == ("critical", "fs02")
    status, told = await call("GET", f"/v2/alerts/requests/{answer['requestId']}", **GENIE)
    assert status == 200
    assert told["data"]["isSuccess"] is True
    assert (told["data"]["alertId"], told["data"]["alias"]) == ("fs02/disk-c", "fs02/disk-c")
    assert uuid.UUID(answer["requestId"])
    assert envelope.receipt not in answer["requestId"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "close?identifierType=alias", Status.CLEARED),
        ("POST", "acknowledge?identifierType=alias", Status.UPDATED),
        ("POST", "unacknowledge", Status.UPDATED),
        ("POST", "notes", Status.UPDATED),
        ("POST", "snooze", Status.UPDATED),
        ("POST", "escalate", Status.UPDATED),
        ("POST", "assign", Status.UPDATED),
        ("POST", "tags", Status.UPDATED),
        ("DELETE", "tags?tags=a", Status.UPDATED),
        ("POST", "details", Status.UPDATED),
        ("PUT", "priority", Status.UPDATED),
        ("PUT", "message", Status.IGNORED),
        ("POST", "actions/restart", Status.UPDATED),
        ("DELETE", "", Status.CLEARED),
    ],
)
async def test_what_is_done_to_an_alert_finds_it_by_the_path(
    call: Any, kept: Any, method: str, path: str, status: Status
) -> None:
    await call("POST", "/v2/alerts", CREATE, **GENIE)
    _, created = kept()
    target = f"/v2/alerts/fs02%2Fdisk-c/{path}".rstrip("/")
    for body in (None, b"", {}, {"note": "n", "user": "jo"}, b"{broken"):
        code, answer = await call(method, target, body, **GENIE)
        _, done = kept()

        assert (code, answer["result"]) == (202, "Request will be processed")
        assert (done.status, done.fingerprint) == (status, created.fingerprint)


async def test_without_an_alias_each_create_is_its_own_and_can_be_closed(call: Any, kept: Any) -> None:
    _, first = await call("POST", "/v2/alerts", {"message": "m"}, **GENIE)
    _, one = kept()
    await call("POST", "/v2/alerts", {"message": "m"}, **GENIE)
    _, other = kept()
    _, told = await call("GET", f"/v2/alerts/requests/{first['requestId']}", **GENIE)
    await call("POST", f"/v2/alerts/{told['data']['alertId']}/close", {}, **GENIE)
    _, closed = kept()

    assert one.fingerprint != other.fingerprint
    assert closed.fingerprint == one.fingerprint


@pytest.mark.parametrize(
    ("body", "status", "errors"),
    [
        pytest.param({"alias": "a"}, 422, {"message": "Message can not be empty."}, id="no message"),
        pytest.param(
            {"message": "m", "priority": "P9"},
            422,
            {"priority": "Priority should be one of [P1, P2, P3, P4, P5]."},
            id="a priority that there is not",
        ),
        pytest.param(
            {"message": "m", "alias": "a" * 513},
            422,
            {"alias": "Alias should not exceed 512 characters."},
            id="a long alias",
        ),
        pytest.param(b"{broken", 400, None, id="not JSON"),
        pytest.param(b"", 422, {"message": "Message can not be empty."}, id="nothing"),
    ],
)
async def test_a_refused_create_is_parked(world: Any, call: Any, body: Any, status: int, errors: Any) -> None:
    code, answer = await call("POST", "/v2/alerts", body, **GENIE)

    assert (code, answer.get("errors")) == (status, errors)
    assert {"message", "took", "requestId"} <= answer.keys()
    assert world.journal.envelopes[0].parked_messages == 1


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH"])
async def test_a_heartbeat_is_answered_and_ignored(call: Any, kept: Any, method: str) -> None:
    status, answer = await call(method, "/v2/heartbeats/nightly%20backup/ping", **GENIE)

    assert (status, answer["result"]) == (202, "PONG - Heartbeat received")
    _, alert = kept()
    assert (alert.status, alert.labels["alertname"]) == (Status.IGNORED, "nightly backup")


async def test_nobody_asks_for_a_strangers_request(call: Any, bearer: Any) -> None:
    _, answer = await call("POST", "/v2/alerts", CREATE, **GENIE)
    path = f"/v2/alerts/requests/{answer['requestId']}"

    assert (await call("GET", path, **bearer))[0] == 404
    assert (await call("GET", f"/v2/alerts/requests/{uuid.uuid4()}", **GENIE))[0] == 404
    assert (await call("GET", "/v2/alerts/requests/none", **GENIE))[0] == 404
    assert (await call("GET", path))[0] == 401


async def test_what_is_open_is_listed_counted_and_shown(world: Any, call: Any) -> None:
    for alias in ("a", "b", "c"):
        world.clock.at += timedelta(minutes=1)
        await call("POST", "/v2/alerts", {**CREATE, "alias": alias, "tags": ["x", "y"]}, **GENIE)
    await call("POST", "/v2/alerts/b/close", {}, **GENIE)
    await call("POST", "/v1/alerts/prometheus", {"alerts": [FOREIGN]}, **PROMETHEUS)
    world.standing.decide(world.handover.accepted)

    status, listed = await call("GET", "/v2/alerts?limit=1", **GENIE)
    _, rest = await call("GET", "/v2/alerts?limit=x&offset=1", **GENIE)
    _, counted = await call("GET", "/v2/alerts/count", **GENIE)
    _, closed = await call("GET", "/v2/alerts/b?identifierType=alias", **GENIE)
    missing, why = await call("GET", "/v2/alerts/z", **GENIE)

    assert status == 200
    assert [each["alias"] for each in (*listed["data"], *rest["data"])] == ["c", "a"]
    assert listed["data"][0]["priority"] == "P1"
    assert listed["data"][0]["tags"] == ["x", "y"]
    assert counted["data"] == {"count": 2}
    assert (closed["data"]["status"], closed["data"]["message"]) == ("closed", "Disk C: 96 %")
    assert (missing, why["message"]) == (404, "Alert does not exist")
    assert world.handover.waits == 5  # who asks finds what it has sent


async def test_a_request_id_that_is_no_text_is_answered_all_the_same(world: Any) -> None:
    head = f"GET /v2/alerts HTTP/1.1\r\nHost: x\r\nAuthorization: GenieKey {TOKEN}\r\nX-Request-ID: "

    assert (await world.raw(head.encode() + b"\xff\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
