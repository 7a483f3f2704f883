"""What people do with tickets, over fakes: merges, learnt refusals, tickets that two incidents share."""

from __future__ import annotations

import pytest

from alertd.core.incidents import Acknowledged
from alertd.flows.errors import OutcomeUnknown, Rejected, Unavailable
from tests.flows.conftest import FakeTicket, Machine, alert

pytestmark = pytest.mark.looptime

WONT_FIX, COMPLETE = 17, 5


def phase(machine: Machine, host: str = "fs01") -> object:
    [row] = [
        row
        for row in machine.state.incidents.values()
        if any(member.host == host for member in row.incident.members.values())
    ]
    return row.incident.phase


def ticket_of(machine: Machine, host: str) -> FakeTicket:
    [ticket] = [each for each in machine.tickets if host in each.draft.title]
    return ticket


async def two_tickets() -> Machine:
    machine = Machine()
    await machine.post(alert("one"), alert("two"))
    await machine.run(200)
    assert len(machine.tickets) == 2
    return machine


def merge(machine: Machine, one: int, into: int) -> None:
    machine.desk.merged[one] = into
    machine.desk.person(one, status=COMPLETE)


async def test_a_ticket_that_another_incident_needs_is_completed_with_the_last() -> None:
    machine = await two_tickets()
    first, second = ticket_of(machine, "one"), ticket_of(machine, "two")
    merge(machine, first.id, second.id)
    await machine.run(120)
    assert phase(machine, "one").how == "merged"  # type: ignore[attr-defined]

    await machine.post(alert("two", cleared=True))
    await machine.run(1200)
    waiting = second.fields["status"]
    await machine.post(alert("one", cleared=True))
    await machine.run(1200)

    assert waiting == 1
    assert second.fields["status"] == COMPLETE
    assert len(machine.tickets) == 2


async def test_a_merge_whose_note_cannot_be_read_now_is_seen_by_the_next_sync() -> None:
    machine = await two_tickets()
    first, second = ticket_of(machine, "one"), ticket_of(machine, "two")
    machine.desk.fail("merged_away", "before", Unavailable("busy"))
    merge(machine, first.id, second.id)
    await machine.run(200)

    assert phase(machine, "one").how == "merged"  # type: ignore[attr-defined]


async def test_without_the_right_to_read_notes_a_merge_is_a_completion() -> None:
    machine = await two_tickets()
    first, second = ticket_of(machine, "one"), ticket_of(machine, "two")
    machine.desk.fail("merged_away", "before", Rejected("no"))
    merge(machine, first.id, second.id)
    await machine.run(200)

    assert phase(machine, "one").how == "completed"  # type: ignore[attr-defined]


async def test_a_merge_into_what_nobody_can_name_or_what_is_complete_is_a_completion() -> None:
    machine = await two_tickets()
    first, second = ticket_of(machine, "one"), ticket_of(machine, "two")
    merge(machine, first.id, 0)
    await machine.run(120)
    unnamed = phase(machine, "one").how  # type: ignore[attr-defined]
    merge(machine, second.id, first.id)
    await machine.run(120)

    assert (unnamed, phase(machine, "two").how) == ("completed", "completed")  # type: ignore[attr-defined]


async def test_wont_fix_keeps_it_quiet_until_it_has_cleared() -> None:
    machine = Machine(acknowledge_limit="1h")
    machine.desk.board_values = {"statuses_wont_fix": frozenset({WONT_FIX})}
    await machine.post(alert())
    await machine.run(200)
    machine.desk.person(machine.tickets[0].id, status=WONT_FIX)
    await machine.run(5 * 3600)
    [row] = machine.state.incidents.values()

    assert isinstance(row.incident.phase, Acknowledged)
    assert len(machine.tickets) == 1


async def test_a_refused_reopening_is_learnt_until_configuration_or_tenant_change() -> None:
    machine = Machine()
    await machine.post(alert("one"), alert("two"))
    await machine.run(90)
    await machine.post(alert("one", cleared=True), alert("two", cleared=True))
    await machine.run(400)
    machine.desk.fail("change", "before", Rejected("may not edit a complete ticket"))
    await machine.post(alert("one"))
    await machine.run(100)
    machine.desk.calls.clear()
    await machine.post(alert("two"))
    await machine.run(30)

    assert len(machine.tickets) == 4
    assert "change" not in machine.desk.calls


async def test_one_that_will_not_be_fixed_is_so_too_where_a_look_finds_it() -> None:
    machine = Machine()
    machine.desk.board_values = {"statuses_wont_fix": frozenset({WONT_FIX})}
    machine.desk.fail("create", "after", OutcomeUnknown("lost"))
    machine.desk.broken.add("look")
    await machine.post(alert("one"))
    await machine.run(60)
    [ticket] = machine.tickets
    machine.desk.person(ticket.id, status=WONT_FIX)
    machine.desk.broken.clear()

    await machine.run(1200)

    assert isinstance(phase(machine, "one"), Acknowledged)
    assert len(machine.tickets) == 1
