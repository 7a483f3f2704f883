"""The faults A1 to A17 that Autotask and the network bring, each judged by the simulator's books.

A6, A7 and A13 take hours: test_days.py. What needs a socket or a process, A12, A14, A15 and A18, is in
tests/autotask and tests/system; ARCHITECTURE.md says where each one is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.days.conftest import START, Day, alert

pytestmark = [pytest.mark.looptime(noop_cycles=0), pytest.mark.slow]

MakeDay = Callable[..., Day]
COMPLETE = 5


def creates(day: Day) -> list[dict[str, Any]]:
    return [each for each in day.calls if each["endpoint"] == "Tickets" and each["action"] == "create"]


def hosts(count: int, *, first: int = 0) -> list[str]:
    return [f"host-{number}" for number in range(first, first + count)]


async def fire(day: Day, names: list[str], *, every_s: float = 0.0, severity: str = "warning") -> None:
    for name in names:
        await day.post(alert(name, "Acme Dental Group", severity=severity))
        await asyncio.sleep(every_s)


def each_has_one_ticket(day: Day, names: list[str]) -> bool:
    ours = [ticket for ticket in day.tickets if (ticket["externalID"] or "").startswith("alertd-")]
    accepted, placed = day.walk()
    return (
        sorted(day.waited()) == sorted(names)
        and len({ticket["externalID"] for ticket in ours}) == len(ours) == len(names)
        and accepted == placed
    )


@pytest.mark.parametrize("lag_s", [0, 5, 15, 30])
async def test_a1_a2_answers_are_lost_after_the_create(make_day: MakeDay, lag_s: int) -> None:
    day = make_day(calls_per_hour=10_000)
    if lag_s:
        day.fault(kind="search_lag", seconds=lag_s)
    day.fault(kind="drop", when="after", endpoint="Tickets", action="create", probability=0.3)
    names = hosts(60)
    await day.run(fire(day, names, every_s=5), hours=0.5)

    assert sum(each["reply"] == "drop" for each in creates(day)) >= 10
    assert each_has_one_ticket(day, names)


async def test_a3_what_cannot_be_seen_is_not_made_again(make_day: MakeDay) -> None:
    day = make_day()
    seen: list[tuple[int, int]] = []

    async def happenings() -> None:
        await fire(day, ["host-0"])
        await asyncio.sleep(120)
        day.fault(kind="drop", when="after", endpoint="Tickets", action="create", count=1)
        day.fault(kind="rights", entity="Tickets", deny=["query"])
        await fire(day, ["host-1"])
        await asyncio.sleep(3000)
        seen.append((len(creates(day)), len(day.parts.settler.unclear)))
        day.clear("rights")

    await day.run(happenings(), hours=1.5)

    assert seen == [(2, 1)]
    assert each_has_one_ticket(day, ["host-0", "host-1"])


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "garbage", "body": "<html>proxy</html>", "content_type": "text/html"},
        {"kind": "garbage", "body": '{"itemId": "12', "content_type": "application/json"},
        {"kind": "truncate", "keep": 0.5},
        {"kind": "hang", "when": "after"},
    ],
)
async def test_a4_a_create_answered_with_garbage_is_unclear(make_day: MakeDay, fault: dict[str, Any]) -> None:
    day = make_day()
    day.fault(endpoint="Tickets", action="create", probability=0.4, **fault)
    names = hosts(30)
    await day.run(fire(day, names, every_s=10), hours=1)

    assert any(each["faults"] for each in creates(day))
    assert each_has_one_ticket(day, names)


async def test_a5_queries_answered_with_garbage_are_asked_again(make_day: MakeDay) -> None:
    day = make_day()
    for action in ("query", "read", "metadata", "count"):
        day.fault(kind="garbage", body="{oops", action=action, probability=0.4)
    names = hosts(20)
    await day.run(fire(day, names, every_s=30), hours=1)

    assert each_has_one_ticket(day, names)


async def test_a8_never_more_than_two_at_once_on_an_endpoint(make_day: MakeDay) -> None:
    day = make_day(calls_per_hour=10_000)
    day.fault(kind="latency", seconds=2, jitter=2)
    names = hosts(150)
    await day.run(fire(day, names), hours=0.5)

    assert max(day.high_water.values()) == 2
    assert each_has_one_ticket(day, names)


POISON = """
[[boards]]
name = "poison"
queue = "NOC"
category = "Monitoring"

