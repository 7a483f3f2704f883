"""PagerDuty's paths: what is answered, refused, kept and read again."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from alertd.core.alerts import Status

TOKEN = "doorbell-token-0123456789abcdefghijklmnopq"
WRONG = "canary-7f3a9c-0123456789abcdefghijklmnopqrs"
PAYLOAD = {"summary": "Disk C: 96 %", "source": "fs02", "severity": "error"}
EVENT = {"event_action": "trigger", "dedup_key": "fs02/disk-c", "payload": PAYLOAD}


def enqueue(**more: Any) -> dict[str, Any]:
    return {"routing_key": TOKEN, **EVENT, **more}


async def test_an_event_is_accepted_as_pagerduty_does(call: Any, kept: Any) -> None:
    status, answer = await call("POST", "/v2/enqueue", enqueue())

    assert status == 202
    assert answer == {"status": "success", "message": "Event processed", "dedup_key": "fs02/disk-c"}
    envelope, alert = kept()
    assert (envelope.source, envelope.kind, alert.severity) == ("doorbell", "pagerduty", "high")
    assert b"routing_key" in envelope.body


async def test_an_event_without_a_key_is_given_one_that_resolves_it(call: Any, kept: Any) -> None:
    event = enqueue()
    del event["dedup_key"]
    _, first = await call("POST", "/v2/enqueue", event)
    _, fired = kept()
    _, second = await call("POST", "/v2/enqueue", event)
    key = first["dedup_key"]
    resolve = {"routing_key": TOKEN, "event_action": "resolve", "dedup_key": key}
    await call("POST", "/v2/enqueue", resolve)
    _, cleared = kept()

    assert uuid.UUID(key).hex == key
    assert key != second["dedup_key"]
    assert (cleared.status, cleared.fingerprint) == (Status.CLEARED, fired.fingerprint)


async def test_the_key_is_the_event_s_own_whatever_its_details_say(call: Any, kept: Any) -> None:
    keys = {"service_key": "a", "inner": {"routing_key": "b", "inner": {"service_key": "c"}}}
    details = {"custom_details": keys | {"text": json.dumps({"routing_key": "d"})}}
    event = {**EVENT, "payload": PAYLOAD | details, "routing_key": TOKEN}

    assert (await call("POST", "/v2/enqueue", event))[0] == 202
    assert kept()[0].source == "doorbell"


SEVERITIES = "'critical', 'warning', 'error' or 'info'"


@pytest.mark.parametrize(
    ("event", "errors"),
    [
        pytest.param({"event_action": ""}, ["'event_action' is missing or blank"], id="no action"),
        pytest.param(
            {"event_action": "shout"},
            [
                "'event_action' is invalid "
                "(must be one of the following: 'trigger', 'acknowledge' or 'resolve')"
            ],
            id="an unknown action",
        ),
        pytest.param({"payload": None}, ["'payload' is missing or blank"], id="no payload"),
        pytest.param(
            {"payload": {"severity": "info"}},
            ["'payload.summary' is missing or blank", "'payload.source' is missing or blank"],
            id="no summary, no source",
        ),
        pytest.param(
            {"payload": {**PAYLOAD, "severity": "P1"}},
            [f"'payload.severity' is invalid (must be one of the following: {SEVERITIES})"],
            id="an unknown severity",
        ),
        pytest.param(
            {"payload": {**PAYLOAD, "summary": "ä" * 1025}},
            ["'payload.summary' is too long (maximum is 1024 characters)"],
            id="a long summary",
        ),
        pytest.param(
            {"dedup_key": "k" * 256},
            ["'dedup_key' is too long (maximum is 255 characters)"],
            id="a long key",
        ),
        pytest.param(
            {"event_action": "resolve", "dedup_key": None},
            ["'dedup_key' is missing or blank"],
            id="a resolve without a key",
        ),
    ],
)
async def test_a_refused_event_is_parked(
    world: Any, call: Any, event: dict[str, Any], errors: list[str]
) -> None:
    status, answer = await call("POST", "/v2/enqueue", enqueue(**event))

    assert (status, answer["status"], answer["message"]) == (
        400,
        "invalid event",
        "Event object is invalid",
    )
    assert answer["errors"] == errors
    [envelope] = world.journal.envelopes
    assert envelope.parked == f"shape: {'; '.join(errors)}"
    assert (envelope.messages, envelope.parked_messages) == (1, 1)
    assert world.count("doorbell", "parked") == 1
    assert world.handover.accepted[0][1] == ()


async def test_the_longest_that_pagerduty_takes(call: Any, kept: Any) -> None:
    event = enqueue(dedup_key="k" * 255, payload={**PAYLOAD, "summary": "ä" * 1024})

    assert (await call("POST", "/v2/enqueue", event))[0] == 202
    assert kept()[1].annotations["title"] == "ä" * 1024


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        pytest.param(b'{"routing_key": "%b", "event_action": "trig', 400, id="cut off"),
        pytest.param(
            b'{"routing_key": "%b", "event_action": "trigger", "dedup_key": "a", "payload": '
            b'{"summary": "C:\\Users\n", "source": "h", "severity": "info",}}',
            202,
            id="damaged as templates damage it",
        ),
        pytest.param(
            b'"{\\"routing_key\\": \\"%b\\", \\"event_action\\": \\"resolve\\", \\"dedup_key\\": \\"a\\"}"',
            202,
            id="inside a string",
        ),
        pytest.param(b'[{"routing_key": "%b"}]', 400, id="a list"),
    ],
)
async def test_bodies_that_are_not_quite_json(world: Any, call: Any, raw: bytes, status: int) -> None:
    assert (await call("POST", "/v2/enqueue", raw.replace(b"%b", TOKEN.encode())))[0] == status
    assert len(world.journal.envelopes) == 1
    assert TOKEN not in repr(world.journal.envelopes)


async def test_an_acknowledge_tells_and_fires_nothing(call: Any, kept: Any) -> None:
    event = {"routing_key": TOKEN, "event_action": "acknowledge", "dedup_key": "never seen"}

    assert (await call("POST", "/v2/enqueue", event))[0] == 202
    assert kept()[1].status is Status.UPDATED


async def test_a_change_event_is_kept_and_ignored(call: Any, kept: Any) -> None:
    event = {"routing_key": TOKEN, "payload": {"summary": "Deployed", "source": "ci"}}
    status, answer = await call("POST", "/v2/change/enqueue", event)

    assert (status, answer["status"]) == (202, "success")
    assert kept()[1].status is Status.IGNORED
    assert (await call("POST", "/v2/change/enqueue", {"routing_key": TOKEN}))[0] == 400


async def test_version_1(call: Any, kept: Any) -> None:
    path = "/generic/2010-04-15/create_event.json"
    event = {
        "service_key": TOKEN,
        "event_type": "trigger",
        "incident_key": "fs02/disk-c",
        "description": "full",
    }
    status, answer = await call("POST", path, event)
    _, first = kept()
    refused, why = await call("POST", path, {**event, "description": ""})
    await call("POST", "/v2/enqueue", enqueue())

    assert (status, answer["incident_key"]) == (200, "fs02/disk-c")
    assert kept()[1].fingerprint == first.fingerprint
    assert (refused, why["errors"]) == (400, ["Description is missing or blank"])


async def test_an_unknown_key_is_pagerdutys_400_and_counted(world: Any, call: Any) -> None:
    for body in (enqueue(routing_key=WRONG), enqueue(routing_key=""), b"", b"\xff\xfe"):
        status, answer = await call("POST", "/v2/enqueue", body)
        assert (status, answer["errors"]) == (400, ["Invalid routing key"])

    assert world.journal.envelopes == []
    assert world.count("(unknown)", "unauthorized") == 4


async def test_keys_are_not_guessed_in_bodies(serve: Any, client: Any) -> None:
    async with serve() as world:
        url = world.url("/v2/enqueue")
        for _ in range(20):
            async with client.post(url, json=enqueue(routing_key=WRONG)) as answer:
                assert answer.status == 400
        async with client.post(url, json=enqueue()) as answer:
            assert answer.status == 400
        assert world.journal.envelopes == []


async def test_who_has_sent_well_is_not_kept_out_by_a_guesser(serve: Any, client: Any) -> None:
    async with serve() as world:
        url = world.url("/v2/enqueue")
        async with client.post(url, json=enqueue()) as answer:
            assert answer.status == 202
        for _ in range(25):
            async with client.post(url, json=enqueue(routing_key=WRONG)) as answer:
                assert answer.status == 400
        async with client.post(url, json=enqueue()) as answer:
            assert answer.status == 202
