"""Technicians at work for days: whole alertds in virtual time, judged by the simulator's ledger."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from alertd.simulator import API_RESOURCE_ID
from tests.days.conftest import HOUR_S, Day, alert

pytestmark = pytest.mark.looptime(noop_cycles=0)

MakeDay = Callable[..., Day]
CLIENT = "Acme Dental Group"
COMPLETE, IN_PROGRESS = 5, 8
LIMIT = 'acknowledge_limit = "1h"\n'  # goes on where the configuration ends, in [route]


def live(day: Day) -> list[dict[str, Any]]:
    return [each for each in day.tickets if each["status"] != COMPLETE]


def ours_of(ticket: Mapping[str, Any]) -> list[str]:
    """Return the fields that alertd has changed on a ticket."""
    return [
        name for change in ticket["changes"] if change["by"] == API_RESOURCE_ID for name in change["fields"]
    ]


async def until(day: Day, is_so: Callable[[], bool], hours: float = 1) -> None:
    """Let minutes pass until it is so."""
    for _ in range(int(hours * 60)):
        if is_so():
            return
        await asyncio.sleep(60)
    raise AssertionError("it never was")


@pytest.mark.timeout(300)
async def test_two_hundred_live_tickets_cost_one_call_a_minute(make_day: MakeDay) -> None:
    """Also while people touch them: what they do is in the same query."""
    day = make_day()
    times: list[dict[str, Any]] = []

    async def technicians() -> None:
        await day.post(*[alert(f"host-{number}", CLIENT) for number in range(200)])
        await until(day, lambda: len(day.tickets) == 200)
        await asyncio.sleep(20 * 60 - asyncio.get_running_loop().time() % 60)
        before = len(day.calls)
        for number, ticket in enumerate(day.tickets[:60]):
            await asyncio.sleep(20)
            day.act(
                **[
                    {"act": "assign", "ticket": ticket["id"], "resource": "Lucy Brandt"},
                    {"act": "note", "ticket": ticket["id"], "title": "Called", "text": "Customer knows"},
                    {"act": "time_entry", "ticket": ticket["id"]},
                    {"act": "requeue", "ticket": ticket["id"], "queue": "Network"},
                    {"act": "edit", "ticket": ticket["id"], "fields": {"status": IN_PROGRESS}},
                ][number % 5]
            )
        times.extend(day.calls[before:])

    await day.run(technicians(), hours=1)

    endpoints = Counter(each["endpoint"] for each in times)
    assert endpoints["Tickets"] in (20, 21)
    assert set(endpoints) <= {"Tickets", "ThresholdInformation"}
    assert not any(ours_of(ticket) for ticket in day.tickets)


async def test_a_completion_is_good_for_its_limit_and_each_ticket_has_its_own(make_day: MakeDay) -> None:
    day = make_day(more=LIMIT)
    seen: list[int] = []

    async def technicians() -> None:
        await day.post(alert("host-1", CLIENT))
        await until(day, lambda: len(day.tickets) == 1)
        await asyncio.sleep(600)
        for number in (1, 2):
            day.act(act="complete", ticket=day.tickets[-1]["id"])
            await asyncio.sleep(0.95 * HOUR_S)
            seen.append(len(day.tickets))
            await asyncio.sleep(0.1 * HOUR_S)
            seen.append(len(day.tickets))
            assert day.tickets[-1]["externalID"].endswith(f"-g{number + 1}")

    await day.run(technicians(), hours=2.5)

    assert seen == [1, 2, 2, 3]
    assert len(live(day)) == 1
    assert day.tickets[0]["ticketNumber"] in day.tickets[1]["description"]
    assert "(completed 2 times by now)" in day.tickets[2]["description"]


async def test_one_opened_again_is_followed_in_place_of_a_new_one(make_day: MakeDay) -> None:
    """The person opens it in the last minute, when the sync has not seen it yet."""
    day = make_day(more=LIMIT)

    async def technicians() -> None:
        await day.post(alert("host-1", CLIENT))
        await until(day, lambda: len(day.tickets) == 1)
        await asyncio.sleep(600)
        [ticket] = day.tickets
        day.act(act="complete", ticket=ticket["id"])
        completed_at = asyncio.get_running_loop().time()
        await asyncio.sleep(HOUR_S - 1)
        day.act(act="reopen", ticket=ticket["id"])
        assert asyncio.get_running_loop().time() < completed_at + HOUR_S
        await asyncio.sleep(HOUR_S)
        await day.post(alert("host-1", CLIENT, cleared=True))

    await day.run(technicians(), hours=2.5)

    [ticket] = day.tickets
    assert ticket["status"] == IN_PROGRESS
    assert any("left open" in note["description"] for note in ticket["notes"])


async def test_a_merged_ticket_is_followed_in_the_one_that_is_left(make_day: MakeDay) -> None:
    day = make_day(more=LIMIT)

    async def technicians() -> None:
        await day.post(alert("host-1", CLIENT))
        await until(day, lambda: len(day.tickets) == 1)
        await asyncio.sleep(600)
        mine = day.tickets[0]["id"]
        fields = {"title": "Server room", "companyID": day.tickets[0]["companyID"], "queueID": "NOC"}
        day.act(act="create", fields={**fields, "status": 1, "priority": 2})
        theirs = day.tickets[-1]["id"]
        day.act(act="merge", ticket=mine, into=theirs)
        await asyncio.sleep(1.5 * HOUR_S)
        await day.post(alert("host-1", CLIENT, cleared=True))

    await day.run(technicians(), hours=2)

    [theirs] = live(day)
    told = [note["description"] for note in theirs["notes"] if "Absorbed" not in note["title"]]
    assert theirs["status"] != COMPLETE
    assert not ours_of(theirs)
    assert len(told) == 2
    assert "followed in this ticket" in told[0]
    assert "left open" in told[1]


@pytest.mark.parametrize("may_read", [True, False], ids=["time is read", "time may not be read"])
async def test_time_entered_just_before_a_note_of_ours_keeps_the_ticket_open(
    make_day: MakeDay, may_read: bool
) -> None:
    """Our note is the ticket's last activity when the sync comes by. Others pay nothing for it."""
    day = make_day()
    if not may_read:
        day.fault(kind="rights", entity="TimeEntries", deny=["query"])

    async def technicians() -> None:
        await day.post(alert("host-1", CLIENT), *[alert(f"host-{number}", CLIENT) for number in range(2, 8)])
        await until(day, lambda: len(day.tickets) == 7)
        await asyncio.sleep(1210 - asyncio.get_running_loop().time() % 60)
        [ticket] = [each for each in day.tickets if "host-1:" in each["title"]]
        day.act(act="time_entry", ticket=ticket["id"])
        await day.post(alert("host-1", CLIENT, severity="critical"))
        await until(day, lambda: by_us(day, ticket["id"]))
        await asyncio.sleep(600)
        await day.post(*[alert(f"host-{number}", CLIENT, cleared=True) for number in range(1, 8)])

    await day.run(technicians(), hours=1)
    left_open = live(day)

    assert [each["title"].split(":")[0] for each in left_open] == (["host-1"] if may_read else [])
    assert all("entered time" in each["notes"][-1]["description"] for each in left_open)
    assert sum(each["endpoint"] == "TimeEntries" for each in day.calls) == 1


