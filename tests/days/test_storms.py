"""Storms, by the simulator's books: few tickets, few calls, nothing lost, everybody heard in the end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Any, cast

import pytest
from sqlalchemy import text

from alertd.core.alerts import Alert
from alertd.core.incidents import Incident
from alertd.store.encoding import decode_incident
from tests.days.conftest import START, Day, alert

pytestmark = pytest.mark.looptime(noop_cycles=0)

MakeDay = Callable[..., Day]
COMPANIES = ["Contoso", "Fabrikam", "Northwind"]


def populate(day: Day) -> None:
    day.tenant({"companies": [{"name": name, "type": "Customer"} for name in COMPANIES]})


def is_storm(ticket: dict[str, Any]) -> bool:
    return str(ticket["title"]).startswith("Storm: ")


def made_s(ticket: dict[str, Any]) -> float:
    return (datetime.fromisoformat(ticket["createDate"]) - START).total_seconds()


def calls_by_incident(day: Day) -> Counter[str]:
    """Count the calls that went out for one incident each, as the store has logged them."""
    conn = cast("Any", day.parts.store)._runner._conn
    with conn.begin():
        rows = conn.execute(text("SELECT incident_key, count(*) FROM calls GROUP BY incident_key"))
        return Counter(dict(rows.all()))


def parents(day: Day) -> list[Incident]:
    conn = cast("Any", day.parts.store)._runner._conn
    with conn.begin():
        docs = conn.execute(text("SELECT key, doc FROM incidents")).all()
    found = [decode_incident(key, doc) for key, doc in docs]
    return [each for each in found if each.kind == "storm"]


@pytest.mark.slow
async def test_five_thousand_alerts_of_three_companies(make_day: MakeDay) -> None:
    """Each company has its threshold of own tickets, one for each critical alert, and one for the storm."""
    day = make_day(threshold=10)
    populate(day)
    hosts = [(f"host-{number}", COMPANIES[number % 3]) for number in range(5000)]
    critical = {"host-2000", "host-2500", "host-4001"}

    def severity(host: str) -> str:
        return "critical" if host in critical else "warning"

    async def sender() -> None:
        for start in range(0, 5000, 50):
            await day.post(
                *[alert(host, name, severity=severity(host)) for host, name in hosts[start : start + 50]]
            )
            await asyncio.sleep(6)
        await asyncio.sleep(3600)
        for start in range(0, 5000, 500):
            cleared = [
                alert(host, name, severity=severity(host), cleared=True)
                for host, name in hosts[start : start + 500]
            ]
            await day.post(*cleared)
            await asyncio.sleep(1)

    await day.run(sender(), hours=2)

    storms = [ticket for ticket in day.tickets if is_storm(ticket)]
    own = [ticket for ticket in day.tickets if not is_storm(ticket)]
    assert len(storms) == 3
    assert len(own) == 3 * 10 + len(critical)
    assert all(ticket["status"] == 5 for ticket in day.tickets)
    accepted, placed = day.walk()
    assert accepted == placed == 10_000
    counted = calls_by_incident(day)
    assert all(counted[parent.key] <= 12 for parent in parents(day))
    keys = {"", *(parent.key for parent in parents(day))}
    plain = sum(count for key, count in counted.items() if key not in keys)
    assert plain <= 5 * len(own)  # create, tag, complete, and what the first ones have to ask for


@pytest.mark.slow
async def test_what_still_fires_after_a_storm_gets_its_own_tickets(make_day: MakeDay) -> None:
    """60 of 1,000: one a minute, the newest first; the critical had theirs at once."""
    day = make_day(threshold=10)
    populate(day)
    critical = {f"host-{number}" for number in (300, 600, 900)}
    stays = [f"host-{number}" for number in range(940, 1000)]

    def of(number: int, *, cleared: bool = False) -> Alert:
        host = f"host-{number}"
        severity = "critical" if host in critical else "warning"
        return alert(host, "Contoso", severity=severity, cleared=cleared)

    async def sender() -> None:
        for start in range(0, 1000, 50):
            await day.post(*[of(number) for number in range(start, start + 50)])
            await asyncio.sleep(5)
        await asyncio.sleep(240)
        await day.post(*[of(number, cleared=True) for number in range(940)])
        await asyncio.sleep(1.75 * 3600)
        await day.post(*[of(number, cleared=True) for number in range(940, 1000)])

    await day.run(sender(), hours=2.5)

    own = [ticket for ticket in day.tickets if not is_storm(ticket)]
    made = {ticket["title"].split(":")[0]: ticket for ticket in own}
    assert len(own) == 10 + len(critical) + len(stays)
    waits = day.waited()
    assert all(waits[host] < 10 for host in critical)
    promoted_s = sorted(made_s(made[host]) for host in stays)
    assert promoted_s[0] >= 20 * 60  # few arrive within the window, for as long as calm says
    assert all(later - sooner >= 59 for sooner, later in pairwise(promoted_s))
    first, last = (made_s(made[host]) for host in ("host-999", "host-940"))
    assert first < last
    [storm] = [ticket for ticket in day.tickets if is_storm(ticket)]
    assert f"Until now part of storm ticket {storm['ticketNumber']}" in made["host-999"]["description"]
    assert storm["status"] == 5
    assert "with a ticket of their own by now 60" in storm["resolution"]
    assert all(ticket["status"] == 5 for ticket in day.tickets)
    accepted, placed = day.walk()
    assert accepted == placed == 2000


async def test_red_pressure_folds_all_but_the_critical_and_loses_nothing(make_day: MakeDay) -> None:
    """Others use the allowance up for an hour: one critical ticket; then one for each customer's rest."""
    day = make_day(threshold=10)
    populate(day)
    day.fault(kind="others_usage", requests=9500)

    async def sender() -> None:
        await asyncio.sleep(300)
        for number in range(6):
            await day.post(alert(f"host-{number}", COMPANIES[number % 3]))
        await day.post(alert("host-9", "Contoso", severity="critical"))
        await asyncio.sleep(3000)
        assert [ticket["title"].split(":")[0] for ticket in day.tickets] == ["host-9"]
        day.clear("others_usage")
        await asyncio.sleep(3600)
        assert sum(is_storm(ticket) for ticket in day.tickets) == 3
        every = [alert(f"host-{number}", COMPANIES[number % 3], cleared=True) for number in range(6)]
        await day.post(*every, alert("host-9", "Contoso", severity="critical", cleared=True))

    await day.run(sender(), hours=3)

    assert all(ticket["status"] == 5 for ticket in day.tickets)
    accepted, placed = day.walk()
    assert accepted == placed == 14
