from __future__ import annotations

import asyncio
import gzip
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aioresponses import aioresponses
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from alertd.autotask.credential import Credential
from alertd.autotask.settings import ZONE_URL
from alertd.autotask.transport import Around, Call, Transport
from alertd.core.secret import Secret
from alertd.flows.errors import AuthRefused, OutcomeUnknown, PortError, Rejected, Throttled, Unavailable
from alertd.simulator import API_SECRET, API_USERNAME
from tests.autotask.conftest import FakeCallLog, FakeClock, autotask_that, make_settings, short_timeouts

API = "https://webservices18.autotask.net/ATServicesRest/V1.0"
LOOK_UP = f"{ZONE_URL}/v1.0/zoneInformation?user=alertd-api%40msp.example"
ZONE = {
    "zoneName": "Z",
    "url": "https://webservices18.autotask.net/ATServicesRest/",
    "webUrl": "https://ww18.autotask.net/",
    "ci": 30595,
}
READ = Call(method="GET", path="Tickets/1", endpoint="Tickets")
CREATE = Call(method="POST", path="Tickets", endpoint="Tickets", body={"title": "x"}, writes=True)


def make(zone_url: str, credential: Credential, around: Around, **more: Any) -> Transport:
    return Transport(make_settings(zone_url, **more), credential, around)


def value(registry: CollectorRegistry, name: str, **labels: str) -> float:
    found = registry.get_sample_value(name, labels)
    assert found is not None, f"{name}{labels} does not exist"
    return found


# --- single mappings, mocked


async def test_a_call_carries_the_three_headers_to_the_zone_verbatim(
    mocked: aioresponses, credential: Credential, around: Around
) -> None:
    mocked.get(LOOK_UP, payload=ZONE)
    mocked.post(f"{API}/Tickets", payload={"itemId": 7})
    transport = make(ZONE_URL, credential, around)
    assert await transport.send(CREATE) == {"itemId": 7}
    asked, made = (calls[0].kwargs for calls in mocked.requests.values())
    assert "Secret" not in asked["headers"]
    assert made["headers"]["Secret"] == API_SECRET
    assert made["headers"]["UserName"] == API_USERNAME
    assert made["headers"]["Content-Type"] == "application/json"
    assert made["data"] == b'{"title":"x"}'
    assert made["allow_redirects"] is False
    await transport.close()


@pytest.mark.parametrize(
    ("status", "body", "call", "error"),
    [
        pytest.param(500, {"errors": ["Missing Required Field: title"]}, CREATE, Rejected, id="refusal"),
        pytest.param(500, {"errors": ["?"]}, CREATE, OutcomeUnknown, id="unknown text"),
        pytest.param(503, {}, CREATE, OutcomeUnknown, id="503"),
        pytest.param(503, {}, READ, Unavailable, id="503 on a read"),
        pytest.param(429, {}, READ, Throttled, id="429"),
        pytest.param(401, {}, READ, AuthRefused, id="401"),
    ],
)
async def test_statuses(
    mocked: aioresponses,
    credential: Credential,
    around: Around,
    status: int,
    body: dict[str, Any],
    call: Call,
    error: type[PortError],
) -> None:
    mocked.get(LOOK_UP, payload=ZONE, repeat=True)
    mocked.add(f"{API}/{call.path}", method=call.method, status=status, payload=body)
    transport = make(ZONE_URL, credential, around)
    with pytest.raises(error):
        await transport.send(call)
    await transport.close()


@pytest.mark.parametrize(
    ("exception", "error"),
    [
        pytest.param(aiohttp.ConnectionTimeoutError(), Unavailable, id="no connection in time"),
        pytest.param(aiohttp.SocketTimeoutError(), OutcomeUnknown, id="no answer in time"),
        pytest.param(TimeoutError(), OutcomeUnknown, id="the whole call took too long"),
        pytest.param(aiohttp.ServerDisconnectedError(), OutcomeUnknown, id="closed without an answer"),
        pytest.param(aiohttp.ClientOSError(104, "reset"), OutcomeUnknown, id="reset"),
        pytest.param(aiohttp.ClientPayloadError("cut"), OutcomeUnknown, id="cut off"),
    ],
)
async def test_lost_writes(
    mocked: aioresponses, credential: Credential, around: Around, exception: Exception, error: type[PortError]
) -> None:
    mocked.get(LOOK_UP, payload=ZONE, repeat=True)
    mocked.post(f"{API}/Tickets", exception=exception)
    transport = make(ZONE_URL, credential, around)
    with pytest.raises(error):
        await transport.send(CREATE)
    await transport.close()


