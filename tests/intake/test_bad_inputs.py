"""The table of bad inputs: what broken HTTP, and what odd bodies, are answered."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest

TOKEN = b"prometheus-token-0123456789abcdefghijklmno"
AUTH = b"Authorization: Bearer " + TOKEN + b"\r\n"
ALERTS = b'{"alerts":[{"status":"firing","labels":{"alertname":"DiskFull"}}]}'


def post(
    *lines: bytes, target: bytes = b"/v1/alerts/prometheus", body: bytes = b"", host: bytes = b"x"
) -> bytes:
    head = [b"POST " + target + b" HTTP/1.1", b"Host: " + host, AUTH.rstrip(), *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def with_length(body: bytes, *lines: bytes) -> bytes:
    return post(b"Content-Length: %d" % len(body), *lines, body=body)


def status(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer
    return int(answer[9:12])


FRAMING = [
    pytest.param(
        b"POST /v1/alerts/prometheus HTTP/1.1\r\n" + AUTH + b"Content-Length: 0\r\n\r\n", 400, id="no host"
    ),
    pytest.param(post(b"Host: y", b"Content-Length: 0"), 400, id="two hosts"),
    pytest.param(post(b"X-A: b\r\n folded", b"Content-Length: 0"), 400, id="folded header"),
    pytest.param(post(b"X-A : b", b"Content-Length: 0"), 400, id="space before the colon"),
    pytest.param(post(b"X-A: b\x00c", b"Content-Length: 0"), 400, id="NUL in a header"),
    pytest.param(post(b"X-A: b\rc", b"Content-Length: 0"), 400, id="bare CR in a header"),
    pytest.param(
        b"POST /v1/alerts/prometheus HTTP/1.1\nHost: x\n"
        + AUTH.replace(b"\r", b"")
        + b"Content-Length: 0\n\n",
        400,
        id="bare LF lines",
    ),
    pytest.param(post(b"Content-Length: 2", b"Content-Length: 3", body=b"{}"), 400, id="two lengths"),
    pytest.param(post(b"Content-Length: -2", body=b"{}"), 400, id="negative length"),
    pytest.param(post(b"Content-Length: +2", body=b"{}"), 400, id="length with a plus"),
    pytest.param(post(b"Content-Length: 0x2", body=b"{}"), 400, id="hexadecimal length"),
    pytest.param(post(b"Content-Length: 99999999999999999999999", body=b"{}"), 400, id="huge length"),
    pytest.param(
        post(b"Content-Length: 2", b"Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n"),
        400,
        id="length and chunks",
    ),
    pytest.param(post(b"Transfer-Encoding: gzip", body=b"{}"), 400, id="transfer encoding gzip"),
    pytest.param(
        post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), 400, id="unknown transfer encoding"
    ),
    pytest.param(post(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"), 400, id="chunked twice"),
    pytest.param(
        post(b"Transfer-Encoding: chunked", body=b"zz\r\n{}\r\n0\r\n\r\n"), 400, id="bad chunk size"
    ),
    pytest.param(post(target=b"/" + b"a" * 9000), 400, id="9 KB request line"),
    pytest.param(post(b"X-A: " + b"a" * 9000, b"Content-Length: 0"), 400, id="9 KB header"),
    pytest.param(post(*(b"X-%d: a" % n for n in range(200)), b"Content-Length: 0"), 400, id="200 headers"),
    pytest.param(post(b"Expect: 200-maybe", b"Content-Length: 2", body=b"{}"), 417, id="other expectation"),
    pytest.param(b"BREW /v1/alerts/prometheus HTTP/1.1\r\nHost: x\r\n\r\n", 400, id="unknown method"),
    pytest.param(b"GET /v1/alerts/prometheus HTTP/1.1\r\nHost: x\r\n\r\n", 405, id="GET"),
    pytest.param(b"PUT /v1/alerts/prometheus HTTP/1.1\r\nHost: x\r\n\r\n", 405, id="PUT"),
    pytest.param(
        post(b"Content-Length: 2", body=b"{}").replace(b"HTTP/1.1", b"HTTP/2.0"),
        505,
        id="HTTP/2.0 in the line",
    ),
    pytest.param(b"GET /v1/alerts/prometheus\r\n\r\n", 505, id="HTTP/0.9"),
    pytest.param(b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n", 404, id="CONNECT"),
    pytest.param(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404, id="OPTIONS *"),
    pytest.param(
        post(b"Content-Length: 2", target=b"http://evil.example/v1/alerts/prometheus", body=b"{}"),
        421,
        id="absolute target of another host",
    ),
    *(
        pytest.param(
            post(b"Content-Length: 2", target=target, body=b"{}"), 404, id=f"path {target.decode()[:40]}"
        )
        for target in (
            b"/v1/alerts/../alerts/prometheus",
            b"/v1/alerts/%2e%2e/prometheus",
            b"/v1/alerts/prometheus%00",
            b"/v1/alerts/%252e",
            b"/v1/alerts/",
            b"/v1/alerts/a/b",
            b"/v1/alerts/" + b"a" * 64,
            b"//v1/alerts/prometheus",
            b"/",
        )
    ),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 \xff\x00\r\n\r\n", 400, id="TLS hello"),
    pytest.param(post(b"Content-Length: 300000", body=b""), 413, id="over the limit by its length"),
    pytest.param(post(b"Content-Length: 10737418240"), 413, id="10 GB declared and nothing sent"),
    pytest.param(
        post(b"Transfer-Encoding: chunked", body=b"%x\r\n" % 300_000 + b"a" * 300_000 + b"\r\n0\r\n\r\n"),
        413,
        id="over the limit in chunks",
    ),
    pytest.param(post(), 411, id="no length"),
    pytest.param(
        b"POST /v1/alerts/prometheus HTTP/1.0\r\n" + AUTH + b"\r\n", 411, id="HTTP/1.0 without length"
    ),
    pytest.param(with_length(gzip.compress(ALERTS), b"Content-Encoding: gzip"), 415, id="gzip"),
    pytest.param(with_length(b"nonsense", b"Content-Encoding: gzip"), 415, id="broken gzip"),
    pytest.param(
        with_length(gzip.compress(bytes(50_000_000)), b"Content-Encoding: gzip"), 415, id="gzip bomb"
    ),
    pytest.param(
        with_length(gzip.compress(b"") * 12_000, b"Content-Encoding: gzip"), 415, id="12,000 gzip members"
    ),
    pytest.param(with_length(ALERTS, b"Content-Encoding: zzz"), 415, id="unknown encoding"),
    pytest.param(with_length(ALERTS, b"Content-Encoding: gzip, gzip"), 415, id="encoded twice"),
]


@pytest.mark.parametrize(("request_bytes", "expected"), FRAMING)
async def test_broken_http_is_refused_and_nothing_kept(
    world: Any, request_bytes: bytes, expected: int
) -> None:
    answer = await world.raw(request_bytes)

    assert status(answer) == expected
    assert world.journal.envelopes == []
    assert b"Server:" not in answer
    assert TOKEN not in answer


@pytest.mark.parametrize(
    "request_bytes", [p.values[0] for p in FRAMING if p.values[1] in {400, 408, 411, 413, 415}][:-1]
)
async def test_a_refusal_ends_the_connection(world: Any, request_bytes: bytes) -> None:
    assert b"Connection: close\r\n" in await world.raw(request_bytes)


TAKEN = [
    pytest.param(with_length(ALERTS), id="as it should be"),
    pytest.param(with_length(ALERTS, b"Content-Encoding: identity"), id="identity encoding"),
    pytest.param(with_length(ALERTS, b"Content-Type: text/plain"), id="JSON as text/plain"),
    pytest.param(with_length(ALERTS, b"Content-Type: nonsense//"), id="content type that is none"),
    pytest.param(
        post(b"Transfer-Encoding: chunked", body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(ALERTS), ALERTS)),
        id="in chunks",
    ),
    pytest.param(
        with_length(
            ALERTS, b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"
        ),
        id="h2c upgrade is ignored",
    ),
    pytest.param(
        with_length(ALERTS).replace(b"POST /v1", b"POST http://alerts.example.com/v1"),
        id="absolute target, ours",
    ),
    pytest.param(
        b"POST /v1/alerts/prometheus HTTP/1.0\r\n"
        + AUTH
        + b"Content-Length: %d\r\n\r\n%b" % (len(ALERTS), ALERTS),
        id="HTTP/1.0",
    ),
]


@pytest.mark.parametrize("request_bytes", TAKEN)
async def test_whole_requests_are_taken(serve: Any, request_bytes: bytes) -> None:
    async with serve(public_url="https://alerts.example.com") as world:
        answer = await world.raw(request_bytes)

    assert status(answer) == 202
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["accepted"] == 1
    assert [envelope.body for envelope in world.journal.envelopes] == [ALERTS]


UNSTORABLE = [
    pytest.param(
        with_length(ALERTS, b"Content-Type: text/\xff\xe9"), id="bytes that are no text in Content-Type"
    ),
    pytest.param(
        with_length(ALERTS, b"X-Forwarded-For: fe80::1%\xff"), id="bytes that are no text in X-Forwarded-For"
    ),
    pytest.param(
        post(
            b"Content-Length: %d" % len(ALERTS),
            target=b"/v1/alerts/prometheus?a%ff=b%ff%00&client=%ff",
            body=ALERTS,
        ),
        id="bytes that are no text in the query",
    ),
]


@pytest.mark.parametrize("request_bytes", UNSTORABLE)
async def test_all_of_an_envelope_can_be_stored(serve: Any, request_bytes: bytes) -> None:
    async with serve(trusted_proxies=["127.0.0.0/8"]) as world:
        answer = await world.raw(request_bytes)

    assert status(answer) == 202
    (envelope,) = world.journal.envelopes
    for text in (envelope.content_type, envelope.peer, *envelope.params, *envelope.params.values()):
        assert "\0" not in text.encode().decode()


async def test_a_content_type_that_is_no_text_is_kept_with_marks_for_what_is_lost(world: Any) -> None:
    await world.raw(with_length(ALERTS, b"Content-Type: text/\xff"))

    assert world.journal.envelopes[0].content_type == "text/\ufffd"


async def test_100_continue_comes_after_the_checks(world: Any) -> None:
    expecting = post(b"Expect: 100-continue", b"Content-Length: %d" % len(ALERTS), body=ALERTS)
    too_large = post(b"Expect: 100-continue", b"Content-Length: 300000")

    assert (await world.raw(expecting)).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert status(await world.raw(too_large)) == 413


PARKED = [
    pytest.param(b"", id="empty"),
    pytest.param(b"hello", id="not JSON"),
    pytest.param(b'{"alerts":[{"lab', id="truncated"),
    pytest.param(b"\xff\xfe{\x00}\x00", id="UTF-16"),
    pytest.param(b'{"alerts":' + b"[" * 100_000, id="100,000 brackets"),
    pytest.param(b"[" * 25_000 + b"]" * 25_000, id="50,000 balanced brackets"),
    pytest.param(b'{"alerts": ' + b"9" * 5000 + b"}", id="5,000 digits"),
    pytest.param(b"[]", id="a list"),
    pytest.param(b'"text"', id="a text"),
    pytest.param(b"null", id="null"),
    pytest.param(b'{"something": "else"}', id="JSON of another shape"),
    pytest.param(b"{" + b",".join(b'"k%d":1' % n for n in range(10_000)) + b"}", id="10,000 keys"),
]


@pytest.mark.parametrize("body", PARKED)
async def test_a_body_nobody_can_read_is_kept_and_parked(world: Any, post: Any, body: bytes) -> None:
    code, answer, _ = await post("/v1/alerts/prometheus", body)

    assert code == 202
    assert json.loads(answer)["parked"] == 1
    (envelope,) = world.journal.envelopes
    assert (envelope.body, envelope.parked_messages, envelope.messages) == (body, 1, 1)
    assert envelope.parked
    assert world.count("prometheus", "parked") == 1


ODD = [
    pytest.param(b"\xef\xbb\xbf" + ALERTS, id="BOM"),
    pytest.param(ALERTS.replace(b"DiskFull", b"Disk\\u0000Full"), id="NUL in a text"),
    pytest.param(ALERTS.replace(b"DiskFull", b"Disk\\ud800Full"), id="lone surrogate"),
    pytest.param(ALERTS.replace(b'"firing"', b'"firing","n":9223372036854775808'), id="2^63"),
]


@pytest.mark.parametrize("body", ODD)
async def test_odd_but_readable_bodies_are_taken(world: Any, post: Any, body: bytes) -> None:
    code, answer, _ = await post("/v1/alerts/prometheus", body)

    assert code == 202
    assert json.loads(answer)["accepted"] + json.loads(answer)["parked"] == 1
    assert len(world.journal.envelopes) == 1


async def test_1000_pipelined_requests_are_served(world: Any) -> None:
    one = with_length(ALERTS)
    last = with_length(ALERTS, b"Connection: close")

    reader, writer = await asyncio.open_connection(world.host, world.port, limit=2**20)
    writer.write(one * 999 + last)
    answers = await reader.read()
    writer.close()

    assert answers.count(b"HTTP/1.1 202 Accepted") == 1000
    assert len(world.journal.envelopes) == 1000
