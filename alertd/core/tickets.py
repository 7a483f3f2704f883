"""Tickets as levels: what we want in Autotask, and what Autotask last confirmed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, TypeAlias

import msgspec

FieldName: TypeAlias = Literal["status", "priority", "queue"]

SEARCH_LAG = timedelta(seconds=30)  # a read counts only if it began this long after our last write
BASELINE = timedelta(minutes=2)  # workflow rules edit tickets this soon after us; that is nobody's touch
UNKNOWN_WINDOW = timedelta(minutes=6)  # Autotask may work on a request for about five minutes
LOOK_AT = (5 / 360, 15 / 360, 45 / 360, 120 / 360, 1.0)  # looks after an unclear answer: shares of the window
EARLIEST_ABSENCE = 60 / 360  # with a fresh canary, absence may be believed after this share of the window
LOOKS_FOR_ABSENCE = 3
CREATES_BEFORE_PARKING = 3  # unclear answers to the same create, each proved absent, before a person is asked
READ_BACK_AT = (timedelta(), timedelta(seconds=5), timedelta(seconds=15), timedelta(seconds=45))


class Ticket(msgspec.Struct, frozen=True):
    """A ticket that stands in Autotask."""

    id: int
    number: str = ""  # T20261123.0001; empty until read back


class TicketField(msgspec.Struct, frozen=True, kw_only=True):
    """A user-defined field of the tenant's tickets, and the template of what we write into it."""

    name: str
    template: str
    longest: int = 0  # characters it takes; 0: as many as one likes
    value_by_label: dict[str, str] | None = None  # of a list, by label in lower case; None: it takes any text


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """A configured board, resolved against the tenant: Autotask's ids."""

    name: str
    queue_id: int
    priority_by_severity: dict[str, int]
    status_new: int
    status_done: int
    statuses_wont_fix: frozenset[int] = frozenset()
    source_id: int | None = None
    category_id: int | None = None
    ticket_type_id: int | None = None
    issue_id: int | None = None
    sub_issue_id: int | None = None
    sla_id: int | None = None
    contract: int | str | None = None  # of the ticket's company, which is not known before there is a ticket
    contact: int | str | None = None  # likewise
    location: int | str | None = None  # likewise
    resource_id: int | None = None  # with a role, or neither
    role_id: int | None = None
    due_by_severity: dict[str, timedelta] = {}  # after the ticket is made
    udfs: tuple[TicketField, ...] = ()
    usual_priority: int | None = None  # what the tenant gives a ticket whose priority it does not take
    tags: tuple[str, ...] = ()
    state_tags: dict[str, str] = {}
    title_template: str | None = None
    description_template: str | None = None
    instead_of: str = ""  # the board that was asked for, when this one stands in for it


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """What one incident wants in Autotask. Ids are Autotask's own, resolved by the board."""

    ticket: bool
    reference: str
    status: int | None  # None: a person closed it, leave it be
    done: bool  # the status asked for completes the ticket
    priority: int
    queue: int
    tags: frozenset[str] = frozenset()
    vocabulary: frozenset[str] = frozenset()  # every tag that is ours to remove
    revision: int = 0  # what a description written now would cover
    noted: int = 0  # revision up to which the ticket's notes should speak
    told_by_priority: bool = False  # … and all that they would say is what the priority shows, if it is ours
    stands_in: bool = False  # its board stands in for the one asked for: what is elsewhere already stays
    needs_clean: bool = False  # completing needs evidence that nobody has touched it


class Create(msgspec.Struct, frozen=True, tag=True):
    """Make the ticket. `revision` is what its description covers."""

    reference: str
    revision: int
    fields: dict[str, int] = {}  # what it asks for; the status is the board's where the level names none


class Look(msgspec.Struct, frozen=True, tag=True):
    """Ask whether an operation with an unclear outcome was applied."""


class Adopt(msgspec.Struct, frozen=True, tag=True):
    """In a store that may have forgotten tickets: look for this incident's before the first create."""

    reference: str


class Verify(msgspec.Struct, frozen=True, tag=True):
    """Read the new ticket back and compare, since duplicate handling may have answered with another."""

    ticket_id: int
    single: bool  # the batched query has not seen it: read this one alone


