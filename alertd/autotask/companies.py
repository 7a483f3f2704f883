"""The tenant's active companies, found by id, exact name or number."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
import structlog

from alertd.autotask.boards import Problem
from alertd.autotask.client import AutotaskClient
from alertd.autotask.first_tries import FirstTries
from alertd.autotask.precedence import Precedence
from alertd.autotask.queries import Query, Row, Where
from alertd.autotask.texts import shown
from alertd.flows.errors import AuthRefused, PortError, Rejected, Unavailable
from alertd.flows.ports import Clock, Company

EVERY = timedelta(hours=1)
MISS_FOR = timedelta(hours=1)
AFTER_FAILURE = timedelta(minutes=1)
MOST_MISSES = 10_000
LONGEST_NAME = 100  # characters of a companyName
_LONGEST_ID = 19  # digits of a 64-bit number
OWN_COMPANY = 0  # the MSP's own company, which every tenant has
_ACTIVE = Where("eq", "isActive", True)
_FIELDS = ("companyName", "companyNumber")
_log = structlog.get_logger(__name__)


def _key(name: str) -> str:
    return name.strip().casefold()


class Directory(msgspec.Struct, frozen=True):
    """Active companies under each of their names."""

    by_id: dict[int, Company]
    by_name: dict[str, list[Company]]
    by_number: dict[str, list[Company]]

    def find(self, client: str) -> list[Company]:
        """Return the companies that `client` names; more than one: it is ambiguous."""
        key = _key(client)
        if len(key) <= _LONGEST_ID and key.isascii() and key.isdecimal() and int(key) in self.by_id:
            return [self.by_id[int(key)]]
        return self.by_name.get(key) or self.by_number.get(key) or []


def _missing(named: int | str, found: list[Company]) -> str:
    return f"{named!r} {'is the name of several' if found else 'is no active company'}"


def read_companies(rows: Iterable[Row]) -> Directory:
    """Arrange companies' records; those without a name are left out."""
    directory = Directory({}, {}, {})
    for row in rows:
        name, number = row.get("companyName"), row.get("companyNumber")
        if not isinstance(name, str) or not name.strip():
            continue
        company = Company(row["id"], name)
        directory.by_id[company.id] = company
        directory.by_name.setdefault(_key(name), []).append(company)
        if isinstance(number, str) and number.strip():
            directory.by_number.setdefault(_key(number), []).append(company)
    return directory


