"""What a call-out says: which fields of a change are told, and their values as people read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from alertd.simulator.entities import Field
from alertd.simulator.schema import BY_SINGULAR, ENTITIES
from alertd.simulator.schema_webhooks import WEBHOOKS
from alertd.simulator.tenant import Tenant
from alertd.simulator.wire import JSON

Action = Literal["Create", "Update", "Delete", "Deactivated"]
_NAMES = ("companyName", "contractName", "name", "label", "referenceTitle", "ticketNumber", "title")


@dataclass(frozen=True)
class Change:
    """One change of a row; `old` is None if it was created, `new` if it was deleted."""

    entity: str
    old: JSON | None
    new: JSON | None

    @property
    def action(self) -> Action:
        """The event it is."""
        if self.old is None:
            return "Create"
        return "Delete" if self.new is None else "Update"

    @property
    def row(self) -> JSON:
        """The row as it is, or as it last was."""
        return self.new or self.old or {}


@dataclass(frozen=True)
class _Told:
    """One field a webhook has, under the key it goes by: a user-defined one has no `field`."""

    key: str
    field: Field | None
    subscribed: bool
    always: bool

    def value(self, row: JSON) -> object:
        """Return what the row holds."""
        return row["userDefinedFields"].get(self.key) if self.field is None else row[self.field.name]

    def changes(self, change: Change) -> bool:
        """Whether an update has changed it."""
        return self.value(change.old or change.row) != self.value(change.row)


def subscribes(hook: JSON, change: Change) -> bool:
    """Whether a webhook is on, and on for events of this kind."""
    return bool(hook["isActive"] and hook["isReady"] and hook[f"isSubscribedTo{change.action}Events"])


def excludes(tenant: Tenant, hook: JSON, change: Change, resource_id: int) -> bool:
    """Whether a webhook does not want to hear of this person's changes."""
    rows = tenant.table(_child(change.entity, "ExcludedResources")).find("webhookID", hook["id"])
    return any(row["resourceID"] == resource_id for row in rows)


def fields_told(tenant: Tenant, hook: JSON, change: Change, *, references: str) -> JSON | None:
    """Return the `Fields` of a payload, or None for an update of nothing the webhook subscribes to.

    A create tells all its fields, an update those that have changed and those that are always displayed, a
    deletion the latter alone.

    Args:
        tenant: Where the rows and labels are.
        hook: The webhook's row.
        change: What has happened.
        references: `names` to tell what a reference points at, `ids` to tell the id.
    """
    fields = _fields(tenant, hook, change.entity)
    changed = [each for each in fields if each.subscribed and each.changes(change)]
    if change.action == "Update" and not changed:
        return None
    if change.action == "Create":
        told = fields
    else:
        told = [each for each in fields if each.always or each in changed]
    return {each.key: _text(tenant, change, each, references) for each in told}


def _child(entity: str, segment: str) -> str:
    return WEBHOOKS[entity].removesuffix("s") + segment


def _fields(tenant: Tenant, hook: JSON, entity: str) -> list[_Told]:
    name = _child(entity, "Fields")
    labels = tenant.values_of(name, "fieldID")
    found = []
    for row in tenant.table(name).find("webhookID", hook["id"]):
        key = labels[str(row["fieldID"])].label
        field = ENTITIES[entity].find(key)
        found.append(_Told(key, field, row["isSubscribedField"], row["isDisplayAlwaysField"]))
    for row in tenant.table(_child(entity, "UdfFields")).find("webhookID", hook["id"]):
        definition = tenant.row("UserDefinedFieldDefinition", row["udfFieldID"])
        if definition is not None:
            found.append(
                _Told(definition["name"], None, row["isSubscribedField"], row["isDisplayAlwaysField"])
            )
    return found


def _text(tenant: Tenant, change: Change, told: _Told, references: str) -> str | None:
    value = told.value(change.row)
    if value is None or told.field is None:
        return None if value is None else str(value)
    if told.field.picklist:
        found = tenant.values_of(change.entity, told.field.name).get(str(value))
        return found.label if found else str(value)
    if told.field.reference and references == "names" and isinstance(value, int):
        return _name(tenant, told.field.reference, value)
    return str(value)


def _name(tenant: Tenant, singular: str, row_id: int) -> str:
    row = tenant.row(singular, row_id) if singular in BY_SINGULAR else None
    if row is None:
        return str(row_id)
    if row.get("firstName"):
        return f"{row['firstName']} {row['lastName']}"
    return str(next((row[name] for name in _NAMES if row.get(name)), row_id))
