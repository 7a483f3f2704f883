"""Amazon SNS over a real socket: whose messages are taken, and what alertd asks Amazon for."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from msgspec import structs

from alertd.core.reading.signatures import Signing, Sns
from alertd.intake.fetching import (
    MOST_BYTES,
    Fetched,
    FetchFailed,
    NoFetch,
    PublicResolver,
    WebFetch,
    is_public,
)
from alertd.intake.sns import Certificates
from tests.intake import amazon
from tests.intake.amazon import CERTIFICATE_URL, CURVE, HOST, NOW, STRANGER, SUBSCRIBE_URL, TOPIC, WEAK, Web
from tests.intake.conftest import DOORBELL_TOKEN, Serve, World, doorbell

BEARER = {"Authorization": f"Bearer {DOORBELL_TOKEN}"}
KNOWN = Sns(topics=frozenset({TOPIC}), confirm=True)
SHY = Sns(topics=frozenset({TOPIC}))
ANY = Sns(confirm=True)


class Site:
    """A source for each scheme, and the pages of Amazon's that it reaches."""

    def __init__(self, world: World, session: aiohttp.ClientSession) -> None:
        self.world = world
        self.session = session
        self.web = Web()

    async def post(
        self, fields: Any, *, to: str = "known", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Post as SNS does: as text/plain, with its own headers."""
        body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
        sent = {"Content-Type": "text/plain; charset=UTF-8", **(headers or {})}
        url = self.world.url(f"/v1/alerts/{to}")
        async with self.session.post(url, data=body, headers=sent) as answer:
            return answer.status, json.loads(await answer.read())

    async def status(self, fields: Any, **more: Any) -> int:
        return (await self.post(fields, **more))[0]


@pytest.fixture
async def site(serve: Serve, new_world: type[World], client: aiohttp.ClientSession) -> AsyncIterator[Site]:
    made = new_world()
    found = Site(made, client)
    made.fetch = found.web
    bare = doorbell(key="MessageId")
    made.senders = [
        structs.replace(bare, name=name, signing=Signing(scheme=scheme), digests=(bytes([number]) * 32,))
        for number, (name, scheme) in enumerate({"known": KNOWN, "shy": SHY}.items(), start=1)
    ]
    made.senders.append(structs.replace(bare, name="any", signing=Signing(scheme=ANY)))
    async with serve(made):
        yield found


# --- who is let in --------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1", "2"])
async def test_what_amazon_has_signed_for_a_known_topic_needs_no_token(site: Site, version: str) -> None:
    assert await site.status(amazon.envelope(version=version)) == 202
    assert await site.status(amazon.envelope(version=version, Subject=None, MessageId="2")) == 202
    assert site.web.asked == [CERTIFICATE_URL]


async def test_where_no_topics_are_named_the_token_is_needed_too(site: Site) -> None:
    other = amazon.envelope(TopicArn=TOPIC + "-other")
    assert await site.status(other, to="any") == 401
    assert site.web.asked == []
    assert await site.status(other, to="any", headers=BEARER) == 202
    assert await site.status(other, to="any?token=" + DOORBELL_TOKEN) == 202
    assert await site.status(other | {"Message": "changed"}, to="any", headers=BEARER) == 401


async def test_the_password_of_the_url_comes_after_a_401_that_asks_for_it(site: Site) -> None:
    """SNS sends nothing at first, and then what stands in https://alertd:TOKEN@host/."""
    url = site.world.url("/v1/alerts/any")
    body = json.dumps(amazon.envelope()).encode()
    async with site.session.post(url, data=body) as answer:
        assert answer.status == 401
        assert 'Basic realm="alertd"' in answer.headers["WWW-Authenticate"]
    login = base64.b64encode(f"alertd:{DOORBELL_TOKEN}".encode()).decode()
    async with site.session.post(url, data=body, headers={"Authorization": f"Basic {login}"}) as answer:
        assert answer.status == 202


GOOD = amazon.envelope()
BAD: list[Any] = [
    pytest.param(GOOD | {"Message": "changed"}, id="another message"),
    pytest.param(GOOD | {"Subject": "changed"}, id="another subject"),
    pytest.param(GOOD | {"MessageId": "changed"}, id="another id"),
    pytest.param(GOOD | {"SignatureVersion": "2"}, id="another version"),
    pytest.param(GOOD | {"Signature": ""}, id="no signature"),
    pytest.param(GOOD | {"Signature": "AAAA"}, id="a short signature"),
    pytest.param(amazon.envelope(key=STRANGER), id="a stranger's key"),
    pytest.param(amazon.envelope(TopicArn=TOPIC + "2"), id="another topic"),
    pytest.param(amazon.envelope(TopicArn=""), id="no topic"),
    pytest.param(amazon.envelope(Timestamp="2026-11-22T11:59:58.134Z"), id="sent again a day later"),
    pytest.param(amazon.envelope(Timestamp="some day"), id="no time"),
    pytest.param(GOOD | {"SigningCertURL": "https://evil.example/x.pem"}, id="a stranger's certificate"),
    pytest.param({"AlarmName": "raw"}, id="no envelope"),
    pytest.param(b"", id="nothing"),
    pytest.param(b"\xff", id="no text"),
    pytest.param(b"[" * 50_000, id="deep"),
    pytest.param(
        json.dumps(GOOD).encode().replace(b'{"Sign', b'{"Message": "another", "Sign', 1), id="a field twice"
    ),
]


@pytest.mark.parametrize("fields", BAD)
async def test_nothing_else_is_let_in(site: Site, fields: Any) -> None:
    assert await site.status(fields, headers=BEARER) == 401
    assert site.world.journal.envelopes == []
    assert set(site.web.asked) <= {CERTIFICATE_URL}


async def test_raw_delivery_is_refused(site: Site) -> None:
    headers = BEARER | {"x-amz-sns-rawdelivery": "true"}
    assert await site.status({"AlarmName": "raw"}, to="any", headers=headers) == 401


async def test_a_token_alone_opens_no_other_door(site: Site) -> None:
    url = site.world.url("/api/v2/alerts")
    async with site.session.post(url, json=[], headers=BEARER) as answer:
        assert answer.status == 401


# --- what comes twice -----------------------------------------------------------------------------------


async def test_the_signed_id_tells_a_repeat_and_no_header_does(site: Site) -> None:
    _, first = await site.post(GOOD, headers={"x-amz-sns-message-id": GOOD["MessageId"]})
    status, second = await site.post(GOOD, headers={"x-amz-sns-message-id": "another"})
    assert (status, second) == (202, first | {"duplicate": True})
    assert len(site.world.journal.envelopes) == 1


async def test_an_id_with_another_message_is_refused(site: Site) -> None:
    assert await site.status(GOOD) == 202
    assert await site.status(amazon.envelope(Message="another")) == 401


# --- certificates ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(FetchFailed("no way"), id="no way there"),
        pytest.param(Fetched(503, b""), id="Amazon is ill"),
        pytest.param(Fetched(429, b""), id="Amazon has enough"),
    ],
)
async def test_what_cannot_be_told_now_is_sent_again(site: Site, page: Any) -> None:
    well = site.web.pages[CERTIFICATE_URL]
    site.web.pages[CERTIFICATE_URL] = page
    assert await site.status(GOOD) == 503
    assert site.world.journal.envelopes == []
    assert site.world.count("known", "unauthorized") == 0
    site.web.pages[CERTIFICATE_URL] = well
    assert await site.status(GOOD) == 202


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(Fetched(404, b""), id="not there"),
        pytest.param(Fetched(302, amazon.certificate()), id="elsewhere"),
        pytest.param(Fetched(200, b"<html>"), id="no certificate"),
        pytest.param(Fetched(200, amazon.certificate(begins=NOW + timedelta(seconds=1))), id="not yet valid"),
        pytest.param(Fetched(200, amazon.certificate(begins=NOW - timedelta(days=91))), id="outdated"),
        pytest.param(Fetched(200, amazon.certificate(STRANGER)), id="of another key"),
        pytest.param(Fetched(200, amazon.certificate(WEAK)), id="of a weak key"),
        pytest.param(Fetched(200, amazon.certificate(CURVE)), id="of another kind of key"),
    ],
)
async def test_a_certificate_that_proves_nothing(site: Site, page: Fetched) -> None:
    site.web.pages[CERTIFICATE_URL] = page
    assert await site.status(GOOD) == 401