[[route.routes]]
name = "poison"
matchers = ['host="host-poison"']
board = "poison"
"""


async def test_a9_one_poison_ticket_costs_few_calls_and_holds_nobody_up(make_day: MakeDay) -> None:
    day = make_day(more=POISON)
    day.tenant({"category_rules": [{"category": "Monitoring", "required": ["dueDateTime"]}]})
    names = ["host-poison", *hosts(20)]
    await day.run(fire(day, names), hours=2)

    assert len(creates(day)) - 20 <= 3
    assert each_has_one_ticket(day, names)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a10_it_recovers_within_a_minute(make_day: MakeDay, status: int) -> None:
    day = make_day()

    async def trouble() -> None:
        await asyncio.sleep(60)
        day.fault(kind="refuse", status=status)
        await asyncio.sleep(1200)
        day.clear("refuse")

    async def sender() -> None:
        await fire(day, hosts(5))
        await asyncio.sleep(100)
        await fire(day, hosts(20, first=5), every_s=10)

    await day.run(trouble(), sender(), hours=0.8)
    made_at = [datetime.fromisoformat(ticket["createDate"]) for ticket in day.tickets]
    healed_after = [(at - START).total_seconds() - 1260 for at in made_at]
    in_trouble = [each for each in day.calls if 70 < each["at"] - START.timestamp() < 1250]

    assert each_has_one_ticket(day, hosts(25))
    assert max(healed_after) < 60 + 30
    assert len(in_trouble) < 400


async def test_a11_a_zone_that_moves_loses_nothing(make_day: MakeDay) -> None:
    day = make_day()

    async def move() -> None:
        await asyncio.sleep(100)
        day.fault(kind="moved_zone", zone_path="/zone2/ATServicesRest/")

    names = hosts(30)
    await day.run(move(), fire(day, names, every_s=10), hours=0.5)

    assert sum(each["status"] == 401 for each in day.calls) == 1
    assert each_has_one_ticket(day, names)


FALLBACK = """
[[boards]]
name = "cloud"
queue = "Network"

[[route.routes]]
name = "cloud"
matchers = ['host=~"host-[0-9]+"']
board = "cloud"
"""


async def test_a16_a_queue_that_is_switched_off_is_stood_in_for(make_day: MakeDay) -> None:
    day = make_day(more=FALLBACK)
    network = next(queue for queue in day.queues if queue["label"] == "Network")

    async def happenings() -> None:
        await fire(day, ["host-1"])
        await asyncio.sleep(300)
        day.tenant({"queues": [{"id": network["id"], "active": False}]})
        await fire(day, ["host-2"])

    await day.run(happenings(), hours=1)
    noc = next(queue for queue in day.queues if queue["label"] == "NOC")

    assert [ticket["queueID"] for ticket in day.tickets] == [network["id"], noc["id"]]
    assert len(creates(day)) <= 4
    assert each_has_one_ticket(day, ["host-1", "host-2"])


@pytest.mark.parametrize("how", ["complete", "merge"])
async def test_a17_what_a_person_closed_or_merged_comes_back_after_the_next_all_clear(
    make_day: MakeDay, how: str
) -> None:
    day = make_day()

    async def happenings() -> None:
        await fire(day, ["host-1"])
        await asyncio.sleep(300)
        ours = day.tickets[0]["id"]
        if how == "merge":
            fields = {"companyID": 175, "title": "By phone", "status": "New"}
            day.act(act="create", fields={**fields, "priority": "Low", "queueID": "NOC"})
            day.act(act="merge", ticket=ours, into=day.tickets[-1]["id"])
        else:
            day.act(act="complete", ticket=ours)
        await asyncio.sleep(300)
        await fire(day, ["host-1"])  # still firing: acknowledged, and no second ticket
        await asyncio.sleep(300)
        assert len(creates(day)) == 1
        await day.post(alert("host-1", "Acme Dental Group", cleared=True))
        await asyncio.sleep(900)
        await fire(day, ["host-1"])

    await day.run(happenings(), hours=1)

    if how == "merge":  # it is followed where it was merged into
        assert len(creates(day)) == 1
        assert "Firing again" in day.tickets[-1]["notes"][-1]["description"]
    else:
        assert len(creates(day)) == 2
        assert day.tickets[0]["ticketNumber"] in day.tickets[-1]["description"]


@pytest.mark.parametrize(("reopen_within", "tickets"), [("24h", 1), ("0s", 2)])
async def test_a17_what_we_completed_is_reopened_or_linked_by_policy(
    make_day: MakeDay, reopen_within: str, tickets: int
) -> None:
    day = make_day(reopen_within=reopen_within)

    async def happenings() -> None:
        await fire(day, ["host-1"])
        await asyncio.sleep(300)
        await day.post(alert("host-1", "Acme Dental Group", cleared=True))
        await asyncio.sleep(1200)
        assert day.tickets[0]["status"] == COMPLETE
        await fire(day, ["host-1"])

    await day.run(happenings(), hours=1)

    assert len(day.tickets) == tickets
    assert day.tickets[-1]["status"] != COMPLETE
    assert tickets == 1 or day.tickets[0]["ticketNumber"] in day.tickets[1]["description"]
