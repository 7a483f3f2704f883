"""`mode = "shadow"`: a desk that reads the tenant and writes nothing; and how a store changes its mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter

from alertd.autotask.desk import AutotaskDesk
from alertd.core.history import Happening
from alertd.core.shadowing import Mode, is_real, leave, planned_ticket
from alertd.flows.ports import Draft, NoteFacts, Sight, Step, TicketFacts
from alertd.flows.rows import incident_write
from alertd.flows.sending import sending
from alertd.store.reading import StoredIncident
from alertd.store.store import Store

_MODE = "mode"
PAGE = 200
OPERATIONS = ("create", "note", "tag", "untag", "change", "complete")

_log = structlog.get_logger("alertd.app")


class ModeRefused(Exception):
    """The store cannot be used in this mode. The text says why, and what to do."""


class ShadowMetrics:
    """What would have been written."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "alertd_shadow_calls_total",
            'Writes that were planned and not sent, since mode is "shadow", by operation.',
            ["operation"],
            registry=registry,
        )
        self.counts = dict.fromkeys(OPERATIONS, 0)
        for operation in OPERATIONS:
            self._calls.labels(operation)

    def planned(self, operation: str) -> None:
        """Count one write."""
        self.counts[operation] += 1
        self._calls.labels(operation).inc()


class ShadowDesk(AutotaskDesk):
    """Takes every write as done, and shows planned tickets as they were last written. Nobody works on them.

    Its transport is told to refuse writes, too: `Around.may_write`.
    """

    def __init__(self, *args: Any, store: Store, metrics: ShadowMetrics, **options: Any) -> None:
        super().__init__(*args, **options)
        self._store = store
        self.planned = metrics

    async def create(self, draft: Draft) -> int:
        """Plan a ticket and return its id, which is negative."""
        self.planned.planned("create")
        return planned_ticket(draft.reference).id

    async def change(self, ticket_id: int, fields: Mapping[str, int], resolution: str | None) -> None:
        """Plan a change, or a completion."""
        del ticket_id, fields, resolution
        self.planned.planned("complete" if sending.get().operation == "complete" else "change")

    async def note(self, ticket_id: int, *, title: str, text: str) -> None:
        """Plan a note."""
        del ticket_id, title, text
        self.planned.planned("note")

    async def add_tag(self, ticket_id: int, label: str) -> int:
        """Plan a tag. Neither it nor its group is made."""
        del ticket_id, label
        self.planned.planned("tag")
        return 0

    async def remove_tag(self, ticket_id: int, association_id: int) -> None:
        """Plan to take a tag off."""
        del ticket_id, association_id
        self.planned.planned("untag")

    def check_room(self) -> None:
        """What is not sent waits for nothing."""

    async def tickets(self, ticket_ids: Sequence[int]) -> Sequence[TicketFacts]:
        """Return those of these tickets that are planned."""
        found = [await self.ticket(ticket_id) for ticket_id in ticket_ids]
        return [facts for facts in found if facts is not None]

    async def ticket(self, ticket_id: int) -> TicketFacts | None:
        """Return a planned ticket as it would stand."""
        stored = await self._store.incident_by_ticket_id(ticket_id)
        return _facts(stored, ticket_id) if stored is not None else None

    async def look(self, references: Sequence[str], canaries: Sequence[int]) -> Sight:
        """Find nothing: what a crash has kept from being planned is planned again."""
        del references
        return Sight((), frozenset(canaries), self._around.clock.now())

    async def notes(self, ticket_id: int) -> Sequence[NoteFacts]:
        """Return nobody's notes."""
        del ticket_id
        return ()

    async def time_entered(self, ticket_ids: Sequence[int]) -> Mapping[int, frozenset[int]]:
        """Nobody works on what is planned."""
        del ticket_ids
        return {}

    async def tags(self, ticket_id: int) -> Mapping[str, int]:
        """Return the planned ticket's tags."""
        stored = await self._store.incident_by_ticket_id(ticket_id)
        return stored.known.tags if stored is not None else {}

    async def may_see_all_tickets(self) -> bool:
        """All that is planned is seen."""
        return True

    async def knows_our_tickets(self, *, after: int) -> bool:
        """Whether real ones stand is asked when the mode is live."""
        del after
        return False


def _facts(stored: StoredIncident, ticket_id: int) -> TicketFacts:
    fields = stored.known.fields
    return TicketFacts(
        id=ticket_id,
        number=planned_ticket(stored.reference).number,
        reference=stored.reference,
        title="",
        company_id=0,
        status=fields["status"].written,
        priority=fields["priority"].written,
        queue=fields["queue"].written,
    )


async def take_up(mode: Mode, store: Store, now: datetime) -> None:
    """Bring the store into the mode: planned tickets are forgotten when it becomes live.

    Raises:
        ModeRefused: Real tickets are kept in it, and the mode is shadow.
    """
    before = await store.get(_MODE) or "live"
    if before == "live" and mode == "shadow":
        await _refuse_real(store)
    elif before == "shadow" and mode == "live":
        await _leave_shadow(store, now)
    await store.set(_MODE, mode)
    if before != mode:
        _log.warning("app.mode_changed", before=before, now=mode)


async def _refuse_real(store: Store) -> None:
    after = ""
    while page := await store.incidents_after(after, limit=PAGE):
        if any(is_real(each.incident, each.known) for each in page):
            raise ModeRefused(
                'this store holds real tickets, which mode = "shadow" would leave to themselves;'
                " name another file in [store] url, or take the mode out"
            )
        after = page[-1].incident.key


async def _leave_shadow(store: Store, now: datetime) -> None:
    """Page by page: after a crash it is done again, and changes nothing where it was done."""
    after, closed, begun = "", 0, 0
    while page := await store.incidents_after(after, limit=PAGE):
        writes, told = [], []
        for each in page:
            incident, known = leave(each.incident, each.known, now)
            if (incident, known) == (each.incident, each.known):
                continue
            row = (await store.load((), [incident.key])).incidents[incident.key]
            writes.append(incident_write(row, incident, known, settle_at=now))
            told.append(Happening(at=now, what="left shadow", incident_key=incident.key))
            begun += incident.firing
            closed += not incident.firing
        if writes:
            await store.commit(Step(incidents=writes, history=told))
        after = page[-1].incident.key
    _log.warning("app.left_shadow", closed=closed, firing=begun)