class Change(msgspec.Struct, frozen=True, tag=True):
    """Change fields that are ours, in one PATCH."""

    ticket_id: int
    fields: dict[str, int]
    completes: bool = False  # carries the resolution text


class Note(msgspec.Struct, frozen=True, tag=True):
    """Add the note that speaks of changes up to `upto`. `mark` is in its title, so a look can find it."""

    ticket_id: int
    upto: int
    mark: str
    after: int = 0  # speaks of the changes in (after, upto]


class AddTag(msgspec.Struct, frozen=True, tag=True):
    """Put one tag on the ticket."""

    ticket_id: int
    label: str


class RemoveTag(msgspec.Struct, frozen=True, tag=True):
    """Take one of our own tags off the ticket."""

    ticket_id: int
    label: str
    association_id: int


class Reread(msgspec.Struct, frozen=True, tag=True):
    """Read a completed ticket before it is reopened: nobody has watched it since."""

    ticket_id: int


class CheckTouched(msgspec.Struct, frozen=True, tag=True):
    """Ask for people's notes before completing, where our own write hides what the last sync saw."""

    ticket_id: int


Writing: TypeAlias = Create | Change | Note | AddTag | RemoveTag
Operation: TypeAlias = Writing | Look | Adopt | Verify | Reread | CheckTouched


class Intent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A write that was committed to before it was sent. Found without an outcome, it is looked for."""

    operation: Writing
    begun_at: datetime
    text: str = ""  # a note's text, frozen: a late double must be the same note
    looks: int = 0
    unclear_at: datetime | None = None  # when the answer turned out unclear; None: in flight, or we died
    looked_at: datetime | None = None


class Field(msgspec.Struct, frozen=True):
    """One field of the ticket that is ours until somebody else changes it."""

    asked: int  # what we last asked for
    written: int  # what stood after our write and the workflow rules it set off
    seen: int  # last read

    @property
    def ours(self) -> bool:
        """Whether nobody else has changed it since."""
        return self.seen == self.written


class Repair(msgspec.Struct, frozen=True):
    """Autotask refused a create for its values: the next one asks for less, and there is no third."""

    reason: str  # Autotask's own words
    about: tuple[str, ...] = ()  # the parts of the ticket that they name; none: they do not say


class Known(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The level Autotask last confirmed for one generation of an incident."""

    ticket: Ticket | None = None
    verified: bool = False
    reads: int = 0  # read-backs that have not seen the ticket yet
    foreign: bool = False  # duplicate handling answered with a ticket that is not ours to complete
    adoption_checked: bool = False  # a store that may have forgotten has looked for this one
    doubted: bool = False  # a create was refused, by a text that we may have misread: look before the next
    created_at: datetime | None = None  # not before it was asked for: so a canary never looks too fresh
    fields: dict[str, Field] = {}
    tags: dict[str, int] = {}  # label to association id
    noted: int = 0
    noted_at: datetime | None = None  # when a note last went on
    wrote_at: datetime | None = None
    patched_at: datetime | None = None  # when we last wrote its fields, by create or PATCH
    clean_at: datetime | None = None  # begin of the last read that proved nobody had touched it
    reread_at: datetime | None = None  # begin of the read that came before a reopening
    assignee_id: int | None = None
    ended_by_person: bool = False  # as last seen: completed, or set to a status that says "won't fix"
    missing: int = 0  # reads in a row that a working query did not show it
    intent: Intent | None = None
    attempts: int = 0  # failures in a row
    retry_at: datetime | None = None
    held_as: int | None = (
        None  # class of the call that was held back until then: those before it need not wait
    )
    unclear_creates: int = 0  # creates in a row whose answer was unclear and that were proved absent
    repair: Repair | None = None  # the create was refused once, and is to be tried with less
    parked: str | None = None  # Autotask's reason for refusing; a person or a changed level tries again
    parked_level: str | None = None  # the level that was refused
    refused: dict[str, str] = {}  # notes, or single tags, that Autotask refuses: part to mark of the terms

    @property
    def may_stand(self) -> bool:
        """Whether a ticket stands, or a create has been committed to: it can be held back no more."""
        return self.intent is not None or self.ticket is not None
