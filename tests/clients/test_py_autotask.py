"""py-autotask: asks a hard-coded https host for its zone, so all of this goes over TLS by that name."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from py_autotask import AutotaskClient
from py_autotask.constants import TicketPriority, TicketStatus
from py_autotask.exceptions import (
    AutotaskAPIError,
    AutotaskAuthError,
    AutotaskConnectionError,
    AutotaskNotFoundError,
)

from tests.clients.books import CODE, COMPANY, NOC, SECRET, USERNAME, VIP, Zone, new_ticket

ROWS = 1_201


@pytest.fixture
def client(zone: Zone) -> Iterator[AutotaskClient]:
    with AutotaskClient.create(username=USERNAME, integration_code=CODE, secret=SECRET) as client:
        client.auth.clear_zone_cache()
        yield client


def test_finds_its_zone_over_tls(zone: Zone, client: AutotaskClient) -> None:
    assert client.auth.validate_credentials()
    assert client.auth.zone_info.url == "https://webservices.autotask.net/ATServicesRest/"
    assert zone.calls() == [("GET", "zoneInformation", 200), ("POST", "Companies/query", 200)]


def test_an_unknown_user_is_told_apart(zone: Zone) -> None:
    stranger = AutotaskClient.create(username="nobody@msp.example", integration_code=CODE, secret=SECRET)
    with pytest.raises(AutotaskAuthError, match="Zone information could not be determined"):
        stranger.tickets.get(1)


def test_a_wrong_secret_is_told_apart(zone: Zone) -> None:
    wrong = AutotaskClient.create(username=USERNAME, integration_code=CODE, secret="wrong")
    with pytest.raises(AutotaskAuthError, match="Authentication failed"):
        wrong.tickets.get(1)


def test_creates_and_reads_back(zone: Zone, client: AutotaskClient) -> None:
    made = [client.tickets.create(new_ticket(title=f"Disk {n}")).item_id for n in range(3)]
    assert zone.actions("Tickets") == {"create": 3}
    assert [client.tickets.get(each)["title"] for each in made] == ["Disk 0", "Disk 1", "Disk 2"]
    assert {row["id"] for row in zone.truth("tickets")} == set(made)


def test_an_id_that_does_not_exist_is_none(client: AutotaskClient) -> None:
    assert client.tickets.get(999_999) is None


def test_queries_with_fields_and_a_page_size(zone: Zone, client: AutotaskClient) -> None:
    ids = zone.fill_tickets(20)
    found = client.tickets.query(
        [{"field": "queueID", "op": "eq", "value": NOC}, {"field": "id", "op": "gte", "value": ids[5]}],
        include_fields=["id", "title"],
        max_records=10,
    )
    assert [row["id"] for row in found.items] == ids[5:15]
    assert {name for row in found.items for name in row} == {"id", "title", "userDefinedFields"}
    assert (found.page_details.count, found.page_details.request_count) == (10, 10)
    assert found.page_details.next_page_url is not None


def test_counts_and_looks_up_by_a_list(zone: Zone, client: AutotaskClient) -> None:
    ids = zone.fill_tickets(7)
    assert client.tickets.count({"field": "queueID", "op": "eq", "value": NOC}) == 7
    assert [row and row["id"] for row in client.tickets.batch_get([ids[3], 999_999, ids[0]])] == [
        ids[3],
        None,
        ids[0],
    ]


def test_reads_metadata(client: AutotaskClient) -> None:
    fields = {field["name"]: field for field in client.tickets.get_field_info()["fields"]}
    queues = {value["label"]: int(value["value"]) for value in fields["queueID"]["picklistValues"]}
    assert queues["NOC"] == NOC
    assert client.tickets.get_entity_info()["info"]["userAccessForCreate"] == "All"


def test_notes_tags_contacts_and_locations_go_through_the_parent(zone: Zone, client: AutotaskClient) -> None:
    ticket_id = zone.fill_tickets(1)[0]
    children = client.entities.get_entity
    note = {"ticketID": ticket_id, "title": "Seen", "description": "On it", "noteType": 3, "publish": 1}
    children("TicketNotes").create(note)
    tags = children("TicketTagAssociations")
    tags.create({"ticketID": ticket_id, "tagID": VIP})
    person = {"companyID": COMPANY, "firstName": "Ada", "lastName": "Byron", "isActive": 1}
    contact_id = children("CompanyContacts").create(person).item_id
    location_id = children("CompanyLocations").create({"companyID": COMPANY, "name": "Annexe"}).item_id
    ticket = zone.ticket(ticket_id)
    assert [each["title"] for each in ticket["notes"]] == ["Seen"]
    assert ticket["tagIDs"] == [VIP]
    assert client.contacts.get(contact_id)["lastName"] == "Byron"
    assert children("CompanyLocations").get(location_id)["companyID"] == COMPANY


def test_removes_a_tag_through_the_parent(zone: Zone, client: AutotaskClient) -> None:
    ticket_id = zone.fill_tickets(1)[0]
    tags = client.entities.get_entity("TicketTagAssociations")
    association = tags.create({"ticketID": ticket_id, "tagID": VIP}).item_id
    assert tags.delete(association, parent_id=ticket_id)
    assert zone.ticket(ticket_id)["tagIDs"] == []


def test_pages_by_the_id_of_the_last_row(zone: Zone, client: AutotaskClient) -> None:
    """Its own `query_all` cannot (below); its `query` serves the way that needs no `nextPageUrl`."""
    ids, found = zone.fill_tickets(ROWS), [0]
    while rows := client.tickets.query({"field": "id", "op": "gt", "value": found[-1]}).items:
        found += [row["id"] for row in rows]
    assert found[1:] == ids
    assert zone.actions("Tickets") == {"query": 4}


def test_bug_query_all_stops_at_the_first_page(
    zone: Zone, client: AutotaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    ids = zone.fill_tickets(ROWS)
    with caplog.at_level(logging.WARNING):
        found = client.tickets.query_all({"field": "id", "op": "gt", "value": 0})
    assert [row["id"] for row in found] == ids[:500]
    assert '"QueryRequest" object has no field "offset"' in caplog.text
    assert zone.actions("Tickets") == {"query": 1}


def test_bug_updates_put_the_id_into_the_path(zone: Zone, client: AutotaskClient) -> None:
    ticket_id = zone.fill_tickets(1)[0]
    with pytest.raises(AutotaskAPIError, match="405"):
        client.tickets.update({"id": ticket_id, "status": 8})
    with pytest.raises(AutotaskAPIError, match="405"):
        client.tickets.close_ticket(ticket_id)
    assert zone.calls()[1:] == [("PATCH", f"Tickets/{ticket_id}", 405)] * 2
    assert zone.ticket(ticket_id)["status"] == 1


def test_bug_child_updates_put_the_id_into_the_path(zone: Zone, client: AutotaskClient) -> None:
    ticket_id = zone.fill_tickets(1)[0]
    notes = client.entities.get_entity("TicketNotes")
    note = {"ticketID": ticket_id, "title": "Seen", "description": "On it", "noteType": 3, "publish": 1}
    note_id = notes.create(note).item_id
    with pytest.raises(AutotaskAPIError, match="405"):
        notes.update({"ticketID": ticket_id, "id": note_id, "title": "Seen twice"})
    assert [each["title"] for each in zone.ticket(ticket_id)["notes"]] == ["Seen"]


def test_bug_not_equal_is_an_operator_that_does_not_exist(zone: Zone, client: AutotaskClient) -> None:
    """The condition disappears, so "all but complete ones" is all of them."""
    complete = zone.fill_tickets(2)[0]
    zone.control("act", {"act": "complete", "ticket": complete})
    found = client.tickets.query({"field": "status", "op": "ne", "value": 5})
    assert complete in [row["id"] for row in found.items]


def test_bug_a_note_is_posted_to_the_root(zone: Zone, client: AutotaskClient) -> None:
    ticket_id = zone.fill_tickets(1)[0]
    with pytest.raises(AutotaskNotFoundError):
        client.tickets.add_ticket_note(ticket_id, "On it", note_type=3, title="Seen")
    assert zone.ticket(ticket_id)["notes"] == []


def test_bug_a_contact_is_posted_to_the_root(zone: Zone, client: AutotaskClient) -> None:
    with pytest.raises(AutotaskNotFoundError):
        client.contacts.create({"companyID": COMPANY, "firstName": "Ada", "lastName": "Byron", "isActive": 1})
    assert zone.actions("Contacts") == {}


def test_bug_a_ticket_is_made_for_an_account(zone: Zone, client: AutotaskClient) -> None:
    """`AccountID` was the name before REST: Autotask ignores it, and misses the company."""
    with pytest.raises(AutotaskAPIError, match="500"):
        client.tickets.create_ticket("Disk full", "C:", COMPANY, queue_id=NOC, priority=2, status=1)
    assert zone.truth("tickets") == []


def test_bug_batches_are_posted_where_nothing_is(zone: Zone, client: AutotaskClient) -> None:
    with pytest.raises(AutotaskNotFoundError):
        client.tickets.batch_create([new_ticket(), new_ticket()])
    assert zone.truth("tickets") == []
    assert zone.calls()[-1] == ("POST", "Tickets/batch", 404)


def test_bug_children_are_looked_up_by_a_field_that_does_not_exist(
    zone: Zone, client: AutotaskClient
) -> None:
    ticket_id = zone.fill_tickets(1)[0]
    with pytest.raises(AutotaskAPIError, match="500"):
        client.tickets.get_children(ticket_id, "TicketNotes")
    assert zone.calls()[-1] == ("POST", "TicketNotes/query", 500)


def test_bug_a_lost_answer_makes_a_second_ticket(zone: Zone, client: AutotaskClient) -> None:
    """It repeats a create whose answer never came, though the ticket is there."""
    zone.control(
        "faults", {"kind": "drop", "when": "after", "endpoint": "Tickets", "action": "create", "count": 1}
    )
    told = client.tickets.create(new_ticket()).item_id
    assert [row["title"] for row in zone.truth("tickets")] == ["Disk full", "Disk full"]
    assert max(row["id"] for row in zone.truth("tickets")) == told


def test_a_host_that_nobody_vouches_for_gets_no_credential(
    zone: Zone, client: AutotaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate is really looked at: without the test's authority nothing is sent."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(AutotaskConnectionError, match="certificate verify failed"):
        client.tickets.get(1)
    assert zone.calls() == []


def test_bug_its_names_for_statuses_and_priorities_are_others(client: AutotaskClient) -> None:
    """The numbers of system values are the same everywhere: 5 is complete, 4 is critical."""
    fields = {field["name"]: field["picklistValues"] for field in client.tickets.get_field_info()["fields"]}
    status, priority = (
        {int(v["value"]): v["label"] for v in fields[name]} for name in ("status", "priority")
    )
    assert (status[TicketStatus.COMPLETE], status[TicketStatus.WAITING_MATERIALS]) == (
        "In Progress",
        "Complete",
    )
    assert (priority[TicketPriority.CRITICAL], priority[TicketPriority.LOW]) == ("High", "Critical")


def test_adjusts_the_units_of_a_contract(zone: Zone, client: AutotaskClient) -> None:
    line, children = zone.truth("contractServices")[0], client.entities.get_entity
    mine = {"field": "contractServiceID", "op": "eq", "value": line["id"]}
    before = children("ContractServiceUnits").query_all(mine)
    change = {
        "contractID": line["contractID"],
        "contractServiceID": line["id"],
        "effectiveDate": before[-1]["startDate"],
        "unitChange": -4,
    }
    children("ContractServiceAdjustments").create(change)
    after = children("ContractServiceUnits").query_all(mine)
    assert [row["units"] for row in after[:-1]] == [row["units"] for row in before[:-1]]
    assert after[-1]["units"] == before[-1]["units"] - 4


def test_bug_an_adjustment_says_its_change_under_another_name(zone: Zone, client: AutotaskClient) -> None:
    line, adjustments = (
        zone.truth("contractServices")[0],
        client.entities.get_entity("ContractServiceAdjustments"),
    )
    units = zone.truth("contractServiceUnits")
    with pytest.raises(AutotaskAPIError, match="500"):
        adjustments.create_service_adjustment(
            line["contractID"], line["id"], "Quantity", "more seats", quantity_adjustment=2.0
        )
    assert zone.truth("contractServiceUnits") == units