def by_us(day: Day, ticket_id: int) -> bool:
    [ticket] = [each for each in day.tickets if each["id"] == ticket_id]
    return bool(ticket["lastActivityResourceID"] == API_RESOURCE_ID)


async def test_a_deleted_ticket_is_followed_by_a_new_one(make_day: MakeDay) -> None:
    day = make_day()

    async def technicians() -> None:
        await day.post(alert("host-1", CLIENT), alert("host-2", CLIENT))
        await until(day, lambda: len(day.tickets) == 2)
        await asyncio.sleep(600)
        day.act(act="delete", ticket=day.tickets[0]["id"])
        await asyncio.sleep(600)

    await day.run(technicians(), hours=1)

    assert len(live(day)) == 2
    assert any(ticket["externalID"].endswith("-g2") for ticket in day.tickets)


async def test_a_persons_priority_stays_when_it_gets_worse_and_a_note_tells_it(make_day: MakeDay) -> None:
    day = make_day()

    async def technicians() -> None:
        await day.post(alert("host-1", CLIENT))
        await until(day, lambda: len(day.tickets) == 1)
        await asyncio.sleep(600)
        day.act(act="reprioritise", ticket=day.tickets[0]["id"], priority="Low")
        await asyncio.sleep(120)
        for severity in ("high", "critical"):
            await day.post(alert("host-1", CLIENT, severity=severity))
            await asyncio.sleep(1200)

    await day.run(technicians(), hours=1)
    [ticket] = day.tickets
    told = [note["description"] for note in ticket["notes"]]

    assert not ours_of(ticket)
    assert ticket["priority"] == 3
    assert len(told) == 2
    assert "warning to high" in told[0]
    assert "high to critical" in told[1]


async def test_an_older_ticket_that_is_opened_beside_a_later_one_is_the_persons(make_day: MakeDay) -> None:
    """Both stand by that person's hand: alertd goes on in the later one, and makes no third."""
    day = make_day(more=LIMIT, reopen_within="10m")
    before: list[dict[str, Any]] = []

    async def technicians() -> None:
        await day.post(alert("host-1", CLIENT))
        await until(day, lambda: len(day.tickets) == 1)
        await asyncio.sleep(600)
        day.act(act="complete", ticket=day.tickets[0]["id"])
        await asyncio.sleep(1.1 * HOUR_S)
        day.act(act="reopen", ticket=day.tickets[0]["id"])
        before.append(day.tickets[0])
        await day.post(alert("host-1", CLIENT, severity="critical"))
        await asyncio.sleep(600)
        await day.post(alert("host-1", CLIENT, cleared=True))
        await asyncio.sleep(0.5 * HOUR_S)
        assert day.tickets[0] == before[0]
        await day.post(alert("host-1", CLIENT))  # later than `reopen_within`: a further ticket is due
        await asyncio.sleep(0.2 * HOUR_S)

    await day.run(technicians(), hours=2.5)
    older, later = day.tickets

    assert later["status"] == COMPLETE
    assert older["status"] == IN_PROGRESS
    assert older["notes"][:-1] == before[0]["notes"]
    assert "open" in older["notes"][-1]["description"]


@pytest.mark.parametrize(("close", "status"), [("untouched", 1), ("always", COMPLETE)])
async def test_the_ticket_that_two_problems_are_merged_into_is_worked_on(
    make_day: MakeDay, close: str, status: int
) -> None:
    day = make_day(more=f'close = "{close}"\n')
    seen: list[int] = []

    async def technicians() -> None:
        await day.post(alert("host-1", CLIENT), alert("host-2", CLIENT))
        await until(day, lambda: len(day.tickets) == 2)
        await asyncio.sleep(600)
        one, two = (each["id"] for each in day.tickets)
        day.act(act="merge", ticket=one, into=two)
        await asyncio.sleep(300)
        for number in (2, 1):
            host = next(each for each in ("host-1", "host-2") if each in day.tickets[number - 1]["title"])
            await day.post(alert(host, CLIENT, cleared=True))
            await asyncio.sleep(1200)
            seen.append(day.tickets[1]["status"])

    await day.run(technicians(), hours=1)

    assert seen == [1, status]
    assert len(day.tickets) == 2
