"""The service desk that the flows speak of, made of Autotask's calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from alertd.autotask import refusals, texts
from alertd.autotask.board_forms import ResolvedForm, RouteForm
from alertd.autotask.boards import Problem
from alertd.autotask.client import AutotaskClient
from alertd.autotask.companies import Companies
from alertd.autotask.credential import Credential
from alertd.autotask.device_owners import DeviceOwners
from alertd.autotask.metadata import Metadata, Queue
from alertd.autotask.particulars import Finder
from alertd.autotask.precedence import Precedence
from alertd.autotask.pressure import Usage
from alertd.autotask.queries import MOST_ROWS, AnyOf, Condition, Query, Row, Where
from alertd.autotask.records import (
    MERGED_INTO,
    NOTE_FIELDS,
    TICKET_FIELDS,
    merged_into,
    note_facts,
    ticket_facts,
    ticket_record,
    tickets_of,
)
from alertd.autotask.settings import AutotaskSettings
from alertd.autotask.tags import Tags
from alertd.autotask.time_entries import TimeEntries
from alertd.autotask.transport import Around, Transport
from alertd.core.boards import BoardSettings
from alertd.core.devices import Clues
from alertd.core.identity import REFERENCE_PREFIX
from alertd.core.ticket_forms import BLANK, TicketForm
from alertd.core.tickets import Board
from alertd.flows.errors import Invalid, OutcomeUnknown, Rejected
from alertd.flows.ports import (
    Company,
    CompanyMatch,
    Desk,
    Draft,
    MergedAway,
    NoteFacts,
    Particulars,
    Sight,
    TicketFacts,
)
from alertd.flows.sending import Sending, serving

MOST_REFERENCES, MOST_CANARIES = 100, 5
_FIELD_NAMES = {"status": "status", "priority": "priority", "queue": "queueID"}
# What a user-defined field is compared with as a whole: Autotask takes one such condition a query, and 500
# values in it. Later generations are found by externalID alone.
_GENERATIONS = ("", "-g1", "-g2", "-g3", "-g4")
_ALL_USERS = 1  # TicketNotes.publish: All Autotask Users
_OWN_ID = "autotask.own_resource"
_BEGINNING = Sending(precedence=Precedence.CRITICAL_CREATE)  # without it nothing at all can be done
_REFRESHING = Sending(precedence=Precedence.SYNC)


class BoardPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration's boards, and what routes add to them and name."""

    boards: Sequence[BoardSettings]
    stand_ins: Sequence[str] = ()  # in order: the root route's board, then the fallback board
    more_tags: frozenset[str] = frozenset()  # labels that routes put on tickets
    companies: frozenset[int | str] = frozenset()  # that routes name
    routes: Sequence[RouteForm] = ()  # that say something of their tickets themselves


class _Own(msgspec.Struct, frozen=True):
    """Who has made tickets of ours: this API user, and those before it, whose notes are no touch either."""

    username: str
    resource_id: int | None = None
    former: frozenset[int] = frozenset()

    @property
    def ids(self) -> frozenset[int]:
        return self.former | ({self.resource_id} if self.resource_id is not None else frozenset())


_OF_ITS_COMPANY = ("contactID", "configurationItemID", "contractID", "companyLocationID")


