"""Field-level rules of writes: known UDFs, types, required fields, lengths, picklists, references."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from alertd.simulator.entities import Entity, Field
from alertd.simulator.rights import Rights
from alertd.simulator.switches import Switches
from alertd.simulator.tables import Stamp
from alertd.simulator.tenant import PickValue, Tenant, UdfDefinition
from alertd.simulator.values import for_write
from alertd.simulator.wire import JSON, refused

NO_REFERENCE = "Reference value on field: {field} of type: {entity} does not exist or is invalid."
API_LICENSE = 7
_OWNERS = ("ownerResourceID", "assignedResourceID")
# Entities that no part of the simulator holds: any id of theirs is taken.
_NOT_KEPT = frozenset({"Country", "Currency", "TaxRegion", "Opportunity", "Project"})


@dataclass(frozen=True, kw_only=True)
class DuplicateHandling:
    """The tenant's setting: new tickets that equal an old one of the same company become a note on it."""

    match: tuple[str, ...]
    reopen: bool = False
    open_only: bool = False


@dataclass(frozen=True, kw_only=True)
class Writer:
    """One caller writing at one instant.

    `resource_id` is whom the action is attributed to; `impersonator_id` the API user behind it, if another.
    """

    tenant: Tenant
    switches: Switches
    rights: Rights
    stamp: Stamp
    resource_id: int
    impersonator_id: int | None = None
    duplicates: tuple[DuplicateHandling, ...] = ()


def read_fields(writer: Writer, entity: Entity, body: Any, *, creating: bool) -> JSON:
    """Return the sent values that count, by proper field name; unknown properties are ignored.

    Raises:
        ApiError: The body is no object, a value is of the wrong type, or a read-only field is refused.
    """
    if not isinstance(body, dict):
        raise refused("Value cannot be null.\r\nParameter name: entity")
    values: JSON = {}
    for name, raw in body.items():
        field = entity.find(str(name))
        if field is not None and field.name != "id" and _counts(writer, field, creating=creating):
            values[field.name] = _newlines(writer, for_write(field, raw))
    sent = next((raw for name, raw in body.items() if str(name).lower() == "userdefinedfields"), None)
    if sent is not None:
        values["userDefinedFields"] = _read_udfs(writer, entity, sent)
    return values


def _counts(writer: Writer, field: Field, *, creating: bool) -> bool:
    if field.read_only and writer.switches.read_only_fields == "reject":
        raise refused(f"The field {field.name} is read-only.")
    return not field.read_only and (creating or not field.create_only)


def _newlines(writer: Writer, value: Any) -> Any:
    if writer.switches.newlines == "crlf" and isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\n", "\r\n")
    return value


def _read_udfs(writer: Writer, entity: Entity, sent: Any) -> dict[str, str | None]:
    known = writer.tenant.udfs.get(entity.name, {})
    if not isinstance(sent, list) or not all(isinstance(each, dict) for each in sent):
        raise refused("Unexpected character encountered while parsing value: {. Path 'userDefinedFields'.")
    values: dict[str, str | None] = {}
    for each in ({str(key).lower(): value for key, value in item.items()} for item in sent):
        name, value = str(each.get("name")), each.get("value")
        if name not in known:
            raise refused(f"Unable to find {name} in the {entity.singular} Entity.")
        values[name] = _checked_udf(writer, known[name], value)
    return values


def _checked_udf(writer: Writer, definition: UdfDefinition, value: Any) -> str | None:
    if value is None:
        return None
    if len(str(value)) > definition.length:
        text = writer.switches.length_text
        raise refused(text.format(field=definition.name, length=definition.length))
    if definition.type in ("double", "datetime"):
        for_write(Field(name=definition.name, data_type=definition.type), str(value))
    if definition.values and str(value) not in definition.values:
        raise refused(f"Value does not exist for picklist: {definition.name}. The value {value} is invalid.")
    return str(value)


def check_required(writer: Writer, entity: Entity, row: JSON, *, also: Iterable[str] = ()) -> None:
    """Refuse a row that lacks required fields, all of them in one answer.

    Raises:
        ApiError: At least one is empty.
    """
    names = [field.name for field in entity.fields if field.required and not field.read_only]
    missing = [name for name in [*names, *also] if row[name] in (None, "")]
    udfs = writer.tenant.udfs.get(entity.name, {}).values()
    missing += [udf.name for udf in udfs if udf.required and not row["userDefinedFields"].get(udf.name)]
    if missing:
        raise refused(*(f"Missing Required Field: {name}" for name in missing))


def check_values(writer: Writer, entity: Entity, row: JSON, names: Iterable[str]) -> None:
    """Refuse over-long texts, unknown or inactive picklist values, unknown or inactive references.

    A value that depends on a named one is checked with it.

    Raises:
        ApiError: With one text per faulty field.
    """
    named = set(names)
    fields = (each for each in entity.fields if each.name in named or each.picklist_parent in named)
    set_fields = [field for field in fields if row[field.name] is not None]
    faults = [text for field in set_fields if (text := _fault(writer, entity, row, field))]
    if faults:
        raise refused(*faults)


def _fault(writer: Writer, entity: Entity, row: JSON, field: Field) -> str | None:
    value = row[field.name]
    if field.length and len(value) > field.length:
        return writer.switches.length_text.format(field=field.name, length=field.length)
    if field.picklist:
        return _picklist_fault(writer, entity, row, field)
    if field.reference and not _may_refer(writer.tenant, field, value):
        return NO_REFERENCE.format(field=field.name, entity=field.reference)
    return None


def _may_refer(tenant: Tenant, field: Field, row_id: int) -> bool:
    if field.reference in _NOT_KEPT:
        return True
    row = tenant.row(field.reference, row_id)
    owned_by_api = row is not None and field.name in _OWNERS and row["licenseType"] == API_LICENSE
    return reference_is_active(row) and not owned_by_api


def _picklist_fault(writer: Writer, entity: Entity, row: JSON, field: Field) -> str | None:
    found = writer.tenant.values_of(entity.name, field.name).get(str(row[field.name]))
    if found is None or not found.active:
        return writer.switches.invalid_picklist_text.format(field=field.name, value=row[field.name])
    if field.picklist_parent and not _belongs(found, row[field.picklist_parent]):
        return f"Value does not exist for child picklist: {field.name}"
    return None


def _belongs(value: PickValue, parent: Any) -> bool:
    return value.parent in ("", str(parent))


def reference_is_active(row: JSON | None) -> bool:
    """Whether a referenced row exists and is not inactive; `Contacts.isActive` is 1 or 0."""
    return row is not None and row.get("isActive", True) in (True, 1)
