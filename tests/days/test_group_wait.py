"""`group_wait` over a whole alertd: who waits, who does not, and who never gets a ticket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from tests.days.conftest import START, Day, alert

pytestmark = pytest.mark.looptime(noop_cycles=0)

SLOW = """
[[route.routes]]
name = "slow"
matchers = ['host=~"host-.*"']
group_wait = "10m"
"""
CLIENT = "Acme Dental Group"


async def test_who_waits_and_who_never_gets_a_ticket(make_day: Callable[..., Day]) -> None:
    day = make_day(more=SLOW)

    async def sender() -> None:
        await day.post(alert("host-stays", CLIENT))
        await day.post(replace(alert("host-old", CLIENT), starts_at=START - timedelta(hours=1)))
        await day.post(alert("host-brief", CLIENT))
        await day.post(alert("host-grave", CLIENT, severity="critical"))
        await asyncio.sleep(300)
        await day.post(alert("host-brief", CLIENT, cleared=True))
        await day.post(alert("host-grave", CLIENT, cleared=True))

    await day.run(sender(), hours=0.5)
    waited = day.waited()
    assert sorted(waited) == ["host-grave", "host-old", "host-stays"]
    assert 600 <= waited["host-stays"] < 610
    assert 600 <= waited["host-grave"] < 610  # critical: it is told of all the same, when the wait is over
    assert waited["host-old"] < 5
    assert {ticket["title"].split(":")[0]: ticket["status"] for ticket in day.tickets}["host-grave"] == 5
    accepted, placed = day.walk()
    assert accepted == placed == 6
