"""Pacing by a real process: what Autotask refuses, restarts with a wrong secret, a flood and quiet ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alertd.simulator import API_SECRET
from tests.system.site import Site, a_site, alert

pytestmark = pytest.mark.system


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        yield site


def refused(site: Site, status: int) -> int:
    return sum(call.status == status for call in site.calls["calls"])


async def metric(site: Site, name: str) -> float:
    _, text = await site.ask("/metrics")
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


async def test_thread_refusals_are_waited_out_and_no_ticket_is_made_twice(site: Site) -> None:
    await site.start()
    await site.post(alert("first"))
    await site.settled()
    site.fault(kind="thread_refusal", endpoint="Tickets", action="create", count=3)
    await site.post(*(alert(f"h{n}") for n in range(5)))
    await site.settled()

    assert len(site.tickets) == 6
    assert refused(site, 429) == 3
    assert await metric(site, 'alertd_autotask_refusals_total{cause="threads"}') == 3
    assert max(site.calls["highWater"].values()) <= 2


async def test_a_refused_tenant_is_left_alone_for_as_long_as_it_says(site: Site) -> None:
    await site.start()
    site.tenant({"switches": {"threshold_retry_after": 3}})
    site.fault(kind="others_usage", requests=10_000)
    await site.post(*(alert(f"h{n}") for n in range(20)))
    await site.until(lambda: refused(site, 429) >= 2)
    site.heal()
    await site.settled()

    times = [call.at for call in site.calls["calls"] if call.status == 429]
    assert all(later - at >= 3 for at, later in zip(times, times[1:], strict=False))
    assert len(site.tickets) == 20


async def told_of_refusals(site: Site, times: int) -> None:
    await site.until(lambda: site.read_output().count("autotask.credential_refused") >= times)


async def test_restarts_with_a_wrong_secret_add_no_failed_logins(site: Site) -> None:
    site.secret("autotask-secret", "wrong")
    await site.start()
    await site.post(*(alert(f"h{n}") for n in range(50)))
    for restarts in range(4):  # each life says once that it is refused
        await told_of_refusals(site, restarts + 1)
        await site.kill()
        await site.start()
    assert refused(site, 401) == 2
    await site.kill()
    site.secret("autotask-secret", API_SECRET)
    await site.start()
    await site.settled()

    assert refused(site, 401) == 2
    assert len(site.tickets) == 50


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_flooding_company_leaves_calls_to_quiet_ones(site: Site) -> None:
    companies = [{"id": 5000 + n, "name": f"Quiet {n}"} for n in range(50)] + [{"id": 6000, "name": "Flood"}]
    site.tenant({"companies": companies})
    site.configure(calls_per_hour="1000")
    await site.start()
    for start in range(0, 2000, 100):
        await site.post(*(alert(f"h{n}", customer="Flood") for n in range(start, start + 100)))
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(120):
        while not await metric(site, 'alertd_autotask_held_calls_total{cause="company"}'):
            await asyncio.sleep(0.2)
    began_s = loop.time()
    await site.post(*(alert("pc", customer=f"Quiet {n}") for n in range(50)))
    await site.until(lambda: _quiet(site) == 50, seconds=60)

    assert loop.time() - began_s < 60
    assert len(site.tickets) - 50 < 650  # the flood has no more than its part of the hour
    assert site.calls["rollingHour"]["counted"] <= 1000


def _quiet(site: Site) -> int:
    return sum(5000 <= ticket["companyID"] < 6000 for ticket in site.tickets)
