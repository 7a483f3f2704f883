"""A wrong secret: at most two failed logins in any rolling hour, whatever waits, over restarts too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from alertd.autotask.logins import FailedLogins
from alertd.autotask.precedence import Precedence
from alertd.autotask.shares import Errand
from alertd.autotask.transport import Call, Transport
from alertd.flows.errors import AuthRefused, PortError, Throttled
from tests.autotask.virtual import Tenant, most_in_an_hour, run_virtually

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
READ = Call(method="GET", path="Tickets/1", endpoint="Tickets")


def failed_at(tenant: Tenant) -> list[float]:
    return [each.at for each in tenant.calls() if each.status == 401]


async def hammer(transport: Transport, seconds: float) -> None:
    """Let eight callers try whenever they may, and the settle flow ask whether it may."""

    async def call(try_: Callable[[], Awaitable[object]]) -> None:
        while True:
            with suppress(PortError):
                await try_()
            await asyncio.sleep(5.0)

    tries = [transport.open_way, transport.read_usage, *[lambda: transport.send(READ)] * 8]
    tasks = [asyncio.create_task(call(each)) for each in tries]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_a_wrong_secret_all_day() -> None:
    async def all_day() -> None:
        tenant = Tenant(lockout_after=0)
        await hammer(tenant.transport(secret="wrong"), 8 * 3600.0)
        failed = failed_at(tenant)
        assert most_in_an_hour(failed) <= 2
        assert [round((later - failed[0]) / 60) for later in failed[1:4]] == [15, 75, 135]

    run_virtually(all_day())


@pytest.mark.parametrize("lives_s", [1.5, 400.0, 2000.0])
def test_restarts_add_no_failed_logins(lives_s: float) -> None:
    async def crash_looping() -> None:
        tenant = Tenant(lockout_after=0)
        for _ in range(min(100, int(3 * 3600 / lives_s))):
            await hammer(tenant.transport(secret="wrong"), lives_s)
        failed = failed_at(tenant)
        assert len(failed) >= 2
        assert most_in_an_hour(failed) <= 2

    run_virtually(crash_looping())


def test_a_changed_secret_is_tried_at_once_and_the_old_one_is_not() -> None:
    async def changing() -> None:
        tenant = Tenant()
        bad = tenant.transport(secret="wrong")
        await hammer(bad, 1200.0)
        assert len(failed_at(tenant)) == 2
        with pytest.raises(AuthRefused, match="again at"):
            await tenant.transport(secret="wrong").send(READ)
        good = tenant.transport()
        await good.send(READ)
        bad.credential_changed(good.login.credential)
        await bad.send(READ)
        assert len(failed_at(tenant)) == 2

    run_virtually(changing())


def test_a_secret_put_right_after_hours_lets_calls_come_back_by_and_by() -> None:
    async def put_right() -> None:
        tenant = Tenant(lockout_after=0)
        transport = tenant.transport(secret="wrong")
        right = tenant.transport().login.credential
        await hammer(transport, 3600.0)
        transport.credential_changed(right)
        await transport.send(READ)
        most = Errand(endpoint="Tickets", precedence=Precedence.CREATE)
        gone = 0
        with suppress(Throttled):
            while gone < 1000:
                transport.scheduler.start(most, tenant.clock.now())
                gone += 1
        assert gone < 100

    run_virtually(put_right())


def test_an_account_that_is_unlocked_is_found_again_by_itself() -> None:
    async def unlocked() -> None:
        tenant = Tenant()
        transport = tenant.transport()
        await transport.send(READ)
        tenant.fault("locked")
        await hammer(transport, 600.0)
        tenant.heal()
        await hammer(transport, 3600.0)  # two were on their way at once, so the next may go an hour later
        assert transport.login.proven

    run_virtually(unlocked())


def test_no_secret_is_kept() -> None:
    async def kept() -> None:
        tenant = Tenant()
        await hammer(tenant.transport(secret="hush-hush"), 10.0)
        assert "failed_at" in (await tenant.memory.get("autotask.failed_logins") or "")
        assert "hush" not in str(tenant.memory.__dict__)

    run_virtually(kept())


def test_two_at_one_time_are_two() -> None:
    """Calls that were on their way when the secret was changed are refused together."""
    both = FailedLogins("salt", "mark").and_at(NOON).and_at(NOON)
    assert both.next_at() > NOON + timedelta(hours=1)
    assert both.earliest() == both.next_at()
