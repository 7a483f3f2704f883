"""While nothing can be sent at all, `ready` says so itself, so that no incident is tried in vain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from alertd.autotask.budget import WINDOW
from alertd.autotask.credential import Credential
from alertd.autotask.desk import AutotaskDesk
from alertd.autotask.reach import FIRST_PAUSE, LONGEST_PAUSE
from alertd.autotask.transport import Around, Transport
from alertd.autotask.wire import Lost, NotSent, Reply, Request, Wire
from alertd.flows.errors import AuthRefused, Throttled, Unavailable
from tests.autotask.conftest import NOON, Control, FakeCallLog, FakeClock
from tests.autotask.test_transport import CREATE, READ, make, value


class Cable(Wire):
    """A wire that can be pulled out, and counts what is tried then; the zone can be asked all the same."""

    def __init__(self) -> None:
        super().__init__()
        self.pulled = False
        self.tried = 0

    async def exchange(self, request: Request) -> Reply:
        if not self.pulled or "zoneInformation" in request.url:
            return await super().exchange(request)
        self.tried += 1
        await asyncio.sleep(0)
        return NotSent("ClientConnectorError: no route")


@pytest.fixture
async def cable(desk: AutotaskDesk) -> Cable:
    made = desk.transport._wire = Cable()
    return made


@pytest.fixture
async def ready(desk: AutotaskDesk, cable: Cable) -> AutotaskDesk:
    await desk.ready()
    return desk


@pytest.fixture
async def unreached(ready: AutotaskDesk, cable: Cable) -> AutotaskDesk:
    """A desk that has just found out that no connection can be made."""
    cable.pulled = True
    with pytest.raises(Unavailable):
        await ready.transport.send(READ)
    cable.tried = 0
    return ready


async def calls_of(control: Control) -> int:
    return int((await control.get("calls"))["total"])


# --- our own budget, and the tenant's


async def test_ready_is_throttled_until_the_next_slot_while_our_budget_is_spent(
    ready: AutotaskDesk, control: Control, clock: FakeClock
) -> None:
    gate, before = ready.transport.gate, await calls_of(control)
    clock.forward(minutes=30)
    for _ in range(gate.remaining()):
        gate.scheduler.budget.spend(clock.now())
    told = []
    for _ in range(2):
        with pytest.raises(Throttled) as caught:
            await ready.ready()
        told.append((caught.value.retry_after, str(caught.value)))
        clock.forward(minutes=10)
    half = (WINDOW - timedelta(minutes=30)).total_seconds()
    assert [seconds for seconds, _ in told] == [half, half - 600]
    assert told[0][1] == told[1][1]  # one trouble, told in one way
    assert await calls_of(control) == before
    clock.forward(seconds=half - 1200)
    ready.transport.check()
    clock.forward(hours=1)
    await ready.ready()


async def test_ready_is_throttled_when_its_own_calls_have_spent_the_budget(
    ready: AutotaskDesk, clock: FakeClock
) -> None:
    gate = ready.transport.gate
    clock.forward(minutes=3)
    for _ in range(gate.remaining() - 1):
        gate.scheduler.budget.spend(clock.now())
    with pytest.raises(Throttled):
        await ready.ready()  # the tenant's counter was read with the last one


async def test_ready_is_throttled_while_autotask_refuses_the_tenant(
    ready: AutotaskDesk, control: Control, clock: FakeClock
) -> None:
    await control.fault("others_usage", requests=10_000)
    with pytest.raises(Throttled):
        await ready.transport.send(CREATE)
    before = await calls_of(control)
    with pytest.raises(Throttled) as caught:
        await ready.ready()
    assert caught.value.retry_after == 60
    assert await calls_of(control) == before
    await control.heal()
    clock.forward(seconds=61)
    await ready.ready()


# --- the credential


async def test_ready_is_refused_while_the_credential_is(
    ready: AutotaskDesk, control: Control, clock: FakeClock, registry: CollectorRegistry
) -> None:
    await control.fault("wrong_secret")
    with pytest.raises(AuthRefused):
        await ready.transport.send(CREATE)
    before = value(registry, "alertd_autotask_requests_total", endpoint="ZoneInformation", outcome="ok")
    for _ in range(30):
        clock.forward(seconds=10)
        with pytest.raises(AuthRefused):
            await ready.ready()
    after = value(registry, "alertd_autotask_requests_total", endpoint="ZoneInformation", outcome="ok")
    assert 4 <= after - before <= 5  # a move would be noticed, by one question a minute
    assert value(registry, "alertd_autotask_requests_total", endpoint="Tickets", outcome="auth") == 1
    assert (await control.get("calls"))["statuses"].get("401") == 1


async def test_ready_notices_that_the_zone_has_moved_and_the_credential_is_good(
    ready: AutotaskDesk, control: Control, clock: FakeClock
) -> None:
    await control.fault("wrong_secret")
    with pytest.raises(AuthRefused):
        await ready.transport.send(CREATE)
    await control.heal()
    await control.fault("moved_zone", zone_path="/zone2/ATServicesRest/")
    clock.forward(minutes=2)
    await ready.ready()
    assert not ready.transport.login.refused


async def test_ready_waits_to_hear_whether_a_suspected_credential_is_refused(ready: AutotaskDesk) -> None:
    ready.transport.login.suspect()
    asked = asyncio.create_task(ready.ready())
    await asyncio.sleep(0.01)
    assert not asked.done()
    ready.transport.login.refuse("no", until=NOON + timedelta(hours=1))
    with pytest.raises(AuthRefused):
        await asked


# --- the way there


async def test_calls_that_never_left_give_the_budget_back_and_stay_recorded(
    ready: AutotaskDesk, cable: Cable, call_log: FakeCallLog
) -> None:
    left, recorded = ready.transport.gate.remaining(), len(call_log.calls)
    cable.pulled = True
    for call in (READ, CREATE):
        with pytest.raises(Unavailable):
            await ready.transport.send(call)
    assert ready.transport.gate.remaining() == left
    assert len(call_log.calls) == recorded + 2


async def test_nothing_listening_costs_no_budget(
    ready: AutotaskDesk, zone_url: str, credential: Credential, around: Around, call_log: FakeCallLog
) -> None:
    del ready  # the zone is remembered
    call_log.calls.clear()
    transport: Transport = make("http://127.0.0.1:9/atservicesrest", credential, around)
    zone = await make(zone_url, credential, around).zone()
    transport._zones._zone = type(zone)(
        url="http://127.0.0.1:9/ATServicesRest/", web_url="", name="", tenant_id=zone.tenant_id
    )
    with pytest.raises(Unavailable):
        await transport.send(CREATE)
    assert len(call_log.calls) == 1
    assert transport.gate.remaining() == transport.gate.scheduler.budget.calls
    await transport.close()


async def test_ready_is_unavailable_for_a_pause_that_grows(
    unreached: AutotaskDesk, cable: Cable, clock: FakeClock
) -> None:
    pauses = [FIRST_PAUSE]
    while len(pauses) < 10:
        with pytest.raises(Unavailable, match="could not be reached"):
            await unreached.ready()
        clock.forward(seconds=pauses[-1].total_seconds() - 0.001)
        with pytest.raises(Unavailable):
            await unreached.ready()
        assert cable.tried == len(pauses) - 1  # nothing is tried before the pause is over
        clock.forward(seconds=0.001)
        with pytest.raises(Unavailable):
            await unreached.ready()
        assert cable.tried == len(pauses)
        pauses.append(min(2 * pauses[-1], LONGEST_PAUSE))
    assert pauses[-1] == LONGEST_PAUSE


async def test_one_caller_tries_after_the_pause(
    unreached: AutotaskDesk, cable: Cable, clock: FakeClock
) -> None:
    clock.forward(seconds=FIRST_PAUSE.total_seconds())
    results = await asyncio.gather(*(unreached.ready() for _ in range(10)), return_exceptions=True)
    assert cable.tried == 1
    assert all(isinstance(result, Unavailable) for result in results)


async def test_many_calls_that_fail_at_once_are_one_failure(
    ready: AutotaskDesk, cable: Cable, clock: FakeClock
) -> None:
    cable.pulled = True
    await asyncio.gather(*(ready.transport.send(CREATE) for _ in range(20)), return_exceptions=True)
    clock.forward(seconds=FIRST_PAUSE.total_seconds())
    cable.pulled = False
    await ready.ready()


async def test_a_connection_that_can_be_made_again_ends_the_pause_and_its_growth(
    unreached: AutotaskDesk, cable: Cable, control: Control, clock: FakeClock
) -> None:
    for _ in range(6):
        clock.forward(minutes=2)
        with pytest.raises(Unavailable):
            await unreached.ready()
    cable.pulled = False
    clock.forward(minutes=2)
    before = await calls_of(control)
    with capture_logs() as logs:
        await unreached.ready()
        await unreached.ready()
    assert await calls_of(control) == before + 1
    assert [each["event"] for each in logs] == ["autotask.reached_again"]
    cable.pulled = True
    with pytest.raises(Unavailable):
        await unreached.transport.send(READ)
    clock.forward(seconds=FIRST_PAUSE.total_seconds())
    cable.pulled = False
    await unreached.ready()


async def test_whatever_answers_can_be_reached(
    unreached: AutotaskDesk, cable: Cable, control: Control, clock: FakeClock
) -> None:
    cable.pulled = False
    await control.fault("refuse", status=503)
    clock.forward(minutes=1)
    await unreached.ready()


# --- never left, for sure


@pytest.fixture
async def deaf() -> AsyncIterator[str]:
    """A server that answers once, and is gone when it has read the second request of the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        await reader.readuntil(b"\r\n\r\n")
        server.close()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    server.close()


async def test_a_request_that_left_and_could_not_be_repeated_is_lost(deaf: str) -> None:
    wire = Wire()
    request = Request(method="DELETE", url=deaf, most=100, connect_s=5.0, total_s=5.0)
    await wire.exchange(request)
    assert isinstance(await wire.exchange(request), Lost)
    assert isinstance(await wire.exchange(request), NotSent)
    await wire.close()
