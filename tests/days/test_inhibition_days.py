"""A site that goes down, by the simulator's books: one ticket for it, none for what it explains."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from alertd.core.alerts import Alert, Severity, Status
from alertd.core.identity import fingerprint
from tests.days.conftest import SENDER, Day, by_endpoint

pytestmark = pytest.mark.looptime(noop_cycles=0)

MakeDay = Callable[..., Day]
INHIBIT = """
[[inhibit]]
name = "site down"
source_matchers = ['alertname="SiteDown"']
target_matchers = ['severity=~"warning|low"']
equal = ["site"]
"""


def alert(host: str, *, name: str = "DiskFull", cleared: bool = False, site: str = "ottawa") -> Alert:
    severity = "high" if name == "SiteDown" else "warning"
    sent = {"alertname": name, "instance": host, "site": site}
    return Alert(
        source=SENDER,
        fingerprint=fingerprint(sent),
        status=Status.CLEARED if cleared else Status.FIRING,
        severity=Severity(severity),
        labels={**sent, "host": host, "client": "Contoso", "severity": severity, "source": SENDER},
        annotations={"title": f"{host}: {name}"},
        sent_labels=sent,
    )


def site_down(*, cleared: bool = False) -> Alert:
    return alert("host-fw1", name="SiteDown", cleared=cleared)


def children(count: int, *, first: int = 0, cleared: bool = False) -> list[Alert]:
    return [alert(f"host-{number:03}", cleared=cleared) for number in range(first, first + count)]


def titles(day: Day) -> list[str]:
    return [ticket["title"].rpartition(" on ")[0] for ticket in day.tickets]


def accounted(day: Day) -> None:
    accepted, placed = day.walk()
    assert accepted == placed


def calls_of(day: Day) -> dict[str, int]:
    """Calls that write, or that are made for one incident."""
    return {name: n for name, n in by_endpoint(day.calls).items() if name not in {"ThresholdInformation"}}


async def test_a_site_down_is_one_ticket_and_what_still_fires_after_it_gets_its_own(
    make_day: MakeDay,
) -> None:
    day = make_day(more=INHIBIT)
    seen: dict[str, Any] = {}

    async def happens() -> None:
        await day.post(*children(200))
        await asyncio.sleep(5)
        await day.post(site_down())
        await asyncio.sleep(5)
        await day.post(*children(200, first=200))
        await asyncio.sleep(3000)
        seen["tickets"] = titles(day)
        seen["notes"] = [note["description"] for ticket in day.tickets for note in ticket["notes"]]
        await day.post(*children(380, cleared=True))
        await asyncio.sleep(60)
        await day.post(site_down(cleared=True))
        await asyncio.sleep(290)
        seen["in hold"] = titles(day)

    await day.run(happens(), hours=2)
    assert seen["tickets"] == ["host-fw1: SiteDown"]
    assert seen["in hold"] == seen["tickets"]
    assert len(day.tickets) == 21
    [parent, *released] = sorted(day.tickets, key=lambda each: each["id"])
    [note] = seen["notes"]
    assert "Held back while this fires: 400 alerts\n- host-000: host-000: DiskFull" in note
    assert "and 360 more" in note
    assert "20 alerts, looked at anew since it is over; 380 more were over meanwhile" in parent["resolution"]
    assert all(
        "\nInhibited by host-fw1: SiteDown, by rule site down from " in t["description"] for t in released
    )
    accounted(day)


async def test_a_flapping_site_releases_nothing(make_day: MakeDay) -> None:
    day = make_day(more=INHIBIT)

    async def happens() -> None:
        for _ in range(30):
            await day.post(site_down(), *children(20))
            await asyncio.sleep(60)
            await day.post(site_down(cleared=True))
            await asyncio.sleep(60)

    await day.run(happens(), hours=1)
    assert titles(day) == ["host-fw1: SiteDown"]


@pytest.mark.parametrize("source_first", [True, False])
async def test_source_and_target_in_one_batch_or_within_the_wait(
    make_day: MakeDay, source_first: bool
) -> None:
    day = make_day(more=INHIBIT)

    async def happens() -> None:
        pair = [site_down(), *children(1)]
        await day.post(*(pair if source_first else reversed(pair)))
        await asyncio.sleep(60)
        await day.post(*children(1, first=1))

    await day.run(happens(), hours=0.1)
    assert titles(day) == ["host-fw1: SiteDown"]


async def test_a_source_that_comes_later_leaves_the_ticket_alone(make_day: MakeDay) -> None:
    day = make_day(more=INHIBIT)

    async def happens() -> None:
        await day.post(*children(1))
        await asyncio.sleep(14)
        assert titles(day) == []
        await asyncio.sleep(16)
        assert titles(day) == ["host-000: DiskFull"]
        await day.post(site_down())
        await asyncio.sleep(60)
        await day.post(*children(1, cleared=True))

    await day.run(happens(), hours=0.5)
    assert [(each["title"].rpartition(" on ")[0], each["status"]) for each in day.tickets] == [
        ("host-000: DiskFull", 5),
        ("host-fw1: SiteDown", 1),
    ]


async def test_a_restart_makes_no_ticket(make_day: MakeDay) -> None:
    day = make_day(more=INHIBIT)

    async def begins() -> None:
        await day.post(site_down(), *children(3))

    async def goes_on() -> None:
        await day.post(*children(2, first=3))
        await asyncio.sleep(100)
        await day.post(site_down(cleared=True))

    await day.run(begins(), hours=0.05)
    day.boot()
    await day.run(goes_on(), hours=0.05)
    day.boot()  # while the site waits whether it comes back
    await day.run(hours=0.01)
    assert titles(day) == ["host-fw1: SiteDown"]
    await day.run(hours=0.2)
    assert len(day.tickets) == 6
    accounted(day)


async def test_what_falls_silent_since_its_create_was_lost_is_released_too(make_day: MakeDay) -> None:
    day = make_day(more=INHIBIT)

    async def happens() -> None:
        await day.post(*children(1))
        await asyncio.sleep(14)
        day.fault(kind="drop", when="before", endpoint="Tickets", action="create", count=1)
        await asyncio.sleep(5)
        await day.post(site_down())
        await asyncio.sleep(1200)
        assert titles(day) == ["host-fw1: SiteDown"]
        await day.post(site_down(cleared=True))

    await day.run(happens(), hours=1)
    assert sorted(titles(day)) == ["host-000: DiskFull", "host-fw1: SiteDown"]
    accounted(day)
