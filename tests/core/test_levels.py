"""What an incident wants its ticket to be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from alertd.core.alerts import Severity
from alertd.core.identity import reference
from alertd.core.incidents import (
    Changed,
    Closed,
    Completed,
    CompletedByPerson,
    Dismissed,
    Fired,
    FoundForeign,
    Gone,
    Holding,
    Incident,
    Renumbered,
    Tick,
    Touched,
)
from alertd.core.levels import desired, known_for, urgency
from alertd.core.tickets import Board, Known, Level
from tests.core.incident_samples import (
    BOARD,
    HOLD,
    T0,
    after,
    at,
    ended,
    known,
    member,
    opened,
    standing,
)


def wants(incident: Incident, board: Board = BOARD) -> Level:
    return desired(incident, board, instance="alertd", vocabulary=frozenset({"alertd"}))


WAITING = opened(group_wait=HOLD)
HOLDING = after(standing(), ended())
CLOSED = after(HOLDING, Tick(), now=T0 + HOLD)
SILENT = after(standing(), ended(expired=True))
ACKNOWLEDGED = after(standing(), CompletedByPerson())
OVER = opened(hold=timedelta(), missed="ticket")


@pytest.mark.parametrize(
    ("incident", "ticket", "status", "done"),
    [
        (WAITING, False, 1, False),
        (opened(), True, 1, False),
        (standing(), True, 1, False),
        (HOLDING, True, 1, False),
        (SILENT, True, 1, False),
        (CLOSED, True, 5, True),
        (after(standing(), Dismissed()), True, 5, True),
        (after(SILENT, CompletedByPerson()), True, None, False),
        (ACKNOWLEDGED, True, None, False),
        (after(CLOSED, Touched("x")), True, None, False),
        (after(CLOSED, FoundForeign()), True, None, False),
        (after(CLOSED, Gone()), True, None, False),
        (after(OVER, ended()), True, 5, True),
        (after(replace(OVER, policy=replace(OVER.policy, missed="nothing")), ended()), False, 5, True),
        (after(opened(), Dismissed()), False, 5, True),
    ],
    ids=[
        "waiting: no ticket yet",
        "opening: a new one",
        "open",
        "in hold: still open",
        "silent: still open",
        "clear: complete",
        "closed by an operator: complete",
        "completed by a person: theirs",
        "acknowledged: theirs",
        "left open: leave its status be",
        "somebody else's: leave its status be",
        "gone: nothing more",
        "over before its ticket: born complete",
        "over before its ticket, and none is wanted",
        "dismissed before its ticket",
    ],
)
def test_status(incident: Incident, ticket: bool, status: int | None, done: bool) -> None:
    level = wants(incident)

    assert (level.ticket, level.status, level.done) == (ticket, status, done)


def test_the_reference_names_the_generation() -> None:
    incident = after(ACKNOWLEDGED, ended(), now=T0)
    second = after(after(incident, Tick(), now=T0 + HOLD), Fired(member()), now=at(hours=1))

    assert wants(incident).reference == reference("alertd", "key", 1)
    assert wants(second).reference == reference("alertd", "key", 2)


@pytest.mark.parametrize(
    "phase",
    [
        Holding(T0, at(minutes=5), expired=True),
        Closed(T0, "expired", reopen_until=at(hours=24)),
    ],
    ids=["holding", "closed"],
)
def test_silence_is_never_tagged_as_a_clear(phase: Holding | Closed) -> None:
    board = replace(BOARD, state_tags={"cleared": "is clear", "expired": "went silent"})

    assert wants(replace(HOLDING, phase=phase), board).tags == {"alertd", "went silent"}


def test_priority_and_queue_are_the_boards() -> None:
    worse = after(standing(), Changed(member(severity=Severity.CRITICAL)))

    assert (wants(standing()).priority, wants(worse).priority, wants(worse).queue) == (2, 4, 8)


@pytest.mark.parametrize(
    ("incident", "state_tag"),
    [(opened(), "is firing"), (standing(), "is firing"), (HOLDING, "is clear"), (CLOSED, "is clear")],
    ids=["opening", "open", "holding", "closed"],
)
def test_tags_are_the_boards_and_the_routes_and_say_how_it_stands(incident: Incident, state_tag: str) -> None:
    tagged = replace(incident, policy=replace(incident.policy, tags=("backup",)))

    assert wants(tagged).tags == {"alertd", "backup", state_tag}


def test_a_state_without_a_tag_has_none() -> None:
    assert wants(SILENT).tags == {"alertd"}
    assert wants(ACKNOWLEDGED, replace(BOARD, state_tags={"acknowledged": "seen"})).tags == {"alertd", "seen"}


def test_notes_speak_as_far_as_was_asked() -> None:
    incident = after(standing(), Fired(member("b")))
    noted = after(incident, Tick(), now=at(hours=1))

    assert (wants(incident).revision, wants(incident).noted) == (1, 0)
    assert wants(noted).noted == 1


@pytest.mark.parametrize(("close", "needs"), [("untouched", True), ("always", False)])
def test_completing_an_untouched_ticket_needs_evidence(close: str, needs: bool) -> None:
    over = after(after(standing(close=close), ended()), Tick(), now=T0 + HOLD)

    assert wants(over).needs_clean is needs
    assert not wants(standing(close=close)).needs_clean


def test_critical_creates_come_first_then_completions_then_creates() -> None:
    critical = opened(first=member(severity=Severity.CRITICAL))

    assert [urgency(each) for each in (critical, CLOSED, opened(), standing())] == [0, 1, 2, 3]


# --- a new generation ---------------------------------------------------------------------------------


def test_what_is_known_of_a_ticket_left_behind_is_dropped() -> None:
    new = after(standing(), Gone())

    assert known_for(known(), before=standing(), after=new) == Known(doubted=True)


def test_it_is_dropped_too_where_the_ticket_was_linked_only_now() -> None:
    new = after(standing(), Gone())

    assert known_for(known(), before=opened(), after=new) == Known(doubted=True)


def test_what_is_known_stays_within_a_generation_and_when_counting_on() -> None:
    assert known_for(known(), before=standing(), after=CLOSED) == known()
    assert known_for(known(), before=opened(), after=after(opened(), Renumbered(3))) == known()


def test_an_operators_close_gives_up_what_was_refused() -> None:
    refused = Known(parked="queue 5 is inactive")
    over = replace(opened(), phase=CLOSED.phase)
    assert known_for(refused, before=opened(), after=over).parked == refused.parked
    dismissed = after(opened(), Dismissed())
    assert known_for(refused, before=opened(), after=dismissed).parked is None
    assert known_for(refused, before=dismissed, after=dismissed).parked == refused.parked


def test_what_autotask_refuses_of_a_ticket_that_stands_is_not_forgotten() -> None:
    refused = replace(known(), parked="linked to a complete ticket")
    assert known_for(refused, before=standing(), after=after(standing(), Dismissed())) == refused


def test_a_completed_ticket_stays_wanted_complete() -> None:
    done = after(CLOSED, Completed())

    assert isinstance(done.phase, Closed)
    assert wants(done).status == 5
