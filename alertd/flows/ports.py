"""What the flows need of the world, in their own words; store/, autotask/ and app.py fulfil it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from alertd.core.alerts import AlertKey
from alertd.core.conditions import Condition
from alertd.core.devices import Clues
from alertd.core.history import Happening
from alertd.core.incidents import Incident
from alertd.core.silences import Silence
from alertd.core.ticket_forms import BLANK, TicketForm
from alertd.core.tickets import Board, Known
from alertd.core.vendors import Account, Integration, Service, Usage, VendorChange

LEAST_URGENT = 9


class Clock(Protocol):
    """The wall clock."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...


# --- the journal --------------------------------------------------------------------------------------


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted request, as it is kept: redacted raw body, source, time, and how to read it again."""

    receipt: str  # ours, unique, sortable by time
    source: str
    kind: str
    received_at: datetime
    body: bytes
    content_type: str = ""
    params: dict[str, str] = {}  # the query's, without credentials: `client` and the like
    peer: str = ""
    delivery_id: str | None = None  # the sender's own; equal ones from one source are one delivery
    messages: int = 1  # alert messages in it, parked ones too
    parked: str | None = None  # why the body, or part of it, could not be read
    parked_messages: int = 0


class Appended(msgspec.Struct, frozen=True):
    """What the journal answers: the row, and whether this delivery was already there."""

    journal_id: int
    receipt: str
    duplicate: bool = False


class Entry(msgspec.Struct, frozen=True):
    """A journal row."""

    journal_id: int
    envelope: Envelope
    decided: bool = False


class Journal(Protocol):
    """Append-only record of what was accepted."""

    async def append(self, envelope: Envelope) -> Appended:
        """Commit the envelope to disk and return. Equal (source, delivery_id) is one row.

        Raises:
            StoreFailed: Nothing was kept.
        """
        ...

    async def undecided(self, *, after: int, limit: int) -> Sequence[Entry]:
        """Return undecided entries with a larger id than `after`, oldest first; parked ones too."""
        ...

    async def entry(self, receipt: str) -> Entry | None:
        """Return the entry with this receipt."""
        ...


# --- the state ----------------------------------------------------------------------------------------


class ConditionRow(msgspec.Struct, frozen=True):
    """A condition as stored. Version 0 has never been stored."""

    condition: Condition
    version: int = 0


class IncidentRow(msgspec.Struct, frozen=True):
    """An incident as stored, with the level Autotask last confirmed for it. Version 0: never stored."""

    incident: Incident
    known: Known
    version: int = 0
    settle_at: datetime | None = None  # as stored


class IncidentWrite(msgspec.Struct, frozen=True, kw_only=True):
    """A row to store, if its version is still `row.version`; the other columns serve finding it."""

    row: IncidentRow
    due_at: datetime | None  # when Tick would next change it
    settle_at: datetime | None  # when its next operation may run; None: settled, or parked
    watched_ticket_id: int | None  # the sync flow reads it back for what people change
    urgency: int  # 0 first
    fair_key: str  # company: the turns are taken between these
    state: str  # label of alertd_incidents; "parked" where Autotask refused it
    scope: str | None = None  # where it counts towards a storm
    wanted_at: datetime | None = None  # when it began to want a ticket
    storm_key: str | None = None  # of the parent it is, or was, folded into
    severity: int = 0  # rank, 0 first


class ConditionWrite(msgspec.Struct, frozen=True):
    """A condition to store, if its version is still `row.version`."""

    row: ConditionRow
    due_at: datetime | None  # when silence turns it into expired


class Parking(msgspec.Struct, frozen=True):
    """Why an entry that is being decided is set aside, wholly or in part."""

    reason: str
    messages: int  # of the entry's, those that were parked when it was accepted too


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction: all of it, or nothing."""

    decided: Sequence[int] = ()  # journal ids
    parked: Mapping[int, Parking] = {}  # by journal id: what could be read once and cannot be any more
    conditions: Sequence[ConditionWrite] = ()
    incidents: Sequence[IncidentWrite] = ()
    history: Sequence[Happening] = ()
    totals: Mapping[str, int] = {}  # changes of the dispositions' totals


