"""Whose a device is, where nothing else says whose an alert is: looked up among those of all companies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import msgspec
import structlog

from alertd.autotask.client import AutotaskClient
from alertd.autotask.companies import Companies
from alertd.autotask.devices import FIELDS_BY_LABEL, devices_source
from alertd.autotask.precedence import Precedence
from alertd.autotask.queries import AnyOf, Query, Row, Where
from alertd.autotask.texts import shown
from alertd.core.devices import Clues, find_device
from alertd.flows.errors import Rejected
from alertd.flows.ports import Clock, CompanyMatch

KEPT_FOR = timedelta(hours=1)
MOST_KEPT = 10_000
MOST_ROWS = 50
LONGEST_CLUE = 100  # characters that a configuration item's fields have
# Addresses recur behind every router, and numbers in every RMM: within one company they may do, here not.
COMPARED: Mapping[str, tuple[str, ...]] = {
    "device_uid": FIELDS_BY_LABEL["device_uid"],
    "serial": FIELDS_BY_LABEL["serial"],
    "host": FIELDS_BY_LABEL["host"],
}
_SOURCE = devices_source({})
_log = structlog.get_logger(__name__)


class _Answer(msgspec.Struct, frozen=True):
    match: CompanyMatch
    at: datetime


class DeviceOwners:
    """Asks once an hour for each device."""

    def __init__(self, client: AutotaskClient, companies: Companies, *, clock: Clock) -> None:
        self._client = client
        self._companies = companies
        self._clock = clock
        self._answers: dict[tuple[tuple[str, str], ...], _Answer] = {}
        self._asking = asyncio.Lock()

    async def find(self, clues: Clues) -> CompanyMatch:
        """Return the active company that the one active device belongs to which the clues name.

        Raises:
            PortError: Autotask cannot be asked now.
        """
        wanted = {label: clues[label].strip() for label in COMPARED if clues.get(label, "").strip()}
        wanted = {label: text for label, text in wanted.items() if len(text) <= LONGEST_CLUE}
        if not wanted:
            return CompanyMatch()
        key = tuple(wanted.items())
        async with self._asking:
            now = self._clock.now()
            kept = self._answers.get(key)
            if kept is None or now - kept.at >= KEPT_FOR:
                if len(self._answers) >= MOST_KEPT:
                    self._answers.clear()
                kept = self._answers[key] = _Answer(await self._asked(wanted), now)
        return kept.match

    async def _asked(self, wanted: Mapping[str, str]) -> CompanyMatch:
        query = Query(
            entity="ConfigurationItems",
            conditions=(AnyOf(tuple(_conditions(wanted))), _SOURCE.condition),
            fields=("companyID", *_SOURCE.fields),
            limit=MOST_ROWS,
            precedence=Precedence.CREATE,
        )
        try:
            rows = (await self._client.rows(query)).rows
        except Rejected as exc:  # a right that we lack: the ticket matters more than whose it is
            _log.warning("autotask.device_query_refused", error=shown(exc))
            return CompanyMatch()
        return await self._owner(rows, wanted) if len(rows) < MOST_ROWS else CompanyMatch()

    async def _owner(self, rows: tuple[Row, ...], wanted: Mapping[str, str]) -> CompanyMatch:
        found = find_device(_SOURCE.read(rows), wanted)
        if found.device is None:
            return CompanyMatch()
        company_id = next(row["companyID"] for row in rows if row["id"] == found.device.id)
        company = (await self._companies.with_id(company_id)).company
        if company is None:
            return CompanyMatch()
        named = found.device.title or "without a title"
        return CompanyMatch(company, f"device {named} ({found.device.id}), by {found.by}")


def _conditions(wanted: Mapping[str, str]) -> Iterator[Where]:
    for label, value in wanted.items():
        yield from (Where("eq", field, value) for field in COMPARED[label])