async def test_a_certificate_is_fetched_once_a_day_and_not_believed_after_its_end(site: Site) -> None:
    async def next_one(number: int) -> int:
        sent = amazon.envelope(MessageId=f"m{number}", Timestamp=site.world.clock.at.isoformat())
        return await site.status(sent)

    assert [await next_one(number) for number in range(3)] == [202] * 3
    assert len(site.web.asked) == 1
    site.world.clock.at += timedelta(days=1)
    assert await next_one(4) == 202
    assert len(site.web.asked) == 2
    site.world.clock.at += timedelta(days=90)
    assert await next_one(5) == 401


async def test_few_are_fetched_at_a_time_and_few_are_kept() -> None:
    gate, asked = asyncio.Event(), []

    class Slow:
        async def get(self, url: str) -> Fetched:
            asked.append(url)
            await gate.wait()
            return Fetched(200, amazon.certificate())

    certificates = Certificates(Slow())
    urls = [CERTIFICATE_URL.replace("0123", f"{number:04}") for number in range(30)]
    first = [asyncio.ensure_future(certificates.key(url, NOW)) for url in (*urls[:4], urls[0])]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(FetchFailed, match="too many"):
        await certificates.key(urls[5], NOW)
    gate.set()
    await asyncio.gather(*first)
    assert asked == urls[:4]  # two who want the same wait for one
    for url in urls:
        await certificates.key(url, NOW)
    assert len(certificates._kept) == Certificates.MOST


