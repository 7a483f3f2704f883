"""The sync flow: reads back what people changed in Autotask, by one query a minute for all live tickets.

Between the queries it reads single tickets of which somebody says that they have changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
import structlog

from alertd.core.incidents import Change, Closed, CompletedByPerson, Merged
from alertd.core.levels import known_for
from alertd.core.observing import Patience, follow_survivor, observe_absence, observe_ticket
from alertd.core.tickets import Known, Ticket
from alertd.flows.beating import beating
from alertd.flows.errors import Conflict, PortError, Rejected
from alertd.flows.looking import view_of
from alertd.flows.operating import decided
from alertd.flows.ports import IncidentRow, IncidentWrite, LiveTicket, Step, TicketFacts
from alertd.flows.rows import incident_write
from alertd.flows.sending import Precedence, Sending, sending
from alertd.flows.settings import SyncSettings
from alertd.flows.telling import happenings
from alertd.flows.world import World

MOST_TICKETS = 490  # with the canaries one page of a query
CANARIES = 5
UNWATCHED_AFTER = timedelta(minutes=5)
IDLE_S = 5.0  # a loop that has nothing to do still beats this often
MOST_BY_ID = 3  # more tickets than these are read by a query, which may lag behind
_JUST_AFTER, _SOON = timedelta(milliseconds=100), timedelta(seconds=1)

_log = structlog.get_logger()


class Syncer:
    """Watches live tickets. One task runs it."""

    def __init__(self, world: World, settings: SyncSettings, *, wake_settling: Callable[[], None]) -> None:
        self._state = world.state
        self._desk = world.desk
        self._clock = world.clock
        self._settings = settings
        self._wake_settling = wake_settling
        self._reading = asyncio.Lock()  # an older read must not be folded after a newer one
        self._read_by_id: dict[int, datetime] = {}  # when: queries may still show what was before
        self._begin_with = 0  # ticket id
        self._synced_at = world.clock.now()

    def unwatched_since(self) -> datetime | None:
        """Return when all live tickets were last read, if that is longer ago than it should be."""
        age = self._clock.now() - self._synced_at
        return self._synced_at if age > max(UNWATCHED_AFTER, 3 * self._settings.every) else None

    async def run(self, stop: asyncio.Event, beat: Callable[[], None]) -> None:
        """Read back at the configured interval until `stop`."""
        sending.set(Sending(precedence=Precedence.SYNC))
        due = self._settings.every.total_seconds()
        waited = 0.0
        while not stop.is_set():
            beat()
            step = min(due - waited, IDLE_S)
            try:
                async with asyncio.timeout(max(step, 0.001)):
                    await stop.wait()
            except TimeoutError:
                waited += step
            if waited >= due:
                waited = 0.0
                await beating(self.sync(), beat)

    async def sync(self) -> None:
        """Read all live tickets once. What fails is read the next time, before the others."""
        began_at = self._clock.now()
        live = self._unread_first(await self._state.live_tickets())
        for start in range(0, len(live), MOST_TICKETS):
            page = live[start : start + MOST_TICKETS]
            try:
                await self._desk.ready()
                async with self._reading:
                    is_seen = await self._sync_page(page)
            except PortError as exc:
                self._begin_with = page[0].ticket_id
                _log.warning("syncing.failed", reason=exc.reason, error=str(exc))
                return
            if not is_seen:
                return
        self._begin_with, self._synced_at = 0, began_at

    def _unread_first(self, live: Sequence[LiveTicket]) -> Sequence[LiveTicket]:
        """Begin where the last sync was stopped: where calls are scarce every page has its turn."""
        at = next((n for n, each in enumerate(live) if each.ticket_id >= self._begin_with), 0)
        return [*live[at:], *live[:at]]

    async def read(self, ticket_ids: frozenset[int]) -> Mapping[int, datetime] | None:
        """Read those of these tickets that are watched, and leave what fails to the next sync.

        Nothing is concluded from a ticket that is not shown: that takes the sync's canaries.

        Returns:
            Which are to be read later, since we have just written to them, and from when. None: none of
            them is watched, and nothing was asked of Autotask.
        """
        live = [each for each in await self._state.live_tickets() if each.ticket_id in ticket_ids]
        later = await self._too_soon(live)
        ripe = [each for each in live if each.ticket_id not in later]
        if not ripe:
            return later or None
        try:
            await self._desk.ready()
            async with self._reading:
                await self._read_called(ripe)
        except PortError as exc:
            _log.warning("syncing.callout_not_read", reason=exc.reason, error=str(exc))
        return later

    async def _too_soon(self, live: Sequence[LiveTicket]) -> dict[int, datetime]:
        """Return the tickets whose read would prove nothing yet, and when it will."""
        rows = (await self._rows_of(live)).values()
        now = self._clock.now()
        from_at = {
            row.known.ticket.id: self._proves_from(row.known, now)
            for row in rows
            if row.known.ticket is not None
        }
        return {ticket_id: at for ticket_id, at in from_at.items() if at > now}

    def _proves_from(self, known: Known, now: datetime) -> datetime:
        """Return from when a read counts: not while a write is under way, nor soon after one."""
        lag = self._settings.search_lag
        if known.intent is not None:
            return now + max(lag, _SOON)
        return now if known.wrote_at is None else known.wrote_at + lag + _JUST_AFTER

    async def _read_called(self, live: Sequence[LiveTicket]) -> None:
        if len(live) > MOST_BY_ID:
            for start in range(0, len(live), MOST_TICKETS):
                await self._sync_page(live[start : start + MOST_TICKETS])
            return
        rows = await self._rows_of(live)
        for each in live:
            began_at = self._clock.now()
            seen = await self._desk.ticket(each.ticket_id)
            if seen is not None:
                self._read_by_id[each.ticket_id] = began_at
                await self._fold(rows[each.incident_key], each.ticket_id, seen, began_at)

    async def _sync_page(self, live: Sequence[LiveTicket]) -> bool:
        """Read these tickets by one query; return whether any ticket at all can be seen."""
        began_at = self._clock.now()
        newest = began_at - self._settings.search_lag
        self._read_by_id = {id_: at for id_, at in self._read_by_id.items() if at > newest}
        canaries = await self._state.canaries(limit=CANARIES)
        wanted = {each.ticket_id for each in live} | {canary.ticket_id for canary in canaries}
        facts = {seen.id: seen for seen in await self._desk.tickets(sorted(wanted))}
        if not facts:
            return False  # that says nothing of any one ticket
        rows = await self._rows_of(live)
        for each in live:
            if each.ticket_id in self._read_by_id:
                continue  # the query may show what was before that
            seen = facts.get(each.ticket_id) or await self._desk.ticket(each.ticket_id)
            await self._fold(rows[each.incident_key], each.ticket_id, seen, began_at)
        return True

    async def _rows_of(self, live: Sequence[LiveTicket]) -> Mapping[str, IncidentRow]:
        return (await self._state.load((), [each.incident_key for each in live])).incidents

    async def _fold(
        self, row: IncidentRow, ticket_id: int, seen: TicketFacts | None, began_at: datetime
    ) -> None:
        try:
            merged = await self._merged_away(row, seen, began_at)
        except PortError as exc:
            _log.warning("syncing.merge_not_read", ticket=ticket_id, reason=exc.reason, error=str(exc))
            return  # the next sync sees it again
        while row.known.ticket is not None and row.known.ticket.id == ticket_id:  # else it has moved on since
            known, changes = self._observed(row, seen, began_at)
            if merged is not None:
                known, changes = _followed(known, changes, merged)
            if not changes and not _news(row.known, known):
                return
            try:
                await self._state.commit(self._step(row, known, changes))
            except Conflict:
                row = (await self._state.load((), [row.incident.key])).incidents[row.incident.key]
                continue
            if changes:
                self._wake_settling()
            return

    async def _merged_away(
        self, row: IncidentRow, seen: TicketFacts | None, began_at: datetime
    ) -> TicketFacts | None:
        """Return the ticket that is left, where a person's completion of ours is a merge into another."""
        if seen is None or isinstance(row.incident.phase, Closed):
            return None
        _, changes = self._observed(row, seen, began_at)
        if CompletedByPerson() not in changes:
            return None
        try:
            merged = await self._desk.merged_away(seen.id)
        except Rejected:
            return None  # its notes are not ours to read: then it is complete, no more
        survivor = merged.survivor if merged is not None else None
        board = self._desk.board(row.incident.policy.board)
        return None if survivor is None or survivor.status == board.status_done else survivor

    def _observed(
        self, row: IncidentRow, seen: TicketFacts | None, began_at: datetime
    ) -> tuple[Known, tuple[Change, ...]]:
        if seen is None:
            return observe_absence(row.known)
        return observe_ticket(
            row.known,
            view_of(seen, self._desk.board(row.incident.policy.board)),
            began_at=began_at,
            ours=self._desk.own_resources(),
            done=self._desk.board(row.incident.policy.board).status_done,
            own=self._desk.own_resource_id(),
            patience=Patience(self._settings.search_lag, self._settings.baseline),
        )

    def _step(self, row: IncidentRow, known: Known, changes: tuple[Change, ...]) -> Step:
        now = self._clock.now()
        after = decided(row.incident, changes, self._clock)
        known = known_for(known, before=row.incident, after=after)
        write: IncidentWrite = incident_write(row, after, known, settle_at=now if changes else row.settle_at)
        told = happenings(row, known, after, at=now)
        totals: Mapping[str, int] = after.tally.minus(row.incident.tally)
        return Step(incidents=[write], history=told, totals=totals)


def _followed(
    known: Known, changes: tuple[Change, ...], survivor: TicketFacts
) -> tuple[Known, tuple[Change, ...]]:
    """Go on in the ticket that is left, if what was seen still stands."""
    if CompletedByPerson() not in changes:
        return known, changes
    return follow_survivor(known, view_of(survivor)), (Merged(Ticket(survivor.id, survivor.number)),)


def _news(before: Known, after: Known) -> bool:
    """Whether a read is worth a write: the first clean one since our last write is, its repeats are not."""
    if msgspec.structs.replace(before, clean_at=None) != msgspec.structs.replace(after, clean_at=None):
        return True
    if after.clean_at is None or after.wrote_at is None or after.clean_at == before.clean_at:
        return False
    return before.clean_at is None or before.clean_at <= after.wrote_at
