"""The tenant's active companies, found by id, exact name, number, alias, or parent and name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog

from alertd.autotask.boards import Problem
from alertd.autotask.client import AutotaskClient
from alertd.autotask.directory import Directory, Entry, name_key, read_entries
from alertd.autotask.first_tries import FirstTries
from alertd.autotask.precedence import Precedence
from alertd.autotask.queries import Query, Where
from alertd.autotask.texts import shown
from alertd.autotask.udfs import Udf, read_udfs
from alertd.flows.errors import AuthRefused, PortError, Rejected, Unavailable
from alertd.flows.ports import Clock, Company, CompanyMatch

EVERY = timedelta(hours=1)
MISS_FOR = timedelta(hours=1)
AFTER_FAILURE = timedelta(minutes=1)
MOST_MISSES = 10_000
LONGEST_NAME = 100  # characters of a companyName
_MOST_NAMED = 5
OWN_COMPANY = 0  # the MSP's own company, which every tenant has
_ACTIVE = Where("eq", "isActive", True)
_FIELDS = ("companyName", "companyNumber", "parentCompanyID")
_log = structlog.get_logger(__name__)


def _missing(named: int | str, match: CompanyMatch) -> str:
    if match.candidates:
        return f"{named!r} is the name of several: {'; '.join(match.candidates[:_MOST_NAMED])}"
    return f"{named!r} is no active company"


class Companies:
    """The directory, loaded whole and then hourly; a name that is not in it is asked for once an hour."""

    def __init__(
        self, client: AutotaskClient, *, fallback: int | str, alias_udf: str | None = None, clock: Clock
    ) -> None:
        self._client = client
        self._clock = clock
        self._wanted_fallback = fallback
        self._alias_udf = alias_udf
        self._alias_problem = ""
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

    async def find(self, client: str) -> CompanyMatch:
        """Return the one active company that `client` names, or those that share the name.

        Raises:
            PortError: The directory does not have it, and Autotask cannot be asked now.
        """
        if not client.strip():
            return CompanyMatch()
        match = self._known().find(client)
        if match == CompanyMatch():
            async with self._asking:
                match = self._known().find(client)
                if match == CompanyMatch():
                    match = await self._asked(client)
        if match.candidates:
            _log.warning(
                "autotask.company_ambiguous",
                client=shown(client),
                candidates=list(match.candidates[:_MOST_NAMED]),
            )
        return match

    def known(self, client: str) -> CompanyMatch:
        """Return the active company that `client` names among those that are known, asking nobody."""
        return self._known().find(client)

    def all(self) -> list[Company]:
        """Return the active companies that are known."""
        return [entry.company for entry in self._known().by_id.values()]

    async def with_id(self, company_id: int) -> CompanyMatch:
        """Return the active company of this id.

        Raises:
            PortError: As `find`.
        """
        if company_id not in self._known().by_id:
            async with self._asking:
                await self._ask_once(f"\x1f{company_id}", Where("eq", "id", company_id))
        return self._found(company_id)

    def fallback(self) -> Company:
        """Return where a ticket goes whose customer is unknown; the MSP itself where that is not found."""
        found = self._found(self._wanted_fallback).company
        if found is not None:
            return found
        own = self._known().by_id.get(OWN_COMPANY)
        return own.company if own is not None else Company(OWN_COMPANY, "")

    def parent_id(self, company_id: int) -> int | None:
        """Return the id of the company's parent, where it has one."""
        entry = self._known().by_id.get(company_id)
        return entry.parent_id if entry is not None else None

    def doubt(self) -> None:
        """Autotask refused a company: read the directory again."""
        self._due_at = self._clock.now()

    def problems(self, named: Iterable[int | str]) -> list[Problem]:
        """Return what is wrong with the fallback company and those that routes name, as far as is known."""
        if self._directory is None:
            return []
        if not self._directory.by_id:
            what = (
                "no company can be seen, so every ticket goes to your own: the API user lacks rights in CRM"
            )
            return [Problem(where="[autotask]", what=what)]
        return self._alias_problems() + self._fallback_problems() + self._named_problems(named)

    async def problems_of(self, named: frozenset[int | str]) -> list[Problem]:
        """Return what is wrong with companies that routes are to name; what is not known is looked up now.

        Raises:
            PortError: Autotask cannot be asked now.
        """
        if self._directory is None or self._named_problems(named):
            self._due_at = self._clock.now()
            await self.ready()
        return self._named_problems(named)

    def _alias_problems(self) -> list[Problem]:
        return [Problem(where="[autotask]", what=self._alias_problem)] if self._alias_problem else []

    def _fallback_problems(self) -> list[Problem]:
        found = self._found(self._wanted_fallback)
        if found.company is not None or self._wanted_fallback == OWN_COMPANY:
            return []
        what = (
            f"fallback_company {_missing(self._wanted_fallback, found)}; company 0, your own, is used instead"
        )
        return [Problem(where="[autotask]", what=what)]

    def _named_problems(self, named: Iterable[int | str]) -> list[Problem]:
        found = {each: self._found(each) for each in sorted(named, key=str)}
        return [
            Problem(
                where="[route]", what=f"company {_missing(each, match)}; the fallback company is used instead"
            )
            for each, match in found.items()
            if match.company is None
        ]

    def _known(self) -> Directory:
        if self._directory is None:
            raise Unavailable("the companies have not been read yet")
        return self._directory

    async def _load(self, now: datetime) -> None:
        try:
            self._directory = self._credible(Directory(await self._entries()))
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

    async def _entries(self) -> list[Entry]:
        """Read every active company, with its aliases where the tenant has that field."""
        alias_udf = await self._usable_alias_udf()
        query = Query(
            entity="Companies",
            conditions=(_ACTIVE,),
            fields=(*_FIELDS, *([alias_udf] if alias_udf else [])),
            precedence=Precedence.SYNC,
        )
        return read_entries(await self._client.exact(query), alias_udf=alias_udf)

    async def _usable_alias_udf(self) -> str | None:
        """Return the field's name as the tenant writes it. Asking for one that is not there is refused."""
        if self._alias_udf is None:
            return None
        try:
            info = await self._client.info("Companies/entityInformation/userDefinedFields", "Companies")
        except Rejected as exc:
            self._alias_problem = f"company_alias cannot be used: {exc}"
            return None
        found = read_udfs(info).find(self._alias_udf)
        self._alias_problem = "" if isinstance(found, Udf) else f"company_alias {found.why}"
        return found.name if isinstance(found, Udf) else None

    def _found(self, named: int | str) -> CompanyMatch:
        if isinstance(named, int):
            entry = self._known().by_id.get(named)
            return CompanyMatch() if entry is None else CompanyMatch(entry.company, "id")
        return self._known().find(named)

    async def _asked(self, client: str) -> CompanyMatch:
        if len(client.strip()) > LONGEST_NAME:
            return CompanyMatch()
        await self._ask_once(name_key(client), Where("eq", "companyName", client.strip()))
        return self._known().find(client)

    async def _ask_once(self, key: str, where: Where) -> None:
        """Ask for what the directory does not have; what is not there is not asked for again for a while."""
        now = self._clock.now()
        missed_at = self._missed_at.get(key)
        if missed_at is not None and now - missed_at < MISS_FOR:
            return
        found = await self._queried(where)
        if found:
            self._directory = self._known().with_entries(found)
        else:
            self._forget_misses(now)
            self._missed_at[key] = now

    async def _queried(self, where: Where) -> list[Entry]:
        query = Query(
            entity="Companies",
            conditions=(where, _ACTIVE),
            fields=_FIELDS,
            limit=10,
            precedence=Precedence.COMPLETE,
        )
        try:
            return read_entries((await self._client.rows(query)).rows, alias_udf=None)
        except Rejected as exc:  # the ticket matters more than whose it is
            _log.warning("autotask.company_query_refused", client=shown(where.value), error=shown(exc))
            return []

    def _forget_misses(self, now: datetime) -> None:
        if len(self._missed_at) >= MOST_MISSES:
            self._missed_at.clear()
        else:
            self._missed_at = {key: at for key, at in self._missed_at.items() if now - at < MISS_FOR}
