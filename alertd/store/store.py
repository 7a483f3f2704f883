"""The store as flows, admin and CLI use it. `Reader` asks; `Store` writes too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec
from sqlalchemy import Connection

from alertd.core.alerts import AlertKey
from alertd.core.clients import CompanyRow
from alertd.core.history import Happening
from alertd.core.incidents import Incident
from alertd.core.silences import Silence
from alertd.flows.errors import StoreFailed
from alertd.flows.ports import (
    LEAST_URGENT,
    Appended,
    Canary,
    Claim,
    Clock,
    ConditionRow,
    Due,
    Entry,
    Envelope,
    LiveTicket,
    Loaded,
    Step,
)
from alertd.store import (
    claims,
    company_map,
    conditions,
    counters,
    entries,
    happenings,
    reading,
    silences,
    steps,
    storms,
)
from alertd.store.company_map import ClientSeen
from alertd.store.counters import Accounts
from alertd.store.entries import SourceTotals
from alertd.store.errors import DataDamaged
from alertd.store.happenings import Call
from alertd.store.reading import StoredIncident, Unsettled
from alertd.store.reads import Reads
from alertd.store.runner import Runner
from alertd.store.space import SpaceGuard
from alertd.store.vendors import VendorBooks, VendorReader

KEEP_CALLS = timedelta(hours=2)  # the rolling hour, and as much again
KEEP_INCIDENT_CALLS = timedelta(days=7)  # those for single incidents, which `explain` tells
KEEP_SILENCES = timedelta(hours=120)  # after they ended; Alertmanager's retention
PURGE_ROWS = 500  # in one transaction, so that nobody waits long for it


class Reader:
    """Everything that only asks. Every method may raise `DataDamaged` or `StoreFailed`."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self.vendors = VendorReader(reads)

    # --- the journal ----------------------------------------------------------------------------------

    async def undecided(self, *, after: int, limit: int) -> Sequence[Entry]:
        """Return undecided entries with a larger id than `after`, oldest first; parked ones too.

        At most `limit`, and fewer where their bodies are large. None at all: there are no more.
        """
        return await self._reads.run(lambda conn: entries.undecided(conn, after, limit))

    async def entry(self, receipt: str) -> Entry | None:
        """Return the entry with this receipt."""
        return await self._reads.run(lambda conn: entries.entry(conn, receipt))

    async def parked_entries(self, *, limit: int) -> Sequence[Entry]:
        """Return entries that could not be read, wholly or in part, newest first; without their bodies."""
        return await self._reads.run(lambda conn: entries.parked(conn, limit))

    async def parked_by_reason(self) -> dict[str, int]:
        """Return how many entries are parked, by what their reason begins with before a colon."""
        return await self._reads.run(entries.parked_by_reason)

    async def oldest_entry(self) -> Entry | None:
        """Return the oldest entry that is kept, without its body. Number 1: nothing is forgotten."""
        return await self._reads.run(entries.oldest)

    async def entries_since(self, at: datetime, *, after: int, limit: int) -> Sequence[Entry]:
        """Return entries received at or after `at` with a larger id than `after`, oldest first."""
        return await self._reads.run(lambda conn: entries.since(conn, at, after, limit))

    # --- the state ------------------------------------------------------------------------------------

    async def load(self, alert_keys: Iterable[AlertKey], incident_keys: Iterable[str]) -> Loaded:
        """Return what is stored under these keys, by bulk reads."""
        wanted_alerts, wanted_incidents = sorted(set(alert_keys)), sorted(set(incident_keys))
        return await self._reads.run(lambda conn: reading.load(conn, wanted_alerts, wanted_incidents))

    async def due(self, now: datetime, *, limit: int) -> Due:
        """Return keys whose `due_at` has come, at most `limit` of each kind, oldest first."""
        return await self._reads.run(lambda conn: reading.due(conn, now, limit))

    async def unticketed(self, states: Sequence[str], *, after: str, limit: int) -> Sequence[str]:
        """Return keys of incidents in these states that have no ticket, in order, greater than `after`."""
        return await self._reads.run(lambda conn: reading.unticketed(conn, states, after, limit))

    async def arrivals(
        self, scopes: Iterable[str], *, since: datetime, most: int
    ) -> Mapping[str, Sequence[datetime]]:
        """Return when incidents in these scopes began to want a ticket, later than `since`.

        By scope, oldest first, the newest `most` of each; a scope without any is absent.
        """
        return await self._reads.run(lambda conn: storms.arrivals(conn, scopes, since, most))

    async def folded(self, storm_key: str, *, limit: int) -> Sequence[str]:
        """Return the keys of what is folded into this parent now, the newest first."""
        return await self._reads.run(lambda conn: storms.folded(conn, storm_key, limit))

    async def storm_children(self, storm_key: str, *, since: datetime, limit: int) -> Sequence[Incident]:
        """Return what was folded into this parent since then: what still is first, the worst, the newest."""
        return await self._reads.run(lambda conn: storms.children(conn, storm_key, since, limit))

    async def live_tickets(self) -> Sequence[LiveTicket]:
        """Return incidents with a ticket that is still watched, ordered by ticket id."""
        return await self._reads.run(reading.live_tickets)

    async def watching(self, ticket_id: int) -> Sequence[str]:
        """Return the keys of the incidents whose ticket is this one, and watched."""
        return await self._reads.run(lambda conn: reading.watching(conn, ticket_id))

    async def canaries(self, *, limit: int) -> Sequence[Canary]:
        """Return our newest confirmed tickets, newest first."""
        return await self._reads.run(lambda conn: reading.canaries(conn, limit))

    # --- for people -----------------------------------------------------------------------------------

    async def incident(self, key: str) -> StoredIncident | None:
        """Return the incident with this key."""
        return await self._reads.run(lambda conn: reading.incident(conn, key))

    async def incident_by_ticket_number(self, number: str) -> StoredIncident | None:
        """Return the incident whose ticket carries this number; of several, the one changed last."""
        return await self._reads.run(lambda conn: reading.incident_by_ticket_number(conn, number))

    async def incident_by_ticket_id(self, ticket_id: int) -> StoredIncident | None:
        """Return the incident whose ticket has this id; of several, the one changed last."""
        return await self._reads.run(lambda conn: reading.incident_by_ticket_id(conn, ticket_id))

    async def incident_by_reference(self, reference: str) -> StoredIncident | None:
        """Return the incident whose present generation has this reference."""
        return await self._reads.run(lambda conn: reading.incident_by_reference(conn, reference))

    async def incidents_after(self, after: str, *, limit: int) -> Sequence[StoredIncident]:
        """Return all incidents, closed ones too, page by page: by key, those greater than `after`."""
        return await self._reads.run(lambda conn: reading.incidents_after(conn, after, limit))

    async def incidents_by_key(self, keys: Sequence[str]) -> Sequence[StoredIncident]:
        """Return the incidents with these keys, in this order; those that are not there are left out."""
        return await self._reads.run(lambda conn: reading.incidents_by_key(conn, keys))

    async def incidents(self, *, states: Sequence[str] | None = None, limit: int) -> Sequence[StoredIncident]:
        """Return incidents in these states (None: in any), the newest opened first."""
        return await self._reads.run(lambda conn: reading.list_incidents(conn, states, limit))

    async def conditions_by_fingerprint(self, fingerprint: str) -> Sequence[ConditionRow]:
        """Return the conditions with this fingerprint: one for each source that sends it."""
        return await self._reads.run(lambda conn: reading.conditions_by_fingerprint(conn, fingerprint))

    async def firing_conditions(self, *, limit: int) -> Sequence[ConditionRow]:
        """Return the conditions that hold, by key."""
        return await self._reads.run(lambda conn: reading.firing_conditions(conn, limit))

    async def firing(self) -> Loaded:
        """Return every condition that holds, and the incidents they belong to, at one moment."""
        return await self._reads.run(reading.firing)

    async def resting(self) -> Loaded:
        """Return the conditions that are over while their incidents are not, and those, at one moment."""
        return await self._reads.run(reading.resting)

    async def history(
        self,
        *,
        incident_keys: Sequence[str] = (),
        alert_keys: Sequence[str] = (),
        receipts: Sequence[str] = (),
        limit: int,
    ) -> Sequence[Happening]:
        """Return lines about any of these, oldest first: the newest `limit` of them."""
        about = happenings.About(incident_keys, alert_keys, receipts)
        return await self._reads.run(lambda conn: happenings.read(conn, about, limit))

    async def calls_of(self, incident_key: str) -> Sequence[Call]:
        """Return the calls made for one incident that are still kept, oldest first."""
        return await self._reads.run(lambda conn: happenings.calls_of(conn, incident_key))

    async def stored_silences(self) -> Sequence[Silence]:
        """Return every silence that is kept, by id."""
        return await self._reads.run(silences.read_all)

    async def company_rows(self) -> Sequence[CompanyRow]:
        """Return the map from what sources call customers to companies."""
        return await self._reads.run(company_map.read_rows)

    async def clients_seen(self) -> Sequence[ClientSeen]:
        """Return the customers that alerts name which are still kept, the most alerts first."""
        return await self._reads.run(company_map.clients_seen)

    async def recent_entries(self, source: str, *, limit: int) -> Sequence[Entry]:
        """Return the last requests of one source, newest first."""
        return await self._reads.run(lambda conn: entries.of_source(conn, source, limit))

    async def totals_by_source(self) -> Mapping[str, SourceTotals]:
        """Return what each source has sent that the journal still holds."""
        return await self._reads.run(entries.totals_by_source)

    # --- for metrics ----------------------------------------------------------------------------------

    async def accounts(self) -> Accounts:
        """Return where every alert message is, at one moment."""
        return await self._reads.run(counters.read_accounts)

    async def counts_by_state(self) -> dict[str, int]:
        """Return how many incidents are in each state; a state without any is absent."""
        return await self._reads.run(reading.counts_by_state)

    async def count_firing(self) -> int:
        """Return how many conditions hold."""
        return await self._reads.run(reading.count_firing)

    async def unsettled(self) -> Unsettled:
        """Return how many incidents are unsettled, and since when the oldest is."""
        return await self._reads.run(reading.unsettled)

    # --- memory and calls -----------------------------------------------------------------------------

    async def get(self, key: str) -> str | None:
        """Return what was remembered under `key`."""
        return await self._reads.run(lambda conn: counters.get_memory(conn, key))

    async def recent(self, since: datetime) -> list[datetime]:
        """Return when Autotask was called at or after `since`, oldest first."""
        return await self._reads.run(lambda conn: happenings.recent_calls(conn, since))


