"""How changes move incidents, when a note is due, and which messages are counted where."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alertd.core.alerts import Severity
from alertd.core.deciding import decide, due_at, with_policy
from alertd.core.incidents import (
    Acknowledged,
    Change,
    Changed,
    Closed,
    Completed,
    CompletedByPerson,
    Counted,
    Dismissed,
    Expired,
    Fired,
    FoundForeign,
    Gone,
    Holding,
    Incident,
    Linked,
    Noted,
    Open,
    Phase,
    Renumbered,
    Reopened,
    ReopenRefused,
    Tally,
    Tick,
    Touched,
    Waiting,
    may_complete,
)
from alertd.core.members import MOST_ENDED_MEMBERS
from alertd.core.noting import MOST_CHANGES
from alertd.core.routes import Policy
from alertd.core.tickets import Ticket
from tests.core.incident_samples import HOLD, INTERVAL, T0, TICKET, after, at, ended, member, opened, standing

WAIT = timedelta(seconds=30)
WAITS = {"group_wait": WAIT}
OTHER = Ticket(202, "T20261123.0002")


def told(incident: Incident) -> list[str]:
    return [happened.what for happened in incident.changes]


def holding(**policy: Any) -> Incident:
    return after(standing(**policy), ended())


def closed(**policy: Any) -> Incident:
    """Over, with its hold past and not yet completed in Autotask."""
    return after(holding(**policy), Tick(), now=T0 + HOLD)


def completed(**policy: Any) -> Incident:
    return after(closed(**policy), Completed(), now=T0 + HOLD)


def silent(**policy: Any) -> Incident:
    return after(standing(**policy), ended(expired=True))


def acknowledged(**policy: Any) -> Incident:
    return after(standing(**policy), CompletedByPerson())


def two(**policy: Any) -> Incident:
    return after(standing(**policy), Fired(member("b")))


OVER_BY_PERSON = after(silent(), CompletedByPerson())

# --- the table: what a change makes of a phase --------------------------------------------------------

PHASES: list[tuple[str, Incident, Change, datetime, Phase]] = [
    ("an incident opens at once", opened(), Counted(0), T0, Open()),
    ("with a group wait it waits", opened(**WAITS), Counted(0), T0, Waiting(T0 + WAIT)),
    ("the wait is not over early", opened(**WAITS), Tick(), at(seconds=29), Waiting(T0 + WAIT)),
    ("the wait ends", opened(**WAITS), Tick(), T0 + WAIT, Open()),
    ("others may join while it waits", opened(**WAITS), Fired(member("b")), T0, Waiting(T0 + WAIT)),
    ("a clear does not end the wait", opened(**WAITS), ended(), T0, Waiting(T0 + WAIT)),
    (
        "what has cleared by the end of the wait is over",
        after(opened(**WAITS), ended()),
        Tick(),
        T0 + WAIT,
        Closed(T0 + WAIT, "cleared", T0 + WAIT + timedelta(days=1)),
    ),
    (
        "what was silent by the end of the wait has expired",
        after(opened(**WAITS), ended(expired=True)),
        Tick(),
        T0 + WAIT,
        Closed(T0 + WAIT, "expired", T0 + WAIT + timedelta(days=1)),
    ),
    (
        "a critical one that fell silent has not said that all is well",
        after(opened(first=member(severity=Severity.CRITICAL), **WAITS), ended(expired=True)),
        Tick(),
        T0 + WAIT,
        Expired(T0 + WAIT),
    ),
    (
        "unless silence is to close it",
        after(
            opened(first=member(severity=Severity.CRITICAL), on_expiry="close", **WAITS), ended(expired=True)
        ),
        Tick(),
        T0 + WAIT,
        Closed(T0 + WAIT, "expired", T0 + WAIT + timedelta(days=1), wants_ticket=True),
    ),
    (
        "what flaps while it waits still opens",
        after(opened(**WAITS), ended(), Fired(member())),
        Tick(),
        T0 + WAIT,
        Open(),
    ),
    ("one of two clears", two(), ended("b"), T0, Open()),
    ("the last one clears: hold", standing(), ended(), T0, Holding(T0, T0 + HOLD)),
    ("the hold is not over early", holding(), Tick(), at(seconds=299), Holding(T0, T0 + HOLD)),
    (
        "the hold ends",
        holding(),
        Tick(),
        T0 + HOLD,
        Closed(T0 + HOLD, "cleared", T0 + HOLD + timedelta(days=1)),
    ),
    (
        "without a hold a clear closes at once",
        standing(hold=timedelta()),
        ended(),
        T0,
        Closed(T0, "cleared", at(days=1)),
    ),
    ("firing in the hold opens again", holding(), Fired(member()), T0, Open()),
    ("silence is no all-clear", standing(), ended(expired=True), T0, Expired(T0)),
    (
        "one that is silent beside one that cleared",
        after(two(), ended("b")),
        ended(expired=True),
        T0,
        Expired(T0),
    ),
    (
        "by policy, silence closes after the hold",
        silent(on_expiry="close"),
        Tick(),
        T0 + HOLD,
        Closed(T0 + HOLD, "expired", T0 + HOLD + timedelta(days=1)),
    ),
    (
        "where the route says nothing the source does",
        after(standing(first=member(on_expiry="close")), ended(expired=True)),
        Tick(),
        T0 + HOLD,
        Closed(T0 + HOLD, "expired", T0 + HOLD + timedelta(days=1)),
    ),
    (
        "and the route is heard first",
        standing(first=member(on_expiry="close"), on_expiry="note"),
        ended(expired=True),
        T0,
        Expired(T0),
    ),
    (
        "one source that wants it open keeps it open",
        after(two(first=member(on_expiry="close")), ended(expired=True)),
        ended("b", expired=True),
        T0,
        Expired(T0),
    ),
    ("a clear after the silence is one", silent(), ended(), T0, Holding(T0, T0 + HOLD)),
    ("a second silence changes nothing", silent(), ended(expired=True), at(hours=1), Expired(T0)),
    (
        "of two silent ones, the clear of one does not end it",
        after(two(), ended(expired=True), ended("b", expired=True)),
        ended(),
        T0,
        Expired(T0),
    ),
    ("firing after silence opens again", silent(), Fired(member()), T0, Open()),
    ("a person completes a silent one", silent(), CompletedByPerson(), T0, Closed(T0, "person", at(days=1))),
    ("a person completes a firing one", standing(), CompletedByPerson(), T0, Acknowledged(T0)),
    (
        "a person completes one in hold: quiet until the hold is over",
        holding(),
        CompletedByPerson(),
        at(minutes=1),
        Acknowledged(at(minutes=1), T0 + HOLD),
    ),
    ("acknowledged stays quiet when it fires", acknowledged(), Fired(member("b")), T0, Acknowledged(T0)),
    (
        "completing it twice changes nothing",
        acknowledged(),
        CompletedByPerson(),
        at(hours=1),
        Acknowledged(T0),
    ),
    ("acknowledged and clear: not yet really", acknowledged(), ended(), T0, Acknowledged(T0, T0 + HOLD)),
    (
        "acknowledged and one of two clear",
        after(two(), CompletedByPerson()),
        ended("b"),
        T0,
        Acknowledged(T0),
    ),
    (
        "acknowledged and back within the hold",
        after(acknowledged(), ended()),
        Fired(member()),
        at(minutes=1),
        Acknowledged(T0),
    ),
    (
        "acknowledged and not clear for long enough",
        after(acknowledged(), ended()),
        Tick(),
        at(minutes=4),
        Acknowledged(T0, T0 + HOLD),
    ),
    (
        "acknowledged and really clear",
        after(acknowledged(), ended()),
        Tick(),
        T0 + HOLD,
        Closed(T0 + HOLD, "person", T0 + HOLD + timedelta(days=1)),
    ),
    (
        "a person completes what was left open",
        closed(close="never"),
        CompletedByPerson(),
        at(hours=1),
        Closed(T0 + HOLD, "person", T0 + HOLD + timedelta(days=1)),
    ),
    ("firing again inside reopen_within", completed(), Fired(member()), at(hours=24), Open()),
    ("firing again before the completion", closed(), Fired(member()), at(hours=1), Open()),
    ("firing again after reopen_within", completed(), Fired(member()), at(hours=25), Open()),
    ("firing again after a person's close", OVER_BY_PERSON, Fired(member()), T0, Open()),
    ("the ticket is gone, and it fires", standing(), Gone(), T0, Waiting(T0)),
    ("the ticket is gone, and it holds", holding(), Gone(), T0, Closed(T0, "gone", at(days=1))),
    ("the acknowledged ticket is gone, and it fires", acknowledged(), Gone(), T0, Waiting(T0)),
    (
        "the closed ticket is gone",
        closed(),
        Gone(),
        at(hours=1),
        Closed(T0 + HOLD, "gone", T0 + HOLD + timedelta(days=1)),
    ),
    ("what has no ticket cannot lose it", opened(), Gone(), T0, Open()),
    (
        "reopening refused while it fires",
        after(completed(), Fired(member())),
        ReopenRefused(),
        T0,
        Waiting(T0),
    ),
    (
        "reopening refused when it is over again",
        after(completed(), Fired(member()), ended()),
        ReopenRefused(),
        T0,
        Closed(T0, "gone", at(days=1)),
    ),
    ("reopening refused and acknowledged meanwhile", acknowledged(), ReopenRefused(), T0, Acknowledged(T0)),
    ("an operator closes it", standing(), Dismissed(), T0, Closed(T0, "operator", at(days=1))),
    (
        "an operator closes an acknowledged one",
        acknowledged(),
        Dismissed(),
        T0,
        Closed(T0, "person", at(days=1)),
    ),
    (
        "an operator cannot close it twice",
        closed(),
        Dismissed(),
        at(hours=9),
        Closed(T0 + HOLD, "cleared", T0 + HOLD + timedelta(days=1)),
    ),
    (
        "an operator gives up a ticket that is still wanted",
        after(opened(hold=timedelta(), missed="ticket"), ended()),
        Dismissed(),
        at(hours=1),
        Closed(at(hours=1), "operator", at(hours=25)),
    ),
    ("a clear of what is closed changes nothing", OVER_BY_PERSON, ended(), T0, OVER_BY_PERSON.phase),
    ("a clear of a stranger changes nothing", standing(), ended("z"), T0, Open()),
]


@pytest.mark.parametrize(
    ("before", "change", "now", "phase"), [row[1:] for row in PHASES], ids=[row[0] for row in PHASES]
)
def test_phase(before: Incident, change: Change, now: datetime, phase: Phase) -> None:
    assert decide(before, change, now=now).phase == phase


IGNORED: list[tuple[str, Incident, Change]] = [
    ("a clear of somebody else", standing(), ended("z")),
    ("a second clear", holding(), ended()),
    ("a clear of a closed incident", closed(), ended()),
    ("a change of somebody else", standing(), Changed(member("z", Severity.HIGH), messages=0)),
    ("a change to the same severity", standing(), Changed(member(), messages=0)),
    ("a change of what is over", holding(), Changed(member(severity=Severity.HIGH), messages=0)),
    ("time with nothing due", standing(), Tick()),
    ("a second touch", after(standing(), Touched("x")), Touched("y")),
    ("a second hand on the status", after(standing(), Touched("x", True)), Touched("y", True)),
    ("a refused reopening of what has no ticket", opened(), ReopenRefused()),
    ("a refused reopening of what is closed", completed(), ReopenRefused()),
    ("a lower generation", standing(), Renumbered(0)),
]


@pytest.mark.parametrize(("before", "change"), [row[1:] for row in IGNORED], ids=[row[0] for row in IGNORED])
def test_ignored(before: Incident, change: Change) -> None:
    if isinstance(change, type(ended())):
        change = replace(change, messages=0)

    assert decide(before, change, now=T0 + HOLD) == before


# --- what is told, and when ---------------------------------------------------------------------------

TELLS: list[tuple[str, Incident, Change, list[str]]] = [
    ("another joins", standing(), Fired(member("b")), ["joined"]),
    ("one that fires already repeats itself", standing(), Fired(member()), []),
    (
        "one comes back beside another",
        after(two(), ended("b")),
        Fired(member("b")),
        ["joined", "fired again"],
    ),
    ("it comes back in the hold", holding(), Fired(member()), ["fired again"]),
    ("one of two clears", two(), ended("b"), ["joined", "cleared"]),
    (
        "the last one clears beside one that fell silent",
        after(two(), ended("b", expired=True)),
        ended(),
        ["joined", "expired", "cleared"],
    ),
    ("one of two falls silent", two(), ended("b", expired=True), ["joined", "expired"]),
    ("the last one clears: the resolution says it", standing(), ended(), []),
    ("the last one falls silent", standing(), ended(expired=True), ["expired"]),
    ("worse", standing(), Changed(member(severity=Severity.HIGH)), ["raised"]),
    (
        "worse while it waits: the description says it",
        opened(**WAITS),
        Changed(member(severity=Severity.HIGH)),
        [],
    ),
    ("a person's close keeps quiet", acknowledged(), Fired(member("b")), []),
    ("also when it gets worse", acknowledged(), Changed(member(severity=Severity.HIGH)), []),
    ("and when one of two clears", after(two(), CompletedByPerson(), Noted(1)), ended("b"), []),
    ("it fires again before it was completed", closed(), Fired(member()), ["fired again"]),
    ("it fires again after it was completed", completed(), Fired(member()), ["reopened"]),
    ("a new generation begins with a clean page", OVER_BY_PERSON, Fired(member()), []),
    ("somebody else's ticket is told why", standing(), FoundForeign(), ["linked"]),
    ("touched before the close: nothing yet", standing(), Touched("x"), []),
    ("touched after the close: it is left open", closed(), Touched("x"), ["left open"]),
    ("touched after it was completed", completed(), Touched("x"), []),
    ("touched where only people complete", closed(close="never"), Touched("x"), ["left open"]),
]


@pytest.mark.parametrize(
    ("before", "change", "what"), [row[1:] for row in TELLS], ids=[row[0] for row in TELLS]
)
def test_tells(before: Incident, change: Change, what: list[str]) -> None:
    assert told(decide(before, change, now=at(minutes=6))) == what


@pytest.mark.parametrize(
    ("touches", "policy", "why"),
    [
        ((Touched("resource 7 wrote a note"),), {}, "resource 7 wrote a note"),
        ((FoundForeign(),), {}, "the ticket was there before the alert"),
        ((), {"close": "never"}, "this route's tickets are completed by people"),
    ],
    ids=["touched", "not ours", "by policy"],
)
def test_a_ticket_that_is_left_open_says_why(
    touches: tuple[Change, ...], policy: dict[str, Any], why: str
) -> None:
    over = after(after(standing(**policy), *touches), ended(), Tick(), now=at(hours=1))
    over = after(over, Tick(), now=at(hours=2))

    assert [(happened.what, happened.detail) for happened in over.changes][-1] == ("left open", why)
    assert over.note_upto == over.revision


def test_the_first_note_waits_for_an_interval_from_the_tickets_creation() -> None:
    joined = after(standing(), Fired(member("b")), now=at(minutes=1))
    early = after(joined, Tick(), now=at(minutes=14))
    due = after(joined, Tick(), now=T0 + INTERVAL)

    assert due_at(joined) == T0 + INTERVAL
    assert early == joined
    assert (due.note_upto, due.noted_at, due_at(due)) == (1, T0 + INTERVAL, None)


def test_the_next_note_waits_for_an_interval_from_the_last() -> None:
    noted = after(two(), Tick(), now=at(minutes=20))
    more = after(noted, Noted(1), Fired(member("c")), now=at(minutes=21))

    assert due_at(more) == at(minutes=35)
    assert told(more) == ["joined"]


def test_reopening_is_noted_at_once_where_no_note_was_before() -> None:
    back = after(completed(), Fired(member()), now=at(minutes=6))

    assert (back.note_upto, back.noted_at) == (1, at(minutes=6))


def test_slow_flapping_of_a_touched_ticket_still_keeps_the_note_interval() -> None:
    incident, notes = after(standing(), Touched("x")), []
    for minute in range(6, 186, 6):
        for change in (Tick(), ended(ended_at=at(minutes=minute)), Fired(member())):
            before = incident.note_upto
            incident = after(incident, change, now=at(minutes=minute))
            if incident.note_upto > before:
                notes.append(minute)
    assert len(notes) <= 12
    assert all(later - earlier >= 15 for earlier, later in zip(notes, notes[1:], strict=False))


def test_without_a_ticket_nothing_is_to_be_noted() -> None:
    assert due_at(after(opened(), Fired(member("b")))) is None


def test_what_is_left_open_keeps_telling() -> None:
    incident = after(closed(close="never"), Fired(member()), ended(), now=at(minutes=6))
    left = after(incident, Tick(), now=at(minutes=11))

    assert isinstance(left.phase, Closed)
    assert due_at(left) == at(minutes=5) + INTERVAL  # the first note was asked for when the hold ended
    assert due_at(after(left, CompletedByPerson())) is None


def test_a_note_tells_and_forgets() -> None:
    three = after(two(), Fired(member("c")), Fired(member("d")))

    assert [happened.revision for happened in after(three, Noted(2)).changes] == [3]
    assert after(three, Noted(3)).changes == ()


def test_changes_beyond_the_most_are_counted_until_they_are_told() -> None:
    incident = after(standing(), *(Fired(member(str(n))) for n in range(MOST_CHANGES + 5)))
    early = after(incident, Noted(2))
    half = after(incident, Noted(50))

    assert (len(incident.changes), incident.changes_left_out) == (MOST_CHANGES, 5)
    assert early.changes_left_out == 5
    assert half.changes_left_out == 0


# --- severity -----------------------------------------------------------------------------------------


def test_severity_rises_at_once_and_sinks_with_the_next_note() -> None:
    worse = after(standing(), Changed(member(severity=Severity.CRITICAL)))
    better = after(worse, Changed(member(severity=Severity.LOW)), now=at(minutes=1))
    noted = after(better, Tick(), now=T0 + INTERVAL)

    assert [each.severity for each in (worse, better, noted)] == ["critical", "critical", "low"]


def test_a_change_keeps_the_members_start() -> None:
    [changed] = after(standing(), Changed(member(severity=Severity.HIGH, since=at(hours=3)))).members.values()

    assert (changed.severity, changed.since) == (Severity.HIGH, T0)


def test_an_acknowledged_ticket_keeps_its_severity() -> None:
    quiet = after(
        acknowledged(), Fired(member("b", Severity.CRITICAL)), Changed(member(severity=Severity.HIGH))
    )

    assert quiet.severity is Severity.WARNING
    assert [each.severity for each in quiet.members.values()] == ["critical", "high"]


def test_a_closed_ticket_keeps_its_severity() -> None:
    dismissed = after(standing(), Dismissed())

    assert after(dismissed, Changed(member(severity=Severity.CRITICAL), messages=0)) == dismissed


# --- the ticket ---------------------------------------------------------------------------------------


def test_a_link_covers_what_its_description_says() -> None:
    incident = after(opened(), Fired(member("b")), Fired(member("c")))
    linked = after(incident, Linked(TICKET, 1), now=at(minutes=1))

    assert (linked.ticket, linked.note_upto, linked.linked_at) == (TICKET, 1, at(minutes=1))
    assert [happened.revision for happened in linked.changes] == [2]
    assert due_at(linked) == at(minutes=1) + INTERVAL


def test_a_second_link_only_brings_the_number() -> None:
    again = after(standing(), Linked(OTHER, 9))

    assert (again.ticket, again.note_upto) == (OTHER, 0)


def test_completing_and_reopening_are_recorded() -> None:
    assert completed().completed
    assert not after(completed(), Reopened()).completed


def test_a_ticket_that_was_to_be_born_complete_is_not_if_it_is_somebody_elses() -> None:
    over = after(opened(hold=timedelta()), ended(), Completed(), Linked(TICKET, 0), FoundForeign())

    assert (over.completed, over.foreign, over.note_upto) == (False, True, 1)


def test_a_persons_completion_is_a_completion() -> None:
    assert acknowledged().completed
    assert OVER_BY_PERSON.completed


def test_a_next_generation_leaves_everything_of_the_last_behind() -> None:
    old = after(two(), Touched("x", True), CompletedByPerson(), ended(), ended("b"), Tick(), now=at(hours=1))
    new = after(after(old, Tick(), now=at(hours=2)), Fired(member("c")), now=at(hours=3))

    assert (new.generation, new.ticket, new.previous) == (2, None, TICKET)
    assert (new.touched, new.status_taken, new.completed, new.foreign) == ("", False, False, False)
    assert (new.revision, new.note_upto, new.noted_at, new.linked_at, new.changes) == (0, 0, None, None, ())
    assert [each.title for each in new.members.values()] == ["Disk c"]
    assert new.opened_at == at(hours=3)


def test_a_gone_ticket_is_followed_by_one_for_what_still_fires() -> None:
    new = after(two(), ended("b"), Gone())

    assert (new.generation, new.previous, list(new.members)) == (2, TICKET, ["a"])


@pytest.mark.parametrize("how", ["person completed what was left open", "the status is somebody's"])
def test_a_ticket_that_is_somebodys_is_not_reopened(how: str) -> None:
    if how == "the status is somebody's":
        over = after(completed(), Touched("x", True))
    else:
        over = after(closed(close="never"), CompletedByPerson(), now=at(minutes=7))

    assert after(over, Fired(member()), now=at(minutes=8)).generation == 2


def test_reopening_keeps_the_ticket() -> None:
    back = after(completed(), Fired(member("b", Severity.HIGH)), now=at(hours=1))

    assert (back.generation, back.ticket, back.completed) == (1, TICKET, True)
    assert (list(back.members), back.severity) == (["b"], Severity.HIGH)


def test_a_refused_reopening_moves_its_message_to_the_new_ticket() -> None:
    back = after(completed(), Fired(member()))
    new = after(back, ReopenRefused())

    assert (new.generation, new.previous) == (2, TICKET)
    assert new.tally == Tally(ticketed=1, merged=1, held=1)
    assert sum_of(new) == sum_of(back)


def test_a_refused_reopening_by_an_uncounted_message_moves_none() -> None:
    back = after(completed(), Fired(member(), messages=0))
    quiet = replace(back, tally=Tally(ticketed=1))

    assert after(quiet, ReopenRefused()).tally == Tally(ticketed=1)


def test_a_store_that_has_forgotten_counts_on() -> None:
    assert after(opened(), Renumbered(4)).generation == 4


def test_starting_over_keeps_revisions_since_a_create_may_be_on_its_way() -> None:
    over = after(opened(missed="nothing", hold=timedelta()), Fired(member("b")), ended("b"), ended())
    again = after(over, Fired(member(severity=Severity.LOW)), now=at(minutes=1))
    linked = after(again, Linked(TICKET, 1), now=at(minutes=2))

    assert (again.generation, again.phase, again.opened_at) == (1, Open(), at(minutes=1))
    assert (again.revision, told(again)[-1], again.severity) == (3, "fired again", Severity.LOW)
    assert due_at(linked) == at(minutes=2) + INTERVAL


def test_starting_over_waits_again() -> None:
    over = after(opened(**WAITS), ended(), Tick(), now=T0 + WAIT)
    over = after(over, Tick(), now=T0 + WAIT)

    again = Fired(member(since=at(hours=1)))
    assert after(over, again, now=at(hours=1)).phase == Waiting(at(hours=1) + WAIT)


def test_what_is_to_have_a_ticket_in_any_case_does_not_wait_again() -> None:
    over = after(opened(**WAITS, missed="ticket"), Tick(), ended(), now=T0 + WAIT)
    over = after(over, Tick(), now=at(hours=1))

    assert after(over, Fired(member()), now=at(hours=2)).phase == Open()


@pytest.mark.parametrize(
    ("missed", "severity", "expired", "wants"),
    [
        ("ticket", Severity.LOW, False, True),
        ("nothing", Severity.LOW, False, False),
        ("nothing", Severity.CRITICAL, False, True),
        ("ticket", Severity.LOW, True, True),
    ],
)
def test_what_was_over_before_its_ticket(missed: str, severity: Severity, expired: bool, wants: bool) -> None:
    incident = opened(first=member(severity=severity), missed=missed, on_expiry="close", hold=timedelta())
    over = after(incident, ended(expired=expired))

    assert isinstance(over.phase, Closed)
    assert over.phase.wants_ticket is wants


@pytest.mark.parametrize(("severity", "wants"), [(Severity.CRITICAL, True), (Severity.HIGH, False)])
def test_what_was_over_within_its_group_wait(severity: Severity, wants: bool) -> None:
    over = after(opened(first=member(severity=severity), **WAITS), ended())
    over = after(over, Tick(), now=at(hours=1))

    assert isinstance(over.phase, Closed)
    assert over.phase.wants_ticket is wants


# --- members ------------------------------------------------------------------------------------------


def test_firing_members_are_never_forgotten_and_ended_ones_in_their_order() -> None:
    many = MOST_ENDED_MEMBERS + 10
    incident = after(standing(), *(Fired(member(str(n))) for n in range(many)))
    incident = after(incident, *(ended(str(n)) for n in reversed(range(many))))

    assert len(incident.members) == MOST_ENDED_MEMBERS + 1
    assert incident.members["a"].firing
    assert str(many - 1) not in incident.members  # it ended first
    assert "0" in incident.members


# --- counting -----------------------------------------------------------------------------------------


def sum_of(incident: Incident) -> int:
    tally = incident.tally
    return sum(getattr(tally, name) for name in tally.__struct_fields__)


TALLIES: list[tuple[str, Incident, Tally]] = [
    ("pending until there is a ticket", after(opened(), Counted(3)), Tally(pending=4)),
    ("held while it waits", after(opened(**WAITS), Counted(1)), Tally(held=2)),
    ("pending after the wait", after(opened(**WAITS), Tick(), now=T0 + WAIT), Tally(pending=1)),
    (
        "the first is ticketed, the others merged",
        after(opened(), Counted(3), Linked(TICKET, 0)),
        Tally(ticketed=1, merged=3),
    ),
    ("merged from then on", after(standing(), Counted(2), ended(), Tick()), Tally(ticketed=1, merged=3)),
    (
        "an uncounted message counts nothing",
        after(standing(), Fired(member("b"), messages=0)),
        Tally(ticketed=1),
    ),
    (
        "over without a ticket",
        after(opened(missed="nothing", hold=timedelta()), ended(), Counted(1)),
        Tally(cleared_unticketed=3),
    ),
    (
        "silent without a ticket",
        after(opened(missed="nothing", hold=timedelta(), on_expiry="close"), ended(expired=True), Counted(1)),
        Tally(expired=3),
    ),
    (
        "over, and its ticket still to come",
        after(opened(hold=timedelta(), missed="ticket"), ended()),
        Tally(pending=2),
    ),
    (
        "a new generation's message waits for its own ticket",
        after(OVER_BY_PERSON, Fired(member())),
        Tally(ticketed=1, merged=1, pending=1),
    ),
    (
        "over without a ticket, and firing again",
        after(opened(missed="nothing", hold=timedelta()), ended(), Fired(member())),
        Tally(cleared_unticketed=2, pending=1),
    ),
    (
        "linked after all, though nothing waits any more",
        after(opened(missed="nothing", hold=timedelta()), ended(), Linked(TICKET, 0)),
        Tally(cleared_unticketed=2),
    ),
]


@pytest.mark.parametrize(("incident", "tally"), [row[1:] for row in TALLIES], ids=[row[0] for row in TALLIES])
def test_tally(incident: Incident, tally: Tally) -> None:
    assert incident.tally == tally


# --- policy -------------------------------------------------------------------------------------------


def test_a_live_policy_replaces_all_but_where_the_ticket_is() -> None:
    live = Policy(route_name="other", board="elsewhere", company=7, hold=timedelta(hours=1), close="never")
    policy = with_policy(opened(), live).policy

    assert policy == Policy(
        route_name="root", board="noc", company=None, hold=timedelta(hours=1), close="never"
    )


def test_an_unchanged_policy_changes_nothing() -> None:
    incident = opened()

    assert with_policy(incident, incident.policy) is incident


# --- any sequence -------------------------------------------------------------------------------------

names = st.sampled_from(["a", "b"])
members = st.builds(member, names, st.sampled_from(Severity))
CHANGES = st.one_of(
    st.builds(Fired, members),
    st.builds(Changed, members),
    st.builds(lambda name, expired: ended(name, expired=expired), names, st.booleans()),
    st.just(Counted(2)),
    st.just(Tick()),
    st.just(Linked(TICKET, 0)),
    st.just(FoundForeign()),
    st.builds(Noted, st.integers(0, 3)),
    st.just(Completed()),
    st.just(Reopened()),
    st.builds(Touched, st.just("x"), st.booleans()),
    st.just(CompletedByPerson()),
    st.just(Gone()),
    st.just(ReopenRefused()),
    st.just(Dismissed()),
)
POLICIES = st.fixed_dictionaries(
    {
        "group_wait": st.sampled_from([timedelta(), WAIT]),
        "hold": st.sampled_from([timedelta(), HOLD]),
        "close": st.sampled_from(["untouched", "always", "never"]),
        "on_expiry": st.sampled_from(["note", "close"]),
        "missed": st.sampled_from(["ticket", "summary", "nothing"]),
    }
)


@given(POLICIES, st.lists(st.tuples(CHANGES, st.integers(0, 1200)), max_size=12))
def test_due_at_is_honest(policy: dict[str, Any], steps: list[tuple[Change, int]]) -> None:
    now, incident = T0, opened(**policy)
    for change, seconds in steps:
        now += timedelta(seconds=seconds)
        incident = decide(incident, change, now=now)
        due = due_at(incident)
        if due is None or due > now:
            just_before = at(days=99) if due is None else due - timedelta(microseconds=1)
            assert decide(incident, Tick(), now=max(just_before, now)) == incident
        if due is not None:
            assert decide(incident, Tick(), now=due) != incident


@given(POLICIES, st.lists(st.tuples(CHANGES, st.integers(0, 1200)), max_size=12))
def test_every_message_is_counted_once_whatever_happens(
    policy: dict[str, Any], steps: list[tuple[Change, int]]
) -> None:
    now, incident, messages = T0, opened(**policy), 1
    for change, seconds in steps:
        now += timedelta(seconds=seconds)
        incident = decide(incident, change, now=now)
        messages += getattr(change, "messages", 0)
        assert sum_of(incident) == messages
        assert min(getattr(incident.tally, name) for name in incident.tally.__struct_fields__) >= 0


@given(POLICIES, st.lists(st.tuples(CHANGES, st.integers(0, 1200)), max_size=12))
def test_time_alone_brings_every_clear_incident_to_rest(
    policy: dict[str, Any], steps: list[tuple[Change, int]]
) -> None:
    now, incident = T0, opened(**policy)
    for change, seconds in steps:
        now += timedelta(seconds=seconds)
        incident = decide(incident, change, now=now)
    incident = after(incident, ended("a"), ended("b"), now=now)
    for _ in range(5):
        due = due_at(incident)
        if due is not None:
            incident = decide(incident, Tick(), now=max(due, now))
    assert due_at(incident) is None
    assert isinstance(incident.phase, Closed)
    if incident.ticket is not None and not may_complete(incident) and incident.phase.how == "cleared":
        assert incident.completed or incident.note_upto == incident.revision
