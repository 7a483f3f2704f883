"""What must hold over simulated hours and days, by the simulator's books."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.days.conftest import HOUR_S, START, Day, alert, busiest_hour

pytestmark = pytest.mark.looptime(noop_cycles=0)

MakeDay = Callable[..., Day]
QUIET = [f"Quiet {number:02}" for number in range(50)]


def populate(day: Day) -> None:
    """Give the tenant fifty quiet customers, and one that is not."""
    names = [*QUIET, "Flood"]
    day.tenant({"companies": [{"name": name, "type": "Customer"} for name in names]})


def ours_at(day: Day) -> list[float]:
    """Return when each of our calls began, in seconds of the day."""
    return [each["at"] - START.timestamp() for each in day.calls]


def failed_logins(day: Day) -> list[float]:
    return [each["at"] - START.timestamp() for each in day.calls if each["status"] == 401]


def everything_is_placed(day: Day) -> bool:
    accepted, placed = day.walk()
    return accepted == placed == sum(len(alerts) for alerts in day._alerts.values())


async def test_a_plain_hour(make_day: MakeDay) -> None:
    day = make_day()

    async def sender() -> None:
        await day.post(alert("host-1", "Acme Dental Group"))
        await asyncio.sleep(600)
        await day.post(alert("host-1", "Acme Dental Group", cleared=True))

    await day.run(sender(), hours=1)
    [ticket] = day.tickets

    assert ticket["status"] == 5
    assert day.waited()["host-1"] < 5
    assert everything_is_placed(day)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_flooding_company_does_not_delay_fifty_quiet_ones(make_day: MakeDay) -> None:
    """The flood alone wants more calls than two hours' budget has."""
    day = make_day()
    populate(day)

    async def flood() -> None:
        for first in range(0, 3000, 100):
            await day.post(*[alert(f"host-flood-{number}", "Flood") for number in range(first, first + 100)])

    async def quiet() -> None:
        for number, name in enumerate(QUIET):
            await asyncio.sleep(120)
            await day.post(alert(f"host-quiet-{number}", name))

    await day.run(flood(), quiet(), hours=2)
    waited = day.waited()

    late = {host: round(seconds) for host, seconds in waited.items() if "quiet" in host and seconds >= 60}
    assert not late
    assert sum("quiet" in host for host in waited) == len(QUIET)
    assert busiest_hour(ours_at(day)) <= 4000
    assert max(day.high_water.values()) <= 2


async def test_a_wrong_secret_costs_two_failed_logins_an_hour(make_day: MakeDay) -> None:
    day = make_day()
    populate(day)
    day.fault(kind="wrong_secret")
    for number in range(300):
        await day.post(alert(f"host-{number}", QUIET[number % len(QUIET)]))
    for _ in range(4):  # whoever sees it fail restarts it
        await day.run(hours=0.1)
        day.boot()
    await day.run(hours=4)

    assert len(failed_logins(day)) >= 1
    assert busiest_hour(failed_logins(day)) <= 2
    assert not day.tickets


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_six_hours_without_autotask(make_day: MakeDay) -> None:
    """5 alerts a minute for six hours; every tenth is critical, every third is soon over."""
    day = make_day(more='missed = "ticket"\n')
    populate(day)
    back_at = 6 * HOUR_S

    async def outage() -> None:
        await asyncio.sleep(60)
        day.fault(kind="down")
        await asyncio.sleep(back_at - 60)
        day.clear("down")

    async def sender() -> None:
        await asyncio.sleep(61)
        for number in range(1800):
            await asyncio.sleep(11.9)
            severity = "critical" if number % 10 == 0 else "warning"
            await day.post(alert(f"host-{number}", QUIET[number % len(QUIET)], severity=severity))
            if number % 3 == 2:
                await day.post(
                    alert(f"host-{number}", QUIET[number % len(QUIET)], severity=severity, cleared=True)
                )

    await day.run(outage(), sender(), hours=7.6)
    made_at = {host: day.posted_at[host] + waited - back_at for host, waited in day.waited().items()}
    critical = [made_at[f"host-{number}"] for number in range(0, 1800, 10)]
    others = [at for host, at in made_at.items() if int(host.removeprefix("host-")) % 10]

    assert len(made_at) == 1800
    assert max(made_at.values()) < 90 * 60
    assert sorted(critical)[-1] < sorted(others)[len(others) // 2]
    assert busiest_hour(ours_at(day)) <= 4000
    assert everything_is_placed(day)
    assert len({ticket["externalID"] for ticket in day.tickets}) == 1800