class Purged(msgspec.Struct, frozen=True):
    """Rows that retention deleted."""

    entries: int
    happenings: int
    calls: int
    conditions: int
    silences: int


class Store(Reader):
    """Journal, state, call log and memory of one alertd. Every writing method may raise `StoreFailed`.

    What is refused for now, as by a full disk, waits until it is taken; only `append` raises at once, with
    `StoreFailed.full`, as its sender can wait elsewhere. All else is for good: nothing is written any more,
    and `wait_failed` returns.

    Args:
        reads: For questions.
        runner: For writes.
        space: Says when the disk is nearly full.
        clock: Stamps changes.
        instance: Configured name of this alertd, part of every reference.
        is_new: Whether this opening made the store: it may have forgotten tickets that stand in Autotask.
    """

    def __init__(
        self, reads: Reads, runner: Runner, *, space: SpaceGuard, clock: Clock, instance: str, is_new: bool
    ) -> None:
        super().__init__(reads)
        self.vendors: VendorBooks = VendorBooks(reads, runner, space)
        self._runner = runner
        self._space = space
        self._clock = clock
        self._instance = instance
        self.is_new = is_new

    async def append(self, envelope: Envelope) -> Appended:
        """Commit the envelope to disk and return. Equal (source, delivery_id) is one row.

        Raises:
            StoreFailed: Nothing was kept. With `full=True` the disk is nearly full, locked, or too slow for
                what comes in: answer 503.
        """
        self._space.require()
        return await self._runner.offer(entries.append_all, envelope, size=len(envelope.body))

    async def commit(self, step: Step) -> None:
        """Apply the step in one durable transaction.

        Raises:
            Conflict: A row's version is not the one that was read, or an entry has been decided already.
                Nothing was applied.
            StoreFailed: Nothing was applied.
            ValueError: The step writes one row twice.
        """
        now = self._clock.now()
        await self._runner.run(lambda conn: steps.commit(conn, step, now, self._instance))

    async def claim(
        self, now: datetime, *, limit: int, owner: str, lease: timedelta, least_urgent: int = LEAST_URGENT
    ) -> Sequence[Claim]:
        """Lease unsettled incidents whose `settle_at` has come: most urgent first, companies in turn."""
        wanted = claims.Wanted(limit, least_urgent)
        return await self._runner.run(lambda conn: claims.claim(conn, now, wanted, owner, lease))

    async def release(self, claim: Claim) -> None:
        """Give a claim back. Without effect if somebody else has claimed the incident since."""
        await self._runner.run(lambda conn: claims.release(conn, claim))

    async def next_settle_at(self) -> datetime | None:
        """Return the earliest `settle_at` of incidents that nobody holds just now."""
        now = self._clock.now()
        return await self._reads.run(lambda conn: claims.next_settle_at(conn, now))

    async def wake(self, now: datetime) -> None:
        """Make every incident that is not closed, and every parked one, due for settling: terms changed."""
        await self._runner.run(lambda conn: claims.wake(conn, now))

    async def store_silences(self, kept: Sequence[Silence]) -> None:
        """Store these, each in place of the one with its id, in one durable transaction."""
        await self._runner.run(lambda conn: silences.keep(conn, kept))

    async def record(self, at: datetime, endpoint: str, incident_key: str = "", operation: str = "") -> None:
        """Log a call to Autotask. It counts against the rolling hour after a restart too."""
        await self._runner.together(happenings.record_calls, Call(at, endpoint, incident_key, operation))

    async def answer(self, made: Sequence[Call]) -> None:
        """Keep how these calls, recorded before, have ended."""
        await self._runner.run(lambda conn: happenings.answer_calls(conn, made))

    async def set(self, key: str, value: str) -> None:
        """Remember `value` under `key`."""
        await self._runner.run(lambda conn: counters.set_memory(conn, key, value))

    async def put_company_rows(self, rows: Sequence[CompanyRow]) -> None:
        """Write these rows of the company map, all or none; what has the same key is replaced."""
        now = self._clock.now()
        await self._runner.run(lambda conn: company_map.put_rows(conn, rows, now))

    async def remove_company_row(self, source: str, sent: str) -> bool:
        """Delete a row of the company map; whether there was one."""
        return await self._runner.run(lambda conn: company_map.remove_row(conn, source, sent))

    async def purge(self, now: datetime, *, keep_journal: timedelta) -> Purged:
        """Delete decided entries and history older than `keep_journal`, and calls older than two hours.

        Calls that were made for single incidents go after a week.

        Silences go 120 hours after they ended.
        Undecided entries stay whatever their age. Conditions go that do not hold, have not been heard of for
        `keep_journal`, and belong to no incident that is not closed. Many small transactions: others write
        in between.
        """
        before = now - keep_journal
        return Purged(
            await self._purge(partial(entries.purge, before=before, limit=PURGE_ROWS)),
            await self._purge(partial(happenings.purge_history, before=before, limit=PURGE_ROWS)),
            await self._purge_calls(now),
            await self._purge_conditions(before),
            await self._purge(partial(silences.purge, before=now - KEEP_SILENCES, limit=PURGE_ROWS)),
        )

    async def _purge_calls(self, now: datetime) -> int:
        nobodys = partial(happenings.purge_calls, before=now - KEEP_CALLS, limit=PURGE_ROWS)
        somebodys = partial(
            happenings.purge_incident_calls, before=now - KEEP_INCIDENT_CALLS, limit=PURGE_ROWS
        )
        return await self._purge(nobodys) + await self._purge(somebodys)

    async def _purge(self, delete_some: Callable[[Connection], int]) -> int:
        deleted = 0
        while True:
            some = await self._runner.run(delete_some)
            deleted += some
            if some < PURGE_ROWS:
                return deleted

    async def _purge_conditions(self, before: datetime) -> int:
        """Go once over all that may go: what has to stay must not be met again and again."""
        deleted = 0
        place: conditions.Place | None = conditions.BEGIN
        while place is not None:
            some, place = await self._runner.run(
                partial(conditions.purge, before=before, after=place, limit=PURGE_ROWS)
            )
            deleted += some
        return deleted

    # --- how it fares ---------------------------------------------------------------------------------

    def is_held_up(self) -> bool:
        """Whether a write waits because the database refuses it for now."""
        return self._runner.is_held_up()

    def beat_age_s(self) -> float:
        """Return seconds since the writing thread last began a turn; more than a few: it hangs."""
        return self._runner.beat_age_s()

    async def wait_failed(self) -> StoreFailed | DataDamaged:
        """Wait until the store has failed for good, and say how."""
        return await self._runner.wait_failed()
