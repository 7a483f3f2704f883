"""What the outcome of an operation makes known. Each function takes the known level and returns the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from msgspec.structs import replace

from alertd.core.tickets import (
    CREATES_BEFORE_PARKING,
    EARLIEST_ABSENCE,
    LOOKS_FOR_ABSENCE,
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

FIRST_RETRY = timedelta(seconds=1)
LAST_RETRY = timedelta(minutes=5)
REPAIR_AFTER = timedelta(seconds=1)  # meanwhile the tenant's metadata is read again

Verdict: TypeAlias = Literal["applied", "absent", "unclear"]


def begin(known: Known, operation: Writing, *, now: datetime, text: str = "") -> Known:
    """Commit to a write. Found without an outcome, it is looked for before anything else is done."""
    return replace(known, intent=Intent(operation=operation, begun_at=now, text=text))


def created(
    known: Known, ticket_id: int, *, revision: int, fields: Mapping[str, int], now: datetime
) -> Known:
    """The ticket stands, with these fields, and is still to be read back.

    Where a repair made it with others than the level asked for, those asked for are not asked for again.
    """
    operation = known.intent.operation if known.intent is not None else None
    asked = operation.fields if isinstance(operation, Create) else {}
    return replace(
        _done(known, now),
        ticket=Ticket(ticket_id),
        verified=False,
        reads=0,
        created_at=known.intent.begun_at if known.intent is not None else now,
        patched_at=now,
        noted=revision,
        unclear_creates=0,
        repair=None,
        fields={name: Field(asked.get(name, value), value, value) for name, value in fields.items()},
    )


def changed(known: Known, operation: Change, *, now: datetime) -> Known:
    """Autotask took the fields."""
    if not _is_about(known, operation.ticket_id):
        return known
    taken = {name: Field(value, value, value) for name, value in operation.fields.items()}
    return replace(_done(known, now), patched_at=now, fields={**known.fields, **taken})


def noted(known: Known, operation: Note, *, now: datetime) -> Known:
    """The note stands."""
    if not _is_about(known, operation.ticket_id):
        return known
    return replace(_done(known, now), noted=max(operation.upto, known.noted), noted_at=now)


def tagged(known: Known, operation: AddTag, association_id: int, *, now: datetime) -> Known:
    """The tag is on."""
    if not _is_about(known, operation.ticket_id):
        return known
    return replace(_done(known, now), tags={**known.tags, operation.label: association_id})


def untagged(known: Known, operation: RemoveTag, *, now: datetime) -> Known:
    """The tag is off."""
    if not _is_about(known, operation.ticket_id):
        return known
    left = {label: id_ for label, id_ in known.tags.items() if label != operation.label}
    return replace(_done(known, now), tags=left)


def unclear(known: Known, *, now: datetime) -> Known:
    """The write may have been applied: looks begin."""
    if known.intent is None:
        return known  # a new generation has left the ticket behind meanwhile
    began = known.intent.unclear_at or now
    return replace(known, intent=replace(known.intent, unclear_at=began), attempts=known.attempts + 1)


def looked(known: Known, *, now: datetime) -> Known:
    """A look has not settled the matter."""
    if known.intent is None:
        return known  # a new generation has left the ticket behind meanwhile
    began = known.intent.unclear_at or now
    intent = replace(known.intent, looks=known.intent.looks + 1, unclear_at=began, looked_at=now)
    return replace(known, intent=intent)


def not_applied(known: Known) -> Known:
    """It is certain that nothing was applied: the intent is void, and may be had again.

    Not at once where the answers keep being unclear: the distances grow as after any failure.
    """
    void, intent = replace(known, intent=None), known.intent
    if intent is None or intent.unclear_at is None:
        return void
    if isinstance(intent.operation, Create):
        return replace(void, unclear_creates=known.unclear_creates + 1)
    return replace(void, retry_at=intent.unclear_at + _growing_wait(known.attempts), held_as=None)


def held_back(
    known: Known, *, now: datetime, wait: timedelta | None, jitter: float, held_as: int | None = None
) -> Known:
    """Nothing was applied; try again after `wait`, or after a time that grows with each failure.

    Args:
        known: As before the failure.
        now: Present instant.
        wait: What the answer asked for, or None.
        jitter: Uniform in [0, 1): spreads the retries of many incidents.
        held_as: The class of a call that was only held back. A more urgent one need not wait with it.
    """
    after = read_failed(known, now=now, wait=wait, jitter=jitter, held_as=held_as)
    return replace(after, intent=None)


def read_failed(
    known: Known, *, now: datetime, wait: timedelta | None, jitter: float, held_as: int | None = None
) -> Known:
    """A reading operation failed: ask again later, as `held_back`. What is unclear stays unclear."""
    pause = wait if wait is not None else _growing_wait(known.attempts) * (0.5 + jitter / 2)
    attempts = known.attempts + (wait is None)  # to be held back is no failed try
    return replace(known, attempts=attempts, retry_at=now + pause, held_as=held_as)


def may_be_repaired(known: Known, reason: str, *, about: Iterable[str], now: datetime) -> Known:
    """Autotask refuses the create for its values: one that asks for less is tried, once."""
    return replace(
        known,
        intent=None,
        repair=Repair(reason, tuple(sorted(about))),
        doubted=True,
        attempts=0,
        retry_at=now + REPAIR_AFTER,
        held_as=None,
        unclear_creates=0,
    )


def refused(known: Known, reason: str, *, level: str) -> Known:
    """Autotask refuses the call as it stands: parked until the level, the terms or a person changes that."""
    return replace(
        known,
        intent=None,
        parked=reason,
        parked_level=level,
        doubted=known.ticket is None,
        repair=None,
        attempts=0,
        retry_at=None,
        unclear_creates=0,
    )


def refused_part(known: Known, part: str, *, mark: str) -> Known:
    """Autotask refuses notes, or one tag: the ticket goes on without, until the terms change."""
    refused = {**known.refused, part: mark}
    return replace(known, intent=None, refused=refused, attempts=0, retry_at=None)


def may_create(known: Known) -> Known:
    """A look has shown that no live ticket of this incident stands."""
    return replace(known, adoption_checked=True, doubted=False)


def unparked(known: Known) -> Known:
    """Somebody asks for another try."""
    return replace(
        known,
        parked=None,
        parked_level=None,
        repair=None,
        retry_at=None,
        attempts=0,
        unclear_creates=0,
        refused={},
    )


def gave_up_creating(known: Known) -> bool:
    """Whether creates keep ending unclear and absent: trying for ever would only burn the allowance."""
    return known.intent is None and known.unclear_creates >= CREATES_BEFORE_PARKING


def judge_create(
    intent: Intent, *, found: bool, rights_proved: bool, fresh_canary: bool, now: datetime, window: timedelta
) -> Verdict:
    """Say what a look after an unclear create proves.

    Args:
        intent: The create, with the looks that came before this one.
        found: A ticket with the reference was seen.
        rights_proved: The same query showed a ticket of ours, or there is other proof that we may see all.
        fresh_canary: It showed one of ours that was made after the attempt: the search has caught up.
        now: When the look began.
        window: How long Autotask may still be working on the request.
    """
    if found:
        return "applied"
    elapsed = now - (intent.unclear_at or now)
    if not rights_proved:
        return "unclear"
    if elapsed >= window:
        return "absent"
    early = fresh_canary and intent.looks + 1 >= LOOKS_FOR_ABSENCE and elapsed >= window * EARLIEST_ABSENCE
    return "absent" if early else "unclear"


def judge_note(intent: Intent, *, found: bool, now: datetime, window: timedelta) -> Verdict:
    """Say what a look after an unclear note proves: absence needs looks over longer than the search lag."""
    if found:
        return "applied"
    elapsed = now - (intent.unclear_at or now)
    patient = intent.looks + 1 >= LOOKS_FOR_ABSENCE and elapsed >= window * EARLIEST_ABSENCE
    return "absent" if patient else "unclear"


def _is_about(known: Known, ticket_id: int) -> bool:
    """Whether the outcome is of the present ticket, not of one that a new generation has left behind."""
    return known.ticket is not None and known.ticket.id == ticket_id


def _growing_wait(attempts: int) -> timedelta:
    return min(FIRST_RETRY * 2.0 ** min(attempts, 16), LAST_RETRY)


def _done(known: Known, now: datetime) -> Known:
    return replace(
        known,
        intent=None,
        attempts=0,
        retry_at=None,
        held_as=None,
        parked=None,
        parked_level=None,
        wrote_at=now,
    )
