"""Looking: after an unclear answer, after a create, before completing. Reads only; batched where many ask."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
import structlog

from alertd.core import observing, outcomes
from alertd.core.identity import reference_base
from alertd.core.incidents import Rejoined, Renumbered
from alertd.core.observing import NoteView, TicketView
from alertd.core.tickets import AddTag, Board, Change, Create, Intent, Known, Note, RemoveTag
from alertd.flows.batching import Batcher
from alertd.flows.errors import Unavailable
from alertd.flows.operating import Apply, Hands, Job, Outcome
from alertd.flows.ports import Canary, NoteFacts, TicketFacts
from alertd.flows.world import World

READ_BACK_WAIT_S = 1.0
MOST_READ_BACKS = 100
MOST_LOOKS = 100
CANARIES = 5

_log = structlog.get_logger()


class Seen(msgspec.Struct, frozen=True):
    """What one batched look showed for one reference."""

    tickets: tuple[TicketView, ...]  # of all generations of the incident, lowest id first
    rights_proved: bool
    is_blind: bool  # it showed none of our tickets, and we may not be allowed to see them all
    newest_canary_at: datetime | None  # when the newest ticket of ours that was seen had been made
    began_at: datetime


class Eyes:
    """Everything that is read to find out how matters stand."""

    def __init__(self, world: World, hands: Hands, *, window: timedelta) -> None:
        self._desk = world.desk
        self._state = world.state
        self._clock = world.clock
        self._instance = world.instance
        self._metrics = world.metrics
        self._hands = hands
        self.window = window
        share = min(READ_BACK_WAIT_S, window.total_seconds() / 10)
        self._read_backs = Batcher(self._ask_tickets, wait_s=READ_BACK_WAIT_S, most=MOST_READ_BACKS)
        self._looks = Batcher(self._ask_looks, wait_s=share, most=MOST_LOOKS)
        self._time_entered = Batcher(world.desk.time_entered, wait_s=READ_BACK_WAIT_S, most=MOST_READ_BACKS)

    async def run(self, stop: asyncio.Event) -> None:
        """Ask the batched questions until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read_backs.run(stop), name="read-backs")
            group.create_task(self._looks.run(stop), name="looks")
            group.create_task(self._time_entered.run(stop), name="time entries")

    # --- after a create -------------------------------------------------------------------------------

    async def read_back(self, job: Job, *, ticket_id: int, single: bool) -> Apply:
        """Compare a fresh ticket with what was asked for."""
        if single:
            facts = await self._desk.ticket(ticket_id)
        else:
            facts = await self._read_backs.answer(ticket_id)
        view = view_of(facts, job.board) if facts is not None else None
        if facts is not None and facts.reference == job.level.reference and facts.creator_id is not None:
            await self._desk.learn_own_resource_id(facts.creator_id)
        return lambda known: observing.read_back(
            known, view, reference=job.level.reference, done=job.board.status_done
        )

    async def adopt_or_clear_the_way(self, job: Job) -> Apply:
        """Before a create that may be a second one: take over a live ticket of this incident, or allow it.

        Raises:
            Unavailable: Tickets that must be there are not shown: what is absent proves nothing.
        """
        seen = await self._look(job)
        over = {job.board.status_done, *job.board.statuses_wont_fix}
        live = [view for view in seen.tickets if view.fields["status"] not in over]
        newest = max(live or seen.tickets, key=_generation, default=None)
        if newest is None and seen.is_blind:
            raise Unavailable(
                "tickets of ours cannot be seen, so one that is not found may stand all the same"
            )
        if newest is None:
            return lambda known: (outcomes.may_create(known), ())
        generation, now = _generation(newest), self._clock.now()
        if not live:
            told = (Renumbered(generation + 1),)
            return lambda known: (outcomes.may_create(known), told)
        revision = job.incident.revision
        asked = self._hands.first_fields(job)
        adopt = self._adopted(newest, job, asked=asked, revision=revision, now=now)
        tags = await self._desk.tags(newest.id)  # those of another state come off
        earlier = generation < job.incident.generation

        def renumbered(known: Known) -> Outcome:
            adopted, changes = adopt(known)
            told = (Rejoined(),) if earlier else ()
            return msgspec.structs.replace(adopted, tags=dict(tags)), (
                Renumbered(generation),
                *changes,
                *told,
            )

        return renumbered

    # --- after an unclear answer ----------------------------------------------------------------------

    async def look(self, intent: Intent, job: Job) -> Apply:
        """Find out whether the operation of an intent was applied."""
        match intent.operation:
            case Create():
                return await self._look_for_create(intent, intent.operation, job)
            case Note():
                return await self._look_for_note(intent, intent.operation)
            case Change():
                return await self._look_at_fields(intent.operation, job)
            case AddTag() | RemoveTag():
                return await self._look_at_tags(intent.operation)

    async def _look_for_create(self, intent: Intent, operation: Create, job: Job) -> Apply:
        seen = await self._look(job)
        view, now = _mine(seen, job), self._clock.now()
        if view is not None:
            asked = {**self._hands.first_fields(job), **operation.fields}
            return self._adopted(view, job, asked=asked, revision=operation.revision, now=seen.began_at)
        verdict = outcomes.judge_create(
            intent,
            found=False,
            rights_proved=seen.rights_proved,
            fresh_canary=_is_fresher(seen.newest_canary_at, intent),
            now=seen.began_at,
            window=self.window,
        )
        if verdict == "absent":
            return lambda known: (outcomes.not_applied(known), ())
        return lambda known: (outcomes.looked(known, now=now), ())

    async def _look(self, job: Job) -> Seen:
        base = reference_base(self._instance, job.incident.key)
        seen = await self._looks.answer(base)
        assert seen is not None  # noqa: S101 - _ask_looks answers every question
        self._count_duplicates(seen)
        return seen

    def _count_duplicates(self, seen: Seen) -> None:
        first = {view.reference: view.id for view in reversed(seen.tickets)}
        twice = {view.id for view in seen.tickets if view.id != first[view.reference]}
        if self._metrics.found_duplicates(twice):
            _log.error("looking.duplicates_found", tickets=[view.number for view in seen.tickets])

    def _adopted(
        self, view: TicketView, job: Job, *, asked: Mapping[str, int], revision: int, now: datetime
    ) -> Apply:
        ours, done = self._desk.own_resources(), job.board.status_done
        wont_fix = view.fields["status"] in job.board.statuses_wont_fix
        seen = msgspec.structs.replace(view, wont_fix=wont_fix)
        return lambda known: observing.adopt(
            known, seen, asked=asked, revision=revision, now=now, ours=ours, done=done
        )

    async def _look_for_note(self, intent: Intent, operation: Note) -> Apply:
        began_at = self._clock.now()
        notes = await self._desk.notes(operation.ticket_id)
        found = observing.holds_mark((note_view(note) for note in notes), operation.mark)
        verdict = outcomes.judge_note(intent, found=found, now=began_at, window=self.window)
        if verdict == "applied":
            return self._hands.note_stands(operation)
        if verdict == "absent":
            return lambda known: (outcomes.not_applied(known), ())
        return lambda known: (outcomes.looked(known, now=began_at), ())

    async def _look_at_fields(self, operation: Change, job: Job) -> Apply:
        """See whether the PATCH stands. If not, whoever has worked on the ticket meanwhile wins."""
        began_at = self._clock.now()
        facts = await self._desk.ticket(operation.ticket_id)
        if facts is None:  # gone, or not ours to see for now: the sync has a canary to tell
            return lambda known: (outcomes.looked(known, now=began_at), ())
        view = view_of(facts, job.board)
        if observing.applied_fields(operation.fields, view):
            return self._hands.change_stands(operation)
        return self._observed(view, job, began_at=began_at)

    def _observed(self, view: TicketView, job: Job, *, began_at: datetime) -> Apply:
        ours, own, done = self._desk.own_resources(), self._desk.own_resource_id(), job.board.status_done
        return lambda known: observing.observe_ticket(
            outcomes.not_applied(known), view, began_at=began_at, ours=ours, done=done, own=own
        )

    async def _look_at_tags(self, operation: AddTag | RemoveTag) -> Apply:
        tags = await self._desk.tags(operation.ticket_id)
        association_id = tags.get(operation.label)
        if isinstance(operation, AddTag) and association_id is not None:
            return self._hands.tag_is_on(operation, association_id)
        if isinstance(operation, RemoveTag) and association_id is None:
            return self._hands.tag_is_off(operation)
        # doing it again is harmless: on is on, and off is off
        return lambda known: (outcomes.not_applied(known), ())

    # --- before reopening -----------------------------------------------------------------------------

    async def reread(self, job: Job, ticket_id: int) -> Apply:
        """Read a ticket that we have completed: somebody may have worked on it since."""
        began_at = self._clock.now()
        facts = await self._desk.ticket(ticket_id)
        view = view_of(facts, job.board) if facts is not None else None
        ours, own, done = self._desk.own_resources(), self._desk.own_resource_id(), job.board.status_done
        return lambda known: observing.reread(known, view, began_at=began_at, ours=ours, done=done, own=own)

    # --- before completing ----------------------------------------------------------------------------

    async def check_touched(self, ticket_id: int, job: Job, *, unwatched: bool) -> Apply:
        """Read notes and time entries: somebody else's is a touch. And the ticket, unless the sync does."""
        began_at = self._clock.now()
        facts = await self._desk.ticket(ticket_id) if unwatched else None
        notes = [note_view(note) for note in await self._desk.notes(ticket_id)]
        entered = await self._time_entered.answer(ticket_id) or frozenset()
        ours, own, done = self._desk.own_resources(), self._desk.own_resource_id(), job.board.status_done

        def apply(known: Known) -> Outcome:
            if facts is not None:
                known, changes = observing.observe_ticket(
                    known, view_of(facts, job.board), began_at=began_at, ours=ours, done=done, own=own
                )
                if changes:
                    return known, changes
            return observing.observe_work(known, notes, entered=entered, began_at=began_at, ours=ours)

        return apply

    # --- batched questions ----------------------------------------------------------------------------

    async def _ask_tickets(self, ticket_ids: Sequence[int]) -> Mapping[int, TicketFacts]:
        return {facts.id: facts for facts in await self._desk.tickets(ticket_ids)}

    async def _ask_looks(self, bases: Sequence[str]) -> Mapping[str, Seen]:
        canaries = {canary.ticket_id: canary for canary in await self._state.canaries(limit=CANARIES)}
        sight = await self._desk.look(bases, list(canaries))
        proved = bool(sight.canaries) or (not canaries and await self._desk.may_see_all_tickets())
        unseen = bool(canaries) and not sight.canaries  # deleted, perhaps: then rights tell
        is_blind = unseen and not await self._desk.may_see_all_tickets()
        newest = _newest(canaries[id_] for id_ in sight.canaries if id_ in canaries)
        for facts in sight.tickets:
            if facts.creator_id is not None and self._desk.own_resource_id() is None:
                await self._desk.learn_former_resource_id(facts.creator_id)
        answers = {}
        for base in bases:
            views = sorted(
                (view_of(facts) for facts in sight.tickets if _begins(facts, base)), key=lambda view: view.id
            )
            answers[base] = Seen(tuple(views), proved, is_blind, newest, sight.began_at)
        return answers


