"""Silences on a real process, by the simulator's books: no ticket in silence, and none lost after it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.site import Site, a_site, accounted, alert

pytestmark = pytest.mark.system


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        yield site


async def incidents(site: Site) -> dict[str, dict[str, Any]]:
    code, told = await site.ask("/api/v1/incidents")
    assert code == 200
    return {each["group"]["host"]: each for each in json.loads(told)}


async def in_state(site: Site, state: str, *hosts: str) -> dict[str, dict[str, Any]]:
    """Wait until these stand so."""
    async with asyncio.timeout(20):
        while True:
            found = await incidents(site)
            if all(host in found and found[host]["state"] == state for host in hosts):
                return found
            await asyncio.sleep(0.05)


async def test_a_silence_from_first_alert_to_late_ticket(site: Site) -> None:
    await site.start()
    code, told = await site.run(
        "silence", "add", "host=~fs0[12]", "--duration", "2h", "--comment", "patching", "--author", "anna"
    )
    assert code == 0
    silence_id = told.strip()
    await site.post(alert("fs01"), alert("fs02"), alert("fs03"))
    found = await in_state(site, "silenced", "fs01", "fs02")
    assert found["fs01"]["silenced_by"] == [silence_id]
    await site.settled()
    assert [ticket["title"].rpartition(" ")[2] for ticket in site.tickets] == ["fs03"]
    status = await site.settled()
    assert status["alerts"]["silenced"] == 2
    assert 'alertd_incidents{state="silenced"} 2.0' in (await site.ask("/metrics"))[1]

    await site.kill()  # in the middle: nothing of it lives in memory alone
    await site.start()
    await site.post(alert("fs01"), alert("fs02", firing=False))
    await in_state(site, "silenced", "fs01")
    await site.settled()
    assert len(site.tickets) == 1
    code, told = await site.run("silence", "list", "--json")
    assert [each["id"] for each in json.loads(told)] == [silence_id]
    code, told = await site.run("explain", found["fs01"]["incident"])
    assert f"by {silence_id} (anna: patching)" in told

    assert await site.run("silence", "expire", silence_id) == (0, f"{silence_id} is over.\n")
    await in_state(site, "open", "fs01")
    await site.settled()
    assert sorted(ticket["title"].rpartition(" ")[2] for ticket in site.tickets) == ["fs01", "fs03"]
    [late] = [ticket for ticket in site.tickets if ticket["title"].endswith("fs01")]
    assert "\nSince: " in late["description"]
    assert f"\nSilenced by {silence_id} (anna: patching) from " in late["description"]
    assert accounted(site.walk(), site.tickets)
    assert site.walk()["cleared_unticketed"] == 2  # fs02 fired and cleared in silence


async def test_a_silence_ends_by_itself(site: Site) -> None:
    await site.start()
    code, _ = await site.run("silence", "add", "host=fs02", "--duration", "4s")
    assert code == 0
    await site.post(alert("fs02"))
    await in_state(site, "silenced", "fs02")
    assert site.tickets == []
    await site.until(lambda: len(site.tickets) == 1)
    await site.settled()
    assert accounted(site.walk(), site.tickets)
