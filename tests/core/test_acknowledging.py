"""What a person's word on a ticket is worth while its problem stands, and for how long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from alertd.core.acknowledging import further_ticket, what_comes_next
from alertd.core.deciding import decide, due_at
from alertd.core.incidents import (
    Acknowledged,
    Change,
    Closed,
    CompletedByPerson,
    Expired,
    Fired,
    Gone,
    Holding,
    Incident,
    Linked,
    Merged,
    Open,
    Phase,
    Rejoined,
    Reopened,
    ReopenRefused,
    Tick,
    Waiting,
)
from alertd.core.levels import known_for
from alertd.core.tallying import retally
from alertd.core.text import note_text, ticket_text
from alertd.core.tickets import Known, Ticket
from tests.core.incident_samples import T0, TICKET, after, at, ended, known, member, standing

LIMIT = timedelta(hours=24)
HOLD = timedelta(minutes=5)
SURVIVOR = Ticket(777, "T20261123.0777")


def acknowledged(**policy: Any) -> Incident:
    return after(standing(**policy), CompletedByPerson())


def merged() -> Incident:
    return after(standing(), Merged(SURVIVOR))


OVER = after(after(standing(), ended()), Tick(), now=T0 + HOLD)

PHASES: list[tuple[str, Incident, Change, datetime, Phase]] = [
    ("within the limit", acknowledged(), Tick(), T0 + LIMIT - timedelta(seconds=1), Acknowledged(T0)),
    ("at the limit", acknowledged(), Tick(), T0 + LIMIT, Waiting(T0 + LIMIT)),
    ("without a limit", acknowledged(acknowledge_limit=timedelta()), Tick(), at(days=99), Acknowledged(T0)),
    (
        "over, but not for long enough, at the limit",
        after(acknowledged(), ended(), now=T0 + LIMIT - HOLD / 2),
        Tick(),
        T0 + LIMIT,
        Acknowledged(T0, T0 + LIMIT + HOLD / 2),
    ),
    (
        "won't fix",
        after(standing(), CompletedByPerson(lasting=True)),
        Tick(),
        at(days=99),
        Acknowledged(T0, how="wont fix"),
    ),
    (
        "won't fix, then completed",
        after(standing(), CompletedByPerson(lasting=True)),
        CompletedByPerson(),
        at(hours=1),
        Acknowledged(T0, how="wont fix"),
    ),
    (
        "completed, then won't fix",
        acknowledged(),
        CompletedByPerson(lasting=True),
        at(hours=1),
        Acknowledged(at(hours=1), how="wont fix"),
    ),
    ("completed twice", acknowledged(), CompletedByPerson(), at(hours=1), Acknowledged(T0)),
    (
        "won't fix, and gone",
        after(standing(), CompletedByPerson(lasting=True)),
        Gone(),
        T0,
        Closed(T0, "gone", at(days=1)),
    ),
    (
        "won't fix, and clear",
        after(standing(), CompletedByPerson(lasting=True), ended()),
        Tick(),
        T0 + HOLD,
        Closed(T0 + HOLD, "person", T0 + HOLD + LIMIT),
    ),
    ("merged", standing(), Merged(SURVIVOR), T0, Acknowledged(T0, how="merged")),
    ("merged, at the limit", merged(), Tick(), T0 + LIMIT, Acknowledged(T0, how="merged")),
    ("merged, and the survivor is gone", merged(), Gone(), T0, Waiting(T0)),
    (
        "merged, and the survivor completed",
        merged(),
        CompletedByPerson(),
        at(hours=3),
        Acknowledged(at(hours=3)),
    ),
    (
        "merged in the hold",
        after(standing(), ended()),
        Merged(SURVIVOR),
        at(minutes=1),
        Acknowledged(at(minutes=1), T0 + HOLD, "merged"),
    ),
    ("merged while silent", after(standing(), ended(expired=True)), Merged(SURVIVOR), T0, Expired(T0)),
    (
        "merged when over",
        OVER,
        Merged(SURVIVOR),
        T0 + HOLD,
        OVER.phase,
    ),
    ("taken up again", acknowledged(), Reopened(), at(hours=1), Open()),
    (
        "taken up again while it is clear",
        after(acknowledged(), ended()),
        Reopened(),
        at(minutes=1),
        Holding(T0, T0 + HOLD),
    ),
    (
        "taken up again while it is silent",
        after(acknowledged(on_expiry="close"), ended(expired=True)),
        Reopened(),
        at(minutes=1),
        Holding(T0, T0 + HOLD, expired=True),
    ),
]


@pytest.mark.parametrize(
    ("before", "change", "now", "phase"), [row[1:] for row in PHASES], ids=[row[0] for row in PHASES]
)
def test_phase(before: Incident, change: Change, now: datetime, phase: Phase) -> None:
    assert decide(before, change, now=now).phase == phase


def outlasted(before: Incident, now: datetime) -> Incident:
    """The limit is over, and the next ticket stands."""
    return after(before, Tick(), Tick(), Linked(Ticket(9, "T9"), 0), now=now)


def test_the_limit_is_due() -> None:
    assert due_at(acknowledged()) == T0 + LIMIT
    assert due_at(acknowledged(acknowledge_limit=timedelta())) is None
    assert due_at(merged()) is None


def test_each_generation_has_its_own_limit() -> None:
    second = outlasted(acknowledged(), T0 + LIMIT)
    closed_at = T0 + LIMIT + timedelta(hours=2)
    again = after(second, CompletedByPerson(), now=closed_at)
    third = outlasted(again, closed_at + LIMIT)

    assert (second.generation, second.previous, second.why_new) == (2, TICKET, "outlasted")
    assert due_at(again) == closed_at + LIMIT
    assert (third.generation, third.outlasted) == (3, 2)


def test_the_count_begins_anew_when_the_problem_was_over() -> None:
    second = outlasted(acknowledged(), T0 + LIMIT)
    over = after(second, CompletedByPerson(), ended(), Tick(), now=T0 + 3 * LIMIT)
    over = after(over, Tick(), now=T0 + 4 * LIMIT)
    back = after(over, Fired(member()), now=T0 + 5 * LIMIT)

    assert (back.generation, back.outlasted, back.why_new) == (3, 0, "back")


def test_the_new_ticket_says_why_it_is_there() -> None:
    second = after(acknowledged(), Tick(), now=T0 + LIMIT)
    third = outlasted(
        after(outlasted(acknowledged(), T0 + LIMIT), CompletedByPerson(), now=at(days=2)), at(days=4)
    )
    gone = after(standing(), Gone())

    def said(incident: Incident) -> str:
        return ticket_text(incident, reference="r").description

    assert f"Follows ticket {TICKET.number}: it was completed while the problem stood" in said(second)
    assert "stands still after 1d." in said(second)
    assert "(completed 2 times by now)" in said(third)
    assert "it is gone, and the problem still stands" in said(gone)


def test_the_ticket_before_is_looked_at_before_there_is_another() -> None:
    before = acknowledged()
    following = after(before, Tick(), now=T0 + LIMIT)
    refused = after(standing(), ReopenRefused())

    assert known_for(known(), before=before, after=following) == Known(doubted=True)
    assert known_for(known(), before=standing(), after=refused) == Known(adoption_checked=True)


def test_one_that_is_open_again_is_told_so() -> None:
    second = outlasted(acknowledged(), T0 + LIMIT)
    told = after(second, Rejoined(), now=T0 + LIMIT)

    assert told.note_upto == told.revision == 1
    assert "open again" in note_text(told, after=0, upto=1)[1]


def test_a_survivor_is_noted_and_never_completed() -> None:
    there = merged()
    over = after(there, ended(), Tick(), now=T0 + HOLD)
    over = after(over, Tick(), now=T0 + 2 * HOLD)

    assert (there.ticket, there.foreign, there.completed) == (SURVIVOR, True, False)
    assert there.note_upto == 1
    assert isinstance(over.phase, Closed)
    assert over.phase.how == "cleared"
    assert "left open" in note_text(over, after=1, upto=over.revision)[1]
    assert after(over, Fired(member()), now=T0 + 3 * HOLD).ticket == SURVIVOR


def test_without_a_ticket_nothing_is_merged() -> None:
    waiting = after(acknowledged(), Tick(), now=T0 + LIMIT)
    assert decide(waiting, Merged(SURVIVOR), now=T0 + LIMIT) == waiting


def test_taken_up_again_it_is_as_bad_as_what_fires() -> None:
    worse = after(acknowledged(), Fired(member("b", member().severity)), Reopened())
    assert worse.severity == member().severity
    assert not worse.completed
    assert retally(worse, worse) == worse


def test_what_comes_next_is_told() -> None:
    counted = after(outlasted(acknowledged(), T0 + LIMIT), CompletedByPerson(), now=at(days=2))

    assert "new, linked ticket" in what_comes_next(acknowledged())
    assert "after 1 before it that did not last" in what_comes_next(counted)
    assert "waits for the all-clear" in what_comes_next(merged())
    assert "closed at" in what_comes_next(after(acknowledged(), ended()))
    assert what_comes_next(standing()) == ""


def test_a_further_ticket_is_told_with_its_reason() -> None:
    following = after(acknowledged(), Tick(), now=T0 + LIMIT)
    unread = after(standing(), Linked(Ticket(5), 0), Gone())

    assert further_ticket(following) == {"why": "outlasted", "generation": "2", "follows": TICKET.number}
    assert further_ticket(unread)["follows"] == "5"
    assert "follows" not in further_ticket(standing())
