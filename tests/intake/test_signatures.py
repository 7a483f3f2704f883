"""Signed deliveries over a real socket: who is let in, and what comes twice."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from msgspec import structs

from alertd.core.reading.signatures import Hmac, SecretInBody, Signing, Verified
from alertd.core.secret import Secret
from alertd.core.sources import kinds
from alertd.core.sources.mapped_settings import MappedSettings
from alertd.flows.errors import StoreFailed
from alertd.intake import delivery
from alertd.intake.proving import RecentSignatures
from alertd.intake.senders import Sender, sender_of
from tests.intake.conftest import Serve, World

NEW, OLD = "new-token-0123456789", "old-token-0123456789"
KEY = b"twenty-four bytes of key"
WHSEC = "whsec_" + base64.b64encode(KEY).decode()
BODY = b'{"name":"gate","state":"open"}'
OTHER = b'{"name":"shed","state":"open"}'
INSIDE = SecretInBody("sec")
SIGNED = Hmac(header="X-Signature", bodies_differ=True)


def source(name: str, tokens: list[str], **more: Any) -> Sender:
    table = {"name": name, "kind": "mapped", "token": [{"env": "T"}] * len(tokens), "key": "name"}
    settings = MappedSettings.model_validate(table | more)
    secrets = tuple(Secret(token) for token in tokens)
    digests = tuple(secret.digest() for secret in secrets)
    return sender_of(settings, kinds.compile_profile(settings), digests=digests, secrets=secrets)


def senders() -> list[Sender]:
    header, timed = {"header": "X-Signature"}, {"header": "X-Signature", "timestamp_header": "X-Time"}
    on = source("on", [NEW, OLD], signing=timed, token_in_url=True)
    return [
        on,
        source("required", ["r-" + NEW], signing=timed, signature="required"),
        source("off", ["o-" + NEW], signing=timed, signature="off"),
        source("bare", ["b-" + NEW], signing=header),
        source("svix", [WHSEC], signing={"scheme": "svix"}),
        structs.replace(source("dated", ["d-" + NEW], signing=header), signing=Signing(scheme=SIGNED)),
        structs.replace(
            source("inside", [NEW + "1", OLD + "1"]), signing=Signing(scheme=SecretInBody("sec"))
        ),
    ]


@pytest.fixture
async def world(serve: Serve, new_world: type[World]) -> AsyncIterator[World]:
    made = new_world()
    made.senders = senders()
    async with serve(made) as world:
        yield world


def mac(text: bytes, key: bytes | str) -> bytes:
    return hmac.digest(key.encode() if isinstance(key, str) else key, text, "sha256")


def stamp(world: World, *, ago_s: int = 0) -> str:
    return str(int((world.clock.at - timedelta(seconds=ago_s)).timestamp()))


def timed(world: World, body: bytes = BODY, *, key: str = NEW, ago_s: int = 0) -> dict[str, str]:
    at = stamp(world, ago_s=ago_s)
    return {"X-Time": at, "X-Signature": mac(f"{at}:".encode() + body, key).hex()}


def svix(world: World, body: bytes = BODY, *, id_: str = "msg_1", ago_s: int = 0) -> dict[str, str]:
    at = stamp(world, ago_s=ago_s)
    signature = base64.b64encode(mac(f"{id_}.{at}.".encode() + body, KEY)).decode()
    return {"svix-id": id_, "svix-timestamp": at, "svix-signature": f"v1,{signature}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class Poster:
    def __init__(self, world: World, session: aiohttp.ClientSession) -> None:
        self._world = world
        self._session = session

    async def __call__(
        self, to: str, headers: dict[str, str], body: bytes = BODY, *, method: str = "POST"
    ) -> tuple[int, dict[str, Any]]:
        url = self._world.url(f"/v1/alerts/{to}")
        async with self._session.request(method, url, data=body or None, headers=headers) as answer:
            return answer.status, json.loads(await answer.read() or b"{}")

    async def status(self, to: str, headers: dict[str, str], body: bytes = BODY, **more: Any) -> int:
        return (await self(to, headers, body, **more))[0]


@pytest.fixture
def post(world: World, client: aiohttp.ClientSession) -> Poster:
    return Poster(world, client)


# --- who is let in --------------------------------------------------------------------------------------


async def test_who_is_let_in(world: World, post: Poster) -> None:
    wrong = {"X-Time": stamp(world), "X-Signature": "00" * 32}
    table: list[tuple[str, dict[str, str], int]] = [
        ("on", timed(world), 202),
        ("on", timed(world, key=OLD), 202),
        ("on", bearer(NEW), 202),
        ("on?token=" + NEW, {}, 202),
        ("on", timed(world) | bearer("wrong"), 202),
        ("on", timed(world) | {"X-Signature": "00"} | bearer(NEW), 401),
        ("on?token=" + NEW, wrong, 401),
        ("on", wrong, 401),
        ("on", {}, 401),
        ("on", {"X-Time": stamp(world)}, 401),
        ("on", {"X-Signature": mac(BODY, NEW).hex()}, 401),
        ("on", timed(world, OTHER), 401),
        ("on", timed(world, key="r-" + NEW), 401),
        ("on", timed(world, key=""), 401),
        ("on", timed(world, ago_s=299), 202),
        ("on", timed(world, ago_s=301), 401),
        ("on", timed(world, ago_s=-301), 401),
        ("required", timed(world, key="r-" + NEW), 202),
        ("required", bearer("r-" + NEW), 401),
        ("required", bearer("r-" + NEW) | wrong, 401),
        ("required", {}, 401),
        ("off", bearer("o-" + NEW) | wrong, 202),
        ("off", timed(world, key="o-" + NEW), 401),
        ("bare", {"X-Signature": mac(BODY, "b-" + NEW).hex()}, 202),
        ("svix", svix(world), 202),
        ("svix", svix(world) | {"svix-id": "msg_2"}, 401),
        ("svix", svix(world, ago_s=600), 401),
        ("svix", bearer(WHSEC), 202),
        ("nobody", timed(world), 401),
    ]
    asked = [(to, headers, await fresh_status(world, post, to, headers)) for to, headers, _ in table]
    assert [each for each, row in zip(asked, table, strict=True) if each[2] != row[2]] == []


async def fresh_status(world: World, post: Poster, to: str, headers: dict[str, str]) -> int:
    """Post with a journal that knows nothing and a limit that has counted nothing."""
    world.journal.envelopes.clear()
    world.intake._admission._limit.__init__()  # type: ignore[misc]
    status = await post.status(to, headers)
    assert len(world.journal.envelopes) == (status == 202)
    return status


async def test_a_source_that_goes_while_its_body_comes_is_refused(world: World) -> None:
    headers = "".join(f"{name}: {text}\r\n" for name, text in svix(world).items())
    head = f"POST /v1/alerts/svix HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n{headers}\r\n"
    reader, writer = await asyncio.open_connection(world.host, world.port)
    writer.write(head.encode())
    await asyncio.sleep(0.05)
    world.intake.adopt(sender for sender in world.senders if sender.name != "svix")
    writer.write(BODY)

    assert (await reader.readline()) == b"HTTP/1.1 401 Unauthorized\r\n"
    writer.close()
    assert world.journal.envelopes == []


async def test_what_let_it_in_is_kept_with_it(world: World, post: Poster) -> None:
    await post("on?client=Acme", timed(world, key=OLD))
    await post("svix", svix(world))
    await post("inside", {}, json.dumps({"name": "gate", "sec": NEW + "1"}).encode())
    await post("on", bearer(NEW))
    assert [kept.params for kept in world.journal.envelopes] == [
        {"client": "Acme", "let_in_by": "an HMAC with the other secret"},
        {"let_in_by": "Svix's signature with the current secret"},
        {"let_in_by": "sec in the body, the current token"},
        {},
    ]


async def test_a_token_of_a_source_that_must_sign_opens_no_other_door(
    world: World, client: aiohttp.ClientSession
) -> None:
    headers = bearer("r-" + NEW) | {"Content-Type": "application/json"}
    async with client.post(world.url("/api/v2/alerts"), data=b"[]", headers=headers) as answer:
        assert answer.status == 401


async def test_a_query_is_not_signed(world: World, post: Poster) -> None:
    """A signature over no body would let anybody say anything in the query."""
    headers = timed(world, b"")
    assert await post.status("on?name=gate", headers, b"", method="GET") == 401
    assert await post.status("on?name=gate", headers | bearer(NEW), b"", method="GET") == 202
    assert await post.status("on?name=gate", timed(world, b" "), b" ") == 401
    wrong = timed(world, BODY)
    assert await post.status("on?name=gate", wrong | bearer(NEW), b"", method="GET") == 401
    assert await post.status("required?name=gate", bearer("r-" + NEW), b"", method="GET") == 401


async def test_all_refusals_look_alike(world: World, client: aiohttp.ClientSession) -> None:
    said = []
    for to, headers in (
        ("nobody", timed(world)),
        ("on", timed(world, OTHER)),
        ("on", timed(world, ago_s=999)),
        ("on", bearer("wrong")),
        ("required", bearer("r-" + NEW)),
    ):
        async with client.post(world.url(f"/v1/alerts/{to}"), data=BODY, headers=headers) as answer:
            said.append((answer.status, await answer.text(), dict(answer.headers)))
    assert len({repr(each) for each in said}) == 1
    assert 'Basic realm="alertd"' in said[0][2]["WWW-Authenticate"]  # without it SNS never sends its password


async def test_wrong_signatures_count_as_wrong_tokens_do(world: World, post: Poster) -> None:
    for _ in range(20):
        assert await post.status("on", timed(world, OTHER)) == 401
    assert await post.status("on", timed(world)) == 401
    assert world.count("on", "unauthorized") == 21


async def test_who_has_signed_before_is_not_turned_away_with_a_stranger(world: World, post: Poster) -> None:
    assert await post.status("on", timed(world)) == 202
    for _ in range(20):
        await post.status("on", timed(world, OTHER))
    assert await post.status("on", timed(world, OTHER, key=NEW, ago_s=1), OTHER) == 202
    assert await post.status("svix", svix(world)) == 401


async def test_strangers_leave_room_for_others(
    serve: Serve,
    new_world: type[World],
    client: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A body is read before its signature is known to be good: it may not take all the room there is."""
    monkeypatch.setattr(delivery, "STRANGERS_BYTES", len(BODY) - 1)
    made = new_world()
    made.senders = senders()
    async with serve(made) as world:
        post = Poster(world, client)
        assert await post.status("on", timed(world)) == 503
        assert await post.status("on", timed(world) | bearer(NEW)) == 202
        assert await post.status("on", bearer(NEW)) == 202


