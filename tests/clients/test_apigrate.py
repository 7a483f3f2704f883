"""@apigrate/autotask-restapi from npm, in a process of its own, over TLS by Autotask's own names."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.books import CODE, COMPANY, NOC, SECRET, USERNAME, Zone, new_ticket
from tests.clients.conftest import HERE, ZONE_HOSTS

ROWS = 1_201
MODULES = Path(sys.prefix) / "node_modules"
Api = Callable[..., Any]


class Refused(Exception):
    """What the client threw."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['status']}: {error['message']}")
        self.status = error["status"]
        self.details = error["details"]


class Node:
    """A running client."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def __call__(self, entity: str, call: str, *args: Any) -> Any:
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("node has no pipes")
        self.process.stdin.write(json.dumps({"entity": entity, "call": call, "args": args}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]


@pytest.fixture
def connect(zone: Zone, tmp_path: Path) -> Iterator[Callable[[str], Node]]:
    """Start clients with a secret, and end them with the test."""
    node = shutil.which("node")
    if node is None or not MODULES.is_dir():
        pytest.skip(
            "node or the client is not installed (apt-get install nodejs npm, then make test-clients)"
        )
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "NODE_PATH": str(MODULES),
        "NODE_EXTRA_CA_CERTS": zone.authority,
    }
    started: list[subprocess.Popen[str]] = []

    def start(secret: str) -> Node:
        settings = {
            "hosts": ZONE_HOSTS,
            "port": zone.tls_port,
            "user": USERNAME,
            "secret": secret,
            "code": CODE,
        }
        started.append(
            subprocess.Popen(
                [node, HERE / "apigrate.js", json.dumps(settings)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )
        )
        return Node(started[-1])

    yield start
    for process in started:
        process.communicate(timeout=10)


@pytest.fixture
def api(connect: Callable[[str], Node]) -> Api:
    return connect(SECRET)


def everything_after(row_id: int) -> dict[str, Any]:
    return {"filter": [{"op": "gt", "field": "id", "value": row_id}]}


def test_finds_its_zone_over_tls(zone: Zone, api: Api) -> None:
    info = api("Tickets", "info")["info"]
    assert (info["name"], info["userAccessForCreate"]) == ("Ticket", "All")
    assert zone.calls() == [("GET", "zoneInformation", 200), ("GET", "Tickets/entityInformation", 200)]


def test_a_wrong_secret_is_told_apart(connect: Callable[[str], Node]) -> None:
    with pytest.raises(Refused, match="401: Authorization error"):
        connect("wrong")("Tickets", "get", 1)


def test_creates_and_reads_back(zone: Zone, api: Api) -> None:
    made = [api("Tickets", "create", new_ticket(title=f"Disk {n}"))["itemId"] for n in range(3)]
    assert zone.actions("Tickets") == {"create": 3}
    assert [api("Tickets", "get", each)["item"]["title"] for each in made] == ["Disk 0", "Disk 1", "Disk 2"]
    assert {row["id"] for row in zone.truth("tickets")} == set(made)


def test_an_id_that_does_not_exist_is_an_item_of_null(api: Api) -> None:
    assert api("Tickets", "get", 999_999) == {"item": None}


def test_queries_counts_and_limits(zone: Zone, api: Api) -> None:
    ids = zone.fill_tickets(20)
    wanted = {"MaxRecords": 10, "IncludeFields": ["id", "title"]} | everything_after(ids[4])
    page = api("Tickets", "query", wanted)
    assert [row["id"] for row in page["items"]] == ids[5:15]
    assert (page["pageDetails"]["count"], page["pageDetails"]["requestCount"]) == (10, 10)
    assert api("Tickets", "count", everything_after(ids[4])) == {"queryCount": 15}


def test_every_row_once_by_the_id_of_the_last_one(zone: Zone, api: Api) -> None:
    """It has no paging of its own: this is how its users do it."""
    ids, found = zone.fill_tickets(ROWS), []
    while len(page := api("Tickets", "query", everything_after(max(found, default=0)))["items"]) == 500:
        found += [row["id"] for row in page]
    assert found + [row["id"] for row in page] == ids
    assert zone.actions("Tickets") == {"query": 3}


def test_updates_only_what_is_given(zone: Zone, api: Api) -> None:
    ticket_id = api("Tickets", "create", new_ticket(externalID="al-1"))["itemId"]
    assert api("Tickets", "update", {"id": ticket_id, "status": 8}) == {"itemId": ticket_id}
    ticket = zone.ticket(ticket_id)
    assert (ticket["status"], ticket["externalID"]) == (8, "al-1")


def test_replacing_empties_what_is_not_given(zone: Zone, api: Api) -> None:
    ticket_id = api("Tickets", "create", new_ticket(externalID="al-1"))["itemId"]
    assert api("Tickets", "replace", {"id": ticket_id} | new_ticket(title="Disk fuller")) == {
        "itemId": ticket_id
    }
    ticket = zone.ticket(ticket_id)
    assert (ticket["title"], ticket["externalID"]) == ("Disk fuller", None)


def test_notes_are_created_changed_and_replaced_through_the_ticket(zone: Zone, api: Api) -> None:
    ticket_id = zone.fill_tickets(1)[0]
    note = {"title": "Seen", "description": "On it", "noteType": 3, "publish": 1}
    note_id = api("TicketNotes", "create", ticket_id, note)["itemId"]
    api("TicketNotes", "update", ticket_id, {"id": note_id, "title": "Seen twice"})
    found = api("TicketNotes", "query", {"filter": [{"op": "eq", "field": "ticketID", "value": ticket_id}]})
    assert [(row["title"], row["description"]) for row in found["items"]] == [("Seen twice", "On it")]
    assert zone.actions("TicketNotes") == {"create": 1, "update": 1, "query": 1}


def test_devices_are_added_and_removed_through_the_ticket(zone: Zone, api: Api) -> None:
    ticket_id = zone.fill_tickets(1)[0]
    device = next(row["id"] for row in zone.truth("configurationItems") if row["companyID"] == COMPANY)
    added = api("TicketAdditionalConfigurationItems", "create", ticket_id, {"configurationItemID": device})
    assert zone.ticket(ticket_id)["additionalConfigurationItemIDs"] == [device]
    api("TicketAdditionalConfigurationItems", "delete", ticket_id, added["itemId"])
    assert zone.ticket(ticket_id)["additionalConfigurationItemIDs"] == []


def test_contacts_and_locations_come_through_the_company(zone: Zone, api: Api) -> None:
    person = {"firstName": "Ada", "lastName": "Byron", "isActive": 1}
    contact_id = api("CompanyContacts", "create", COMPANY, person)["itemId"]
    location_id = api("CompanyLocations", "create", COMPANY, {"name": "Annexe"})["itemId"]
    api("CompanyLocations", "update", COMPANY, {"id": location_id, "name": "Old annexe"})
    assert api("Contacts", "get", contact_id)["item"]["companyID"] == COMPANY
    assert api("CompanyLocations", "get", location_id)["item"]["name"] == "Old annexe"
    assert zone.actions("CompanyLocations") == {"create": 1, "update": 1, "read": 1}


def test_writes_in_the_name_of_a_person(zone: Zone, api: Api) -> None:
    made = api("Tickets", "create", new_ticket(), {"ImpersonationResourceId": 29682886})
    assert zone.ticket(made["itemId"])["creatorResourceID"] == 29682886


def test_refusals_carry_the_reason(api: Api) -> None:
    with pytest.raises(Refused, match="500: Server error") as caught:
        api("Tickets", "create", {"companyID": COMPANY, "status": 1, "priority": 2, "queueID": NOC})
    assert caught.value.details == {"errors": ["Missing Required Field: title"]}


def test_bug_a_write_to_no_place_looks_like_an_answer(zone: Zone, api: Api) -> None:
    """Contacts are written through their company; a 404 comes back as null, not as an error."""
    person = {"companyID": COMPANY, "firstName": "Ada", "lastName": "Byron", "isActive": 1}
    assert api("Contacts", "create", person) is None
    assert zone.calls()[-1] == ("POST", "Contacts", 404)
    assert "Byron" not in {row["lastName"] for row in zone.truth("contacts")}


def test_bug_services_are_asked_like_entities(zone: Zone, api: Api) -> None:
    assert api("ThresholdInformation", "get", 1) is None
    assert zone.calls()[-1] == ("GET", "ThresholdInformation/1", 404)


def test_a_lost_answer_is_told_and_not_repeated(zone: Zone, api: Api) -> None:
    zone.control(
        "faults", {"kind": "drop", "when": "after", "endpoint": "Tickets", "action": "create", "count": 1}
    )
    with pytest.raises(Refused, match="fetch failed"):
        api("Tickets", "create", new_ticket())
    assert len(zone.truth("tickets")) == 1


def test_bug_a_moved_tenant_is_never_found_again(zone: Zone, api: Api) -> None:
    """The zone is asked once in a connector's life."""
    api("Tickets", "info")
    zone.control("faults", {"kind": "moved_zone", "zone_path": "/zone2/ATServicesRest/"})
    for _ in range(2):
        with pytest.raises(Refused, match="401: Authorization error"):
            api("Tickets", "info")
    assert [path for _, path, _ in zone.calls()].count("zoneInformation") == 1


