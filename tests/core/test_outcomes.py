"""What outcomes make known."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from alertd.core import outcomes
from alertd.core.tickets import (
    AddTag,
    Change,
    Create,
    Field,
    Intent,
    Known,
    Note,
    RemoveTag,
    Repair,
    Ticket,
    Writing,
)
from tests.core.incident_samples import T0, at, known

WINDOW = timedelta(minutes=6)
CREATE = Create("r", 2)
NOTE = Note(101, 3, "r-n3")
CHANGE = Change(101, {"status": 5}, completes=True)
FAILED = {"attempts": 3, "retry_at": T0, "parked": "no", "parked_level": "x"}


def begun(operation: Writing, *, unclear: bool = True, **changes: object) -> Known:
    intent = Intent(operation=operation, begun_at=T0, unclear_at=T0 if unclear else None)
    return known(intent=intent, **changes)


def test_an_intent_holds_what_will_be_sent() -> None:
    intent = outcomes.begin(Known(), NOTE, now=T0, text="title\nbody").intent

    assert intent == Intent(operation=NOTE, begun_at=T0, text="title\nbody")


# --- done ---------------------------------------------------------------------------------------------


def test_a_ticket_that_was_created_waits_for_its_read_back() -> None:
    before = Known(intent=Intent(operation=CREATE, begun_at=T0), unclear_creates=2, **FAILED)
    after = outcomes.created(before, 101, revision=2, fields={"status": 1}, now=at(seconds=9))

    assert after == Known(
        ticket=Ticket(101),
        created_at=T0,  # it cannot be older, so as a canary it never looks too fresh
        wrote_at=at(seconds=9),
        patched_at=at(seconds=9),
        noted=2,
        fields={"status": Field(1, 1, 1)},
    )
    assert outcomes.created(Known(), 101, revision=0, fields={}, now=T0).created_at == T0


@pytest.mark.parametrize(
    "after",
    [
        outcomes.changed(known(**FAILED), CHANGE, now=at(hours=1)),
        outcomes.noted(known(**FAILED), NOTE, now=at(hours=1)),
        outcomes.tagged(known(**FAILED), AddTag(101, "x"), 9, now=at(hours=1)),
        outcomes.untagged(known(tags={"x": 9}, **FAILED), RemoveTag(101, "x", 9), now=at(hours=1)),
    ],
    ids=["change", "note", "tag on", "tag off"],
)
def test_success_ends_all_trouble(after: Known) -> None:
    assert (after.attempts, after.retry_at, after.parked, after.parked_level) == (0, None, None, None)
    assert (after.intent, after.wrote_at) == (None, at(hours=1))


def test_what_each_write_makes_known() -> None:
    assert outcomes.changed(known(), CHANGE, now=T0).fields["status"] == Field(5, 5, 5)
    assert outcomes.changed(known(), CHANGE, now=T0).fields["queue"] == Field(8, 8, 8)
    assert outcomes.noted(known(), NOTE, now=T0).noted == 3
    assert outcomes.noted(known(noted=7), NOTE, now=T0).noted == 7
    assert outcomes.tagged(known(tags={"y": 1}), AddTag(101, "x"), 9, now=T0).tags == {"y": 1, "x": 9}
    assert outcomes.untagged(known(tags={"y": 1, "x": 9}), RemoveTag(101, "x", 9), now=T0).tags == {"y": 1}


@pytest.mark.parametrize("blank", [Known(), known(ticket=Ticket(202))], ids=["none yet", "another"])
def test_an_outcome_for_a_ticket_left_behind_makes_nothing_known_of_the_next(blank: Known) -> None:
    assert outcomes.changed(blank, CHANGE, now=T0) == blank
    assert outcomes.noted(blank, NOTE, now=T0) == blank
    assert outcomes.tagged(blank, AddTag(101, "x"), 9, now=T0) == blank
    assert outcomes.untagged(blank, RemoveTag(101, "x", 9), now=T0) == blank
    assert outcomes.unclear(blank, now=T0) == blank
    assert outcomes.looked(blank, now=T0) == blank


# --- unclear ------------------------------------------------------------------------------------------


def test_an_unclear_answer_begins_the_looks() -> None:
    once = outcomes.unclear(begun(CREATE, unclear=False), now=at(seconds=60))
    twice = outcomes.unclear(once, now=at(seconds=90))

    assert once.intent is not None
    assert (once.intent.unclear_at, once.attempts) == (at(seconds=60), 1)
    assert twice.intent is not None
    assert twice.intent.unclear_at == at(seconds=60)


def test_a_look_that_settles_nothing_is_counted() -> None:
    once = outcomes.looked(begun(CREATE, unclear=False), now=at(seconds=7))
    twice = outcomes.looked(once, now=at(seconds=20))

    assert once.intent is not None
    assert (once.intent.looks, once.intent.unclear_at) == (1, at(seconds=7))
    assert twice.intent is not None
    assert (twice.intent.looks, twice.intent.looked_at) == (2, at(seconds=20))
    assert twice.intent.unclear_at == at(seconds=7)


@pytest.mark.parametrize(
    ("before", "creates", "retry_at"),
    [
        (Known(), 0, None),
        (begun(CREATE, unclear=False), 0, None),
        (begun(CREATE), 1, None),
        (begun(NOTE, attempts=1), 0, at(seconds=2)),
        (begun(NOTE, attempts=5), 0, at(seconds=32)),
        (begun(NOTE, attempts=50), 0, at(minutes=5)),
    ],
    ids=[
        "no intent",
        "never unclear",
        "an unclear create is counted",
        "others may be had again soon",
        "and later with each failure",
        "at most after 5 min",
    ],
)
def test_not_applied(before: Known, creates: int, retry_at: object) -> None:
    after = outcomes.not_applied(before)

    assert (after.intent, after.unclear_creates, after.retry_at) == (None, creates, retry_at)


def test_creates_that_keep_ending_unclear_are_given_up() -> None:
    third = outcomes.not_applied(begun(CREATE, unclear_creates=2))

    assert outcomes.gave_up_creating(third)
    assert not outcomes.gave_up_creating(replace(third, unclear_creates=2))


def test_an_open_intent_is_never_given_up() -> None:
    assert not outcomes.gave_up_creating(begun(CREATE, unclear_creates=9))


# --- failures -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attempts", "jitter", "pause"),
    [(0, 0.0, 0.5), (0, 1.0, 1.0), (3, 1.0, 8.0), (16, 1.0, 300.0), (5000, 1.0, 300.0)],
)
def test_pauses_grow_to_5_minutes(attempts: int, jitter: float, pause: float) -> None:
    after = outcomes.held_back(begun(NOTE, attempts=attempts), now=T0, wait=None, jitter=jitter)

    assert after.retry_at == at(seconds=pause)
    assert (after.attempts, after.intent) == (attempts + 1, None)


def test_what_autotask_asks_for_is_waited() -> None:
    after = outcomes.held_back(begun(NOTE), now=T0, wait=timedelta(minutes=9), jitter=0.5)

    assert after.retry_at == at(minutes=9)


def test_being_held_back_is_no_failed_try() -> None:
    known = begun(NOTE, attempts=3)
    for _ in range(5):
        known = outcomes.held_back(known, now=T0, wait=timedelta(minutes=1), jitter=0.5)

    assert known.attempts == 3


def test_a_read_that_failed_leaves_unclear_what_is() -> None:
    after = outcomes.read_failed(begun(NOTE), now=T0, wait=None, jitter=0.0)

    assert after.intent == begun(NOTE).intent


def test_a_refusal_parks_with_its_reason() -> None:
    after = outcomes.refused(
        begun(CREATE, attempts=4, retry_at=T0, unclear_creates=3), "no such company", level="l"
    )

    assert (after.parked, after.parked_level, after.intent) == ("no such company", "l", None)
    assert (after.attempts, after.retry_at, after.unclear_creates) == (0, None, 0)


def test_the_ticket_goes_on_without_a_refused_part() -> None:
    after = outcomes.refused_part(begun(NOTE, refused={"tag x": "m"}), "notes", mark="m")

    assert (after.refused, after.intent, after.parked) == ({"tag x": "m", "notes": "m"}, None, None)


def test_a_person_asks_for_another_try() -> None:
    after = outcomes.unparked(known(unclear_creates=3, refused={"notes": "m"}, **FAILED))

    assert after == known()


# --- verdicts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "rights", "fresh", "looks", "seconds", "verdict"),
    [
        (True, False, False, 0, 0, "applied"),
        (False, False, True, 9, 9999, "unclear"),
        (False, True, False, 4, 359, "unclear"),
        (False, True, False, 4, 360, "absent"),
        (False, True, True, 2, 59, "unclear"),
        (False, True, True, 1, 120, "unclear"),
        (False, True, True, 2, 60, "absent"),
    ],
    ids=[
        "found is applied",
        "without proof of rights, nothing is absent",
        "without a fresh canary the whole window is waited out",
        "and then it is absent",
        "with one, not before 60 s",
        "nor before three looks",
        "then it is absent",
    ],
)
def test_create(found: bool, rights: bool, fresh: bool, looks: int, seconds: int, verdict: str) -> None:
    intent = Intent(operation=CREATE, begun_at=T0, unclear_at=T0, looks=looks)

    says = outcomes.judge_create(
        intent, found=found, rights_proved=rights, fresh_canary=fresh, now=at(seconds=seconds), window=WINDOW
    )
    assert says == verdict


@pytest.mark.parametrize(
    ("found", "looks", "seconds", "verdict"),
    [
        (True, 0, 0, "applied"),
        (False, 2, 59, "unclear"),
        (False, 1, 120, "unclear"),
        (False, 2, 60, "absent"),
    ],
    ids=["found is applied", "not before 60 s", "not before three looks", "then it is absent"],
)
def test_note(found: bool, looks: int, seconds: int, verdict: str) -> None:
    intent = Intent(operation=NOTE, begun_at=T0, unclear_at=T0, looks=looks)

    assert outcomes.judge_note(intent, found=found, now=at(seconds=seconds), window=WINDOW) == verdict


def test_the_first_look_after_a_crash_proves_no_absence() -> None:
    died = Intent(operation=CREATE, begun_at=T0, looks=9)
    proof = {"found": False, "now": at(days=1), "window": WINDOW}

    assert outcomes.judge_create(died, rights_proved=True, fresh_canary=True, **proof) == "unclear"
    assert outcomes.judge_note(replace(died, operation=NOTE), **proof) == "unclear"


def test_a_create_that_may_be_repaired_is_looked_for_first_and_tried_once_more() -> None:
    intended = outcomes.begin(Known(attempts=3), CREATE, now=T0)
    after = outcomes.may_be_repaired(intended, "no such device", about={"device"}, now=T0)

    assert after == Known(
        repair=Repair("no such device", ("device",)), doubted=True, retry_at=T0 + outcomes.REPAIR_AFTER
    )
    assert outcomes.refused(after, "still no", level="x").repair is None
    assert outcomes.unparked(after).repair is None


def test_what_a_repair_made_otherwise_is_not_asked_for_again() -> None:
    asked = Create("r", 0, {"queue": 8, "priority": 2})
    before = outcomes.begin(Known(repair=Repair("no")), asked, now=T0)
    made = outcomes.created(before, 7, revision=0, fields={"status": 1, "queue": 5, "priority": 2}, now=T0)

    assert made.repair is None
    assert made.fields == {"status": Field(1, 1, 1), "queue": Field(8, 5, 5), "priority": Field(2, 2, 2)}
