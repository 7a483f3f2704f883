"""The admin listener over real HTTP: who may ask what, and what is answered."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import socket
from collections.abc import Mapping
from typing import Any

import pytest
import structlog
from aiohttp import web
from yarl import URL

from alertd.flows.errors import CannotListen, StoreFailed, Unavailable
from alertd.ops.admin import Route
from alertd.ops.replies import reply_text

TOKEN = "admin-token-0123456789abcdefghijklmnopqrst"
BASIC = "Basic " + base64.b64encode(f"admin:{TOKEN}".encode()).decode()
CANARY = "canary-41ce"
LAST = "HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"


async def get(client: Any, desk: Any, path: str, **headers: str) -> tuple[int, str, Mapping[str, str]]:
    async with client.get(desk.url(path), headers=headers) as got:
        return got.status, await got.text(), got.headers


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_health_and_metrics_are_open(desk: Any, client: Any, path: str) -> None:
    assert (await get(client, desk, path))[0] == 200


@pytest.mark.parametrize(
    "path", ["/api/v1/status", "/api/v1/incidents", "/api/v1/explain/x", "/api/v1/parked"]
)
@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        pytest.param(f"Bearer {TOKEN}", 200, id="bearer"),
        pytest.param(BASIC, 200, id="basic password"),
        pytest.param("", 401, id="none"),
        pytest.param("Bearer wrong", 401, id="wrong"),
        pytest.param("Basic ???", 401, id="no base64"),
        pytest.param(f"Digest {TOKEN}", 401, id="another scheme"),
    ],
)
async def test_the_rest_needs_the_token(
    desk: Any, client: Any, path: str, authorization: str, expected: int
) -> None:
    status, text, _ = await get(client, desk, path, Authorization=authorization)

    assert status == expected
    assert TOKEN not in text


async def test_metrics_need_the_token_where_so_configured(serve: Any, client: Any) -> None:
    async with serve(metrics_need_token=True) as desk:
        assert (await get(client, desk, "/metrics"))[0] == 401
        assert (await get(client, desk, "/metrics", Authorization=f"Bearer {TOKEN}"))[0] == 200


async def test_without_a_configured_token_nobody_gets_in(serve: Any, client: Any) -> None:
    async with serve(token=None) as desk:
        status, text, _ = await get(client, desk, "/api/v1/status", Authorization="Bearer ")
        assert status == 401
        assert "set token in [admin]" in text
        assert (await get(client, desk, "/healthz"))[0] == 200


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("localhost:9876", 200, id="localhost"),
        pytest.param("127.0.0.1", 200, id="an address"),
        pytest.param("[::1]:9876", 200, id="an IPv6 address"),
        pytest.param("alertd.internal", 200, id="a configured name"),
        pytest.param("ALERTD.internal:1", 200, id="names have no case"),
        pytest.param("attacker.example", 421, id="a name of somebody else"),
        pytest.param("127.0.0.1.attacker.example", 421, id="a name that looks like an address"),
    ],
)
async def test_dns_rebinding_ends_at_the_host_header(
    serve: Any, client: Any, host: str, expected: int
) -> None:
    async with serve(hosts=["alertd.internal"]) as desk:
        status, _, headers = await get(client, desk, "/healthz", Host=host, Origin="http://attacker.example")

    assert status == expected
    assert not [name for name in headers if name.startswith("Access-Control")]


async def test_answers_are_not_cached_framed_or_sniffed(desk: Any, client: Any) -> None:
    _, _, headers = await get(client, desk, "/healthz")

    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Server"] == "alertd"


async def test_health_says_what_is_wrong(desk: Any, client: Any) -> None:
    desk.operations.reason, desk.operations.stuck = "zone not resolved", "the writer does not turn"

    assert (await get(client, desk, "/readyz"))[:2] == (503, "zone not resolved\n")
    assert (await get(client, desk, "/healthz"))[:2] == (503, "the writer does not turn\n")


async def test_what_the_tenant_lacks_is_told_and_keeps_nobody_away(desk: Any, client: Any) -> None:
    desk.operations.faulty = ['board "noc": there is no queue "NOCC"', 'there is no company "X"']

    told = 'OK\nboard "noc": there is no queue "NOCC"\nthere is no company "X"\n'
    assert (await get(client, desk, "/readyz"))[:2] == (200, told)
    desk.operations.reason = "starting"
    assert (await get(client, desk, "/readyz"))[:2] == (503, "starting\n")


async def test_reload(desk: Any, client: Any) -> None:
    async with client.post(desk.url("/-/reload"), headers=desk.headers) as got:
        assert (got.status, await got.text()) == (200, "OK\n")
    desk.operations.reload_fault = "alertd.toml:3: bords: unknown key"
    async with client.post(desk.url("/-/reload"), headers=desk.headers) as got:
        assert (got.status, await got.text()) == (
            500,
            "failed to reload config: alertd.toml:3: bords: unknown key\n",
        )
    async with client.post(desk.url("/-/reload")) as got:
        assert got.status == 401
    async with client.get(desk.url("/-/reload"), headers=desk.headers) as got:
        assert (got.status, got.headers["Allow"]) == (405, "POST, PUT")
    assert desk.operations.reloads == 2


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v1/status", {"version": "0.1.0"}),
        ("/api/v1/incidents", [{"key": "i-1", "limit": 100}]),
        ("/api/v1/incidents?limit=7", [{"key": "i-1", "limit": 7}]),
        ("/api/v1/parked?limit=1000", [{"receipt": "r-1", "limit": 1000}]),
        ("/api/v1/explain/T20261123.0001", {"subject": "T20261123.0001"}),
        ("/api/v1/explain/a%2Fb%20c", {"subject": "a/b c"}),
    ],
)
async def test_the_api(desk: Any, client: Any, path: str, expected: object) -> None:
    async with client.get(URL(desk.url(path), encoded=True), headers=desk.headers) as got:
        assert (got.status, await got.json()) == (200, expected)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v1/explain/unknown", 404),
        ("/api/v1/explain/" + "a" * 400, 404),
        ("/api/v1/explain/a/b", 404),
        ("/api/v1/incidents?limit=0", 400),
        ("/api/v1/incidents?limit=1001", 400),
        ("/api/v1/parked?limit=x", 400),
        ("/nothing", 404),
    ],
)
async def test_what_is_not_there(desk: Any, client: Any, path: str, expected: int) -> None:
    assert (await get(client, desk, path, **desk.headers))[0] == expected


@pytest.mark.parametrize("fault", [StoreFailed("the disk is full", full=True), Unavailable("busy")], ids=str)
async def test_a_store_that_is_down_is_503_but_metrics_go_on(
    desk: Any, client: Any, fault: Exception
) -> None:
    desk.operations.fault = fault

    assert (await get(client, desk, "/api/v1/status", **desk.headers))[0] == 503
    status, text, _ = await get(client, desk, "/metrics")
    assert status == 200
    assert "alertd_state_readable 0.0" in text
    assert "alertd_alerts{" not in text


async def test_metrics_show_the_state_of_the_moment(desk: Any, client: Any) -> None:
    _, text, headers = await get(client, desk, "/metrics")

    assert 'alertd_alerts{state="ticketed"} 3.0' in text
    assert 'alertd_alerts{state="parked"} 0.0' in text
    assert "alertd_oldest_unsettled_seconds 1.5" in text
    assert "alertd_state_readable 1.0" in text
    assert headers["Content-Type"].startswith("text/plain")


async def test_others_can_add_routes(serve: Any, client: Any) -> None:
    async def page(request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        return reply_text(names["name"])

    async with serve(more=[Route(("GET",), "/ui/{name}", page, "open")]) as desk:
        assert (await get(client, desk, "/ui/board"))[:2] == (200, "board\n")


@pytest.mark.parametrize(
    "request_text",
    [
        f"GET /healthz HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {CANARY}\r\nX-A : {CANARY}\r\n\r\n",
        f"{CANARY}\r\n\r\n",
        f"GET /{CANARY} {LAST}Authorization: Bearer {CANARY}\r\n\r\n",
        f"GET /api/v1/status {LAST}Authorization: Bearer {TOKEN}\r\n\r\n",
    ],
)
async def test_nothing_of_a_request_is_repeated(
    desk: Any, caplog: pytest.LogCaptureFixture, request_text: str
) -> None:
    caplog.set_level(logging.DEBUG)
    desk.operations.fault = RuntimeError(CANARY)
    with structlog.testing.capture_logs() as logs:
        reader, writer = await asyncio.open_connection(*desk.address.rsplit(":", 1))
        writer.write(request_text.encode())
        answer = await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    assert answer.startswith(b"HTTP/1.")
    assert CANARY not in f"{answer!r} {logs!r} {caplog.text}"


@pytest.mark.parametrize(
    ("listen", "why"),
    [
        pytest.param("no-such-host.invalid:9876", "", id="unknown host"),
        pytest.param("127.0.0.1:{taken}", "Address already in use", id="taken"),
    ],
)
async def test_an_address_that_cannot_be_listened_on_is_named(serve: Any, listen: str, why: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = listen.format(taken=taken.getsockname()[1])
        with pytest.raises(CannotListen) as caught:
            async with serve(listen=listen):
                pass

    assert str(caught.value).startswith(f'cannot listen on [admin] listen = "{listen}": ')
    assert why in str(caught.value)
