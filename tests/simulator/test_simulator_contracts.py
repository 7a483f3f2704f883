"""Contracts, their lines and units, adjustments, and what accounting does to them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.simulator import (
    API_RESOURCE_ID,
    API_USERNAME,
    Scenario,
    ScenarioError,
    Simulator,
    read_scenario,
    truth,
)
from alertd.simulator.contract_days import Level, add_months, changed_from, level_on, periods, stretches
from alertd.simulator.control import control
from alertd.simulator.schema import ENTITIES
from alertd.simulator.tables import Table
from tests.simulator.conftest import NOON, Api, Clock

ACME, EDR_LINE, EDR, BACKUP = 5001, 9107, 77, 78


def rows(api: Api, entity: str = "ContractServiceUnits", **equal: Any) -> list[Any]:
    """Return the rows with those values, in order of time where they have any."""
    conditions = [{"op": "eq", "field": name, "value": value} for name, value in equal.items()]
    status, answer = api(
        "POST", f"{entity}/query", {"filter": conditions or [{"op": "exist", "field": "id"}]}
    )
    assert status == 200, answer
    return sorted(answer["items"], key=lambda row: str(row.get("startDate")))


def units_on(api: Api, day: str, line: int = EDR_LINE) -> int | None:
    """Ask for the units of a day as section 5.10 says."""
    conditions = [
        {"op": "eq", "field": "contractServiceID", "value": line},
        {"op": "lte", "field": "startDate", "value": f"{day}T23:59:59"},
        {"op": "gte", "field": "endDate", "value": f"{day}T00:00:00"},
    ]
    status, answer = api("POST", "ContractServiceUnits/query", {"filter": conditions})
    assert status == 200
    assert len(answer["items"]) <= 1
    return int(answer["items"][0]["units"]) if answer["items"] else None


def adjust(api: Api, day: str, change: int, **fields: Any) -> tuple[int, Any]:
    body = {"contractServiceID": EDR_LINE} | fields
    return api("POST", "ContractServiceAdjustments", body | {"effectiveDate": day, "unitChange": change})


def refusal(answer: tuple[int, Any]) -> str:
    status, body = answer
    assert status == 500, body
    return str(body["errors"][0])


def act(sim: Simulator, **fields: Any) -> Any:
    reply = sim_act(sim, fields)
    assert reply[0] == 200, reply
    return reply[1]["id"]


def sim_act(sim: Simulator, fields: Any) -> tuple[int, Any]:
    reply = control(sim, "POST", "act", body=msgspec.json.encode(fields))
    return reply.status, reply.json()


def switch(sim: Simulator, **switches: Any) -> None:
    sim.merge(read_scenario({"switches": switches}))


# --- the built-in tenant


def test_every_active_contract_belongs_to_an_active_customer(api: Api) -> None:
    contracts = rows(api, "Contracts", status=1)
    companies = {row["id"]: row for row in rows(api, "Companies")}
    assert len(contracts) >= 5
    for contract in contracts:
        assert companies[contract["companyID"]]["companyType"] == 1
        assert companies[contract["companyID"]]["isActive"]


@pytest.mark.parametrize("now", [NOON, NOON + 40 * 86_400, 1_798_700_000.0, 1_709_200_000.0])
def test_contracts_run_at_any_time_the_simulator_is_started(now: float) -> None:
    sim = Simulator(clock=lambda: now)
    levels = truth.unit_levels(sim)
    today = sim.at() and truth.to_wire(now)[:10]
    running = {
        row["contractID"] for row in levels for part in row["days"] if part["from"] <= today <= part["to"]
    }
    assert running == {5001, 5002, 5003, 5005, 5006}


def test_kinds_of_contracts(api: Api) -> None:
    kinds = {row["id"]: (row["contractType"], row["status"]) for row in rows(api, "Contracts")}
    assert kinds[ACME] == (7, 1)
    assert kinds[5006] == (7, 0)
    assert kinds[5007] == (1, 1)
    assert kinds[5008] == (4, 1)


# --- routes and metadata


def test_units_are_read_only(api: Api) -> None:
    body = {"contractID": ACME, "units": 5}
    assert api("POST", "ContractServiceUnits", body)[0] == 404
    assert api("POST", f"Contracts/{ACME}/ServiceUnits", body)[0] == 405
    assert api("GET", f"Contracts/{ACME}/ServiceUnits")[1]["pageDetails"]["count"] == 48


@pytest.mark.parametrize("name", ["ContractServiceAdjustments", "ContractServiceBundleAdjustments"])
def test_adjustments_can_only_be_posted(api: Api, name: str) -> None:
    every = {"filter": [{"op": "exist", "field": "id"}]}
    segment = ENTITIES[name].segment
    assert api("POST", f"{name}/query", every)[0] == 404
    assert api("GET", f"{name}/31401")[0] == 404
    assert api("GET", name)[0] == 405
    assert api("PATCH", name, {"id": 1})[0] == 405
    assert api("GET", f"Contracts/{ACME}/{segment}")[0] == 405
    assert api("GET", f"Contracts/{ACME}/{segment}/31401")[0] == 404
    info = api("GET", f"{name}/entityInformation")[1]["info"]
    assert (info["canCreate"], info["canQuery"], info["userAccessForCreate"]) == (True, False, "All")
    assert api("GET", f"{name}/entityInformation/fields")[0] == 200


@pytest.mark.parametrize("segment", ["Services", "ServiceBundles", "Blocks", "Charges", "Notes"])
def test_children_are_listed_under_their_contract(api: Api, segment: str) -> None:
    assert api("GET", f"Contracts/{ACME}/{segment}")[0] == 200


def test_lines_cannot_be_deleted(api: Api) -> None:
    assert api("DELETE", f"Contracts/{ACME}/Services/{EDR_LINE}")[0] == 405
    assert api("DELETE", f"Contracts/{ACME}")[0] == 405


# --- units by period


def test_one_row_a_period_from_start_to_end(api: Api) -> None:
    found = rows(api, contractServiceID=EDR_LINE)
    assert len(found) == 12
    assert [found[0]["startDate"], found[-1]["endDate"]] == [
        "2025-08-01T00:00:00.000Z",
        "2026-07-31T00:00:00.000Z",
    ]
    assert {row["units"] for row in found} == {27}
    assert {row["price"] for row in found} == {623.7}  # 27 at 23.10: extended, not a rate
    assert {row["cost"] for row in found} == {253.8}


def test_past_periods_are_posted_and_this_one_is_not(api: Api) -> None:
    posted = {
        row["startDate"][:7]: bool(row["approveAndPostDate"]) for row in rows(api, contractServiceID=EDR_LINE)
    }
    assert posted["2026-02"]
    assert not posted["2026-03"]


def test_a_yearly_service_has_one_row(api: Api) -> None:
    found = rows(api, contractID=5002, serviceID=79)
    assert [(row["startDate"][:10], row["endDate"][:10]) for row in found] == [("2025-11-01", "2026-10-31")]


def test_dates_without_zone(sim: Simulator, api: Api) -> None:
    switch(sim, dates_without_zone=True)
    found = rows(api, contractServiceID=EDR_LINE)
    assert found[0]["startDate"] == "2025-08-01T00:00:00"
    assert found[0]["approveAndPostDate"].endswith("Z")


def test_costs_are_hidden_without_the_right(sim: Simulator, api: Api) -> None:
    control(sim, "POST", "faults", body=b'{"kind": "rights", "remove": ["costs"]}')
    assert not rows(api, contractServiceID=EDR_LINE)[0]["cost"]
    assert not rows(api, "ContractServices", id=EDR_LINE)[0]["unitCost"]
    assert not rows(api, "Services", id=EDR)[0]["unitCost"]
    assert rows(api, "Services", id=EDR)[0]["unitPrice"] == 23.1


# --- adjustments


def test_an_adjustment_splits_the_row_and_changes_all_later_ones(api: Api) -> None:
    before = {row["startDate"]: row for row in rows(api, contractServiceID=EDR_LINE)}
    assert adjust(api, "2026-03-10T00:00:00.000Z", -3)[0] == 200
    after = rows(api, contractServiceID=EDR_LINE)

    march = [row for row in after if row["startDate"][:7] == "2026-03"]
    assert [(row["startDate"][:10], row["endDate"][:10], row["units"]) for row in march] == [
        ("2026-03-01", "2026-03-09", 27),
        ("2026-03-10", "2026-03-31", 24),
    ]
    assert march[0]["id"] == before["2026-03-01T00:00:00.000Z"]["id"]
    assert march[0]["price"] == 181.07  # 27 × 23.10 × 9/31
    assert march[1]["price"] == 393.45  # 24 × 23.10 × 22/31
    assert {row["units"] for row in after if row["startDate"] > "2026-04"} == {24}
    assert {row["units"] for row in after if row["startDate"] < "2026-03"} == {27}


def test_segments_are_whole_where_the_tenant_does_not_prorate(sim: Simulator, api: Api) -> None:
    switch(sim, split_rows_prorated=False)
    adjust(api, "2026-03-10", -3)
    march = [
        row["price"] for row in rows(api, contractServiceID=EDR_LINE) if row["startDate"][:7] == "2026-03"
    ]
    assert march == [623.7, 554.4]


def test_at_the_start_of_a_period_nothing_is_split(api: Api) -> None:
    adjust(api, "2026-04-01", 5)
    assert len(rows(api, contractServiceID=EDR_LINE)) == 12
    assert [units_on(api, day) for day in ("2026-03-31", "2026-04-01", "2026-07-31")] == [27, 32, 32]


@pytest.mark.parametrize(
    "sent", ["2026-04-01T00:00:00.000Z", "2026-04-01", "2026-04-01T23:59:59Z", "2026-04-01T00:00:00+05:00"]
)
def test_the_date_that_is_sent_is_the_date_that_counts(api: Api, sent: str) -> None:
    adjust(api, sent, 1)
    assert [units_on(api, day) for day in ("2026-03-31", "2026-04-01")] == [27, 28]


def test_an_adjustment_before_a_pending_one_adds_to_it(api: Api) -> None:
    adjust(api, "2026-05-01", 10)
    adjust(api, "2026-04-15", -2)
    days = ("2026-04-14", "2026-04-15", "2026-04-30", "2026-05-01")
    assert [units_on(api, day) for day in days] == [27, 25, 25, 35]


def test_no_row_beyond_the_contract(api: Api) -> None:
    assert units_on(api, "2026-08-01") is None
    assert units_on(api, "2025-07-31") is None


def test_an_adjustment_for_a_missing_service_makes_a_line(api: Api) -> None:
    status, _ = api(
        "POST",
        f"Contracts/{ACME}/ServiceAdjustments",
        {"serviceID": 79, "effectiveDate": "2026-04-10", "unitChange": 2, "adjustedUnitPrice": 300.0},
    )
    assert status == 200
    line = rows(api, "ContractServices", contractID=ACME, serviceID=79)[0]
    assert line["unitPrice"] == 300.0
    assert units_on(api, "2026-04-09", line["id"]) is None
    assert units_on(api, "2026-04-10", line["id"]) == 2


def test_contract_and_service_find_the_line(api: Api) -> None:
    before = len(rows(api, "ContractServices", contractID=ACME))
    adjust(api, "2026-04-01", 1, contractServiceID=None, contractID=ACME, serviceID=EDR)
    assert len(rows(api, "ContractServices", contractID=ACME)) == before
    assert units_on(api, "2026-04-01") == 28


def test_repeat_makes_a_second_line(api: Api) -> None:
    fields = {"contractServiceID": None, "contractID": ACME, "serviceID": EDR, "allowRepeatService": True}
    assert adjust(api, "2026-04-01", 4, **fields)[0] == 200
    lines = rows(api, "ContractServices", contractID=ACME, serviceID=EDR)
    assert [units_on(api, "2026-04-01", line["id"]) for line in lines] == [27, 4]


def test_a_change_of_price_alone(sim: Simulator, api: Api) -> None:
    assert adjust(api, "2026-04-01", 0, adjustedUnitPrice=20.0)[0] == 200
    assert {
        row["price"] for row in rows(api, contractServiceID=EDR_LINE) if row["startDate"] > "2026-04"
    } == {540.0}
    assert rows(api, "ContractServices", id=EDR_LINE)[0]["unitPrice"] == 20.0
    switch(sim, price_only_adjustments=False)
    assert "0" in refusal(adjust(api, "2026-04-01", 0, adjustedUnitPrice=19.0))


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({"effectiveDate": "2025-07-31"}, "effectiveDate must be within"),
        ({"effectiveDate": "2026-08-01"}, "effectiveDate must be within"),
        ({"effectiveDate": "2026-02-28"}, "already approved and posted contract period"),
        ({"effectiveDate": None}, "Missing Required Field: effectiveDate"),
        ({"effectiveDate": "soon"}, "effectiveDate"),
        ({"unitChange": -28}, "-1 units"),
        ({"unitChange": 0}, "unitChange must not be 0"),
        ({"unitChange": None}, "unitChange must not be 0"),
        ({"contractServiceID": 1}, "contractServiceID of type: ContractService"),
        ({"contractServiceID": None}, "contractServiceID cannot be empty"),
        ({"contractServiceID": None, "contractID": ACME}, "contractServiceID cannot be empty"),
        ({"contractID": 5002}, "contractServiceID of type: ContractService"),
        ({"contractServiceID": None, "contractID": 5007, "serviceID": EDR}, "Recurring Service"),
        ({"contractServiceID": None, "contractID": ACME, "serviceID": 80}, "serviceID of type: Service"),
        ({"contractServiceID": None, "contractID": ACME, "serviceID": 79, "unitChange": -1}, "-1 units"),
    ],
)
def test_refused_adjustments_change_nothing(sim: Simulator, api: Api, body: Any, part: str) -> None:
    before = truth.unit_levels(sim)
    values = {"contractServiceID": EDR_LINE, "effectiveDate": "2026-04-01", "unitChange": 1} | body
    assert part in refusal(api("POST", "ContractServiceAdjustments", values))
    assert truth.unit_levels(sim) == before
    assert list(sim.tenant.table("ContractServiceAdjustments")) == []


def test_a_later_level_must_not_fall_below_zero_either(api: Api) -> None:
    adjust(api, "2026-05-01", -20)
    assert "-1 units" in refusal(adjust(api, "2026-04-01", -8))
    assert adjust(api, "2026-04-01", -7)[0] == 200


def test_zero_is_allowed_unless_the_tenant_says_not(sim: Simulator, api: Api) -> None:
    switch(sim, zero_units_allowed=False)
    assert "0 units" in refusal(adjust(api, "2026-04-01", -27))
    switch(sim, zero_units_allowed=True)
    assert adjust(api, "2026-04-01", -27)[0] == 200
    assert units_on(api, "2026-04-01") == 0


def test_an_inactive_contract_is_adjusted_and_billed_all_the_same(sim: Simulator, api: Api) -> None:
    line = rows(api, "ContractServices", contractID=5006)[0]["id"]
    assert adjust(api, "2026-03-01", 1, contractServiceID=line)[0] == 200
    assert act(sim, act="approve_and_post", contract=5006) == 1
    assert [row["units"] for row in rows(api, contractServiceID=line) if row["approveAndPostDate"]][-1] == 5
    switch(sim, inactive_contracts_adjustable=False)
    assert "must be active" in refusal(adjust(api, "2026-04-01", 1, contractServiceID=line))


def test_contracts_out_of_sight_cannot_be_adjusted(sim: Simulator, api: Api) -> None:
    control(sim, "POST", "faults", body=b'{"kind": "rights", "companies": [176]}')
    assert "contractID of type: Contract" in refusal(adjust(api, "2026-04-01", 1))


# --- rights


def without(sim: Simulator, *rights: str) -> None:
    sim.merge(read_scenario({"api_users": [{"username": API_USERNAME, "remove": rights}]}))


CHILDREN = (
    "ContractServices",
    "ContractServiceUnits",
    "ContractServiceBundles",
    "ContractServiceBundleUnits",
)


def test_without_sight_of_contracts_nothing_of_them_works(sim: Simulator, api: Api) -> None:
    without(sim, "contracts_view")
    for name in ("Contracts", *CHILDREN):
        assert rows(api, name) == []
        assert api("GET", f"{name}/entityInformation")[1]["info"]["userAccessForQuery"] == "None"
    assert "adequate permissions to create" in refusal(adjust(api, "2026-04-01", 1))
    assert len(rows(api, "Services")) == 6


def test_without_the_right_to_edit_contracts_they_can_be_read(sim: Simulator, api: Api) -> None:
    without(sim, "contracts_edit")
    assert "adequate permissions to create" in refusal(adjust(api, "2026-04-01", 1))
    info = api("GET", "ContractServiceAdjustments/entityInformation")[1]["info"]
    assert info["userAccessForCreate"] == "None"
    assert units_on(api, "2026-04-01") == 27
    assert "adequate permissions to update" in refusal(api("PATCH", "Contracts", {"id": ACME, "status": 0}))


def test_without_products_the_catalogue_is_empty(sim: Simulator, api: Api) -> None:
    without(sim, "products_view")
    assert rows(api, "Services") == rows(api, "ServiceBundles") == []
    assert rows(api, "ContractServices") != []


# --- posted periods


def test_posted_periods_can_be_left_and_billed(sim: Simulator, api: Api) -> None:
    switch(sim, posted_periods="bill")
    assert adjust(api, "2026-02-15", 2)[0] == 200
    assert [units_on(api, day) for day in ("2026-02-14", "2026-02-28", "2026-03-01")] == [27, 27, 29]


def test_posted_periods_can_be_split_and_billed(sim: Simulator, api: Api) -> None:
    switch(sim, posted_periods="bill_and_split")
    assert adjust(api, "2026-02-15", 2)[0] == 200
    assert [units_on(api, day) for day in ("2026-02-14", "2026-02-15", "2026-03-01")] == [27, 29, 29]
    february = [row for row in rows(api, contractServiceID=EDR_LINE) if row["startDate"][:7] == "2026-02"]
    assert all(row["approveAndPostDate"] for row in february)


@pytest.fixture
def billing(sim: Simulator) -> Table:
    return sim.tenant.table("BillingItems")


def newest(table: Table, before: set[int]) -> list[Any]:
    return [row for row in table if row["id"] not in before]


def test_posting_makes_billing_items_and_unposting_takes_them_back(sim: Simulator, billing: Table) -> None:
    before = set(billing.ids)
    act(sim, act="approve_and_post", contract=ACME, date="2026-03-31")
    item = next(row for row in newest(billing, before) if row["itemName"] == "Managed EDR")
    assert (item["quantity"], item["extendedPrice"], item["billingItemType"]) == (27, 623.7, 6)
    act(sim, act="unpost", contract=ACME, date="2026-03-01")
    assert newest(billing, before) == []


def test_the_difference_of_a_posted_period_is_billed_by_days(
    sim: Simulator, api: Api, billing: Table
) -> None:
    switch(sim, posted_periods="bill")
    before = set(billing.ids)
    made = adjust(api, "2026-02-15", 2)[1]["itemId"]
    (item,) = newest(billing, before)
    assert item["contractServiceAdjustmentID"] == made
    assert (item["quantity"], item["extendedPrice"]) == (2, 23.1)  # 2 × 23.10 × 14/28


def test_the_difference_of_a_period_posted_in_parts_is_prorated_by_the_whole_period(
    sim: Simulator, api: Api, billing: Table
) -> None:
    assert adjust(api, "2026-03-11", 2)[0] == 200
    act(sim, act="approve_and_post", contract=ACME, date="2026-03-31")
    switch(sim, posted_periods="bill")
    before = set(billing.ids)
    adjust(api, "2026-03-01", 1)
    adjust(api, "2026-03-21", 1)
    # 23.10 × 10/31, × 21/31: together one month; and × 11/31
    assert [row["extendedPrice"] for row in newest(billing, before)] == [7.45, 15.65, 8.2]


def test_posting_locks_a_period_and_unposting_opens_it(sim: Simulator, api: Api) -> None:
    assert act(sim, act="approve_and_post", contract=ACME, date="2026-03-31") == 4
    assert act(sim, act="approve_and_post", contract=ACME, date="2026-03-31") == 0
    assert "posted" in refusal(adjust(api, "2026-03-20", 1))
    assert act(sim, act="unpost", contract=ACME, date="2026-03-01") == 4
    assert adjust(api, "2026-03-20", 1)[0] == 200


def test_everything_can_be_posted_at_once(sim: Simulator, api: Api) -> None:
    assert act(sim, act="approve_and_post") > 8
    march = rows(api, startDate="2026-03-01")
    assert march
    assert all(row["approveAndPostDate"] for row in march)


# --- lines and contracts


def test_a_price_of_a_line_reprices_what_is_not_posted(api: Api) -> None:
    assert api("PATCH", f"Contracts/{ACME}/Services", {"id": EDR_LINE, "unitPrice": 30.0})[0] == 200
    prices = {row["startDate"][:7]: row["price"] for row in rows(api, contractServiceID=EDR_LINE)}
    assert (prices["2026-02"], prices["2026-03"], prices["2026-07"]) == (623.7, 810.0, 810.0)


def test_a_patch_of_the_price_may_be_ignored(sim: Simulator, api: Api) -> None:
    switch(sim, service_price_patch="ignored")
    body = {"id": EDR_LINE, "unitPrice": 30.0, "internalDescription": "new"}
    assert api("PATCH", f"Contracts/{ACME}/Services", body)[0] == 200
    line = rows(api, "ContractServices", id=EDR_LINE)[0]
    assert (line["unitPrice"], line["internalDescription"]) == (23.1, "new")
    assert {row["price"] for row in rows(api, contractServiceID=EDR_LINE)} == {623.7}


def test_a_new_line_takes_the_catalogue_and_begins_without_units(sim: Simulator, api: Api) -> None:
    status, answer = api("POST", f"Contracts/{ACME}/Services", {"serviceID": 79})
    assert status == 200
    line = rows(api, "ContractServices", id=answer["itemId"])[0]
    assert (line["unitPrice"], line["unitCost"], line["contractID"]) == (360.0, 210.0, ACME)
    assert units_on(api, "2026-03-05", line["id"]) == 0
    assert "already" in refusal(api("POST", f"Contracts/{ACME}/Services", {"serviceID": 79}))
    switch(sim, units_of_new_line=1)
    other = api("POST", "Contracts/5006/Services", {"serviceID": 71})[1]["itemId"]
    assert units_on(api, "2026-03-05", other) == 1


def test_a_line_shows_the_catalogue_s_text_unless_it_has_its_own(api: Api) -> None:
    api("PATCH", "Services", {"id": EDR, "invoiceDescription": "Protection"})
    made = api("POST", "Contracts/5006/Services", {"serviceID": EDR})[1]["itemId"]
    for sent, shown in ((None, "Protection"), ("Own", "Own"), (None, "Protection")):
        api("PATCH", "Contracts/5006/Services", {"id": made, "invoiceDescription": sent})
        assert rows(api, "ContractServices", id=made)[0]["invoiceDescription"] == shown


def test_what_is_settable_at_creation_alone_is_read_only_in_metadata(api: Api) -> None:
    fields = api("GET", "Contracts/entityInformation/fields")[1]["fields"]
    flags = {each["name"]: (each["isRequired"], each["isReadOnly"]) for each in fields}
    assert flags["contractPeriodType"] == (False, True)
    assert flags["companyID"] == (True, True)
    assert flags["endDate"] == (True, False)


def test_services_need_a_recurring_contract(api: Api) -> None:
    assert "Recurring Service" in refusal(api("POST", "Contracts/5007/Services", {"serviceID": 79}))


def new_contract(api: Api, **fields: Any) -> tuple[int, Any]:
    body = {"companyID": 175, "contractName": "New", "contractType": 7, "contractPeriodType": 2, "status": 1}
    body |= {"startDate": "2026-01-15", "endDate": "2027-01-14", "timeReportingRequiresStartAndStopTimes": 0}
    return api("POST", "Contracts", body | fields)


def test_periods_are_counted_from_the_contract_start(api: Api) -> None:
    contract = new_contract(api, startDate="2026-01-31", endDate="2026-05-10")[1]["itemId"]
    api("POST", f"Contracts/{contract}/Services", {"serviceID": EDR})
    found = [(row["startDate"][5:10], row["endDate"][5:10]) for row in rows(api, contractID=contract)]
    assert found == [("01-31", "02-27"), ("02-28", "03-30"), ("03-31", "04-29"), ("04-30", "05-10")]


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"endDate": "2026-01-01"}, "endDate must be greater"),
        ({"endDate": "2099-01-01"}, "longer than 50 years"),
        ({"endDate": None}, "Missing Required Field: endDate"),
        ({"contractType": None}, "Missing Required Field: contractType"),
        ({"contractType": 99}, "contractType"),
        ({"contractName": "x" * 101}, "contractName must be less than"),
        ({"companyID": 182}, "companyID of type: Company"),
        ({"contactID": 30682003}, "contactID is not associated"),
    ],
)
def test_refused_contracts(api: Api, fields: Any, part: str) -> None:
    assert part in refusal(new_contract(api, **fields))


def test_a_longer_contract_gets_more_rows(api: Api) -> None:
    adjust(api, "2026-07-10", 3)
    assert api("PATCH", "Contracts", {"id": ACME, "endDate": "2026-09-15"})[0] == 200
    assert [units_on(api, day) for day in ("2026-07-09", "2026-07-31", "2026-09-15")] == [27, 30, 30]
    assert units_on(api, "2026-09-16") is None


def test_a_shorter_contract_loses_rows_but_never_posted_ones(api: Api) -> None:
    assert api("PATCH", "Contracts", {"id": ACME, "endDate": "2026-03-10"})[0] == 200
    assert [units_on(api, day) for day in ("2026-03-10", "2026-03-11")] == [27, None]
    assert "posted" in refusal(api("PATCH", "Contracts", {"id": ACME, "endDate": "2026-02-10"}))
    assert "posted" in refusal(api("PATCH", "Contracts", {"id": ACME, "startDate": "2025-09-01"}))


def test_a_posted_row_stays_cut_when_its_contract_goes_on(sim: Simulator, api: Api) -> None:
    api("PATCH", "Contracts", {"id": ACME, "endDate": "2026-03-10"})
    act(sim, act="approve_and_post", contract=ACME)
    posted = rows(api, contractServiceID=EDR_LINE)[-1]
    assert api("PATCH", "Contracts", {"id": ACME, "endDate": "2026-03-31"})[0] == 200
    *_, old, new = rows(api, contractServiceID=EDR_LINE)
    assert old == posted
    assert (new["startDate"][:10], new["endDate"][:10], new["units"]) == ("2026-03-11", "2026-03-31", 27)
    assert new["approveAndPostDate"] is None


def test_another_start_lays_periods_out_again(api: Api) -> None:
    contract = new_contract(api)[1]["itemId"]
    line = api("POST", f"Contracts/{contract}/Services", {"serviceID": EDR})[1]["itemId"]
    adjust(api, "2026-03-01", 4, contractServiceID=line)
    assert api("PATCH", "Contracts", {"id": contract, "startDate": "2026-01-01"})[0] == 200
    assert [units_on(api, day, line) for day in ("2026-01-01", "2026-02-28", "2026-03-01")] == [0, 0, 4]
    assert rows(api, contractServiceID=line)[0]["endDate"][:10] == "2026-01-31"


def test_type_and_company_stay(api: Api) -> None:
    assert api("PATCH", "Contracts", {"id": ACME, "contractType": 1, "companyID": 176})[0] == 200
    contract = rows(api, "Contracts", id=ACME)[0]
    assert (contract["contractType"], contract["companyID"]) == (7, 175)


# --- bundles


def test_bundles_have_units_and_adjustments_of_their_own(sim: Simulator, api: Api) -> None:
    body = {"contractServiceBundleID": 9501, "effectiveDate": "2026-04-01", "unitChange": -2}
    assert api("POST", "ContractServiceBundleAdjustments", body)[0] == 200
    found = rows(api, "ContractServiceBundleUnits", contractServiceBundleID=9501)
    assert {row["units"] for row in found if row["startDate"] >= "2026-04"} == {16}
    assert found[0]["price"] == 1116.0
    assert "vendorCompanyID" not in found[0]
    assert rows(api, serviceID=31) == []
    second = {"contractID": 5003, "serviceBundleID": 31, "allowRepeatServiceBundle": True, "unitChange": 1}
    assert (
        api("POST", "Contracts/5003/ServiceBundleAdjustments", second | {"effectiveDate": "2026-04-01"})[0]
        == 200
    )
    assert len(rows(api, "ContractServiceBundles", contractID=5003)) == 2


def test_the_adjusted_price_of_a_bundle_counts(api: Api) -> None:
    assert api("PATCH", "Contracts/5003/ServiceBundles", {"id": 9501, "adjustedPrice": 50.0})[0] == 200
    found = rows(api, "ContractServiceBundleUnits", contractServiceBundleID=9501)
    assert found[-1]["price"] == 900.0


def test_a_bundle_in_use_cannot_be_deleted(api: Api) -> None:
    assert "cannot be deleted" in refusal(api("DELETE", "ServiceBundles/31"))
    made = api("POST", "ServiceBundles", {"name": "Spare", "billingCodeID": 1, "periodType": 2})[1]["itemId"]
    assert api("DELETE", f"ServiceBundles/{made}")[0] == 200


# --- catalogue, blocks, charges, notes


def test_a_service_is_made_and_changed(api: Api) -> None:
    body = {"name": "Phones", "billingCodeID": 1, "periodType": 2, "unitPrice": 12.0, "unitCost": 8.0}
    made = api("POST", "Services", body)[1]["itemId"]
    row = rows(api, "Services", id=made)[0]
    assert (row["isActive"], row["markupRate"], row["creatorResourceID"]) == (True, 50.0, API_RESOURCE_ID)
    api("PATCH", "Services", {"id": made, "periodType": 5, "unitPrice": 16.0})
    row = rows(api, "Services", id=made)[0]
    assert (row["periodType"], row["markupRate"]) == (2, 100.0)


def test_a_product_has_a_period(api: Api) -> None:
    product = {"name": "Firewall", "isActive": True, "isSerialized": False, "periodType": 2}
    assert api("POST", "Products", product | {"productBillingCodeID": 1})[0] == 200


def test_a_block(api: Api) -> None:
    body = {"datePurchased": "2026-03-01", "startDate": "2026-03-01", "endDate": "2026-06-30"}
    body |= {"hours": 10, "hourlyRate": 90}
    assert api("POST", "Contracts/5008/Blocks", body)[0] == 200
    assert rows(api, "ContractBlocks", contractID=5008)[0]["isPaid"] == 0
    assert "endDate" in refusal(api("POST", "Contracts/5008/Blocks", body | {"endDate": "2026-01-01"}))


def test_a_charge_is_open_until_it_is_billed(sim: Simulator, api: Api) -> None:
    body = {
        "chargeType": 1,
        "datePurchased": "2026-03-01",
        "name": "Cable",
        "unitQuantity": 3,
        "unitPrice": 4.5,
    }
    assert "cannot both be empty" in refusal(api("POST", f"Contracts/{ACME}/Charges", body))
    product = rows(api, "Products")[0]["id"]
    made = api("POST", f"Contracts/{ACME}/Charges", body | {"productID": product, "unitCost": 2})[1]["itemId"]
    charge = rows(api, "ContractCharges", id=made)[0]
    assert (charge["billableAmount"], charge["extendedCost"], charge["isBilled"]) == (13.5, 6.0, False)
    sim.merge(read_scenario({"rows": {"ContractCharges": [{"id": made, "isBilled": True}]}}))
    assert "billed" in refusal(api("PATCH", f"Contracts/{ACME}/Charges", {"id": made, "name": "x"}))
    assert "billed" in refusal(api("DELETE", f"Contracts/{ACME}/Charges/{made}"))


# --- people, and the ground truth


def test_a_person_changes_units_between_plan_and_posting(sim: Simulator, api: Api) -> None:
    act(
        sim,
        act="set_units",
        by="Lucy Brandt",
        contract=ACME,
        service="Managed EDR",
        units=30,
        date="2026-04-01",
    )
    assert units_on(api, "2026-04-01") == 30
    note = rows(api, "ContractNotes", contractID=ACME)[0]
    assert (note["creatorResourceID"], note["description"]) == (
        29682887,
        "Managed EDR: 30 units from 2026-04-01",
    )


def test_our_adjustments_leave_notes_only_by_switch(sim: Simulator, api: Api) -> None:
    adjust(api, "2026-04-01", 1)
    assert rows(api, "ContractNotes", contractID=ACME) == []
    switch(sim, adjustments_leave_notes=True)
    adjust(api, "2026-04-01", 1)
    assert len(rows(api, "ContractNotes", contractID=ACME)) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"act": "set_units", "contract": "nowhere", "service": EDR, "units": 1},
        {"act": "set_units", "contract": ACME, "service": 79, "units": 1},
        {"act": "set_units", "line": 1, "units": 1},
        {"act": "set_units", "line": EDR_LINE, "units": 1, "date": "tomorrow"},
        {"act": "set_units", "line": EDR_LINE, "units": 1, "date": "2030-01-01"},
        {"act": "edit_contract", "contract": ACME, "fields": {"nope": 1}},
        {"act": "approve_and_post", "by": "Nobody"},
        {"act": "approve_and_post", "ticket": 1},
    ],
)
def test_impossible_acts_are_told(sim: Simulator, fields: Any) -> None:
    assert sim_act(sim, fields)[0] == 400


def test_people_cannot_do_what_the_tenant_forbids(sim: Simulator) -> None:
    status, answer = sim_act(sim, {"act": "set_units", "line": EDR_LINE, "units": 1, "date": "2026-01-01"})
    assert (status, "posted" in answer["errors"][0]) == (500, True)


def test_the_ground_truth_knows_every_adjustment(sim: Simulator, api: Api) -> None:
    adjust(api, "2026-04-01", -2)
    act(sim, act="set_units", line=EDR_LINE, units=40, date="2026-05-01")
    state = control(sim, "GET", "state").json()
    told = [
        (row["byResourceID"], row["unitChange"], row["unitsBefore"], row["unitsAfter"])
        for row in state["contractServiceAdjustments"]
    ]
    assert told == [(API_RESOURCE_ID, -2, 27, 25), (29682885, 15, 25, 40)]
    levels = next(row["days"] for row in state["unitLevels"] if row.get("contractServiceID") == EDR_LINE)
    assert levels == [
        {"from": "2025-08-01", "to": "2026-03-31", "units": 27},
        {"from": "2026-04-01", "to": "2026-04-30", "units": 25},
        {"from": "2026-05-01", "to": "2026-07-31", "units": 40},
    ]


def test_units_lag_like_everything_queried(sim: Simulator, api: Api, clock: Clock) -> None:
    switch(sim, search_lag_s=30.0)
    adjust(api, "2026-04-01", 1)
    assert units_on(api, "2026-04-01") == 27
    clock.now += 31
    assert units_on(api, "2026-04-01") == 28


# --- scenarios


def test_a_scenario_adds_and_changes_contracts(sim: Simulator, api: Api) -> None:
    part: Any = {"company": "Acme Dental Group", "name": "Managed Services Acme", "end": "2026-12-31"}
    part["services"] = [{"name": "Managed EDR", "units": 50}, {"name": "Firewall Subscription", "units": 1}]
    sim.merge(read_scenario({"contracts": [part]}))
    assert [units_on(api, day) for day in ("2026-02-28", "2026-03-01", "2026-12-31")] == [27, 50, 50]
    assert len(rows(api, "ContractServices", contractID=ACME)) == 5


def test_a_contract_of_a_prospect_only_if_asked_for(sim: Simulator, api: Api) -> None:
    sim.merge(read_scenario({"contracts": [{"company": "Peak Fitness Clubs", "name": "Trial"}]}))
    assert rows(api, "Contracts", companyID=183)[0]["status"] == 1


@pytest.mark.parametrize(
    "contract",
    [
        {"company": "Nobody", "name": "x"},
        {"company": 175, "name": "x", "start": "yesterday"},
        {"company": 175, "name": "x", "type": "Gift"},
        {"company": 175, "name": "x", "services": [{"name": "Nothing"}]},
        {"company": 175, "name": "x", "services": [{"name": "Managed EDR", "units": -1}]},
        {"company": 175, "name": "x", "services": [{"name": "Managed EDR", "fields": {"nope": 1}}]},
        {"company": 175, "name": "x", "start": "2026-02-01", "end": "2026-01-31"},
        {"company": 175, "name": "x", "start": "0001-01-01", "end": "9999-12-31"},
    ],
)
def test_impossible_scenarios_are_told(contract: Any) -> None:
    with pytest.raises(ScenarioError):
        Simulator(read_scenario({"contracts": [contract]}))


def test_a_tenant_without_defaults_has_no_contracts() -> None:
    assert Simulator(Scenario(defaults=False)).tenant.table("Contracts").ids == []


# --- days, as pure arithmetic

DAYS = st.dates(date(2020, 1, 1), date(2027, 12, 31))


@given(start=DAYS, length=st.integers(0, 900), months=st.sampled_from([0, 1, 3, 6, 12]), data=st.data())
def test_stretches_cover_every_day_once(start: date, length: int, months: int, data: st.DataObject) -> None:
    end = start + timedelta(days=length)
    starts = data.draw(st.sets(st.dates(start, end), max_size=4))
    levels = [Level(day, place, Decimal(1), Decimal(0)) for place, day in enumerate(sorted({start, *starts}))]
    found = list(stretches(periods(start, end, months), levels))
    days = [each.start + timedelta(days=n) for each in found for n in range((each.end - each.start).days + 1)]
    assert days == [start + timedelta(days=n) for n in range(length + 1)]
    for each in found:
        assert each.level == level_on(levels, each.start) == level_on(levels, each.end)


@given(start=DAYS, change=st.integers(-5, 5), day=DAYS)
def test_a_change_holds_from_its_day_on(start: date, change: int, day: date) -> None:
    levels = [Level(start, 10, Decimal(1), Decimal(0))]
    changed = changed_from(levels, day, change)
    for each in (start, day, day - timedelta(days=1), start + timedelta(days=400)):
        before, after = level_on(levels, each), level_on(changed, each)
        assert (before is None) == (after is None)
        if before is not None and after is not None:
            assert after.units - before.units == (change if each >= day else 0)


@given(day=DAYS, months=st.integers(-30, 30))
def test_months_are_added_within_the_month(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day <= day.day
