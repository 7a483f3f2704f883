"""A whole day on which other integrations use between nothing and almost all of the tenant's allowance."""

from __future__ import annotations

import asyncio

import pytest

from tests.days.conftest import HOUR_S, alert, busiest_hour
from tests.days.test_days import QUIET, MakeDay, everything_is_placed, ours_at, populate

pytestmark = pytest.mark.looptime(noop_cycles=0)

ALLOWANCE = 10_000
SHARES = (0.0, 0.3, 0.55, 0.75, 0.85, 0.95, 0.75, 0.4)  # of the allowance, used by others, an hour each


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_day_beside_a_noisy_neighbour(make_day: MakeDay) -> None:
    day = make_day()
    populate(day)
    critical_at: dict[str, float] = {}  # by host: others' share when it was posted

    async def neighbour() -> None:
        for hour in range(24):
            day.clear("others_usage")
            day.fault(kind="others_usage", requests=round(ALLOWANCE * SHARES[hour % len(SHARES)]))
            await asyncio.sleep(HOUR_S)

    async def customers() -> None:
        for number in range(24 * 12):
            await asyncio.sleep(HOUR_S / 12 - 1)
            await day.post(alert(f"host-q{number}", QUIET[number % len(QUIET)]))
            if number % 4 == 0:
                host = f"host-c{number}"
                share = SHARES[int(number / 12) % len(SHARES)]
                critical_at[host] = share
                await day.post(alert(host, QUIET[number * 7 % len(QUIET)], severity="critical"))
            if number >= 6:
                old = number - 6
                await day.post(alert(f"host-q{old}", QUIET[old % len(QUIET)], cleared=True))
            await asyncio.sleep(1)

    async def flood() -> None:
        for number in range(1500):
            await asyncio.sleep(20)
            await day.post(alert(f"host-flood-{number}", "Flood"))
            if number >= 90:
                await day.post(alert(f"host-flood-{number - 90}", "Flood", cleared=True))

    await day.run(neighbour(), customers(), flood(), hours=24.2)
    waited = day.waited()

    assert busiest_hour(ours_at(day)) <= 4000
    assert max(day.high_water.values()) <= 2
    assert 429 not in {each["status"] for each in day.calls}
    assert set(critical_at) <= set(waited)
    assert {host: waited[host] for host in critical_at if waited[host] >= 60} == {}
    assert everything_is_placed(day)
