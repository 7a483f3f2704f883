"""A storm on a real process, killed in the middle: few tickets, nothing lost, all of it explained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.system.site import DISPOSITIONS, Site, a_site, alert

pytestmark = pytest.mark.system

HOSTS = [f"fs{number:02}" for number in range(12)]


def storm_tickets(site: Site) -> list[dict[str, Any]]:
    return [ticket for ticket in site.tickets if ticket["title"].startswith("Storm: ")]


async def folded(site: Site) -> list[dict[str, Any]]:
    code, told = await site.run("incidents", "list", "--state", "folded", "--json")
    assert code == 0
    listed: list[dict[str, Any]] = json.loads(told)
    return listed


async def test_a_storm_from_first_alert_to_last_ticket(tmp_path: Path) -> None:
    more = 'window = "10s"\ncalm = "15s"\n'
    async with a_site(tmp_path, storm_threshold="3", more=more) as site:
        await site.start()
        await site.post(*[alert(host) for host in HOSTS], alert("db1", severity="critical"))
        await site.until(lambda: len(site.tickets) == 5)
        await site.settled()
        await site.kill()
        await site.start()

        [storm] = storm_tickets(site)
        assert storm["title"] == "Storm: 13 alerts at Acme Dental Group"
        assert "Severity | Device | Problem | Since | State" in storm["description"]
        children = await folded(site)
        assert len(children) == 9
        _, told = await site.run("explain", children[0]["incident"])
        assert f"ticket {storm['ticketNumber']}" in told
        assert "is to be made" not in told
        _, told = await site.run("explain", storm["ticketNumber"])
        assert f"incident {children[0]['incident']}" in told
        closed = children[0]["incident"]
        _, told = await site.run("incidents", "close", closed)
        assert told.startswith(f"{closed} is closed; it has no ticket.\n1 of its alerts still fire")
        assert (await site.run("incidents", "close", closed))[1] == f"{closed} was closed already.\n"
        assert "closed by an operator" in (await site.run("explain", closed))[1]
        _, told = await site.ask("/api/v2/alerts")
        muted = [each["status"]["mutedBy"] for each in json.loads(told)]
        assert muted.count(["storm"]) == 8
        assert 'alertd_incidents{state="folded"} 8.0' in (await site.ask("/metrics"))[1]

        await site.until(lambda: len(site.tickets) == 6)  # calm: one is promoted, the next a minute later
        await site.settled()
        [late] = [each for each in site.tickets if "Until now part of storm" in each["description"]]
        assert storm["ticketNumber"] in late["description"]

        await site.post(*[alert(host, firing=False) for host in HOSTS])
        await site.post(alert("db1", firing=False, severity="critical"))
        await site.until(lambda: all(ticket["status"] == 5 for ticket in site.tickets))
        await site.over()
        walked = site.walk()
        assert sum(count for name, count in walked.items() if name in DISPOSITIONS) == walked["accepted"]
        assert walked["ticketed"] == 3 + 1 + 1
        assert (await site.settled())["unaccounted"] == 0
