"""Alerta's paths: alerts, heartbeats, settings, and what was sent."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from alertd.core.alerts import Status

TOKEN = "doorbell-token-0123456789abcdefghijklmnopq"
KEY = {"Authorization": f"Key {TOKEN}"}
ALERTA = {"resource": "fs02", "event": "DiskFull", "environment": "Production", "severity": "major"}


@pytest.mark.parametrize("base", ["/alerta", "/api", "/alerta/api"])
@pytest.mark.parametrize(
    ("query", "headers"),
    [("", KEY), ("", {"X_API_Key": TOKEN}), (f"?api-key={TOKEN}", {})],
    ids=["Authorization", "X-API-Key", "query"],
)
async def test_alerta(call: Any, kept: Any, base: str, query: str, headers: dict[str, str]) -> None:
    status, answer = await call("POST", f"{base}/alert{query}", ALERTA, **headers)

    assert (status, answer["status"]) == (201, "ok")
    assert answer["id"] == answer["alert"]["id"] == str(uuid.UUID(answer["id"]))
    assert (answer["alert"]["resource"], answer["alert"]["status"]) == ("fs02", "open")
    kept()
    sent = await call("GET", f"{base}/alert/{answer['id']}", **KEY)
    assert sent == (200, {"status": "ok", "total": 1, "alert": answer["alert"]})


async def test_alerta_wants_resource_and_event(world: Any, call: Any) -> None:
    status, answer = await call("POST", "/alerta/alert", {"event": "E"}, **KEY)

    assert (status, answer["message"]) == (400, 'Missing mandatory value for "resource"')
    assert (answer["status"], answer["code"]) == ("error", 400)
    assert world.journal.envelopes[0].parked_messages == 1


async def test_alertas_heartbeat_is_ignored(call: Any, kept: Any) -> None:
    status, answer = await call("POST", "/alerta/heartbeat", {"origin": "backup/fs02"}, **KEY)

    assert (status, answer["heartbeat"]["origin"]) == (201, "backup/fs02")
    assert kept()[1].status is Status.IGNORED


async def test_alertas_settings_need_no_key(call: Any) -> None:
    status, settings = await call("GET", "/alerta/config")

    assert status == 200
    assert settings["alarm_model"]["severity"]["critical"] == 1