async def test_a_wrong_integration_code_is_a_refused_credential(
    mocked: aioresponses, credential: Credential, around: Around
) -> None:
    mocked.get(LOOK_UP, payload=ZONE, repeat=True)
    mocked.get(f"{API}/Tickets/1", status=500, payload={"errors": ["IntegrationCode is not valid."]})
    transport = make(ZONE_URL, credential, around)
    for _ in range(3):
        with pytest.raises(AuthRefused):
            await transport.send(READ)
    assert transport.login.refused
    await transport.close()


async def test_the_first_answer_being_500_hints_at_the_credential(
    mocked: aioresponses, credential: Credential, around: Around
) -> None:
    mocked.get(LOOK_UP, payload=ZONE)
    mocked.get(f"{API}/Tickets/1", status=500, payload={"errors": ["Something is wrong"]})
    transport = make(ZONE_URL, credential, around)
    with pytest.raises(Unavailable, match="perhaps the user name or the integration code"):
        await transport.send(READ)
    await transport.close()


async def test_an_unknown_user_is_said_to_be_possible(
    mocked: aioresponses, credential: Credential, around: Around
) -> None:
    mocked.get(LOOK_UP, status=500, payload={"errors": ["Zone information could not be determined"]})
    transport = make(ZONE_URL, credential, around)
    with pytest.raises(Unavailable, match="the username is wrong"):
        await transport.send(READ)
    await transport.close()


async def test_a_zone_off_the_list_never_gets_the_credential(
    mocked: aioresponses, credential: Credential, around: Around
) -> None:
    mocked.get(LOOK_UP, payload=ZONE | {"url": "https://evil.example/ATServicesRest/"})
    transport = make(ZONE_URL, credential, around)
    with pytest.raises(Unavailable, match="no zone host of Autotask"):
        await transport.send(READ)
    assert len(mocked.requests) == 1
    await transport.close()


async def test_the_zone_is_remembered_over_a_restart(
    mocked: aioresponses, credential: Credential, around: Around
) -> None:
    mocked.get(LOOK_UP, payload=ZONE)
    for _ in range(2):
        transport = make(ZONE_URL, credential, around)
        assert (await transport.zone()).tenant_id == 30595
        await transport.close()
    assert sum(len(calls) for calls in mocked.requests.values()) == 1


async def test_outcomes_are_counted(
    mocked: aioresponses, credential: Credential, around: Around, registry: CollectorRegistry
) -> None:
    name = "alertd_autotask_requests_total"
    assert value(registry, name, endpoint="Tags", outcome="auth") == 0
    mocked.get(LOOK_UP, payload=ZONE)
    mocked.post(f"{API}/Tickets", payload={"itemId": 7})
    mocked.post(f"{API}/Tickets", status=504)
    transport = make(ZONE_URL, credential, around, calls_per_hour=4)
    await transport.send(CREATE)
    with pytest.raises(OutcomeUnknown):
        await transport.send(CREATE)
    assert value(registry, name, endpoint="Tickets", outcome="ok") == 1
    assert value(registry, name, endpoint="Tickets", outcome="unknown") == 1
    assert value(registry, name, endpoint="ZoneInformation", outcome="ok") == 1
    assert value(registry, "alertd_autotask_budget_remaining") == 2
    assert value(registry, "alertd_pressure_level") == 1
    assert value(registry, "alertd_autotask_request_duration_seconds_count") == 3
    await transport.close()


def test_a_credential_that_cannot_be_a_header_is_refused_without_showing_it() -> None:
    with pytest.raises(ValueError, match="line break") as caught:
        Credential(username="u", secret=Secret("hush\n"), integration_code=Secret("c"))
    assert "hush" not in str(caught.value)


# --- real HTTP


async def test_a_slow_write_is_unclear_and_a_slow_read_is_not(credential: Credential, around: Around) -> None:
    ended = asyncio.Event()

    async def react(_: web.Request) -> web.Response:
        await ended.wait()
        return web.json_response({"itemId": 1})

    async with autotask_that(react) as zone_url:
        transport = make(zone_url, credential, around, timeouts=short_timeouts())
        with pytest.raises(OutcomeUnknown):
            await transport.send(CREATE)
        with pytest.raises(Unavailable):
            await transport.send(READ)
        ended.set()
        await transport.close()


