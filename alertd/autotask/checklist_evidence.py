"""What the connection checklist asks about, and what Autotask answered; values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec

from alertd.autotask.answers import Payload
from alertd.autotask.board_forms import RouteForm
from alertd.autotask.picklists import may_access
from alertd.autotask.zone import Zone
from alertd.core.boards import BoardSettings

Rows: TypeAlias = tuple[Mapping[str, Any], ...]

# What `name` of an entity's description may be: the singular, sometimes that of an older API.
ENTITY_NAMES: Mapping[str, tuple[str, ...]] = {
    "Tickets": ("Ticket",),
    "TicketNotes": ("TicketNote",),
    "Tags": ("Tag",),
    "TagGroups": ("TagGroup",),
    "TicketTagAssociations": ("TicketTagAssociation",),
    "Companies": ("Company", "Account"),
    "ConfigurationItems": ("ConfigurationItem", "InstalledProduct"),
    "Contracts": ("Contract",),
    "ContractServices": ("ContractService",),
    "ContractServiceUnits": ("ContractServiceUnit",),
    "ContractServiceAdjustments": ("ContractServiceAdjustment",),
    "Products": ("Product",),
    "Services": ("Service",),
    "ResourceRoleQueues": ("ResourceRoleQueue",),
    "OrganizationalLevelAssociations": ("OrganizationalLevelAssociation",),
    "OrganizationalResources": ("OrganizationalResource",),
    "TicketWebhooks": ("TicketWebhook",),
}


class Trouble(StrEnum):
    """Why a question has no answer."""

    REFUSED = "refused"  # Autotask's own words, and it will say the same again
    NO_ROUTE = "no_route"  # this zone does not know the entity
    NO_HTTP = "no_http"  # no answer at all
    THROTTLED = "throttled"
    FAILED = "failed"  # anything else: a fault, an answer that cannot be read
    NOT_ASKED = "not_asked"


class Unanswered(msgspec.Struct, frozen=True):
    """A question without an answer, and what was seen instead."""

    trouble: Trouble
    why: str


NOT_ASKED = Unanswered(Trouble.NOT_ASKED, "this was not asked, to keep to the number of calls")


class NamedCompany(msgspec.Struct, frozen=True):
    """A company as the configuration or the command line names it, and where."""

    where: str
    named: int | str


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration needs of the tenant.

    `modules` holds those of "alerts" and "billing" that are configured.
    """

    username: str
    calls_per_hour: int
    modules: frozenset[str]
    call_outs: bool
    boards: Sequence[BoardSettings]
    routes: Sequence[RouteForm] = ()  # that say something of their tickets themselves
    companies: Sequence[NamedCompany]
    note_type: int | str | None
    tag_group: str
    tags: frozenset[str]
    reference_udf: str | None = None  # a user-defined field of tickets
    company_alias: str | None = None  # a user-defined field of companies
    match_devices: bool = False
    device_udfs: Mapping[str, str] = {}  # user-defined fields of configuration items, by label
    root_board: str
    test_company: NamedCompany | None = None  # where a test ticket is to be made; None: nothing is changed

    def forms(self) -> Sequence[tuple[str, BoardSettings]]:
        """Return what tickets are made of, and whose words those are: every board's, every such route's."""
        boards = [(f"board {board.name!r}", board) for board in self.boards]
        routes = [(f"route {each.route_name!r}", each.on(self.boards)) for each in self.routes]
        return [*boards, *((where, form) for where, form in routes if form is not None)]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was seen in one run."""

    zone: Zone | Unanswered
    refused_login: str = ""  # what Autotask said of the credential
    answers: Mapping[str, Payload | Unanswered] = {}
    rows: Mapping[str, Rows | Unanswered] = {}
    partial: frozenset[str] = frozenset()  # queries with more pages than were asked for

    @property
    def signed_in(self) -> bool:
        """Whether any call that carries the credential has succeeded."""
        return any(isinstance(each, dict) for each in self.answers.values()) or any(
            isinstance(each, tuple) for each in self.rows.values()
        )

    def answer(self, key: str) -> Payload | Unanswered:
        """Return the answer to a question by its name."""
        return self.answers.get(key, NOT_ASKED)

    def found(self, key: str) -> Rows | Unanswered:
        """Return the rows that a query by its name has found."""
        return self.rows.get(key, NOT_ASKED)

    def some(self, key: str) -> Rows:
        """Return the rows that a query has found; none where it has no answer."""
        rows = self.found(key)
        return () if isinstance(rows, Unanswered) else rows

    def access(self, entity: str, what: str) -> str:
        """Return `all`, `restricted`, `none` or `unknown`: what this user may do, says the metadata."""
        described = described_entities(self.answer("entities")).get(entity)
        if described is not None:
            told = may_access({"info": dict(described)}, what)
            if told != "unknown":
                return told
        single = self.answer(f"entity {entity}")
        return may_access(single, what) if isinstance(single, dict) else "unknown"


def described_entities(answer: Payload | Unanswered) -> dict[str, Mapping[str, Any]]:
    """Return the entities whose access the global metadata tells, by our names for them."""
    listed = answer.get("entityDescriptions") if isinstance(answer, dict) else None
    described = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    by_name = {str(each.get("name")).casefold(): each for each in described}
    found: dict[str, Mapping[str, Any]] = {}
    for entity, names in ENTITY_NAMES.items():
        candidates = (by_name.get(name.casefold()) for name in (*names, entity))
        described_one = next((each for each in candidates if each is not None), None)
        if described_one is not None and may_access({"info": described_one}, "Query") != "unknown":
            found[entity] = described_one
    return found
