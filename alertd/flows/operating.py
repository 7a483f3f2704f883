"""Carrying out one operation at the service desk, and what its outcome makes known.

Every function returns what to do to the incident's row: a change of `known`, and changes for `decide`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, assert_never

import msgspec

from alertd.core import outcomes, storm_text, text
from alertd.core.deciding import decide
from alertd.core.incidents import Change as IncidentChange
from alertd.core.incidents import Completed, Incident, Noted, Reopened
from alertd.core.tickets import AddTag, Board, Change, Create, Known, Level, Note, RemoveTag, Writing
from alertd.flows.drafting import Drafter, Order
from alertd.flows.ports import Clock, Draft, IncidentRow
from alertd.flows.world import World

Outcome: TypeAlias = tuple[Known, tuple[IncidentChange, ...]]
Apply: TypeAlias = Callable[[Known], Outcome]  # run again on a fresh row if somebody else moved it


class Job(msgspec.Struct, frozen=True):
    """One incident as it stands, and what it wants."""

    row: IncidentRow
    level: Level
    board: Board

    @property
    def incident(self) -> Incident:
        """The incident."""
        return self.row.incident


class Ready(msgspec.Struct, frozen=True):
    """What a write needs beside the operation. A note's text is frozen with its intent."""

    draft: Draft | None = None
    text: str = ""
    told: Mapping[str, str] = {}  # what `explain` says of how the draft came about


class Hands:
    """Does what an operation says."""

    def __init__(self, world: World) -> None:
        self._desk = world.desk
        self._state = world.state
        self._clock = world.clock
        self._drafter = Drafter(world.desk)

    async def prepare(self, operation: Writing, job: Job) -> Ready:
        """Do what may wait or fail before there is an intent: find the company, write the texts.

        Raises:
            Rejected: It was refused once, and nothing can be left out of it.
            PortError: The company cannot be looked up now; nothing was sent.
        """
        match operation:
            case Create():
                order = Order(
                    incident=await self._shown(job.incident),
                    level=job.level,
                    board=job.board,
                    now=self._clock.now(),
                    repair=job.row.known.repair,
                )
                drafted = await self._drafter.draft(order, fields=self.first_fields(job))
                return Ready(draft=drafted.draft, told=drafted.told)
            case Note():
                title, body = await self._note_text(operation, job.incident)
                return Ready(text=f"{text.note_title(title, operation.mark)}\n{body}")
            case _:
                return Ready()

    async def _shown(self, incident: Incident) -> Incident:
        """The incident as its ticket tells of it: a storm's tells of its children."""
        return storm_text.shown(incident, await self._children(incident))

    async def _note_text(self, note: Note, incident: Incident) -> tuple[str, str]:
        children = await self._children(incident)
        return storm_text.note_text(incident, children, after=note.after, upto=note.upto)

    async def _children(self, parent: Incident) -> Sequence[Incident]:
        if parent.storm is None:
            return ()
        since = parent.storm.began_at
        return await self._state.storm_children(parent.key, since=since, limit=storm_text.MOST_ROWS)

    async def write(self, operation: Writing, job: Job, ready: Ready) -> Apply:
        """Send the one call of a writing operation.

        Raises:
            PortError: As the desk's methods say.
        """
        match operation:
            case Create():
                return await self._create(operation, job, ready)
            case Change():
                return await self._change(operation, job)
            case Note():
                title, _, body = ready.text.partition("\n")
                await self._desk.note(operation.ticket_id, title=title, text=body)
                return self.note_stands(operation)
            case AddTag():
                association_id = await self._desk.add_tag(operation.ticket_id, operation.label)
                return self.tag_is_on(operation, association_id)
            case RemoveTag():
                await self._desk.remove_tag(operation.ticket_id, operation.association_id)
                return self.tag_is_off(operation)
            case _:
                assert_never(operation)

    async def _create(self, operation: Create, job: Job, ready: Ready) -> Apply:
        assert ready.draft is not None  # noqa: S101 - `prepare` makes one for every create
        ticket_id = await self._desk.create(ready.draft)
        fields = {
            "status": ready.draft.status_id,
            "priority": ready.draft.priority_id,
            "queue": ready.draft.queue_id,
        }
        now = self._clock.now()
        done: tuple[IncidentChange, ...] = (Completed(),) if job.level.done else ()
        return lambda known: (
            outcomes.created(known, ticket_id, revision=operation.revision, fields=fields, now=now),
            done,
        )

    @staticmethod
    def first_fields(job: Job) -> dict[str, int]:
        """The fields of a new ticket; one that is over already is born complete, which saves a call."""
        status = job.level.status if job.level.status is not None else job.board.status_new
        return {"status": status, "priority": job.level.priority, "queue": job.level.queue}

    async def _change(self, operation: Change, job: Job) -> Apply:
        resolution = storm_text.resolution_text(job.incident) if operation.completes else None
        await self._desk.change(operation.ticket_id, operation.fields, resolution)
        return self.change_stands(operation)

    # --- outcomes that a look may find, too -----------------------------------------------------------

    def note_stands(self, operation: Note) -> Apply:
        """The note is on the ticket."""
        now = self._clock.now()
        return lambda known: (outcomes.noted(known, operation, now=now), (Noted(operation.upto),))

    def tag_is_on(self, operation: AddTag, association_id: int) -> Apply:
        """The tag is on the ticket."""
        now = self._clock.now()
        return lambda known: (outcomes.tagged(known, operation, association_id, now=now), ())

    def tag_is_off(self, operation: RemoveTag) -> Apply:
        """The tag is off the ticket."""
        now = self._clock.now()
        return lambda known: (outcomes.untagged(known, operation, now=now), ())

    def change_stands(self, operation: Change) -> Apply:
        """The fields are as asked."""
        now = self._clock.now()
        told: tuple[IncidentChange, ...] = ()
        if operation.completes:
            told = (Completed(),)
        elif "status" in operation.fields:
            told = (Reopened(),)
        return lambda known: (outcomes.changed(known, operation, now=now), told)


def decided(incident: Incident, changes: tuple[IncidentChange, ...], clock: Clock) -> Incident:
    """Fold the changes into the incident."""
    now = clock.now()
    for change in changes:
        incident = decide(incident, change, now=now)
    return incident


def operation_name(operation: Writing) -> str:
    """Return the operation's name in crash points, logs and history."""
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
        case _:
            assert_never(operation)
