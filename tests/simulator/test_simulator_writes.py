"""Creates, updates and deletes: sections 2.4, 2.5 and 5."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alertd.simulator import (
    API_INTEGRATION_CODE,
    API_RESOURCE_ID,
    API_SECRET,
    API_USERNAME,
    SimRequest,
    Simulator,
)
from alertd.simulator.tables import Stamp
from tests.simulator.conftest import Api

TICKET = {"companyID": 175, "title": "Disk full", "status": 1, "priority": 2, "queueID": 29682833}
NO_OWNER = (
    "assignedResourceID, assignedResourceRoleID, and queueID cannot all be empty. "
    "Supply a queueID or both an assignedResourceID and assignedResourceRoleID."
)
HALF_OWNER = (
    "When assigning a Resource, you must assign both a assignedResourceID and assignedResourceRoleID."
)
JANA, PIET_INACTIVE = 29682885, 29682888


def id_of(sim: Simulator, entity: str, field: str, value: Any) -> int:
    return next(int(row["id"]) for row in sim.tenant.table(entity) if row[field] == value)


def test_minimum_create(sim: Simulator, api: Api) -> None:
    assert api("POST", "Tickets", TICKET) == (200, {"itemId": 10001})
    item = api("GET", "Tickets/10001")[1]["item"]
    made = {
        name: item[name] for name in ("ticketNumber", "source", "ticketType", "ticketCategory", "createDate")
    }
    assert made == {
        "ticketNumber": "T20260305.0001",
        "source": 1,
        "ticketType": 1,
        "ticketCategory": 3,
        "createDate": "2026-03-05T12:00:00.000Z",
    }
    assert (item["creatorResourceID"], item["lastActivityDate"]) == (API_RESOURCE_ID, item["createDate"])


@pytest.mark.parametrize(
    ("changed", "texts"),
    [
        ({"title": None}, ["Missing Required Field: title"]),
        (
            {"title": "", "status": None},
            ["Missing Required Field: status", "Missing Required Field: title"],
        ),
        ({"queueID": None}, [NO_OWNER]),
        (
            {"assignedResourceID": JANA},
            [HALF_OWNER],
        ),
        (
            {"contactID": 5},
            ["Reference value on field: contactID of type: Contact does not exist or is invalid."],
        ),
        ({"title": "x" * 256}, ["title must be less than or equal to 255 characters"]),
        ({"description": "x" * 8001}, ["description must be less than or equal to 8000 characters"]),
        ({"externalID": "x" * 51}, ["externalID must be less than or equal to 50 characters"]),
        (
            {"priority": 77},
            ["Value does not exist for picklist: priority. The value 77 is invalid."],
        ),
        (
            {"queueID": 29682837},
            ["Value does not exist for picklist: queueID. The value 29682837 is invalid."],
        ),
        (
            {"issueType": 10, "subIssueType": 150},
            ["Value does not exist for child picklist: subIssueType"],
        ),
        (
            {"companyID": 182},
            ["Reference value on field: companyID of type: Company does not exist or is invalid."],
        ),
        (
            {"assignedResourceID": PIET_INACTIVE, "assignedResourceRoleID": 8},
            ["Reference value on field: assignedResourceID of type: Resource does not exist or is invalid."],
        ),
        (
            {"assignedResourceID": API_RESOURCE_ID, "assignedResourceRoleID": 8},
            ["Reference value on field: assignedResourceID of type: Resource does not exist or is invalid."],
        ),
        (
            {"assignedResourceID": 29682886, "assignedResourceRoleID": 9},
            ["Data violation: This Role (Senior Technician) cannot be used with the assigned Resource."],
        ),
        (
            {"status": True},
            ["Unexpected character encountered while parsing value: t. Path 'status', line 1, position 1."],
        ),
        (
            {"contractID": 1},
            ["Reference value on field: contractID of type: Contract does not exist or is invalid."],
        ),
        (
            {"userDefinedFields": [{"name": "Alert Source", "value": "Pigeon"}]},
            ["Value does not exist for picklist: Alert Source. The value Pigeon is invalid."],
        ),
        (
            {"userDefinedFields": [{"name": "Nope", "value": "x"}]},
            ["Unable to find Nope in the Ticket Entity."],
        ),
    ],
)
def test_refused_create(sim: Simulator, api: Api, changed: Any, texts: list[str]) -> None:
    assert api("POST", "Tickets", TICKET | changed) == (500, {"errors": texts})
    assert not sim.tenant.table("Tickets").ids


def test_references_must_belong_to_the_company(sim: Simulator, api: Api) -> None:
    contact = id_of(sim, "Contacts", "firstName", "Ines")
    device = id_of(sim, "ConfigurationItems", "referenceTitle", "NWL-DC01")
    place = id_of(sim, "CompanyLocations", "name", "Depot")
    texts = [
        api("POST", "Tickets", TICKET | extra)[1]["errors"][0]
        for extra in ({"contactID": contact}, {"configurationItemID": device}, {"companyLocationID": place})
    ]
    assert texts == [
        "contactID is not associated to the companyID or its Parent Company",
        f"The configurationItemID [{device}] is not associated with Company [175]",
        f"The companyLocationID[{place}] cannot be associated with the Ticket. The CompanyLocation must "
        "belong to the Ticket's, ConfigurationItem's, or the Contact's Company.",
    ]


def test_a_contact_of_the_parent_company_is_fine(sim: Simulator, api: Api) -> None:
    contact = id_of(sim, "Contacts", "firstName", "Ines")
    assert api("POST", "Tickets", TICKET | {"companyID": 177, "contactID": contact})[0] == 200


def test_a_resource_pair_replaces_the_queue(api: Api) -> None:
    pair = {"queueID": None, "assignedResourceID": JANA, "assignedResourceRoleID": 8}
    assert api("POST", "Tickets", TICKET | pair)[0] == 200


def test_read_only_and_unknown_fields_are_ignored(api: Api, new_ticket: Callable[..., int]) -> None:
    made = new_ticket(rmmAlertID="r1", createDate="2001-01-01", nonsense=1, id=5)
    item = api("GET", f"Tickets/{made}")[1]["item"]
    assert (item["rmmAlertID"], item["createDate"][:4]) == (None, "2026")


def test_category_supplies_defaults_and_demands_fields(sim: Simulator, api: Api) -> None:
    row = sim.tenant.new_row("TicketCategoryFieldDefaults") | {"ticketCategoryID": 100, "issueTypeID": 10}
    sim.tenant.category_required[100] = ["dueDateTime"]
    sim.tenant.table("TicketCategoryFieldDefaults").insert(row, Stamp(0.0))
    refused = api("POST", "Tickets", TICKET | {"ticketCategory": 100})[1]
    made = api("POST", "Tickets", TICKET | {"ticketCategory": 100, "dueDateTime": "2026-04-01"})[1]["itemId"]
    assert refused == {"errors": ["Missing Required Field: dueDateTime"]}
    assert api("GET", f"Tickets/{made}")[1]["item"]["issueType"] == 10


def test_patch_merges_and_completion_sets_its_fields(
    api: Api, new_ticket: Callable[..., int], clock: Any
) -> None:
    made = new_ticket(description="text")
    clock.now += 60
    assert api("PATCH", "Tickets", {"id": made, "status": 5}) == (200, {"itemId": made})
    done = api("GET", f"Tickets/{made}")[1]["item"]
    api("PATCH", "Tickets", {"id": made, "status": 8})
    again = api("GET", f"Tickets/{made}")[1]["item"]
    assert (done["description"], done["completedDate"], done["completedByResourceID"]) == (
        "text",
        "2026-03-05T12:01:00.000Z",
        API_RESOURCE_ID,
    )
    assert done["lastActivityDate"] == "2026-03-05T12:01:00.000Z"
    assert (again["status"], again["completedDate"]) == (8, None)


def test_patch_without_effect_moves_nothing(api: Api, new_ticket: Callable[..., int], clock: Any) -> None:
    made = new_ticket()
    clock.now += 60
    assert api("PATCH", "Tickets", {"id": made, "priority": 2})[0] == 200
    assert api("GET", f"Tickets/{made}")[1]["item"]["lastActivityDate"] == "2026-03-05T12:00:00.000Z"


def test_put_empties_what_is_left_out(api: Api, new_ticket: Callable[..., int]) -> None:
    made = new_ticket(
        description="text", externalID="k", userDefinedFields=[{"name": "Alert Key", "value": "k"}]
    )
    assert api("PUT", "Tickets", {"id": made, "title": "new"})[1]["errors"][0].startswith(
        "Missing Required Field"
    )
    assert api("PUT", "Tickets", TICKET | {"id": made})[0] == 200
    item = api("GET", f"Tickets/{made}")[1]["item"]
    assert (item["description"], item["externalID"], item["ticketNumber"]) == (None, None, "T20260305.0001")
    assert item["userDefinedFields"][0]["value"] is None


def test_patch_changes_only_the_udfs_sent(api: Api, new_ticket: Callable[..., int]) -> None:
    made = new_ticket(userDefinedFields=[{"name": "Alert Key", "value": "k"}])
    api("PATCH", "Tickets", {"id": made, "userDefinedFields": [{"name": "Alert Source", "value": "RMM"}]})
    assert [each["value"] for each in api("GET", f"Tickets/{made}")[1]["item"]["userDefinedFields"]] == [
        "k",
        "RMM",
    ]


@pytest.mark.parametrize("body", [{"status": 5}, {"id": 999, "status": 5}, {"id": "x"}])
def test_patch_needs_an_id_that_exists(api: Api, body: Any) -> None:
    assert api("PATCH", "Tickets", body)[0] == 500


def test_company_change_is_checked_as_a_whole(
    sim: Simulator, api: Api, new_ticket: Callable[..., int]
) -> None:
    device = id_of(sim, "ConfigurationItems", "referenceTitle", "ACME-DC01")
    made = new_ticket(configurationItemID=device)
    alone = api("PATCH", "Tickets", {"id": made, "companyID": 176})
    together = api("PATCH", "Tickets", {"id": made, "companyID": 176, "configurationItemID": None})
    assert (alone[0], together[0]) == (500, 200)


def test_patch_does_not_mind_an_inactive_reference_it_leaves_alone(
    sim: Simulator, api: Api, new_ticket: Callable[..., int]
) -> None:
    made = new_ticket()
    sim.tenant.values_of("Tickets", "queueID")["29682833"].active = False
    patch = api("PATCH", "Tickets", {"id": made, "priority": 1})
    put = api("PUT", "Tickets", TICKET | {"id": made})
    assert (patch[0], put[0]) == (200, 500)


NOTE = {"title": "Again", "description": "5 times", "noteType": 3, "publish": 1}


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"title": None}, "Missing Required Field: title"),
        ({"description": "x" * 32_001}, "description must be less than or equal to 32000 characters"),
        ({"noteType": 13}, "Value does not exist for picklist: noteType. The value 13 is invalid."),
        ({"publish": 3}, "Value does not exist for picklist: publish. The value 3 is invalid."),
    ],
)
def test_refused_note(api: Api, new_ticket: Callable[..., int], changed: Any, text: str) -> None:
    assert api("POST", f"Tickets/{new_ticket()}/Notes", NOTE | changed) == (500, {"errors": [text]})


def test_note_on_a_complete_ticket_moves_its_activity(
    api: Api, new_ticket: Callable[..., int], clock: Any
) -> None:
    made = new_ticket(status=5)
    clock.now += 60
    note = api("POST", f"Tickets/{made}/Notes", NOTE)[1]["itemId"]
    clock.now += 60
    assert api("PATCH", f"Tickets/{made}/Notes", {"id": note, "title": "Once more"})[0] == 200
    assert api("GET", f"Tickets/{made}")[1]["item"]["lastActivityDate"] == "2026-03-05T12:02:00.000Z"


def test_note_on_a_ticket_that_is_not_there(api: Api) -> None:
    text = "Value does not reference an existing entity for ticketID ."
    assert api("POST", "Tickets/999/Notes", NOTE) == (500, {"errors": [text]})


def test_tags(api: Api, new_ticket: Callable[..., int]) -> None:
    made, tag = new_ticket(), api("POST", "Tags", {"label": "alert-bot", "tagGroupID": 12})[1]["itemId"]
    link = api("POST", f"Tickets/{made}/TagAssociations", {"tagID": tag})[1]["itemId"]
    twice = api("POST", f"Tickets/{made}/TagAssociations", {"tagID": tag, "ticketID": made})
    query = {"filter": [{"op": "eq", "field": "ticketID", "value": made}]}
    found = api("POST", "TicketTagAssociations/query", query)[1]["items"]
    gone = api("DELETE", f"Tickets/{made}/TagAssociations/{link}")
    again = api("DELETE", f"Tickets/{made}/TagAssociations/{link}")
    assert (twice[0], [(row["id"], row["tagID"]) for row in found], gone) == (
        500,
        [(link, tag)],
        (200, {"itemId": link}),
    )
    assert again[1]["errors"] == [
        "No message. No matching records found. The logged in Resource may not have the required permissions "
        "to delete the data."
    ]


@pytest.mark.parametrize("label", ["vip", "VIP", "retired-tag"])
def test_tag_labels_are_unique(api: Api, label: str) -> None:
    text = f"A Tag already exists with label [{label}]. Tag.label must be unique."
    assert api("POST", "Tags", {"label": label}) == (500, {"errors": [text]})


def test_tag_uniqueness_switches(sim: Simulator, api: Api) -> None:
    sim.switches.tag_labels_ignore_case = sim.switches.tag_labels_cover_inactive = False
    assert [api("POST", "Tags", {"label": label})[0] for label in ("VIP", "retired-tag", "vip")] == [
        200,
        200,
        500,
    ]


def test_tag_limits(sim: Simulator, api: Api, new_ticket: Callable[..., int]) -> None:
    made = new_ticket()
    tags = [api("POST", "Tags", {"label": f"t{number}"})[1]["itemId"] for number in range(31)]
    statuses = [api("POST", f"Tickets/{made}/TagAssociations", {"tagID": tag})[0] for tag in tags]
    sim.switches.tag_limit = 34
    assert (statuses, api("POST", "Tags", {"label": "more"})[0]) == ([200] * 30 + [500], 500)


def test_deleting_a_tag_or_group_cascades(sim: Simulator, api: Api, new_ticket: Callable[..., int]) -> None:
    made = new_ticket()
    api("POST", f"Tickets/{made}/TagAssociations", {"tagID": 501})
    api("POST", "Tags/501/Aliases", {"alias": "also"})
    statuses = [api("DELETE", path)[0] for path in ("Tags/501", "TagGroups/12", "Tags/504")]
    assert (statuses, len(sim.tenant.table("TicketTagAssociations").ids)) == ([200, 200, 500], 0)
    assert not sim.tenant.table("TagAliases").ids
    assert sim.tenant.table("Tags").rows[502]["tagGroupID"] is None


def test_inactive_and_system_tags(api: Api, new_ticket: Callable[..., int]) -> None:
    made = new_ticket()
    inactive = api("POST", f"Tickets/{made}/TagAssociations", {"tagID": 503})
    renamed = api("PATCH", "Tags", {"id": 504, "label": "Mine"})
    assert (inactive[0], renamed[0]) == (500, 500)


def test_additional_configuration_items(sim: Simulator, api: Api, new_ticket: Callable[..., int]) -> None:
    first, second = (
        id_of(sim, "ConfigurationItems", "referenceTitle", f"ACME-{n}") for n in ("DC01", "FS01")
    )
    foreign = id_of(sim, "ConfigurationItems", "referenceTitle", "NWL-DC01")
    path = f"Tickets/{new_ticket(configurationItemID=first)}/AdditionalConfigurationItems"
    statuses = [
        api("POST", path, {"configurationItemID": item})[0] for item in (first, second, second, foreign)
    ]
    assert statuses == [500, 200, 500, 500]


def test_contacts_devices_and_companies_can_be_created(api: Api) -> None:
    contact = {"firstName": "Ada", "lastName": "Byron", "isActive": 1}
    company = {"companyName": "New Ltd", "companyType": 1, "ownerResourceID": JANA, "phone": "1"}
    device = {"companyID": 175, "productID": 29683001, "isActive": True, "referenceTitle": "ACME-PC7"}
    made = api("POST", "ConfigurationItems", device)[1]["itemId"]
    moved = api("PATCH", "ConfigurationItems", {"id": made, "companyID": 176})
    assert api("POST", "Companies/175/Contacts", contact)[0] == 200
    assert api("POST", "Companies", company)[0] == 200
    assert (moved[0], api("GET", f"ConfigurationItems/{made}")[1]["item"]["companyID"]) == (200, 175)


def test_contacts_is_active_is_a_number(api: Api) -> None:
    body = {"firstName": "Ada", "lastName": "Byron", "isActive": True}
    assert "Path 'isActive'" in api("POST", "Companies/175/Contacts", body)[1]["errors"][0]


def test_impersonation(sim: Simulator, new_ticket: Callable[..., int]) -> None:
    headers = {"username": API_USERNAME, "secret": API_SECRET, "apiintegrationcode": API_INTEGRATION_CODE}
    body = b'{"companyID":175,"title":"x","status":1,"priority":2,"queueID":8}'
    path = "/atservicesrest/v1.0/Tickets"
    for person in (JANA, PIET_INACTIVE):
        sent = headers | {"impersonationresourceid": str(person)}
        sim.handle(SimRequest(method="POST", path=path, headers=sent, body=body))
    rows = list(sim.tenant.table("Tickets"))
    assert [(row["creatorResourceID"], row["impersonatorCreatorResourceID"]) for row in rows] == [
        (JANA, API_RESOURCE_ID)
    ]


@pytest.mark.parametrize(
    ("switch", "value", "status"),
    [
        ("read_only_fields", "reject", 500),
        ("read_only_fields", "ignore", 200),
        ("queue_without_resource_blocks_create", True, 500),
        ("queue_without_resource_blocks_create", False, 200),
    ],
)
def test_create_switches(sim: Simulator, api: Api, switch: str, value: Any, status: int) -> None:
    setattr(sim.switches, switch, value)
    assert api("POST", "Tickets", TICKET | {"queueID": 29682836, "rmmAlertID": "x"})[0] == status


def test_newlines_may_be_stored_as_crlf(sim: Simulator, api: Api, new_ticket: Callable[..., int]) -> None:
    sim.switches.newlines = "crlf"
    made = new_ticket(description="a\nb\r\nc")
    assert api("GET", f"Tickets/{made}")[1]["item"]["description"] == "a\r\nb\r\nc"


def test_empty_text_clears_numbers_and_instants(api: Api, new_ticket: Callable[..., int]) -> None:
    cleared = {"issueType": "", "estimatedHours": "", "dueDateTime": ""}
    ticket_id = new_ticket(issueType=10, estimatedHours=1.5, dueDateTime="2026-03-06T12:00:00Z", source=8)
    assert api("PATCH", "Tickets", {"id": ticket_id, **cleared})[0] == 200
    item = api("GET", f"Tickets/{ticket_id}")[1]["item"]
    assert [item[name] for name in (*cleared, "source")] == [None, None, None, 8]


def test_empty_text_does_for_no_required_number(api: Api, new_ticket: Callable[..., int]) -> None:
    answer = api("PATCH", "Tickets", {"id": new_ticket(), "status": ""})
    assert answer == (500, {"errors": ["Missing Required Field: status"]})


def test_a_company_without_a_number_has_an_empty_one(api: Api) -> None:
    company = {"companyName": "New Ltd", "companyType": 1, "ownerResourceID": JANA, "phone": "1"}
    made = api("POST", "Companies", company)[1]["itemId"]
    items = [api("GET", f"Companies/{each}")[1]["item"] for each in (175, made)]
    assert [item["companyNumber"] for item in items] == ["", ""]


@pytest.mark.parametrize("value", [1.5, 2**40, 1e300, "1.5", "1e9", "nan"])
def test_a_whole_number_is_whole_and_fits(api: Api, new_ticket: Callable[..., int], value: Any) -> None:
    status, answer = api("PATCH", "Tickets", {"id": new_ticket(), "opportunityID": value})
    assert (status, "Could not convert" in answer["errors"][0]) == (500, True)


def test_a_whole_number_may_have_a_point_and_a_long_one_may_be_long(
    api: Api, new_ticket: Callable[..., int]
) -> None:
    made = new_ticket(opportunityID=7.0, monitorID=2**40)
    item = api("GET", f"Tickets/{made}")[1]["item"]
    assert (item["opportunityID"], item["monitorID"]) == (7, 2**40)


@pytest.mark.parametrize("value", ["nan", "Infinity", "1e999"])
def test_no_number_is_endless(api: Api, new_ticket: Callable[..., int], value: str) -> None:
    assert api("PATCH", "Tickets", {"id": new_ticket(), "estimatedHours": value})[0] == 500


def test_a_half_unit_cannot_be_adjusted(api: Api) -> None:
    body = {"contractServiceID": 9107, "effectiveDate": "2026-04-01", "unitChange": 1.5}
    assert api("POST", "ContractServiceAdjustments", body)[0] == 500


def test_another_company_s_contract_is_refused_in_an_update_too(
    api: Api, new_ticket: Callable[..., int]
) -> None:
    assert api("PATCH", "Tickets", {"id": new_ticket(), "contractID": 5002})[0] == 500


def test_a_ticket_number_stays_unique(api: Api, new_ticket: Callable[..., int]) -> None:
    first = api("GET", f"Tickets/{new_ticket()}")[1]["item"]["ticketNumber"]
    second = new_ticket()
    assert api("PATCH", "Tickets", {"id": second, "ticketNumber": first})[0] == 500
    assert api("PATCH", "Tickets", {"id": second, "ticketNumber": "T-ours"})[0] == 200


@pytest.mark.parametrize("issue", [11, None])
def test_an_issue_does_not_leave_its_sub_issue_behind(
    api: Api, new_ticket: Callable[..., int], issue: int | None
) -> None:
    made = new_ticket(issueType=10, subIssueType=136)
    refused = api("PATCH", "Tickets", {"id": made, "issueType": issue})
    assert refused == (500, {"errors": ["Value does not exist for child picklist: subIssueType"]})
    assert api("PATCH", "Tickets", {"id": made, "issueType": issue, "subIssueType": None})[0] == 200


def test_a_truth_value_is_text_in_a_text_field(api: Api, new_ticket: Callable[..., int]) -> None:
    made = new_ticket(title=True)
    assert api("GET", f"Tickets/{made}")[1]["item"]["title"] == "true"
