"""From an accepted alert to a completed ticket, over fakes and in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from alertd.core.tickets import Board
from alertd.flows.errors import AuthRefused, OutcomeUnknown, PortError, Rejected, Throttled, Unavailable
from alertd.flows.ports import Sight
from tests.flows.conftest import TECHNICIAN, Crashed, Machine, alert

pytestmark = pytest.mark.looptime

WRITES = ("create", "change", "note", "tag", "untag")


def writes(machine: Machine) -> list[str]:
    return [call for call in machine.desk.calls if call in WRITES]


async def test_a_plain_incident_is_a_create_a_tag_and_one_patch() -> None:
    machine = Machine()
    await machine.post(alert())
    await machine.run(90)
    await machine.post(alert(cleared=True))
    await machine.run(600)

    assert writes(machine) == ["create", "tag", "change"]
    assert machine.desk.calls.count("notes") == 0  # a sync in the hold has shown that nobody touched it
    [ticket] = machine.tickets
    assert ticket.fields["status"] == 5
    assert "clear" in (ticket.resolution or "")
    assert machine.state.totals == {"pending": 0, "ticketed": 1, "merged": 1}
    assert machine.unaccounted() == 0


async def test_a_thousand_repeats_cost_no_call() -> None:
    machine = Machine()
    await machine.post(alert())
    await machine.run(30)
    before = writes(machine)
    for _ in range(1000):
        await machine.post(alert())
    await machine.run(30)

    assert writes(machine) == before
    assert machine.state.totals["merged"] == 1000
    assert machine.unaccounted() == 0


async def test_two_members_share_a_ticket_that_completes_with_the_last() -> None:
    machine = Machine(group_by=["client", "alertname"])
    await machine.post(alert("a"), alert("b"))
    await machine.run(100)
    await machine.post(alert("a", cleared=True))
    await machine.run(400)
    [ticket] = machine.tickets
    still = ticket.fields["status"]
    await machine.post(alert("b", cleared=True))
    await machine.run(2000)

    assert (still, ticket.fields["status"]) == (1, 5)
    assert "(+1 more)" in ticket.draft.title
    assert writes(machine).count("note") <= 1


async def test_firing_again_in_the_hold_keeps_the_ticket_open_and_is_noted() -> None:
    machine = Machine(note_interval="1m")
    await machine.post(alert())
    await machine.run(90)
    await machine.post(alert(cleared=True))
    await machine.run(60)
    await machine.post(alert())
    await machine.run(600)

    [ticket] = machine.tickets
    assert ticket.fields["status"] == 1
    assert any("Firing again" in text for text in ticket.note_texts)


async def test_firing_again_inside_reopen_within_reopens() -> None:
    machine = Machine()
    await machine.post(alert())
    await machine.run(90)
    await machine.post(alert(cleared=True))
    await machine.run(400)
    await machine.post(alert())
    await machine.run(100)

    [ticket] = machine.tickets
    assert ticket.fields["status"] == 1
    assert any("reopened" in text for text in ticket.note_texts)


async def test_firing_again_after_reopen_within_makes_a_new_linked_ticket() -> None:
    machine = Machine(reopen_within="1h")
    await machine.post(alert())
    await machine.run(90)
    await machine.post(alert(cleared=True))
    await machine.run(400 + 3700)
    await machine.post(alert())
    await machine.run(100)

    first, second = machine.tickets
    assert second.draft.reference == first.draft.reference.removesuffix("-g1") + "-g2"
    assert "T20261123.1001" in second.draft.description


async def test_a_refused_reopening_makes_a_new_linked_ticket() -> None:
    machine = Machine()
    await machine.post(alert())
    await machine.run(90)
    await machine.post(alert(cleared=True))
    await machine.run(400)
    machine.desk.fail("change", "before", Rejected("may not edit a complete ticket"))
    await machine.post(alert())
    await machine.run(100)

    first, second = machine.tickets
    assert first.fields["status"] == 5
    assert second.fields["status"] == 1
    assert machine.state.totals["ticketed"] == 2


async def test_a_touched_ticket_is_noted_and_left_open() -> None:
    machine = Machine()
    await machine.post(alert())
    await machine.run(200)
    machine.desk.person(machine.tickets[0].id)
    await machine.run(120)
    await machine.post(alert(cleared=True))
    await machine.run(600)

    [ticket] = machine.tickets
    assert ticket.fields["status"] == 1
    assert any("left open" in text and f"resource {TECHNICIAN}" in text for text in ticket.note_texts)


async def test_a_persons_status_and_queue_are_never_overwritten() -> None:
    machine = Machine(close="always")
    await machine.post(alert())
    await machine.run(200)
    machine.desk.person(machine.tickets[0].id, status=8, queue=5)
    await machine.run(120)
    await machine.post(alert(severity="critical"))
    await machine.run(60)
    await machine.post(alert(cleared=True))
    await machine.run(600)

    [ticket] = machine.tickets
    assert (ticket.fields["status"], ticket.fields["queue"]) == (8, 5)
    assert ticket.fields["priority"] == 4


async def test_a_person_completing_it_acknowledges_until_it_has_cleared() -> None:
    machine = Machine()
    await machine.post(alert())
    await machine.run(200)
    machine.desk.person(machine.tickets[0].id, status=5)
    await machine.run(120)
    await machine.post(alert())
    await machine.run(120)
    await machine.post(alert(cleared=True))
    await machine.run(60)
    await machine.post(alert())
    await machine.run(60)
    quiet = writes(machine)
    await machine.post(alert(cleared=True))
    await machine.run(400)
    await machine.post(alert())
    await machine.run(60)

    assert quiet == ["create", "tag"]
    assert len(machine.tickets) == 2


@pytest.mark.parametrize("lag", [0, 3, 29], ids=lambda lag: f"search lag {lag} s")
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_lost_reply_to_a_create_makes_one_ticket(when: str, lag: int) -> None:
    machine = Machine()
    machine.desk.search_lag = timedelta(seconds=lag)
    machine.desk.fail("create", when, OutcomeUnknown("reply lost"))
    await machine.post(alert())
    await machine.run(800)
    await machine.post(alert(cleared=True))
    await machine.run(600)

    [ticket] = machine.tickets
    assert ticket.fields["status"] == 5
    assert machine.state.totals["ticketed"] == 1


async def test_no_create_while_the_query_cannot_see_our_own_tickets() -> None:
    machine = Machine()
    await machine.post(alert("known"))
    await machine.run(30)
    machine.desk.fail("create", "after", OutcomeUnknown("reply lost"))
    machine.desk.all_visible = False
    await machine.post(alert("other"))
    await machine.run(4000)
    blind = len(machine.tickets)
    machine.desk.all_visible = True
    await machine.run(800)

    assert (blind, len(machine.tickets)) == (2, 2)
    assert all(row.known.verified for row in machine.state.incidents.values())


async def test_a_fresh_canary_shortens_the_wait_for_absence() -> None:
    machine = Machine()
    machine.desk.fail("create", "before", OutcomeUnknown("reply lost"))
    await machine.post(alert("lost"))
    await machine.run(10)
    await machine.post(alert("fresh"))
    await machine.run(130)

    assert len(machine.tickets) == 2


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", ["tag", "change", "note"])
async def test_a_lost_reply_is_looked_for_and_nothing_is_doubled(call: str, when: str) -> None:
    machine = Machine(note_interval="1m", group_by=["client", "alertname"])
    machine.desk.fail(call, when, OutcomeUnknown("reply lost"))
    await machine.post(alert("a"))
    await machine.run(90)
    await machine.post(alert("b"))
    await machine.run(500)
    await machine.post(alert("a", cleared=True), alert("b", cleared=True))
    await machine.run(900)

    [ticket] = machine.tickets
    assert ticket.fields["status"] == 5
    assert set(ticket.tags) == {"alertd"}
    marks = [note.title for note in ticket.notes]
    assert len(marks) == len(set(marks))


@pytest.mark.parametrize(
    "error",
    [Unavailable("reset"), Throttled(3), AuthRefused("401")],
    ids=["unavailable", "throttled", "auth"],
)
async def test_what_was_not_applied_is_tried_again(error: PortError) -> None:
    machine = Machine()
    machine.desk.fail("create", "before", error)
    await machine.post(alert())
    await machine.run(30)

    assert len(machine.tickets) == 1
    assert "look" not in machine.desk.calls


async def test_a_refused_create_is_parked_and_tried_again_when_terms_change() -> None:
    machine = Machine()
    machine.desk.fail("create", "before", Rejected("queueID does not exist"))
    await machine.post(alert())
    await machine.run(600)
    parked = machine.state.writes[next(iter(machine.state.incidents))].state
    calls = machine.desk.calls.count("create")
    machine.terms = type(machine.terms)(unknown_window=machine.terms.unknown_window, mark="new config")
    await machine.state.wake(machine.clock.now())
    await machine.run(30)

    assert (parked, calls, len(machine.tickets)) == ("parked", 1, 1)


async def test_a_create_whose_fault_read_like_a_refusal_is_found() -> None:
    machine = Machine()
    machine.desk.fail("create", "after", Rejected("some list cannot be empty"))
    await machine.post(alert())
    await machine.run(60)
    machine.terms = type(machine.terms)(unknown_window=machine.terms.unknown_window, mark="new config")
    await machine.state.wake(machine.clock.now())
    await machine.run(30)

    assert machine.desk.calls.count("create") == len(machine.tickets) == 1
    assert [row.known.ticket is not None for row in machine.state.incidents.values()] == [True]


async def test_what_cannot_be_seen_is_not_made_again() -> None:
    machine = Machine()
    await machine.post(alert("canary"))
    await machine.run(60)
    machine.desk.fail("create", "after", Rejected("some list cannot be empty"))
    await machine.post(alert())
    await machine.run(60)
    machine.desk.all_visible = machine.desk.sees_all = False
    machine.terms = type(machine.terms)(unknown_window=machine.terms.unknown_window, mark="new config")
    await machine.state.wake(machine.clock.now())
    await machine.run(600)
    blind = machine.desk.calls.count("create")
    machine.desk.all_visible = True
    await machine.run(600)

    assert (blind, machine.desk.calls.count("create"), len(machine.tickets)) == (2, 2, 2)


async def test_an_unclear_completion_that_was_not_applied_respects_who_came_between() -> None:
    machine = Machine()
    await machine.post(alert())
    await machine.run(90)
    await machine.post(alert(cleared=True))
    await machine.run(295)
    machine.desk.fail("change", "before", OutcomeUnknown("reply lost"))
    while "change" not in machine.desk.calls:
        await machine.run(1)
    [ticket] = machine.tickets
    machine.desk.person(ticket.id, status=8)
    ticket.assignee_id = TECHNICIAN
    await machine.run(600)

    assert (ticket.fields["status"], machine.desk.calls.count("change")) == (8, 1)
    assert [bool(row.incident.touched) for row in machine.state.incidents.values()] == [True]


async def test_an_unclear_raise_that_was_not_applied_respects_who_came_between() -> None:
    machine = Machine()
    await machine.post(alert())
    await machine.run(200)
    machine.desk.fail("change", "before", OutcomeUnknown("reply lost"))
    await machine.post(alert(severity="critical"))
    while "change" not in machine.desk.calls:
        await machine.run(1)
    [ticket] = machine.tickets
    machine.desk.person(ticket.id, priority=3)
    await machine.run(600)

    assert (ticket.fields["priority"], machine.desk.calls.count("change")) == (3, 1)


async def test_the_answer_that_was_unclear_is_told() -> None:
    machine = Machine()
    machine.desk.fail("create", "before", OutcomeUnknown("HTTP 500: Ask your lead."))
    await machine.post(alert())
    await machine.run(90)
    unclear = [each for each in machine.state.history if getattr(each, "what", "") == "create unclear"]
    assert [getattr(each, "detail", {}).get("answer") for each in unclear] == ["HTTP 500: Ask your lead."]


async def test_what_is_unclear_is_shown_as_long_as_it_is() -> None:
    machine = Machine()
    await machine.post(alert(), alert("other"))
    await machine.run(90)
    await machine.post(alert(cleared=True))
    await machine.run(295)
    machine.desk.fail("change", "before", OutcomeUnknown("reply lost"))
    while "change" not in machine.desk.calls:
        await machine.run(1)
    machine.tickets[0].gone = True
    await machine.run(3)
    shown = len(machine.settler.unclear)
    await machine.run(4000)

    assert (shown, machine.settler.unclear) == (1, set())


async def test_boards_that_are_read_again_do_not_end_the_settling_of_what_gives_up() -> None:
    machine = Machine()
    for _ in range(5):
        machine.desk.fail("create", "before", OutcomeUnknown("reply lost"))
    await machine.post(alert())
    board, look = machine.desk.board, machine.desk.look

    async def looks(references: Sequence[str], canaries: Sequence[int]) -> Sight:
        sight = await look(references, canaries)
        machine.desk.board = none  # type: ignore[method-assign]
        asyncio.get_running_loop().call_later(0.01, lambda: setattr(machine.desk, "board", board))
        return sight

    def none(name: str, **_: object) -> Board:
        raise Unavailable(f"board {name} is about to be looked up")

    machine.desk.look = looks  # type: ignore[method-assign]
    await machine.run(7200)

    assert [row.known.parked is not None for row in machine.state.incidents.values()] == [True]


async def test_a_deleted_canary_does_not_keep_others_from_being_made() -> None:
    machine = Machine()
    await machine.post(alert("canary"))
    await machine.run(60)
    await machine.post(alert("canary", cleared=True))
    await machine.run(600)
    machine.tickets[0].gone = True
    machine.desk.fail("create", "before", Rejected("queueID does not exist"))
    await machine.post(alert())
    await machine.run(60)
    machine.terms = type(machine.terms)(unknown_window=machine.terms.unknown_window, mark="new config")
    await machine.state.wake(machine.clock.now())
    await machine.run(60)

    assert len(machine.tickets) == 2


async def test_a_refused_tag_does_not_keep_the_ticket_from_completing() -> None:
    machine = Machine()
    machine.desk.fail("tag", "before", Rejected("may not administer tags"))
    await machine.post(alert())
    await machine.run(90)
    await machine.post(alert(cleared=True))
    await machine.run(600)

    assert machine.tickets[0].fields["status"] == 5
    assert machine.desk.calls.count("tag") == 1


async def test_an_outage_folds_what_piled_up() -> None:
    machine = Machine()
    machine.desk.down = True
    for _ in range(20):
        await machine.post(alert("a"), alert("b"))
    await machine.run(60)
    await machine.post(alert("a", cleared=True))
    await machine.run(600)
    machine.desk.down = False
    await machine.run(1200)

    by_title = {ticket.draft.title: ticket for ticket in machine.tickets}
    assert len(by_title) == 2
    assert sorted(ticket.fields["status"] for ticket in machine.tickets) == [1, 5]
    assert "1 alert began and ended before a ticket could be made" in by_title
    assert machine.desk.calls.count("create") == 2
    assert machine.unaccounted() == 0


async def test_what_was_accepted_before_a_restart_is_decided_after_it() -> None:
    machine = Machine()
    await machine.post(alert("a"))
    await machine.post(alert("b"))
    machine.boot()
    await machine.decider.recover()
    await machine.run(30)

    assert len(machine.tickets) == 2
    assert machine.unaccounted() == 0


CRASHES = [
    *((point, "") for point in ("decide.before_commit", "decide.after_commit")),
    *(
        (point, operation)
        for point in (
            "settle.before_intent",
            "settle.after_intent",
            "settle.reply_read",
            "settle.after_record",
        )
        for operation in ("create", "tag", "note", "complete")
    ),
]


@pytest.mark.parametrize(("point", "operation"), CRASHES, ids=lambda value: value or "any")
async def test_a_crash_anywhere_loses_nothing_and_doubles_nothing(point: str, operation: str) -> None:
    machine = Machine(note_interval="1m", group_by=["client", "alertname"])
    machine.crashes = [f"{point}@{operation}"]
    steps = [(alert("a"),), (alert("b"),), (alert("a", cleared=True), alert("b", cleared=True))]
    crashed = 0
    for alerts in steps:
        await machine.post(*alerts)
        while True:
            try:
                await machine.run(500)
                break
            except* Crashed:
                crashed += 1
                machine.crashes = []
                machine.boot()
                await machine.decider.recover()

    [ticket] = machine.tickets
    assert crashed == 1
    assert ticket.fields["status"] == 5
    assert set(ticket.tags) == {"alertd"}
    marks = [note.title for note in ticket.notes]
    assert len(marks) == len(set(marks))
    assert machine.unaccounted() == 0
    assert machine.state.totals["ticketed"] == 1


async def test_stopping_finishes_the_call_under_way() -> None:
    machine = Machine()
    await machine.post(alert())
    await machine.run(0.07)  # the create is on the wire
    assert all(row.known.intent is None for row in machine.state.incidents.values())
    await asyncio.sleep(0)
