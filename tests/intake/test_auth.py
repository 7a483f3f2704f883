"""Who is let in: the tokens of a source, where they may be, and what guessing costs."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest
from msgspec import structs

from alertd.intake.auth import FailureLimit, Keyring, SourceKeys, presented_tokens
from alertd.intake.senders import Sender

TOKEN = "prometheus-token-0123456789abcdefghijklmno"
SECOND = "prometheus-token-two-0123456789abcdefghijk"
DOORBELL = "doorbell-token-0123456789abcdefghijklmnopq"
OWN = "/v1/alerts/prometheus"
V2 = "/api/v2/alerts"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        pytest.param(OWN, {"Authorization": f"Bearer {TOKEN}"}, 202, id="bearer"),
        pytest.param(OWN, {"Authorization": f"bearer {TOKEN}"}, 202, id="the scheme has no case"),
        pytest.param(OWN, {"Authorization": f"Bearer {SECOND}"}, 202, id="the second live token"),
        pytest.param(OWN, {"Authorization": basic("anybody", TOKEN)}, 202, id="basic password"),
        pytest.param(OWN, {"X-Alertd-Token": TOKEN}, 202, id="own header"),
        pytest.param(
            OWN,
            {"Authorization": "Bearer of-the-proxy", "X-Alertd-Token": TOKEN},
            202,
            id="one of two headers",
        ),
        pytest.param(V2, {"Authorization": f"Bearer {TOKEN}"}, 200, id="v2: bearer picks the source"),
        pytest.param(V2, {"Authorization": basic("prom", SECOND)}, 200, id="v2: basic picks the source"),
        pytest.param("/v1/alerts/doorbell?token=" + DOORBELL, {}, 202, id="in the URL, where allowed"),
        pytest.param(OWN + "?token=" + TOKEN, {}, 401, id="in the URL, where not allowed"),
        pytest.param(OWN, {}, 401, id="none"),
        pytest.param(OWN, {"Authorization": "Bearer wrong"}, 401, id="wrong"),
        pytest.param(OWN, {"Authorization": f"Bearer {DOORBELL}"}, 401, id="another source's"),
        pytest.param(OWN, {"Authorization": "Bearer"}, 401, id="scheme alone"),
        pytest.param(OWN, {"Authorization": "Bearer \udcff\udcfe"}, 401, id="not ASCII"),
        pytest.param(OWN, {"Authorization": "Basic ???"}, 401, id="basic that is not base64"),
        pytest.param(OWN, {"Authorization": basic(TOKEN, "")}, 401, id="token as the user name"),
        pytest.param(OWN, {"Authorization": f"Digest {TOKEN}"}, 401, id="another scheme"),
        pytest.param(OWN, {"Authorization": f"Bearer {TOKEN}x" + "a" * 2000}, 401, id="very long"),
        pytest.param("/v1/alerts/nobody", {"Authorization": f"Bearer {TOKEN}"}, 401, id="unknown source"),
        pytest.param("/v1/alerts/nobody?token=" + DOORBELL, {}, 401, id="unknown source, token in the URL"),
        pytest.param(V2 + "?token=" + DOORBELL, {}, 401, id="v2: never in the URL"),
    ],
)
async def test_tokens(world: Any, path: str, headers: dict[str, str], expected: int) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    body = b"[]" if path.startswith(V2) else b'{"alerts":[]}'
    lines += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    request = f"POST {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n"

    answer = await world.raw(request.encode("utf-8", "surrogateescape") + body)

    assert int(answer[9:12]) == expected
    assert len(world.journal.envelopes) == (expected != 401)


async def test_an_unknown_source_looks_like_a_wrong_token(world: Any, post: Any) -> None:
    wrong = await post(OWN, b"{}", headers={"Authorization": "Bearer wrong"})
    unknown = await post("/v1/alerts/nobody", b"{}", headers={"Authorization": "Bearer wrong"})

    assert wrong[:2] == unknown[:2]
    assert dict(wrong[2]) == dict(unknown[2])
    assert world.count("prometheus", "unauthorized") == 1
    assert world.count("(unknown)", "unauthorized") == 1


def keyring() -> Keyring:
    return Keyring([SourceKeys("a", (sha(b"one"), sha(b"two"))), SourceKeys("b", (sha(b"three"),))])


def sha(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


def test_the_slot_tells_which_token_was_used() -> None:
    first, second = keyring().admit("a", [b"one"], None), keyring().admit("a", [b"x", b"two"], None)

    assert first is not None
    assert second is not None
    assert (first.slot, second.slot) == (0, 1)


@pytest.mark.parametrize("source", ["a", "nobody"])
def test_known_and_unknown_sources_cost_the_same_comparisons(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[int] = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append(len(b)) or real(a, b))

    keyring().admit(source, [b"guess"], b"guess in the URL")

    assert compared == [32, 32, 32, 32]


def test_an_empty_token_is_no_token() -> None:
    assert presented_tokens({"Authorization": "Bearer ", "X-Alertd-Token": ""}) == []


def test_two_sources_cannot_share_a_token() -> None:
    with pytest.raises(ValueError, match="the same token"):
        Keyring([SourceKeys("a", (sha(b"one"),)), SourceKeys("b", (sha(b"one"),))])


def test_a_source_without_token_cannot_be() -> None:
    with pytest.raises(ValueError, match="has 0 tokens"):
        Keyring([SourceKeys("a", ())])


class TestFailureLimit:
    def test_twenty_failures_in_a_minute_cost_the_next(self) -> None:
        limit = FailureLimit()
        for n in range(20):
            assert not limit.is_blocked("192.0.2.1", n)
            limit.failed("192.0.2.1", n)

        assert limit.is_blocked("192.0.2.1", 20)
        assert not limit.is_blocked("192.0.2.2", 20)
        assert limit.is_blocked("192.0.2.1", 78.9)
        assert not limit.is_blocked("192.0.2.1", 79)

    def test_slow_failures_cost_nothing(self) -> None:
        limit = FailureLimit()
        for n in range(100):
            limit.failed("192.0.2.1", n * 4.0)

        assert not limit.is_blocked("192.0.2.1", 400)

    def test_memory_is_bounded(self) -> None:
        limit = FailureLimit()
        for n in range(25_000):
            limit.failed(f"a{n}", 0)
            limit.passed(f"a{n}", "s")

        assert len(limit._failures) <= 10_000
        assert len(limit._proven) <= 10_000


async def test_guessing_is_turned_away_but_not_the_source_behind_the_same_address(
    world: Any, post: Any
) -> None:
    now = 1000.0
    world.seconds = lambda: now
    assert (await post(OWN, b'{"alerts":[]}'))[0] == 202
    for _ in range(20):
        await post(OWN, b"{}", headers={"Authorization": "Bearer guess"})

    doorbell = {"Authorization": f"Bearer {DOORBELL}"}
    assert (await post(OWN, b'{"alerts":[]}'))[0] == 202
    assert (await post("/v1/alerts/doorbell", b"{}", headers=doorbell))[0] == 401
    now += 60
    assert (await post("/v1/alerts/doorbell", b"{}", headers=doorbell))[0] == 202


async def test_the_address_is_taken_from_a_trusted_proxy(serve: Any) -> None:
    async with serve(trusted_proxies=["127.0.0.0/8"]) as world:
        lines = f"Authorization: Bearer {TOKEN}\r\nX-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n"
        await world.raw(f"POST {OWN} HTTP/1.1\r\nHost: x\r\n{lines}Content-Length: 2\r\n\r\n{{}}".encode())

    assert world.journal.envelopes[0].peer == "198.51.100.7"


async def test_an_untrusted_peer_is_not_believed(world: Any) -> None:
    lines = f"Authorization: Bearer {TOKEN}\r\nX-Forwarded-For: 203.0.113.9\r\n"
    await world.raw(f"POST {OWN} HTTP/1.1\r\nHost: x\r\n{lines}Content-Length: 2\r\n\r\n{{}}".encode())

    assert world.journal.envelopes[0].peer == "127.0.0.1"


async def test_adopted_sources_replace_the_old_ones(world: Any, post: Any) -> None:
    doorbell = next(sender for sender in world.senders if sender.name == "doorbell")
    world.intake.adopt([doorbell])

    assert (await post(OWN, b"{}"))[0] == 401
    assert (await post("/v1/alerts/doorbell?token=" + DOORBELL, b"{}", headers={}))[0] == 202


async def test_when_a_token_was_used_stays_with_it(world: Any, post: Any) -> None:
    """A reload that puts a new token first must not show the old one's use as the new one's."""

    def used() -> list[float | None]:
        name = "alertd_source_token_last_used_timestamp_seconds"
        return [
            world.registry.get_sample_value(name, {"source": "prometheus", "token": token})
            for token in ("current", "other")
        ]

    prometheus = world.senders[0]
    current, other = prometheus.digests
    await post(OWN, b"{}")
    now = world.clock.at.timestamp()
    assert used() == [now, 0]
    world.intake.adopt([structs.replace(prometheus, digests=(other, current))])
    assert used() == [0, now]
    world.intake.adopt([structs.replace(prometheus, digests=(sha(b"newest"), current))])
    assert used() == [0, now]
    world.intake.adopt([structs.replace(prometheus, digests=(sha(b"newest"),))])
    assert used() == [0, 0]


async def test_a_refused_adoption_changes_nothing(world: Any, post: Any) -> None:
    twin = Sender(
        name="twin",
        kind="x",
        digests=(sha(TOKEN.encode()),),
        redact=bytes,
        redact_query=tuple,
        read=lambda body, at: None,
        read_as=lambda kind, body, at: None,
        read_posted=lambda body, at: None,
    )  # type: ignore[arg-type, return-value]
    with pytest.raises(ValueError, match="the same token"):
        world.intake.adopt([*world.senders, twin])

    assert (await post(OWN, b'{"alerts":[]}'))[0] == 202
