"""What nobody has verified about Autotask can be had both ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alertd.simulator import API_RESOURCE_ID, Fault, SimRequest, Simulator, read_scenario
from alertd.simulator.simulator import API_INTEGRATION_CODE, API_SECRET, API_USERNAME
from alertd.simulator.tables import Stamp
from tests.simulator.conftest import NOON, Api

EVERYTHING = {"filter": [{"op": "exist", "field": "id"}]}


def test_a_module_that_is_switched_off_is_not_there(sim: Simulator, api: Api) -> None:
    sim.switches.absent_entities = ["Tags"]
    assert api("POST", "Tags/query", EVERYTHING)[0] == 404
    assert api("GET", "Tags/entityInformation")[0] == 404
    names = {info["name"] for info in api("GET", "EntityInformation")[1]["entityDescriptions"]}
    assert ("Tag" in names, "TagGroup" in names) == (False, True)


@pytest.mark.parametrize("right", [None, "crm_customers", "tickets_add"])
def test_access_may_be_told_in_numbers(sim: Simulator, api: Api, right: Any) -> None:
    sim.switches.access_as_numbers = True
    if right:
        sim.faults.add(Fault(kind="rights", remove=[right]), NOON)
    found = (
        api("GET", "Companies/entityInformation")[1]["info"]["userAccessForQuery"],
        api("GET", "Tickets/entityInformation")[1]["info"]["userAccessForCreate"],
    )
    assert found == {None: (1, 1), "crm_customers": (2, 1), "tickets_add": (1, 0)}[right]


@pytest.mark.parametrize(("value", "status"), [("works", 200), ("404", 404), ("405", 405)])
def test_patch_may_be_missing(
    sim: Simulator, api: Api, new_ticket: Callable[..., int], value: Any, status: int
) -> None:
    made = new_ticket()
    sim.switches.collection_patch = value
    reply = sim.call("PATCH", "Tickets", {"id": made, "title": "x"})
    assert (reply.status, reply.body.startswith(b"<")) == (status, status == 404)


@pytest.mark.parametrize(
    ("now", "shown"),
    [
        (NOON, "2026-03-05T12:00:00Z"),
        (NOON + 0.25, "2026-03-05T12:00:00.25Z"),
        (NOON + 600, "2026-03-05T12:10:00Z"),
    ],
)
def test_instants_may_have_the_fewest_digits(sim: Simulator, clock: Any, now: float, shown: str) -> None:
    sim.switches.instant_digits = "fewest"
    clock.now = now
    body = {"companyID": 175, "title": "t", "status": 1, "priority": 2, "queueID": 8}
    made = sim.call("POST", "Tickets", body).json()["itemId"]
    row = sim.call("GET", f"Tickets/{made}").json()["item"]
    assert (row["createDate"], row["dueDateTime"]) == (shown, None)


def test_children_may_carry_the_old_parent(sim: Simulator, api: Api) -> None:
    sim.switches.soap_parent_property = True
    rows = api("POST", "Contacts/query", EVERYTHING)[1]["items"]
    assert all(row["soapParentPropertyId"] == row["companyID"] for row in rows)
    assert "soapParentPropertyId" not in api("GET", "Companies/175")[1]["item"]


@pytest.mark.parametrize(("excess", "statuses"), [("refuse", [200] * 3 + [429]), ("delay", [200] * 4)])
def test_a_fourth_request_may_be_delayed_instead(sim: Simulator, excess: Any, statuses: list[int]) -> None:
    sim.switches.thread_excess, sim.switches.thread_delay_s = excess, 2.0
    headers = {"username": API_USERNAME, "secret": API_SECRET, "apiintegrationcode": API_INTEGRATION_CODE}
    request = SimRequest(method="GET", path="/ATServicesRest/V1.0/Companies/0", headers=headers)
    calls = [sim.begin(request) for _ in range(4)]
    assert [sim.finish(call).status for call in calls] == statuses
    assert calls[3].delay_s == (2.0 if excess == "delay" else 0.0)


def test_a_company_may_need_an_address_to_bill_to(sim: Simulator, api: Api) -> None:
    body = {"companyName": "New", "companyType": 1, "phone": "1", "ownerResourceID": 29682885}
    sim.switches.company_bill_to_required = True
    assert api("POST", "Companies", body) == (
        500,
        {"errors": ["Missing Required Field: billToAddressToUse"]},
    )
    assert api("POST", "Companies", body | {"billToAddressToUse": 1})[0] == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("Companies", {"companyName": "New", "companyType": 1, "phone": "1"}),
        (
            "Tickets",
            {"companyID": 175, "title": "t", "status": 1, "priority": 2, "assignedResourceRoleID": 8},
        ),
    ],
)
def test_an_api_user_owns_nothing(api: Api, path: str, body: dict[str, Any]) -> None:
    field = "ownerResourceID" if path == "Companies" else "assignedResourceID"
    refused = api("POST", path, body | {field: API_RESOURCE_ID})
    assert refused == (
        500,
        {"errors": [f"Reference value on field: {field} of type: Resource does not exist or is invalid."]},
    )


def test_texts_are_the_tenants(sim: Simulator, api: Api, new_ticket: Callable[..., int]) -> None:
    sim.switches.length_text = "String value for {field} is longer than {length}"
    made = new_ticket()
    answer = api("PATCH", "Tickets", {"id": made, "externalID": "x" * 51})
    assert answer[1]["errors"] == ["String value for externalID is longer than 50"]


@pytest.mark.parametrize(
    ("kind", "good", "bad"), [("double", "1.5", "many"), ("datetime", "2026-03-05", "soon")]
)
def test_user_defined_fields_have_types(
    sim: Simulator, api: Api, new_ticket: Callable[..., int], kind: str, good: str, bad: str
) -> None:
    sim.merge(read_scenario({"udfs": [{"entity": "Tickets", "name": "Typed", "type": kind}]}))
    made = new_ticket(userDefinedFields=[{"name": "Typed", "value": good}])
    change = {"id": made, "userDefinedFields": [{"name": "Typed", "value": bad}]}
    assert api("PATCH", "Tickets", change)[0] == 500


def test_duplicates_may_be_told_by_a_user_defined_field(
    sim: Simulator, new_ticket: Callable[..., int]
) -> None:
    sim.faults.add(Fault(kind="duplicates", match=["Alert Key"]), NOON)
    key = [{"name": "Alert Key", "value": "k"}]
    first = new_ticket(userDefinedFields=key)
    assert new_ticket(userDefinedFields=key) == first
    assert new_ticket() != new_ticket()


def test_an_inactive_queue_and_one_that_nobody_works(sim: Simulator, api: Api) -> None:
    sim.merge(read_scenario({"queues": [{"id": 8, "active": False}, {"id": 29682834, "resources": []}]}))
    fields = api("GET", "Tickets/entityInformation/fields")[1]["fields"]
    values = {each["value"]: each for each in _field(fields, "queueID")["picklistValues"]}
    assert (values["8"]["isActive"], values["8"]["isSystem"], values["8"]["label"]) == (
        False,
        True,
        "Monitoring Alert",
    )
    query = {"filter": [{"op": "eq", "field": "queueID", "value": 29682834}]}
    assert api("POST", "ResourceRoleQueues/query", query)[1]["items"] == []


def _field(fields: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(each for each in fields if each["name"] == name)


def test_a_contract_of_a_company_that_is_no_customer(sim: Simulator, api: Api) -> None:
    company = {"name": "Acme Dental Group", "type": "Prospect"}
    sim.merge(read_scenario({"companies": [company]}))
    row = api("GET", "Companies/175")[1]["item"]
    active = [{"op": "eq", "field": "companyID", "value": 175}, {"op": "eq", "field": "status", "value": 1}]
    assert api("POST", "Contracts/query/count", {"filter": active})[1]["queryCount"] > 0
    assert (row["companyType"], row["isActive"], row["companyName"]) == (3, True, "Acme Dental Group")


@pytest.mark.parametrize(("applied", "contract"), [(False, None), (True, 5001)])
def test_a_default_contract_may_be_applied(
    sim: Simulator, api: Api, new_ticket: Callable[..., int], applied: bool, contract: int | None
) -> None:
    sim.tenant.table("Contracts").update(5001, {"isDefaultContract": True}, Stamp(NOON))
    sim.switches.default_contract_applied = applied
    assert api("GET", f"Tickets/{new_ticket()}")[1]["item"]["contractID"] == contract
    assert api("GET", f"Tickets/{new_ticket(companyID=183)}")[1]["item"]["contractID"] is None


def test_a_contract_is_the_companys(api: Api, new_ticket: Callable[..., int]) -> None:
    made = new_ticket(contractID=5001)
    moved = {"id": made, "companyID": 183}
    assert api("PATCH", "Tickets", moved)[0] == 500
    assert api("PATCH", "Tickets", moved | {"contractID": None})[0] == 200


def test_notes_tell_who_changed_them_for_whom(sim: Simulator, new_ticket: Callable[..., int]) -> None:
    note = {"title": "t", "description": "d", "noteType": 3, "publish": 1}
    path = f"/ATServicesRest/V1.0/Tickets/{new_ticket()}/Notes"
    made = sim.call("POST", path.split("V1.0/")[1], note).json()["itemId"]
    headers = {"username": API_USERNAME, "secret": API_SECRET, "apiintegrationcode": API_INTEGRATION_CODE}
    headers["impersonationresourceid"] = "29682885"
    body = b'{"id": %d, "title": "u"}' % made
    assert sim.handle(SimRequest(method="PATCH", path=path, headers=headers, body=body)).status == 200
    row = sim.tenant.table("TicketNotes").rows[made]
    assert (row["impersonatorUpdaterResourceID"], row["impersonatorCreatorResourceID"]) == (
        API_RESOURCE_ID,
        None,
    )


def test_a_line_that_was_added_is_seen(sim: Simulator, api: Api) -> None:
    """A line of business is looked up at every call, so that a checklist run again sees what was mended."""
    sim.merge(read_scenario({"rows": {"OrganizationalLevelAssociations": [{"organizationalLevel1ID": 3}]}}))
    body = {"companyID": 175, "title": "t", "status": 1, "priority": 2, "queueID": 8}
    made = api("POST", "Tickets", body | {"organizationalLevelAssociationID": 3})[1]["itemId"]
    unseen = api("GET", f"Tickets/{made}")[1]["item"]
    row = {"organizationalLevelAssociationID": 3, "resourceID": API_RESOURCE_ID}
    sim.merge(read_scenario({"rows": {"OrganizationalResources": [row]}}))
    assert (unseen, api("GET", f"Tickets/{made}")[1]["item"]["id"]) == (None, made)


def test_cancelled_companies_are_customers_too(sim: Simulator) -> None:
    table = sim.tenant.table("Companies")
    table.update(175, {"companyType": 6}, Stamp(NOON))
    sim.faults.add(Fault(kind="rights", remove=["crm_customers"]), NOON)
    assert sim.call("GET", "Companies/175").json() == {"item": None}


def test_another_zone_may_show_an_empty_database(sim: Simulator, new_ticket: Callable[..., int]) -> None:
    made = new_ticket()
    headers = {"username": API_USERNAME, "secret": API_SECRET, "apiintegrationcode": API_INTEGRATION_CODE}
    old = SimRequest(method="GET", path=f"/ATServicesRest/V1.0/Tickets/{made}", headers=headers)
    sim.faults.add(Fault(kind="moved_zone"), NOON)
    refused = sim.handle(old).status
    sim.switches.wrong_zone = "empty"
    assert (refused, sim.handle(old).json()) == (401, {"item": None})
    assert sim.call("GET", f"Tickets/{made}").json()["item"]["id"] == made


def test_a_field_may_not_be_there_yet(sim: Simulator, api: Api, new_ticket: Callable[..., int]) -> None:
    sim.switches.absent_fields = {"Tickets": ["rmaType", "externalID"]}
    names = {field["name"] for field in api("GET", "Tickets/entityInformation/fields")[1]["fields"]}
    made = new_ticket(externalID="k")
    row = api("GET", f"Tickets/{made}")[1]["item"]
    query = {"filter": [{"op": "eq", "field": "externalID", "value": "k"}]}
    told = [each in names or each in row for each in ("rmaType", "externalID", "title")]
    assert told == [False, False, True]
    assert api("POST", "Tickets/query", query)[1] == {
        "errors": ["Unable to find externalID in the Ticket Entity."]
    }
    assert sim.tenant.table("Tickets").rows[made]["externalID"] is None