# --- the handshake --------------------------------------------------------------------------------------

OFFER = amazon.envelope("SubscriptionConfirmation", Message="You have chosen to subscribe")


async def test_a_subscription_is_confirmed_by_one_get(site: Site) -> None:
    assert await site.status(OFFER) == 202
    assert await site.status(OFFER) == 202
    assert site.web.asked == [CERTIFICATE_URL, SUBSCRIBE_URL]
    [kept] = site.world.journal.envelopes
    assert kept.params == {
        "let_in_by": "Amazon's signature",
        "subscription": f"confirmed: {amazon.ARN}",
    }
    assert site.world.intake.problems() == []


async def test_nothing_is_confirmed_unless_the_source_says_so(site: Site) -> None:
    assert await site.status(OFFER, to="shy") == 202
    assert await site.status(OFFER, to="any", headers=BEARER) == 202  # it names no topics
    assert SUBSCRIBE_URL not in site.web.asked
    for kept in site.world.journal.envelopes:
        assert kept.params["subscription"].startswith("waits to be confirmed: ")
    waiting = site.world.intake.problems()
    assert [line.partition(":")[0] for line in waiting] == ["shy", "any"]
    assert TOPIC in waiting[0]
    assert "confirm = true" in waiting[0]
    assert await site.status(amazon.envelope(MessageId="next"), to="shy") == 202
    assert len(site.world.intake.problems()) == 1  # it delivers: somebody has confirmed it


async def test_a_stranger_cannot_have_us_confirm_or_ask(site: Site) -> None:
    offers = [
        OFFER | {"SubscribeURL": "https://evil.example/"},
        amazon.envelope("SubscriptionConfirmation", key=STRANGER),
        amazon.envelope("SubscriptionConfirmation", TopicArn=TOPIC + "2"),
    ]
    for offer in offers:
        assert await site.status(offer) == 401
    assert set(site.web.asked) <= {CERTIFICATE_URL}


async def test_a_signed_address_that_is_not_amazons_is_not_asked(site: Site) -> None:
    elsewhere = amazon.envelope("SubscriptionConfirmation", SubscribeURL="https://169.254.169.254/latest")
    assert await site.status(elsewhere) == 202
    assert site.web.asked == [CERTIFICATE_URL]
    assert "not an address of Amazon" in site.world.journal.envelopes[0].params["subscription"]


@pytest.mark.parametrize(
    "page",
    [FetchFailed("no way"), Fetched(403, b""), Fetched(200, b"<html>"), Fetched(302, amazon.CONFIRMED)],
)
async def test_what_came_of_a_failed_confirmation_is_told(site: Site, page: Any) -> None:
    site.web.pages[SUBSCRIBE_URL] = page
    assert await site.status(OFFER) == 202
    [kept] = site.world.journal.envelopes
    assert kept.params["subscription"].startswith("not confirmed: ")
    assert len(site.world.intake.problems()) == 1


