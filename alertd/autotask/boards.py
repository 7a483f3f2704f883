"""Configured boards against the tenant: what they resolve to, what is wrong with them, who stands in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from alertd.autotask.assignees import Assignee, Staff
from alertd.autotask.picklists import Choice, Fields, NoChoice
from alertd.autotask.udfs import NO_UDFS, Udfs, ticket_fields
from alertd.core.boards import BoardSettings
from alertd.core.tickets import Board, TicketField
from alertd.flows.errors import Rejected

_NEW, _DONE = 1, 5  # system statuses; their ids are the same in every tenant, their labels can be edited
_MONITORING = "Monitoring Alert"
_PRIORITY_IDS = {"critical": 4, "high": 1, "medium": 2, "low": 3}  # system priorities, likewise


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something in the configuration that this tenant does not have. `fatal`: the board cannot be used."""

    where: str  # "board 'noc'", "[autotask]"
    what: str
    fatal: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class Resolved(msgspec.Struct, frozen=True):
    """One board as resolved. `board` is None where its queue cannot be used at all."""

    board: Board | None
    problems: tuple[Problem, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether tickets should go there."""
        return self.board is not None and not any(problem.fatal for problem in self.problems)


class Tenant(msgspec.Struct, frozen=True):
    """What the tenant's tickets may have. `category_sources`: the source that each category brings."""

    fields: Fields
    udfs: Udfs = NO_UDFS
    category_sources: Mapping[int, int] = {}
    reference_udf: str = ""  # carries the reference of every ticket
    staff: Staff | None = None  # to whom tickets may be assigned; None: that cannot be seen
    contracts: Mapping[int | str, bool] = {}  # that are named: whether any company has it, active


class _Resolving:
    """One board's resolution: collects what is wrong on the way."""

    def __init__(self, settings: BoardSettings, tenant: Tenant, resources: int | None, where: str) -> None:
        self.settings = settings
        self.where = where
        self.tenant = tenant
        self.fields = tenant.fields
        self.resources = resources
        self.problems: list[Problem] = []
        self.category_id = self.optional("category", "ticketCategory", settings.category)

    def complain(self, what: str, *, fatal: bool = False) -> None:
        self.problems.append(Problem(where=self.where, what=what, fatal=fatal))

    def queue(self) -> int | None:
        found = self.fields.picklist("queueID").find(self.settings.queue)
        if isinstance(found, NoChoice):
            self.complain(f"queue {found.why}", fatal=True)
            return None
        if self.resources == 0:
            self.complain(
                f"queue {found.label!r} ({found.id}) has no resource assigned: nobody would see its tickets",
                fatal=True,
            )
        return found.id

    def pick(self, key: str, field: str, wanted: int | str, system_id: int | None) -> int | None:
        """Return the id for a label or id; for one that is not there, complain and return the system's."""
        picklist = self.fields.picklist(field)
        found = picklist.find(wanted)
        if isinstance(found, Choice):
            return found.id
        stand_in = picklist.by_id(system_id) if system_id is not None else None
        chosen = stand_in if stand_in is not None and stand_in.active else picklist.default()
        instead = f"; {chosen.label!r} is used instead" if chosen else ""
        self.complain(f"{key} {found.why}{instead}")
        return chosen.id if chosen else None

    def status(self, key: str, wanted: int | str, usual: str, system_id: int) -> int:
        renamed = self.fields.picklist("status").by_id(system_id)
        if wanted == usual and renamed is not None and renamed.active:
            found = self.fields.picklist("status").find(wanted)
            return found.id if isinstance(found, Choice) else system_id
        picked = self.pick(f"status.{key}", "status", wanted, system_id)
        return system_id if picked is None else picked

    def wont_fix(self) -> frozenset[int]:
        wanted = self.settings.status.wont_fix
        found = [(each, self.fields.picklist("status").find(each)) for each in wanted]
        for _, missing in found:
            if isinstance(missing, NoChoice):
                self.complain(f"status.wont_fix {missing.why}")
        return frozenset(choice.id for _, choice in found if isinstance(choice, Choice))

    def priorities(self) -> dict[str, int]:
        picked = {
            severity: self.pick(f"priority.{severity}", "priority", wanted, _usual_priority(wanted))
            for severity, wanted in self.settings.priority.items()
        }
        return {severity: 2 if found is None else found for severity, found in picked.items()}

    def optional(self, key: str, field: str, wanted: int | str | None) -> int | None:
        if wanted is None:
            return None
        found = self.fields.picklist(field).find(wanted)
        if isinstance(found, Choice):
            return found.id
        self.complain(f"{key} {found.why}; tickets are made without")
        return None

    def sub_issue(self, issue_id: int | None) -> int | None:
        """Return the entry among those of the issue; without the issue there is none."""
        wanted = self.settings.sub_issue
        if wanted is None or issue_id is None:
            return None
        found = self.fields.picklist("subIssueType").under(issue_id).find(wanted)
        if isinstance(found, Choice):
            return found.id
        self.complain(f"sub_issue {found.why} under issue {self.settings.issue!r}; tickets are made without")
        return None

    def assignee(self) -> Assignee | None:
        """Return to whom tickets are assigned; nobody, where the pair is none that Autotask would take."""
        wanted = self.settings.resource
        if wanted is None:
            return None
        if self.tenant.staff is None:
            self.complain("resource cannot be looked up in Autotask; tickets are made without")
            return None
        found = self.tenant.staff.find(wanted, self.settings.role)
        if isinstance(found, Assignee):
            return found
        self.complain(f"{found.why}; tickets are made without")
        return None

    def contract(self) -> int | str | None:
        """Return what is to be looked for in the company of each ticket."""
        wanted = self.settings.contract
        if wanted is not None and self.tenant.contracts.get(wanted) is False:
            self.complain(
                f"contract {wanted!r} is no active contract of any company; tickets are made without"
            )
        return wanted

    def udfs(self, known: Udfs) -> tuple[TicketField, ...]:
        fields, wrong = ticket_fields(self.settings, known)
        for what in wrong:
            self.complain(what)
        name = self.tenant.reference_udf
        if not name:
            return fields
        others = [field for field in fields if field.name != name]
        return (*others, TicketField(name=name, template="{{ reference }}"))

    def source(self) -> int | None:
        """Return the configured source, or ours, unless the ticket's category brings one of its own."""
        if self.settings.source is not None:
            return self.optional("source", "source", self.settings.source)
        if self.category_id in self.tenant.category_sources:
            return None
        found = self.fields.picklist("source").find(_MONITORING)
        return found.id if isinstance(found, Choice) else None


def _tenants_priority(fields: Fields) -> int | None:
    """Return what a ticket gets whose own priority is refused: the tenant's default, or its Medium."""
    priorities = fields.picklist("priority")
    chosen = priorities.default() or priorities.by_id(_PRIORITY_IDS["medium"])
    return chosen.id if chosen is not None and chosen.active else None


def _usual_priority(wanted: int | str) -> int | None:
    return _PRIORITY_IDS.get(wanted.casefold()) if isinstance(wanted, str) else None


def resolve(settings: BoardSettings, tenant: Tenant, *, resources: int | None, where: str = "") -> Resolved:
    """Resolve one board against the metadata of Tickets.

    Args:
        settings: The board as configured.
        tenant: What its tickets may have.
        resources: How many people are assigned to its queue; None: that cannot be told.
        where: Whose problems these are, if not the board's alone.
    """
    resolving = _Resolving(settings, tenant, resources, where or f"board {settings.name!r}")
    queue_id = resolving.queue()
    issue_id = resolving.optional("issue", "issueType", settings.issue)
    assignee = resolving.assignee()
    board = Board(
        name=settings.name,
        queue_id=-1 if queue_id is None else queue_id,
        priority_by_severity=resolving.priorities(),
        status_new=resolving.status("new", settings.status.new, "New", _NEW),
        status_done=resolving.status("done", settings.status.done, "Complete", _DONE),
        statuses_wont_fix=resolving.wont_fix(),
        source_id=resolving.source(),
        category_id=resolving.category_id,
        ticket_type_id=resolving.optional("ticket_type", "ticketType", settings.ticket_type),
        issue_id=issue_id,
        sub_issue_id=resolving.sub_issue(issue_id),
        sla_id=resolving.optional("sla", "serviceLevelAgreementID", settings.sla),
        contract=resolving.contract(),
        contact=settings.contact,
        location=settings.location,
        resource_id=None if assignee is None else assignee.resource_id,
        role_id=None if assignee is None else assignee.role_id,
        due_by_severity={str(severity): after for severity, after in settings.due.items()},
        udfs=resolving.udfs(tenant.udfs),
        usual_priority=_tenants_priority(tenant.fields),
        tags=tuple(settings.tags),
        state_tags={str(state): label for state, label in settings.state_tags.items()},
        title_template=settings.title_template,
        description_template=settings.description_template,
    )
    return Resolved(None if queue_id is None else board, tuple(resolving.problems))


def stand_in_for(name: str, resolved: Mapping[str, Resolved], stand_ins: Sequence[str]) -> Board | None:
    """Return the first sound board of `stand_ins` whose queue is another than that of board `name`."""
    own = resolved[name].board if name in resolved else None
    for each in (resolved[other] for other in stand_ins if other in resolved):
        if each.sound and each.board is not None and (own is None or each.board.queue_id != own.queue_id):
            return each.board
    return None


def choose(name: str, resolved: Mapping[str, Resolved], stand_ins: Sequence[str]) -> Board:
    """Return the board called `name`, or the first sound one that stands in for it.

    Where none is sound, a queue that exists is better than no ticket, though nobody is assigned to it.

    Raises:
        Rejected: Neither the board nor any other that could stand in has a queue that exists.
    """
    candidates = [resolved[each] for each in (name, *stand_ins) if each in resolved]
    sound = [each for each in candidates if each.sound]
    usable = [each for each in candidates if each.board is not None]
    for each in (*sound, *usable):
        if each.board is not None:
            instead_of = "" if each.board.name == name else name
            return msgspec.structs.replace(each.board, instead_of=instead_of)
    raise Rejected(f"board {name!r} has no usable queue, and no other board can stand in for it")
