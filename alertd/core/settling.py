"""The next operation between desired and known.

`next_operation` is asked again after every outcome, so nothing here is a queue: a crash, a retry or a
change of mind only changes what it answers next.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from alertd.core.tickets import (
    LOOK_AT,
    READ_BACK_AT,
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
    Operation,
    RemoveTag,
    Reread,
    Verify,
    Writing,
)

MOST_TAGS = 30  # Autotask's limit for one ticket
NOTES = "notes"
ASK_AGAIN = timedelta(minutes=5)  # whether a note has to wait still


class WaitUntil(msgspec.Struct, frozen=True):
    """Nothing to do before `at`."""

    at: datetime


class Settled(msgspec.Struct, frozen=True):
    """Desired and known are equal, or the difference is not ours to mend."""


Next = Operation | WaitUntil | Settled


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the settling of one incident depends on beside its levels."""

    unknown_window: timedelta
    adopt_first: bool = False  # this store may have forgotten tickets: look before the first create
    mark: str = ""  # changes with configuration and metadata: what was refused may then be tried again
    unwatched_since: datetime | None = None  # nobody has seen since what people do to tickets
    note_interval: timedelta = timedelta()  # between two notes, however often their incident asks for one
    bare: bool = False  # tags and notes have to wait, and what else there is to do does not wait for them


def next_operation(level: Level, known: Known, *, now: datetime, terms: Terms) -> Next:
    """Name the one call that brings known nearer to desired, or say when to ask again."""
    if known.retry_at is not None and now < known.retry_at:
        return WaitUntil(known.retry_at)
    if known.intent is not None:
        return _look_at_intent(known.intent, now, terms)
    if not level.ticket and known.ticket is None:
        return Settled()
    if known.parked is not None and known.parked_level in (None, fingerprint(level, terms.mark)):
        return Settled()  # without a level, only a person can mend it
    if known.ticket is None:
        if known.doubted or (terms.adopt_first and not known.adoption_checked):
            return Adopt(level.reference)
        return Create(level.reference, revision=level.revision, fields=_wanted_fields(level))
    if not known.verified:
        return _read_back(known, now)
    return _bring_nearer(level, known, terms, now)


def fingerprint(level: Level, mark: str) -> str:
    """Return what a refusal is remembered by: as long as it is the same, the same call is not repeated."""
    tags = ",".join(sorted(level.tags))
    return f"{level.reference}|{level.status}|{level.priority}|{level.queue}|{tags}|{level.noted}|{mark}"


def _look_at_intent(intent: Intent, now: datetime, terms: Terms) -> Next:
    if intent.unclear_at is None:  # we died between intent and outcome: unclear from now on
        return Look()
    at = next_look_at(intent, terms.unknown_window)
    return Look() if now >= at else WaitUntil(at)


def next_look_at(intent: Intent, window: timedelta) -> datetime:
    """Return when to look next. Looks come at growing distances; after the window, one every window."""
    began = intent.unclear_at or intent.begun_at
    if intent.looks < len(LOOK_AT):
        return began + window * LOOK_AT[intent.looks]
    return (intent.looked_at or began) + window


def _read_back(known: Known, now: datetime) -> Next:
    assert known.ticket is not None  # noqa: S101 - narrows for mypy; the caller asked
    at = (known.created_at or now) + _read_back_after(known.reads)
    if now < at:
        return WaitUntil(at)
    return Verify(known.ticket.id, single=known.reads >= 2)


def _read_back_after(reads: int) -> timedelta:
    """How long after the create it is read back again: at growing distances, about hourly after a day."""
    if reads < len(READ_BACK_AT):
        return READ_BACK_AT[reads]
    further = reads - len(READ_BACK_AT) + 2
    return READ_BACK_AT[-1] * further * further