class Loaded(msgspec.Struct, frozen=True):
    """Rows by key; a key that is not stored is absent."""

    conditions: Mapping[AlertKey, ConditionRow] = {}
    incidents: Mapping[str, IncidentRow] = {}


class Due(msgspec.Struct, frozen=True):
    """What time has come for."""

    alert_keys: Sequence[AlertKey]
    incident_keys: Sequence[str]
    next_at: datetime | None  # earliest later instant


class State(Protocol):
    """Conditions and incidents: read, decide, commit; a conflict means read again."""

    async def load(self, alert_keys: Iterable[AlertKey], incident_keys: Iterable[str]) -> Loaded:
        """Return what is stored under these keys, by bulk reads."""
        ...

    async def commit(self, step: Step) -> None:
        """Apply the step in one durable transaction.

        Raises:
            Conflict: A row's version is not the one that was read. Nothing was applied.
            StoreFailed: Nothing was applied.
        """
        ...

    async def due(self, now: datetime, *, limit: int) -> Due:
        """Return keys whose `due_at` has come, oldest first, and the next instant to ask again."""
        ...

    async def unticketed(self, states: Sequence[str], *, after: str, limit: int) -> Sequence[str]:
        """Return keys of incidents in these states that have no ticket, in order, greater than `after`."""
        ...

    async def arrivals(
        self, scopes: Iterable[str], *, since: datetime, most: int
    ) -> Mapping[str, Sequence[datetime]]:
        """Return when incidents in these scopes began to want a ticket, later than `since`.

        By scope, oldest first, the newest `most` of each; a scope without any is absent.
        """
        ...

    async def folded(self, storm_key: str, *, limit: int) -> Sequence[str]:
        """Return the keys of what is folded into this parent now, the newest first."""
        ...

    async def storm_children(self, storm_key: str, *, since: datetime, limit: int) -> Sequence[Incident]:
        """Return incidents that were folded into this parent at or after `since`.

        Those that still are come first, then the worst, then the newest.
        """
        ...

    async def claim(
        self, now: datetime, *, limit: int, owner: str, lease: timedelta, least_urgent: int = LEAST_URGENT
    ) -> Sequence[Claim]:
        """Lease unsettled incidents whose `settle_at` has come: most urgent first, companies in turn.

        None is leased whose urgency is a greater number than `least_urgent`.
        """
        ...

    async def release(self, claim: Claim) -> None:
        """Give a claim back."""
        ...

    async def next_settle_at(self) -> datetime | None:
        """Return the earliest `settle_at` of unclaimed incidents."""
        ...

    async def live_tickets(self) -> Sequence[LiveTicket]:
        """Return incidents with a ticket that is still watched, ordered by ticket id."""
        ...

    async def wake(self, now: datetime) -> None:
        """Make every incident that is not closed, and every parked one, due for settling: terms changed."""
        ...

    async def watching(self, ticket_id: int) -> Sequence[str]:
        """Return the keys of the incidents whose ticket is this one, and watched."""
        ...

    async def canaries(self, *, limit: int) -> Sequence[Canary]:
        """Return our newest confirmed tickets, newest first."""
        ...


class Claim(msgspec.Struct, frozen=True):
    """An incident held by one worker until `until`; `fence` rises with every claim."""

    incident_key: str
    fence: int
    until: datetime


class LiveTicket(msgspec.Struct, frozen=True):
    """A ticket the sync flow watches."""

    incident_key: str
    ticket_id: int


class Canary(msgspec.Struct, frozen=True):
    """A ticket of ours that stands in Autotask, to prove that a query can see."""

    ticket_id: int
    created_at: datetime


# --- silences -----------------------------------------------------------------------------------------


class Silences(Protocol):
    """Every silence that is kept: those to come, those in force, and those that ended not long ago."""

    def silences(self) -> Sequence[Silence]:
        """Return them all, by id. They are held in memory."""
        ...

    def silence(self, silence_id: str) -> Silence | None:
        """Return the one with this id."""
        ...

    async def keep(self, *silences: Silence) -> None:
        """Store these, all or none, each in place of the one with its id; then have them take effect.

        Raises:
            StoreFailed: None was stored.
        """
        ...


# --- vendors ------------------------------------------------------------------------------------------


