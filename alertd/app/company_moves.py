"""Bringing tickets to the company that their customer was mapped to after they had been made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from alertd.app.operations import Document
from alertd.autotask.desk import AutotaskDesk
from alertd.core.clients import CompanyRow, sent_key
from alertd.core.history import Happening
from alertd.core.incidents import OPEN_STATES, customer_of
from alertd.flows.errors import PortError
from alertd.flows.ports import Step, TicketFacts
from alertd.flows.sending import Precedence, Sending, serving
from alertd.store.reading import StoredIncident
from alertd.store.store import Store

MOST = 10_000  # open incidents that are looked through


class CompanyMoves:
    """Moves tickets that nobody has touched off the fallback company, one PATCH each."""

    def __init__(self, store: Store, desk: AutotaskDesk, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._desk = desk
        self._now = now

    async def find(self, rows: Sequence[CompanyRow]) -> Sequence[tuple[StoredIncident, CompanyRow]]:
        """Return open incidents of these rows' customers, with untouched tickets, and the row of each."""
        by_key = {(row.source, sent_key(row.sent)): row for row in rows}
        found = []
        for stored in await self._store.incidents(states=OPEN_STATES, limit=MOST):
            row = _row_of(stored, by_key)
            if row is not None and _may_move(stored):
                found.append((stored, row))
        return found

    async def move(self, found: Sequence[tuple[StoredIncident, CompanyRow]]) -> list[Document]:
        """Move the tickets; what is not moved is told with its reason."""
        return [await self._move(stored, row) for stored, row in found]

    async def _move(self, stored: StoredIncident, row: CompanyRow) -> Document:
        ticket = stored.known.ticket
        assert ticket is not None  # noqa: S101 - `find` has chosen those that have one
        told = {"incident": stored.incident.key, "ticket": ticket.number, "ticket_id": ticket.id}
        whom = Sending(stored.incident.key, "move", Precedence.UPDATE, stored.incident.client)
        try:
            with serving(whom):
                why = self._why_not(await self._desk.ticket(ticket.id), stored)
                if not why:
                    await self._desk.move(ticket.id, row.company_id)
        except PortError as exc:
            why = str(exc)
        if not why:
            await self._tell(stored, row)
        return {**told, "moved": not why, "why": why}

    def _why_not(self, seen: TicketFacts | None, stored: StoredIncident) -> str:
        if seen is None:
            return "the ticket is gone"
        if seen.company_id != self._desk.fallback_company().id:
            return "it is not on the fallback company"
        if seen.completed_at is not None:
            return "it is complete"
        return "" if seen.reference == stored.reference else "it carries another reference"

    async def _tell(self, stored: StoredIncident, row: CompanyRow) -> None:
        detail = {
            "company": f"{row.company} ({row.company_id})",
            "since": f"{row.source} {row.sent} is mapped",
        }
        line = Happening(at=self._now(), what="moved", incident_key=stored.incident.key, detail=detail)
        await self._store.commit(Step(history=[line]))


def _row_of(stored: StoredIncident, by_key: dict[tuple[str, str], CompanyRow]) -> CompanyRow | None:
    customer = customer_of(stored.incident)
    sent = (customer.client_id, customer.sent_client, customer.client)
    return next(
        (
            by_key[customer.source, sent_key(each)]
            for each in sent
            if (customer.source, sent_key(each)) in by_key
        ),
        None,
    )


def _may_move(stored: StoredIncident) -> bool:
    incident = stored.incident
    return (
        stored.known.ticket is not None
        and stored.known.verified
        and not (incident.touched or incident.foreign or incident.completed)
        and incident.policy.company is None
    )
