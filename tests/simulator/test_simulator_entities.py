"""Entities beside the ticket itself: files, charges, people, history, subscriptions, user-defined fields."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from alertd.simulator import Simulator, read_scenario
from alertd.simulator.tables import Stamp
from tests.simulator.conftest import NOON, Api

EVERYTHING = {"filter": [{"op": "exist", "field": "id"}]}
FILE = {"title": "log", "fullPath": "log.txt", "attachmentType": "FILE_ATTACHMENT", "publish": 1}
CHARGE: dict[str, Any] = {"name": "Disk", "chargeType": 1, "datePurchased": "2026-03-05", "unitQuantity": 2}
SUBSCRIPTION = {
    "configurationItemID": 4001,
    "subscriptionName": "Backup",
    "materialCodeID": 1,
    "effectiveDate": "2026-01-31",
    "expirationDate": "2026-05-30",
    "periodType": 2,
    "periodPrice": 10.0,
    "periodCost": 4.0,
    "status": 1,
}


def file_of(size: int) -> dict[str, Any]:
    return FILE | {"data": base64.b64encode(b"x" * size).decode()}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "TicketAttachments", 404),
        ("DELETE", "TicketAttachments/1", 405),
        ("POST", "TicketCharges", 404),
        ("PATCH", "Tickets/10001/SecondaryResources", 405),
        ("POST", "TicketHistory", 404),
        ("POST", "SubscriptionPeriods", 404),
        ("POST", "Subscriptions/6001/Periods", 405),
        ("POST", "InternalLocations", 404),
        ("POST", "BillingItems", 405),
        ("POST", "Invoices", 405),
        ("POST", "UserDefinedFieldListItems", 404),
        ("GET", "UserDefinedFieldDefinitions/29690001/ListItems", 404),
        ("DELETE", "UserDefinedFieldDefinitions/29690001", 405),
        ("DELETE", "Products/29683001/Vendors/1", 405),
    ],
)
def test_routes_that_are_not_there(api: Api, method: str, path: str, status: int) -> None:
    assert api(method, path, {})[0] == status


def test_a_file_is_shown_by_id_and_told_of_in_lists(api: Api, new_ticket: Callable[..., int]) -> None:
    ticket = new_ticket()
    made = api("POST", f"Tickets/{ticket}/Attachments", file_of(3))[1]["itemId"]
    listed = api("POST", "TicketAttachments/query", EVERYTHING)[1]["items"][0]
    found = api("GET", f"TicketAttachments/{made}")[1]
    assert (listed["data"], listed["fileSize"], listed["contentType"]) == (None, 3, "text/plain")
    assert [row["data"] for row in found["items"]] == ["eHh4"]
    assert api("GET", f"Tickets/{ticket}/Attachments/{made}")[1]["items"][0]["parentID"] == ticket
    assert api("GET", f"Tickets/{ticket}/Attachments")[1]["pageDetails"]["count"] == 1
    assert api("DELETE", f"Tickets/{ticket}/Attachments/{made}")[0] == 200
    assert api("GET", f"TicketAttachments/{made}") == (500, {"errors": ["Attachment could not be found."]})


@pytest.mark.parametrize("field", ["data", "fileSize", "creatorType"])
def test_what_no_query_may_name(api: Api, field: str) -> None:
    query = {"filter": [{"op": "exist", "field": field}]}
    assert api("POST", "TicketAttachments/query", query)[0] == 500


@pytest.mark.parametrize("data", [None, "", "no base64!"])
def test_a_file_needs_content(api: Api, new_ticket: Callable[..., int], data: str | None) -> None:
    assert api("POST", f"Tickets/{new_ticket()}/Attachments", FILE | {"data": data})[0] == 500


def test_a_link_needs_none(api: Api, new_ticket: Callable[..., int]) -> None:
    link = FILE | {"attachmentType": "URL", "fullPath": "https://example.com/"}
    assert api("POST", f"Tickets/{new_ticket()}/Attachments", link)[0] == 200


def test_ten_million_bytes_in_five_minutes(
    sim: Simulator, api: Api, clock: Any, new_ticket: Callable[..., int]
) -> None:
    path = f"Tickets/{new_ticket()}/Attachments"
    refused = sim.switches.attachment_limit_text.format(limit=10_000_000)
    assert api("POST", path, file_of(7_000_001))[0] == 500
    assert [api("POST", path, file_of(5_000_000))[0] for _ in range(2)] == [200, 200]
    assert api("POST", path, file_of(1)) == (500, {"errors": [refused]})
    clock.now += 299
    assert api("POST", path, file_of(1))[0] == 500
    clock.now += 1
    assert api("POST", path, file_of(1))[0] == 200


def test_a_charge_adds_up_and_is_locked_once_billed(
    sim: Simulator, api: Api, new_ticket: Callable[..., int]
) -> None:
    ticket = new_ticket()
    path = f"Tickets/{ticket}/Charges"
    assert api("POST", path, CHARGE)[0] == 500
    made = api("POST", path, CHARGE | {"billingCodeID": 1, "unitPrice": 7.5, "unitCost": 4})[1]["itemId"]
    row = api("GET", f"TicketCharges/{made}")[1]["item"]
    assert (row["billableAmount"], row["extendedCost"], row["isBilled"]) == (15.0, 8.0, False)
    assert api("PATCH", path, {"id": made, "isBillableToCompany": False})[0] == 200
    assert api("GET", f"TicketCharges/{made}")[1]["item"]["billableAmount"] == 0
    sim.tenant.table("TicketCharges").update(made, {"isBilled": True}, Stamp(NOON))
    assert api("PATCH", path, {"id": made, "name": "x"})[0] == 500
    assert api("DELETE", f"{path}/{made}")[0] == 500
    assert api("PATCH", "Tickets", {"id": ticket, "companyID": 176})[0] == 500


def test_a_company_changes_until_something_is_billed(api: Api, new_ticket: Callable[..., int]) -> None:
    made = new_ticket(contactID=30682001)
    assert api("PATCH", "Tickets", {"id": made, "companyID": 176})[0] == 500
    assert api("PATCH", "Tickets", {"id": made, "companyID": 176, "contactID": None})[0] == 200


def test_the_primary_resource_is_no_secondary_one(api: Api, new_ticket: Callable[..., int]) -> None:
    ticket = new_ticket(assignedResourceID=29682885, assignedResourceRoleID=8)
    path = f"Tickets/{ticket}/SecondaryResources"
    omar = {"resourceID": 29682886, "roleID": 8}
    assert api("POST", path, {"resourceID": 29682885, "roleID": 8})[0] == 500
    assert api("POST", path, omar | {"roleID": 9})[0] == 500
    made = api("POST", path, omar)[1]["itemId"]
    assert api("POST", path, omar)[0] == 500
    assign = {"id": ticket, "assignedResourceID": 29682886, "assignedResourceRoleID": 8}
    assert api("PATCH", "Tickets", assign)[0] == 500
    assert api("DELETE", f"{path}/{made}")[0] == 200
    assert api("PATCH", "Tickets", assign)[0] == 200


def test_history_is_asked_for_by_ticket_alone(api: Api, new_ticket: Callable[..., int]) -> None:
    ticket, _ = new_ticket(), new_ticket()
    api("PATCH", "Tickets", {"id": ticket, "status": 8})
    query = {"filter": [{"op": "eq", "field": "ticketID", "value": ticket}]}
    rows = api("POST", "TicketHistory/query", query)[1]["items"]
    assert [(row["action"], row["detail"]) for row in rows] == [("Created", ""), ("Edited", "status: 1 -> 8")]
    assert api("POST", "TicketHistory/query/count", query)[1] == {"queryCount": 2}
    for wrong in (
        [{"op": "exist", "field": "id"}],
        [{"op": "gt", "field": "ticketID", "value": 1}],
        [*query["filter"], {"op": "gt", "field": "id", "value": 1}],
    ):
        assert api("POST", "TicketHistory/query", {"filter": wrong})[0] == 500


def test_a_subscription_has_its_periods(api: Api, sim: Simulator) -> None:
    made = api("POST", "Subscriptions", SUBSCRIPTION)[1]["itemId"]
    rows = api("GET", f"Subscriptions/{made}/Periods")[1]["items"]
    days = ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-30"][:4]
    assert [row["periodDate"][:10] for row in rows] == days
    item = api("GET", f"Subscriptions/{made}")[1]["item"]
    assert (item["totalPrice"], item["totalCost"]) == (40.0, 16.0)
    table = sim.tenant.table("SubscriptionPeriods")
    table.update(rows[0]["id"], {"postedDate": "2026-02-01T00:00:00.000Z"}, Stamp(NOON))
    assert api("PATCH", "Subscriptions", {"id": made, "periodPrice": 12.0})[0] == 200
    prices = [row["periodPrice"] for row in api("GET", f"Subscriptions/{made}/Periods")[1]["items"]]
    assert prices == [10.0, 12.0, 12.0, 12.0]
    assert api("DELETE", f"Subscriptions/{made}")[0] == 200
    assert api("POST", "SubscriptionPeriods/query", EVERYTHING)[1]["items"] == []


@pytest.mark.parametrize(
    "change", [{"expirationDate": "2025-01-01"}, {"materialCodeID": 99}, {"periodType": 9}]
)
def test_a_subscription_that_cannot_be(api: Api, change: dict[str, Any]) -> None:
    assert api("POST", "Subscriptions", SUBSCRIPTION | change)[0] == 500


def test_a_definition_makes_the_field_exist(api: Api, new_ticket: Callable[..., int]) -> None:
    body = {"name": "Rack", "dataType": 5, "udfType": 3}
    made = api("POST", "UserDefinedFieldDefinitions", body)[1]["itemId"]
    for value in ("A1", "B2"):
        item = {"valueForDisplay": value}
        assert api("POST", f"UserDefinedFields/{made}/ListItems", item)[0] == 200
    ticket = new_ticket(userDefinedFields=[{"name": "Rack", "value": "B2"}])
    shown = api("GET", "Tickets/entityInformation/userDefinedFields")[1]["fields"]
    rack = next(field for field in shown if field["name"] == "Rack")
    assert [value["label"] for value in rack["picklistValues"]] == ["A1", "B2"]
    wrong = {"id": ticket, "userDefinedFields": [{"name": "Rack", "value": "C3"}]}
    assert api("PATCH", "Tickets", wrong)[0] == 500
    assert api("PATCH", "UserDefinedFieldDefinitions", {"id": made, "name": "Cabinet"})[0] == 200
    values = {
        each["name"]: each["value"]
        for each in api("GET", f"Tickets/{ticket}")[1]["item"]["userDefinedFields"]
    }
    assert values["Cabinet"] == "B2"
    assert "Rack" not in values


def test_definitions_are_unique_and_limited(sim: Simulator, api: Api) -> None:
    body = {"name": "alert key", "dataType": 1, "udfType": 3}
    assert api("POST", "UserDefinedFieldDefinitions", body)[0] == 500
    assert api("POST", "UserDefinedFieldDefinitions", body | {"udfType": 1})[0] == 200
    udfs = [{"entity": "Tickets", "name": f"Field {number}"} for number in range(298)]
    sim.merge(read_scenario({"udfs": udfs}))
    assert api("POST", "UserDefinedFieldDefinitions", body | {"name": "301st"})[0] == 500


def test_fields_of_the_scenario_are_defined(api: Api) -> None:
    rows = api("POST", "UserDefinedFieldDefinitions/query", EVERYTHING)[1]["items"]
    assert [(row["name"], row["udfType"], row["isProtected"]) for row in rows] == [
        ("Alert Key", 3, False),
        ("Alert Source", 3, False),
        ("Monitoring Name", 1, False),
        ("Local Admin", 4, True),
    ]
    items = api("GET", f"UserDefinedFields/{rows[1]['id']}/ListItems")[1]["items"]
    assert [item["valueForDisplay"] for item in items] == ["Prometheus", "RMM", "Backup"]


def test_few_fields_of_money_can_be_written(sim: Simulator, api: Api) -> None:
    rows = {"Invoices": [{"companyID": 175, "invoiceTotal": 9.5}], "BillingItems": [{"companyID": 175}]}
    sim.merge(read_scenario({"rows": rows}))
    change = {"id": 50001, "invoiceNumber": "R-1", "invoiceTotal": 1.0}
    assert api("PATCH", "Invoices", change)[0] == 200
    invoice = api("GET", "Invoices/50001")[1]["item"]
    assert (invoice["invoiceNumber"], invoice["invoiceTotal"]) == ("R-1", 9.5)
    assert api("PATCH", "BillingItems", {"id": 40001, "webServiceDate": "2026-03-05"})[0] == 200


def test_products_have_vendors_tiers_and_notes(api: Api) -> None:
    for segment, body in (
        ("Vendors", {"vendorID": 176, "isActive": True, "isDefault": True}),
        ("Tiers", {"unitCost": 1.0, "unitPrice": 2.0}),
        ("Notes", {"title": "t", "description": "d"}),
    ):
        made = api("POST", f"Products/29683001/{segment}", body)
        assert made[0] == 200, made
        assert api("POST", f"Product{segment}/query", EVERYTHING)[1]["items"][0]["productID"] == 29683001


def test_a_subscription_may_begin_when_the_calendar_does(sim: Simulator, api: Api) -> None:
    body = {"configurationItemID": 4001, "subscriptionName": "Old", "materialCodeID": 1, "status": 1}
    body |= {"periodType": 5, "periodPrice": 1.0}
    dates = {"effectiveDate": "0001-01-31", "expirationDate": "0003-01-31"}
    assert api("POST", "Subscriptions", body | dates)[0] == 200
    periods = [row["periodDate"][:10] for row in sim.tenant.table("SubscriptionPeriods")]
    assert periods[-3:] == ["0001-01-31", "0002-01-31", "0003-01-31"]
