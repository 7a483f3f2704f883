"""What a new ticket is linked to, and what becomes of one whose values Autotask refuses."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from alertd.core.alerts import Alert, Severity
from alertd.core.history import Happening
from alertd.core.tickets import TicketField
from alertd.flows.errors import Invalid, Rejected
from alertd.flows.ports import Company, CompanyMatch, Particulars
from tests.flows.conftest import BOARD, FakeTicket, Machine, alert

pytestmark = pytest.mark.looptime
REASON = (
    "Reference value on field: configurationItemID of type: ConfigurationItem does not exist or is invalid."
)


def refuse(machine: Machine, *about: str, times: int = 1, when: str = "before") -> None:
    for _ in range(times):
        machine.desk.fail("create", when, Invalid(REASON, frozenset(about)))


async def made(machine: Machine, **more: Any) -> FakeTicket:
    await machine.post(alert(**more))
    await machine.run(30)
    [ticket] = machine.tickets
    return ticket


def told(machine: Machine, what: str) -> dict[str, str]:
    [line] = [each for each in machine.state.history if isinstance(each, Happening) and each.what == what]
    return line.detail


async def test_a_ticket_is_linked_to_what_was_found() -> None:
    machine = Machine()
    machine.desk.found = Particulars(
        device_id=4002, contact_id=7, location_id=62, told={"device": "FS02"}, remarks=("Said of it.",)
    )
    machine.desk.board_values = {
        "issue_id": 10,
        "udfs": (TicketField(name="Alert Key", template="{{ reference }}"),),
    }
    ticket = await made(machine)

    draft = ticket.draft
    assert (draft.device_id, draft.contact_id, draft.location_id, draft.issue_id) == (4002, 7, 62, 10)
    assert draft.udfs == {"Alert Key": draft.reference}
    assert "\nSaid of it.\n" in draft.description
    assert machine.desk.asked_for == [(175, {"host": "fs02"})]
    assert told(machine, "create done") == {"company": "Contoso (175), by name", "device": "FS02"}


async def test_several_hosts_are_no_device() -> None:
    machine = Machine(group_by=["client"], group_wait="5s")
    await machine.post(alert("fs01"), alert("fs02"))
    await machine.run(30)

    assert machine.desk.asked_for == [(175, {})]


async def test_a_customer_that_several_companies_could_be_is_told_and_not_guessed() -> None:
    machine = Machine()
    machine.desk.namesakes = {"Contoso": ("A / Contoso (1)", "B / Contoso (2)")}
    ticket = await made(machine)

    assert ticket.draft.company_id == 0
    assert "several active companies in Autotask are called: A / Contoso (1); B / Contoso (2)." in (
        ticket.draft.description
    )
    assert machine.desk.asked_for == []
    assert "several" in told(machine, "create done")["company"]


def whose(client: str, **labels: str) -> Alert:
    one = alert()
    kept = {name: value for name, value in one.labels.items() if name != "client"}
    return replace(one, labels={**kept, **({"client": client} if client else {}), **labels})


async def made_of(machine: Machine, one: Alert) -> FakeTicket:
    await machine.post(one)
    await machine.run(30)
    [ticket] = machine.tickets
    return ticket


@pytest.mark.parametrize(
    ("client", "labels", "lines"),
    [
        (
            "Jones' Bakery",
            {},
            [
                'The alert names "Jones\' Bakery", which is no active company in Autotask by that name.',
                "To map it: alertd map companies set prometheus 'Jones'\"'\"' Bakery' COMPANY",
            ],
        ),
        (
            "175",
            {"client_id": "175"},
            [
                'The alert names "175", which is the number that prometheus has for a customer.',
                "To map it: alertd map companies set prometheus 175 COMPANY",
            ],
        ),
        (
            "",
            {},
            [
                "The alert names no customer.",
                "To say whose alerts of source prometheus are, set client of that source in alertd.toml.",
            ],
        ),
        (
            "Somebody",
            {"company_id": "9"},
            ['The alert names "Somebody" and company 9, which is not active in Autotask.'],
        ),
        (
            "Gone Ltd",
            {"company_id": "9", "sent_client": "gone"},
            [
                'The alert names "Gone Ltd" and company 9, which is not active in Autotask.',
                "To map it: alertd map companies set prometheus gone COMPANY",
            ],
        ),
    ],
)
async def test_a_ticket_on_the_fallback_company_says_what_to_map(
    client: str, labels: dict[str, str], lines: list[str]
) -> None:
    machine = Machine()
    machine.desk.companies["175"] = Company(175, "Contoso")
    ticket = await made_of(machine, whose(client, **labels))

    assert ticket.draft.company_id == 0
    assert "\n".join(lines) in ticket.draft.description


async def test_a_company_is_known_by_its_id_before_its_name() -> None:
    machine = Machine()
    machine.desk.companies["fabrikam"] = Company(12, "Fabrikam")
    ticket = await made_of(machine, whose("Contoso", company_id="12"))

    assert ticket.draft.company_id == 12
    assert machine.desk.asked_whose == []


async def test_a_ticket_is_whose_the_first_alert_was_whoever_speaks_last() -> None:
    machine = Machine(group_by=["alertname"], group_wait="5s")
    machine.desk.companies["fabrikam"] = Company(12, "Fabrikam")
    first = whose("Contoso", company_id="175")
    second = replace(whose("Fabrikam", company_id="12"), fingerprint="0" * 16)
    await machine.post(first, second)
    await machine.post(replace(first, severity=Severity.HIGH))
    await machine.run(30)

    [ticket] = machine.tickets
    assert ticket.draft.company_id == 175


async def test_an_id_that_is_not_active_leaves_the_name() -> None:
    ticket = await made_of(Machine(), whose("Contoso", company_id="9"))

    assert ticket.draft.company_id == 175


@pytest.mark.parametrize(
    ("client", "clues"),
    [("", {"host": "fs02", "serial": "S-1"}), ("Nobody", {"serial": "S-1"})],
)
async def test_a_device_tells_whose_the_alert_is(client: str, clues: dict[str, str]) -> None:
    """A host's name counts only where no customer is named: others may have one of the same name."""
    machine = Machine()
    machine.desk.owner = CompanyMatch(Company(12, "Fabrikam"), "device FS02 (1), by serial")
    ticket = await made_of(machine, whose(client, serial="S-1"))

    assert ticket.draft.company_id == 12
    assert machine.desk.asked_whose == [clues]
    assert told(machine, "create done")["company"] == "Fabrikam (12), by device FS02 (1), by serial"