async def test_the_metrics_tell_which_secret_is_in_use(world: World, post: Poster) -> None:
    def used(token: str) -> float | None:
        labels = {"source": "on", "token": token}
        return world.registry.get_sample_value("alertd_source_token_last_used_timestamp_seconds", labels)

    await post("on", timed(world, key=OLD))
    assert (used("current"), used("other")) == (0, world.clock.at.timestamp())
    await post("on", timed(world))
    assert used("current") == world.clock.at.timestamp()


async def test_the_secret_is_in_memory_only_where_it_signs() -> None:
    made = {sender.name: sender.secrets for sender in senders()}
    assert [name for name, secrets in made.items() if secrets] == ["on", "required", "bare", "svix", "dated"]
    assert source("plain", [NEW]).secrets == ()
    assert NEW not in repr(senders())


# --- what comes twice -----------------------------------------------------------------------------------


async def test_an_exact_redelivery_is_the_same_delivery(world: World, post: Poster) -> None:
    sent = [
        ("on", timed(world)),
        ("svix", svix(world)),
        ("dated", {"X-Signature": mac(BODY, "d-" + NEW).hex()}),
    ]
    for to, headers in sent:
        status, first = await post(to, headers)
        again, second = await post(to, headers | {"X-Alertd-Delivery": "another"})
        assert (status, again) == (202, 202)
        assert second == first | {"duplicate": True}
    assert len(world.journal.envelopes) == len(world.handover.accepted) == 3


