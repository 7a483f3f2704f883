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
from alertd.autotask.queries import Condition, Query, Row, Where
from alertd.autotask.texts import shown
from alertd.flows.errors import PortError, Rejected
from alertd.flows.ports import Clock

AGAIN_AFTER_MISS = timedelta(hours=1)
AFTER_FAILURE = timedelta(minutes=1)
MOST_COMPANIES = 500  # whose records are kept; those that were not asked for longest go first
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
    """What a ticket can do without, so a failure to read is told and never waited for."""

    def __init__(
        self, client: AutotaskClient, source: Source[Kept], *, every: timedelta, clock: Clock
    ) -> None:
        self._client = client
        self.source = source
        self._every = every
        self._clock = clock
        self._shelves: dict[tuple[int, ...], _Shelf[Kept]] = {}
        self._failed_at: dict[tuple[int, ...], datetime] = {}
        self._reading: dict[tuple[int, ...], asyncio.Lock] = {}

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

    async def _read(self, key: tuple[int, ...], *, older_than: timedelta) -> tuple[Kept, ...]:
        async with self._reading.setdefault(key, asyncio.Lock()):
            shelf, now = self._shelves.pop(key, None), self._clock.now()
            if shelf is None or now >= shelf.due_at or now - shelf.read_at >= older_than:
                shelf = await self._renewed(key, shelf, now)
            self._shelves[key] = shelf  # the newest is last
        self._forget_one()
        return shelf.records

    async def _renewed(self, key: tuple[int, ...], old: _Shelf[Kept] | None, now: datetime) -> _Shelf[Kept]:
        failed_at = self._failed_at.get(key)
        if failed_at is None or now - failed_at >= AFTER_FAILURE:
            try:
                records = await self._queried(key)
            except PortError as exc:
                _log.warning("autotask.company_records_unread", entity=self.source.entity, error=shown(exc))
                self._failed_at[key] = now
            else:
                self._failed_at.pop(key, None)
                return _Shelf(records, now, now + self._every)
        if old is None:
            raise NotKnown
        return old

    async def _queried(self, company_ids: tuple[int, ...]) -> tuple[Kept, ...]:
        query = Query(
            entity=self.source.entity,
            conditions=(Where("in", "companyID", company_ids), self.source.condition),
            fields=self.source.fields,
            precedence=Precedence.CREATE,
        )
        try:
            return self.source.read(await self._client.exact(query))
        except Rejected as exc:  # a right that we lack: no record is all that can be seen
            _log.warning("autotask.company_records_refused", entity=self.source.entity, error=shown(exc))
            return ()

    def _forget_one(self) -> None:
        if len(self._shelves) > MOST_COMPANIES:
            oldest = next(iter(self._shelves))
            del self._shelves[oldest]
            self._reading.pop(oldest, None)
            self._failed_at.pop(oldest, None)
