"""What one caller may do and see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from alertd.simulator.entities import Entity
from alertd.simulator.switches import Switches
from alertd.simulator.tenant import Tenant
from alertd.simulator.wire import JSON, ApiError, errors

Verb = Literal["create", "query", "update", "delete"]
NamedRight = Literal["administer_tags", "remove_tags", "edit_complete_tickets", "costs"]


@dataclass(frozen=True, kw_only=True)
class Rights:
    """A security level minus what was trimmed. Nothing trimmed means full access."""

    denied: frozenset[tuple[str, str]] = frozenset()
    removed: frozenset[str] = frozenset()
    companies: frozenset[int] | None = field(default=None)

    def may(self, entity: Entity, verb: str) -> bool:
        """Whether the entity's section of the security level allows the verb."""
        if entity.right in self.removed and verb != "query":
            return False
        return (entity.name, verb) not in self.denied

    def has(self, right: str) -> bool:
        """Whether a named right is there."""
        return right not in self.removed

    def require(self, entity: Entity, verb: str, switches: Switches) -> None:
        """Refuse unless the verb is allowed.

        Raises:
            ApiError: It is not.
        """
        if not self.may(entity, verb):
            raise no_permission(verb, switches)

    def sees(self, tenant: Tenant, entity: Entity, row: JSON) -> bool:
        """Whether the row is inside the companies this caller may see."""
        if self.companies is None:
            return True
        company = company_of(tenant, entity, row)
        return company is None or company in self.companies

    def access(self, entity: Entity, verb: str, *, supported: bool) -> str:
        """Return `None`, `All` or `Restricted` as entityInformation shows it."""
        if not supported or not self.may(entity, verb):
            return "None"
        belongs_to_company = entity.name == "Companies" or _company_field(entity) is not None
        return "Restricted" if self.companies is not None and belongs_to_company else "All"


def no_permission(verb: str, switches: Switches) -> ApiError:
    """Return the error for a verb the security level does not allow."""
    text = f"The logged in Resource does not have the adequate permissions to {verb} this entity type."
    return ApiError(errors(text, status=switches.permission_status))


def company_of(tenant: Tenant, entity: Entity, row: JSON) -> int | None:
    """Return the company a row belongs to, by itself or through its ticket."""
    if entity.name == "Companies":
        return int(row["id"])
    name = _company_field(entity)
    if name == "ticketID":
        ticket = tenant.table("Tickets").get(row["ticketID"])
        return ticket["companyID"] if ticket else None
    return row[name] if name else None


def _company_field(entity: Entity) -> str | None:
    return next((name for name in ("companyID", "ticketID") if entity.find(name)), None)