async def test_svix_signs_every_attempt_anew(world: World, post: Poster) -> None:
    _, first = await post("svix", svix(world))
    world.clock.at += timedelta(minutes=30)
    assert await post("svix", svix(world)) == (202, first | {"duplicate": True})


async def test_an_id_with_another_body_or_query_is_refused(world: World, post: Poster) -> None:
    assert await post.status("svix?client=Acme", svix(world)) == 202
    assert await post.status("svix?client=Acme", svix(world, OTHER), OTHER) == 401
    assert await post.status("svix?client=Contoso", svix(world)) == 401
    assert await post.status("svix?client=Acme", svix(world)) == 202
    assert await post.status("on?client=Acme", timed(world)) == 202
    assert await post.status("on?client=Contoso", timed(world)) == 401
    assert len(world.journal.envelopes) == 2


async def test_without_a_time_stamp_an_equal_body_is_a_repeat_after_the_window(
    world: World, post: Poster
) -> None:
    headers = {"X-Signature": mac(BODY, "d-" + NEW).hex()}
    _, first = await post("dated", headers)
    world.clock.at += timedelta(minutes=5)
    assert (await post("dated", headers))[1]["receipt"] == first["receipt"]
    world.clock.at += timedelta(seconds=1)
    assert (await post("dated", headers))[1]["receipt"] != first["receipt"]


