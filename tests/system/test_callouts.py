"""A person changes a ticket, Autotask calls out, and alertd knows at once though its sync is an hour away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from alertd.core.callouts import sign
from alertd.core.secret import Secret
from alertd.simulator import API_RESOURCE_ID
from alertd.simulator.truth import state as truth
from tests.system.site import CANARY, Site, a_site, alert

pytestmark = pytest.mark.system
KEY = f"{CANARY}-callouts-0123456789"
CALLOUTS = """
[autotask.callouts]
secret = {{ file = "{folder}/callouts" }}
url = "http://127.0.0.1:{intake}/v1/autotask/callout"
"""


def configure(site: Site, **options: str) -> None:
    site.secret("callouts", KEY)
    more = CALLOUTS.format(folder=site.folder, intake=site.intake)
    site.configure(more=more, note_interval="0s", **({"sync_every": "1h"} | options))


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Site]:
    """A site whose alertd has not been started."""
    async with a_site(tmp_path) as site:
        site.tenant({"switches": {"callouts_to_loopback_http": True}})
        configure(site)
        yield site


async def with_a_ticket(site: Site) -> Site:
    await site.start()
    await site.post(alert())
    await site.until(lambda: bool(site.tickets) and site.tickets[0]["tags"] == ["alertd"])
    await site.settled()
    return site


@pytest.fixture
async def site(bare: Site) -> Site:
    """A site with one ticket, and its webhook in place."""
    site = await with_a_ticket(bare)
    await told(site, "callouts", "on")
    return site


def books(site: Site, key: str) -> list[Any]:
    rows: list[Any] = truth(site.simulator, site.simulator.clock())[key]
    return rows


async def status(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await site.ask("/api/v1/status"))[1])
    return found


async def told(site: Site, key: str, wanted: str, *, within_s: float = 20.0) -> dict[str, Any]:
    async with asyncio.timeout(within_s):
        while (found := await status(site)).get(key) != wanted:
            await asyncio.sleep(0.05)
    return found


async def state(site: Site) -> str:
    [incident] = json.loads((await site.ask("/api/v1/incidents"))[1])
    found: str = incident["state"]
    return found


async def becomes(site: Site, wanted: str, *, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while await state(site) != wanted:
            await asyncio.sleep(0.02)


async def counted(site: Site, outcome: str) -> float:
    _, text = await site.ask("/metrics")
    wanted = f'alertd_callouts_total{{outcome="{outcome}"}} '
    [line] = [line for line in text.splitlines() if line.startswith(wanted)]
    return float(line.removeprefix(wanted))


async def test_a_completed_ticket_is_known_in_a_moment(site: Site) -> None:
    [webhook] = books(site, "ticketWebhooks")
    assert (webhook["isActive"], webhook["isReady"]) == (True, True)
    reads = site.calls["actions"]["Tickets"].get("read", 0)
    await a_stranger_is_refused(site)
    assert site.calls["actions"]["Tickets"].get("read", 0) == reads

    site.act(act="complete", ticket=site.tickets[0]["id"])
    await becomes(site, "acknowledged", within_s=5.0)
    assert await counted(site, "accepted") >= 1
    assert await counted(site, "unauthorized") == 1
    await site.stop()
    kept = [path for path in site.folder.iterdir() if path.is_file() and path.name != "callouts"]
    assert [path.name for path in kept if KEY.encode() in path.read_bytes()] == []


async def a_stranger_is_refused(site: Site) -> None:
    body = json.dumps({"Action": "Update", "EntityType": "Ticket", "Id": site.tickets[0]["id"]}).encode()
    headers = {"X-Hook-Signature": sign(body, Secret("a-strangers-key-0123"))}
    url = f"http://127.0.0.1:{site.intake}/v1/autotask/callout"
    async with site.session.post(url, data=body, headers=headers) as response:
        assert response.status == 401


@pytest.mark.slow
async def test_the_signature_over_the_bytes_as_they_are_sent_is_ours_too(site: Site) -> None:
    site.tenant({"switches": {"callout_signature": "raw"}})
    site.act(act="edit", ticket=site.tickets[0]["id"], fields={"title": 'Tom & Jerry\'s <disk> + ü 漢 "🙂"'})
    site.act(act="complete", ticket=site.tickets[0]["id"])
    await becomes(site, "acknowledged", within_s=5.0)


async def test_our_own_writes_do_not_call_us(site: Site) -> None:
    before = len(books(site, "callouts"))
    await site.post(alert(firing=False))
    await site.until(lambda: site.tickets[0]["status"] == 5)
    await site.settled()
    assert len(books(site, "callouts")) == before
    assert books(site, "ticketWebhookExcludedResources")[0]["resourceID"] == API_RESOURCE_ID


@pytest.mark.slow
async def test_doubled_and_forged_ones_do_no_harm(site: Site) -> None:
    site.fault(kind="callout_doubled")
    site.fault(kind="callout_forged", count=1)
    site.act(act="reprioritise", ticket=site.tickets[0]["id"], priority="Low")
    async with asyncio.timeout(20.0):
        while await counted(site, "unauthorized") < 1:
            await asyncio.sleep(0.05)
    site.act(act="complete", ticket=site.tickets[0]["id"])
    await becomes(site, "acknowledged", within_s=10.0)
    assert len(site.tickets) == 1


@pytest.mark.slow
async def test_after_a_restart_it_is_still_one_webhook(site: Site) -> None:
    await site.stop()
    await site.start()
    await told(site, "callouts", "on")
    assert len(books(site, "ticketWebhooks")) == 1
    site.act(act="complete", ticket=site.tickets[0]["id"])
    await becomes(site, "acknowledged", within_s=5.0)


@pytest.mark.slow
async def test_without_the_right_it_is_told_and_the_sync_goes_on(bare: Site) -> None:
    configure(bare, sync_every="1s")
    bare.fault(kind="rights", remove=["webhooks"])
    site = await with_a_ticket(bare)
    found = await told(site, "callouts", "trouble")
    [line] = found["configuration_problems"]
    assert line.startswith("call-outs: Autotask refuses the webhook")
    assert "Can create Webhooks" in line
    code, ready = await site.ask("/readyz")
    assert (code, line in ready) == (200, True)
    site.act(act="complete", ticket=site.tickets[0]["id"])
    await becomes(site, "acknowledged", within_s=10.0)
