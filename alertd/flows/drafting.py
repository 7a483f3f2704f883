"""The ticket that a create asks for: whose it is, what it says, and what is left out after a refusal."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from alertd.core import text
from alertd.core.clients import Customer
from alertd.core.devices import HOST, Clues, clues_of
from alertd.core.incidents import Incident, customer_of
from alertd.core.tickets import Board, Level, Repair
from alertd.flows.errors import Rejected
from alertd.flows.ports import Company, CompanyMatch, Desk, Draft, Particulars

# What a ticket can do without, and the draft's fields of it.
OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "device": ("device_id",),
    "contract": ("contract_id",),
    "contact": ("contact_id",),
    "location": ("location_id",),
    "category": ("category_id",),
    "ticket type": ("ticket_type_id",),
    "issue": ("issue_id", "sub_issue_id"),
    "SLA": ("sla_id",),
    "source": ("source_id",),
    "assignee": ("resource_id", "role_id"),
    "due date": ("due_at",),
    "user-defined fields": ("udfs",),
}
_EMPTY: Mapping[str, object] = {"udfs": {}}
_MOST_NAMED = 5


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a ticket is to be made for."""

    incident: Incident
    level: Level
    board: Board
    now: datetime
    repair: Repair | None = None


class Drafted(msgspec.Struct, frozen=True):
    """A ticket to be made. `told` is for `explain`: how it came about; `remarks` are for the ticket."""

    draft: Draft
    told: Mapping[str, str] = {}
    remarks: Sequence[str] = ()


class Less(msgspec.Struct, frozen=True):
    """What a repair changes in a draft, and how that is said."""

    changes: Mapping[str, object] = {}
    said: tuple[str, ...] = ()

    def also(self, changes: Mapping[str, object], said: str) -> Less:
        """Return this and another change."""
        return Less({**self.changes, **changes}, (*self.said, said))


class Drafter:
    """Writes tickets down before they are sent."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def draft(self, order: Order, *, fields: Mapping[str, int]) -> Drafted:
        """Return the ticket, without what was refused where its create is a repair.

        Args:
            order: What it is for.
            fields: Status, priority and queue of the new ticket.

        Raises:
            Rejected: Nothing can be left out of it, so it would be refused again.
            PortError: The company cannot be looked up now; nothing was sent.
        """
        customer, match = await self._match(order.incident)
        found = await self._particulars(match, order)
        company = match.company or self._desk.fallback_company()
        draft = _draft(order, company, found, fields=fields)
        udfs, empty = text.field_texts(
            order.incident, reference=order.level.reference, fields=order.board.udfs
        )
        unknown = [] if order.incident.kind == "summary" else _company_remarks(customer, match)
        remarks = [*_board_remarks(order.board), *unknown, *found.remarks]
        told = {"company": _company_told(company, match), **found.told}
        if draft.due_at is not None:
            told["due"] = f"{draft.due_at:%Y-%m-%d %H:%M} UTC"
        if empty:
            told["left empty"] = "; ".join(empty)
        drafted = Drafted(replace(draft, udfs=udfs), told, remarks)
        if order.repair is not None:
            drafted = self._repaired(drafted, order.repair, order.board)
        return _written(drafted, order)

    async def _match(self, incident: Incident) -> tuple[Customer, CompanyMatch]:
        customer = customer_of(incident)
        if incident.kind == "summary" and not customer.client:
            return customer, CompanyMatch()  # of several companies' alerts: none of theirs
        fixed = incident.policy.company
        if fixed is not None:
            named = Customer(source="", client=str(fixed))
            return named, await self._desk.company(named.client)
        match = await self._named(customer)
        if match.company is not None:
            return customer, match
        owner = await self._desk.company_of_device(_owners_clues(incident, customer))
        return customer, owner if owner.company is not None else match

    async def _named(self, customer: Customer) -> CompanyMatch:
        """Find the company by its id, where the alert or a map gives one; else by what it is called."""
        if customer.company_id is not None:
            match = await self._desk.company_with_id(customer.company_id)
            if match.company is not None:
                return match
        if not customer.client or customer.is_bare_number:
            return CompanyMatch()
        return await self._desk.company(customer.client)

    async def _particulars(self, match: CompanyMatch, order: Order) -> Particulars:
        """On the fallback company nothing is looked for: its devices and people are not the customer's."""
        if match.company is None:
            return Particulars()
        return await self._desk.particulars(match.company, board=order.board, clues=_clues(order.incident))

    def _repaired(self, drafted: Drafted, repair: Repair, board: Board) -> Drafted:
        """Leave out all that is optional; fall back on the rest where that is not what was refused."""
        draft = drafted.draft
        present = [part for part, names in OPTIONAL.items() if any(_is_set(draft, name) for name in names)]
        less = Less({name: _EMPTY.get(name) for part in present for name in OPTIONAL[part]})
        if present:
            less = less.also({}, f"it was made without {', '.join(present)}")
        if not set(repair.about) & set(present):
            less = self._fallen_back(less, draft, repair=repair, board=board)
        if not less.said:
            raise Rejected(repair.reason)
        said = " and ".join(less.said)
        remark = f"Autotask refused this ticket at first ({repair.reason}), so {said}."
        changed = replace(draft, **less.changes)
        return Drafted(changed, {**drafted.told, "repaired": said}, [*drafted.remarks, remark])

    def _fallen_back(self, less: Less, draft: Draft, *, repair: Repair, board: Board) -> Less:
        """Fall back on what the refusal names; where it names nothing, on queue and priority."""
        about = set(repair.about) or {"queue", "priority"}
        stand_in, company = self._desk.stand_in(board.name), self._desk.fallback_company()
        if "queue" in about and stand_in is not None and stand_in.queue_id != draft.queue_id:
            less = less.also({"queue_id": stand_in.queue_id}, f"it is in the queue of board {stand_in.name}")
        if "priority" in about and board.usual_priority not in (None, draft.priority_id):
            less = less.also({"priority_id": board.usual_priority}, "it has the tenant's usual priority")
        if "company" in about and company.id != draft.company_id:
            less = less.also({"company_id": company.id}, "it is on the fallback company")
        return less


