"""Transients, digests and flapping on a real process, by the simulator's books and by `explain`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alertd.app.clock import SystemClock
from tests.system.site import Site, a_site, accounted, alert

pytestmark = pytest.mark.system

COMPLETE = 5
MORE = """
[[route.routes]]
name = "patient"
matchers = ['alertname="Blip"']
wait_for = "10m"

[[route.routes]]
name = "nervous"
matchers = ['alertname="Flap"']
flapping = {{ window = "4s", start = 4, stop = 1, reopens = 32 }}

[digest]
board = "noc"
at = "{at}"
"""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        yield site


async def explained(site: Site, subject: str) -> str:
    code, told = await site.run("explain", subject)
    assert code == 0, told
    return told


async def test_a_transient_is_in_the_digest_and_nowhere_else(site: Site) -> None:
    at = SystemClock().now() + timedelta(seconds=15)
    site.configure(more=MORE.format(at=f"{at:%H:%M:%S}"))
    await site.start()
    now = SystemClock().now().isoformat()
    answer = await site.post(alert("fs01", alertname="Blip") | {"startsAt": now})
    await site.settled()
    assert "unless it has cleared by itself by then" in await explained(site, answer["receipt"])
    assert not site.tickets
    await site.post(alert("fs01", firing=False, alertname="Blip") | {"startsAt": now, "endsAt": now})
    await site.settled()
    assert "listed" in await explained(site, answer["receipt"])

    await site.kill()  # what is to be listed is not in memory alone
    await site.start()
    await site.until(lambda: len(site.tickets) == 1)
    await site.settled()
    [digest] = site.tickets

    assert digest["title"] == "Daily digest: 1 alert at Acme Dental Group cleared without a ticket"
    assert digest["status"] == COMPLETE
    assert "fs01" in digest["description"]
    assert accounted(site.walk(), site.tickets)


async def test_what_flaps_has_one_ticket_that_is_held_open(site: Site) -> None:
    site.configure(more=MORE.format(at="07:00"), note_interval="0s")
    await site.start()
    for number in range(31):
        await site.post(alert("fs02", firing=number % 2 == 0, alertname="Flap") | _times(number))
        await site.settled()
    [ticket] = site.tickets
    told = await explained(site, ticket["ticketNumber"])
    assert "flapping since" in told

    await site.post(alert("fs02", firing=False, alertname="Flap") | _times(31))
    await site.settled()
    assert site.tickets[0]["status"] != COMPLETE
    await site.until(lambda: site.tickets[0]["status"] == COMPLETE)
    [ticket] = site.tickets
    notes = [note["description"] for note in ticket["notes"]]

    assert sum("Flapping: " in note for note in notes) == 1
    assert len(set(notes)) == len(notes) <= 4
    assert accounted(site.walk(), site.tickets)


def _times(number: int) -> dict[str, str]:
    """The source's own times: each firing begins after the last one has ended."""
    at = datetime(2026, 11, 23, 3, tzinfo=UTC) + timedelta(seconds=number)
    began = at if number % 2 == 0 else at - timedelta(seconds=1)
    return {"startsAt": began.isoformat(), "endsAt": at.isoformat() if number % 2 else "0001-01-01T00:00:00Z"}
