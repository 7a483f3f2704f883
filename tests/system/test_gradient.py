"""A client of Gradient's vendor API at a real process: alerts become tickets, counts outlive a power cut."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from alertd.core.reading.events import DEFAULT_EXPIRY
from tests.system.site import KILLED, Site, a_site, accounted

pytestmark = pytest.mark.system

KEYS = "canary-secret-5f1d2c-vendor:canary-secret-5f1d2c-partner"
MORE = """
[[sources]]
name = "backups"
kind = "gradient"
token = {{ file = "{folder}/backups" }}
expire_after = "{expire_after}"

[[boards]]
name = "servers"
queue = "Backups"

[[route.routes]]
name = "server backups"
matchers = ['service_name="Server backup"']
board = "servers"
"""
ACCOUNT = {"id": "c-104", "name": "Acme Dental Group"}
SERVICE = {"name": "Server backup", "description": "", "category": "backup", "subcategory": "cloud backup"}


class Vendor:
    """Asks as the clients do."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._headers = {"GRADIENT-TOKEN": base64.b64encode(KEYS.encode()).decode()}

    async def __call__(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        url = f"http://127.0.0.1:{self._site.intake}/api/vendor-api{path}"
        async with self._site.session.request(method, url, headers=self._headers, **more) as response:
            return response.status, json.loads(await response.read())

    async def alert(self, account: str, **changes: Any) -> str:
        """Send an alert as CIPP does, a fresh id each time, and return its message id."""
        body = {
            "title": "Backup missed on SRV-02",
            "description": "No restore point",
            "priority": 3,
            "status": 1,
        }
        status, sent = await self("POST", f"/alerting/{account}", json=body | {"alertId": "x"} | changes)
        assert status == 201, sent
        return str(sent["messageId"])

    async def until_told(self, message: str) -> dict[str, Any]:
        """Poll as clients do, until it is no longer pending."""
        async with asyncio.timeout(30):
            while True:
                status, said = await self("GET", f"/alerting/debug/{message}")
                assert status == 200, said
                if said["status"] != "pending":
                    return dict(said)
                await asyncio.sleep(0.05)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        site.secret("backups", KEYS)
        site.configure(more=MORE.format(folder=tmp_path, expire_after="24h"))
        yield site


async def test_alerts_become_tickets_on_the_board_of_their_service(site: Site) -> None:
    await site.start()
    vendor = Vendor(site)
    await vendor("POST", "/organization/accounts", json=[ACCOUNT])
    _, made = await vendor("POST", "/service", json=SERVICE)
    service = made["skus"][0]["_id"]
    messages = [await vendor.alert("c-104", serviceId=service, alertId=f"guid-{n}") for n in range(3)]
    told = [await vendor.until_told(message) for message in messages]

    [ticket] = site.tickets
    queue = next(each for each in site.simulator_queues() if each["label"] == "Backups")
    assert (ticket["queueID"], ticket["companyID"]) == (queue["id"], 175)
    assert ticket["title"] == "Backup missed on SRV-02"
    assert {(each["status"], each["ticketId"]) for each in told} == {("success", str(ticket["id"]))}

    other = await vendor.until_told(await vendor.alert("c-999", title="Job failed"))
    assert other["status"] == "success"  # an account that nobody made: the fallback company's
    assert {each["companyID"] for each in site.tickets} == {175, 0}
    assert json.loads((await site.run("explain", told[0]["message"].split()[-1], "--json"))[1])
    await site.settled()
    assert accounted(site.walk(), site.tickets)


async def test_counts_and_alerts_outlive_a_power_cut(site: Site) -> None:
    await site.start(ALERTD_CRASH_AT="intake.after_answer")
    vendor = Vendor(site)
    try:
        await vendor("POST", "/organization/accounts", json=[ACCOUNT])
        _, made = await vendor("POST", "/service", json=SERVICE)
        service = made["skus"][0]["_id"]
        for units in (17, 18.5):
            count = {"accountId": "c-104", "unitCount": units}
            assert (await vendor("POST", f"/service/{service}/count", json=count))[0] == 201
        assert (await vendor("POST", f"/service/{service}/count", json={"accountId": "c-9", "unitCount": 1}))[
            0
        ] == 404
        message = await vendor.alert("c-104", serviceId=service)  # the last thing it does
    finally:
        assert await site.ended() == KILLED

    await site.start()
    told = await vendor.until_told(message)
    assert told["status"] == "success"
    [ticket] = site.tickets
    assert ticket["companyID"] == 175  # by the name that the account had when it came
    rows = json.loads((await site.ask("/api/v1/usage?source=backups"))[1])
    assert [(row["account"], row["service"], row["count"]) for row in rows] == [
        ("Acme Dental Group", "Server backup", "18.5"),
        ("", "Server backup", "1"),
    ]
    await site.kill()
    code, printed = await site.run("usage", "show")
    assert code == 0
    assert "Acme Dental Group (c-104)" in printed
    assert "canary-secret" not in site.read_output() + printed


async def test_what_is_not_sent_again_is_completed(site: Site, tmp_path: Path) -> None:
    assert DEFAULT_EXPIRY.total_seconds() == 24 * 3600
    site.configure(more=MORE.format(folder=tmp_path, expire_after="1s"), missed="ticket")
    await site.start()
    vendor = Vendor(site)
    assert (await vendor.until_told(await vendor.alert("c-104")))["status"] == "success"
    await site.until(lambda: site.tickets[0]["status"] == 5)
    assert accounted(site.walk(), site.tickets)