def _draft(order: Order, company: Company, found: Particulars, *, fields: Mapping[str, int]) -> Draft:
    board = order.board
    return Draft(
        reference=order.level.reference,
        title="",
        description="",
        company_id=company.id,
        queue_id=fields["queue"],
        priority_id=fields["priority"],
        status_id=fields["status"],
        source_id=board.source_id,
        category_id=board.category_id,
        ticket_type_id=board.ticket_type_id,
        issue_id=board.issue_id,
        sub_issue_id=board.sub_issue_id,
        sla_id=board.sla_id,
        device_id=found.device_id,
        contract_id=found.contract_id,
        contact_id=found.contact_id,
        location_id=found.location_id,
        resource_id=board.resource_id,
        role_id=board.role_id,
        due_at=_due_at(order),
        resolution=text.resolution_text(order.incident) if order.level.done else None,
    )


def _due_at(order: Order) -> datetime | None:
    after = order.board.due_by_severity.get(order.incident.severity.value)
    return None if after is None else order.now + after


def _written(drafted: Drafted, order: Order) -> Drafted:
    rendered = text.ticket_text(
        order.incident,
        reference=order.level.reference,
        title_template=order.board.title_template,
        description_template=order.board.description_template,
        remarks=drafted.remarks,
    )
    draft = replace(drafted.draft, title=rendered.title, description=rendered.description)
    return replace(drafted, draft=draft)


def _is_set(draft: Draft, name: str) -> bool:
    return getattr(draft, name) not in (None, {})


def _clues(incident: Incident) -> Clues:
    """Return what names the ticket's device: nothing, where its alerts speak of several."""
    members = list(incident.members.values())
    clues = [clues_of(member.host, member.clues) for member in members]
    return clues[0] if clues and all(each == clues[0] for each in clues) else {}


def _owners_clues(incident: Incident, customer: Customer) -> Clues:
    """Return by what a device of any company may be known.

    Where the alert does name a customer, only what no two devices have: a host of the same name at another
    customer's would bring the ticket to strangers.
    """
    clues = dict(_clues(incident))
    if customer.client:
        clues.pop(HOST, None)
    return clues


def _board_remarks(board: Board) -> list[str]:
    if not board.instead_of:
        return []
    return [f"Board {board.instead_of} cannot take tickets, so this is on {board.name}."]


def _company_remarks(customer: Customer, match: CompanyMatch) -> list[str]:
    """Return lines for whoever has to map the customer: what is to be mapped, and how."""
    if match.company is not None:
        return []
    named, source = text.one_line(customer.client), customer.source
    said = f'The alert names "{named}"' if named else "The alert names no customer"
    if customer.company_id is not None:
        said += (
            f"{' and' if named else ', but'} company {customer.company_id}, which is not active in Autotask"
        )
    if customer.is_bare_number:
        said += f", which is the number that {source or 'its sender'} has for a customer"
    elif match.candidates:
        several = "; ".join(match.candidates[:_MOST_NAMED])
        said += f", which several active companies in Autotask are called: {several}"
    elif named and customer.company_id is None:
        said += ", which is no active company in Autotask by that name"
    return [f"{said}.", *_how_to_map(text.one_line(customer.to_map), source)]


def _how_to_map(named: str, source: str) -> list[str]:
    if not source:
        return []
    if not named:
        return [f"To say whose alerts of source {source} are, set client of that source in alertd.toml."]
    return [f"To map it: alertd map companies set {source} {shlex.quote(named)} COMPANY"]


def _company_told(company: Company, match: CompanyMatch) -> str:
    who = f"{company.name} ({company.id})"
    if match.company is not None:
        return f"{who}, by {match.how}"
    why = f"several: {'; '.join(match.candidates[:_MOST_NAMED])}" if match.candidates else "none found"
    return f"{who}, the fallback; {why}"
