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


async def test_what_is_open_can_be_asked_for(world: Any, call: Any) -> None:
    _, sent = await call("POST", "/alerta/alert", ALERTA, **KEY)
    await call("POST", "/alerta/alert", {**ALERTA, "event": "Fan", "severity": "warning"}, **KEY)
    await call("POST", "/alerta/alert", {**ALERTA, "event": "Fan", "severity": "ok"}, **KEY)
    world.standing.decide(world.handover.accepted)

    status, every = await call("GET", "/alerta/alerts?page=1&page-size=1000", **KEY)
    _, by_id = await call("GET", f"/alerta/alerts?id={sent['id'][:8]}", **KEY)
    _, none = await call("GET", "/alerta/alerts?environment=Test", **KEY)
    _, count = await call("GET", "/alerta/alerts/count?resource=fs02", **KEY)
    refused, why = await call("GET", "/alerta/alerts?q=severity:major", **KEY)

    assert (status, every["total"], every["pages"], every["more"]) == (200, 1, 1, False)
    assert [(each["id"], each["event"], each["severity"]) for each in every["alerts"]] == [
        (sent["id"], "DiskFull", "major")
    ]
    assert by_id["alerts"] == every["alerts"]
    assert none["alerts"] == []
    assert (count["severityCounts"], count["statusCounts"]) == ({"major": 1}, {"open": 1})
    assert (refused, why["status"]) == (400, "error")


async def test_an_id_of_somebody_else_is_not_found(world: Any, call: Any, bearer: Any) -> None:
    _, sent = await call("POST", "/alerta/alert", ALERTA, **KEY)

    assert (await call("GET", f"/alerta/alert/{sent['id']}", **bearer))[0] == 404
    assert (await call("GET", f"/alerta/alert/{uuid.uuid4()}", **KEY))[0] == 404
    assert (await call("GET", "/alerta/alert/none", **KEY))[0] == 404
    assert (await call("GET", f"/alerta/alert/{sent['id']}", **KEY))[1]["alert"]["status"] == "open"
