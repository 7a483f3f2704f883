"""What the paths of all other products share: refusals in their words, odd bodies, no token in a log."""

from __future__ import annotations

import json
from typing import Any

import pytest
import structlog

from alertd.flows.errors import StoreFailed
from alertd.intake.settings import KIB

TOKEN = "doorbell-token-0123456789abcdefghijklmnopq"
WRONG = "canary-7f3a9c-0123456789abcdefghijklmnopqrs"
EVENT = {
    "event_action": "trigger",
    "dedup_key": "fs02/disk-c",
    "payload": {"summary": "Disk C: 96 %", "source": "fs02", "severity": "error"},
}
GENIE = {"Authorization": f"GenieKey {TOKEN}"}
KEY = {"Authorization": f"Key {TOKEN}"}
VICTOR = {"message_type": "CRITICAL", "entity_id": "fs02/disk-c", "state_message": "96 %"}
ALERTA = {"resource": "fs02", "event": "DiskFull", "environment": "Production", "severity": "major"}
CREATE = {"message": "Disk C: 96 %", "alias": "fs02/disk-c", "priority": "P1", "entity": "fs02"}


DOORS = [
    pytest.param("POST", "/v2/enqueue", 400, "status", id="pagerduty"),
    pytest.param("POST", "/v2/alerts", 401, "requestId", id="opsgenie"),
    pytest.param("POST", "/v2/alerts/a/close", 401, "requestId", id="opsgenie close"),
    pytest.param("GET", "/v2/alerts", 401, "requestId", id="opsgenie list"),
    pytest.param("POST", f"/victorops/{WRONG}/noc", 401, "result", id="victorops"),
    pytest.param("POST", f"/goalert/api/v2/generic/incoming?token={WRONG}", 401, "error", id="goalert"),
    pytest.param("POST", f"/alerta/alert?api-key={WRONG}", 401, "status", id="alerta"),
    pytest.param("GET", "/alerta/alerts", 401, "status", id="alerta list"),
]
SENDING = [
    pytest.param("/v2/enqueue", {}, "status", id="pagerduty"),
    pytest.param("/v2/alerts", GENIE, "requestId", id="opsgenie"),
    pytest.param("/v2/alerts/a/close", GENIE, "requestId", id="opsgenie close"),
    pytest.param(f"/victorops/{TOKEN}/noc", {}, "result", id="victorops"),
    pytest.param(f"/goalert/api/v2/generic/incoming?token={TOKEN}", {}, "error", id="goalert"),
    pytest.param("/alerta/alert", KEY, "status", id="alerta"),
]


@pytest.mark.parametrize(("method", "path", "status", "name"), DOORS)
async def test_a_wrong_token_is_refused_in_the_originals_words_and_logged_nowhere(
    serve: Any, client: Any, method: str, path: str, status: int, name: str
) -> None:
    headers = {"Authorization": f"GenieKey {WRONG}"}
    with structlog.testing.capture_logs() as logs:
        async with serve(access_log="all") as world:
            body = json.dumps({"routing_key": WRONG, **EVENT}).encode() if method == "POST" else None
            async with client.request(method, world.url(path), data=body, headers=headers) as answer:
                assert answer.status == status
                assert name in await answer.json()
    assert WRONG not in repr(logs)
    assert [line["route"] for line in logs if line["event"] == "intake.answered"] != ["other"]


@pytest.mark.parametrize(("path", "headers", "name"), SENDING)
async def test_what_is_too_large_or_too_much_is_refused(
    serve: Any, client: Any, path: str, headers: dict[str, str], name: str
) -> None:
    async with serve(max_body="1KiB") as world:
        large = json.dumps({"routing_key": TOKEN, **EVENT, "pad": "x" * KIB}).encode()
        async with client.post(world.url(path), data=large, headers=headers) as answer:
            assert answer.status == 413
            assert name in await answer.json()
        world.journal.fault = StoreFailed("no", full=True)
        body = {"routing_key": TOKEN, **EVENT, **CREATE, **VICTOR, **ALERTA, "summary": "s"}
        async with client.post(world.url(path), json=body, headers=headers) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
            assert name in await answer.json()
        assert world.handover.accepted == []


@pytest.mark.parametrize(("path", "headers", "name"), SENDING)
@pytest.mark.parametrize(
    "raw",
    [
        b"null",
        b"[]",
        b"{}",
        b"[[[]]]",
        b'"text"',
        b"<a/>",
        b"\x00\xff",
        b"a=b",
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b"9" * 5_000,
    ],
    ids=lambda raw: repr(raw[:8]),
)
async def test_no_body_is_too_odd(
    world: Any, client: Any, path: str, headers: dict[str, str], name: str, raw: bytes
) -> None:
    async with client.post(world.url(path), data=raw, headers=headers) as answer:
        assert answer.status in (202, 400, 422)
    kept_bodies = 0 if path == "/v2/enqueue" else 1  # there the key would be in it
    assert len(world.journal.envelopes) == kept_bodies


@pytest.mark.parametrize("path", ["/v2/alerts", "/v2/alerts/a/close", "/victorops/x/noc", "/alerta/alert"])
async def test_a_token_in_the_query_counts_only_where_the_original_has_it(call: Any, path: str) -> None:
    assert (await call("POST", f"{path}?token={TOKEN}", {**CREATE, **VICTOR, **ALERTA}))[0] == 401


GUESSED = ["/victorops/{}/noc", "/goalert/api/v2/generic/incoming?token={}", "/alerta/alert?api-key={}"]


@pytest.mark.parametrize("path", GUESSED)
async def test_tokens_are_not_guessed_in_paths_and_queries(serve: Any, client: Any, path: str) -> None:
    body = {**VICTOR, **ALERTA, "summary": "s"}
    async with serve() as world:
        for number in range(20):
            async with client.post(world.url(path.format(number)), json=body) as answer:
                assert answer.status == 401
        async with client.post(world.url(path.format(TOKEN)), json=body) as answer:
            assert answer.status == 401
        assert world.journal.envelopes == []
