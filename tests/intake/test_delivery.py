"""A delivery, from body to journal, handover and answer."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from alertd.core.reading.bodies import Body, Reading
from alertd.flows.errors import StoreFailed
from alertd.intake import dialects
from alertd.intake.senders import read_again

OWN = "/v1/alerts/prometheus"
ALERT = b'{"alerts":[{"status":"firing","labels":{"alertname":"DiskFull","client":"acme"}}]}'
DOORBELL = {"Authorization": "Bearer doorbell-token-0123456789abcdefghijklmnopq"}
TWO = b'{"alerts":[{"status":"firing","labels":{"alertname":"A"}},7]}'


async def test_the_answer_is_the_receipt(world: Any, post: Any) -> None:
    status, answer, headers = await post(OWN, TWO)

    (envelope,) = world.journal.envelopes
    assert status == 202
    assert json.loads(answer) == {"receipt": envelope.receipt, "accepted": 1, "parked": 1}
    assert headers["Content-Type"] == "application/json"
    assert "Server" not in headers


async def test_the_envelope_tells_all_that_is_needed_to_read_it_again(world: Any, post: Any) -> None:
    await post(OWN + "?client=Contoso&token=canary-in-url", TWO)

    (envelope,) = world.journal.envelopes
    assert (envelope.source, envelope.kind, envelope.peer) == ("prometheus", "alertmanager", "127.0.0.1")
    assert envelope.received_at == world.clock.at
    assert envelope.params == {"client": "Contoso"}
    assert (envelope.messages, envelope.parked_messages) == (2, 1)
    assert envelope.parked.startswith("shape: ")
    ((entry, alerts),) = world.handover.accepted
    assert (entry.journal_id, entry.envelope) == (1, envelope)
    assert alerts[0].labels["client"] == "Contoso"
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(envelope), type=type(envelope))
    assert read_again(stored, world.senders[0]) == tuple(alerts)


async def test_a_posted_list_is_read_again_as_such(world: Any, post: Any, bearer: Any) -> None:
    body = b'[{"labels":{"alertname":"A"}}]'
    await post("/api/v2/alerts", body, headers={**bearer, "Content-Type": "application/json"})

    ((entry, alerts),) = world.handover.accepted
    assert read_again(entry.envelope, world.senders[0]) == tuple(alerts)


async def test_the_body_is_redacted_before_it_is_stored_or_read(world: Any, post: Any) -> None:
    await post(OWN, ALERT.replace(b'"client"', b'"password":"hunter2","client"'))

    assert b"hunter2" not in world.journal.envelopes[0].body
    assert "hunter2" not in repr(world.handover.accepted)


async def test_the_query_is_redacted_before_it_is_stored_or_read(world: Any, client: Any) -> None:
    target = "/v1/alerts/doorbell?name=gate&client=Acme&password=hunter2&link=https://me:hunter2@x/"
    async with client.get(world.url(target), headers=DOORBELL) as got:
        assert got.status == 202

    assert world.journal.envelopes[0].params == {
        "name": "gate",
        "client": "Acme",
        "password": "***",
        "link": "https://***@x/",
    }
    assert "hunter2" not in repr(world.handover.accepted)
    assert world.handover.accepted[0][1][0].labels["client"] == "Acme"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"X-Alertd-Delivery": "d-1"}, id="ours"),
        pytest.param({"webhook-id": "d-1", "webhook-timestamp": "1"}, id="Standard Webhooks"),
        pytest.param({"svix-id": "d-1", "svix-timestamp": "1"}, id="Svix"),
        pytest.param({"x-amz-sns-message-id": "d-1"}, id="SNS"),
    ],
)
async def test_a_redelivery_is_one_row_and_not_handed_over_twice(
    world: Any, post: Any, bearer: Any, headers: dict[str, str]
) -> None:
    _, first, _ = await post(OWN, ALERT, headers={**bearer, **headers})
    status, second, _ = await post(OWN, ALERT, headers={**bearer, **headers})

    assert status == 202
    assert json.loads(second) == {**json.loads(first), "duplicate": True}
    assert len(world.journal.envelopes) == len(world.handover.accepted) == 1
    received = world.registry.get_sample_value("alertd_alerts_received_total", {"source": "prometheus"})
    assert received == 1


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"webhook-id": "w-1"}, id="an id of the webhook itself, which never changes"),
        pytest.param({"X-Alertd-Delivery": "d" * 256}, id="too long"),
        pytest.param({"X-Alertd-Delivery": ""}, id="empty"),
    ],
)
async def test_what_is_no_delivery_id_makes_no_duplicates(
    world: Any, post: Any, bearer: Any, headers: dict[str, str]
) -> None:
    for _ in range(2):
        await post(OWN, ALERT, headers={**bearer, **headers})

    assert len(world.journal.envelopes) == 2


async def test_equal_bodies_are_repeats_and_kept(world: Any, post: Any) -> None:
    for _ in range(2):
        await post(OWN, ALERT)

    assert len({envelope.receipt for envelope in world.journal.envelopes}) == 2


async def test_a_query_is_a_delivery_for_a_mapped_source(world: Any, client: Any) -> None:
    async with client.get(world.url("/v1/alerts/doorbell?name=gate&client=Acme"), headers=DOORBELL) as got:
        assert got.status == 202

    (envelope,) = world.journal.envelopes
    assert (envelope.body, envelope.params) == (b"", {"name": "gate", "client": "Acme"})
    ((_, alerts),) = world.handover.accepted
    assert alerts[0].labels["client"] == "Acme"


async def test_a_post_without_body_may_say_it_in_the_query(world: Any) -> None:
    line = DOORBELL["Authorization"]
    request = f"POST /v1/alerts/doorbell?name=gate HTTP/1.1\r\nHost: x\r\nAuthorization: {line}\r\n\r\n"

    assert (await world.raw(request.encode())).startswith(b"HTTP/1.1 202")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        pytest.param("/v1/alerts/doorbell?client=Acme", DOORBELL, id="nothing but the client"),
        pytest.param(OWN + "?name=gate", None, id="not a mapped source"),
        pytest.param("/api/v2/alerts?name=gate", None, id="v2"),
    ],
)
async def test_other_gets_are_refused(world: Any, client: Any, bearer: Any, path: str, headers: Any) -> None:
    async with client.get(world.url(path), headers=headers or bearer) as got:
        assert (got.status, got.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("size", [10, 100_000], ids=["small", "large"])
@pytest.mark.parametrize("fault", [ValueError("canary"), RecursionError(), MemoryError()], ids=repr)
async def test_a_reader_that_fails_parks_the_body(world: Any, post: Any, size: int, fault: Exception) -> None:
    def fail(body: Body, at: object) -> Reading:
        raise fault

    world.intake.adopt([msgspec.structs.replace(world.senders[0], read=fail)])

    status, answer, _ = await post(OWN, b"a" * size)

    assert (status, json.loads(answer)["parked"]) == (202, 1)
    assert world.journal.envelopes[0].body == b"a" * size
    assert "canary" not in world.journal.envelopes[0].parked


async def test_a_reader_that_takes_too_long_parks_the_body(
    world: Any, post: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialects, "_READING_S", 0.01)
    done = threading.Event()

    def stall(body: Body, at: object) -> Reading:
        done.wait(10)
        return Reading()

    world.intake.adopt([msgspec.structs.replace(world.senders[0], read=stall)])
    status, _, _ = await post(OWN, b"a" * 100_000)
    done.set()

    assert status == 202
    assert world.journal.envelopes[0].parked.startswith("too_slow: ")


@pytest.mark.parametrize(
    "fault", [StoreFailed("disk"), StoreFailed("disk", full=True), RuntimeError("bug")], ids=str
)
async def test_no_store_no_2xx(world: Any, post: Any, fault: Exception) -> None:
    world.journal.fault = fault

    status, _, headers = await post(OWN, ALERT)

    assert (status, headers["Retry-After"]) == (503, "5")
    assert world.handover.accepted == []
    source = "prometheus" if isinstance(fault, StoreFailed) else "(unknown)"
    assert world.count(source, "overload") == 1


async def test_a_store_that_stops_answering_closes_the_door(world: Any, post: Any) -> None:
    now = 0.0
    world.seconds = lambda: now
    world.journal.gate = asyncio.Event()
    waiting = asyncio.create_task(post(OWN, ALERT))
    await world.journal.entered.wait()
    now = 5.1

    assert (await post(OWN, ALERT))[0] == 503
    world.journal.gate.set()
    assert (await waiting)[0] == 202
    assert (await post(OWN, ALERT))[0] == 202


async def test_a_sender_that_vanishes_does_not_undo_the_commit(world: Any, bearer: Any) -> None:
    world.journal.gate = asyncio.Event()
    _, writer = await asyncio.open_connection(world.host, world.port)
    head = f"POST {OWN} HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer['Authorization']}\r\n"
    writer.write(head.encode() + b"Content-Length: %d\r\n\r\n%b" % (len(ALERT), ALERT))
    await world.journal.entered.wait()
    writer.transport.abort()
    await turns()
    world.journal.gate.set()
    await turns()

    assert len(world.journal.envelopes) == len(world.handover.accepted) == 1


async def turns(count: int = 50) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("point", "kept", "answered"),
    [
        ("intake.before_commit", 0, False),
        ("intake.after_commit", 1, False),
        ("intake.after_answer", 1, True),
    ],
)
async def test_crash_points(
    serve: Any, new_world: Any, bearer: Any, point: str, kept: int, answered: bool
) -> None:
    world = new_world()
    world.crash = crash_at(point)
    async with serve(world):
        head = f"POST {OWN} HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer['Authorization']}\r\n"
        answer = await world.raw(head.encode() + b"Content-Length: %d\r\n\r\n%b" % (len(ALERT), ALERT))

    assert len(world.journal.envelopes) == kept
    assert answer.startswith(b"HTTP/1.1 202") == answered


def crash_at(point: str) -> Callable[[str, str], None]:
    def crash(name: str, operation: str) -> None:
        if name == point:
            raise RuntimeError("this process has ended")

    return crash