def view_of(facts: TicketFacts, board: Board | None = None) -> TicketView:
    """Return what decisions need of a ticket; what its status means is its board's to say."""
    fields = {"status": facts.status, "priority": facts.priority}
    if facts.queue is not None:
        fields["queue"] = facts.queue
    return TicketView(
        id=facts.id,
        number=facts.number,
        reference=facts.reference,
        fields=fields,
        assignee_id=facts.assignee_id,
        last_activity_at=facts.last_activity_at,
        last_activity_by=facts.last_activity_by,
        wont_fix=board is not None and facts.status in board.statuses_wont_fix,
    )


def note_view(facts: NoteFacts) -> NoteView:
    """Return what decisions need of a note."""
    return NoteView(
        title=facts.title,
        note_type=facts.note_type,
        creator_id=facts.creator_id,
        by_contact=facts.by_contact,
    )


def _mine(seen: Seen, job: Job) -> TicketView | None:
    """The ticket of this very generation. If there should be two, the older one counts."""
    return next((view for view in seen.tickets if view.reference == job.level.reference), None)


def _generation(view: TicketView) -> int:
    number = (view.reference or "").rpartition("-g")[2]
    return int(number) if number.isdecimal() else 0


def _begins(facts: TicketFacts, base: str) -> bool:
    return (facts.reference or "").startswith(f"{base}-g")


def _newest(canaries: Iterable[Canary]) -> datetime | None:
    return max((canary.created_at for canary in canaries), default=None)


def _is_fresher(canary_at: datetime | None, intent: Intent) -> bool:
    """Whether a ticket made after the attempt can be seen: then the search has caught up with it."""
    return canary_at is not None and canary_at > (intent.unclear_at or intent.begun_at)