class Companies:
    """The directory, loaded whole and then hourly; a name that is not in it is asked for once an hour."""

    def __init__(self, client: AutotaskClient, *, fallback: int | str, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._wanted_fallback = fallback
        self._directory: Directory | None = None
        self._first_tries = FirstTries(clock)
        self._due_at = clock.now()
        self._missed_at: dict[str, datetime] = {}
        self._asking = asyncio.Lock()
        self._loading = asyncio.Lock()

    async def ready(self) -> None:
        """Load the directory where that was never done or is too old. A failed renewal keeps the old one.

        Raises:
            PortError: There is none, and it cannot be had now; or the credential is refused.
        """
        async with self._loading:
            if self._directory is None:
                self._first_tries.check()
            if self._directory is None or self._clock.now() >= self._due_at:
                await self._load(self._clock.now())

    async def find(self, client: str) -> Company | None:
        """Return the one active company that `client` names; None: unknown, or several have that name.

        Raises:
            PortError: The directory does not have it, and Autotask cannot be asked now.
        """
        if not client.strip():
            return None
        found = self._known().find(client)
        if not found:
            async with self._asking:
                found = self._known().find(client) or await self._asked(client)
        if len(found) > 1:
            _log.warning(
                "autotask.company_ambiguous",
                client=shown(client),
                company_ids=[each.id for each in found[:10]],
            )
        return found[0] if len(found) == 1 else None

    def fallback(self) -> Company:
        """Return where a ticket goes whose customer is unknown; the MSP itself where that is not found."""
        found = self._found(self._wanted_fallback)
        if len(found) == 1:
            return found[0]
        return self._known().by_id.get(OWN_COMPANY, Company(OWN_COMPANY, ""))

    def problems(self, named: Iterable[int | str]) -> list[Problem]:
        """Return what is wrong with the fallback company and those that routes name, as far as is known."""
        if self._directory is None:
            return []
        if not self._directory.by_id:
            what = (
                "no company can be seen, so every ticket goes to your own: the API user lacks rights in CRM"
            )
            return [Problem(where="[autotask]", what=what)]
        return self._fallback_problems() + self._named_problems(named)

    async def problems_of(self, named: frozenset[int | str]) -> list[Problem]:
        """Return what is wrong with companies that routes are to name; what is not known is looked up now.

        Raises:
            PortError: Autotask cannot be asked now.
        """
        if self._directory is None or self._named_problems(named):
            self._due_at = self._clock.now()
            await self.ready()
        return self._named_problems(named)

    def _fallback_problems(self) -> list[Problem]:
        found = self._found(self._wanted_fallback)
        if len(found) == 1 or self._wanted_fallback == OWN_COMPANY:
            return []
        what = (
            f"fallback_company {_missing(self._wanted_fallback, found)}; company 0, your own, is used instead"
        )
        return [Problem(where="[autotask]", what=what)]

    def _named_problems(self, named: Iterable[int | str]) -> list[Problem]:
        found = {each: self._found(each) for each in sorted(named, key=str)}
        return [
            Problem(
                where="[route]", what=f"company {_missing(each, rows)}; the fallback company is used instead"
            )
            for each, rows in found.items()
            if len(rows) != 1
        ]

    def _known(self) -> Directory:
        if self._directory is None:
            raise Unavailable("the companies have not been read yet")
        return self._directory

    async def _load(self, now: datetime) -> None:
        query = Query(entity="Companies", conditions=(_ACTIVE,), fields=_FIELDS, precedence=Precedence.SYNC)
        try:
            self._directory = self._credible(read_companies(await self._client.exact(query)))
        except AuthRefused:
            raise
        except PortError as exc:
            if self._directory is None:
                self._first_tries.failed(exc)
                raise
            self._due_at = now + AFTER_FAILURE
            _log.warning("autotask.companies_kept", error=shown(exc))
            return
        self._due_at = now + EVERY
        self._forget_misses(now)
        _log.info("autotask.companies_loaded", companies=len(self._directory.by_id))

    def _credible(self, read: Directory) -> Directory:
        """No company at all is a right that we have lost, or a zone that the tenant has left."""
        if self._directory is not None and self._directory.by_id and not read.by_id:
            raise Unavailable("Autotask shows no company any more")
        return read

    def _found(self, named: int | str) -> list[Company]:
        if isinstance(named, int):
            company = self._known().by_id.get(named)
            return [] if company is None else [company]
        return self._known().find(named)

    async def _asked(self, client: str) -> list[Company]:
        if len(client.strip()) > LONGEST_NAME:
            return []
        key, now = _key(client), self._clock.now()
        missed_at = self._missed_at.get(key)
        if missed_at is not None and now - missed_at < MISS_FOR:
            return []
        found = (await self._queried(client.strip())).by_name.get(key, [])
        if found:
            self._learn(found)
        else:
            self._forget_misses(now)
            self._missed_at[key] = now
        return found

    async def _queried(self, name: str) -> Directory:
        where = Where("eq", "companyName", name)
        query = Query(
            entity="Companies",
            conditions=(where, _ACTIVE),
            fields=_FIELDS,
            limit=10,
            precedence=Precedence.COMPLETE,
        )
        try:
            return read_companies((await self._client.rows(query)).rows)
        except Rejected as exc:  # the ticket matters more than whose it is
            _log.warning("autotask.company_query_refused", client=shown(name), error=shown(exc))
            return read_companies(())

    def _learn(self, found: list[Company]) -> None:
        directory = self._known()
        for company in found:
            directory.by_id[company.id] = company
        directory.by_name[_key(found[0].name)] = found

    def _forget_misses(self, now: datetime) -> None:
        if len(self._missed_at) >= MOST_MISSES:
            self._missed_at.clear()
        else:
            self._missed_at = {key: at for key, at in self._missed_at.items() if now - at < MISS_FOR}
