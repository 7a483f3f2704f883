"""Device, contract, contact and location of a ticket: linked where one is meant beyond doubt, else told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from alertd.autotask.boards import Problem
from alertd.autotask.client import AutotaskClient
from alertd.autotask.company_contracts import CONTRACTS, find_contracts
from alertd.autotask.company_records import AFTER_FAILURE, CompanyRecords, NotKnown
from alertd.autotask.devices import devices_source
from alertd.autotask.people import CONTACTS, LOCATIONS, Named, find_named
from alertd.autotask.texts import shown
from alertd.autotask.udfs import Udf, Udfs, read_udfs
from alertd.core.devices import Clues, Device, DeviceLabel, DeviceMatch, find_device
from alertd.core.ticket_parts import DEFAULT_CONTRACT
from alertd.core.tickets import Board
from alertd.flows.errors import AuthRefused, PortError
from alertd.flows.ports import Clock, Company, Particulars

EVERY = timedelta(hours=1)
_MOST_NAMED = 10
_NOT_READ = "could not be read just now"


class Finder:
    """Asks a company's records at most once in `every`, and once an hour for what they do not have."""

    def __init__(
        self,
        client: AutotaskClient,
        *,
        udf_by_label: Mapping[DeviceLabel, str],
        every: timedelta,
        clock: Clock,
    ) -> None:
        self._client = client
        self._wanted_udfs = dict(udf_by_label)
        self._clock = clock
        self._due_at = clock.now()
        self._problems: list[Problem] = []
        self._devices = CompanyRecords(client, devices_source({}), every=every, clock=clock)
        self._contracts = CompanyRecords(client, CONTRACTS, every=every, clock=clock)
        self._contacts = CompanyRecords(client, CONTACTS, every=every, clock=clock)
        self._locations = CompanyRecords(client, LOCATIONS, every=every, clock=clock)

    async def ready(self) -> None:
        """Find out, hourly, which of the configured user-defined fields the tenant has.

        Nothing waits for that: until it is known, devices are looked for without them.

        Raises:
            AuthRefused: The credential is refused.
        """
        now = self._clock.now()
        if not self._wanted_udfs or now < self._due_at:
            return
        self._due_at = now + EVERY
        path = "ConfigurationItems/entityInformation/userDefinedFields"
        try:
            udfs = read_udfs(await self._client.info(path, "ConfigurationItems"))
        except AuthRefused:
            raise
        except PortError as exc:
            self._problems = [_problem(f" cannot be checked: {shown(exc)}")]
            self._due_at = now + AFTER_FAILURE
            return
        self._use(udfs)

    def _use(self, udfs: Udfs) -> None:
        found = {label: udfs.find(name) for label, name in self._wanted_udfs.items()}
        self._problems = [
            _problem(f".{label} {udf.why}") for label, udf in found.items() if not isinstance(udf, Udf)
        ]
        usable = {label: udf.name for label, udf in found.items() if isinstance(udf, Udf)}
        self._devices.source = devices_source(usable)

    def problems(self) -> list[Problem]:
        """Return which configured fields the tenant does not have."""
        return self._problems

    async def device(self, company: Company, clues: Clues) -> Particulars:
        """Find the device that the clues name among the active ones of the company."""
        if not clues:
            return Particulars()
        try:
            match = await self._device_match(company, clues)
        except NotKnown:
            return Particulars(told={"device": _NOT_READ})
        if match.device is not None:
            said = f"{_named(match.device)}, by {match.by}"
            return Particulars(device_id=match.device.id, told={"device": said})
        if not match.candidates:
            return Particulars(told={"device": f"none of {company.name} is known by that"})
        several = "; ".join(map(_named, match.candidates[:_MOST_NAMED]))
        return Particulars(
            told={"device": f"several, by {match.by}: {several}"},
            remarks=(f"The device is not linked, as it might be any of these: {several}.",),
        )

    async def _device_match(self, company: Company, clues: Clues) -> DeviceMatch:
        match = find_device(await self._devices.of(company.id), clues)
        if match == DeviceMatch():
            match = find_device(await self._devices.anew(company.id), clues)
        return match

    async def contract(self, company: Company, board: Board) -> Particulars:
        """Find the board's contract among those of the company that run today."""
        wanted, today = board.contract, self._clock.now().date()
        if wanted is None:
            return Particulars()
        try:
            found = find_contracts(await self._contracts.of(company.id), wanted, on=today)
            found = found or find_contracts(await self._contracts.anew(company.id), wanted, on=today)
        except NotKnown:
            return Particulars(told={"contract": _NOT_READ})
        if len(found) == 1:
            said = f"{found[0].name} ({found[0].id})"
            return Particulars(contract_id=found[0].id, told={"contract": said})
        several = "; ".join(f"{each.name} ({each.id})" for each in found[:_MOST_NAMED])
        said = f"{wanted!r} is " + (f"several: {several}" if several else "none that the company has today")
        told = {"contract": said}
        if isinstance(wanted, str) and wanted.strip().casefold() == DEFAULT_CONTRACT and not found:
            return Particulars(told=told)  # as most companies
        remark = f"The ticket has none of the company's contracts, since contract {said}."
        return Particulars(told=told, remarks=(remark,))

    async def contact(self, company: Company, board: Board, *, parent_id: int | None) -> Particulars:
        """Find the board's contact in the company, else in its parent."""
        if board.contact is None:
            return Particulars()
        companies = (company.id,) if parent_id is None else (company.id, parent_id)
        try:
            found = await _found(self._contacts, companies, board.contact)
        except NotKnown:
            return Particulars(told={"contact": _NOT_READ})
        own = [each for each in found if each.company_id == company.id]
        chosen, said = _chosen(own or found, board.contact)
        return Particulars(contact_id=chosen, told={"contact": said})

    async def location(self, company: Company, board: Board) -> Particulars:
        """Find the board's location in the company."""
        if board.location is None:
            return Particulars()
        try:
            found = await _found(self._locations, (company.id,), board.location)
        except NotKnown:
            return Particulars(told={"location": _NOT_READ})
        chosen, said = _chosen(found, board.location)
        return Particulars(location_id=chosen, told={"location": said})


async def _found(
    records: CompanyRecords[Named], company_ids: tuple[int, ...], wanted: int | str
) -> list[Named]:
    found = find_named(await records.of(*company_ids), wanted)
    return found or find_named(await records.anew(*company_ids), wanted)


def _chosen(found: list[Named], wanted: int | str) -> tuple[int | None, str]:
    if len(found) == 1:
        return found[0].id, f"{found[0].name} ({found[0].id})"
    several = ": " + "; ".join(f"{each.name} ({each.id})" for each in found[:_MOST_NAMED])
    return None, f"{wanted!r} is {'several' + several if found else 'none of the company'}"


def _named(device: Device) -> str:
    return f"{device.title or 'without a title'} ({device.id})"


def _problem(what: str) -> Problem:
    return Problem(where="[autotask]", what=f"device_udfs{what}")
