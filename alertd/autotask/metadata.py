"""The tenant's metadata: picklists, rights, who is assigned to queues; read rarely, kept for an hour."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
import structlog

from alertd.autotask.answers import NoRoute
from alertd.autotask.assignees import Staff, read_staff
from alertd.autotask.board_forms import ResolvedForm, RouteForm, Variants, problems_of_routes
from alertd.autotask.boards import Problem, Resolved, Tenant, choose, resolve, stand_in_for
from alertd.autotask.client import AutotaskClient
from alertd.autotask.company_contracts import named_anywhere
from alertd.autotask.first_tries import FirstTries
from alertd.autotask.picklists import Choice, Fields, NoChoice, Picklist, may_access, read_fields
from alertd.autotask.precedence import Precedence
from alertd.autotask.queries import MOST_ROWS, Query, Row, Where
from alertd.autotask.texts import shown
from alertd.autotask.udfs import NO_UDFS, Udf, Udfs, read_udfs, reference_field
from alertd.core.boards import BoardSettings
from alertd.core.ticket_forms import BLANK, TicketForm
from alertd.core.ticket_parts import DEFAULT_CONTRACT
from alertd.core.tickets import Board
from alertd.flows.errors import AuthRefused, PortError, Rejected, Unavailable
from alertd.flows.ports import Clock

AFTER_REFUSAL = timedelta(minutes=5)  # one poison ticket must not have everything read again and again
AFTER_FAILURE = timedelta(minutes=1)
_TASK_NOTES = 3
_log = structlog.get_logger(__name__)


class Queue(msgspec.Struct, frozen=True):
    """A queue of the tenant. `resources` is how many people are assigned to it; None: that cannot be told."""

    id: int
    label: str
    active: bool
    resources: int | None


class _Read(msgspec.Struct, frozen=True, kw_only=True):
    """All that one reading of the tenant has brought."""

    tickets: Fields
    note_types: Picklist
    query_right: str
    resolved: dict[str, Resolved]
    mark: str  # changes with any of it
    reference_udf: Udf | NoChoice | None = None
    variants: Variants
    route_problems: tuple[Problem, ...] = ()


class Metadata:
    """What the tenant has, as last read, and the configured boards in its terms."""

    def __init__(
        self,
        client: AutotaskClient,
        boards: Sequence[BoardSettings],
        *,
        stand_ins: Sequence[str],
        note_type: int | str | None,
        reference_udf: str | None = None,
        every: timedelta,
        clock: Clock,
    ) -> None:
        self._client = client
        self._routes: tuple[RouteForm, ...] = ()
        self._wanted_note_type = note_type
        self._wanted_reference_udf = reference_udf
        self._boards = tuple(boards)
        self._stand_ins = tuple(stand_ins)
        self._every = every
        self._clock = clock
        self._read: _Read | None = None
        self._first_tries = FirstTries(clock)
        self._quiet_until = clock.now()  # until then no refusal has us read again
        self._due_at = clock.now()
        self._reading_now = asyncio.Lock()

    async def ready(self) -> None:
        """Read the tenant where that was never done or is too long ago. A failed renewal keeps what is known.

        Raises:
            PortError: Nothing is known, and it cannot be had now; or the credential is refused.
        """
        async with self._reading_now:
            if self._read is None:
                self._first_tries.check()
            while self._read is None or self._clock.now() >= self._due_at:
                await self._renew(self._clock.now())

    def adopt(
        self,
        boards: Sequence[BoardSettings],
        *,
        stand_ins: Sequence[str],
        routes: Sequence[RouteForm] = (),
    ) -> None:
        """Serve these boards from the next reading on, which is due at once."""
        self._boards, self._stand_ins = tuple(boards), tuple(stand_ins)
        self._routes = tuple(routes)
        self._due_at = self._clock.now()

    async def problems_of(
        self, boards: Sequence[BoardSettings], routes: Sequence[RouteForm] = ()
    ) -> list[Problem]:
        """Return what these boards and routes name and the tenant does not have, asking now.

        Raises:
            PortError: The tenant cannot be asked now.
        """
        read = await self._reading(tuple(boards), tuple(routes))
        found = [problem for each in read.resolved.values() for problem in each.problems]
        return [*found, *read.route_problems]

    def mark(self) -> str:
        """Return a text that changes with what was read: what was refused may be tried again then."""
        return self._read.mark if self._read is not None else ""

    def doubt(self) -> None:
        """Autotask refused a write: perhaps the tenant has changed. Read it again, but not too often."""
        now = self._clock.now()
        self._due_at = min(self._due_at, max(now, self._quiet_until))
        self._quiet_until = max(self._quiet_until, self._due_at + AFTER_REFUSAL)

    def board(self, name: str, *, route: str = "", form: TicketForm = BLANK) -> Board:
        """Return the resolved board as a route has it, or the one that stands in for it.

        Args:
            name: The board's.
            route: Whose tickets it is for.
            form: What that route said last, for one that the configuration has no more.

        Raises:
            Rejected: No board has a usable queue.
            Unavailable: It has just been configured, and the tenant is still to be asked about it.
        """
        resolved = self._known().resolved
        if name not in resolved and self._clock.now() >= self._due_at:
            raise Unavailable(f"board {name!r} is about to be looked up in Autotask")
        chosen = choose(name, resolved, self._stand_ins)
        live = next((each.form for each in self._routes if each.route_name == route), form)
        return chosen if live == BLANK else self._known().variants.of(chosen, live)

    def stand_in(self, name: str) -> Board | None:
        """Return the board that could take the tickets of board `name`; None: no other can."""
        return stand_in_for(name, self._known().resolved, self._stand_ins)

    def resolved_forms(self) -> list[ResolvedForm]:
        """Return the configured boards, and those that routes have options of their own for, as resolved."""
        known = self._known()
        boards = [
            ResolvedForm(board_name=name, settings=settings, resolved=known.resolved[name])
            for name, settings in ((board.name, board) for board in self._boards)
            if name in known.resolved
        ]
        routes = [known.variants.told(each) for each in self._routes if each.board in known.resolved]
        return [*boards, *routes]

    def problems(self) -> list[Problem]:
        """Return what is wrong with the configured boards and note type."""
        boards = [problem for each in self._known().resolved.values() for problem in each.problems]
        boards += self._known().route_problems
        return boards + self._note_type_problems() + self._reference_udf_problems()

    def reference_udf(self) -> str | None:
        """Return the user-defined field that carries the references of tickets, beside `externalID`."""
        found = self._known().reference_udf
        return found.name if isinstance(found, Udf) else None

    def _reference_udf_problems(self) -> list[Problem]:
        found = self._known().reference_udf
        if not isinstance(found, NoChoice):
            return []
        what = f"reference_udf {found.why}; tickets are found by externalID alone"
        return [Problem(where="[autotask]", what=what)]

    def may_see_all_tickets(self) -> bool:
        """Whether Autotask says that this user may query tickets without limits."""
        return self._known().query_right == "all"

    def writable(self) -> frozenset[str]:
        """Return the fields of a ticket that can be written."""
        return self._known().tickets.writable

    def tickets(self) -> Fields:
        """Return the metadata of Tickets."""
        return self._known().tickets

    def note_type(self) -> int:
        """Return the note type to use: the configured one, Task Notes, or one that is not the system's."""
        types = self._known().note_types
        found = self._note_type_found()
        usual = types.by_id(_TASK_NOTES)
        ours = [choice for choice in types.choices if choice.active and not choice.system]
        candidates = [found, usual if usual and usual.active else None, *ours]
        return next((each.id for each in candidates if isinstance(each, Choice)), _TASK_NOTES)

    def _note_type_found(self) -> Choice | NoChoice | None:
        wanted = self._wanted_note_type
        return None if wanted is None else self._known().note_types.find(wanted)

    def _note_type_problems(self) -> list[Problem]:
        found = self._note_type_found()
        if not isinstance(found, NoChoice) or not self._known().note_types.choices:
            return []  # without the right to see the types nothing can be said of one
        what = f"note_type {found.why}; {self.note_type()} is used instead"
        return [Problem(where="[autotask]", what=what)]

    async def queues(self) -> list[Queue]:
        """Return every queue of the tenant, asking now who is assigned to them.

        Raises:
            PortError: What to do next.
        """
        choices = read_fields(await self._client.info("Tickets/entityInformation/fields", "Tickets"))
        queues = choices.picklist("queueID").choices
        resources = await self._resources(choice.id for choice in queues)
        return [
            Queue(choice.id, choice.label, choice.active, None if resources is None else resources[choice.id])
            for choice in queues
        ]

    def _known(self) -> _Read:
        if self._read is None:
            raise Unavailable("the tenant's metadata has not been read yet")
        return self._read

    async def _renew(self, now: datetime) -> None:
        boards, routes = self._boards, self._routes
        try:
            self._read = await self._reading(boards, routes)
        except AuthRefused:
            raise
        except PortError as exc:
            if self._read is None:
                self._first_tries.failed(exc)
                raise
            self._due_at = now + AFTER_FAILURE
            _log.warning("autotask.metadata_kept", error=shown(exc))
            return
        if boards is not self._boards or routes is not self._routes:
            return  # others were adopted meanwhile: read once more, for them
        self._due_at = now + self._every
        for problem in self.problems():
            _log.warning("autotask.configuration_problem", where=problem.where, what=shown(problem.what))

    async def _reading(self, boards: Sequence[BoardSettings], routes: Sequence[RouteForm]) -> _Read:
        tickets = read_fields(await self._client.info("Tickets/entityInformation/fields", "Tickets"))
        rights = await self._client.info("Tickets/entityInformation", "Tickets")
        resources = await self._resources(_queue_ids(boards, tickets))
        everything = [*boards, *(each for route in routes if (each := route.on(boards)) is not None)]
        tenant = await self._tenant(everything, tickets)
        assigned = {board.name: self._assigned(board, tickets, resources) for board in boards}
        resolved = {board.name: resolve(board, tenant, resources=assigned[board.name]) for board in boards}
        variants = Variants(boards, tenant, assigned)
        route_problems = tuple(problems_of_routes(routes, variants, resolved))
        note_types = await self._note_types()
        right = may_access(rights, "Query")
        known = (tickets, note_types, right, resolved, tenant.staff, tenant.contracts)
        return _Read(
            tickets=tickets,
            note_types=note_types,
            query_right=right,
            resolved=resolved,
            mark=hashlib.sha256(repr(known).encode()).hexdigest()[:16],
            reference_udf=self._reference_field(tenant.udfs),
            variants=variants,
            route_problems=route_problems,
        )

    def _reference_field(self, udfs: Udfs) -> Udf | NoChoice | None:
        wanted = self._wanted_reference_udf
        return None if wanted is None else reference_field(wanted, udfs)

    async def _tenant(self, boards: Sequence[BoardSettings], tickets: Fields) -> Tenant:
        sources = await self._category_sources(boards, tickets)
        udfs = await self._udfs(boards)
        reference_udf = self._reference_field(udfs)
        return Tenant(
            tickets,
            udfs,
            sources,
            reference_udf.name if isinstance(reference_udf, Udf) else "",
            await self._staff(boards),
            await self._contracts(boards),
        )

    async def _staff(self, boards: Sequence[BoardSettings]) -> Staff | None:
        """Return to whom tickets may be assigned; None: no board asks for it, or we may not see them."""
        named = [board.resource for board in boards if board.resource is not None]
        try:
            return await read_staff(self._client, named) if named else None
        except Rejected as exc:
            _log.warning("autotask.staff_unknown", error=shown(exc))
            return None

    async def _contracts(self, boards: Sequence[BoardSettings]) -> Mapping[int | str, bool]:
        """Say of every contract that is named whether there is one; nothing, if we may not see them."""
        named = {board.contract for board in boards if board.contract not in (None, DEFAULT_CONTRACT)}
        try:
            return {each: await named_anywhere(self._client, each) for each in sorted(named, key=str) if each}
        except Rejected as exc:
            _log.warning("autotask.contracts_unknown", error=shown(exc))
            return {}

    async def _udfs(self, boards: Sequence[BoardSettings]) -> Udfs:
        if self._wanted_reference_udf is None and not any(board.udfs for board in boards):
            return NO_UDFS
        try:
            payload = await self._client.info("Tickets/entityInformation/userDefinedFields", "Tickets")
        except Rejected as exc:
            _log.warning("autotask.udfs_unknown", error=shown(exc))
            return NO_UDFS
        return read_udfs(payload)

    async def _category_sources(self, boards: Sequence[BoardSettings], tickets: Fields) -> Mapping[int, int]:
        """Return the sources that the boards' categories bring, where a board leaves that to them."""
        named = [board.category for board in boards if board.category is not None and board.source is None]
        found = [tickets.picklist("ticketCategory").find(each) for each in named]
        sources = {}
        for category_id in sorted({each.id for each in found if isinstance(each, Choice)}):
            for defaults in await self._field_defaults(category_id):
                if isinstance(defaults.get("sourceID"), int):
                    sources[category_id] = defaults["sourceID"]
        return sources

    async def _field_defaults(self, category_id: int) -> Sequence[Row]:
        """Return what a category sets by itself: one record, or none. The API calls it FieldDefaults."""
        path = f"TicketCategories/{category_id}/FieldDefaults"
        try:
            payload = await self._client.info(path, "TicketCategoryFieldDefaults")
        except (NoRoute, Rejected) as exc:
            _log.warning("autotask.category_defaults_unknown", category=category_id, error=shown(exc))
            return ()
        items = payload.get("items")
        return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else ()

    async def _note_types(self) -> Picklist:
        try:
            payload = await self._client.info("TicketNotes/entityInformation/fields", "TicketNotes")
        except Rejected as exc:
            _log.warning("autotask.note_types_unknown", error=shown(exc))
            return Picklist()
        return read_fields(payload).picklist("noteType")

    async def _resources(self, queue_ids: Iterable[int]) -> Counter[int] | None:
        """Count the people of each queue; None: we may not see them."""
        counts: Counter[int] = Counter()
        wanted = sorted(set(queue_ids))
        for at in range(0, len(wanted), MOST_ROWS):
            query = Query(
                entity="ResourceRoleQueues",
                conditions=(Where("in", "queueID", tuple(wanted[at : at + MOST_ROWS])),),
                fields=("queueID", "resourceID"),
                precedence=Precedence.SYNC,
            )
            try:
                rows = await self._client.exact(query)
            except Rejected as exc:
                _log.warning("autotask.queue_resources_unknown", error=shown(exc))
                return None
            people = {(row.get("queueID"), row.get("resourceID")) for row in rows}
            counts.update(queue_id for queue_id, _ in people if isinstance(queue_id, int))
        if wanted and not counts and not await self._may_see_resources():
            return None
        return counts

    async def _may_see_resources(self) -> bool:
        """Tell queues that have nobody from a right that we lack: both answer with no rows."""
        info = await self._client.info("ResourceRoleQueues/entityInformation", "ResourceRoleQueues")
        return may_access(info, "Query") != "none"

    def _assigned(self, board: BoardSettings, tickets: Fields, resources: Counter[int] | None) -> int | None:
        found = tickets.picklist("queueID").find(board.queue)
        return resources[found.id] if resources is not None and isinstance(found, Choice) else None


def _queue_ids(boards: Iterable[BoardSettings], tickets: Fields) -> list[int]:
    found = [tickets.picklist("queueID").find(board.queue) for board in boards]
    return sorted({each.id for each in found if isinstance(each, Choice)})