class Vendors(Protocol):
    """What vendors say of themselves, and what they count. Sources are named as configured."""

    async def integration(self, source: str) -> Integration:
        """Return how a source stands; of one that has said nothing yet, the defaults."""
        ...

    async def accounts(self, source: str, ids: Sequence[str] | None = None) -> Sequence[Account]:
        """Return a source's accounts with these ids (None: all), by id."""
        ...

    async def services(self, source: str, ids: Sequence[str] | None = None) -> Sequence[Service]:
        """Return a source's services with these ids (None: all), by id."""
        ...

    async def usage(self, source: str | None = None) -> Sequence[Usage]:
        """Return the newest count of every account and service of a source (None: of all)."""
        ...

    async def keep(self, source: str, changes: Sequence[VendorChange], at: datetime) -> None:
        """Commit what a vendor said in one request: all of it, or nothing. A count is kept once.

        Raises:
            StoreFailed: Nothing was kept.
        """
        ...


# --- the service desk ---------------------------------------------------------------------------------


class Company(msgspec.Struct, frozen=True):
    """An Autotask company. Id 0 is the MSP itself, and valid."""

    id: int
    name: str


class CompanyMatch(msgspec.Struct, frozen=True):
    """The one active company that a text names, and by what; or those it might be, each in a few words."""

    company: Company | None = None
    how: str = ""  # "id", "name", "number", "alias", "parent and name", "device …"
    candidates: tuple[str, ...] = ()


class Particulars(msgspec.Struct, frozen=True, kw_only=True):
    """What of its company a new ticket is linked to. `told` is for `explain`, `remarks` for the ticket."""

    device_id: int | None = None
    contract_id: int | None = None
    contact_id: int | None = None
    location_id: int | None = None
    told: Mapping[str, str] = {}
    remarks: tuple[str, ...] = ()


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket to be made."""

    reference: str
    title: str
    description: str
    company_id: int
    queue_id: int
    priority_id: int
    status_id: int
    source_id: int | None = None
    category_id: int | None = None
    ticket_type_id: int | None = None
    issue_id: int | None = None
    sub_issue_id: int | None = None
    sla_id: int | None = None
    device_id: int | None = None
    contact_id: int | None = None
    location_id: int | None = None
    contract_id: int | None = None
    resource_id: int | None = None  # with a role, or neither
    role_id: int | None = None
    due_at: datetime | None = None
    udfs: Mapping[str, str] = {}  # user-defined fields by name
    resolution: str | None = None


class TicketFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as Autotask shows it."""

    id: int
    number: str
    reference: str | None
    title: str
    company_id: int
    status: int
    priority: int
    queue: int | None
    assignee_id: int | None = None
    creator_id: int | None = None
    created_at: datetime | None = None
    last_activity_at: datetime | None = None
    last_activity_by: int | None = None  # resource id
    completed_at: datetime | None = None


class NoteFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket note as Autotask shows it."""

    id: int
    title: str
    note_type: int
    creator_id: int | None = None
    created_at: datetime | None = None
    by_contact: bool = False  # a customer wrote it


class MergedAway(msgspec.Struct, frozen=True):
    """A person merged a ticket into another one; None: which, cannot be read, or that is not there."""

    survivor: TicketFacts | None = None


class Sight(msgspec.Struct, frozen=True):
    """Answer of a look: tickets whose reference begins as asked, and which canaries were seen."""

    tickets: Sequence[TicketFacts]
    canaries: frozenset[int]
    began_at: datetime


class Desk(Protocol):
    """The service desk.

    Every call is one HTTP request at most, plus what pacing and the zone need. Reading calls raise
    `Unavailable` (or `Throttled`, `AuthRefused`) for whatever went wrong, and `Rejected` where Autotask
    refuses the query. Writing calls raise `OutcomeUnknown` unless it is certain that nothing was applied.
    """

    async def create(self, draft: Draft) -> int:
        """Make a ticket and return its id. Never repeated inside.

        Raises:
            Invalid: Autotask refuses its values: one with less in it may pass.
        """
        ...

    async def change(self, ticket_id: int, fields: Mapping[str, int], resolution: str | None) -> None:
        """Change `status`, `priority`, `queue` by id, and the resolution text, in one PATCH."""
        ...

    async def note(self, ticket_id: int, *, title: str, text: str) -> None:
        """Add one note that all Autotask users can see."""
        ...

    async def add_tag(self, ticket_id: int, label: str) -> int:
        """Put a tag on, making it and its group where missing; return the association's id."""
        ...

    async def remove_tag(self, ticket_id: int, association_id: int) -> None:
        """Take a tag off. Already off is fine."""
        ...

    async def tickets(self, ticket_ids: Sequence[int]) -> Sequence[TicketFacts]:
        """Read up to 500 tickets by one query. Missing ones are absent."""
        ...

    async def ticket(self, ticket_id: int) -> TicketFacts | None:
        """Read one ticket by its id, which sees it at once. None: gone, or not ours to see."""
        ...

    async def look(self, references: Sequence[str], canaries: Sequence[int]) -> Sight:
        """Find tickets whose `externalID` begins with one of these texts, and the canaries, in one query.

        At most 100 references and 5 canaries a call. Each hit is checked against the references here,
        since the server drops conditions it does not understand.
        """
        ...

    async def notes(self, ticket_id: int) -> Sequence[NoteFacts]:
        """Return the ticket's notes."""
        ...

    async def time_entered(self, ticket_ids: Sequence[int]) -> Mapping[int, frozenset[int]]:
        """Return whose time is entered on up to 500 tickets: resource ids by ticket id, 0 for nobody known.

        Empty where this user may not read that: what people enter is then unknown.
        """
        ...

    async def merged_away(self, ticket_id: int) -> MergedAway | None:
        """Return what became of a completed ticket if it was merged into another one; None: it was not."""
        ...

    async def tags(self, ticket_id: int) -> Mapping[str, int]:
        """Return the ticket's tags: label to association id."""
        ...

    async def knows_our_tickets(self, *, after: int) -> bool:
        """Whether a ticket with a larger id than `after` carries a reference of ours, of any installation."""
        ...

    async def tenant_id(self) -> int:
        """Return Autotask's number for the customer's database: another one is another tenant."""
        ...

    async def may_see_all_tickets(self) -> bool:
        """Whether Autotask says that this user may query tickets without limits."""
        ...

    async def ready(self) -> None:
        """Resolve zone, metadata, boards, companies and tags where they are not, or not fresh.

        Raises:
            PortError: They cannot be had now.
        """
        ...

    def check_room(self) -> None:
        """Say what keeps back the calls for whom the task is sending (`flows.sending`), asking nobody.

        Raises:
            Throttled: They may not go before some instant: what else can go goes first.
        """
        ...

    def board(self, name: str, *, route: str = "", form: TicketForm = BLANK) -> Board:
        """Return the resolved board as a route has it, or the one that stands in. Call after `ready`.

        `form` is what the route said last, for one that the configuration has no more.
        """
        ...

    def vocabulary(self) -> frozenset[str]:
        """Return every tag label that the configuration can put on a ticket."""
        ...

    def stand_in(self, name: str) -> Board | None:
        """Return the board that could take the tickets of board `name`; None: no other can."""
        ...

    async def company(self, client: str) -> CompanyMatch:
        """Find the one active company that `client` names (case does not count)."""
        ...

    async def company_with_id(self, company_id: int) -> CompanyMatch:
        """Find the active company of this id, and none that is only called so."""
        ...

    async def company_of_device(self, clues: Clues) -> CompanyMatch:
        """Find whose the one active device is that the clues name among those of the whole tenant."""
        ...

    async def particulars(self, company: Company, *, board: Board, clues: Clues) -> Particulars:
        """Find device, contact and location of a ticket to be made for `company`.

        What cannot be found, or not be asked now, is left out: the ticket does not wait for it.
        """
        ...

    def fallback_company(self) -> Company:
        """Return where a ticket goes whose customer is unknown."""
        ...

    def own_resource_id(self) -> int | None:
        """Return the API user's resource id, once it has been learnt."""
        ...

    def own_resources(self) -> frozenset[int]:
        """Return whose edits are nobody's touch: the API user's, once learnt, and the configured ones."""
        ...

    async def learn_own_resource_id(self, resource_id: int) -> None:
        """Remember durably who we are: the creator of a ticket that we have just made."""
        ...

    async def learn_former_resource_id(self, resource_id: int) -> None:
        """Remember durably who was us once: the creator of any ticket that carries our reference."""
        ...
