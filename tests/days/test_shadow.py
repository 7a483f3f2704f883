"""`mode = "shadow"`: whole lives without one write, by the simulator's books; then for real."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from alertd.app.shadowing import ModeRefused, ShadowDesk, take_up
from alertd.core.incidents import state_of
from alertd.flows.errors import Rejected
from tests.days.conftest import Day, alert

pytestmark = pytest.mark.looptime(noop_cycles=0)

MakeDay = Callable[..., Day]
CLIENT = "Acme Dental Group"


async def change_mode(day: Day, mode: str) -> None:
    """Restart in this mode."""
    config = day.folder / "alertd.toml"
    text = config.read_text().removeprefix('mode = "shadow"\n')
    config.write_text(f'mode = "shadow"\n{text}' if mode == "shadow" else text)
    day.boot()
    await take_up(day.parts.current.live.settings.mode, day.parts.store, day.clock.now())


def writes(day: Day) -> list[str]:
    """What was sent that could have changed anything."""
    return [
        f"{each['method']} {each['path']}"
        for each in day.calls
        if each["method"] not in ("GET",) and not each["path"].endswith(("/query", "/query/count"))
    ]


async def states(day: Day) -> dict[str, str]:
    found = await day.parts.store.incidents_after("", limit=100)
    return {each.incident.group["host"]: state_of(each.incident) for each in found}


async def test_lives_are_planned_and_nothing_is_written(make_day: MakeDay) -> None:
    day = make_day(more="[[boards]]\nname = 'unused'\nqueue = 'NOC'\ntags = ['never seen']\n")
    await change_mode(day, "shadow")

    async def sender() -> None:
        await day.post(*(alert(f"host-{number}", CLIENT) for number in range(3)))
        await asyncio.sleep(1200)
        await day.post(alert("host-0", CLIENT, cleared=True), alert("host-1", CLIENT, severity="critical"))
        await asyncio.sleep(1800)
        await day.post(alert("host-0", CLIENT))

    await day.run(sender(), hours=2)
    assert writes(day) == []
    assert day.tickets == []
    desk = day.parts.desk
    assert isinstance(desk, ShadowDesk)
    assert (desk.planned.counts["create"], desk.planned.counts["complete"]) == (3, 1)
    assert desk.planned.counts["change"] == 2  # the priority, and the reopening
    assert await states(day) == {"host-0": "open", "host-1": "open", "host-2": "open"}
    accepted, placed = day.walk()
    assert accepted == placed

    await change_mode(day, "shadow")  # a restart: what was planned is found again

    async def clears() -> None:
        await day.post(alert("host-2", CLIENT, cleared=True))

    await day.run(clears(), hours=1)
    assert (await states(day))["host-2"] == "closed"
    assert isinstance(day.parts.desk, ShadowDesk)
    assert day.parts.desk.planned.counts["create"] == 0
    assert writes(day) == []


async def test_going_live_makes_tickets_for_what_fires_alone(make_day: MakeDay) -> None:
    day = make_day()
    await change_mode(day, "shadow")

    async def sender() -> None:
        await day.post(*(alert(f"host-{number}", CLIENT) for number in range(4)))
        await asyncio.sleep(1200)
        await day.post(alert("host-0", CLIENT, cleared=True))
        await asyncio.sleep(2375)
        await day.post(alert("host-1", CLIENT, cleared=True))  # on hold when the mode changes

    await day.run(sender(), hours=1)
    assert await states(day) == {
        "host-0": "closed",
        "host-1": "holding",
        "host-2": "open",
        "host-3": "open",
    }
    assert writes(day) == []

    await change_mode(day, "live")
    await change_mode(day, "live")  # a crash in between does no harm
    await day.run(hours=1)
    assert sorted(ticket["title"].rpartition(" ")[2] for ticket in day.tickets) == ["host-2", "host-3"]
    assert await states(day) == {
        "host-0": "closed",
        "host-1": "closed",
        "host-2": "open",
        "host-3": "open",
    }

    async def over() -> None:
        await day.post(alert("host-2", CLIENT, cleared=True), alert("host-0", CLIENT))

    await day.run(over(), hours=1)
    by_host = {ticket["title"].rpartition(" ")[2]: ticket["status"] == 5 for ticket in day.tickets}
    assert by_host == {"host-0": False, "host-2": True, "host-3": False}
    accepted, placed = day.walk()
    assert accepted == placed


async def test_a_store_with_real_tickets_does_not_go_into_the_shadow(make_day: MakeDay) -> None:
    day = make_day()

    async def sender() -> None:
        await day.post(alert("host-0", CLIENT))

    await day.run(sender(), hours=1)
    with pytest.raises(ModeRefused, match="holds real tickets"):
        await change_mode(day, "shadow")


async def test_no_write_leaves_whoever_asks_for_it(make_day: MakeDay) -> None:
    day = make_day()
    await change_mode(day, "shadow")
    with pytest.raises(Rejected, match='mode is "shadow"'):
        await day.parts.desk.client.create("Tickets", "Tickets", {"title": "x"})
    with pytest.raises(Rejected, match='mode is "shadow"'):
        await day.parts.desk.move(-1, 0)
    assert writes(day) == []
