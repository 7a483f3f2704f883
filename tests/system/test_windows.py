"""Windows, calendars and time intervals on a real process, by the simulator's books."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alertd.app.clock import SystemClock
from tests.system.site import Site, a_site, accounted, alert

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

SINGLE_S = 15  # the single window is over so long after its configuration was made
CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//EN
BEGIN:VEVENT
UID:1
SUMMARY:new firmware
DTSTART:{start:%Y%m%dT%H%M%SZ}
DTEND:{end:%Y%m%dT%H%M%SZ}
END:VEVENT
END:VCALENDAR
"""
MORE = """
[[route.routes]]
name = "muted"
matchers = ['host="fs05"']
mute_time_intervals = ["always"]

[[time_intervals]]
name = "always"
time_intervals = [{{ weekdays = ["sunday:saturday"] }}]

[[windows]]
name = "each minute"
matchers = ['host="fs01"']
cron = "* * * * *"
duration = "1h"
comment = "patches"
timezone = "America/Toronto"

[[windows]]
name = "single"
matchers = ['host="fs02"']
starts = {start:%Y-%m-%dT%H:%M:%SZ}
ends = {end:%Y-%m-%dT%H:%M:%SZ}

[[windows]]
name = "calendar"
matchers = ['host="fs03"']
ical = "{folder}/changes.ics"

[[windows]]
name = "lost"
matchers = ['host="fs04"']
ical = "{folder}/lost.ics"
"""


async def until(ask: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    """Ask until the answer is as it should be."""
    async with asyncio.timeout(30):
        while not holds(found := await ask()):
            await asyncio.sleep(0.1)
        return found


class Asking:
    """Questions to one site."""

    def __init__(self, site: Site) -> None:
        self.site = site

    async def json(self, path: str) -> Any:
        code, told = await self.site.ask(path)
        assert code == 200, told
        return json.loads(told)

    async def states(self) -> dict[str, str]:
        return {each["group"]["host"]: each["state"] for each in await self.json("/api/v1/incidents")}

    async def muted_by(self) -> dict[str, list[str]]:
        found = await self.json("/api/v2/alerts")
        return {each["labels"]["host"]: each["status"]["mutedBy"] for each in found}


def hosts(site: Site) -> list[str]:
    return sorted(ticket["title"].rpartition(" ")[2] for ticket in site.tickets)


async def reload(site: Site) -> None:
    code, told = await site.ask("/-/reload", method="POST")
    assert code == 200, told


async def test_windows_hold_and_let_go(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        await site.start()
        asking = Asking(site)
        now, hour = SystemClock().now(), timedelta(hours=1)
        (tmp_path / "changes.ics").write_text(CALENDAR.format(start=now - hour, end=now + hour))
        site.configure(
            more=MORE.format(folder=tmp_path, start=now - hour, end=now + timedelta(seconds=SINGLE_S))
        )
        await reload(site)
        held = ["fs01", "fs02", "fs03", "fs05"]
        await site.post(*(alert(host) for host in (*held, "fs04")))
        await until(asking.states, lambda found: all(found.get(host) == "held" for host in held))
        assert await asking.muted_by() == {
            "fs01": ["each minute"],
            "fs02": ["single"],
            "fs03": ["calendar"],
            "fs04": [],
            "fs05": ["always"],
        }
        assert "held until " in (await site.run("incidents", "list"))[1]
        status = await asking.json("/api/v1/status")
        assert [each for each in status["configuration_problems"] if "'lost'" in each]
        assert status["alerts"]["held"] == 4
        await until(asking.states, lambda found: found["fs02"] == "open")
        await _commands(site)
        await site.settled()
        assert hosts(site) == ["fs02", "fs04"]
        [late] = [each for each in site.tickets if each["title"].endswith("fs02")]
        assert "\nDuring window single from " in late["description"]

        await site.kill()  # what a calendar said is known again, without the calendar
        (tmp_path / "changes.ics").write_text("gone wrong")
        await site.start()
        assert (await asking.states())["fs03"] == "held"
        status = await until(
            lambda: asking.json("/api/v1/status"),
            lambda told: any("last good copy counts" in each for each in told["configuration_problems"]),
        )
        assert "alertd_configuration_problems 2.0" in (await site.ask("/metrics"))[1]

        text = (tmp_path / "alertd.toml").read_text()
        (tmp_path / "alertd.toml").write_text(text.replace("fs01", "fs09").replace('"sunday:saturday"', ""))
        await reload(site)
        await until(asking.states, lambda found: found["fs01"] == "open")
        await site.post(alert("fs03", firing=False))
        await until(asking.states, lambda found: "fs03" not in found)
        await site.settled()
        assert hosts(site) == ["fs01", "fs02", "fs04"]
        assert site.walk()["cleared_unticketed"] == 2
        assert accounted(site.walk(), site.tickets)


async def _commands(site: Site) -> None:
    code, told = await site.run("window", "list", "--json")
    assert code == 0
    rows = {each["name"]: each for each in json.loads(told)}
    assert [rows[name]["state"] for name in ("each minute", "single", "calendar", "lost")] == [
        *("active", "idle", "active", "idle")
    ]
    assert [len(rows[name]["holds"]) for name in ("each minute", "calendar", "lost")] == [1, 1, 0]
    code, told = await site.run("window", "next", "calendar")
    assert code == 0
    assert "active" in told
    code, told = await site.run("window", "next", "each minute", "--count", "2", "--json")
    assert [each["state"] for each in json.loads(told)] == ["active", "to come"]
    assert all(each["local_starts_at"].endswith(("-05:00", "-04:00")) for each in json.loads(told))
    assert (await site.run("window", "next", "nobody"))[0] != 0
    code, told = await site.run("window", "list")
    assert "each minute" in told
    code, told = await site.run("explain", rows["each minute"]["holds"][0])
    assert "held back by each minute" in told
    assert "by each minute (patches)" in told
    code, told = await site.run("config", "check")
    assert "begins again before it is over" in told
    code, told = await site.run("routes", "test", "host=fs05")
    assert "no new tickets in always" in told
