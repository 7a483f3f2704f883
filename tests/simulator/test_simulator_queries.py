"""The query engine of sections 2.2 and 2.3, traps included."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from alertd.simulator import API_INTEGRATION_CODE, API_SECRET, API_USERNAME, SimRequest, Simulator
from tests.simulator.conftest import Api

EVERYTHING = {"op": "exist", "field": "id"}


@pytest.fixture
def three(new_ticket: Any) -> list[int]:
    return [
        new_ticket(title="Disk full", externalID="alertd-a", priority=4),
        new_ticket(title="Backup failed", externalID="alertd-b", companyID=0, description="100% _x_"),
        new_ticket(title="disk slow", priority=1, userDefinedFields=[{"name": "Alert Key", "value": "k1"}]),
    ]


@pytest.mark.parametrize(
    ("condition", "places"),
    [
        ({"op": "eq", "field": "title", "value": "DISK FULL"}, [0]),
        ({"op": "eq", "field": "ExternalId", "value": "alertd-b"}, [1]),
        ({"op": "noteq", "field": "priority", "value": 4}, [1, 2]),
        ({"op": "gt", "field": "id", "value": 10001}, [1, 2]),
        ({"op": "gte", "field": "id", "value": 0}, [0, 1, 2]),
        ({"op": "lt", "field": "id", "value": 10002}, [0]),
        ({"op": "lte", "field": "createDate", "value": "2026-03-05T12:00:00Z"}, [0, 1, 2]),
        ({"op": "gt", "field": "createDate", "value": "2026-03-05T12:00:00.5Z"}, []),
        ({"op": "beginsWith", "field": "title", "value": "disk"}, [0, 2]),
        ({"op": "endsWith", "field": "title", "value": "FAILED"}, [1]),
        ({"op": "contains", "field": "description", "value": "% _x"}, [1]),
        ({"op": "exist", "field": "externalID"}, [0, 1]),
        ({"op": "notExist", "field": "externalID"}, [2]),
        ({"op": "in", "field": "id", "value": [10003, 10001, 5]}, [0, 2]),
        ({"op": "in", "field": "externalID", "value": ["alertd-a", "ALERTD-B"]}, [0, 1]),
        ({"op": "notIn", "field": "priority", "value": [4, 1]}, [1]),
        ({"op": "eq", "field": "companyID", "value": 0}, [1]),
        ({"op": "eq", "field": "priority", "value": "4"}, [0]),
        ({"op": "eq", "field": "Alert Key", "value": "k1", "udf": True}, [2]),
        (
            {
                "op": "or",
                "items": [
                    {"op": "eq", "field": "externalID", "value": "alertd-a"},
                    {"op": "eq", "field": "Alert Key", "value": "k1", "udf": True},
                ],
            },
            [0, 2],
        ),
        (
            {
                "op": "or",
                "items": [
                    {"op": "eq", "field": "externalID", "value": "alertd-a"},
                    {"op": "eq", "field": "id", "value": 10002},
                ],
            },
            [0, 1],
        ),
        pytest.param(
            {"op": "noteq", "field": "externalID", "value": "alertd-a"}, [1], id="null is not noteq"
        ),
        pytest.param({"op": "ne", "field": "id", "value": 10001}, [0, 1, 2], id="unknown operator: dropped"),
        pytest.param({"op": "startsWith", "field": "no", "value": 1}, [0, 1, 2], id="dropped with its field"),
        pytest.param({"op": "eq", "field": "externalID", "value": None}, [], id="null equals nothing"),
    ],
)
def test_condition(api: Api, three: list[int], condition: Any, places: list[int]) -> None:
    status, page = api("POST", "Tickets/query", {"filter": [condition]})
    assert (status, [row["id"] for row in page["items"]]) == (200, [three[place] for place in places])


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            {"filter": [{"op": "eq", "field": "Nope", "value": 1}]},
            "Unable to find Nope in the Ticket Entity.",
        ),
        (
            {"filter": [{"op": "eq", "field": "status", "value": "New"}]},
            "Conversion failed when converting the varchar value 'New' to data type int.",
        ),
        ({"filter": [{"op": "eq", "field": "creatorType", "value": 1}]}, "not queryable"),
        ({"filter": [EVERYTHING], "MaxRecords": 0}, "maxCountOfRecordsToReturn must be between 1 and 500"),
        ({"filter": [EVERYTHING], "maxrecords": 501}, "maxCountOfRecordsToReturn must be between 1 and 500"),
        ({}, "Parameter name: filters"),
        (None, "Parameter name: filters"),
        (
            {
                "filter": [
                    {"op": "or", "items": [{"op": "eq", "field": "id", "value": n} for n in range(501)]}
                ]
            },
            "Queries are limited to 500 or fewer 'OR' conditions.",
        ),
        (
            {"filter": [{"op": "eq", "field": "Alert Key", "value": "a", "udf": True}] * 2},
            "one user-defined field",
        ),
        ({"filter": [{"op": "in", "field": "id", "value": list(range(501))}]}, "500 or fewer"),
        ({"filter": [{"op": "in", "field": "id", "value": 5}]}, "must be an array"),
        ({"filter": [{"op": "eq", "field": "isVisibleToComanaged", "value": "yes"}]}, "Boolean"),
        ({"filter": [{"op": "eq", "field": "isVisibleToComanaged", "value": 1}]}, "Boolean"),
        ({"filter": [{"op": "eq", "field": "status", "value": "true"}]}, "Conversion failed"),
        ({"filter": [{"op": "gt", "field": "createDate", "value": "yesterday"}]}, "Conversion failed"),
    ],
)
def test_refused_query(api: Api, body: Any, text: str) -> None:
    status, answer = api("POST", "Tickets/query", body)
    assert status == 500
    assert text in answer["errors"][0]


@pytest.mark.parametrize(
    ("value", "wanted"), [("true", True), ("True", True), (True, True), ("false", False), (False, False)]
)
@pytest.mark.parametrize("entity", ["Companies", "Contacts"])
def test_truth_may_be_text_in_a_filter(
    sim: Simulator, api: Api, entity: str, value: Any, wanted: bool
) -> None:
    rows = sim.tenant.table(entity).rows.values()
    matching = sorted(row["id"] for row in rows if bool(row["isActive"]) is wanted)
    body = {"filter": [{"op": "eq", "field": "isActive", "value": value}]}
    assert [row["id"] for row in api("POST", f"{entity}/query", body)[1]["items"]] == matching


@pytest.mark.parametrize("entity", ["Companies", "Contacts"])
def test_truth_as_text_may_be_refused(sim: Simulator, api: Api, entity: str) -> None:
    sim.switches.filter_takes_truth_as_text = False
    body = {"filter": [{"op": "eq", "field": "isActive", "value": "true"}]}
    assert api("POST", f"{entity}/query", body)[0] == 500


def test_an_empty_filter_matches_everything_or_is_refused(sim: Simulator, api: Api, three: list[int]) -> None:
    body: dict[str, Any] = {"filter": []}
    assert [row["id"] for row in api("POST", "Tickets/query", body)[1]["items"]] == three
    sim.switches.empty_filter = "refuse"
    assert api("POST", "Tickets/query", body)[1]["errors"] == [
        "Value cannot be null.\r\nParameter name: filters"
    ]


def test_body_that_is_not_json(sim: Simulator) -> None:
    headers = {"username": API_USERNAME, "secret": API_SECRET, "apiintegrationcode": API_INTEGRATION_CODE}
    request = SimRequest(
        method="POST", path="/atservicesrest/v1.0/Tickets/query", headers=headers, body=b"{oops"
    )
    assert sim.handle(request).status == 400


def test_string_comparison_may_be_case_sensitive(sim: Simulator, api: Api, three: list[int]) -> None:
    sim.switches.strings_ignore_case = False
    conditions = [{"op": "eq", "field": "externalID", "value": "ALERTD-A"}]
    assert api("POST", "Tickets/query", {"filter": conditions})[1]["items"] == []


def test_noteq_may_match_null(sim: Simulator, api: Api, three: list[int]) -> None:
    sim.switches.noteq_matches_null = True
    conditions = [{"op": "noteq", "field": "externalID", "value": "alertd-a"}]
    assert api("POST", "Tickets/query/count", {"filter": conditions})[1] == {"queryCount": 2}


def test_envelope_and_included_fields(api: Api, three: list[int]) -> None:
    body = {"filter": [EVERYTHING], "MaxRecords": 1, "IncludeFields": ["ID", "title", "Alert Key"]}
    page = api("POST", "Tickets/query", body)[1]
    assert page["items"] == [
        {"id": 10001, "title": "Disk full", "userDefinedFields": [{"name": "Alert Key", "value": None}]}
    ]
    assert (page["pageDetails"]["count"], page["pageDetails"]["requestCount"]) == (1, 1)


def test_records_carry_every_field(api: Api, three: list[int]) -> None:
    item = api("GET", "Tickets/10001")[1]["item"]
    assert item["problemTicketId"] is None
    assert item["userDefinedFields"][0] == {"name": "Alert Key", "value": None}


def test_missing_id_is_null_with_200(api: Api) -> None:
    assert api("GET", "Tickets/999999") == (200, {"item": None})


def test_get_form_of_a_query(sim: Simulator, three: list[int]) -> None:
    headers = {"username": API_USERNAME, "secret": API_SECRET, "apiintegrationcode": API_INTEGRATION_CODE}
    query = {"search": '{"filter":[{"op":"exist","field":"id"}]}'}
    path = "/atservicesrest/v1.0/Tickets/query"
    short, long = (
        SimRequest(method="GET", path=path, query=query, headers=headers, url_length=length)
        for length in (200, 2_500)
    )
    assert [sim.handle(each).status for each in (short, long)] == [200, 404]


def follow(sim: Simulator, url: str, body: bytes, method: str = "POST") -> tuple[int, Any]:
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    headers = {"username": API_USERNAME, "secret": API_SECRET, "apiintegrationcode": API_INTEGRATION_CODE}
    request = SimRequest(method=method, path=parts.path, query=query, headers=headers, body=body)
    reply = sim.handle(request)
    return reply.status, reply.json()


def test_paging_with_the_same_verb_and_body(sim: Simulator, api: Api, three: list[int]) -> None:
    sent = {"filter": [EVERYTHING], "MaxRecords": 2}
    url = api("POST", "Tickets/query", sent)[1]["pageDetails"]["nextPageUrl"]
    status, page = follow(sim, url, b'{"filter":[{"op":"exist","field":"id"}],"MaxRecords":2}')
    assert (status, [row["id"] for row in page["items"]], page["pageDetails"]["nextPageUrl"]) == (
        200,
        [three[2]],
        None,
    )


@pytest.mark.parametrize(("method", "body", "status"), [("GET", b"", 405), ("POST", b"", 500)])
def test_paging_otherwise(
    sim: Simulator, api: Api, three: list[int], method: str, body: bytes, status: int
) -> None:
    sent = {"filter": [EVERYTHING], "MaxRecords": 2}
    url = api("POST", "Tickets/query", sent)[1]["pageDetails"]["nextPageUrl"]
    assert follow(sim, url, body, method)[0] == status


def test_page_positions_are_forgotten(sim: Simulator, api: Api, three: list[int]) -> None:
    sim.switches.page_positions_kept = 1
    sent = {"filter": [EVERYTHING], "MaxRecords": 2}
    url = api("POST", "Tickets/query", sent)[1]["pageDetails"]["nextPageUrl"]
    api("POST", "Tickets/query", sent | {"MaxRecords": 1})
    assert follow(sim, url, b"{}")[0] == 500


def test_paging_breaks_without_id(api: Api, three: list[int]) -> None:
    sent = {"filter": [EVERYTHING], "MaxRecords": 2, "IncludeFields": ["title"]}
    assert api("POST", "Tickets/query", sent)[1]["pageDetails"]["nextPageUrl"] is None


def test_id_cursor_over_many_rows(sim: Simulator, api: Api, new_ticket: Any) -> None:
    made = [new_ticket(externalID=f"k{number}") for number in range(1_200)]
    seen: list[int] = []
    while True:
        above = {"op": "gt", "field": "id", "value": seen[-1] if seen else 0}
        page = api("POST", "Tickets/query", {"filter": [above], "IncludeFields": ["id"]})[1]
        seen += [row["id"] for row in page["items"]]
        if page["pageDetails"]["count"] < 500:
            break
    assert seen == made


def test_children_of_a_ticket(api: Api, three: list[int]) -> None:
    note = {"title": "a", "description": "b", "noteType": 3, "publish": 1}
    made = api("POST", f"Tickets/{three[0]}/Notes", note)[1]["itemId"]
    page = api("GET", f"Tickets/{three[0]}/Notes")[1]
    assert [row["id"] for row in page["items"]] == [made]
    assert api("GET", f"Tickets/{three[0]}/Notes/{made}")[1]["item"]["title"] == "a"
    assert api("GET", f"Tickets/{three[1]}/Notes/{made}")[1] == {"item": None}


def test_search_lag_hides_creates_changes_and_nothing_by_id(
    sim: Simulator, api: Api, new_ticket: Any, clock: Any
) -> None:
    first = new_ticket(externalID="seen")
    sim.switches.search_lag_s = 30.0
    second = new_ticket(externalID="new")
    api("PATCH", "Tickets", {"id": first, "status": 5, "externalID": "moved"})
    wanted = {"filter": [{"op": "in", "field": "externalID", "value": ["seen", "new", "moved"]}]}

    def found() -> list[tuple[int, str, int]]:
        items = api("POST", "Tickets/query", wanted)[1]["items"]
        return [(row["id"], row["externalID"], row["status"]) for row in items]

    before = found()
    direct = api("GET", f"Tickets/{second}")[1]["item"]["externalID"]
    clock.now += 30.0
    assert (before, direct) == ([(first, "seen", 1)], "new")
    assert found() == [(first, "moved", 5), (second, "new", 1)]


def test_a_role_says_whether_it_is_the_systems_own(api: Api) -> None:
    rows = api("POST", "Roles/query", {"filter": [EVERYTHING]})[1]["items"]
    assert [(row["name"], row["isSystemRole"], row["isExcludedFromNewContracts"]) for row in rows] == [
        ("Technician", False, False),
        ("Senior Technician", False, False),
    ]
