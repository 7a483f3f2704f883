"""Tags as visible state: the right ones at any time, by the fewest calls, and people's left alone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.days.conftest import Day, alert

pytestmark = pytest.mark.looptime(noop_cycles=0)

MakeDay = Callable[..., Day]
CLIENT = "Acme Dental Group"
STATES = 'state_tags = { firing = "Firing", cleared = "Cleared", acknowledged = "Taken", expired = "Silent" }'


def with_state_tags(make_day: MakeDay, **options: object) -> Day:
    day = make_day(**options)
    file: Path = day.folder / "alertd.toml"
    file.write_text(file.read_text().replace('tags = ["alertd"]', f'tags = ["alertd"]\n{STATES}'))
    day.parts = day.boot()
    return day


def tag_calls(day: Day) -> Counter[str]:
    return Counter(each["action"] for each in day.calls if each["endpoint"] == "TicketTagAssociations")


async def test_the_tags_tell_the_state_and_cost_a_call_each(make_day: MakeDay) -> None:
    day = with_state_tags(make_day)
    seen: list[set[str]] = []

    async def sender() -> None:
        for cleared in (False, True, False):
            await day.post(alert("host-1", CLIENT, cleared=cleared))
            await asyncio.sleep(120)
            seen.append(set(day.tickets[0]["tags"]))
        day.act(act="complete", ticket=day.tickets[0]["id"])
        await asyncio.sleep(120)
        seen.append(set(day.tickets[0]["tags"]))

    await day.run(sender(), hours=0.25)

    assert seen == [
        {"alertd", "Firing"},
        {"alertd", "Cleared"},
        {"alertd", "Firing"},
        {"alertd", "Taken"},
    ]
    assert tag_calls(day) == {"create": 5, "delete": 3}


async def test_a_state_that_is_over_before_it_is_written_costs_no_call(make_day: MakeDay) -> None:
    day = with_state_tags(make_day)

    async def sender() -> None:
        await day.post(alert("host-1", CLIENT))
        await asyncio.sleep(120)
        day.fault(kind="down", endpoint="TicketTagAssociations")
        for cleared in (True, False) * 5:
            await day.post(alert("host-1", CLIENT, cleared=cleared))
            await asyncio.sleep(5)
        before = tag_calls(day)
        day.clear("down")
        await asyncio.sleep(600)
        assert tag_calls(day) - before <= Counter(query=1)  # was the one under way applied?

    await day.run(sender(), hours=0.5)

    assert set(day.tickets[0]["tags"]) == {"alertd", "Firing"}


async def test_what_a_person_took_off_comes_back_when_its_state_begins_again(make_day: MakeDay) -> None:
    """And what a person put on stays, whatever happens."""
    day = with_state_tags(make_day)
    seen: list[set[str]] = []

    async def technicians() -> None:
        await day.post(alert("host-1", CLIENT))
        await asyncio.sleep(300)
        ticket = day.tickets[0]["id"]
        for tag in ("alertd", "Firing"):
            day.act(act="remove_tag", ticket=ticket, tag=tag)
        await day.post(alert("host-1", CLIENT, severity="critical"))
        await asyncio.sleep(1200)
        seen.append(set(day.tickets[0]["tags"]))
        for cleared in (True, False):
            await day.post(alert("host-1", CLIENT, cleared=cleared))
            await asyncio.sleep(120)
            seen.append(set(day.tickets[0]["tags"]))

    await day.run(technicians(), hours=0.6)

    assert seen == [set(), {"Cleared"}, {"Firing"}]


async def test_thirty_tags_are_the_limit_and_the_ticket_goes_on_without(make_day: MakeDay) -> None:
    day = with_state_tags(make_day)
    labels = [f"theirs {number}" for number in range(30)]
    day.tenant({"tags": [{"label": label} for label in labels]})

    async def technicians() -> None:
        day.fault(kind="down", endpoint="TicketTagAssociations")
        await day.post(alert("host-1", CLIENT))
        await asyncio.sleep(60)
        for label in labels:
            day.act(act="add_tag", ticket=day.tickets[0]["id"], tag=label)
        day.clear("down")
        await asyncio.sleep(1200)
        await day.post(alert("host-1", CLIENT, cleared=True))

    await day.run(technicians(), hours=1.5)

    assert set(day.tickets[0]["tags"]) == set(labels)
    assert tag_calls(day)["delete"] == 0
