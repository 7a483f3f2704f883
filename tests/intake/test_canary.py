"""A token, a header or a body that comes in must come out nowhere: not in answers, not in logs."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import structlog
from prometheus_client import generate_latest

CANARY = "canary-7f3a9c"
TOKEN = "prometheus-token-0123456789abcdefghijklmno"
POST = "POST /v1/alerts/prometheus HTTP/1.1\r\nHost: x\r\n"
KNOWN = f"{POST}X-Alertd-Token: {TOKEN}\r\n"
REQUESTS = [
    f"{POST}Authorization: Bearer {CANARY}\r\nX-A : {CANARY}\r\n\r\n",
    f"{POST}Authorization: Bearer {CANARY}\x00\r\n\r\n",
    f"{POST}Authorization: Bearer {CANARY}\r\nContent-Length: 0\r\n\r\n",
    f"POST /v1/alerts/prometheus?token={CANARY} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    f"POST /v1/alerts/{CANARY} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    f"POST /{CANARY} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    f"{CANARY} nonsense\r\n\r\n",
    f"POST http://{CANARY}/v1/alerts/prometheus HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    f"{KNOWN}Transfer-Encoding: chunked\r\n\r\n{CANARY}\r\n",
    f"{KNOWN}X-B: {CANARY}\r\nContent-Length: {len(CANARY)}\r\n\r\n{CANARY}",
    f"{KNOWN}Expect: {CANARY}\r\nContent-Length: 2\r\n\r\n{{}}",
]


@pytest.mark.parametrize("fault", [None, RuntimeError(CANARY)], ids=["all well", "a fault of ours"])
@pytest.mark.parametrize("request_text", REQUESTS)
async def test_nothing_of_a_request_is_repeated(
    serve: Any,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    request_text: str,
    fault: Exception | None,
) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logs:
        async with serve(access_log="all") as world:
            world.journal.fault = fault
            answer = await world.raw(request_text.encode())

    shown = f"{answer!r} {logs!r} {caplog.text} {capsys.readouterr()}"
    assert CANARY not in shown
    assert TOKEN not in shown
    assert logs


async def test_metrics_name_configured_sources_only(world: Any, post: Any) -> None:
    await post(f"/v1/alerts/{CANARY}", b"{}")

    assert CANARY not in generate_latest(world.registry).decode()


async def test_a_fault_of_ours_is_logged_with_its_place(serve: Any) -> None:
    with structlog.testing.capture_logs() as logs:
        async with serve() as world:
            world.journal.fault = RuntimeError(CANARY)
            await world.raw(REQUESTS[-2].encode())

    (line,) = [line for line in logs if line["event"] == "intake.failed"]
    assert line["error"] == "RuntimeError"
    assert any("append" in frame for frame in line["where"])
