"""Windows, time intervals and business hours over simulated days, by the simulator's books."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from alertd.app.live import bring_to_life
from alertd.core.incidents import Silenced
from alertd.core.matchers import parse_matchers
from alertd.core.silences import Silence
from tests.days.conftest import START, Day, alert

pytestmark = pytest.mark.looptime(noop_cycles=0)

MakeDay = Callable[..., Day]
CUSTOMER = "Acme Dental Group"
# the day begins on a Monday at 03:00 UTC, which is Sunday 22:00 in Toronto
WINDOW = """
[[windows]]
name = "patch night"
matchers = ['host=~"in-.*"']
cron = "5 22 * * SUN"
duration = "20m"
timezone = "America/Toronto"
comment = "monthly patches"
"""
CLOCK = """
hours = "office"
outside = { board = "on-call", priority_as = { warning = "low" } }

[[route.routes]]
name = "office alone"
matchers = ['host=~"day-.*"']
active_time_intervals = ["office"]

[[boards]]
name = "on-call"
queue = "Network"

[[time_intervals]]
name = "office"
time_intervals = [{ times = [{ start_time = "03:20", end_time = "17:00" }], weekdays = ["monday:friday"] }]
"""


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def made_at(day: Day) -> dict[str, datetime]:
    """When each host's ticket was made."""
    return {
        ticket["title"].rpartition(" ")[2]: datetime.fromisoformat(ticket["createDate"])
        for ticket in day.tickets
    }


def is_accounted(day: Day) -> bool:
    accepted, placed = day.walk()
    return accepted == placed == sum(len(alerts) for alerts in day._alerts.values())


async def test_a_window_holds_and_drops_nothing(make_day: MakeDay) -> None:
    """Before it, inside it, over inside it, and standing when it begins; a restart in the middle."""
    day = make_day(more=WINDOW)

    async def sender() -> None:
        await day.post(alert("in-before", CUSTOMER))  # at 03:00, five minutes before
        await asyncio.sleep(600)
        await day.post(alert("in-fires", CUSTOMER), alert("in-clears", CUSTOMER), alert("out-1", CUSTOMER))
        await asyncio.sleep(240)
        await day.post(alert("in-clears", CUSTOMER, cleared=True), alert("in-before", CUSTOMER, cleared=True))

    await day.run(sender(), hours=1 / 3)
    assert sorted(made_at(day)) == ["in-before", "out-1"]
    [before] = [each for each in day.tickets if each["title"].endswith("in-before")]
    assert before["status"] == 5  # a clear passes
    day.boot()
    await day.run(hours=1 / 5)

    made = made_at(day)
    assert sorted(made) == ["in-before", "in-fires", "out-1"]
    assert timedelta() <= made["in-fires"] - at(25) < timedelta(minutes=1)
    [late] = [each for each in day.tickets if each["title"].endswith("in-fires")]
    said = "During window patch night (monthly patches) from 2026-11-23 03:10 UTC until 2026-11-23 03:25 UTC"
    assert said in late["description"]
    assert "Since: 2026-11-23 03:10 UTC" in late["description"]
    assert is_accounted(day)


async def test_a_reload_changes_windows_at_once_and_no_others(make_day: MakeDay) -> None:
    other = WINDOW.replace("patch night", "other").replace("in-", "other-")
    day = make_day(more=WINDOW + other)

    async def sender() -> None:
        await asyncio.sleep(600)
        await day.post(alert("in-1", CUSTOMER), alert("other-1", CUSTOMER), alert("new-1", CUSTOMER))
        await asyncio.sleep(300)
        assert sorted(made_at(day)) == ["new-1"]
        file = day.folder / "alertd.toml"
        file.write_text(file.read_text().replace('"patch night"', '"moved"').replace("in-", "new-"))
        await day.parts.swap(bring_to_life(file, {}))
        await asyncio.sleep(60)
        assert sorted(made_at(day)) == ["in-1", "new-1"]
        await day.post(alert("new-2", CUSTOMER))

    await day.run(sender(), hours=0.5)
    made = made_at(day)
    assert timedelta() <= made["in-1"] - at(15) < timedelta(minutes=1)
    for host in ("other-1", "new-2"):
        assert timedelta() <= made[host] - at(25) < timedelta(minutes=1)
    assert is_accounted(day)


async def test_routes_go_by_the_clock(make_day: MakeDay) -> None:
    day = make_day(more=CLOCK)
    states = {}

    async def sender() -> None:
        await day.post(alert("night-1", CUSTOMER), alert("day-1", CUSTOMER))
        await asyncio.sleep(600)
        states["night"] = {each["title"].rpartition(" ")[2]: each["priority"] for each in day.tickets}
        loaded = await day.parts.store.firing()
        [held] = [
            each.incident for each in loaded.incidents.values() if isinstance(each.incident.phase, Silenced)
        ]
        assert held.phase.by == ("office",)  # type: ignore[union-attr]
        await asyncio.sleep(900)
        await day.post(alert("noon-1", CUSTOMER))

    await day.run(sender(), hours=0.5)
    queues = {str(queue["label"]): queue["id"] for queue in day.queues}
    tickets = {each["title"].rpartition(" ")[2]: each for each in day.tickets}
    assert timedelta() <= made_at(day)["day-1"] - at(20) < timedelta(minutes=1)
    assert tickets["night-1"]["queueID"] == queues["Network"]
    assert tickets["noon-1"]["queueID"] == queues["NOC"]
    assert states["night"]["night-1"] != tickets["night-1"]["priority"] == tickets["noon-1"]["priority"]
    assert is_accounted(day)


async def test_a_silence_is_reminded_of_before_its_end(make_day: MakeDay) -> None:
    """Once, over a restart too, and no more when it is prolonged; nobody is reminded of an idle one."""
    day = make_day(more='[silences]\nremind_before = "20m"\n')
    hour = timedelta(hours=1)
    kept = [
        a_silence("busy", 'host="a-1"', START + hour / 2),
        a_silence("idle", 'host="b-1"', START + hour / 2),
    ]

    async def sender() -> None:
        await day.parts.silences.keep(*kept)
        await day.post(alert("a-1", CUSTOMER))

    await day.run(sender(), hours=0.1)
    assert day.tickets == []
    await day.run(hours=0.1)
    day.boot()
    await day.parts.silences.load()
    await day.run(hours=0.1)
    [reminder] = day.tickets
    assert reminder["title"].startswith("Silence ends 2026-11-23 03:30 UTC: 1 incident waits")
    assert "Silence busy of" in reminder["description"]
    assert "noc: disks" in reminder["description"]

    async def prolong() -> None:
        await day.parts.silences.keep(replace(kept[0], ends_at=START + 2 * hour))

    await day.run(prolong(), hours=0.15)
    [reminder] = day.tickets
    assert reminder["status"] == 5


def a_silence(id_: str, matchers: str, ends_at: datetime) -> Silence:
    return Silence(
        id=id_,
        matchers=parse_matchers(matchers),
        starts_at=START,
        ends_at=ends_at,
        created_by="noc",
        comment="disks",
        updated_at=START,
    )
