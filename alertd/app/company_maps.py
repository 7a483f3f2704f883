"""The map from what sources call customers to companies: in force, changed, and suggested."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Mapping, Sequence

import msgspec

from alertd.app.company_moves import CompanyMoves
from alertd.app.operations import Document
from alertd.app.sources import API_SOURCE
from alertd.autotask.desk import AutotaskDesk
from alertd.config.settings import Settings
from alertd.core.alerts import Alert
from alertd.core.clients import CompanyMap, CompanyRow, conflicting, parse_id, sent_key
from alertd.core.likeness import Candidate, Candidates
from alertd.flows.ports import Company
from alertd.store.company_map import ClientSeen
from alertd.store.store import Store

MOST_SUGGESTED = 500
LONGEST_SENT = 300  # characters


class MapRefused(Exception):
    """Nothing of the map was changed. The text says why, line by line."""


class Wanted(msgspec.Struct, frozen=True):
    """A row as a person gives it: `company` is an id, or whatever a company can be found by."""

    source: str
    sent: str
    company: str


class Change(msgspec.Struct, frozen=True):
    """Rows to write. With `move_open`, their untouched tickets leave the fallback company."""

    rows: Sequence[Wanted]
    move_open: bool = False


class CompanyMaps:
    """Holds the map in force. `load` it before the first alert is decided."""

    def __init__(
        self, store: Store, desk: AutotaskDesk, *, settings: Callable[[], Settings], moves: CompanyMoves
    ) -> None:
        self._store = store
        self._desk = desk
        self._settings = settings
        self._moves = moves
        self._current = CompanyMap()
        self._changing = asyncio.Lock()

    async def load(self) -> None:
        """Put in force what the store holds."""
        self._current = CompanyMap(await self._store.company_rows())

    def named(self, alert: Alert) -> Alert:
        """Return the alert with the company that its customer is mapped to."""
        return self._current.applied(alert)

    def conflicts(self, settings: Settings) -> list[str]:
        """Return what stands in these settings and in the map, a line each."""
        return [
            f'sources.{row.source}.clients: "{row.sent}" is in the map of the store too; take it out here, '
            f"or run alertd map companies remove {row.source} {shlex.quote(row.sent)}"
            for row in conflicting(self._current.rows.values(), clients_of(settings))
        ]

    async def listing(self) -> list[Document]:
        """Return every row, those of the configuration too."""
        return listed(list(self._current.rows.values()), self._settings())

    async def set(self, change: Change) -> Document:
        """Write rows, all or none.

        Raises:
            MapRefused: One of them cannot be taken.
            PortError: Autotask cannot be asked which company is meant.
        """
        await self._desk.ready()
        async with self._changing:
            rows = await self._resolved(change.rows)
            await self._store.put_company_rows(rows)
            await self.load()
        found = await self._moves.find(rows)
        moved = await self._moves.move(found) if change.move_open else []
        return {
            "set": [msgspec.to_builtins(row) for row in rows],
            "open_tickets": len(found),
            "moved": moved,
        }

    async def remove(self, source: str, sent: str) -> bool:
        """Delete a row; whether there was one."""
        async with self._changing:
            removed = await self._store.remove_company_row(source, sent)
            await self.load()
        return removed

    async def suggest(self) -> list[Document]:
        """Return the customers that lead to no company, and which might be meant: the surest first.

        Raises:
            PortError: The companies cannot be read now.
        """
        await self._desk.ready()
        seen = [each for each in await self._store.clients_seen() if self._is_unmapped(each)]
        companies = [(each.id, each.name) for each in self._desk.known_companies()]
        return await asyncio.to_thread(_suggested, seen[:MOST_SUGGESTED], companies)

    def _is_unmapped(self, seen: ClientSeen) -> bool:
        if not seen.client or self._current.find(seen.source, seen.client_id, seen.client) is not None:
            return False
        by_id = parse_id(seen.company_id)
        if by_id is not None and any(each.id == by_id for each in self._desk.known_companies()):
            return False
        return seen.client == seen.client_id or self._desk.known_company(seen.client).company is None

    async def _resolved(self, wanted: Sequence[Wanted]) -> list[CompanyRow]:
        clients = clients_of(self._settings())
        faults: list[str] = []
        rows: dict[tuple[str, str], CompanyRow] = {}
        for number, each in enumerate(wanted, start=1):
            company, why = await self._company(each, clients)
            if why:
                faults.append(f"row {number}: {why}" if len(wanted) > 1 else why)
            elif (each.source, sent_key(each.sent)) in rows:
                faults.append(f"row {number}: {each.source} {each.sent!r} is there twice")
            elif company is not None:
                rows[each.source, sent_key(each.sent)] = CompanyRow(
                    source=each.source, sent=each.sent.strip(), company_id=company.id, company=company.name
                )
        if faults:
            raise MapRefused("\n".join(faults))
        return list(rows.values())

    async def _company(
        self, wanted: Wanted, clients: Mapping[str, Mapping[str, str]]
    ) -> tuple[Company | None, str]:
        """Return the company that is meant, or why the row cannot be taken."""
        if wanted.source not in clients:
            return None, f"there is no source {wanted.source!r}; there are {', '.join(clients) or 'none'}"
        if not wanted.sent.strip() or len(wanted.sent) > LONGEST_SENT:
            return None, f"what is sent should have 1 to {LONGEST_SENT} characters"
        if sent_key(wanted.sent) in map(sent_key, clients[wanted.source]):
            return (
                None,
                f"{wanted.sent!r} is in clients of source {wanted.source} in the configuration already",
            )
        text = wanted.company.strip()
        match = await (
            self._desk.company_with_id(int(text))
            if text == "0" or parse_id(text) is not None
            else self._desk.company(text)
        )
        if match.candidates:
            return None, f"{text!r} is the name of several: {'; '.join(match.candidates)}; give the id"
        if match.company is None:
            return None, f"{text!r} is no active company in Autotask, by id, name or alias"
        return match.company, ""


def clients_of(settings: Settings) -> Mapping[str, Mapping[str, str]]:
    """Return `clients` of each source, the built-in one too."""
    return {**{source.name: source.clients for source in settings.sources}, API_SOURCE: {}}


def listed(rows: Sequence[CompanyRow], settings: Settings) -> list[Document]:
    """Return the rows of store and configuration as lists show them."""
    kept = [{**msgspec.to_builtins(row), "from": "store"} for row in rows]
    configured = [
        {"source": source, "sent": sent, "company_id": None, "company": company, "from": "configuration"}
        for source, clients in clients_of(settings).items()
        for sent, company in clients.items()
    ]
    return sorted([*kept, *configured], key=lambda each: (each["source"], each["sent"].casefold()))


def _suggested(seen: Sequence[ClientSeen], companies: Sequence[tuple[int, str]]) -> list[Document]:
    search = Candidates(companies)
    suggested = [_suggestion(each, search.like(each.client)) for each in seen]
    return sorted(suggested, key=lambda each: (not each["exact"], -each["alerts"]))


def _suggestion(seen: ClientSeen, candidates: Sequence[Candidate]) -> Document:
    exact = [each for each in candidates if each.score == 1.0]
    return {
        "source": seen.source,
        "sent": seen.client,
        "client_id": seen.client_id,
        "alerts": seen.alerts,
        "firing": seen.firing,
        "seen_at": seen.seen_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "exact": len(exact) == 1,
        "candidates": [msgspec.to_builtins(each) for each in candidates],
    }
