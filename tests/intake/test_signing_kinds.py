"""The kinds whose senders sign, as their settings make them, with the payloads of the documented shape."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import TypeAdapter

from alertd.core.secret import Secret
from alertd.core.sources import kinds
from alertd.intake.senders import Sender, sender_of
from tests.intake import amazon
from tests.intake.amazon import TOPIC, Web
from tests.intake.conftest import Serve, World

PAYLOADS = Path(__file__).parents[1] / "payloads"
SETTINGS: TypeAdapter[Any] = TypeAdapter(kinds.SourceSettings)
KEY = b"huntress makes this key."
WHSEC = "whsec_" + base64.b64encode(KEY).decode()


def source(name: str, kind: str, token: str, **more: Any) -> Sender:
    table = {"name": name, "kind": kind, "token": {"env": "T"}, "token_in_url": True}
    settings = SETTINGS.validate_python(table | more)
    secret = Secret(token)
    return sender_of(settings, kinds.compile_profile(settings), digests=(secret.digest(),), secrets=(secret,))


@pytest.fixture
async def world(serve: Serve, new_world: type[World]) -> AsyncIterator[World]:
    made = new_world()
    made.fetch = Web()
    made.senders = [
        source("huntress", "huntress", WHSEC, signature="required"),
        source("grafana", "grafana", "grafana-secret"),
        source("timed", "grafana", "timed-secret", signature_timestamp_header="X-Time"),
        source("meraki", "meraki", "correct-horse"),
        source("aws", "cloudwatch", "aws-token", topics=[TOPIC]),
        source("relay", "cloudwatch", "relay-token", signature="off"),
    ]
    async with serve(made) as world:
        yield world


async def posted(
    world: World, client: aiohttp.ClientSession, to: str, body: bytes, headers: dict[str, str] | None = None
) -> int:
    world.intake._admission._limit.__init__()  # type: ignore[misc]
    async with client.post(world.url(f"/v1/alerts/{to}"), data=body, headers=headers or {}) as answer:
        return answer.status


async def test_huntress(world: World, client: aiohttp.ClientSession) -> None:
    body = (PAYLOADS / "huntress" / "created.json").read_bytes()
    at = str(int(world.clock.at.timestamp()))
    signed = base64.b64encode(hmac.digest(KEY, f"msg_1.{at}.".encode() + body, "sha256")).decode()
    headers = {"svix-id": "msg_1", "svix-timestamp": at, "svix-signature": f"v1,{signed}"}
    assert await posted(world, client, "huntress", body) == 401
    assert await posted(world, client, "huntress", body, {"Authorization": f"Bearer {WHSEC}"}) == 401
    assert await posted(world, client, "huntress", body + b" ", headers) == 401
    assert await posted(world, client, "huntress", body, headers) == 202
    [(entry, alerts)] = world.handover.accepted
    assert entry.envelope.delivery_id == "msg_1"
    assert alerts[0].labels["source"] == "huntress"


async def test_grafana(world: World, client: aiohttp.ClientSession) -> None:
    body = (PAYLOADS / "grafana" / "firing.json").read_bytes()
    at = str(int(world.clock.at.timestamp()))

    def signed(secret: str, text: bytes) -> dict[str, str]:
        return {"X-Grafana-Alerting-Signature": hmac.digest(secret.encode(), text, "sha256").hex()}

    plain = signed("grafana-secret", body)
    timed = signed("timed-secret", f"{at}:".encode() + body)
    assert await posted(world, client, "grafana", body, plain) == 202
    assert await posted(world, client, "grafana", body + b" ", plain) == 401
    assert await posted(world, client, "timed", body, signed("timed-secret", body)) == 401
    assert await posted(world, client, "timed", body, timed | {"X-Time": at}) == 202
    assert await posted(world, client, "timed", body, timed | {"X-Time": "1"}) == 401
    assert [alerts[0].status.value for _, alerts in world.handover.accepted] == ["firing", "firing"]


async def test_meraki(world: World, client: aiohttp.ClientSession) -> None:
    sent = json.loads((PAYLOADS / "meraki" / "down.json").read_bytes())

    def body(secret: str) -> bytes:
        return json.dumps(sent | {"sharedSecret": secret}).encode()

    assert await posted(world, client, "meraki", body("correct-horse")) == 202
    assert await posted(world, client, "meraki", body("wrong")) == 401
    assert await posted(world, client, "meraki", body("")) == 401
    assert await posted(world, client, "meraki?token=correct-horse", body("")) == 202
    assert await posted(world, client, "meraki?token=correct-horse", body("wrong")) == 202
    assert b"correct-horse" not in world.journal.envelopes[0].body


async def test_cloudwatch(world: World, client: aiohttp.ClientSession) -> None:
    alarm = json.loads((PAYLOADS / "cloudwatch" / "alarm.json").read_bytes())
    good = json.dumps(amazon.envelope(Message=alarm["Message"], version="2")).encode()
    forged = json.dumps(alarm | {"TopicArn": TOPIC}).encode()
    assert await posted(world, client, "aws?token=aws-token", forged) == 401
    assert await posted(world, client, "aws", good) == 202
    assert await posted(world, client, "relay", good) == 401
    assert await posted(world, client, "relay?token=relay-token", forged) == 202
    assert [alerts[0].status.value for _, alerts in world.handover.accepted] == ["firing", "firing"]


async def test_a_handshake_makes_no_ticket(world: World, client: aiohttp.ClientSession) -> None:
    offer = json.dumps(amazon.envelope("SubscriptionConfirmation", Message="subscribe?")).encode()
    assert await posted(world, client, "aws", offer) == 202
    [(_, alerts)] = world.handover.accepted
    assert alerts[0].status.value == "ignored"
