"""Rights of section 6, one by one: each takes what it stands for, and nothing else."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from alertd.simulator import (
    API_RESOURCE_ID,
    API_USERNAME,
    Fault,
    SimRequest,
    Simulator,
    read_scenario,
)
from alertd.simulator.entities import ROOT_WRITES, Entity, parse_fields
from alertd.simulator.rights import NamedRight, Rights
from alertd.simulator.schema import ENTITIES
from alertd.simulator.tables import Stamp
from tests.simulator.conftest import NOON, Api

EVERYTHING = {"filter": [{"op": "exist", "field": "id"}]}
NOTE = {"title": "Again", "description": "5 times", "noteType": 3, "publish": 1}
FILE = {"title": "log", "fullPath": "log.txt", "attachmentType": "FILE_ATTACHMENT", "publish": 1}
FILE |= {"data": "YWxs"}
ADJUSTMENT = {"contractServiceID": 9107, "effectiveDate": "2026-03-10", "unitChange": 1}
LINE = 2


@pytest.fixture
def desk(sim: Simulator, api: Api) -> Api:
    """The API of a furnished tenant."""
    furnish(sim, api)
    return api


def furnish(sim: Simulator, api: Api) -> None:
    """Make tickets of a customer (open, complete), of a prospect, and of another line of business."""
    body = {"companyID": 175, "title": "Disk full", "status": 1, "priority": 2, "queueID": 29682833}
    wanted: list[dict[str, Any]] = [{}, {"status": 5}, {"companyID": 183}, {"companyID": 183}]
    made = [api("POST", "Tickets", body | fields)[1]["itemId"] for fields in wanted]
    sim.tenant.table("Tickets").update(made[3], {"organizationalLevelAssociationID": LINE}, Stamp(NOON))
    for ticket in made[:3]:
        api("POST", f"Tickets/{ticket}/Notes", NOTE)
        api("POST", f"Tickets/{ticket}/TagAssociations", {"tagID": 501})
        api("POST", f"Tickets/{ticket}/Attachments", FILE)
    sim.tenant.table("Products").update(29683001, {"unitCost": 4.0}, Stamp(NOON))


def look(api: Api) -> dict[str, Any]:
    """What a client can find out, by name; one that changes is a symptom."""
    found: dict[str, Any] = {}
    listed = api("GET", "EntityInformation")[1]
    for info in listed.get("entityDescriptions", []):
        for verb in ("Create", "Query", "Update", "Delete"):
            found[f"{info['name']} {verb}"] = info[f"userAccessFor{verb}"]
    for entity in ENTITIES.values():
        if entity.has_root:
            rows = api("POST", f"{entity.name}/query", EVERYTHING)[1]
            found[f"{entity.name} rows"] = [row["id"] for row in rows.get("items", ())]
    found["cost"] = api("GET", "Products/29683001")[1]
    found["udf"] = api("GET", "ConfigurationItems/4001")[1]
    found["attachment"] = api("GET", "TicketAttachments/29700001")
    return found | _tries(api)


def _tries(api: Api) -> dict[str, Any]:
    ticket = {"companyID": 183, "title": "t", "status": 1, "priority": 2, "queueID": 29682833}
    tries: dict[str, tuple[str, str, Any]] = {
        "create ticket": ("POST", "Tickets", ticket),
        "edit ticket": ("PATCH", "Tickets", {"id": 10003, "priority": 1}),
        "create note": ("POST", "Tickets/10003/Notes", NOTE),
        "create tag": ("POST", "Tags", {"label": "new"}),
        "add tag": ("POST", "Tickets/10003/TagAssociations", {"tagID": 502}),
        "remove tag": ("DELETE", "Tickets/10003/TagAssociations/9003", None),
        "adjust units": ("POST", "ContractServiceAdjustments", ADJUSTMENT),
        "edit contract": ("PATCH", "Contracts", {"id": 5001, "contractName": "Renamed"}),
        "reopen": ("PATCH", "Tickets", {"id": 10002, "status": 8}),
    }
    return {name: api(*each)[0] for name, each in tries.items()}


FILES = {"TicketAttachments rows", "attachment"}
VERBS = {"Create": "POST", "Update": "PATCH", "Delete": "DELETE"}
CONTRACTS = [entity for entity in ENTITIES.values() if entity.name.startswith("Contract")]
CONTRACT_WRITES = {"adjust units", "edit contract"} | {
    f"{entity.singular} {verb}" for entity in CONTRACTS for verb in VERBS if VERBS[verb] in entity.verbs
}
FILLED_CONTRACTS = {
    f"{name} rows" for name in ("Contracts", *(f"Contract{each}" for each in ("Services", "ServiceUnits")))
} | {"ContractServiceBundles rows", "ContractServiceBundleUnits rows"}
DEPEND_ON_TICKETS = {"TicketNotes rows", "TicketTagAssociations rows"} | FILES
SYMPTOMS: dict[str, set[str]] = {
    "tickets_view": {"Ticket Query", "Tickets rows", "edit ticket", "remove tag", "reopen"}
    | DEPEND_ON_TICKETS,
    "tickets_add": {"Ticket Create", "create ticket"},
    "tickets_edit": {"Ticket Update", "edit ticket", "reopen"},
    "edit_complete_tickets": {"reopen"},
    "notes_add": {"TicketNote Create", "create note"},
    "remove_tags": {"TicketTagAssociation Delete", "remove tag"},
    "crm_customers": {"Company Query", "Company Update", "Companies rows", "Tickets rows", "reopen", "udf"}
    | {"CompanyLocations rows", "Contacts rows", "ConfigurationItems rows", "BillingItems rows"}
    | {"edit contract", "adjust units"}
    | FILLED_CONTRACTS
    | DEPEND_ON_TICKETS,
    "contracts_view": CONTRACT_WRITES
    | FILLED_CONTRACTS
    | {f"{entity.singular} Query" for entity in CONTRACTS if entity.has_root and not entity.write_only},
    "contracts_edit": CONTRACT_WRITES,
    "webhooks": {
        f"{entity.singular} Create"
        for entity in ENTITIES.values()
        if "Webhook" in entity.name and "POST" in entity.verbs
    },
    "products_view": {"Products rows", "Services rows", "ServiceBundles rows", "cost"}
    | {"Product Query", "Service Query", "ServiceBundle Query"}
    | {f"Product{name} Query" for name in ("Vendor", "Tier", "Note")},
    "costs": {"cost"},
    "lines_of_business": {"OrganizationalResources rows", "Tickets rows"},
    "protected_udfs": {"udf"},
    "attachments": FILES,
    "administer_tags": {
        *(f"{name} {verb}" for name in ("Tag", "TagGroup") for verb in ("Create", "Update", "Delete")),
        *("TagAlias Create", "TagAlias Delete", "create tag"),
    },
}


@pytest.mark.parametrize("right", sorted(SYMPTOMS))
@pytest.mark.parametrize("way", ["fault", "scenario"])
def test_a_right_removed_alone_has_its_own_symptoms(desk: Api, sim: Simulator, right: str, way: str) -> None:
    if way == "fault":
        sim.faults.add(Fault(kind="rights", remove=[right]), NOON)  # type: ignore[list-item]
    else:
        sim.merge(read_scenario({"api_users": [{"username": API_USERNAME, "remove": [right]}]}))
    without = look(desk)
    sim.reset(NOON)
    furnish(sim, desk)
    before = look(desk)
    assert {name for name in before if before[name] != without[name]} == SYMPTOMS[right]


def test_without_attachments_none_can_be_found(desk: Api, sim: Simulator) -> None:
    sim.faults.add(Fault(kind="rights", remove=["attachments"]), NOON)
    assert desk("POST", "TicketAttachments/query", EVERYTHING)[1]["items"] == []
    gone = (500, {"errors": ["Attachment could not be found."]})
    assert desk("GET", "TicketAttachments/29700001") == gone
    assert desk("POST", "Tickets/10001/Attachments", FILE)[0] == 200


def test_products_are_empty_without_their_view(desk: Api, sim: Simulator) -> None:
    sim.faults.add(Fault(kind="rights", remove=["products_view"]), NOON)
    assert desk("POST", "Products/query", EVERYTHING)[1]["items"] == []
    assert desk("GET", "Products/29683001") == (200, {"item": None})
    assert desk("GET", "Products/entityInformation")[1]["info"]["userAccessForQuery"] == "None"


@pytest.mark.parametrize("path", ["ThresholdInformation", "Tickets/entityInformation", "Companies/0"])
def test_without_web_services_every_call_fails(sim: Simulator, path: str) -> None:
    sim.faults.add(Fault(kind="rights", remove=["web_services"]), NOON)
    assert (sim.call("GET", path).status, sim.call("GET", path).body) == (401, b"")
    sim.switches.web_services_status = 500
    assert sim.call("GET", path).json() == {"errors": [sim.switches.web_services_text]}


def test_without_web_services_the_zone_is_still_told_and_nobody_is_locked(sim: Simulator) -> None:
    sim.faults.add(Fault(kind="rights", remove=["web_services"]), NOON)
    for _ in range(20):
        sim.call("GET", "Tickets/1")
    zone = SimRequest(method="GET", path="/atservicesrest/v1.0/zoneInformation", query={"user": API_USERNAME})
    assert (sim.handle(zone).status, sim.tenant.api_users[API_USERNAME].locked) == (200, False)


@pytest.mark.parametrize(
    ("right", "entity", "lost"),
    [
        ("contracts_view", "Contracts", {"create", "query", "update", "delete"}),
        ("contracts_view", "ContractServiceAdjustments", {"create", "query", "update", "delete"}),
        ("contracts_edit", "ContractServices", {"create", "update", "delete"}),
        ("contracts_edit", "Contacts", set()),
        ("products_view", "Services", {"query"}),
        ("products_view", "ServiceBundles", {"query"}),
        ("webhooks", "TicketWebhooks", {"create"}),
        ("webhooks", "TicketNoteWebhooks", {"create"}),
        ("webhooks", "WebhookEventErrorLogs", set()),
        ("notes_add", "ContractNotes", set()),
    ],
)
def test_what_a_right_takes(right: str, entity: str, lost: set[str]) -> None:
    rights = Rights(removed=frozenset({right}))
    some = Entity(name=entity, singular="", root_verbs=ROOT_WRITES, fields=parse_fields("name string(9)"))
    assert {verb for verb in ("create", "query", "update", "delete") if not rights.may(some, verb)} == lost


def test_every_right_has_a_test() -> None:
    elsewhere = {"web_services"}
    assert {*SYMPTOMS, *elsewhere} == set(get_args(NamedRight))


def test_hidden_costs_may_be_zero(desk: Api, sim: Simulator) -> None:
    sim.switches.hidden_cost = "zero"
    sim.faults.add(Fault(kind="rights", remove=["costs"]), NOON)
    assert desk("GET", "Products/29683001")[1]["item"]["unitCost"] == 0


def test_a_removed_view_may_leave_own_tickets(desk: Api, sim: Simulator) -> None:
    sim.switches.removal_leaves_own = ["tickets_view", "tickets_edit"]
    strangers = sim.tenant.table("Tickets")
    strangers.update(10001, {"creatorResourceID": 29682885}, Stamp(NOON))
    sim.faults.add(Fault(kind="rights", remove=["tickets_view"]), NOON)
    assert [row["id"] for row in desk("POST", "Tickets/query", EVERYTHING)[1]["items"]] == [
        10002,
        10003,
        10004,
    ]
    assert desk("GET", "Tickets/entityInformation")[1]["info"]["userAccessForQuery"] == "Restricted"
    assert desk("GET", "Tickets/10001")[1] == {"item": None}


def test_a_removed_edit_may_leave_own_tickets(desk: Api, sim: Simulator) -> None:
    sim.switches.removal_leaves_own = ["tickets_edit"]
    sim.tenant.table("Tickets").update(10001, {"creatorResourceID": 29682885}, Stamp(NOON))
    sim.faults.add(Fault(kind="rights", remove=["tickets_edit"]), NOON)
    answers = [desk("PATCH", "Tickets", {"id": each, "title": "x"})[0] for each in (10001, 10003)]
    assert answers == [500, 200]
    assert desk("GET", "Tickets/entityInformation")[1]["info"]["userAccessForUpdate"] == "Restricted"


def test_a_removed_customer_view_may_leave_own_companies(desk: Api, sim: Simulator) -> None:
    sim.switches.removal_leaves_own = ["crm_customers"]
    sim.tenant.table("Companies").update(178, {"ownerResourceID": API_RESOURCE_ID}, Stamp(NOON))
    sim.faults.add(Fault(kind="rights", remove=["crm_customers"]), NOON)
    rows = desk("POST", "Companies/query", EVERYTHING)[1]["items"]
    assert [row["id"] for row in rows] == [0, 178, 183]


def test_a_user_sees_the_lines_it_belongs_to(sim: Simulator, desk: Api) -> None:
    table = sim.tenant.table("OrganizationalResources")
    table.delete(table.find("resourceID", API_RESOURCE_ID)[1]["id"], Stamp(NOON))
    assert desk("GET", "Tickets/10004")[1] == {"item": None}
    assert [row["id"] for row in desk("POST", "Tickets/query", EVERYTHING)[1]["items"]] == [
        10001,
        10002,
        10003,
    ]


def test_a_scenario_may_leave_a_user_out_of_a_line(sim: Simulator) -> None:
    lines = [row["organizationalLevelAssociationID"] for row in sim.tenant.table("OrganizationalResources")]
    assert lines == [1, 2]
    rows = {"OrganizationalLevelAssociations": [{"organizationalLevel1ID": 3, "organizationalLevel2ID": 1}]}
    sim.merge(read_scenario({"rows": rows}))
    again = [row["organizationalLevelAssociationID"] for row in sim.tenant.table("OrganizationalResources")]
    assert again == [1, 2]
