"""What noise costs: flapping, repeats and outages, by the simulator's books."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.days.conftest import Day, alert, by_endpoint
from tests.days.test_days import everything_is_placed

pytestmark = pytest.mark.looptime(noop_cycles=0)

MakeDay = Callable[..., Day]
CLIENT = "Acme Dental Group"


def our_notes(ticket: dict[str, Any]) -> list[str]:
    return [note["description"] for note in ticket["notes"] if "-n" in note["title"]]


def writes(day: Day) -> list[dict[str, Any]]:
    """Return the calls that change something; reads and polls are counted apart."""
    return [each for each in day.calls if not each["path"].endswith("/query") and each["method"] != "GET"]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_check_that_flaps_each_second_for_an_hour(make_day: MakeDay) -> None:
    day = make_day()

    async def sender() -> None:
        for second in range(3600):
            await day.post(alert("host-1", CLIENT, cleared=second % 2 == 1))
            await asyncio.sleep(1)

    await day.run(sender(), hours=2)
    [ticket] = day.tickets
    notes = our_notes(ticket)

    assert ticket["status"] == 5
    assert 1 <= len(notes) <= 12
    assert len(set(notes)) == len(notes)
    assert "Flapping: changed" in notes[0]
    assert len(writes(day)) <= 12, by_endpoint(writes(day))
    assert everything_is_placed(day)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("change", ["another alert", "worse"])
async def test_six_hours_of_repeats_and_one_change_are_three_calls(make_day: MakeDay, change: str) -> None:
    """The other alert of the ticket is on the same host, and another rule's."""
    day = make_day(more='\n[[route.routes]]\nname = "by host"\ngroup_by = ["client", "host"]\n')

    async def sender() -> None:
        for minute in range(360):
            severity = "critical" if change == "worse" and minute >= 180 else "warning"
            await day.post(alert("host-1", CLIENT, severity=severity))
            if change == "another alert" and minute == 180:
                await day.post(alert("host-1", CLIENT, rule="CpuHigh"))
            await asyncio.sleep(60)
        await day.post(
            alert("host-1", CLIENT, cleared=True), alert("host-1", CLIENT, rule="CpuHigh", cleared=True)
        )

    await day.run(sender(), hours=7)
    [ticket] = day.tickets
    tags = [each for each in writes(day) if "Tag" in each["endpoint"]]

    assert ticket["status"] == 5
    assert len(writes(day)) - len(tags) == 3, by_endpoint(writes(day))
    assert everything_is_placed(day)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_two_hours_without_autotask_are_fifty_creates_and_one_list(make_day: MakeDay) -> None:
    """400 alerts begin in the outage, 350 of them end in it."""
    day = make_day()
    clients = [f"Quiet {number:02}" for number in range(10)]
    day.tenant({"companies": [{"name": name, "type": "Customer"} for name in clients]})

    async def sender() -> None:
        await asyncio.sleep(60)
        day.fault(kind="down")
        for number in range(400):
            await day.post(alert(f"host-{number}", clients[number % 10]))
            await asyncio.sleep(15)
            if number >= 50:
                await day.post(alert(f"host-{number - 50}", clients[number % 10], cleared=True))
        await asyncio.sleep(1140)
        day.clear("down")

    await day.run(sender(), hours=4)
    lists = [each for each in day.tickets if "before a ticket could be made" in each["title"]]
    others = [each for each in day.tickets if each not in lists]

    assert len(others) == 50
    assert all(each["status"] != 5 for each in others)
    assert len(lists) == 1
    assert lists[0]["title"].startswith("350 alerts")
    assert lists[0]["status"] == 5
    assert all(f"{name}:" in lists[0]["resolution"] for name in clients)
    assert everything_is_placed(day)


WAITS = '\n[[route.routes]]\nname = "patient"\nwait_for = "2m"\n\n[digest]\nboard = "noc"\nat = "07:00"\n'


async def test_transients_are_one_digest_a_company_over_restarts(make_day: MakeDay) -> None:
    """The day begins at three; every half hour alertd is killed and started again, also about seven."""
    day = make_day(more=WAITS)
    day.tenant({"companies": [{"name": "Quiet 01", "type": "Customer"}]})

    async def sender() -> None:
        for number in range(4):
            for client in (CLIENT, "Quiet 01"):
                await day.post(alert(f"host-{client[:1]}{number}", client))
            await asyncio.sleep(60)
            for client in (CLIENT, "Quiet 01"):
                await day.post(alert(f"host-{client[:1]}{number}", client, cleared=True))
        await day.post(alert("host-9", CLIENT))

    await day.run(sender(), hours=0.5)
    for _ in range(9):
        day.boot()
        await day.run(hours=0.5)
    lists = [each for each in day.tickets if each["title"].startswith("Daily digest")]
    others = [each for each in day.tickets if each not in lists]

    assert sorted(each["title"] for each in lists) == [
        f"Daily digest: 4 alerts at {client} cleared without a ticket" for client in (CLIENT, "Quiet 01")
    ]
    assert {each["status"] for each in lists} == {5}
    assert all(each["createDate"][11:16] == "07:00" for each in lists)
    assert len({each["companyID"] for each in lists}) == 2
    assert ["host-9" in each["title"] for each in others] == [True]
    assert everything_is_placed(day)
