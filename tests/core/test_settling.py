"""The next operation: one row for each rule."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alertd.core.settling import (
    MOST_TAGS,
    Next,
    Settled,
    Terms,
    WaitUntil,
    fingerprint,
    next_look_at,
    next_operation,
    part_of,
)
from alertd.core.tickets import (
    AddTag,
    Adopt,
    Change,
    CheckTouched,
    Create,
    Field,
    Intent,
    Known,
    Level,
    Look,
    Note,
    RemoveTag,
    Reread,
    Ticket,
    Verify,
    Writing,
)
from tests.core.incident_samples import T0, at, known, level

WINDOW = timedelta(minutes=6)
TERMS = Terms(unknown_window=WINDOW, mark="m1")
FORGETFUL = replace(TERMS, adopt_first=True)
REFERENCE = "alertd-x-g1"
CREATE = Create(REFERENCE, 0, {"status": 1, "priority": 2, "queue": 8})
FRESH = known(verified=False)


def fields(**changes: Field) -> dict[str, Field]:
    return {**known().fields, **changes}


def intent(operation: Writing = CREATE, **changes: Any) -> Intent:
    return Intent(operation=operation, begun_at=T0, **changes)


def noted(**changes: Any) -> Level:
    return level(noted=3, revision=3, **changes)


DONE = level(status=5, done=True)
NEEDS_CLEAN = level(status=5, done=True, needs_clean=True)
COMPLETE = Change(101, {"status": 5}, completes=True)
TAGGED = frozenset({"alertd", "old"})
PARKED = fingerprint(level(), "m1")
COMPLETED = fields(status=Field(5, 5, 5))
THEIRS = fields(status=Field(1, 1, 8))

ROWS: list[tuple[str, Level, Known, Terms, datetime, Next]] = [
    # whether to do anything at all
    ("no ticket is wanted", level(ticket=False), Known(), TERMS, T0, Settled()),
    (
        "a failure is not repeated at once",
        level(),
        Known(retry_at=at(seconds=9)),
        TERMS,
        T0,
        WaitUntil(at(seconds=9)),
    ),
    ("but after its pause", level(), Known(retry_at=T0), TERMS, T0, CREATE),
    ("everything as wanted", level(), known(), TERMS, T0, Settled()),
    # what was refused
    ("refused as it is", level(), Known(parked="no", parked_level=PARKED), TERMS, T0, Settled()),
    (
        "refused, and something else is wanted by now",
        level(priority=4),
        Known(parked="no", parked_level=PARKED),
        TERMS,
        T0,
        replace(CREATE, fields={**CREATE.fields, "priority": 4}),
    ),
    (
        "refused, and the terms have changed",
        level(),
        Known(parked="no", parked_level=PARKED),
        replace(TERMS, mark="m2"),
        T0,
        CREATE,
    ),
    ("what only a person can mend", noted(), known(parked="complete", foreign=True), TERMS, T0, Settled()),
    # create
    ("create", level(), Known(), TERMS, T0, CREATE),
    (
        "what is covered by the description",
        level(revision=4),
        Known(),
        TERMS,
        T0,
        replace(CREATE, revision=4),
    ),
    (
        "one that is left open is created with the board's status",
        level(status=None),
        Known(),
        TERMS,
        T0,
        replace(CREATE, fields={"priority": 2, "queue": 8}),
    ),
    ("a store that may have forgotten looks first", level(), Known(), FORGETFUL, T0, Adopt(REFERENCE)),
    ("and only once", level(), Known(adoption_checked=True), FORGETFUL, T0, CREATE),
    ("after a refused create, too", level(), Known(doubted=True), TERMS, T0, Adopt(REFERENCE)),
    # after an unclear answer: look, never create
    ("an intent without outcome is looked for", level(), Known(intent=intent()), TERMS, T0, Look()),
    (
        "even where no ticket is wanted any more",
        level(ticket=False),
        Known(intent=intent()),
        TERMS,
        T0,
        Look(),
    ),
    (
        "the first look is 5 s after",
        level(),
        Known(intent=intent(unclear_at=T0)),
        TERMS,
        at(seconds=4),
        WaitUntil(at(seconds=5)),
    ),
    ("then it looks", level(), Known(intent=intent(unclear_at=T0)), TERMS, at(seconds=5), Look()),
    (
        "the second 15 s after",
        level(),
        Known(intent=intent(unclear_at=T0, looks=1)),
        TERMS,
        at(seconds=6),
        WaitUntil(at(seconds=15)),
    ),
    (
        "past the window, once every window",
        level(),
        Known(intent=intent(unclear_at=T0, looks=5, looked_at=at(minutes=6))),
        TERMS,
        at(minutes=7),
        WaitUntil(at(minutes=12)),
    ),
    # read back
    ("a new ticket is read back", level(), FRESH, TERMS, T0, Verify(101, single=False)),
    ("even where none is wanted any more", level(ticket=False), FRESH, TERMS, T0, Verify(101, single=False)),
    ("again after 5 s", level(), replace(FRESH, reads=1), TERMS, at(seconds=4), WaitUntil(at(seconds=5))),
    (
        "then by its id alone",
        level(),
        replace(FRESH, reads=2),
        TERMS,
        at(seconds=15),
        Verify(101, single=True),
    ),
    (
        "what cannot be read is asked for ever more rarely",
        level(),
        replace(FRESH, reads=4),
        TERMS,
        at(seconds=60),
        WaitUntil(at(seconds=180)),
    ),
    (
        "without a time it is read at once",
        level(),
        replace(FRESH, created_at=None),
        TERMS,
        T0,
        Verify(101, single=False),
    ),
    ("before that, nothing else", noted(), FRESH, TERMS, T0, Verify(101, single=False)),
    # fields
    ("worse: raise the priority", level(priority=4), known(), TERMS, T0, Change(101, {"priority": 4})),
    (
        "several fields are one call",
        level(priority=4, queue=9),
        known(),
        TERMS,
        T0,
        Change(101, {"priority": 4, "queue": 9}),
    ),
    ("before a reopening, read", level(), known(fields=COMPLETED), TERMS, T0, Reread(101)),
    (
        "reopen",
        level(),
        known(fields=COMPLETED, wrote_at=T0, reread_at=at(seconds=1)),
        TERMS,
        T0,
        Change(101, {"status": 1}),
    ),
    (
        "a read before our last write tells nothing",
        level(),
        known(fields=COMPLETED, wrote_at=at(seconds=1), reread_at=T0),
        TERMS,
        T0,
        Reread(101),
    ),
    ("a field that somebody took is theirs", DONE, known(fields=THEIRS), TERMS, T0, Settled()),
    (
        "the others are still ours",
        level(priority=4),
        known(fields=THEIRS),
        TERMS,
        T0,
        Change(101, {"priority": 4}),
    ),
    (
        "what a workflow rule made of it is not fought",
        level(),
        known(fields=fields(status=Field(1, 8, 8))),
        TERMS,
        T0,
        Settled(),
    ),
    (
        "but it may still be completed",
        DONE,
        known(fields=fields(status=Field(1, 8, 8))),
        TERMS,
        T0,
        COMPLETE,
    ),
    (
        "what stands there already is not written",
        DONE,
        known(fields=fields(status=Field(1, 5, 5))),
        TERMS,
        T0,
        Settled(),
    ),
    ("a field that the ticket does not have", level(queue=9), known(fields={}), TERMS, T0, Settled()),
    ("a status that is left alone", level(status=None), known(fields=THEIRS), TERMS, T0, Settled()),
    (
        "another board stands in: a ticket that stands stays where its own board put it",
        level(priority=4, queue=9, tags=TAGGED, stands_in=True),
        known(),
        TERMS,
        T0,
        Settled(),
    ),
    (
        "but it is completed",
        replace(DONE, priority=4, queue=9, tags=TAGGED, stands_in=True),
        known(),
        TERMS,
        T0,
        COMPLETE,
    ),
    (
        "another board stands in from the start: create it there",
        level(queue=9, stands_in=True),
        Known(),
        TERMS,
        T0,
        replace(CREATE, fields={**CREATE.fields, "queue": 9}),
    ),
    (
        "and it gets the tags of the board that it is on",
        level(tags=frozenset({"x"}), stands_in=True),
        known(),
        TERMS,
        T0,
        AddTag(101, "x"),
    ),
    (
        "and its priority",
        level(priority=4, stands_in=True),
        known(),
        TERMS,
        T0,
        Change(101, {"priority": 4}),
    ),
    # tags
    ("a tag is put on", level(tags=TAGGED), known(tags={"old": 1}), TERMS, T0, AddTag(101, "alertd")),
    (
        "one of ours is taken off first",
        level(tags=frozenset({"alertd"}), vocabulary=TAGGED),
        known(tags={"old": 7}),
        TERMS,
        T0,
        RemoveTag(101, "old", 7),
    ),
    (
        "one that is not ours stays",
        level(vocabulary=frozenset()),
        known(tags={"old": 7}),
        TERMS,
        T0,
        Settled(),
    ),
    (
        "no more tags than Autotask allows",
        level(tags=TAGGED),
        known(tags={str(n): n for n in range(MOST_TAGS)}),
        TERMS,
        T0,
        Settled(),
    ),
    (
        "a tag that was refused",
        level(tags=frozenset({"x"})),
        known(refused={"tag x": "m1"}),
        TERMS,
        T0,
        Settled(),
    ),
    (
        "is tried again under other terms",
        level(tags=frozenset({"x"})),
        known(refused={"tag x": "m0"}),
        TERMS,
        T0,
        AddTag(101, "x"),
    ),
    # notes
    ("a note", noted(), known(noted=1), TERMS, T0, Note(101, 3, f"{REFERENCE}-n3", after=1)),
    ("notes were refused", noted(), known(noted=1, refused={"notes": "m1"}), TERMS, T0, Settled()),
    (
        "raise first, then note",
        noted(priority=4),
        known(),
        TERMS,
        T0,
        Change(101, {"priority": 4}),
    ),
    (
        "tag before the note",
        noted(tags=frozenset({"x"})),
        known(),
        TERMS,
        T0,
        AddTag(101, "x"),
    ),
    # complete
    ("complete", DONE, known(), TERMS, T0, COMPLETE),
    (
        "complete last of all",
        noted(status=5, done=True),
        known(),
        TERMS,
        T0,
        Note(101, 3, f"{REFERENCE}-n3", after=0),
    ),
    (
        "what else is to be changed goes with the completion",
        level(status=5, done=True, priority=4),
        known(),
        TERMS,
        T0,
        Change(101, {"status": 5, "priority": 4}, completes=True),
    ),
    ("without evidence it is asked who touched it", NEEDS_CLEAN, known(), TERMS, T0, CheckTouched(101)),
    (
        "evidence from before our last write is none",
        NEEDS_CLEAN,
        known(clean_at=at(seconds=-1)),
        TERMS,
        T0,
        CheckTouched(101),
    ),
    (
        "neither does what has to wait, which follows",
        replace(DONE, noted=3, revision=3, tags=TAGGED),
        known(),
        replace(TERMS, bare=True),
        T0,
        COMPLETE,
    ),
    ("evidence from after it is", NEEDS_CLEAN, known(clean_at=T0), TERMS, T0, COMPLETE),
    (
        "of a ticket that nobody has watched since, it is none",
        NEEDS_CLEAN,
        known(clean_at=T0),
        replace(TERMS, unwatched_since=at(minutes=1)),
        at(minutes=9),
        CheckTouched(101),
    ),
    (
        "until somebody has asked",
        NEEDS_CLEAN,
        known(clean_at=at(minutes=9)),
        replace(TERMS, unwatched_since=at(minutes=1)),
        at(minutes=9),
        COMPLETE,
    ),
    (
        "of a ticket that this store has never written, any is",
        NEEDS_CLEAN,
        known(clean_at=T0, wrote_at=None),
        TERMS,
        T0,
        COMPLETE,
    ),
    # somebody else's ticket
    ("a ticket that is not ours is not changed", DONE, known(foreign=True), TERMS, T0, Settled()),
    ("nor tagged", level(tags=TAGGED), known(foreign=True), TERMS, T0, Settled()),
    ("but noted", noted(), known(foreign=True), TERMS, T0, Note(101, 3, f"{REFERENCE}-n3", after=0)),
]


@pytest.mark.parametrize(
    ("wanted", "confirmed", "terms", "now", "operation"),
    [row[1:] for row in ROWS],
    ids=[row[0] for row in ROWS],
)
def test_next(wanted: Level, confirmed: Known, terms: Terms, now: datetime, operation: Next) -> None:
    assert next_operation(wanted, confirmed, now=now, terms=terms) == operation


@pytest.mark.parametrize(
    ("operation", "part"),
    [
        (Note(1, 2, "m"), "notes"),
        (AddTag(1, "x"), "tag x"),
        (RemoveTag(1, "x", 3), "tag x"),
        (CREATE, ""),
        (COMPLETE, ""),
    ],
    ids=["a note", "a tag on", "a tag off", "a create", "a change"],
)
def test_what_a_ticket_can_do_without(operation: Writing, part: str) -> None:
    assert part_of(operation) == part


def test_looks_for_other_writes_come_at_the_same_distances() -> None:
    looks = [next_look_at(intent(COMPLETE, looks=n, unclear_at=T0), WINDOW) for n in (0, 1, 2, 4)]

    assert looks == [at(seconds=5), at(seconds=15), at(seconds=45), T0 + WINDOW]


def test_looks_count_from_the_begin_where_we_died() -> None:
    assert next_look_at(intent(looks=5), WINDOW) == T0 + WINDOW


def test_read_backs_of_an_unreadable_ticket_are_few() -> None:
    now, reads = T0, 0
    while now < at(days=1):
        step = next_operation(level(), replace(FRESH, reads=reads), now=now, terms=TERMS)
        reads += isinstance(step, Verify)
        now = max(step.at, now) if isinstance(step, WaitUntil) else now
    assert reads < 50


VALUES = st.integers(1, 3)
FIELDS = st.builds(Field, VALUES, VALUES, VALUES)


@given(
    st.builds(
        level,
        status=st.none() | VALUES,
        done=st.booleans(),
        priority=VALUES,
        queue=VALUES,
        needs_clean=st.booleans(),
    ),
    st.fixed_dictionaries({"status": FIELDS, "priority": FIELDS, "queue": FIELDS}),
)
def test_no_change_writes_a_field_that_somebody_else_has_set(wanted: Level, seen: dict[str, Field]) -> None:
    step = next_operation(wanted, known(fields=seen), now=T0, terms=TERMS)

    written = step.fields if isinstance(step, Change) else {}
    assert all(seen[name].ours for name in written)


@given(st.builds(level, ticket=st.booleans(), revision=VALUES), st.integers(0, 400))
def test_never_a_create_while_an_intent_is_open(wanted: Level, seconds: int) -> None:
    unclear = Known(intent=intent(unclear_at=T0))

    step = next_operation(wanted, unclear, now=at(seconds=seconds), terms=TERMS)
    assert isinstance(step, Look | WaitUntil)


def test_a_ticket_that_stands_is_never_created_again() -> None:
    assert not isinstance(
        next_operation(level(), known(ticket=Ticket(7), verified=False), now=T0, terms=TERMS), Create
    )


@pytest.mark.parametrize(
    ("field", "note"),
    [(Field(4, 4, 4), False), (Field(4, 4, 2), True), (Field(2, 2, 2), False)],
    ids=["ours", "a person's", "still to be written"],
)
def test_a_rise_that_the_priority_shows_needs_no_note(field: Field, note: bool) -> None:
    wants = level(priority=4, noted=2, told_by_priority=True)
    ticket = known(fields={**known().fields, "priority": field})

    assert isinstance(next_operation(wants, ticket, now=T0, terms=TERMS), Note) is note


SCARCE = replace(TERMS, note_interval=timedelta(hours=1))


@pytest.mark.parametrize(
    ("noted_at", "now", "expected"),
    [
        (None, at(minutes=10), WaitUntil(at(minutes=15))),  # the ticket itself is as good as a note
        (at(minutes=5), at(minutes=30), WaitUntil(at(minutes=35))),
        (at(minutes=5), at(minutes=63), WaitUntil(at(minutes=65))),
        (at(minutes=5), at(minutes=65), Note(101, 3, "alertd-x-g1-n3", 1)),
    ],
)
def test_where_calls_are_scarce_notes_wait(noted_at: datetime | None, now: datetime, expected: Next) -> None:
    noted = known(noted=1, noted_at=noted_at)
    assert next_operation(level(noted=3), noted, now=now, terms=SCARCE) == expected


def test_a_note_that_waits_does_not_keep_a_ticket_open() -> None:
    step = next_operation(level(noted=3, status=5, done=True), known(noted=1), now=T0, terms=SCARCE)
    assert step == Change(101, {"status": 5}, completes=True)
