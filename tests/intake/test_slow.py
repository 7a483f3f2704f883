"""Slow, idle and many: connections that must not cost anybody else anything."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from alertd.intake.connections import Lobby
from alertd.intake.metrics import IntakeMetrics
from alertd.intake.settings import ServerSettings

AUTH = b"Authorization: Bearer prometheus-token-0123456789abcdefghijklmno\r\n"
HEAD = b"POST /v1/alerts/prometheus HTTP/1.1\r\nHost: x\r\n" + AUTH
BODY = b'{"alerts":[]}'


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(HEAD + b"Content-Length: 100\r\n\r\n", id="length, no body"),
        pytest.param(HEAD + b"Content-Length: 100\r\n\r\n{", id="one byte"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{", id="chunked"),
    ],
)
async def test_a_stalled_body_is_408(serve: Any, request_bytes: bytes) -> None:
    async with serve(body_timeout="50ms") as world:
        answer = await world.raw(request_bytes)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"Connection: close" in answer
    assert world.count("prometheus", "too_slow") == 1
    assert world.journal.envelopes == []


async def test_a_trickling_body_does_not_extend_the_deadline(serve: Any) -> None:
    async with serve(body_timeout="100ms") as world:
        reader, writer = await asyncio.open_connection(world.host, world.port)
        writer.write(HEAD + b"Content-Length: 1000\r\n\r\n")

        async def trickle() -> None:
            while True:
                writer.write(b" ")
                await asyncio.sleep(0.01)

        trickling = asyncio.create_task(trickle())
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        trickling.cancel()
        writer.close()


async def test_a_body_in_pieces_is_taken(world: Any) -> None:
    reader, writer = await asyncio.open_connection(world.host, world.port)
    writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY))
    for at in range(len(BODY)):
        await writer.drain()
        writer.write(BODY[at : at + 1])

    assert (await reader.readline()).startswith(b"HTTP/1.1 202 ")
    assert world.journal.envelopes[0].body == BODY
    writer.close()


async def test_a_body_that_ends_too_early_is_not_kept(world: Any) -> None:
    await world.raw(HEAD + b"Content-Length: 100\r\n\r\n{", ends=True)

    assert world.journal.envelopes == []


async def test_beyond_the_cap_is_503(serve: Any) -> None:
    async with serve(max_connections=2) as world:
        held = [await asyncio.open_connection(world.host, world.port) for _ in range(2)]
        answer = await world.raw(b"")
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 5" in answer
        held[0][1].close()
        await held[0][1].wait_closed()
        held[1][1].write(HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY))
        assert (await held[1][0].readline()).startswith(b"HTTP/1.1 202 ")
        held[1][1].close()


async def test_connections_have_the_limits_that_were_measured(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    real = web.RequestHandler.__init__

    def spy(self: web.RequestHandler, server: Any, **limits: Any) -> None:
        given.update(limits)
        real(self, server, **limits)

    monkeypatch.setattr(web.RequestHandler, "__init__", spy)
    server = world.intake.server(ServerSettings())
    server()

    del given["loop"]
    assert given == {
        "keepalive_timeout": 15.0,
        "lingering_time": 1.0,
        "auto_decompress": False,
        "max_line_size": 4096,
        "max_field_size": 8190,
        "max_headers": 64,
        "access_log": None,
    }
    assert not server.handler_cancellation


class TestLobby:
    def lobby(self, **settings: Any) -> Lobby:
        limits = {"max_connections": 100, "max_unproven_connections": 2, **settings}
        return Lobby(ServerSettings.model_validate(limits), IntakeMetrics(CollectorRegistry()))

    def test_strangers_share_few_places(self) -> None:
        lobby = self.lobby()

        assert [lobby.enter("192.0.2.1") for _ in range(3)] == [True, True, False]
        assert lobby.enter("192.0.2.2")

    def test_who_has_authenticated_no_longer_counts(self) -> None:
        lobby = self.lobby()
        for _ in range(10):
            assert lobby.enter("192.0.2.1")
            lobby.prove("192.0.2.1")

    def test_who_leaves_makes_room(self) -> None:
        lobby = self.lobby(max_connections=1)
        for _ in range(10):
            assert lobby.enter("192.0.2.1")
            assert not lobby.enter("192.0.2.1")
            lobby.leave("192.0.2.1", proven=False)
            lobby.leave("192.0.2.1", proven=False)

    @pytest.mark.parametrize("address", ["127.0.0.1", "::1", "", "10.0.0.7", "fe80::1%eth0"])
    def test_proxies_and_loopback_stand_for_many(self, address: str) -> None:
        lobby = self.lobby(trusted_proxies=["10.0.0.0/8", "unix"])

        entered = [lobby.enter(address) for _ in range(5)]
        assert all(entered) == (not address.startswith("fe80"))
