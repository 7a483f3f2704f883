"""A tiny Autotask in memory, for the state machine. It keeps its own books, by which the tests judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from alertd.core.observing import NoteView, TicketView
from tests.core.incident_samples import BOARD, T0

US, WORKFLOW, PERSON = 10, 4, 77
OURS = frozenset({US})
NEW, DONE = BOARD.status_new, BOARD.status_done
WONT_FIX = 17
OVER = frozenset({DONE, WONT_FIX})
QUIET = 100  # a ticket that is watched and never changes: without one, nobody can tell what is gone

Fault: TypeAlias = Literal["lost before", "lost after", "lost, late", "unavailable", "rejected", "invalid"]


class Lost(Exception):
    """No reply came."""


class Unavailable(Exception):
    """Certainly not applied."""


class Rejected(Exception):
    """Refused for what it says."""


class Invalid(Rejected):
    """Refused for values that a create could do without."""


@dataclass
class Ticket:
    """One ticket, with books on who made of it what."""

    id: int
    reference: str
    fields: dict[str, int]
    seen_from: datetime  # search shows it from then on
    assignee: int | None = None
    activity_at: datetime = T0
    activity_by: int = US
    notes: list[NoteView] = field(default_factory=list)
    entered: frozenset[int] = frozenset()  # whose time is entered on it
    tags: dict[str, int] = field(default_factory=dict)
    base: dict[str, int] = field(default_factory=dict)  # what is alertd's to change, by the books
    claimed: set[str] = field(default_factory=set)  # fields that a counting read has shown to be a person's
    changed_by: dict[str, int] = field(default_factory=dict)
    touch_seen: bool = False
    made_at: datetime = T0
    ours_at: datetime = T0  # alertd's last write
    person_noted_at: datetime | None = None
    gone: bool = False
    merged_into: int | None = None

    def act(self, by: int, now: datetime, **fields: int) -> None:
        """Change fields, or just work on it."""
        self.activity_at, self.activity_by = now, by
        self.ours_at = now if by == US else self.ours_at
        for name, value in fields.items():
            self.fields[name] = value
            self.changed_by[name] = by

    def view(self) -> TicketView:
        return TicketView(
            id=self.id,
            number=f"T{self.id}",
            reference=self.reference,
            fields=dict(self.fields),
            assignee_id=self.assignee,
            last_activity_at=self.activity_at,
            last_activity_by=self.activity_by,
            wont_fix=self.fields.get("status") == WONT_FIX,
        )


class Desk:
    """Autotask."""

    def __init__(self) -> None:
        self.now = T0
        self.lag = timedelta()
        self.tickets: dict[int, Ticket] = {}
        self.fault: Fault | None = None
        self.late: list[tuple[datetime, Callable[[], object]]] = []
        self.committing_late = False
        self.blind = False  # the API user may see nothing
        self.reopening_refused = False
        self.answer_with: int | None = None  # duplicate handling
        self.marks: Counter[tuple[int, str]] = Counter()
        self.calls = 0
        self.put("quiet", {})

    def pass_time(self, by: timedelta) -> None:
        end = self.now + by
        for due, commit in [each for each in self.late if each[0] <= end]:
            self.late.remove((due, commit))
            self.now = max(due, self.now)
            self.committing_late = True  # sent before anybody could know what has been seen since
            with suppress(Rejected):
                commit()
            self.committing_late = False
        self.now = end

    def forget(self) -> None:
        """The store is lost: begin the books anew. Revisions begin anew too, and their marks with them."""
        self.marks.clear()
        for ticket in self.tickets.values():
            ticket.base, ticket.claimed, ticket.touch_seen = dict(ticket.fields), set(), False
            ticket.person_noted_at = None

    def put(self, reference: str, fields: dict[str, int]) -> int:
        """A ticket comes to stand."""
        id_ = QUIET + len(self.tickets)
        seen_from = self.now + self.lag
        self.tickets[id_] = Ticket(
            id_, reference, dict(fields), seen_from, base=dict(fields), made_at=self.now, activity_at=self.now
        )
        twins = [each for each in self.tickets.values() if each.reference == reference and not each.gone]
        assert len(twins) == 1 or reference == "foreign", f"two tickets for {reference}"
        return id_

    # --- writes ---------------------------------------------------------------------------------------

    def write(self, commit: Callable[[], int]) -> int:
        """Do one write, with the fault that is set."""
        fault, self.fault = self.fault, None
        self.calls += 1
        if fault == "unavailable":
            raise Unavailable
        if fault == "rejected":
            raise Rejected("no")
        if fault == "invalid":
            raise Invalid("no such device")
        if fault == "lost before":
            raise Lost
        if fault == "lost, late":
            self.late.append((self.now + timedelta(seconds=20), commit))
            raise Lost
        answer = commit()
        if fault == "lost after":
            raise Lost
        return answer

    def create(self, reference: str, fields: dict[str, int]) -> int:
        if self.answer_with is not None:
            merged, self.answer_with = self.answer_with, None
            self.tickets[merged].notes.append(NoteView(title="duplicate", note_type=15, creator_id=WORKFLOW))
            return merged
        return self.put(reference, fields)

    def change(self, ticket_id: int, fields: dict[str, int], *, completes: bool, careful: bool) -> int:
        ticket = self._there(ticket_id)
        stolen = ticket.claimed & fields.keys()
        assert not stolen or self.committing_late, (
            f"{stolen} of ticket {ticket_id} had been seen to be a person's"
        )
        early = ticket.made_at + timedelta(minutes=2)  # what happens in there is taken for a workflow rule's
        noted_at = ticket.person_noted_at
        hidden = noted_at is not None and early < noted_at < ticket.ours_at
        touched = ticket.touch_seen or hidden  # what our own write could hide must have been asked for
        blind = self.committing_late
        assert blind or not (completes and careful and touched), "completed though touched"
        if self.reopening_refused and ticket.fields["status"] == DONE and fields.get("status", DONE) != DONE:
            raise Rejected("may not edit a complete ticket")
        ticket.act(US, self.now, **fields)
        ticket.base |= fields
        return 0

    def note(self, ticket_id: int, title: str, mark: str) -> int:
        ticket = self._there(ticket_id)
        ticket.notes.append(NoteView(title=title, note_type=1, creator_id=US))
        ticket.act(US, self.now)
        self.marks[ticket_id, mark] += 1
        assert self.marks[ticket_id, mark] == 1, f"{mark} told twice"
        return 0

    def tag(self, ticket_id: int, label: str) -> int:
        ticket = self._there(ticket_id)
        ticket.act(US, self.now)
        return ticket.tags.setdefault(label, 900 + len(ticket.tags))

    def untag(self, ticket_id: int, label: str) -> int:
        ticket = self._there(ticket_id)
        ticket.act(US, self.now)
        return ticket.tags.pop(label, 0)

    def _there(self, ticket_id: int) -> Ticket:
        if self.tickets[ticket_id].gone:
            raise Rejected("no such ticket")
        return self.tickets[ticket_id]

    # --- reads ----------------------------------------------------------------------------------------

    def one(self, ticket_id: int) -> TicketView | None:
        """A read by id, which sees at once."""
        self.calls += 1
        ticket = self.tickets[ticket_id]
        return None if ticket.gone or self.blind else ticket.view()

    def found(self, ticket_ids: list[int]) -> dict[int, TicketView]:
        """A query, which sees after the search lag."""
        self.calls += 1
        shown = [self.tickets[id_] for id_ in ticket_ids]
        return {each.id: each.view() for each in shown if self._is_visible(each)}

    def look(self, base: str) -> list[TicketView]:
        self.calls += 1
        found = (each for each in self.tickets.values() if each.reference.startswith(f"{base}-g"))
        return [each.view() for each in found if self._is_visible(each)]

    def survivor(self, ticket_id: int) -> TicketView | None:
        """What a merged ticket's note tells: the one that is left, if it is open."""
        self.calls += 1
        into = self.tickets[ticket_id].merged_into
        left = None if into is None else self.tickets[into]
        return None if left is None or left.gone or left.fields["status"] == DONE else left.view()

    def _is_visible(self, ticket: Ticket) -> bool:
        return not (self.blind or ticket.gone) and self.now >= ticket.seen_from

    # --- the books ------------------------------------------------------------------------------------

    def take_for_untouched(self, view: TicketView, written: dict[str, int]) -> None:
        """Of a PATCH that does not stand nobody can tell that it stood, and that a person put it back."""
        ticket = self.tickets[view.id]
        for name in [name for name, value in view.fields.items() if written.get(name) == value]:
            ticket.claimed.discard(name)
            ticket.base[name] = view.fields[name]

    def book_read(self, ticket_id: int, wrote_at: datetime | None) -> None:
        """A read that counts has shown the ticket: what is a person's must be known to be from now on."""
        ticket = self.tickets[ticket_id]
        by_person = ticket.activity_by == PERSON
        if by_person and (wrote_at is None or ticket.activity_at > wrote_at + timedelta(minutes=2)):
            ticket.touch_seen = True
            ticket.claimed |= {
                name for name, value in ticket.fields.items() if value != ticket.base.get(name, value)
            }
        for name, value in ticket.fields.items():
            if name not in ticket.claimed:
                ticket.base[name] = value
            elif value == ticket.base[name]:
                ticket.claimed.discard(name)  # put back: as if it had never been touched