async def test_bodies_that_hold_no_time_are_repeats_at_once(world: World, post: Poster) -> None:
    """Down, up, down within a minute: the third may not be taken for the first."""
    headers = {"X-Signature": mac(BODY, "b-" + NEW).hex()}
    assert "duplicate" not in (await post("bare", headers))[1] | (await post("bare", headers))[1]
    assert len(world.journal.envelopes) == 2


async def test_what_was_not_kept_may_come_again(world: World, post: Poster) -> None:
    headers = {"X-Signature": mac(BODY, "d-" + NEW).hex()}
    world.journal.fault = StoreFailed("full", full=True)
    assert await post.status("dated", headers) == 503
    world.journal.fault = None
    status, answer = await post("dated", headers)
    assert (status, "duplicate" in answer) == (202, False)


def test_memory_of_signatures_is_bounded(world: World) -> None:
    recent = RecentSignatures()
    for number in range(RecentSignatures.MOST + 10):
        signed = Verified(delivery_id=f"d{number}", is_lasting=False)
        recent.told("s", signed, world.clock.at, timedelta(minutes=5))
    assert len(recent._first_seen) == RecentSignatures.MOST


# --- a token in the body --------------------------------------------------------------------------------


async def test_a_token_in_the_body(world: World, post: Poster) -> None:
    own = bearer(NEW + "1")

    def body(**more: Any) -> bytes:
        return json.dumps({"name": "gate"} | more).encode()

    table: list[tuple[dict[str, str], bytes, int]] = [
        ({}, body(sec=NEW + "1"), 202),
        ({}, body(sec=OLD + "1"), 202),
        ({}, body(sec="wrong"), 401),
        (own, body(sec="the sender's own"), 202),
        (own, body(sec=NEW + "1"), 202),
        (own, body(), 202),
        (own, body(sec=""), 202),
        (own, body(sec=None), 202),
        (own, body(sec=7), 202),
        ({}, body(sec=7), 401),
        ({}, body(), 401),
        ({}, body(sec=""), 401),
        ({}, b'{"sec": ', 401),
        (own, b'{"sec": ', 202),
        ({}, json.dumps([{"sec": NEW + "1"}, {"sec": "wrong"}]).encode(), 401),
        ({}, b'"' + body(sec=NEW + "1").replace(b'"', b'\\"') + b'"', 202),
        ({}, body(sec=NEW + "1", long="x" * 40_000), 202),
        ({}, body(sec="wrong", long="x" * 40_000), 401),
    ]
    for headers, sent, expected in table:
        world.intake._admission._limit.__init__()  # type: ignore[misc]
        assert await post.status("inside", headers, sent) == expected, sent[:80]


async def test_nothing_of_a_secret_is_stored_or_logged(
    world: World, post: Poster, capsys: pytest.CaptureFixture[str]
) -> None:
    await post("on", timed(world))
    await post("on", timed(world, OTHER))
    with contextlib.suppress(json.JSONDecodeError):
        await post("svix", svix(world, OTHER))
    for text in (repr(world.journal.envelopes), capsys.readouterr().out):
        assert not [each for each in (NEW, OLD, WHSEC, timed(world)["X-Signature"]) if each in text]
