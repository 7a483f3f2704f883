"""A person changes a ticket, Autotask calls out, and alertd knows at once though its sync is an hour away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alertd.core.callouts import sign
from alertd.core.secret import Secret
from tests.system.site import CANARY, Site, a_site, alert

pytestmark = pytest.mark.system
KEY = f"{CANARY}-callouts-0123456789"
CALLOUTS = """
[autotask.callouts]
secret = {{ file = "{folder}/callouts" }}
url = "http://127.0.0.1:{intake}/v1/autotask/callout"
"""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        site.secret("callouts", KEY)
        more = CALLOUTS.format(folder=tmp_path, intake=site.intake)
        site.configure(more=more, sync_every="1h", note_interval="0s")
        await site.start()
        await site.post(alert())
        await site.until(lambda: bool(site.tickets) and site.tickets[0]["tags"] == ["alertd"])
        await site.settled()
        yield site


async def call_out(site: Site, ticket_id: int, *, key: str = KEY, number: int = 1) -> int:
    body = json.dumps(
        {
            "Action": "Update",
            "Guid": "0f0e",
            "EntityType": "Ticket",
            "Id": ticket_id,
            "Fields": {"Status": "Tom & Jerry <ü>"},
            "EventTime": "2026-03-05T09:12:44Z",
            "SequenceNumber": number,
            "PersonID": 4,
        },
        ensure_ascii=False,
    ).encode()
    url = f"http://127.0.0.1:{site.intake}/v1/autotask/callout"
    headers = {"X-Hook-Signature": sign(body, Secret(key))}
    async with site.session.post(url, data=body, headers=headers) as response:
        return response.status


async def state(site: Site) -> str:
    [incident] = json.loads((await site.ask("/api/v1/incidents"))[1])
    found: str = incident["state"]
    return found


async def becomes(site: Site, wanted: str, *, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while await state(site) != wanted:
            await asyncio.sleep(0.02)


async def test_a_completed_ticket_is_known_by_a_signed_callout(site: Site) -> None:
    site.act(act="complete", ticket=site.tickets[0]["id"])
    assert await call_out(site, site.tickets[0]["id"]) == 200
    await becomes(site, "acknowledged", within_s=5.0)


async def test_a_forged_callout_has_nothing_read(site: Site) -> None:
    site.act(act="complete", ticket=site.tickets[0]["id"])
    reads = site.calls["actions"]["Tickets"].get("read", 0)
    assert await call_out(site, site.tickets[0]["id"], key="a-strangers-key-0123") == 401
    assert site.calls["actions"]["Tickets"].get("read", 0) == reads
    assert await state(site) == "open"
