"""The checklist over real HTTP: each right taken away alone, by the simulator's books."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

import pytest
from aiohttp import web
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from alertd.autotask.checklist import judge
from alertd.autotask.checklist_asking import MOST_CALLS, SingleTries, calls_made, rows_of
from alertd.autotask.checklist_evidence import NamedCompany, Unanswered, Wanted
from alertd.autotask.checklist_lines import Line, State
from alertd.autotask.checklist_plan import gather
from alertd.autotask.credential import Credential
from alertd.autotask.metrics import AutotaskMetrics
from alertd.autotask.queries import Query, Where
from alertd.autotask.transport import Around
from alertd.core.boards import BoardSettings
from alertd.core.secret import Secret
from alertd.flows.errors import PortError
from alertd.flows.ports import Clock
from alertd.simulator import API_INTEGRATION_CODE, API_SECRET, API_USERNAME
from tests.autotask.conftest import Control, FakeClock, autotask_that, make_settings, short_timeouts

TRIALS = {"edit_complete_tickets", "remove_tags", "duplicate_ticket_handling"}
WANTED = Wanted(
    username=API_USERNAME,
    calls_per_hour=4000,
    modules=frozenset({"alerts", "billing"}),
    call_outs=True,
    boards=[
        BoardSettings(name="noc", queue="NOC", tags=["alertd"], category="Monitoring"),
        BoardSettings(name="network", queue="Network", source="Monitoring Alert"),
        BoardSettings(name="backup", queue="Backups"),
    ],
    companies=[
        NamedCompany("[autotask] fallback_company", 0),
        NamedCompany("[route] a: company", "Acme Dental Group"),
    ],
    note_type="Task Notes",
    tag_group="alertd",
    tags=frozenset({"alertd"}),
    root_board="noc",
)
OTHERWISE = {  # every unverified symptom of a missing right, the other way
    "permission_status": 403,
    "query_without_right": "error",
    "missing_item": "404",
    "hidden_cost": "zero",
}
Check: TypeAlias = Callable[..., Awaitable[list[Line]]]


@pytest.fixture
def check(zone_url: str, around: Around, registry: CollectorRegistry) -> Check:
    """Run the checklist against the simulator."""
    del registry

    async def run(wanted: Wanted = WANTED, **credential: str) -> list[Line]:
        given = {"username": API_USERNAME, "secret": API_SECRET, "integration_code": API_INTEGRATION_CODE}
        given |= credential
        return await checked(zone_url, around, replace(wanted, username=given["username"]), given)

    return run


def passing(clock: Clock) -> Callable[[float], Awaitable[None]]:
    """Let a wait pass at once."""

    async def sleep(seconds: float) -> None:
        assert isinstance(clock, FakeClock)
        clock.forward(seconds=seconds)

    return sleep


async def checked(zone_url: str, around: Around, wanted: Wanted, given: dict[str, str]) -> list[Line]:
    metrics = AutotaskMetrics(CollectorRegistry())
    credential = Credential(
        username=given["username"],
        secret=Secret(given["secret"]),
        integration_code=Secret(given["integration_code"]),
    )
    settings = make_settings(zone_url, timeouts=short_timeouts())
    transport = SingleTries(
        settings, credential, replace(around, metrics=metrics, sleep=passing(around.clock))
    )
    try:
        evidence = await gather(transport, wanted, now=around.clock.now(), made=partial(calls_made, metrics))
    finally:
        await transport.close()
    assert calls_made(metrics) <= MOST_CALLS
    return judge(evidence, wanted)


def of(found: list[Line], state: State) -> set[str]:
    return {line.id for line in found if line.state is state}


async def calls(control: Control) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (await control.get("calls?limit=1000"))["calls"]
    return listed


async def test_a_tenant_that_has_everything(check: Check, control: Control) -> None:
    found = await check()
    assert of(found, State.MISSING) == set()
    assert of(found, State.CANNOT_TELL) == TRIALS
    made = await calls(control)
    assert len(made) <= MOST_CALLS
    assert {each["action"] for each in made} & {"create", "update", "delete"} == set()
    high_water = (await control.get("calls"))["highWater"]
    assert max(high_water.values()) == 1


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        ("tickets_view", "tickets_view"),
        ("tickets_add", "tickets_add"),
        ("tickets_edit", "tickets_edit"),
        ("notes_add", "notes_add"),
        ("administer_tags", "administer_tags"),
        ("remove_tags", "remove_tags"),
        ("contracts_view", "contracts_view"),
        ("contracts_edit", "contracts_edit"),
        ("crm_customers", "crm_customers"),
        ("products_view", "products_view"),
        ("costs", "costs"),
        ("lines_of_business", "lines_of_business"),
        ("webhooks", "webhooks"),
        ("web_services", "sign_in"),
    ],
)
@pytest.mark.parametrize("switches", [{}, OTHERWISE], ids=["usual", "otherwise"])
async def test_a_right_taken_away_is_its_line_and_no_other(
    check: Check, control: Control, right: str, expected: str, switches: dict[str, Any]
) -> None:
    await control.post("tenant", {"switches": switches})
    await control.fault("rights", remove=[right])
    assert of(await check(), State.MISSING) == {expected}
    assert len(await calls(control)) <= MOST_CALLS


@pytest.mark.parametrize("right", ["edit_complete_tickets", "attachments", "protected_udfs"])
async def test_a_right_that_only_a_trial_shows_leaves_its_line_open(
    check: Check, control: Control, right: str
) -> None:
    await control.fault("rights", remove=[right])
    found = await check()
    assert of(found, State.MISSING) == set()
    assert of(found, State.CANNOT_TELL) == TRIALS


async def test_metadata_that_says_nothing_of_removing_tags_is_not_believed(
    check: Check, control: Control
) -> None:
    await control.post("tenant", {"switches": {"tag_delete_access_reflects_right": False}})
    await control.fault("rights", remove=["remove_tags"])
    found = await check()
    assert of(found, State.MISSING) == set()
    assert "remove_tags" in of(found, State.CANNOT_TELL)


@pytest.mark.parametrize("right", ["tickets_view", "tickets_edit", "crm_customers"])
async def test_a_right_that_leaves_ones_own_is_not_called_whole(
    check: Check, control: Control, right: str
) -> None:
    await control.post("tenant", {"switches": {"removal_leaves_own": [right]}})
    await control.fault("rights", remove=[right])
    found = await check()
    assert right not in of(found, State.OK)
    assert of(found, State.MISSING) <= {right}


@pytest.mark.parametrize("status", [401, 403, 500])
async def test_no_right_to_the_web_services_however_it_is_said(
    check: Check, control: Control, status: int
) -> None:
    await control.post("tenant", {"switches": {"web_services_status": status}})
    await control.fault("rights", remove=["web_services"])
    assert of(await check(), State.MISSING) == {"sign_in"}
    assert len([each for each in await calls(control) if each["endpoint"] != "ZoneInformation"]) == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"username": "nobody@msp.example"}, "user_name"),
        ({"secret": "wrong"}, "sign_in"),
        ({"integration_code": "WRONG"}, "integration_code"),
    ],
)
async def test_a_wrong_credential_is_its_line_and_one_failed_log_in(
    check: Check, control: Control, given: dict[str, str], expected: str
) -> None:
    assert of(await check(**given), State.MISSING) == {expected}
    signed = [each for each in await calls(control) if each["endpoint"] != "ZoneInformation"]
    assert len(signed) == (0 if expected == "user_name" else 1)


@pytest.mark.parametrize("status", [401, 403, 500])
async def test_a_locked_user(check: Check, control: Control, status: int) -> None:
    await control.post("tenant", {"switches": {"locked_status": status}})
    await control.fault("locked")
    assert of(await check(), State.MISSING) == {"sign_in"}
    assert len([each for each in await calls(control) if each["endpoint"] != "ZoneInformation"]) == 1


@pytest.mark.parametrize("covered", [True, False])
async def test_a_spent_allowance(check: Check, control: Control, covered: bool) -> None:
    await control.post("tenant", {"switches": {"threshold_covers_threshold_information": covered}})
    await control.fault("others_usage", requests=10_000)
    assert of(await check(), State.MISSING) == {"request_threshold"}
    assert len(await calls(control)) <= 3


@pytest.mark.parametrize("endpoint", ["ThresholdInformation", "Companies"])
async def test_too_many_calls_at_once_leave_one_line_open(
    check: Check, control: Control, endpoint: str
) -> None:
    await control.fault("thread_refusal", count=1, endpoint=endpoint)
    found = await check()
    assert of(found, State.MISSING) == set()
    assert len(of(found, State.CANNOT_TELL)) == len(TRIALS) + 1


async def test_an_allowance_that_is_almost_spent(check: Check, control: Control) -> None:
    await control.fault("others_usage", requests=9_100)
    assert of(await check(), State.MISSING) == {"request_threshold"}


async def test_faults_of_the_configuration(check: Check, control: Control) -> None:
    await control.post(
        "tenant",
        {
            "picklists": {"Tickets": {"queueID": [{"value": 29682999, "label": "Empty"}]}},
            "companies": [{"name": "Old Friend", "active": False}],
        },
    )
    wanted = replace(
        WANTED,
        boards=[
            BoardSettings(name="noc", queue="NOC"),
            BoardSettings(name="empty", queue="Empty"),
            BoardSettings(name="typo", queue="Netwrok"),
        ],
        companies=[*WANTED.companies, NamedCompany("[route] b: company", "Old Friend")],
    )
    found = await check(wanted)
    assert of(found, State.MISSING) == {"queue_empty", "queue_typo", "companies"}


async def test_many_boards_and_companies_cost_no_more_calls(check: Check, control: Control) -> None:
    wanted = replace(
        WANTED,
        boards=[BoardSettings(name=f"board {each}", queue="NOC") for each in range(40)],
        companies=[NamedCompany("[route] a: company", f"Nobody {each}") for each in range(120)],
    )
    await check(wanted)
    assert len(await calls(control)) <= MOST_CALLS


async def test_all_that_can_be_configured_at_once(check: Check, control: Control) -> None:
    """A tenant and a configuration that make use of everything: still every line has its answer."""
    wanted = replace(
        WANTED,
        boards=[*WANTED.boards, BoardSettings(name="site", queue="NOC", udfs={"Site": "North"})],
        companies=[*WANTED.companies, NamedCompany("[route] c: company", "riverside")],
        company_alias="Monitoring Name",
        match_devices=True,
        device_udfs={"ip": "Management IP"},
    )
    await control.post(
        "tenant",
        {
            "udfs": [
                {"entity": "Tickets", "name": "Site", "values": ["North", "South"]},
                {"entity": "ConfigurationItems", "name": "Management IP"},
            ],
            "companies": [{"name": "Riverside Clinic", "type": "Customer", "aliases": "riverside"}],
        },
    )
    found = await check(wanted)
    assert of(found, State.MISSING) == set()
    assert of(found, State.CANNOT_TELL) == TRIALS
    assert len(await calls(control)) <= MOST_CALLS


async def test_never_more_calls_however_the_tenant_answers(around: Around, clock: FakeClock) -> None:
    """Every answer is slow to arrive and of no use, so that the zone is asked again each time."""
    asked: list[str] = []

    async def react(request: web.Request) -> web.Response:
        asked.append(request.path)
        clock.forward(minutes=2)
        if request.path.endswith("ThresholdInformation"):
            return web.json_response({"externalRequestThreshold": 10000, "currentTimeframeRequestCount": 1})
        return web.Response(status=404)

    given = {"username": API_USERNAME, "secret": API_SECRET, "integration_code": API_INTEGRATION_CODE}
    async with autotask_that(react) as zone_url:
        found = await checked(zone_url, around, WANTED, given)
    assert len(asked) <= MOST_CALLS
    assert of(found, State.MISSING) == set()


async def test_rights_are_told_without_the_list_of_entities(check: Check, control: Control) -> None:
    await control.fault("refuse", status=404, path="V1.0/EntityInformation")
    await control.fault("rights", deny=["query"], entity="ConfigurationItems")
    found = await check(replace(WANTED, match_devices=True, call_outs=False, note_type=None))
    assert of(found, State.MISSING) == {"devices_view"}
    assert next(each for each in found if each.id == "lines_of_business").state is State.OK


async def test_the_msp_itself_is_none_of_its_customers(check: Check, control: Control) -> None:
    await control.post(
        "tenant", {"companies": [{"id": 0, "name": "Bluewave Managed Services", "type": "Customer"}]}
    )
    await control.fault("rights", companies=[0])
    assert "crm_customers" in of(await check(), State.MISSING)


async def test_without_any_answer_it_says_so(around: Around, zone_url: str, control: Control) -> None:
    await control.fault("down")
    given = {"username": API_USERNAME, "secret": API_SECRET, "integration_code": API_INTEGRATION_CODE}
    with pytest.raises(PortError, match=r"no usable answer|could not be reached"):
        await checked(zone_url, around, WANTED, given)


async def test_a_connection_that_breaks_after_the_zone_says_so(
    around: Around, zone_url: str, control: Control
) -> None:
    await control.fault("drop", when="before", path="V1.0")
    given = {"username": API_USERNAME, "secret": API_SECRET, "integration_code": API_INTEGRATION_CODE}
    with pytest.raises(PortError, match="no usable answer"):
        await checked(zone_url, around, WANTED, given)


async def test_a_connection_that_breaks_for_good_is_not_waited_for_again_and_again(
    check: Check, control: Control
) -> None:
    await control.fault("drop", when="before", path="V1.0", after=3)
    found = await check()
    assert of(found, State.MISSING) == set()
    assert "tickets_view" in of(found, State.OK)
    assert "companies" in of(found, State.CANNOT_TELL)
    assert len(await calls(control)) <= 1 + 3 + 2


async def test_the_msps_own_contract_is_nobodys_missing_type(check: Check, control: Control) -> None:
    own = {"company": "Bluewave Managed Services", "name": "Our own", "start": "-2m", "end": "+3m"}
    await control.post("tenant", {"contracts": [own]})
    assert of(await check(), State.MISSING) == set()


async def test_a_contract_of_a_company_that_is_no_customer(check: Check, control: Control) -> None:
    theirs = {"company": "Peak Fitness Clubs", "name": "Theirs", "start": "-2m", "end": "+3m"}
    await control.post("tenant", {"contracts": [theirs]})
    found = await check()
    assert of(found, State.MISSING) == {"contract_companies"}
    told = next(line for line in found if line.id == "contract_companies")
    assert "'Peak Fitness Clubs' (183)" in told.detail


@pytest.mark.parametrize(
    "items",
    [
        [{"id": 1, "label": "other"}],
        [{"id": 1}],
        [7],
        None,
        {},
    ],
)
def test_rows_that_were_not_asked_for_prove_nothing(items: Any) -> None:
    query = Query(entity="Tags", conditions=(Where("eq", "label", "alertd"),), fields=("label",))
    assert isinstance(rows_of(query, {"items": items}), Unanswered)
    assert rows_of(query, {"items": [{"id": 1, "label": "alertd"}]}) == ({"id": 1, "label": "alertd"},)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"errors": ["The logged in Resource does not have the adequate permissions to query this."]}),
        (500, {"errors": ["Something in words that nobody has seen"]}),
        (403, {"errors": ["No access"]}),
        (403, {}),
        (401, {}),
    ],
)
async def test_whatever_may_be_a_failed_log_in_is_the_last_call(
    around: Around, status: int, body: dict[str, Any]
) -> None:
    asked: list[str] = []

    async def react(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response(body, status=status)

    given = {"username": API_USERNAME, "secret": API_SECRET, "integration_code": API_INTEGRATION_CODE}
    async with autotask_that(react) as zone_url:
        found = await checked(zone_url, around, WANTED, given)
    assert len(asked) == 1
    assert of(found, State.MISSING) == {"sign_in"}


async def test_a_fault_at_the_first_call_is_no_failed_log_in(check: Check, control: Control) -> None:
    await control.fault("refuse", status=500, endpoint="ThresholdInformation")
    found = await check()
    assert of(found, State.MISSING) == set()
    assert "request_threshold" in of(found, State.CANNOT_TELL)