def units_of(api: Api, line: dict[str, Any]) -> list[tuple[str, int, float]]:
    query = {"filter": [{"op": "eq", "field": "contractServiceID", "value": line["id"]}]}
    rows = api("ContractServiceUnits", "query", query)["items"]
    return [(row["startDate"], row["units"], row["price"]) for row in rows]


def test_adjusts_the_units_of_a_contract_from_a_day_on(zone: Zone, api: Api) -> None:
    line = zone.truth("contractServices")[0]
    before = units_of(api, line)
    day = before[-2][0]
    change = {"contractServiceID": line["id"], "effectiveDate": day, "unitChange": 3}
    api("ContractServiceAdjustments", "create", line["contractID"], change)
    assert units_of(api, line) == [
        (start, units + 3, price / units * (units + 3)) if start >= day else (start, units, price)
        for start, units, price in before
    ]
    assert zone.actions("ContractServiceAdjustments") == {"create": 1}


def test_bug_adjustments_are_asked_for(zone: Zone, api: Api) -> None:
    assert api("ContractServiceAdjustments", "get", 31401) is None
    assert api("ContractServiceAdjustments", "query", everything_after(0)) is None
    assert {status for _, path, status in zone.calls() if "Adjustments" in path} == {404}


def test_notes_a_contract(zone: Zone, api: Api) -> None:
    contract_id = zone.truth("contracts")[0]["id"]
    made = api("ContractNotes", "create", contract_id, {"title": "Counted", "description": "27 seats"})
    assert api("ContractNotes", "get", made["itemId"])["item"]["contractID"] == contract_id
