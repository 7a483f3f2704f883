"""Rights of section 6 and limits of section 4."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alertd.simulator import Fault, Simulator
from tests.simulator.conftest import NOON, Api

NOTE = {"title": "Again", "description": "5 times", "noteType": 3, "publish": 1}
EVERYTHING = {"filter": [{"op": "exist", "field": "id"}]}


def trim(sim: Simulator, **fault: Any) -> None:
    sim.faults.add(Fault(kind="rights", **fault), NOON)


@pytest.mark.parametrize(
    ("fault", "method", "path", "body", "verb"),
    [
        ({"entity": "Tickets", "deny": ["create"]}, "POST", "Tickets", {}, "create"),
        ({"entity": "Tickets", "deny": ["update"]}, "PATCH", "Tickets", {"id": 10001}, "update"),
        ({"entity": "TicketNotes", "deny": ["create"]}, "POST", "Tickets/10001/Notes", NOTE, "create"),
        ({"remove": ["administer_tags"]}, "POST", "Tags", {"label": "new"}, "create"),
        ({"remove": ["administer_tags"]}, "DELETE", "TagGroups/12", None, "delete"),
        ({"remove": ["remove_tags"]}, "DELETE", "Tickets/10001/TagAssociations/9001", None, "delete"),
    ],
)
def test_missing_right(
    sim: Simulator,
    api: Api,
    new_ticket: Callable[..., int],
    fault: Any,
    method: str,
    path: str,
    body: Any,
    verb: str,
) -> None:
    api("POST", f"Tickets/{new_ticket()}/TagAssociations", {"tagID": 501})
    trim(sim, **fault)
    text = f"The logged in Resource does not have the adequate permissions to {verb} this entity type."
    refused = api(method, path, body)
    sim.faults.clear()
    assert refused == (500, {"errors": [text]})


def test_without_the_query_right_everything_looks_empty(
    sim: Simulator, api: Api, new_ticket: Callable[..., int]
) -> None:
    made = new_ticket()
    trim(sim, entity="Tickets", deny=["query"])
    assert api("POST", "Tickets/query", EVERYTHING)[1]["items"] == []
    assert api("POST", "Tickets/query/count", EVERYTHING)[1] == {"queryCount": 0}
    assert api("GET", f"Tickets/{made}") == (200, {"item": None})
    assert api("GET", "Tickets/entityInformation")[1]["info"]["userAccessForQuery"] == "None"


def test_without_the_query_right_it_may_be_an_error(sim: Simulator, api: Api) -> None:
    sim.switches.query_without_right, sim.switches.permission_status = "error", 403
    trim(sim, entity="Tickets", deny=["query"])
    assert api("POST", "Tickets/query", EVERYTHING)[0] == 403


def test_restricted_to_some_companies(sim: Simulator, api: Api, new_ticket: Callable[..., int]) -> None:
    inside, outside = new_ticket(), new_ticket(companyID=176)
    api("POST", f"Tickets/{outside}/Notes", NOTE)
    trim(sim, companies=[175])
    tickets = api("POST", "Tickets/query", EVERYTHING)[1]["items"]
    companies = api("POST", "Companies/query", EVERYTHING)[1]["items"]
    assert [row["id"] for row in tickets] == [inside]
    assert [row["id"] for row in companies] == [175]
    assert api("POST", "TicketNotes/query", EVERYTHING)[1]["items"] == []
    assert api("GET", f"Tickets/{outside}")[1] == {"item": None}
    assert api("GET", "Tickets/entityInformation")[1]["info"]["userAccessForQuery"] == "Restricted"


@pytest.mark.parametrize(("removed", "status"), [([], 200), (["edit_complete_tickets"], 500)])
def test_reopening_needs_a_right(
    sim: Simulator, api: Api, new_ticket: Callable[..., int], removed: list[str], status: int
) -> None:
    made = new_ticket(status=5)
    trim(sim, remove=removed)
    other = api("PATCH", "Tickets", {"id": made, "resolution": "done"})
    assert (api("PATCH", "Tickets", {"id": made, "status": 8})[0], other[0]) == (status, 200)


def test_complete_tickets_may_be_locked_altogether(
    sim: Simulator, api: Api, new_ticket: Callable[..., int]
) -> None:
    made = new_ticket(status=5)
    sim.switches.complete_other_fields_editable = False
    assert api("PATCH", "Tickets", {"id": made, "resolution": "done"})[0] == 500


def test_costs_are_hidden_without_a_word(sim: Simulator, api: Api) -> None:
    sim.tenant.table("Products").rows[29683001]["unitCost"] = 4.0
    seen = api("GET", "Products/29683001")[1]["item"]["unitCost"]
    trim(sim, remove=["costs"])
    assert (seen, api("GET", "Products/29683001")[1]["item"]["unitCost"]) == (4.0, None)


@pytest.mark.parametrize(("reflects", "access"), [(True, "None"), (False, "All")])
def test_metadata_may_show_the_right_to_remove_tags(
    sim: Simulator, api: Api, reflects: bool, access: str
) -> None:
    sim.switches.tag_delete_access_reflects_right = reflects
    trim(sim, remove=["remove_tags"])
    info = api("GET", "TicketTagAssociations/entityInformation")[1]["info"]
    assert info["userAccessForDelete"] == access


def test_threshold_counts_itself_and_the_others(sim: Simulator, api: Api) -> None:
    sim.faults.add(Fault(kind="others_usage", requests=120), NOON)
    api("GET", "Tickets/1")
    assert api("GET", "ThresholdInformation")[1] == {
        "externalRequestThreshold": 10000,
        "requestThresholdTimeframe": 60,
        "currentTimeframeRequestCount": 122,
    }


def test_the_hour_rolls(sim: Simulator, api: Api, clock: Any) -> None:
    api("GET", "Tickets/1")
    clock.now += 3_600
    assert api("GET", "ThresholdInformation")[1]["currentTimeframeRequestCount"] == 1


@pytest.mark.parametrize(("others", "status"), [(9_998, 200), (9_999, 429)])
def test_above_the_threshold_calls_are_refused(sim: Simulator, api: Api, others: int, status: int) -> None:
    sim.faults.add(Fault(kind="others_usage", requests=others), NOON)
    api("GET", "Tickets/1")
    assert api("GET", "Tickets/1")[0] == status


def test_over_threshold_switches(sim: Simulator) -> None:
    sim.switches.threshold_status, sim.switches.threshold_retry_after = 500, 60
    sim.switches.threshold_covers_threshold_information = False
    sim.faults.add(Fault(kind="others_usage", requests=10_000), NOON)
    reply = sim.call("GET", "Tickets/1")
    assert (reply.status, reply.headers["Retry-After"]) == (500, "60")
    assert sim.call("GET", "ThresholdInformation").status == 200


@pytest.mark.parametrize(("others", "delay"), [(0, 0.0), (4_999, 0.0), (5_000, 5.0), (7_500, 10.0)])
def test_latency_is_injected_by_share(sim: Simulator, others: int, delay: float) -> None:
    sim.switches.latency_scale = 10.0
    sim.faults.add(Fault(kind="others_usage", requests=others), NOON)
    assert sim.call("GET", "Tickets/1").delay_s == delay
