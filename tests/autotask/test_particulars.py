"""What of its company a ticket is linked to, and what finding it out costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from alertd.autotask.credential import Credential
from alertd.autotask.desk import AutotaskDesk, BoardPlan
from alertd.autotask.transport import Around
from alertd.core.boards import BoardSettings
from alertd.core.tickets import Board
from alertd.flows.ports import Company, Particulars
from tests.autotask.conftest import NOC, Control, FakeClock, make_settings

ACME, NORTHWIND, WAREHOUSE = Company(175, "Acme Dental Group"), Company(176, "Northwind"), Company(177, "NWW")


@pytest.fixture
async def ready(desk: AutotaskDesk) -> AutotaskDesk:
    await desk.ready()
    return desk


async def queries(control: Control, endpoint: str) -> int:
    actions = (await control.get("calls?limit=1"))["actions"].get(endpoint, {})
    return int(actions.get("query", 0))


async def find(
    desk: AutotaskDesk, company: Company = ACME, /, *, board: dict[str, Any] | None = None, **clues: str
) -> Particulars:
    settings = BoardSettings.model_validate({"name": "noc", "queue": "NOC", **(board or {})})
    resolved = Board(
        name="noc",
        queue_id=1,
        priority_by_severity={},
        status_new=1,
        status_done=5,
        contact=settings.contact,
        location=settings.location,
    )
    return await desk.particulars(company, board=resolved, clues=clues)


async def test_a_companys_devices_are_read_once_in_hours_and_once_an_hour_for_what_is_missing(
    ready: AutotaskDesk, control: Control, clock: FakeClock
) -> None:
    for host in ("ACME-DC01", "ACME-FS01", "unheard-of", "new-host"):
        await find(ready, host=host)
    assert await queries(control, "ConfigurationItems") == 1
    await control.post("tenant", {"devices": [{"company": "Acme Dental Group", "name": "new-host"}]})
    clock.forward(minutes=59)
    assert (await find(ready, host="new-host")).device_id is None
    clock.forward(minutes=2)
    assert (await find(ready, host="ACME-DC01")).device_id == 4001
    assert await queries(control, "ConfigurationItems") == 1
    assert (await find(ready, host="new-host")).device_id is not None
    assert (await find(ready, host="unheard-of")).device_id is None
    assert await queries(control, "ConfigurationItems") == 2
    clock.forward(hours=4)
    await find(ready, host="ACME-DC01")
    assert await queries(control, "ConfigurationItems") == 3


async def test_devices_of_other_companies_are_strangers(ready: AutotaskDesk, control: Control) -> None:
    assert (await find(ready, NORTHWIND, host="ACME-DC01")).device_id is None
    assert (await find(ready, host="ACME-DC01")).device_id == 4001
    assert await queries(control, "ConfigurationItems") == 2


async def test_what_cannot_be_read_now_is_gone_without(
    ready: AutotaskDesk, control: Control, clock: FakeClock
) -> None:
    await control.fault("refuse", status=503, endpoint="ConfigurationItems")
    for _ in range(3):
        found = await find(ready, host="ACME-DC01")
        assert (found.device_id, found.told) == (None, {"device": "could not be read just now"})
    asked = (await control.get("calls?endpoint=ConfigurationItems"))["calls"]
    await control.heal()
    await find(ready, host="ACME-DC01")
    assert (await control.get("calls?endpoint=ConfigurationItems"))["calls"] == asked  # not yet again
    clock.forward(minutes=1)
    assert (await find(ready, host="ACME-DC01")).device_id == 4001
    clock.forward(hours=5)
    await control.fault("refuse", status=503, endpoint="ConfigurationItems")
    assert (await find(ready, host="ACME-DC01")).device_id == 4001  # what was known is kept


async def test_a_right_that_we_lack_is_no_device(ready: AutotaskDesk, control: Control) -> None:
    await control.post("tenant", {"switches": {"query_without_right": "error"}})
    await control.fault("rights", entity="ConfigurationItems", deny=["query"])
    found = await find(ready, host="ACME-DC01")

    assert found.told == {"device": "none of Acme Dental Group is known by that"}


async def test_without_clues_nothing_is_asked(ready: AutotaskDesk, control: Control) -> None:
    assert await find(ready) == Particulars()
    assert await queries(control, "ConfigurationItems") == 0


@pytest.fixture
async def crowded(ready: AutotaskDesk, control: Control) -> AutotaskDesk:
    contacts = [
        {"company": "Acme Dental Group", "name": "Rosa Lind", "email": "other.rosa@customer.example"},
        {"company": "Northwind Logistics Warehouse", "name": "Wim Haas", "fields": {"primaryContact": True}},
        {"company": "Northwind Logistics B.V.", "name": "Wim Haas"},
    ]
    await control.post("tenant", {"contacts": contacts})
    return ready


@pytest.mark.parametrize(
    ("company", "wanted", "contact_id"),
    [
        (ACME, "theo  MARSH", 30682002),
        (ACME, "Theo.Marsh@Customer.example", 30682002),
        (ACME, 30682001, 30682001),
        (ACME, "Rosa Lind", None),
        (ACME, "Ines Roth", None),
        (ACME, "primary", None),
        (WAREHOUSE, "Ines Roth", 30682003),
    ],
    ids=["name", "mail", "id", "two of that name", "a stranger's", "none is primary", "the parent's"],
)
async def test_a_contact_is_the_companys_or_its_parents(
    crowded: AutotaskDesk, company: Company, wanted: int | str, contact_id: int | None
) -> None:
    found = await find(crowded, company, board={"contact": wanted})

    assert found.contact_id == contact_id
    assert "contact" in found.told


async def test_the_companys_own_contact_comes_before_its_parents(crowded: AutotaskDesk) -> None:
    by_name = await find(crowded, WAREHOUSE, board={"contact": "Wim Haas"})
    primary = await find(crowded, WAREHOUSE, board={"contact": "primary"})

    assert by_name.contact_id == primary.contact_id is not None


@pytest.mark.parametrize(
    ("wanted", "location_id"),
    [("harbour branch", 63), (62, 62), (64, None), ("Depot", None), ("primary", None)],
)
async def test_a_location_is_the_companys_own(
    ready: AutotaskDesk, control: Control, wanted: int | str, location_id: int | None
) -> None:
    found = await find(ready, board={"location": wanted})

    assert found.location_id == location_id
    assert await queries(control, "CompanyLocations") == 1


@pytest.fixture
async def with_fields(
    zone_url: str, credential: Credential, around: Around, control: Control
) -> AsyncIterator[AutotaskDesk]:
    await control.post("tenant", {"udfs": [{"entity": "ConfigurationItems", "name": "Asset Tag"}]})
    settings = make_settings(
        zone_url, device_udfs={"serial": "asset tag", "mac": "No Such"}, company_alias="Alias"
    )
    desk = AutotaskDesk(settings, credential, plan=BoardPlan(boards=[NOC]), around=around)
    await desk.ready()
    yield desk
    await desk.close()


async def test_fields_that_the_tenant_lacks_are_told_and_the_others_used(
    with_fields: AutotaskDesk, control: Control
) -> None:
    tagged = {"company": "Acme Dental Group", "name": "ACME-DC01"}
    await control.post(
        "tenant", {"devices": [{**tagged, "fields": {"userDefinedFields": {"Asset Tag": "A 17"}}}]}
    )
    found = await find(with_fields, serial="a 17")

    assert found.device_id == 4001
    assert [str(problem) for problem in with_fields.problems()] == [
        "[autotask]: device_udfs.mac 'No Such' is no active user-defined field",
        "[autotask]: company_alias 'Alias' is no active user-defined field",
    ]


async def test_nothing_waits_for_the_fields_of_devices(
    zone_url: str, credential: Credential, around: Around, control: Control, clock: FakeClock
) -> None:
    await control.post("tenant", {"udfs": [{"entity": "ConfigurationItems", "name": "Asset Tag"}]})
    await control.fault("refuse", status=404, endpoint="ConfigurationItems", action="metadata")
    settings = make_settings(zone_url, device_udfs={"serial": "Asset Tag"})
    desk = AutotaskDesk(settings, credential, plan=BoardPlan(boards=[NOC]), around=around)
    await desk.ready()
    assert (await find(desk, host="ACME-DC01")).device_id == 4001
    [problem] = desk.problems()
    assert "device_udfs cannot be checked" in problem.what
    await control.heal()
    clock.forward(minutes=1)
    await desk.ready()
    assert desk.problems() == []
    await desk.close()


async def test_companies_that_are_asked_for_at_once_share_a_query(
    ready: AutotaskDesk, control: Control
) -> None:
    companies = [ACME, NORTHWIND, WAREHOUSE, Company(178, "HL"), Company(179, "CZ"), Company(180, "GST")]
    hosts = ["ACME-DC01", "NWL-DC01", "NWW-AP01", "HL-DC01", "CZ-POS01", "GST-DC01"]
    found = await asyncio.gather(
        *(find(ready, company, host=host) for company, host in zip(companies, hosts, strict=True)),
        *(find(ready, company, host="unheard-of") for company in companies),
    )

    assert [each.device_id for each in found] == [4001, 4005, 4008, 4010, 4012, 4014, *[None] * 6]
    assert await queries(control, "ConfigurationItems") == 2


async def whose(desk: AutotaskDesk, **clues: str) -> tuple[int | None, str]:
    found = await desk.company_of_device(clues)
    return (found.company.id if found.company is not None else None), found.how


async def test_a_device_that_only_one_company_has_tells_whose_it_is(
    ready: AutotaskDesk, control: Control, clock: FakeClock
) -> None:
    await control.post(
        "tenant",
        {
            "devices": [
                {"company": "Acme Dental Group", "name": "only-acmes", "serial": "SN-1"},
                {"company": "Acme Dental Group", "name": "dc01"},
                {"company": "Northwind Logistics B.V.", "name": "DC01", "serial": "SN-2"},
            ]
        },
    )
    acme, how = await whose(ready, host="ONLY-ACMES")
    assert acme == 175
    assert how.endswith("by host name")
    assert await whose(ready, host="dc01") == (None, "")
    assert (await whose(ready, host="dc01", serial="sn-2"))[0] == 176
    assert (await whose(ready, host="unheard-of"))[0] is None
    asked = await queries(control, "ConfigurationItems")
    assert (await whose(ready, host="ONLY-ACMES"))[0] == 175
    assert (await whose(ready, host="unheard-of"))[0] is None
    assert await queries(control, "ConfigurationItems") == asked
    clock.forward(hours=1)
    await whose(ready, host="unheard-of")
    assert await queries(control, "ConfigurationItems") == asked + 1


async def test_what_recurs_at_every_customers_tells_nothing(ready: AutotaskDesk, control: Control) -> None:
    for clues in (
        {},
        {"ip": "192.168.1.10"},
        {"mac": "00:00:5e:00:53:01"},
        {"device_id": "7"},
        {"host": "x" * 101},
    ):
        assert await whose(ready, **clues) == (None, "")
    assert await queries(control, "ConfigurationItems") == 0


async def test_a_company_is_found_by_its_id_even_if_it_is_new(ready: AutotaskDesk, control: Control) -> None:
    assert (await ready.company_with_id(175)).company == ACME
    asked = await queries(control, "Companies")
    assert (await ready.company_with_id(424242)).company is None
    assert (await ready.company_with_id(424242)).company is None
    assert await queries(control, "Companies") == asked + 1
