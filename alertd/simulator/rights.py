"""What one caller may do and see."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Literal

from alertd.simulator.entities import Entity
from alertd.simulator.schema import ENTITIES
from alertd.simulator.switches import Switches
from alertd.simulator.tenant import Tenant
from alertd.simulator.wire import JSON, ApiError, errors

Verb = Literal["create", "query", "update", "delete"]
NamedRight = Literal[
    "web_services",
    "tickets_view",
    "tickets_add",
    "tickets_edit",
    "edit_complete_tickets",
    "notes_add",
    "administer_tags",
    "remove_tags",
    "contracts_view",
    "contracts_edit",
    "crm_customers",
    "products_view",
    "costs",
    "lines_of_business",
    "webhooks",
    "attachments",
    "protected_udfs",
]

_WRITES = frozenset({"create", "update", "delete"})
_TAKES: dict[str, tuple[str, frozenset[str]]] = {
    "tickets_view": ("Tickets", frozenset({"query"})),
    "tickets_add": ("Tickets", frozenset({"create"})),
    "tickets_edit": ("Tickets", frozenset({"update"})),
    "notes_add": ("TicketNotes", frozenset({"create"})),
    "contracts_view": ("Contract.*", _WRITES | {"query"}),
    "contracts_edit": ("Contract.*", _WRITES),
    "products_view": ("Product.*|Services|ServiceBundle.*", frozenset({"query"})),
    "webhooks": (".*Webhook(s|Fields|UdfFields|ExcludedResources)", frozenset({"create"})),
}
_HIDES_ROWS = frozenset({"tickets_view", "crm_customers", "lines_of_business", "attachments"})
_CUSTOMER_TYPES = (1, 6)
_OWNERS = ("assignedResourceID", "creatorResourceID", "ownerResourceID")


@dataclass(frozen=True, kw_only=True)
class Rights:
    """A security level minus what was trimmed. Nothing trimmed means full access.

    `own` names removed rights that leave the rows of the resource itself; `lines` are the lines of business
    whose rows it sees, None for all of them.
    """

    denied: frozenset[tuple[str, str]] = frozenset()
    removed: frozenset[str] = frozenset()
    companies: frozenset[int] | None = None
    lines: frozenset[int] | None = None
    own: frozenset[str] = frozenset()
    resource_id: int = 0

    def may(self, entity: Entity, verb: str) -> bool:
        """Whether the entity's section of the security level allows the verb, be it on own rows only."""
        if entity.right in self.removed and verb != "query":
            return False
        if any(_takes(right, entity.name, verb) for right in self.removed - self.own):
            return False
        return (entity.name, verb) not in self.denied

    def has(self, right: NamedRight) -> bool:
        """Whether a named right is there."""
        return right not in self.removed

    def require(self, entity: Entity, verb: str, switches: Switches) -> None:
        """Refuse unless the verb is allowed.

        Raises:
            ApiError: It is not.
        """
        if not self.may(entity, verb):
            raise no_permission(verb, switches)

    def require_row(self, entity: Entity, row: JSON, verb: str, switches: Switches) -> None:
        """Refuse unless the verb is allowed on this row, where the level says "mine" rather than "all".

        Raises:
            ApiError: It is not.
        """
        if any(_takes(right, entity.name, verb) for right in self.removed & self.own) and not self._owns(row):
            raise no_permission(verb, switches)

    def sees(self, tenant: Tenant, entity: Entity, row: JSON) -> bool:
        """Whether the row, and the row it hangs on, are inside what this caller may see."""
        if self._sees_everything:
            return True
        if not self._sees_itself(tenant, entity, row):
            return False
        if not entity.parent:
            return True
        parent, above = ENTITIES[entity.parent], tenant.table(entity.parent).get(row[entity.parent_field])
        return above is None or (self.may(parent, "query") and self.sees(tenant, parent, above))

    def access(self, entity: Entity, verb: str, *, supported: bool) -> str:
        """Return `None`, `All` or `Restricted` as entityInformation shows it."""
        if not supported or not self.may(entity, verb):
            return "None"
        return "Restricted" if self._is_partial(entity, verb) else "All"

    def _is_partial(self, entity: Entity, verb: str) -> bool:
        if any(_takes(right, entity.name, verb) for right in self.removed & self.own):
            return True
        if entity.name == "Companies" and verb in ("query", "update") and "crm_customers" in self.removed:
            return True
        return self.companies is not None and _belongs_to_company(entity)

    @functools.cached_property
    def _sees_everything(self) -> bool:
        blind = self.removed & _HIDES_ROWS or any(verb == "query" for _, verb in self.denied)
        return self.companies is None and self.lines is None and not blind

    def _sees_itself(self, tenant: Tenant, entity: Entity, row: JSON) -> bool:
        if "attachments" in self.removed and entity.name == "TicketAttachments":
            return False
        if entity.name == "Tickets" and {"tickets_view"} & self.removed & self.own and not self._owns(row):
            return False
        return self._sees_company(tenant, entity, row) and self._sees_line(entity, row)

    def _sees_company(self, tenant: Tenant, entity: Entity, row: JSON) -> bool:
        company_id = row["id"] if entity.name == "Companies" else row.get("companyID")
        if company_id is None:
            return True
        if self.companies is not None and company_id not in self.companies:
            return False
        company = tenant.table("Companies").get(company_id)
        if "crm_customers" not in self.removed or company is None:
            return True
        is_customer = company["companyType"] in _CUSTOMER_TYPES
        return not is_customer or ("crm_customers" in self.own and self._owns(company))

    def _sees_line(self, entity: Entity, row: JSON) -> bool:
        if entity.name == "OrganizationalResources":
            return "lines_of_business" not in self.removed or row["resourceID"] != self.resource_id
        line = row.get("organizationalLevelAssociationID")
        return line is None or self.lines is None or line in self.lines

    def _owns(self, row: JSON) -> bool:
        return self.resource_id in (row.get(name) for name in _OWNERS)


NOTHING = Rights(denied=frozenset((name, verb) for name in ENTITIES for verb in (*_WRITES, "query")))


def no_permission(verb: str, switches: Switches) -> ApiError:
    """Return the error for a verb the security level does not allow."""
    text = f"The logged in Resource does not have the adequate permissions to {verb} this entity type."
    return ApiError(errors(text, status=switches.permission_status))


@functools.cache
def _takes(right: str, entity: str, verb: str) -> bool:
    names, verbs = _TAKES.get(right, ("", frozenset()))
    return verb in verbs and re.fullmatch(names, entity) is not None


def _belongs_to_company(entity: Entity) -> bool:
    return entity.name == "Companies" or any(entity.find(name) for name in ("companyID", "ticketID"))