def _bring_nearer(level: Level, known: Known, terms: Terms, now: datetime) -> Next:
    """Reopen and raise first, then tags and notes, and complete last of all."""
    assert known.ticket is not None  # noqa: S101 - narrows for mypy; the caller asked
    ticket_id = known.ticket.id
    changes = {} if known.foreign else _field_changes(level, known)
    completing = level.done and "status" in changes
    if "status" in changes and not completing and not _is_reread(known):
        return Reread(ticket_id)
    if changes and not completing:
        return Change(ticket_id, changes)
    told = None if terms.bare else _tag_or_note(level, known, terms.mark)
    note_at = _note_at(known, terms) if isinstance(told, Note) else None
    if told is not None and (note_at is None or now >= note_at):
        return told
    if not completing:
        return Settled() if note_at is None else WaitUntil(min(note_at, now + ASK_AGAIN))
    if level.needs_clean and not _is_clean(known, terms):
        return CheckTouched(ticket_id)
    return Change(ticket_id, changes, completes=True)


def _note_at(known: Known, terms: Terms) -> datetime | None:
    """When calls are scarce enough for notes to wait, and the last one is not long ago: until when."""
    last_at = known.noted_at or known.created_at
    return last_at + terms.note_interval if terms.note_interval and last_at is not None else None


def _tag_or_note(level: Level, known: Known, mark: str) -> AddTag | RemoveTag | Note | None:
    assert known.ticket is not None  # noqa: S101 - narrows for mypy; the caller asked
    tag = None if known.foreign or _is_elsewhere(level, known) else _tag_change(level, known, mark)
    if tag is not None or level.noted <= known.noted or known.refused.get(NOTES) == mark:
        return tag
    if level.told_by_priority and _shows_priority(level, known):
        return None
    return Note(known.ticket.id, level.noted, mark=f"{level.reference}-n{level.noted}", after=known.noted)


def _shows_priority(level: Level, known: Known) -> bool:
    """Whether the ticket's priority is ours, and the one that the incident has come to."""
    field = known.fields.get("priority")
    return not known.foreign and field is not None and field.ours and field.asked == level.priority


def _field_changes(level: Level, known: Known) -> dict[str, int]:
    wanted = _wanted_fields(level)
    if _is_elsewhere(level, known):
        wanted = {name: value for name, value in wanted.items() if name == "status"}
    return {name: value for name, value in wanted.items() if _must_write(known.fields.get(name), value)}


def _is_elsewhere(level: Level, known: Known) -> bool:
    """Whether the ticket is still where its own board put it, and another stands in for that one now.

    Boards that share a queue count as one: the ticket is then where the stand-in would have put it.
    """
    queue = known.fields.get("queue")
    return level.stands_in and (queue is None or queue.asked != level.queue)


def _wanted_fields(level: Level) -> dict[str, int]:
    fields = {"priority": level.priority, "queue": level.queue}
    return fields if level.status is None else {"status": level.status, **fields}


def _must_write(field: Field | None, wanted: int) -> bool:
    """Whether `wanted` is new, not there yet, and the field still ours."""
    return field is not None and wanted not in (field.asked, field.seen) and field.ours


def _tag_change(level: Level, known: Known, mark: str) -> AddTag | RemoveTag | None:
    assert known.ticket is not None  # noqa: S101 - narrows for mypy; the caller asked
    refused = {label for label in level.tags | known.tags.keys() if known.refused.get(f"tag {label}") == mark}
    surplus = sorted((known.tags.keys() & level.vocabulary) - level.tags - refused)
    if surplus:
        return RemoveTag(known.ticket.id, surplus[0], known.tags[surplus[0]])
    missing = sorted(level.tags - known.tags.keys() - refused)
    if missing and len(known.tags) < MOST_TAGS:
        return AddTag(known.ticket.id, missing[0])
    return None


def part_of(operation: Writing) -> str:
    """Return what a refusal of this operation is remembered for; empty: the ticket cannot do without it."""
    match operation:
        case Note():
            return NOTES
        case AddTag(label=label) | RemoveTag(label=label):
            return f"tag {label}"
        case _:
            return ""


def _is_clean(known: Known, terms: Terms) -> bool:
    """Whether a read that began after our last write has shown that nobody touched the ticket.

    While the sync is held back, what it saw last says nothing of now.
    """
    if known.clean_at is None or (known.wrote_at is not None and known.clean_at < known.wrote_at):
        return False
    return terms.unwatched_since is None or known.clean_at > terms.unwatched_since


def _is_reread(known: Known) -> bool:
    """Whether the completed ticket was read after our last write: until then nobody has watched it."""
    return known.reread_at is not None and (known.wrote_at is None or known.reread_at > known.wrote_at)
