"""Records of one entity, company by company: read whole when first needed, and kept for hours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import msgspec
import structlog

from alertd.autotask.client import AutotaskClient
from alertd.autotask.precedence import Precedence
from alertd.autotask.queries import MOST_ROWS, Condition, Query, Row, Where
from alertd.autotask.texts import shown
from alertd.flows.errors import PortError, Rejected
from alertd.flows.ports import Clock

AGAIN_AFTER_MISS = timedelta(hours=1)
AFTER_FAILURE = timedelta(minutes=1)
MOST_COMPANIES = 2000  # whose records are kept; those that were read longest ago go first
_log = structlog.get_logger(__name__)
Kept = TypeVar("Kept")


class Source(msgspec.Struct, Generic[Kept], frozen=True):
    """What is read of which entity."""

    entity: str
    fields: tuple[str, ...]
    condition: Condition  # beside that of the company
    read: Callable[[Iterable[Row]], tuple[Kept, ...]]


class _Shelf(msgspec.Struct, Generic[Kept], frozen=True):
    records: tuple[Kept, ...]
    read_at: datetime
    due_at: datetime


class NotKnown(Exception):
    """The records cannot be had now."""


class CompanyRecords(Generic[Kept]):
    """What a ticket can do without, so a failure to read is told and never waited for.

    One query is under way at a time; the companies that are asked for meanwhile share the next.
    """

    def __init__(
        self, client: AutotaskClient, source: Source[Kept], *, every: timedelta, clock: Clock
    ) -> None:
        self._client = client
        self.source = source
        self._every = every
        self._clock = clock
        self._shelves: dict[int, _Shelf[Kept]] = {}
        self._failed_at: dict[int, datetime] = {}
        self._wanted: set[int] = set()
        self._reading = asyncio.Lock()

    async def of(self, *company_ids: int) -> tuple[Kept, ...]:
        """Return the records of these companies.

        Raises:
            NotKnown: They have never been read, and cannot be now.
        """
        return await self._read(company_ids, older_than=timedelta.max)

    async def anew(self, *company_ids: int) -> tuple[Kept, ...]:
        """Return the records as of the last hour: what was looked for is not among those that are kept.

        Raises:
            NotKnown: As `of`.
        """
        return await self._read(company_ids, older_than=AGAIN_AFTER_MISS)

    async def _read(self, company_ids: tuple[int, ...], *, older_than: timedelta) -> tuple[Kept, ...]:
        stale = self._stale(company_ids, older_than)
        self._wanted |= stale
        if stale:
            async with self._reading:
                if self._stale(company_ids, older_than):
                    await self._renew(stale | frozenset(sorted(self._wanted)[: MOST_ROWS - len(stale)]))
        shelves = [self._shelves.get(each) for each in company_ids]
        return tuple(record for shelf in shelves for record in _records(shelf))

    def _stale(self, company_ids: tuple[int, ...], older_than: timedelta) -> frozenset[int]:
        now = self._clock.now()
        return frozenset(each for each in company_ids if self._must_read(each, now, older_than))

    def _must_read(self, company_id: int, now: datetime, older_than: timedelta) -> bool:
        shelf, failed_at = self._shelves.get(company_id), self._failed_at.get(company_id)
        if failed_at is not None and now - failed_at < AFTER_FAILURE:
            return False
        return shelf is None or now >= shelf.due_at or now - shelf.read_at >= older_than

    async def _renew(self, company_ids: frozenset[int]) -> None:
        now = self._clock.now()
        self._wanted -= company_ids
        try:
            rows = await self._queried(tuple(sorted(company_ids)))
        except PortError as exc:
            _log.warning("autotask.company_records_unread", entity=self.source.entity, error=shown(exc))
            self._failed_at.update(dict.fromkeys(company_ids, now))
            return
        by_company: dict[int, list[Row]] = {company_id: [] for company_id in company_ids}
        for row in rows:
            by_company[row["companyID"]].append(row)
        for company_id, own in by_company.items():
            self._failed_at.pop(company_id, None)
            self._shelves.pop(company_id, None)  # the newest is last
            self._shelves[company_id] = _Shelf(self.source.read(own), now, now + self._every)
        while len(self._shelves) > MOST_COMPANIES:
            del self._shelves[next(iter(self._shelves))]

    async def _queried(self, company_ids: tuple[int, ...]) -> tuple[Row, ...]:
        query = Query(
            entity=self.source.entity,
            conditions=(Where("in", "companyID", company_ids), self.source.condition),
            fields=self.source.fields,
            precedence=Precedence.CREATE,
        )
        try:
            return await self._client.exact(query)
        except Rejected as exc:  # a right that we lack: no record is all that can be seen
            _log.warning("autotask.company_records_refused", entity=self.source.entity, error=shown(exc))
            return ()


def _records(shelf: _Shelf[Kept] | None) -> tuple[Kept, ...]:
    if shelf is None:
        raise NotKnown
    return shelf.records
