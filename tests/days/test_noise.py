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