async def test_the_end_of_a_subscription_is_recorded_and_not_acted_on(site: Site) -> None:
    assert await site.status(amazon.envelope("UnsubscribeConfirmation", Message="removed")) == 202
    assert site.web.asked == [CERTIFICATE_URL]
    assert len(site.world.journal.envelopes) == 1


async def test_the_token_of_a_handshake_is_neither_stored_nor_logged(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    await site.post(OFFER)
    await site.post(OFFER, to="shy")
    assert amazon.TOKEN not in repr(site.world.journal.envelopes)
    assert amazon.TOKEN not in capsys.readouterr().out
    assert amazon.TOKEN not in repr(site.world.intake.problems())


# --- going out ------------------------------------------------------------------------------------------


class Loopback(AbstractResolver):
    """Finds every name on this machine, at one port."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        found: ResolveResult = {
            "hostname": host,
            "host": "127.0.0.1",
            "port": self._port,
            "family": 2,
            "proto": 0,
            "flags": 0,
        }  # type: ignore[typeddict-item, misc]
        return [found]

    async def close(self) -> None:
        pass


def tls_files(folder: Path, host: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return what a server of this name and its clients need; nobody else trusts it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(amazon.KEY.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=3650))
        .not_valid_after(NOW + timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(amazon.KEY, hashes.SHA256())
    )
    pem, key = folder / "tls.pem", folder / "tls.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        amazon.KEY.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem, key)
    return server, ssl.create_default_context(cafile=str(pem))


@asynccontextmanager
async def amazon_here(tls: ssl.SSLContext) -> AsyncIterator[tuple[int, list[str]]]:
    """Serve pages of every sort, and tell at which port and what was asked."""
    asked: list[str] = []

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        match request.path:
            case "/redirect":
                return web.Response(status=302, headers={"Location": f"https://{HOST}/good"})
            case "/huge":
                return web.Response(body=b"x" * (MOST_BYTES + 1))
            case "/slow":
                response = web.StreamResponse()
                await response.prepare(request)
                while True:
                    await response.write(b"x")
                    await asyncio.sleep(0.05)
            case _:
                return web.Response(body=b"good")

    runner = web.ServerRunner(web.Server(serve), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        yield runner.addresses[0][1], asked
    finally:
        await runner.cleanup()


async def test_going_out(tmp_path: Path) -> None:
    server, client = tls_files(tmp_path, HOST)
    async with amazon_here(server) as (port, asked):
        fetch = WebFetch(resolver=Loopback(port), tls=client, total_s=0.5)
        assert await fetch.get(f"https://{HOST}/good") == Fetched(200, b"good")
        assert (await fetch.get(f"https://{HOST}/redirect")).status == 302
        for path in ("huge", "slow"):
            with pytest.raises(FetchFailed, match=HOST):
                await fetch.get(f"https://{HOST}/{path}")
        asked.clear()
        for stranger in (
            WebFetch(resolver=Loopback(port), total_s=2),  # the system does not trust it
            WebFetch(resolver=PublicResolver(Loopback(port)), tls=client),  # it is not on the internet
        ):
            with pytest.raises(FetchFailed) as failed:
                await stranger.get(f"https://{HOST}/?Token=canary")
            assert "canary" not in str(failed.value)
        with pytest.raises(FetchFailed):  # its certificate is another's
            await fetch.get("https://sns.us-east-1.amazonaws.com/good")
        assert asked == []


async def test_processes_that_never_go_out() -> None:
    with pytest.raises(FetchFailed, match=HOST):
        await NoFetch().get(CERTIFICATE_URL)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("52.94.228.167", True),
        ("2600:1f00::1", True),
        *(
            (address, False)
            for address in (
                *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
                *("::1", "::", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "224.0.0.1", "ff02::1"),
                *("100.64.0.1", "no address"),
            )
        ),
    ],
)
def test_public_addresses(address: str, expected: bool) -> None:
    assert is_public(address) is expected


async def test_a_name_without_a_public_address_is_none() -> None:
    with pytest.raises(OSError, match="no public address"):
        await PublicResolver(Loopback(443)).resolve(HOST)