async def test_an_answer_that_trickles_ends_in_time(credential: Credential, around: Around) -> None:
    ended = asyncio.Event()

    async def react(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b'{"itemId":')
        await ended.wait()
        return answer

    async with autotask_that(react) as zone_url:
        transport = make(zone_url, credential, around, timeouts=short_timeouts())
        with pytest.raises(OutcomeUnknown):
            await transport.send(CREATE)
        ended.set()
        await transport.close()


async def test_a_401_counts_though_its_body_never_ends(credential: Credential, around: Around) -> None:
    ended = asyncio.Event()

    async def react(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(status=401)
        await answer.prepare(request)
        await answer.write(b"<html>")
        await ended.wait()
        return answer

    async with autotask_that(react) as zone_url:
        transport = make(zone_url, credential, around, timeouts=short_timeouts())
        with pytest.raises(AuthRefused):
            await transport.send(CREATE)
        ended.set()
        await transport.close()


async def test_an_answer_without_end_is_cut_after_inflation(credential: Credential, around: Around) -> None:
    bomb = gzip.compress(b'{"itemId": 1, "x": "' + b" " * 20_000_000 + b'"}')

    async def react(_: web.Request) -> web.Response:
        return web.Response(
            body=bomb, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"}
        )

    async with autotask_that(react) as zone_url:
        transport = make(zone_url, credential, around)
        with pytest.raises(OutcomeUnknown, match="larger than"):
            await transport.send(CREATE)
        await transport.close()


async def test_a_redirect_is_never_followed(credential: Credential, around: Around) -> None:
    paths: list[str] = []

    async def react(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=307, headers={"Location": f"http://{request.host}/stolen"})

    async with autotask_that(react) as zone_url:
        transport = make(zone_url, credential, around)
        with pytest.raises(OutcomeUnknown):
            await transport.send(CREATE)
        await transport.close()
    assert paths == ["/ATServicesRest/V1.0/Tickets"]


async def test_cookies_are_not_kept(credential: Credential, around: Around) -> None:
    seen: list[str | None] = []

    async def react(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Cookie"))
        answer = web.json_response({"itemId": 1})
        answer.set_cookie("session", "x")
        return answer

    async with autotask_that(react) as zone_url:
        transport = make(zone_url, credential, around)
        await transport.send(CREATE)
        await transport.send(CREATE)
        assert isinstance(transport._wire._open().cookie_jar, aiohttp.DummyCookieJar)
        await transport.close()
    assert seen == [None, None]


async def test_reads_bridge_over_blips_and_writes_are_sent_once(
    credential: Credential, around: Around
) -> None:
    methods: list[str] = []

    async def react(request: web.Request) -> web.Response:
        methods.append(request.method)
        if methods.count(request.method) < 3:
            return web.Response(status=503)
        return web.json_response({"item": None})

    async with autotask_that(react) as zone_url:
        transport = make(zone_url, credential, around)
        assert await transport.read(READ) == {"item": None}
        with pytest.raises(OutcomeUnknown):
            await transport.send(CREATE)
        await transport.close()
    assert methods == ["GET", "GET", "GET", "POST"]


async def test_nothing_listening_is_unavailable_for_writes_too(
    credential: Credential, around: Around
) -> None:
    async def react(_: web.Request) -> web.Response:
        return web.json_response({"itemId": 1})

    async with autotask_that(react) as zone_url:
        before = make(zone_url, credential, around)
        await before.send(CREATE)
        await before.close()
    transport = make(zone_url, credential, around)
    with pytest.raises(Unavailable):
        await transport.send(CREATE)
    await transport.close()


async def test_one_401_stops_every_caller(credential: Credential, around: Around, clock: FakeClock) -> None:
    logins = 0

    async def react(_: web.Request) -> web.Response:
        nonlocal logins
        logins += 1
        return web.Response(status=401)

    async with autotask_that(react) as zone_url:
        transport = make(zone_url, credential, around)
        results = await asyncio.gather(*(transport.send(READ) for _ in range(200)), return_exceptions=True)
        for _ in range(60):
            clock.forward(minutes=1)
            with pytest.raises(AuthRefused):
                await transport.send(READ)
        await transport.close()
    assert logins == 2  # the second a quarter of an hour later: it may have been a fault of Autotask's
    assert all(isinstance(result, Unavailable) for result in results)


async def test_a_changed_credential_opens_the_gate(credential: Credential, around: Around) -> None:
    async def react(request: web.Request) -> web.Response:
        good = request.headers["Secret"] == "new"
        return web.json_response({"itemId": 1}) if good else web.Response(status=401)

    async with autotask_that(react) as zone_url:
        transport = make(zone_url, credential, around)
        with pytest.raises(AuthRefused):
            await transport.send(CREATE)
        transport.credential_changed(
            Credential(username=API_USERNAME, secret=Secret("new"), integration_code=Secret("c"))
        )
        assert await transport.send(CREATE) == {"itemId": 1}
        await transport.close()


async def test_a_late_refusal_of_the_old_credential_says_nothing_of_the_new(
    credential: Credential, around: Around
) -> None:
    arrived, released = asyncio.Event(), asyncio.Event()

    async def react(request: web.Request) -> web.Response:
        if request.headers["Secret"] == "new":
            return web.json_response({"itemId": 1})
        if request.method == "GET":
            return web.json_response({"item": None})
        arrived.set()
        await released.wait()
        return web.Response(status=401)

    async with autotask_that(react) as zone_url:
        transport = make(zone_url, credential, around)
        await transport.send(Call(method="GET", path="Tickets/1", endpoint="Tickets"))
        late = asyncio.create_task(transport.send(CREATE))
        await arrived.wait()
        transport.credential_changed(
            Credential(username=API_USERNAME, secret=Secret("new"), integration_code=Secret("c"))
        )
        assert await transport.send(CREATE) == {"itemId": 1}
        released.set()
        with pytest.raises(Unavailable):
            await late
        assert await transport.send(CREATE) == {"itemId": 1}
        await transport.close()


async def test_a_caller_cut_off_while_the_zone_is_asked_leaves_the_gate_shut(
    credential: Credential, around: Around, clock: FakeClock
) -> None:
    asking, allowed = asyncio.Event(), asyncio.Event()

    async def react(_: web.Request) -> web.Response:
        return web.Response(status=401)

    async with autotask_that(react) as zone_url:
        transport = make(zone_url, credential, around)
        await transport.zone()
        clock.forward(minutes=5)

        async def hang(_: str) -> Any:
            asking.set()
            await allowed.wait()

        transport._zones._fetch = hang
        task = asyncio.create_task(transport.send(READ))
        await asking.wait()
        assert transport.login.suspected
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert transport.login.refused
        await transport.close()


async def test_a_refused_tenant_stops_every_endpoint(
    credential: Credential, around: Around, clock: FakeClock
) -> None:
    calls = 0

    async def react(_: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        return web.Response(status=429, headers={"Retry-After": "30"})

    async with autotask_that(react) as zone_url:
        transport = make(zone_url, credential, around)
        for call in (READ, CREATE, READ):
            with pytest.raises(Throttled):
                await transport.send(call)
        assert (calls, transport.pressure()) == (1, 3)
        clock.forward(seconds=31)
        with pytest.raises(Throttled):
            await transport.send(READ)
        assert calls == 2
        await transport.close()


async def test_the_budget_outlives_the_process(
    credential: Credential, around: Around, call_log: FakeCallLog, clock: FakeClock
) -> None:
    async def react(_: web.Request) -> web.Response:
        return web.json_response({"itemId": 1})

    async with autotask_that(react) as zone_url:
        before = make(zone_url, credential, around, calls_per_hour=2)
        for _ in range(2):
            await before.send(CREATE)
        await before.close()
        clock.forward(minutes=1)
        restarted = make(zone_url, credential, around, calls_per_hour=2)
        with pytest.raises(Throttled) as caught:
            await restarted.send(CREATE)
        await restarted.close()
    assert caught.value.retry_after > 3000
    assert len(call_log.calls) == 2


async def test_secrets_reach_no_log_and_no_error(around: Around) -> None:
    credential = Credential(
        username=API_USERNAME, secret=Secret("canary-1"), integration_code=Secret("canary-2")
    )

    async def react(request: web.Request) -> web.Response:
        if request.method == "GET" and request.transport is not None:
            request.transport.close()
        return web.json_response({"errors": ["nope"]}, status=500)

    told: list[str] = []
    async with autotask_that(react) as zone_url:
        transport = make(zone_url, credential, around)
        with capture_logs() as logs:
            for call in (READ, CREATE):
                try:
                    await transport.send(call)
                except PortError as exc:
                    told += [repr(exc), repr(exc.__context__), repr(exc.__cause__)]
        await transport.close()
    assert logs
    assert told
    assert "canary" not in repr(logs) + repr(told) + repr(credential) + repr(transport.login.__dict__)
