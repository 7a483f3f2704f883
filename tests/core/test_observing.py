"""What reads tell: whose a field is, who has worked on the ticket, whether it is still there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace

from alertd.core.incidents import (
    Change,
    Completed,
    CompletedByPerson,
    FoundForeign,
    Gone,
    Linked,
    Reopened,
    Touched,
)
from alertd.core.observing import (
    NoteView,
    TicketView,
    adopt,
    applied_fields,
    follow_survivor,
    holds_mark,
    observe_absence,
    observe_ticket,
    observe_work,
    read_back,
    reread,
)
from alertd.core.text import note_title
from alertd.core.tickets import Create, Field, Intent, Known, Note
from tests.core.incident_samples import T0, TICKET, at, known

US, WORKFLOW, PERSON = 10, 4, 77
OURS = frozenset({US})
DONE = 5


def view(**changes: Any) -> TicketView:
    """Our ticket as nobody has touched it: our own create is its last activity."""
    fields = {"status": 1, "priority": 2, "queue": 8} | changes.pop("fields", {})
    values: dict[str, Any] = {
        "id": 101,
        "number": "T20261123.0001",
        "reference": "r",
        "fields": fields,
        "last_activity_at": T0,
        "last_activity_by": US,
    }
    return TicketView(**values | changes)


def by_person(when: datetime = at(hours=1), **changes: Any) -> TicketView:
    return view(last_activity_at=when, last_activity_by=PERSON, **changes)


def seen(
    before: Known, shown: TicketView, began_at: datetime = at(hours=2)
) -> tuple[Known, tuple[Change, ...]]:
    return observe_ticket(before, shown, began_at=began_at, ours=OURS, done=DONE)


# --- reading a watched ticket -------------------------------------------------------------------------

NOBODY: list[tuple[str, TicketView]] = [
    ("nothing has happened since our write", view()),
    ("our own later activity", view(last_activity_at=at(hours=1))),
    ("a workflow rule within 2 min", view(last_activity_at=at(minutes=2), last_activity_by=WORKFLOW)),
    ("no activity is shown at all", view(last_activity_at=None, last_activity_by=None)),
    ("activity of nobody", view(last_activity_at=at(hours=1), last_activity_by=None)),
]


@pytest.mark.parametrize("shown", [row[1] for row in NOBODY], ids=[row[0] for row in NOBODY])
def test_nobody_has_touched_it(shown: TicketView) -> None:
    after, changes = seen(known(missing=1), shown)

    assert changes == ()
    assert (after.clean_at, after.missing) == (at(hours=2), 0)


def test_a_read_too_soon_after_our_write_still_shows_that_the_ticket_is_there() -> None:
    after, changes = seen(known(missing=1, wrote_at=at(hours=2)), view(), began_at=at(hours=2, seconds=10))

    assert (after.missing, changes) == (0, ())


def test_a_completed_ticket_is_reread_before_it_is_reopened() -> None:
    completed = known(fields={**known().fields, "status": Field(DONE, DONE, DONE)})

    def again(shown: TicketView | None) -> tuple[Known, tuple[Change, ...]]:
        return reread(completed, shown, began_at=at(hours=2), ours=OURS, done=DONE, own=None)

    for shown, told in (
        (None, ()),
        (view(fields={"status": DONE}), ()),
        (by_person(fields={"status": DONE}), (Touched("resource 77 worked on it"),)),
        (by_person(fields={"status": 8}), (Reopened(), Touched("resource 77 changed status", True))),
    ):
        after, changes = again(shown)
        assert (after.reread_at, changes) == (at(hours=2), told)


def test_a_ticket_that_a_person_reopened_and_completed_again_is_not_completed_by_us() -> None:
    completed = known(fields={**known().fields, "status": Field(DONE, DONE, DONE)})
    reopened, _ = reread(
        completed, by_person(fields={"status": 8}), began_at=at(hours=2), ours=OURS, done=DONE, own=None
    )
    _, changes = seen(reopened, by_person(fields={"status": DONE}), began_at=at(hours=3))

    assert CompletedByPerson() in changes


TOUCHES: list[tuple[str, TicketView, tuple[Change, ...]]] = [
    ("a person worked on it", by_person(), (Touched("resource 77 worked on it"),)),
    ("a person was assigned", by_person(assignee_id=5), (Touched("resource 77 changed the assignment"),)),
    (
        "somebody unknown was assigned",
        view(last_activity_at=at(hours=1), last_activity_by=None, assignee_id=5),
        (Touched("somebody changed the assignment"),),
    ),
    (
        "a person changed the priority",
        by_person(fields={"priority": 4}),
        (Touched("resource 77 changed priority"),),
    ),
    (
        "a person changed the status",
        by_person(fields={"status": 8}),
        (Touched("resource 77 changed status", True),),
    ),
    (
        "a person completed it",
        by_person(fields={"status": DONE}),
        (CompletedByPerson(), Touched("resource 77 changed status", True)),
    ),
    (
        "a workflow rule past 2 min counts as somebody",
        view(last_activity_at=at(minutes=2, seconds=1), last_activity_by=WORKFLOW),
        (Touched("resource 4 worked on it"),),
    ),
]


@pytest.mark.parametrize(("shown", "changes"), [row[1:] for row in TOUCHES], ids=[row[0] for row in TOUCHES])
def test_a_touch(shown: TicketView, changes: tuple[Change, ...]) -> None:
    after, told = seen(known(), shown)

    assert told == changes
    assert after.clean_at is None


def test_what_a_person_changed_is_theirs() -> None:
    after, _ = seen(known(), by_person(fields={"status": 8}))

    assert after.fields["status"] == Field(1, 1, 8)
    assert not after.fields["status"].ours
    assert after.fields["priority"].ours


def test_a_field_that_was_theirs_before_is_not_told_again() -> None:
    taken, _ = seen(known(), by_person(fields={"status": 8}))
    _, told = seen(taken, by_person(fields={"status": 12}))

    assert told == (Touched("resource 77 worked on it"),)


def test_what_a_workflow_rule_made_of_it_is_ours() -> None:
    after, told = seen(known(), view(last_activity_at=at(seconds=5), fields={"status": 8}))

    assert after.fields["status"] == Field(1, 8, 8)
    assert told == ()


def test_our_next_write_does_not_make_a_persons_field_ours_again() -> None:
    taken, _ = seen(known(), by_person(fields={"priority": 4}))
    wrote = replace(taken, wrote_at=at(hours=3))
    after, _ = seen(wrote, view(last_activity_at=at(hours=3), fields={"priority": 4}), at(hours=4))

    assert after.fields["priority"] == Field(2, 2, 4)


def test_a_field_that_is_new_to_us_is_taken_as_it_is() -> None:
    bare = known(fields={})

    assert seen(bare, view())[0].fields["status"] == Field(1, 1, 1)
    assert seen(bare, by_person(fields={"status": 8}))[0].fields["status"] == Field(8, 8, 8)


def test_a_workflow_rule_that_completes_counts_as_a_person() -> None:
    _, told = seen(known(), view(fields={"status": DONE}))

    assert told == (CompletedByPerson(),)


@pytest.mark.parametrize(
    "status", [Field(DONE, DONE, DONE), Field(1, 1, DONE)], ids=["our own", "one that was told"]
)
def test_a_completion_that_is_known_is_not_told(status: Field) -> None:
    _, told = seen(known(fields={"status": status}), view(fields={"status": DONE}))

    assert told == ()


def test_a_completion_of_a_ticket_whose_status_was_unknown_is_told() -> None:
    _, told = seen(known(fields={}), view(fields={"status": DONE}))

    assert told == (CompletedByPerson(),)


@pytest.mark.parametrize("seconds", [-60, 0, 30], ids=lambda seconds: f"{seconds} s after our write")
def test_a_read_within_the_search_lag_proves_nothing(seconds: int) -> None:
    assert seen(known(), by_person(fields={"status": 8}), at(seconds=seconds)) == (known(), ())


def test_a_read_beside_a_write_proves_nothing() -> None:
    writing = known(intent=Intent(operation=Note(101, 1, "m"), begun_at=at(hours=1)))

    assert seen(writing, by_person(fields={"status": DONE})) == (writing, ())


def test_a_ticket_that_we_have_never_written_is_judged_by_its_fields() -> None:
    _, told = seen(known(wrote_at=None), view(fields={"priority": 4}))

    assert told == (Touched("resource 10 changed priority"),)


# --- absence ------------------------------------------------------------------------------------------


def test_missing_twice_is_gone() -> None:
    writing = known(intent=Intent(operation=Note(101, 1, "m"), begun_at=T0))
    once, nothing = observe_absence(writing)
    twice, told = observe_absence(once)

    assert (nothing, told) == ((), (Gone(),))
    assert (once.intent, twice.intent) == (writing.intent, None)


def test_missing_and_seen_again_is_not_gone() -> None:
    once, _ = observe_absence(known())
    back, _ = seen(once, view())

    assert observe_absence(back)[1] == ()


# --- reading back -------------------------------------------------------------------------------------


def test_a_read_back_that_shows_our_ticket_links_it() -> None:
    after, told = read_back(known(verified=False, noted=3), view(assignee_id=9), reference="r", done=DONE)

    assert told == (Linked(TICKET, 3),)
    assert (after.verified, after.foreign, after.assignee_id) == (True, False, 9)


def test_a_read_back_is_no_evidence_of_who_owns_a_field() -> None:
    after, _ = read_back(known(verified=False), by_person(fields={"status": DONE}), reference="r", done=DONE)
    _, told = seen(after, by_person(fields={"status": DONE}))

    assert after.fields == known().fields
    assert CompletedByPerson() in told


def test_a_read_back_that_shows_another_ticket_links_that_as_somebody_elses() -> None:
    after, told = read_back(known(verified=False), view(reference="other"), reference="r", done=DONE)

    assert told == (Linked(TICKET, 0), FoundForeign())
    assert (after.verified, after.foreign, after.parked) == (True, True, None)
    assert all(field.ours for field in after.fields.values())


def test_a_complete_ticket_of_somebody_else_needs_a_person() -> None:
    shown = view(reference="other", fields={"status": DONE, "priority": 2, "queue": 8})
    after, _ = read_back(known(verified=False), shown, reference="r", done=DONE)

    assert after.parked is not None
    assert "duplicate handling" in after.parked
    assert seen(after, shown)[1] == ()


def test_a_read_back_that_shows_nothing_is_counted() -> None:
    assert read_back(known(verified=False), None, reference="r", done=DONE) == (
        known(verified=False, reads=1),
        (),
    )


# --- adopting -----------------------------------------------------------------------------------------

ASKED = {"status": 1, "priority": 2, "queue": 8}
UNCLEAR = Known(
    intent=Intent(operation=Create("r", 2, ASKED), begun_at=T0, unclear_at=at(minutes=1)),
    attempts=2,
    retry_at=T0,
    unclear_creates=1,
    parked="no",
    parked_level="x",
)


def adopted(
    before: Known, shown: TicketView, now: datetime, asked: dict[str, int] = ASKED
) -> tuple[Known, tuple[Change, ...]]:
    return adopt(before, shown, asked=asked, revision=2, now=now, ours=OURS, done=DONE)


def test_an_adopted_ticket_is_as_its_create_would_have_left_it() -> None:
    after, told = adopted(UNCLEAR, view(), at(seconds=5))

    assert told == (Linked(TICKET, 2),)
    assert after == known(adoption_checked=True, noted=2)


def test_a_workflow_rules_doing_is_not_fought_after_adoption() -> None:
    after, _ = adopted(UNCLEAR, view(fields={"status": 8}), at(minutes=2))

    assert after.fields["status"] == Field(1, 8, 8)


def test_a_person_who_completed_it_before_we_found_it_wins() -> None:
    after, told = adopted(UNCLEAR, by_person(fields={"status": DONE}), at(hours=2))

    assert told == (Linked(TICKET, 2), CompletedByPerson(), Touched("resource 77 changed status", True))
    assert not after.fields["status"].ours


def test_one_that_was_born_complete_is_complete() -> None:
    after, told = adopted(UNCLEAR, view(fields={"status": DONE}), at(seconds=5), ASKED | {"status": DONE})

    assert told == (Linked(TICKET, 2), Completed())
    assert after.fields["status"] == Field(DONE, DONE, DONE)


def test_of_a_forgotten_ticket_what_differs_is_somebodys() -> None:
    after, told = adopted(Known(), view(fields={"priority": 4}), at(hours=2))

    assert after.fields["priority"] == Field(2, 2, 4)
    assert told[0] == Linked(TICKET, 2)
    assert isinstance(told[1], Touched)
    assert (after.created_at, after.wrote_at) == (None, None)


def test_a_field_that_was_not_asked_for_is_taken_as_it_is() -> None:
    after, _ = adopted(Known(), view(), at(hours=2), {})

    assert after.fields["status"] == Field(1, 1, 1)


# --- notes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("note", "touched"),
    [
        (NoteView(title="t", note_type=1, creator_id=US), None),
        (NoteView(title="t", note_type=13, creator_id=PERSON), None),
        (NoteView(title="t", note_type=1, creator_id=PERSON), "resource 77 wrote a note"),
        (NoteView(title="t", note_type=1), "somebody wrote a note"),
        (NoteView(title="t", note_type=3, creator_id=US, by_contact=True), "the customer wrote a note"),
    ],
    ids=["ours", "a workflow rule's", "a person's", "nobody knows whose", "the customer's"],
)
def test_notes(note: NoteView, touched: str | None) -> None:
    after, told = observe_work(known(), [note], began_at=at(hours=1), ours=OURS)

    assert told == ((Touched(touched),) if touched else ())
    assert after.clean_at == (None if touched else at(hours=1))


@pytest.mark.parametrize(
    ("entered", "touched"),
    [
        ({US}, None),
        ({US, PERSON}, "resource 77 entered time"),
        ({0}, "somebody entered time"),
    ],
    ids=["ours", "a person's", "nobody knows whose"],
)
def test_time_entries(entered: set[int], touched: str | None) -> None:
    after, told = observe_work(known(), [], entered=frozenset(entered), began_at=at(hours=1), ours=OURS)

    assert told == ((Touched(touched),) if touched else ())
    assert after.clean_at == (None if touched else at(hours=1))


def test_a_note_is_known_by_its_mark() -> None:
    notes = [NoteView(title=note_title("1 firing", "r-n31"), note_type=1), NoteView(title="x", note_type=1)]

    assert holds_mark(notes, "r-n31")
    assert not holds_mark(notes, "r-n3")


@pytest.mark.parametrize(
    ("asked", "applied"),
    [({"status": 1}, True), ({"status": 1, "queue": 8}, True), ({"status": 5}, False), ({"other": 1}, False)],
)
def test_a_change_stands_where_all_its_fields_do(asked: dict[str, int], applied: bool) -> None:
    assert applied_fields(asked, view()) is applied


# --- what our own notes and tags could hide -----------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "is_touch"),
    [
        pytest.param({"fields": {"status": 8}}, True, id="a status set before our note is a person's"),
        pytest.param({"assignee_id": 9}, True, id="an assignment made before our note is a person's"),
        pytest.param({}, False, id="our note alone is nobody's touch"),
    ],
)
def test_our_note_hides_nothing(changes: dict[str, Any], is_touch: bool) -> None:
    noted = known(wrote_at=at(hours=1), patched_at=T0)
    shown = view(last_activity_at=at(hours=1), last_activity_by=US, **changes)
    _, told = observe_ticket(noted, shown, began_at=at(hours=2), ours=OURS, done=DONE, own=US)

    assert bool(told) is is_touch


@pytest.mark.parametrize(
    ("created_at", "last_clean", "activity_by", "clean_at"),
    [
        pytest.param(at(minutes=58), None, US, at(hours=2), id="tags right after the create hide nothing"),
        pytest.param(at(minutes=57), None, US, None, id="tags that came late hide what came before them"),
        pytest.param(None, None, US, at(hours=2), id="of a forgotten ticket the adoption was the evidence"),
        pytest.param(T0, T0, US, T0, id="a later note hides what came before it"),
        pytest.param(T0, T0, None, T0, id="whoever is shown as the last"),
        pytest.param(T0, at(minutes=90), US, at(hours=2), id="a clean read after it was evidence already"),
    ],
)
def test_evidence_has_no_gap(
    created_at: datetime | None,
    last_clean: datetime | None,
    activity_by: int | None,
    clean_at: datetime | None,
) -> None:
    noted = known(wrote_at=at(hours=1), patched_at=T0, clean_at=last_clean, created_at=created_at)
    shown = view(last_activity_at=at(hours=1, minutes=20), last_activity_by=activity_by)
    after, told = observe_ticket(noted, shown, began_at=at(hours=2), ours=OURS, done=DONE, own=US)

    assert (after.clean_at, told) == (clean_at, ())


def test_our_note_does_not_hide_that_somebody_completed_what_was_theirs_already() -> None:
    taken = known(fields={"status": Field(1, 1, 8)}, wrote_at=at(hours=1), patched_at=T0)
    shown = view(last_activity_at=at(hours=1), last_activity_by=US, fields={"status": DONE})
    _, told = observe_ticket(taken, shown, began_at=at(hours=2), ours=OURS, done=DONE)

    assert told == (CompletedByPerson(),)


def test_what_differs_soon_after_our_patch_is_a_workflow_rules() -> None:
    patched = known(wrote_at=at(hours=1), patched_at=at(hours=1))
    shown = view(last_activity_at=at(hours=1, minutes=1), last_activity_by=WORKFLOW, fields={"status": 8})
    after, told = observe_ticket(patched, shown, began_at=at(hours=2), ours=OURS, done=DONE, own=US)

    assert told == ()
    assert after.fields["status"].ours


# --- a person's word ----------------------------------------------------------------------------------

WONT_FIX = 17


def test_a_status_that_says_wont_fix_is_a_lasting_completion() -> None:
    shown = by_person(fields={"status": WONT_FIX}, wont_fix=True)
    _, told = seen(known(), shown)

    assert told[0] == CompletedByPerson(lasting=True)


def test_a_person_who_opens_it_again_is_heard_once() -> None:
    over = by_person(fields={"status": DONE})
    open_again = by_person(fields={"status": 8})
    completed, _ = seen(known(), over)
    reopened, told = seen(completed, open_again)
    _, nothing = seen(reopened, open_again)

    assert completed.ended_by_person
    assert Reopened() in told
    assert not reopened.ended_by_person
    assert Reopened() not in nothing


def test_a_survivor_is_known_as_it_stands_and_not_ours() -> None:
    there = follow_survivor(known(noted=3, tags={"alertd": 1}), view(id=777, reference=None, assignee_id=4))

    assert there.ticket is not None
    assert (there.ticket.id, there.foreign, there.verified, there.noted, there.tags) == (
        777,
        True,
        True,
        3,
        {},
    )
    assert all(field.ours for field in there.fields.values())
