"""An Autotask that answers at once and never refuses: what settling comes to, for tests and replays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from alertd.core import observing, outcomes
from alertd.core.deciding import decide
from alertd.core.incidents import Change as IncidentChange
from alertd.core.incidents import Completed, Incident, Noted, Reopened
from alertd.core.levels import desired, known_for
from alertd.core.settling import Next, Settled, Terms, WaitUntil, next_operation
from alertd.core.tickets import (
    AddTag,
    Adopt,
    Board,
    Change,
    CheckTouched,
    Create,
    Known,
    Level,
    Note,
    Operation,
    RemoveTag,
    Reread,
    Verify,
)

Pressure: TypeAlias = Literal["green", "yellow", "orange", "red"]
CallName: TypeAlias = Literal["create", "note", "tag", "untag", "change", "complete", "check", "read back"]

TERMS = Terms(unknown_window=timedelta(minutes=6))
WATCHED_AFTER = timedelta(seconds=90)  # by then the sync, once a minute, has shown that nobody touched it
_SOON = timedelta(microseconds=1)


class Row(msgspec.Struct, frozen=True):
    """An incident with what is known of its ticket."""

    incident: Incident
    known: Known = Known()
    withheld: str = ""  # the call that pressure keeps back; empty: none


class Made(msgspec.Struct, frozen=True):
    """One call, and the row that it left."""

    name: CallName
    row: Row
    level: Level


class IdealDesk:
    """Settles incidents, each to the end at one instant. Numbers the tickets from 1.

    Args:
        instance: Configured name, part of the references.
        vocabulary: Every tag label that is ours.
        pressure: At red only critical creates and completions go; else everything does.
        note_interval: How far apart a ticket's notes are at least, whatever its route says.
    """

    def __init__(
        self,
        *,
        instance: str,
        vocabulary: frozenset[str],
        pressure: Pressure = "green",
        note_interval: timedelta = timedelta(),
    ) -> None:
        self._instance = instance
        self._vocabulary = vocabulary
        self._pressure = pressure
        self._terms = replace(TERMS, note_interval=note_interval)
        self._tickets = 0

    def settle(self, row: Row, board: Board, now: datetime) -> Iterator[Made]:
        """Yield the calls that bring the ticket to its level, in order."""
        while True:
            row = replace(row, known=_watched(row.known, now), withheld="")
            level = self._level(row, board)
            operation = self._next(row, level, now)
            if isinstance(operation, Settled | WaitUntil):
                return
            name = call_name(operation)
            if not self._may_go(operation, row.incident):
                yield Made(name, replace(row, withheld=name), level)
                return
            row = self._done(operation, row, level, board=board, now=now)
            yield Made(name, row, level)

    def due_at(self, row: Row, board: Board, now: datetime) -> datetime | None:
        """Return when to settle it again although nothing has changed; None: there is no need."""
        if row.withheld or not self._terms.note_interval:
            return None
        following = next_operation(self._level(row, board), row.known, now=now, terms=self._terms)
        return following.at if isinstance(following, WaitUntil) else None

    def _level(self, row: Row, board: Board) -> Level:
        return desired(row.incident, board, instance=self._instance, vocabulary=self._vocabulary)

    def _next(self, row: Row, level: Level, now: datetime) -> Next:
        """What is next; where that has to wait, what goes before it and need not wait with it."""
        following = next_operation(level, row.known, now=now, terms=self._terms)
        if isinstance(following, Settled | WaitUntil) or self._may_go(following, row.incident):
            return following
        urgent = next_operation(level, row.known, now=now, terms=replace(self._terms, bare=True))
        return following if isinstance(urgent, Settled | WaitUntil) else urgent

    def _may_go(self, operation: Operation, incident: Incident) -> bool:
        return self._pressure != "red" or _goes_at_red(operation, incident)

    def _done(self, operation: Operation, row: Row, level: Level, *, board: Board, now: datetime) -> Row:
        known, changes = self._answered(operation, row.known, level, board=board, now=now)
        incident = row.incident
        for change in changes:
            incident = decide(incident, change, now=now)
        return Row(incident, known_for(known, before=row.incident, after=incident))

    def _answered(
        self, operation: Operation, known: Known, level: Level, *, board: Board, now: datetime
    ) -> tuple[Known, tuple[IncidentChange, ...]]:
        """Return what the answer makes known, and what it tells the incident."""
        match operation:
            case Create():
                return self._created(operation, known, level, board=board, now=now)
            case Verify(ticket_id):
                fields = {name: field.seen for name, field in known.fields.items()}
                view = observing.TicketView(
                    id=ticket_id, number=f"planned-{ticket_id}", reference=level.reference, fields=fields
                )
                return observing.read_back(known, view, reference=level.reference, done=board.status_done)
            case Change():
                return outcomes.changed(known, operation, now=now), _told_by(operation)
            case Note():
                return outcomes.noted(known, operation, now=now), (Noted(operation.upto),)
            case AddTag():
                return outcomes.tagged(known, operation, len(known.tags) + 1, now=now), ()
            case RemoveTag():
                return outcomes.untagged(known, operation, now=now), ()
            case _:
                return _read(operation, known, now), ()

    def _created(
        self, operation: Create, known: Known, level: Level, *, board: Board, now: datetime
    ) -> tuple[Known, tuple[IncidentChange, ...]]:
        self._tickets += 1
        fields = {"status": board.status_new, **operation.fields}
        begun = outcomes.begin(known, operation, now=now)
        made = outcomes.created(begun, self._tickets, revision=operation.revision, fields=fields, now=now)
        return made, (Completed(),) if level.done else ()


def call_name(operation: Operation) -> CallName:
    """Return the call's name in reports: what is read before the next write is a check."""
    match operation:
        case Create():
            return "create"
        case Note():
            return "note"
        case AddTag():
            return "tag"
        case RemoveTag():
            return "untag"
        case Change(completes=completes):
            return "complete" if completes else "change"
        case Verify():
            return "read back"
        case _:
            return "check"


def _read(operation: Operation, known: Known, now: datetime) -> Known:
    """Nobody has been at the ticket, and there is no other: that is what reads come to here."""
    if isinstance(operation, Adopt):
        return outcomes.may_create(known)
    if isinstance(operation, Reread):
        return replace(known, reread_at=now + _SOON)
    return replace(known, clean_at=now)  # an answer that is always clear asks for no look


def _told_by(operation: Change) -> tuple[IncidentChange, ...]:
    if operation.completes:
        return (Completed(),)
    return (Reopened(),) if "status" in operation.fields else ()


def _goes_at_red(operation: Operation, incident: Incident) -> bool:
    match operation:
        case CheckTouched() | Change(completes=True):
            return True
        case Create() | Adopt() | Verify() | Reread():
            return incident.severity.rank == 0
        case _:
            return False


def _watched(known: Known, now: datetime) -> Known:
    """The sync has read the ticket since our last write, if that is long enough ago."""
    if known.wrote_at is None or now - known.wrote_at < WATCHED_AFTER:
        return known
    return replace(known, clean_at=now)
