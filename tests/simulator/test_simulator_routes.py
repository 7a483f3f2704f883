"""The route grammar of section 2.1, the zone lookup and authentication of section 1."""

from __future__ import annotations

from typing import Any

import pytest

from alertd.simulator import API_INTEGRATION_CODE, API_SECRET, API_USERNAME, SimRequest, Simulator
from tests.simulator.conftest import Api

GOOD = {"username": API_USERNAME, "secret": API_SECRET, "apiintegrationcode": API_INTEGRATION_CODE}


def ask(sim: Simulator, path: str, *, method: str = "GET", query: Any = None, headers: Any = GOOD) -> Any:
    request = SimRequest(
        method=method, path=path, query=query or {}, headers=headers, origin="http://zone.example"
    )
    return sim.handle(request)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "Tickets", 405, id="bare list"),
        pytest.param("PATCH", "Tickets/123", 405, id="PATCH with the id in the URL"),
        pytest.param("DELETE", "Tickets/123", 405, id="tickets cannot be deleted"),
        pytest.param("POST", "TicketNotes", 404, id="root write of a child"),
        pytest.param("GET", "TicketNotes", 404, id="bare list of a child"),
        pytest.param("DELETE", "Tickets/1/Notes/2", 405, id="notes cannot be deleted"),
        pytest.param("GET", "Tickets/5/Notes/query", 404, id="query below a parent"),
        pytest.param("PATCH", "Tickets/5/TagAssociations", 405, id="associations cannot be changed"),
        pytest.param("GET", "Tickets/abc", 404, id="id that is none"),
        pytest.param("GET", "Nonsense/query", 404, id="unknown entity"),
        pytest.param("PUT", "Tickets/query", 405, id="verb of a query"),
        pytest.param("GET", "tickets/5", 200, id="names in any casing"),
        pytest.param("GET", "EntityInformation", 200, id="global list"),
        pytest.param("GET", "Tickets/5/Notes/entityInformation", 200, id="metadata below the parent"),
        pytest.param("GET", "TicketCategories/100/FieldDefaults", 200, id="read-only child"),
        pytest.param("POST", "TicketCategories/100/FieldDefaults", 405, id="read-only child refuses"),
        pytest.param("GET", "TicketCategoryFieldDefaults/1", 404, id="child without a root"),
    ],
)
def test_route(api: Api, method: str, path: str, status: int) -> None:
    assert api(method, path)[0] == status


def test_405_and_404_carry_a_message(api: Api) -> None:
    bodies = [api("GET", "Tickets")[1], api("POST", "TicketNotes")[1]]
    assert [list(body) for body in bodies] == [["Message"], ["Message"]]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/ATServicesRest/V1.0/Tickets/1", 200, id="as zoneInformation writes it"),
        pytest.param("/atservicesrest/v1.0/Tickets/1", 200, id="lower case"),
        pytest.param("/ATServicesRest/Tickets/1", 404, id="without V1.0"),
        pytest.param("/elsewhere/Tickets/1", 404, id="outside the root"),
        pytest.param("/zone9/ATServicesRest/V1.0/Tickets/1", 401, id="another zone's path"),
        pytest.param("/ATServicesRest/VersionInformation", 200, id="version"),
    ],
)
def test_base_path(sim: Simulator, path: str, status: int) -> None:
    assert ask(sim, path).status == status


def test_the_path_may_be_case_sensitive(sim: Simulator) -> None:
    sim.switches.path_case_sensitive = True
    paths = ("/atservicesrest/V1.0/Tickets/1", "/ATServicesRest/V1.0/Tickets/1")
    assert [ask(sim, path).status for path in paths] == [404, 200]


def test_zone_lookup_needs_no_credentials(sim: Simulator) -> None:
    path = "/atservicesrest/v1.0/zoneInformation"
    reply = ask(sim, path, query={"user": API_USERNAME}, headers={})
    assert reply.json()["url"] == "http://zone.example/ATServicesRest/"


@pytest.mark.parametrize("query", [{}, {"user": ""}, {"user": "nobody@msp.example"}])
def test_zone_lookup_of_an_unknown_user(sim: Simulator, query: dict[str, str]) -> None:
    reply = ask(sim, "/atservicesrest/v1.0/zoneInformation", query=query, headers={})
    assert (reply.status, reply.json()) == (500, {"errors": ["Zone information could not be determined"]})


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        pytest.param({"username": "who@msp.example"}, 500, id="unknown user"),
        pytest.param({"secret": "wrong"}, 401, id="wrong secret"),
        pytest.param({"apiintegrationcode": "wrong"}, 500, id="wrong integration code"),
        pytest.param({"username": API_USERNAME.upper()}, 200, id="user name in another casing"),
    ],
)
def test_credentials(sim: Simulator, changed: dict[str, str], status: int) -> None:
    assert ask(sim, "/atservicesrest/v1.0/Tickets/1", headers=GOOD | changed).status == status


@pytest.mark.parametrize("missing", ["username", "secret", "apiintegrationcode"])
def test_every_header_is_needed(sim: Simulator, missing: str) -> None:
    headers = {name: value for name, value in GOOD.items() if name != missing}
    assert ask(sim, "/atservicesrest/v1.0/Tickets/1", headers=headers).status in (401, 500)


def test_failed_logins_lock_the_user(sim: Simulator) -> None:
    sim.switches.lockout_after = 3
    for _ in range(3):
        ask(sim, "/atservicesrest/v1.0/Tickets/1", headers=GOOD | {"secret": "wrong"})
    assert ask(sim, "/atservicesrest/v1.0/Tickets/1").status == 401


def test_metadata_of_an_entity(api: Api) -> None:
    info = api("GET", "Tickets/entityInformation")[1]["info"]
    assert info == {
        "name": "Ticket",
        "canCreate": True,
        "canDelete": False,
        "canQuery": True,
        "canUpdate": True,
        "userAccessForCreate": "All",
        "userAccessForDelete": "None",
        "userAccessForQuery": "All",
        "userAccessForUpdate": "All",
        "hasUserDefinedFields": True,
        "supportsWebhookCallouts": True,
    }


def test_picklist_values_are_text_in_metadata(api: Api) -> None:
    fields = {each["name"]: each for each in api("GET", "Tickets/entityInformation/fields")[1]["fields"]}
    assert fields["status"]["picklistValues"][1] == {
        "value": "5",
        "label": "Complete",
        "isDefaultValue": False,
        "sortOrder": 2,
        "parentValue": "",
        "isActive": True,
        "isSystem": True,
    }


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("companyID", "referenceEntityType", "Company"),
        ("companyID", "picklistValues", None),
        ("title", "length", 255),
        ("externalID", "length", 50),
        ("description", "length", 8000),
        ("subIssueType", "picklistParentValueField", "issueType"),
        ("creatorType", "isQueryable", False),
        ("rmmAlertID", "isReadOnly", True),
        ("dueDateTime", "isRequired", False),
        ("estimatedHours", "dataType", "decimal"),
    ],
)
def test_ticket_field(api: Api, name: str, key: str, value: Any) -> None:
    fields = {each["name"]: each for each in api("GET", "Tickets/entityInformation/fields")[1]["fields"]}
    assert fields[name][key] == value


def test_user_defined_fields(api: Api) -> None:
    fields = api("GET", "Tickets/entityInformation/userDefinedFields")[1]["fields"]
    assert [(each["name"], each["isPickList"]) for each in fields] == [
        ("Alert Key", False),
        ("Alert Source", True),
    ]