class AutotaskDesk(Desk):
    """`alertd.flows.ports.Desk` on one tenant. `close` it at the end."""

    def __init__(
        self, settings: AutotaskSettings, credential: Credential, *, plan: BoardPlan, around: Around
    ) -> None:
        self.transport = Transport(settings, credential, around)
        self.client = AutotaskClient(self.transport)
        self._around = around
        self._named_companies = plan.companies
        self._vocabulary = plan.more_tags | _labels(plan.boards)
        self._metadata = Metadata(
            self.client,
            plan.boards,
            stand_ins=plan.stand_ins,
            note_type=settings.note_type,
            reference_udf=settings.reference_udf,
            every=settings.metadata_every,
            clock=around.clock,
        )
        self._metadata.adopt(plan.boards, stand_ins=plan.stand_ins, routes=plan.routes)
        self._companies = Companies(
            self.client,
            fallback=settings.fallback_company,
            alias_udf=settings.company_alias,
            clock=around.clock,
        )
        self._matches_devices = settings.match_devices
        self._owners = DeviceOwners(self.client, self._companies, clock=around.clock)
        self._finder = Finder(
            self.client,
            udf_by_label=settings.device_udfs if settings.match_devices else {},
            every=settings.records_every,
            clock=around.clock,
        )
        self._tags = Tags(
            self.client, group=settings.tag_group, vocabulary=self._vocabulary, clock=around.clock
        )
        self._time_entries = TimeEntries(self.client, around.clock)
        self._configured_own = frozenset(settings.own_resources)
        self._own = _Own(credential.username)
        self._own_kept: _Own | None = None  # None: not read yet

    # --- lifetimes

    async def ready(self) -> None:
        """Resolve zone, metadata, boards and companies where they are not fresh; read the tenant's usage.

        What is known already does not make us ready while nothing can be sent. Saying so costs no call,
        but for one that finds out, after a pause, whether Autotask can be reached again.

        Raises:
            PortError: They cannot be had now, or no call can be made now, whatever it is for.
        """
        await self.transport.gate.restore()
        await self._keep_own_id()
        await self.transport.open_way()
        await self.transport.read_usage()
        with serving(_REFRESHING if self._metadata.mark() else _BEGINNING):
            await self._metadata.ready()
            await self._companies.ready()
            await self._finder.ready()
        self.transport.check()  # a renewal that failed was passed over, but says something of the next call

    def credential_changed(self, credential: Credential) -> None:
        """Use another credential, or the same again on a person's word; callers may pass again."""
        self.transport.credential_changed(credential)

    def adopt(self, plan: BoardPlan) -> None:
        """Serve another configuration's boards and tags from the next `ready` on."""
        self._vocabulary = plan.more_tags | _labels(plan.boards)
        self._tags.adopt(self._vocabulary)
        self._metadata.adopt(plan.boards, stand_ins=plan.stand_ins, routes=plan.routes)
        self._named_companies = plan.companies

    async def close(self) -> None:
        """Close every connection."""
        await self.transport.close()

    # --- writing

    async def create(self, draft: Draft) -> int:
        """Make a ticket and return its id. Sent once.

        Raises:
            Invalid: Autotask refuses its values: one with less in it may pass.
            PortError: What to do next.
        """
        if len(draft.reference) > texts.REFERENCE:
            raise Rejected(
                f"the reference {draft.reference[:60]!r} is longer than {texts.REFERENCE} characters"
            )
        record = ticket_record(draft)
        try:
            made = await self.client.create("Tickets", "Tickets", record, precedence=Precedence.CREATE)
        except Rejected as exc:
            raise self._doubted(exc, draft) from exc
        if made <= 0:  # duplicate handling may take a ticket in without saying which
            raise OutcomeUnknown(f"Autotask answered the create with itemId {made}, which is no ticket")
        return made

    def _doubted(self, exc: Rejected, draft: Draft) -> Rejected:
        """Have the tenant read again; say whether it was the values that were refused, and which."""
        self._metadata.doubt()
        why = str(exc)
        about = refusals.parts_named(why, udfs=draft.udfs)
        named = bool(about) and not refusals.speaks_of_permission(why)
        if not named and not refusals.speaks_of_values(why):
            return exc
        if "company" in about:
            self._companies.doubt()
        return Invalid(why, about)

    async def change(self, ticket_id: int, fields: Mapping[str, int], resolution: str | None) -> None:
        """Change `status`, `priority`, `queue` by id, and the resolution text, in one PATCH."""
        wanted: dict[str, int | str] = {_FIELD_NAMES[name]: value for name, value in fields.items()}
        if resolution is not None:
            wanted["resolution"] = texts.cut(resolution, texts.RESOLUTION)
        try:
            await self.client.change(
                "Tickets", ticket_id, wanted, writable=self._metadata.writable, precedence=Precedence.COMPLETE
            )
        except Rejected:
            self._metadata.doubt()
            raise

    async def move(self, ticket_id: int, company_id: int) -> None:
        """Give a ticket to another company, without what belongs to the old one, in one PATCH."""
        wanted = {"companyID": company_id, **dict.fromkeys(_OF_ITS_COMPANY)}
        await self.client.change(
            "Tickets", ticket_id, wanted, writable=self._metadata.writable, precedence=Precedence.UPDATE
        )

    async def note(self, ticket_id: int, *, title: str, text: str) -> None:
        """Add one note that all Autotask users can see."""
        record = {
            "ticketID": ticket_id,
            "title": texts.cut(title, texts.NOTE_TITLE),
            "description": texts.cut(text, texts.NOTE),
            "noteType": self._metadata.note_type(),
            "publish": _ALL_USERS,
        }
        await self.client.create(
            f"Tickets/{ticket_id}/Notes", "TicketNotes", record, precedence=Precedence.UPDATE
        )

    async def add_tag(self, ticket_id: int, label: str) -> int:
        """Put a tag on, making it and its group where missing; return the association's id."""
        return await self._tags.put_on(ticket_id, label)

    async def remove_tag(self, ticket_id: int, association_id: int) -> None:
        """Take a tag off. Already off is fine."""
        await self._tags.take_off(ticket_id, association_id)

    # --- reading

    async def tickets(self, ticket_ids: Sequence[int]) -> Sequence[TicketFacts]:
        """Read up to 500 tickets by one query. Missing ones are absent."""
        if not ticket_ids:
            return []
        return await self._tickets((Where("in", "id", tuple(ticket_ids)),))

    async def ticket(self, ticket_id: int) -> TicketFacts | None:
        """Read one ticket by its id, which sees it at once. None: gone, or not ours to see."""
        row = await self.client.item("Tickets", ticket_id, precedence=Precedence.COMPLETE)
        return None if row is None else ticket_facts(row, reference_udf=self._metadata.reference_udf())

    async def look(self, references: Sequence[str], canaries: Sequence[int]) -> Sight:
        """Find tickets whose `externalID` begins with one of these texts, and the canaries, in one query.

        Where the server returns anything else it has not applied the whole query, and the look fails:
        what is absent from such an answer would prove nothing.
        """
        if len(references) > MOST_REFERENCES or len(canaries) > MOST_CANARIES or not all(references):
            raise ValueError(
                f"at most {MOST_REFERENCES} references, none empty, and {MOST_CANARIES} canaries"
            )
        began_at = self._around.clock.now()
        conditions: list[Condition] = [Where("beginsWith", "externalID", text) for text in references]
        reference_udf = self._metadata.reference_udf()
        if reference_udf is not None and references:
            carried = tuple(f"{text}{end}" for text in references for end in _GENERATIONS)
            conditions.append(Where("in", reference_udf, carried, udf=True))
        if canaries:
            conditions.append(Where("in", "id", tuple(canaries)))
        if not conditions:
            return Sight((), frozenset(), began_at)
        seen = await self._tickets((AnyOf(tuple(conditions)),))
        hits = [each for each in seen if each.reference and each.reference.startswith(tuple(references))]
        return Sight(tuple(hits), frozenset(each.id for each in seen) & frozenset(canaries), began_at)

    async def notes(self, ticket_id: int) -> Sequence[NoteFacts]:
        """Return the ticket's notes."""
        query = Query(
            entity="TicketNotes",
            conditions=(Where("eq", "ticketID", ticket_id),),
            fields=NOTE_FIELDS,
            precedence=Precedence.COMPLETE,
        )
        return [note_facts(row) for row in await self.client.exact(query)]

    async def time_entered(self, ticket_ids: Sequence[int]) -> Mapping[int, frozenset[int]]:
        """Return whose time is entered on up to 500 tickets; empty where this user may not read that."""
        return await self._time_entries.workers(ticket_ids)

    async def merged_away(self, ticket_id: int) -> MergedAway | None:
        """Read the ticket's note about a merge, and find the ticket whose number that tells."""
        note = await self._merge_note(ticket_id)
        if note is None:
            return None
        number = merged_into(note)
        if not number:
            return MergedAway()
        found = await self._tickets((Where("eq", "ticketNumber", number),))
        survivor = next((each for each in found if each.id != ticket_id), None)
        return MergedAway(survivor)

    async def _merge_note(self, ticket_id: int) -> Row | None:
        query = Query(
            entity="TicketNotes",
            conditions=(Where("eq", "ticketID", ticket_id), Where("eq", "noteType", MERGED_INTO)),
            fields=(*NOTE_FIELDS, "description"),
            precedence=Precedence.COMPLETE,
        )
        return max(await self.client.exact(query), key=lambda row: int(row["id"]), default=None)

    async def tags(self, ticket_id: int) -> Mapping[str, int]:
        """Return the ticket's tags: label to association id."""
        return await self._tags.of(ticket_id)

    async def knows_our_tickets(self, *, after: int) -> bool:
        """Whether a ticket with a larger id than `after` carries a reference of ours, of any installation."""
        query = Query(
            entity="Tickets",
            conditions=(Where("beginsWith", "externalID", REFERENCE_PREFIX), Where("gt", "id", after)),
            fields=(),
            limit=1,
            precedence=Precedence.COMPLETE,
        )
        return bool(await self.client.first(query))

    async def may_see_all_tickets(self) -> bool:
        """Whether Autotask says that this user may query tickets without limits."""
        await self._metadata.ready()
        return self._metadata.may_see_all_tickets()

    async def boards_report(self) -> list[Queue]:
        """Return every queue of the tenant: Board ID, label, active, how many people are assigned."""
        return await self._metadata.queues()

    async def resolved_boards(self) -> list[ResolvedForm]:
        """Return every board, and every route that has options of its own, in this tenant's terms.

        Raises:
            PortError: The tenant cannot be asked now.
        """
        await self._metadata.ready()
        return self._metadata.resolved_forms()

    async def tenant_id(self) -> int:
        """Return Autotask's number for this customer's database: another one is another tenant."""
        return (await self.transport.zone()).tenant_id

    async def web_url(self) -> str:
        """Return where people reach this tenant, ending in a slash; deep links are built on it."""
        return (await self.transport.zone()).web_url

    # --- what is known

    def check_room(self) -> None:
        """Say what keeps back the calls for whom this task is sending just now, asking nobody."""
        self.transport.check_room()

    def board(self, name: str, *, route: str = "", form: TicketForm = BLANK) -> Board:
        """Return the resolved board as a route has it, or the one that stands in. Call after `ready`."""
        return self._metadata.board(name, route=route, form=form)

    def problems(self) -> list[Problem]:
        """Return what the configuration names and this tenant does not have. Call after `ready`."""
        tenants = self._metadata.problems() + self._finder.problems()
        return tenants + self._companies.problems(self._named_companies)

    async def problems_of(self, plan: BoardPlan) -> list[Problem]:
        """Return what a configuration names and this tenant does not have, asking now.

        Raises:
            PortError: The tenant cannot be asked now.
        """
        boards = await self._metadata.problems_of(plan.boards, plan.routes)
        return boards + await self._companies.problems_of(plan.companies)

    def known_problems(self) -> list[Problem]:
        """Return the problems found so far; none before the tenant could be asked."""
        return self.problems() if self._metadata.mark() else []

    def metadata_mark(self) -> str:
        """Return a text that changes whenever the tenant's metadata has been read again."""
        return self._metadata.mark()

    def vocabulary(self) -> frozenset[str]:
        """Return every tag label that the configuration can put on a ticket."""
        return self._vocabulary

    def stand_in(self, name: str) -> Board | None:
        """Return the board that could take the tickets of board `name`; None: no other can."""
        return self._metadata.stand_in(name)

    async def company(self, client: str) -> CompanyMatch:
        """Find the active company of this id, name, number or alias, or by its parent's name and its own."""
        return await self._companies.find(client)

    def known_company(self, client: str) -> CompanyMatch:
        """Find the active company among those that are known, asking nobody. Call after `ready`."""
        return self._companies.known(client)

    def known_companies(self) -> Sequence[Company]:
        """Return the active companies. Call after `ready`."""
        return self._companies.all()

    async def company_with_id(self, company_id: int) -> CompanyMatch:
        """Find the active company of this id."""
        return await self._companies.with_id(company_id)

    async def company_of_device(self, clues: Clues) -> CompanyMatch:
        """Find whose the one active device is that the clues name among those of the whole tenant."""
        return await self._owners.find(clues) if self._matches_devices else CompanyMatch()

    async def particulars(self, company: Company, *, board: Board, clues: Clues) -> Particulars:
        """Find device, contract, contact and location of a ticket to be made for `company`.

        What cannot be found, or not be asked now, is left out: the ticket does not wait for it.
        """
        device = await self._finder.device(company, clues if self._matches_devices else {})
        parent_id = self._companies.parent_id(company.id)
        contract = await self._finder.contract(company, board)
        contact = await self._finder.contact(company, board, parent_id=parent_id)
        location = await self._finder.location(company, board)
        return Particulars(
            device_id=device.device_id,
            contract_id=contract.contract_id,
            contact_id=contact.contact_id,
            location_id=location.location_id,
            told={**device.told, **contract.told, **contact.told, **location.told},
            remarks=(*device.remarks, *contract.remarks, *contact.remarks, *location.remarks),
        )

    def fallback_company(self) -> Company:
        """Return where a ticket goes whose customer is unknown."""
        return self._companies.fallback()

    def own_resources(self) -> frozenset[int]:
        """Return whose edits are nobody's touch: the API user's, once learnt, and the configured ones."""
        return self._configured_own | self._own.ids

    def own_resource_id(self) -> int | None:
        """Return the API user's resource id, once a ticket of ours has been read back."""
        return self._own.resource_id

    async def learn_own_resource_id(self, resource_id: int) -> None:
        """Remember durably who we are: the creator of a ticket that we have just made."""
        username = self.transport.login.credential.username
        self._own = _Own(username, resource_id, self._own.ids - {resource_id})
        await self._keep_own_id()

    async def learn_former_resource_id(self, resource_id: int) -> None:
        """Remember durably who was us once: the creator of any ticket that carries our reference."""
        self._own = msgspec.structs.replace(self._own, former=self._own.former | {resource_id})
        await self._keep_own_id()

    def usage(self) -> Usage | None:
        """Return the tenant's counter as last read."""
        return self.transport.usage

    def pressure(self) -> int:
        """Return 0 green, 1 yellow, 2 orange or 3 red."""
        return self.transport.pressure()

    # --- inside

    async def _tickets(self, conditions: tuple[Condition, ...]) -> list[TicketFacts]:
        reference_udf = self._metadata.reference_udf()
        query = Query(
            entity="Tickets",
            conditions=conditions,
            fields=TICKET_FIELDS if reference_udf is None else (*TICKET_FIELDS, reference_udf),
            limit=MOST_ROWS,
            precedence=Precedence.COMPLETE,
        )
        try:
            rows = await self.client.exact(query)
        except Rejected:
            self._metadata.doubt()  # perhaps that field is gone
            raise
        return tickets_of(rows, reference_udf=reference_udf)

    async def _keep_own_id(self) -> None:
        """Read who we were in the last run, and keep what this one has learned."""
        if self._own_kept is None:
            self._own_kept = _read_own(await self._around.memory.get(_OWN_ID)) or _Own("")
            self._own = _joined(self._own, self._own_kept)
        if self._own.ids and self._own != self._own_kept:
            await self._around.memory.set(_OWN_ID, msgspec.json.encode(self._own).decode())
            self._own_kept = self._own


def _read_own(text: str | None) -> _Own | None:
    try:
        return msgspec.json.decode(text or "null", type=_Own | None)
    except (ValueError, RecursionError):
        return None


def _joined(own: _Own, kept: _Own) -> _Own:
    """Add what was kept from the last run; what another API user was called then is a former one now."""
    resource_id = own.resource_id
    if resource_id is None and kept.username == own.username:
        resource_id = kept.resource_id
    return _Own(own.username, resource_id, (own.former | kept.ids) - {resource_id})


def _labels(boards: Iterable[BoardSettings]) -> frozenset[str]:
    return frozenset(label for board in boards for label in (*board.tags, *board.state_tags.values()))