async def test_a_refused_ticket_is_made_without_what_is_optional_and_says_so() -> None:
    machine = Machine()
    machine.desk.found = Particulars(device_id=4002, contact_id=7)
    machine.desk.other_board = replace(BOARD, name="other", queue_id=5)
    refuse(machine, "device")
    ticket = await made(machine)

    draft = ticket.draft
    assert (draft.device_id, draft.contact_id, draft.source_id) == (None, None, None)
    assert draft.queue_id == BOARD.queue_id  # the refusal names what could be left out
    assert f"refused this ticket at first ({REASON}), so it was made without device, contact, source." in (
        draft.description
    )
    assert machine.desk.calls[:3] == ["create", "look", "create"]
    assert told(machine, "create refused")["reason"] == REASON
    assert told(machine, "create done")["repaired"] == "it was made without device, contact, source"
    assert machine.repaired() == 1
    [row] = machine.state.incidents.values()
    assert (row.known.repair, row.known.parked) == (None, None)


@pytest.mark.parametrize("about", [(), ("queue", "priority")])
async def test_a_refusal_of_anything_else_falls_back_on_queue_and_priority(about: tuple[str, ...]) -> None:
    machine = Machine()
    machine.desk.other_board = replace(BOARD, name="other", queue_id=5)
    machine.desk.board_values = {"usual_priority": 3}
    refuse(machine, *about)
    ticket = await made(machine)

    assert (ticket.draft.queue_id, ticket.draft.priority_id) == (5, 3)
    assert "it is in the queue of board other" in ticket.draft.description
    assert "change" not in machine.desk.calls  # what was refused is not asked for again


async def test_a_company_that_is_refused_gives_way_to_the_fallback() -> None:
    machine = Machine()
    machine.desk.found = Particulars(location_id=62)
    refuse(machine, "company")
    ticket = await made(machine)

    assert (ticket.draft.company_id, ticket.draft.location_id) == (0, None)
    assert ticket.draft.queue_id == BOARD.queue_id


async def test_there_is_one_repair_and_then_it_is_parked_with_the_exact_reason() -> None:
    machine = Machine()
    refuse(machine, times=9)
    await machine.post(alert("poison"))
    await machine.run(200)
    await machine.post(alert("good"))
    machine.desk.faults.clear()
    await machine.run(60)

    parked = [row.known.parked for row in machine.state.incidents.values() if row.known.parked]
    assert parked == [REASON]
    assert machine.desk.calls[:3] == ["create", "look", "create"]
    assert machine.desk.calls.count("create") == 3
    assert [ticket.draft.title for ticket in machine.tickets] == ["DiskFull: 96 % on good"]
    assert machine.repaired() == 0


async def test_nothing_is_sent_twice_where_nothing_can_be_left_out() -> None:
    machine = Machine()
    machine.desk.board_values = {"source_id": None}
    refuse(machine, times=2)
    await machine.post(alert())
    await machine.run(200)

    assert machine.desk.calls.count("create") == 1
    [row] = machine.state.incidents.values()
    assert row.known.parked == REASON


async def test_a_refusal_that_was_none_is_found_before_the_repair() -> None:
    machine = Machine()
    refuse(machine, "device", when="after")
    ticket = await made(machine)

    assert machine.desk.calls[:2] == ["create", "look"]
    assert machine.desk.calls.count("create") == 1
    assert ticket.draft.source_id == 8


async def test_a_refusal_that_is_no_validation_is_not_repaired() -> None:
    machine = Machine()
    machine.desk.fail("create", "before", Rejected("does not have the adequate permissions"))
    await machine.post(alert())
    await machine.run(60)

    assert machine.desk.calls.count("create") == 1
