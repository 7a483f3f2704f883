"""Rules of user-defined fields: what is defined exists, at once and on every record."""

from __future__ import annotations

from alertd.simulator.instants import to_wire
from alertd.simulator.rules_base import Rules
from alertd.simulator.schema_udfs import UDF_DATA_TYPES, UDF_ENTITIES
from alertd.simulator.tenant import Tenant, UdfDefinition
from alertd.simulator.validation import Writer
from alertd.simulator.wire import JSON, refused

_LIMITS = {"Tickets": 300, "ConfigurationItems": 500, "Companies": 200, "Contracts": 50}


class UdfDefinitionRules(Rules):
    """Section 5.19, and the limits of section 3."""

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse a second field of that name, and one field too many."""
        entity = UDF_ENTITIES[new["udfType"]][0]
        known = writer.tenant.udfs.get(entity, {})
        if (old is None or old["name"] != new["name"]) and _has(known, new["name"]):
            switches = writer.switches
            texts = {"entity": "UserDefinedFieldDefinition", "field": "name", "value": new["name"]}
            raise refused(switches.duplicate_text.format(**texts))
        limit = _LIMITS.get(entity)
        if old is None and limit is not None and len(known) >= limit:
            raise refused(f"A maximum of {limit} user-defined fields is allowed for {entity}.")

    def stamps(self, writer: Writer, old: JSON | None, new: JSON) -> JSON:
        """Return the creation instant."""
        return {} if old else {"createDate": to_wire(writer.stamp.now)}

    def after(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Make the field exist, under its new name if it has one."""
        if old is not None and old["name"] != new["name"]:
            _rename(writer, old, new)
        define(writer.tenant, new)


class UdfListItemRules(Rules):
    """The values of a list field."""

    def stamps(self, writer: Writer, old: JSON | None, new: JSON) -> JSON:
        """Return the creation instant."""
        return {} if old else {"createDate": to_wire(writer.stamp.now)}

    def after(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Make the value selectable."""
        definition = writer.tenant.row("UserDefinedFieldDefinition", new["udfFieldId"])
        if definition is not None:
            define(writer.tenant, definition)


def define(tenant: Tenant, row: JSON) -> None:
    """Bring the field that a definition row describes into being, or up to date."""
    fields = tenant.udfs.setdefault(UDF_ENTITIES[row["udfType"]][0], {})
    field = fields.setdefault(row["name"], UdfDefinition(name=row["name"]))
    field.type = next((each for each, value in UDF_DATA_TYPES.items() if value == row["dataType"]), "string")
    field.type = "string" if field.type in ("text", "list") else field.type
    field.required, field.active = bool(row["isRequired"]), bool(row["isActive"])
    field.protected = bool(row["isProtected"])
    items = tenant.table("UserDefinedFieldListItems").find("udfFieldId", row["id"])
    field.values = [item["valueForDisplay"] for item in items]


def _has(known: dict[str, UdfDefinition], name: str) -> bool:
    return name.lower() in {each.lower() for each in known}


def _rename(writer: Writer, old: JSON, new: JSON) -> None:
    entity = UDF_ENTITIES[old["udfType"]][0]
    fields = writer.tenant.udfs[entity]
    fields[new["name"]] = fields.pop(old["name"])
    fields[new["name"]].name = new["name"]
    table = writer.tenant.table(entity)
    for row in [row for row in table if old["name"] in row["userDefinedFields"]]:
        values = dict(row["userDefinedFields"])
        values[new["name"]] = values.pop(old["name"])
        table.update(row["id"], {"userDefinedFields": values}, writer.stamp)
