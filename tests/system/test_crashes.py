"""Killed at each named point of our flow, for each operation, and restarted: nothing lost or doubled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from alertd.flows.crashes import DECIDE_POINTS, INTAKE_POINTS, SETTLE_POINTS
from tests.system.site import KILLED, Gone, Site, a_site, accounted, alert

pytestmark = pytest.mark.system

OPERATIONS = ("create", "note", "tag", "complete")
POINTS = [
    *INTAKE_POINTS,
    *DECIDE_POINTS,
    *(f"{point}@{operation}" for point in SETTLE_POINTS for operation in OPERATIONS),
]
QUICK = {
    "intake.after_commit",
    "decide.before_commit",
    "settle.after_intent@create",
    "settle.request_sent@create",
}


class Road:
    """Drives one incident from its first alert to completion, over as many restarts as it takes."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.crashes = 0

    async def restart(self, ended: int) -> None:
        assert ended == KILLED, self.site.read_output()[-3000:]
        self.crashes += 1
        await self.site.start()

    async def deliver(self, *alerts: dict[str, Any]) -> None:
        """Send as Alertmanager does: what was not answered is sent again."""
        while True:
            try:
                await self.site.post(*alerts)
                return
            except aiohttp.ClientError:
                await self.restart(await self.site.ended())

    async def until(self, holds: Any) -> None:
        while True:
            try:
                await self.site.until(holds)
                return
            except Gone as gone:
                await self.restart(gone.code)

    async def run(self) -> None:
        site = self.site
        await self.deliver(alert("a"))
        await self.until(lambda: bool(site.tickets) and site.tickets[0]["tags"] == ["alertd"])
        await self.deliver(alert("b"))
        await self.until(lambda: bool(site.tickets[0]["notes"]))
        await self.deliver(alert("a", firing=False), alert("b", firing=False))
        await self.until(lambda: site.tickets[0]["status"] == 5)
        await self.until(lambda: self.crashes > 0)  # after_record@complete ends it behind the books


@pytest.mark.parametrize(
    "point", [pytest.param(p, marks=[] if p in QUICK else [pytest.mark.slow]) for p in POINTS]
)
async def test_killed_there_and_restarted(tmp_path: Path, point: str) -> None:
    async with a_site(tmp_path, group_by='["client", "alertname"]') as site:
        await site.start(ALERTD_CRASH_AT=point)
        road = Road(site)
        await road.run()
        await site.settled()

        [ticket] = site.tickets
        marks = [note["title"] for note in ticket["notes"]]
        assert road.crashes == 1
        assert ticket["tags"] == ["alertd"]
        assert len(marks) == len(set(marks))
        assert accounted(site.walk(), site.tickets)
        assert await site.stop() == 0
