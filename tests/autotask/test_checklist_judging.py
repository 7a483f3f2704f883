"""Answers in, lines out: tables over everything a tenant may show."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from alertd.autotask.answers import Payload
from alertd.autotask.checklist import GROUPS, is_missing_any, judge
from alertd.autotask.checklist_evidence import (
    ENTITY_NAMES,
    NOT_ASKED,
    Evidence,
    NamedCompany,
    Trouble,
    Unanswered,
    Wanted,
)
from alertd.autotask.checklist_lines import Line, State
from alertd.autotask.zone import Zone
from alertd.core.boards import BoardSettings

ZONE = Zone(url="https://zone.test/", web_url="https://web.test/", name="Test", tenant_id=7)
FORBIDDEN = Unanswered(
    Trouble.REFUSED,
    "The logged in Resource does not have the adequate permissions to query this entity type.",
)
FAULT = Unanswered(Trouble.FAILED, "HTTP 500: An unexpected error has occurred")
NO_ROUTE = Unanswered(Trouble.NO_ROUTE, "HTTP 404")
QUEUE = 29682833
OWN = ("own_resource", "own_lines_of_business")
TRIALS = {"edit_complete_tickets", "remove_tags", "duplicate_ticket_handling"}


def pick(field: str, *values: tuple[int, str]) -> dict[str, Any]:
    listed = [{"value": str(value), "label": label, "isActive": True} for value, label in values]
    return {"name": field, "isPickList": True, "isReadOnly": False, "picklistValues": listed}


FIELDS: Payload = {
    "fields": [
        pick("queueID", (QUEUE, "NOC"), (5, "Client Portal")),
        pick("status", (1, "New"), (5, "Complete")),
        pick("priority", (1, "High"), (2, "Medium"), (3, "Low"), (4, "Critical")),
        pick("source", (8, "Monitoring Alert")),
        pick("ticketCategory", (3, "Standard")),
    ]
}
WANTED = Wanted(
    username="api@msp.example",
    calls_per_hour=4000,
    modules=frozenset({"alerts", "billing"}),
    call_outs=True,
    boards=[BoardSettings(name="noc", queue="NOC", category="Standard", tags=["alertd"])],
    companies=[NamedCompany("[autotask] fallback_company", 0), NamedCompany("[route] a: company", "Contoso")],
    note_type=None,
    tag_group="alertd",
    tags=frozenset({"alertd"}),
    match_devices=True,
    root_board="noc",
)


def described(entity: str, **access: object) -> dict[str, Any]:
    usual = {f"userAccessFor{what}": "All" for what in ("Query", "Create", "Update", "Delete")}
    return {"name": ENTITY_NAMES[entity][0], **usual, **access}


def entities(changed: str = "", **access: object) -> Payload:
    return {
        "entityDescriptions": [
            described(entity, **(access if entity == changed else {})) for entity in ENTITY_NAMES
        ]
    }


def evidence(**changes: Any) -> Evidence:
    """A tenant that has everything, save for what is changed: answers and rows by their names."""
    answers: dict[str, Any] = {
        "threshold": {
            "externalRequestThreshold": 10000,
            "requestThresholdTimeframe": 60,
            "currentTimeframeRequestCount": 124,
        },
        "entities": entities(),
        "ticket_fields": FIELDS,
        "customers": {"queryCount": 12},
    }
    rows: dict[str, Any] = {
        "people": ({"id": 1, "queueID": QUEUE, "resourceID": 9},),
        "companies": ({"id": 175, "companyName": "Contoso", "isActive": True},),
        "tag_groups": (),
        "services": priced(4.0),
        "contracts": ({"id": 1, "companyID": 175},),
        "other_types": (),
        "lines_of_business": (),
    }
    answers |= {key: value for key, value in changes.items() if key in answers or key.startswith("entity")}
    answers |= {key: value for key, value in changes.items() if key.startswith("udfs")}
    rows |= {key: value for key, value in changes.items() if key in rows or key in ("aliased", *OWN)}
    return Evidence(zone=ZONE, answers=answers, rows=rows)


def priced(cost: float | None) -> tuple[dict[str, Any], ...]:
    return tuple({"id": each, "unitPrice": 9.5, "unitCost": cost} for each in range(3))


def states(found: list[Line], state: State) -> set[str]:
    return {line.id for line in found if line.state is state}


def red(seen: Evidence, wanted: Wanted = WANTED) -> set[str]:
    return states(judge(seen, wanted), State.MISSING)


def unclear(seen: Evidence, wanted: Wanted = WANTED) -> set[str]:
    return states(judge(seen, wanted), State.CANNOT_TELL)


def line(seen: Evidence, id_: str, wanted: Wanted = WANTED) -> Line:
    return next(each for each in judge(seen, wanted) if each.id == id_)


def test_a_tenant_that_has_everything_leaves_only_what_a_trial_shows() -> None:
    assert red(evidence()) == set()
    assert unclear(evidence()) == TRIALS


def test_lines_have_unique_ids_and_come_by_groups() -> None:
    found = judge(evidence(), WANTED)
    ids = [each.id for each in found]
    assert len(set(ids)) == len(ids)
    groups = [each.group for each in found]
    assert groups == sorted(groups, key=GROUPS.index)
    assert all(each.reason and each.where and each.title and each.detail for each in found)


@pytest.mark.parametrize("none", ["None", "none", 0, "0"])
@pytest.mark.parametrize(
    ("entity", "what", "expected"),
    [
        ("Tickets", "Query", "tickets_view"),
        ("Tickets", "Create", "tickets_add"),
        ("Tickets", "Update", "tickets_edit"),
        ("TicketNotes", "Create", "notes_add"),
        ("Tags", "Create", "administer_tags"),
        ("TagGroups", "Create", "administer_tags"),
        ("TicketTagAssociations", "Delete", "remove_tags"),
        ("Contracts", "Query", "contracts_view"),
        ("ContractServices", "Query", "contracts_view"),
        ("ContractServiceUnits", "Query", "contracts_view"),
        ("ContractServiceAdjustments", "Create", "contracts_edit"),
        ("Companies", "Query", "crm_customers"),
        ("Products", "Query", "products_view"),
        ("Services", "Query", "products_view"),
        ("TicketWebhooks", "Create", "webhooks"),
        ("ConfigurationItems", "Query", "devices_view"),
    ],
)
def test_no_access_in_the_metadata_is_that_line_and_no_other(
    entity: str, what: str, expected: str, none: object
) -> None:
    assert red(evidence(entities=entities(entity, **{f"userAccessFor{what}": none}))) == {expected}


@pytest.mark.parametrize("some", ["Restricted", 2, "2", None])
def test_some_access_and_no_word_of_access_prove_nothing(some: object) -> None:
    seen = evidence(entities=entities("Tickets", userAccessForUpdate=some))
    assert red(seen) == set()
    assert unclear(seen) == TRIALS | {"tickets_edit"}


def test_what_the_global_metadata_leaves_out_is_read_singly() -> None:
    listed = [each for each in entities()["entityDescriptions"] if each["name"] != "Ticket"]
    single = {"info": described("Tickets", userAccessForCreate=0)}
    seen = evidence(entities={"entityDescriptions": listed}, **{"entity Tickets": single})
    assert red(seen) == {"tickets_add"}
    absent = evidence(entities={"entityDescriptions": listed}, **{"entity Tickets": NO_ROUTE})
    assert red(absent) == set()
    assert {"tickets_view", "tickets_add", "tickets_edit"} <= unclear(absent)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"customers": {"queryCount": 0}}, {"crm_customers"}),
        ({"customers": FORBIDDEN}, {"crm_customers"}),
        ({"customers": Unanswered(Trouble.REFUSED, "Access denied.")}, {"crm_customers"}),
        ({"contracts": (), "other_types": NOT_ASKED}, {"contracts_view"}),
        ({"contracts": FORBIDDEN, "other_types": NOT_ASKED}, {"contracts_view"}),
        ({"services": ()}, {"products_view"}),
        ({"services": FORBIDDEN}, {"products_view"}),
        ({"services": Unanswered(Trouble.REFUSED, "You are not allowed to do this")}, {"products_view"}),
        ({"services": priced(None)}, {"costs"}),
        ({"services": priced(0)}, {"costs"}),
        ({"other_types": ({"id": 175, "companyName": "Contoso"},)}, {"contract_companies"}),
        ({"people": ()}, {"queue_noc"}),
        ({"companies": ()}, {"companies"}),
        ({"companies": ({"id": 175, "companyName": "Contoso", "isActive": False},)}, {"companies"}),
        ({"tag_groups": ({"id": 1, "label": "alertd", "isActive": False},)}, {"tag_group"}),
        ({"lines_of_business": ({"id": 1},), "own_resource": ({"id": 9},), "own_lines_of_business": ()},
         {"lines_of_business"}),
    ],
)  # fmt: skip
def test_what_can_be_seen_is_that_line_and_no_other(changes: dict[str, Any], expected: set[str]) -> None:
    assert red(evidence(**changes)) == expected


@pytest.mark.parametrize(
    "key", ["customers", "contracts", "services", "companies", "ticket_fields", "people"]
)
def test_a_fault_of_autotask_is_nobodys_missing_right(key: str) -> None:
    seen = evidence(**{key: FAULT}, **({"other_types": NOT_ASKED} if key == "contracts" else {}))
    assert red(seen) == set()
    assert unclear(seen) > TRIALS


def test_too_few_services_tell_nothing_of_costs() -> None:
    assert "costs" in unclear(evidence(services=({"id": 1, "unitPrice": 9.5, "unitCost": 0},)))


def test_without_a_view_of_customers_nothing_is_said_of_companies_and_contracts() -> None:
    seen = evidence(
        entities=entities("Companies", userAccessForQuery="Restricted"),
        customers={"queryCount": 0},
        companies=(),
        contracts=(),
        other_types=NOT_ASKED,
    )
    assert red(seen) == {"crm_customers"}
    for waiting in ("companies", "contracts_view"):
        assert line(seen, waiting).waits_for == "crm_customers"
    assert line(seen, "contract_companies").waits_for in {"crm_customers", "contracts_view"}


def test_without_a_view_of_contracts_nothing_is_said_of_adjusting_them() -> None:
    listed = entities()["entityDescriptions"]
    for each in listed:
        if each["name"].startswith("Contract"):
            each |= {"userAccessForQuery": "None", "userAccessForCreate": "None"}
    seen = evidence(entities={"entityDescriptions": listed}, contracts=(), other_types=NOT_ASKED)
    assert red(seen) == {"contracts_view"}
    assert line(seen, "contracts_edit").waits_for == "contracts_view"


def test_without_products_nothing_is_said_of_costs() -> None:
    seen = evidence(entities=entities("Products", userAccessForQuery="None"), services=())
    assert red(seen) == {"products_view"}
    assert line(seen, "costs").waits_for == "products_view"


def test_a_hidden_assignment_is_no_queue_without_people() -> None:
    seen = evidence(entities=entities("ResourceRoleQueues", userAccessForQuery="None"), people=())
    assert red(seen) == set()
    assert "queue_noc" in unclear(seen)


@pytest.mark.parametrize(
    ("board", "expected"),
    [
        ({"queue": "Nok"}, "queue_noc"),
        ({"queue": 77}, "queue_noc"),
        ({"source": "Pager"}, "ticket_sources"),
        ({"category": 99}, "ticket_categories"),
        ({"status": {"done": "Finished"}}, "statuses"),
        ({"priority": {"critical": "P1"}}, "priorities"),
    ],
)
def test_what_a_board_names_and_the_tenant_lacks(board: dict[str, Any], expected: str) -> None:
    named = BoardSettings.model_validate({"name": "noc", "queue": "NOC", **board})
    assert red(evidence(), replace(WANTED, boards=[named])) == {expected}


def test_every_board_has_its_queue_line_however_it_is_called() -> None:
    boards = [BoardSettings(name=name, queue="NOC") for name in ("a-b", "a.b", "A B", "ä")]
    found = judge(evidence(), replace(WANTED, boards=boards))
    assert [each.id for each in found if each.id.startswith("queue_")] == [
        "queue_a_b",
        "queue_a_b_2",
        "queue_a_b_3",
        "queue_board",
    ]


@pytest.mark.parametrize(
    ("zone", "refused", "answers", "expected"),
    [
        (
            Unanswered(Trouble.FAILED, "HTTP 500: Zone information could not be determined"),
            "",
            {},
            "user_name",
        ),
        (
            Unanswered(Trouble.NO_ROUTE, "HTTP 404: Zone information could not be determined"),
            "",
            {},
            "user_name",
        ),
        (NO_ROUTE, "", {}, "zone"),
        (Unanswered(Trouble.FAILED, "HTTP 503"), "", {}, "zone"),
        (ZONE, "refused: HTTP 401", {}, "sign_in"),
        (ZONE, "refused: HTTP 500: The user account has been locked.", {}, "sign_in"),
        (ZONE, "refused: HTTP 500: IntegrationCode is invalid", {}, "integration_code"),
        (ZONE, "", {"threshold": Unanswered(Trouble.FAILED, "HTTP 403")}, "sign_in"),
        (ZONE, "", {"threshold": FORBIDDEN}, "sign_in"),
        (
            ZONE,
            "",
            {"threshold": Unanswered(Trouble.REFUSED, "Tracking identifier unknown")},
            "integration_code",
        ),
        (ZONE, "", {"threshold": Unanswered(Trouble.FAILED, "HTTP 503"), "entities": NO_ROUTE}, "zone"),
        (
            ZONE,
            "",
            {"threshold": Unanswered(Trouble.FAILED, "HTTP 200 with a body that is not JSON")},
            "zone",
        ),
        (ZONE, "", {"threshold": Unanswered(Trouble.FAILED, "HTTP 503"), "entities": FORBIDDEN}, "sign_in"),
        (ZONE, "", {"threshold": Unanswered(Trouble.THROTTLED, "spent")}, "request_threshold"),
    ],
)
def test_a_failed_log_in_is_one_line_and_all_others_wait_for_it(
    zone: Any, refused: str, answers: dict[str, Any], expected: str
) -> None:
    seen = Evidence(zone=zone, refused_login=refused, answers=answers)
    assert red(seen) == {expected}
    waiting = [each for each in judge(seen, WANTED) if each.state is State.CANNOT_TELL]
    assert {each.waits_for for each in waiting} <= {expected, "user_name"}
    assert {each.id for each in waiting} >= TRIALS | {"queue_noc", "companies", "contracts_view"}


def test_a_locked_account_is_named_where_autotask_says_so() -> None:
    seen = Evidence(zone=ZONE, refused_login="HTTP 401: The user account has been locked.")
    assert "unlock" in line(seen, "sign_in").detail


@pytest.mark.parametrize(
    ("used", "ours", "state"), [(0, 4000, "ok"), (8999, 4000, "ok"), (9000, 4000, "missing")]
)
def test_the_allowance(used: int, ours: int, state: str) -> None:
    answer = {"externalRequestThreshold": 10000, "currentTimeframeRequestCount": used}
    found = line(evidence(threshold=answer), "request_threshold", replace(WANTED, calls_per_hour=ours))
    assert found.state == state
    assert f"{used:,} of 10,000" in found.detail


def test_a_share_greater_than_the_allowance_is_told() -> None:
    answer = {"externalRequestThreshold": 3000, "currentTimeframeRequestCount": 1}
    assert "lower" in line(evidence(threshold=answer), "request_threshold").detail


@pytest.mark.parametrize(
    ("mine", "state"), [((1, 2), "ok"), ((1,), "cannot_tell"), ((), "missing"), ((3,), "missing")]
)
def test_lines_of_business(mine: tuple[int, ...], state: str) -> None:
    seen = evidence(
        lines_of_business=({"id": 1}, {"id": 2}),
        own_resource=({"id": 9, "userName": "api"},),
        own_lines_of_business=tuple({"id": 50, "organizationalLevelAssociationID": each} for each in mine),
    )
    assert line(seen, "lines_of_business").state == state


def test_hidden_lines_of_business_of_the_user_are_not_taken_for_none() -> None:
    seen = evidence(
        entities=entities("OrganizationalResources", userAccessForQuery="None"),
        lines_of_business=({"id": 1},),
        own_resource=({"id": 9, "userName": "api"},),
        own_lines_of_business=(),
    )
    assert line(seen, "lines_of_business").state is State.CANNOT_TELL


def test_an_own_resource_that_cannot_be_found_tells_nothing_of_its_lines_of_business() -> None:
    seen = evidence(lines_of_business=({"id": 1},), own_resource=())
    assert line(seen, "lines_of_business").state is State.CANNOT_TELL


@pytest.mark.parametrize(
    ("modules", "fails"),
    [({"alerts"}, False), ({"billing"}, True), ({"alerts", "billing"}, True), ((), False)],
)
def test_only_modules_that_are_configured_decide_the_exit_code(modules: set[str], fails: bool) -> None:
    wanted = replace(WANTED, modules=frozenset(modules))
    found = judge(evidence(entities=entities("Contracts", userAccessForQuery="None")), wanted)
    assert states(found, State.MISSING) == {"contracts_view"}
    assert is_missing_any(found) is fails


def test_the_connection_counts_whatever_is_configured() -> None:
    seen = Evidence(zone=ZONE, refused_login="HTTP 401")
    assert is_missing_any(judge(seen, replace(WANTED, modules=frozenset())))


def test_webhooks_are_missing_only_where_call_outs_are_configured() -> None:
    seen = evidence(entities=entities("TicketWebhooks", userAccessForCreate="None"))
    assert red(seen, replace(WANTED, call_outs=False)) == set()


def udfs(*names: str, **more: object) -> Payload:
    return {"fields": [{"name": name, "type": "string", **more} for name in names]}


SITE = replace(WANTED, boards=[BoardSettings(name="noc", queue="NOC", udfs={"Site": "North"})])
ALIAS = replace(WANTED, company_alias="Monitoring Name")
KEYED = replace(WANTED, reference_udf="Alert Key")
DEVICES = replace(WANTED, device_udfs={"ip": "Management IP"})


@pytest.mark.parametrize(
    ("wanted", "answer", "expected", "state"),
    [
        (SITE, {"udfs Tickets": udfs("Site")}, "user_defined_fields", State.OK),
        (SITE, {"udfs Tickets": udfs("Place")}, "user_defined_fields", State.MISSING),
        (SITE, {"udfs Tickets": udfs("Site", isReadOnly=True)}, "user_defined_fields", State.MISSING),
        (SITE, {"udfs Tickets": udfs("Site", isProtected=True)}, "user_defined_fields", State.CANNOT_TELL),
        (SITE, {"udfs Tickets": FORBIDDEN}, "user_defined_fields", State.CANNOT_TELL),
        (KEYED, {"udfs Tickets": udfs("Alert Key")}, "reference_udf", State.OK),
        (KEYED, {"udfs Tickets": udfs("Alert")}, "reference_udf", State.MISSING),
        (KEYED, {"udfs Tickets": FAULT}, "reference_udf", State.CANNOT_TELL),
        (ALIAS, {"udfs Companies": udfs("Monitoring Name")}, "company_alias", State.OK),
        (ALIAS, {"udfs Companies": udfs()}, "company_alias", State.MISSING),
        (ALIAS, {"udfs Companies": FAULT}, "company_alias", State.CANNOT_TELL),
        (DEVICES, {"udfs ConfigurationItems": udfs("Management IP")}, "device_udfs", State.OK),
        (DEVICES, {"udfs ConfigurationItems": udfs("IP")}, "device_udfs", State.MISSING),
    ],
)
def test_user_defined_fields(wanted: Wanted, answer: dict[str, Any], expected: str, state: State) -> None:
    assert line(evidence(**answer), expected, wanted).state is state
    assert red(evidence(**answer), wanted) == ({expected} if state is State.MISSING else set())


def test_a_company_may_be_named_by_alias_and_by_its_parent() -> None:
    named = [
        NamedCompany("[route] a: company", "contoso-mon"),
        NamedCompany("[route] b: company", "Contoso / South"),
    ]
    wanted = replace(ALIAS, companies=named)
    contoso = {"id": 175, "companyName": "Contoso", "isActive": True}
    alias = {"userDefinedFields": [{"name": "Monitoring Name", "value": "contoso-mon"}]}
    south = {"id": 176, "companyName": "South", "parentCompanyID": 175, "isActive": True}
    seen = evidence(
        companies=(contoso, south), aliased=(contoso | alias,), **{"udfs Companies": udfs("Monitoring Name")}
    )
    assert red(seen, wanted) == set()
    assert red(evidence(companies=(south,), aliased=()), wanted) == {"companies"}
