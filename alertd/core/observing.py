"""What a read of the ticket tells: who owns which field, who has worked on it, whether it is still there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec
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
from alertd.core.tickets import BASELINE, SEARCH_LAG, Field, Known, Ticket

WORKFLOW_NOTE_TYPES = frozenset({13, 15, 91})  # workflow rule note, duplicate ticket note, workflow action
SWALLOWED = (
    "Autotask's duplicate handling answered with {number}, which is complete: nobody will look at it there."
    " Reopen it, or narrow the duplicate handling."
)
MISSES_UNTIL_GONE = 2


class TicketView(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a ticket that decisions rest on."""

    id: int
    number: str
    reference: str | None
    fields: dict[str, int]  # status, priority, queue
    assignee_id: int | None = None
    last_activity_at: datetime | None = None
    last_activity_by: int | None = None
    wont_fix: bool = False  # its status is one of those that say so


class Patience(msgspec.Struct, frozen=True):
    """How long after our own write a read proves nothing, and a change is nobody's touch."""

    search_lag: timedelta = SEARCH_LAG
    baseline: timedelta = BASELINE


PATIENCE = Patience()


class NoteView(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a note that decisions rest on."""

    title: str
    note_type: int
    creator_id: int | None = None
    by_contact: bool = False


def read_back(
    known: Known, view: TicketView | None, *, reference: str, done: int
) -> tuple[Known, tuple[Change, ...]]:
    """Compare a fresh ticket with what was asked for; duplicate handling may have answered with another.

    Its fields are no evidence yet: what differs is judged by the first read that counts.
    """
    assert known.ticket is not None  # noqa: S101 - only a ticket is read back
    if view is None:
        return replace(known, reads=known.reads + 1), ()
    ticket = Ticket(view.id, view.number)
    linked = Linked(ticket, known.noted)
    if view.reference != reference:
        fields = {name: _written(value) for name, value in view.fields.items()}
        foreign = replace(
            known, ticket=ticket, verified=True, foreign=True, fields=fields, assignee_id=view.assignee_id
        )
        if view.fields.get("status") == done:
            foreign = replace(foreign, parked=SWALLOWED.format(number=view.number))
        return foreign, (linked, FoundForeign())
    ours = replace(known, ticket=ticket, verified=True, assignee_id=view.assignee_id)
    return ours, (linked,)


def adopt(
    known: Known,
    view: TicketView,
    *,
    asked: Mapping[str, int],
    revision: int,
    now: datetime,
    ours: frozenset[int],
    done: int,
) -> tuple[Known, tuple[Change, ...]]:
    """Take over a ticket that carries our reference: made by a create whose answer we never read.

    Args:
        known: With the create's intent; without one the ticket is from a time that this store has forgotten.
        view: What Autotask showed.
        asked: Fields that its create asked for, or would ask for now. What differs is judged as in any
            read: people may have worked on the ticket since.
        revision: What its description covers.
        now: When the look began.
        ours: As for `observe_ticket`.
        done: As for `observe_ticket`.
    """
    ticket, intent = Ticket(view.id, view.number), known.intent
    began_at = intent.begun_at if intent is not None else None
    adopted = replace(
        known,
        ticket=ticket,
        verified=True,
        intent=None,
        attempts=0,
        retry_at=None,
        parked=None,
        parked_level=None,
        unclear_creates=0,
        repair=None,
        created_at=began_at,
        wrote_at=began_at,
        patched_at=began_at,
        noted=revision,
        fields={name: _written(asked.get(name, value)) for name, value in view.fields.items()},
        assignee_id=view.assignee_id,
        adoption_checked=True,
        doubted=False,
    )
    born_complete = (Completed(),) if asked.get("status") == done else ()
    seen, changes = observe_ticket(adopted, view, began_at=now, ours=ours, done=done)
    return seen, (Linked(ticket, revision), *born_complete, *changes)


def observe_ticket(
    known: Known,
    view: TicketView,
    *,
    began_at: datetime,
    ours: frozenset[int],
    done: int,
    own: int | None = None,
    patience: Patience = PATIENCE,
) -> tuple[Known, tuple[Change, ...]]:
    """Fold a read of a live ticket into what is known.

    Args:
        known: With the ticket read back.
        view: What Autotask showed.
        began_at: When the read began; one that began too soon after our last write proves nothing.
        ours: Resource ids whose edits are nobody's touch: our own and the configured ones.
        done: Status id of the board's completed tickets.
        own: Our own resource id, where it is known: our notes and tags must not hide what people changed.
        patience: How long after our own write a read proves nothing.
    """
    here = replace(known, missing=0)
    if here.intent is not None:
        return here, ()  # what differs may be what this write has changed
    if here.wrote_at is not None and began_at <= here.wrote_at + patience.search_lag:
        return here, ()
    innocent = ours - {own} if _differs(here, view) else ours
    if _is_baseline(here, view, innocent, patience.baseline):
        fields = {name: _baseline(here.fields.get(name), value) for name, value in view.fields.items()}
        clean_at = _clean_until(here, began_at, patience.baseline)
        clean = replace(here, fields=fields, assignee_id=view.assignee_id, clean_at=clean_at)
        completion = _completion(here, view, done)
        return _with_ending(clean, completion), completion
    fields = {name: _seen(here.fields.get(name), value) for name, value in view.fields.items()}
    completion = _completion(here, view, done)
    after = _with_ending(replace(here, fields=fields, assignee_id=view.assignee_id), completion)
    touched = _touch(here, after, view, ours)
    if touched is None:
        return replace(after, clean_at=_clean_until(here, began_at, patience.baseline)), completion
    return after, (*completion, touched)


def reread(
    known: Known,
    view: TicketView | None,
    *,
    began_at: datetime,
    ours: frozenset[int],
    done: int,
    own: int | None,
) -> tuple[Known, tuple[Change, ...]]:
    """Fold the read that comes before a reopening; `view` None: not there, which the reopening will tell.

    Where a person has reopened it before us, it is open already, and his.
    """
    if view is None:
        return replace(known, reread_at=began_at), ()
    after, changes = observe_ticket(known, view, began_at=began_at, ours=ours, done=done, own=own)
    status = after.fields.get("status")
    if status is None or status.seen == done or status.ours:
        return replace(after, reread_at=began_at), changes
    fields = {**after.fields, "status": replace(status, asked=status.seen)}  # completed anew, it is not by us
    return replace(after, fields=fields, reread_at=began_at), (Reopened(), *changes)


def observe_absence(known: Known) -> tuple[Known, tuple[Change, ...]]:
    """A query that works, and a read by its id, did not show the ticket. Twice in a row: it is gone."""
    after = replace(known, missing=known.missing + 1)
    if after.missing < MISSES_UNTIL_GONE:
        return after, ()
    return replace(after, intent=None), (Gone(),)  # whether the last write was applied is all the same now


def observe_work(
    known: Known,
    notes: Iterable[NoteView],
    *,
    entered: frozenset[int] = frozenset(),
    began_at: datetime,
    ours: frozenset[int],
) -> tuple[Known, tuple[Change, ...]]:
    """Fold what hangs on the ticket: a note or time by anybody but us or a workflow rule is a touch.

    Args:
        known: With the ticket read back.
        notes: All of the ticket's.
        entered: Whose time is entered on it: resource ids, 0 for nobody known.
        began_at: When the reads began.
        ours: As for `observe_ticket`.
    """
    for note in notes:
        if note.by_contact:
            return known, (Touched("the customer wrote a note"),)
        if note.note_type not in WORKFLOW_NOTE_TYPES and note.creator_id not in ours:
            return known, (Touched(_somebody(note.creator_id, "wrote a note")),)
    if workers := sorted(entered - ours):
        return known, (Touched(_somebody(workers[-1] or None, "entered time")),)
    return replace(known, clean_at=began_at), ()


def holds_mark(notes: Iterable[NoteView], mark: str) -> bool:
    """Whether one of the notes is the one with this mark in its title."""
    return any(f"[{mark}]" in note.title for note in notes)


def applied_fields(asked: Mapping[str, int], view: TicketView) -> bool:
    """Whether a PATCH whose answer was unclear stands: as a whole, if any of it does.

    It holds only what differed. What else differs by now is the doing of rules, or of people.
    """
    return any(view.fields.get(name) == value for name, value in asked.items())


def _differs(known: Known, view: TicketView) -> bool:
    """Whether the ticket's fields or assignment are not as last seen."""
    seen = {name: field.seen for name, field in known.fields.items()}
    return view.assignee_id != known.assignee_id or view.fields != {**view.fields, **seen}


def _is_baseline(known: Known, view: TicketView, innocent: frozenset[int], baseline: timedelta) -> bool:
    """Whether workflow rules, or nobody, made the ticket what it is.

    They answer a create or a change of fields; what differs after a mere note or tag is a person's doing.
    """
    if view.last_activity_at is None or known.wrote_at is None:
        return False
    since = known.patched_at if _differs(known, view) else known.wrote_at
    by_rules = since is not None and view.last_activity_at <= since + baseline
    return view.last_activity_by in innocent or by_rules


def _clean_until(known: Known, began_at: datetime, baseline: timedelta) -> datetime | None:
    """Until when a read without a touch proves that there was none.

    A ticket shows its last activity only. Where we wrote after an earlier clean read, or long after the
    create, our write hides what a person did in between: before it is completed its notes are asked for.
    """
    if known.wrote_at is None:
        return began_at
    if known.clean_at is None:
        hides = known.created_at is not None and known.wrote_at > known.created_at + baseline
    else:
        hides = known.wrote_at > known.clean_at
    return known.clean_at if hides else began_at


def _baseline(field: Field | None, value: int) -> Field:
    """What workflow rules made of it is ours; what a person had taken before that stays theirs."""
    if field is None or not field.ours:
        return _seen(field, value)
    return Field(field.asked, value, value)


def _written(value: int) -> Field:
    return Field(value, value, value)


def _seen(field: Field | None, value: int) -> Field:
    return _written(value) if field is None else replace(field, seen=value)


def _touch(before: Known, after: Known, view: TicketView, ours: frozenset[int]) -> Touched | None:
    taken = [name for name, field in after.fields.items() if not field.ours]
    newly = [name for name in taken if name not in before.fields or before.fields[name].ours]
    if newly:
        return Touched(_somebody(view.last_activity_by, f"changed {', '.join(newly)}"), "status" in newly)
    if after.assignee_id != before.assignee_id:
        return Touched(_somebody(view.last_activity_by, "changed the assignment"))
    if view.last_activity_by is not None and view.last_activity_by not in ours:
        return Touched(_somebody(view.last_activity_by, "worked on it"))
    return None


def _completion(before: Known, view: TicketView, done: int) -> tuple[Change, ...]:
    """Whether a person has ended the ticket since it was last seen, or taken it up again."""
    known, status = before.fields.get("status"), view.fields.get("status")
    if status != done and not view.wont_fix:
        return (Reopened(),) if before.ended_by_person else ()
    if known is not None and status in (known.asked, known.seen):
        return ()
    return (CompletedByPerson(lasting=view.wont_fix),)


def _with_ending(known: Known, completion: tuple[Change, ...]) -> Known:
    """Remember whether a person has ended it."""
    return (
        replace(known, ended_by_person=isinstance(completion[0], CompletedByPerson)) if completion else known
    )


def follow_survivor(known: Known, survivor: TicketView) -> Known:
    """What is known after a person merged the ticket into this one: it stands, and is not ours."""
    return Known(
        ticket=Ticket(survivor.id, survivor.number),
        verified=True,
        foreign=True,
        adoption_checked=True,
        fields={name: _written(value) for name, value in survivor.fields.items()},
        assignee_id=survivor.assignee_id,
        noted=known.noted,
    )


def _somebody(resource_id: int | None, did: str) -> str:
    return f"somebody {did}" if resource_id is None else f"resource {resource_id} {did}"
