"""Create, update and delete: the same steps for every entity, with the entity's own rules in between."""

from __future__ import annotations

from typing import Any

from alertd.simulator.entities import Entity
from alertd.simulator.queries import Reader
from alertd.simulator.rules import RULES, Rules
from alertd.simulator.validation import Writer, check_required, check_values, read_fields
from alertd.simulator.wire import JSON, refused

_GONE = (
    "No message. No matching records found. The logged in Resource may not have the required permissions "
    "to {} the data."
)


def create(writer: Writer, entity: Entity, body: Any, *, parent_id: int | None = None) -> int:
    """Create a row and return its id, or the id of what it was merged into.

    Raises:
        ApiError: A right is missing or a rule is broken; nothing is stored.
    """
    writer.rights.require(entity, "create", writer.switches)
    rules = RULES.get(entity.name, Rules())
    row = writer.tenant.new_row(entity.name)
    row |= read_fields(writer, entity, body, creating=True)
    _set_parent(writer, entity, row, parent_id)
    rules.complete(writer, row)
    check_required(writer, entity, row, also=rules.required(writer, row))
    check_values(writer, entity, row, _given(entity, row))
    rules.check(writer, None, row)
    merged_into = rules.instead(writer, row)
    if merged_into is not None:
        return merged_into
    _sign(writer, entity, row)
    row |= rules.stamps(writer, None, row)
    row_id = writer.tenant.table(entity.name).insert(row, writer.stamp)
    rules.after(writer, None, row)
    return row_id


def update(
    writer: Writer, entity: Entity, body: Any, *, replace: bool, parent_id: int | None = None
) -> tuple[int, JSON]:
    """Change a row and return its id and what changed; with `replace`, what is not sent becomes empty.

    Raises:
        ApiError: A right is missing, the row cannot be found, or a rule is broken; nothing is stored.
    """
    writer.rights.require(entity, "update", writer.switches)
    values = read_fields(writer, entity, body, creating=False)
    old = existing(writer, entity, _id_of(body), parent_id=parent_id, verb="update")
    writer.rights.require_row(entity, old, "update", writer.switches)
    if replace:
        values = _emptied(writer, entity) | values
    elif "userDefinedFields" in values:
        values["userDefinedFields"] = old["userDefinedFields"] | values["userDefinedFields"]
    merged = old | values
    rules = RULES.get(entity.name, Rules())
    check_required(writer, entity, merged, also=rules.required(writer, merged))
    check_values(writer, entity, merged, values)
    rules.check(writer, old, merged)
    if entity.find("impersonatorUpdaterResourceID"):
        values["impersonatorUpdaterResourceID"] = writer.impersonator_id
    return int(old["id"]), apply(writer, entity, old, values)


def apply(writer: Writer, entity: Entity, old: JSON, values: JSON) -> JSON:
    """Store values without asking permission, stamp what moves with them, and return what changed."""
    changed = {name: value for name, value in values.items() if old[name] != value}
    if changed:
        rules = RULES.get(entity.name, Rules())
        new = old | changed
        writer.tenant.table(entity.name).update(
            old["id"], changed | rules.stamps(writer, old, new), writer.stamp
        )
        rules.after(writer, old, new)
    return changed


def delete(writer: Writer, entity: Entity, row_id: int, *, parent_id: int | None = None) -> int:
    """Delete a row, with what depends on it, and return its id.

    Raises:
        ApiError: A right is missing, or there is no such row.
    """
    writer.rights.require(entity, "delete", writer.switches)
    rules = RULES.get(entity.name, Rules())
    rules.check_delete(writer, row_id)
    row = existing(writer, entity, row_id, parent_id=parent_id, verb="delete")
    writer.tenant.table(entity.name).delete(row_id, writer.stamp)
    rules.after_delete(writer, row)
    return row_id


def existing(writer: Writer, entity: Entity, row_id: int | None, *, parent_id: int | None, verb: str) -> JSON:
    """Return the row to write to.

    Raises:
        ApiError: It does not exist, is out of sight, or belongs to another parent.
    """
    reader = Reader(
        tenant=writer.tenant,
        entity=entity,
        switches=writer.switches,
        rights=writer.rights,
        now=writer.stamp.now,
    )
    row = writer.tenant.table(entity.name).get(row_id)
    if row is None or row_id is None or reader.item(row_id) is None:
        raise refused(_GONE.format(verb))
    if parent_id is not None and row[entity.parent_field] != parent_id:
        raise refused(_GONE.format(verb))
    return row


def _set_parent(writer: Writer, entity: Entity, row: JSON, parent_id: int | None) -> None:
    if parent_id is None:
        return
    if writer.tenant.table(entity.parent).get(parent_id) is None:
        raise refused(f"Value does not reference an existing entity for {entity.parent_field} .")
    row[entity.parent_field] = parent_id


def _given(entity: Entity, row: JSON) -> list[str]:
    return [field.name for field in entity.fields if not field.read_only and row[field.name] is not None]


def _emptied(writer: Writer, entity: Entity) -> JSON:
    kept = entity.kept_by_put
    fields = (field for field in entity.fields if not field.read_only and not field.create_only)
    writable = [field.name for field in fields if field.name not in kept]
    blank = writer.tenant.new_row(entity.name)
    return {name: blank[name] for name in [*writable, "userDefinedFields"]}


def _id_of(body: Any) -> int | None:
    given = next((value for name, value in body.items() if str(name).lower() == "id"), None)
    if isinstance(given, bool) or not isinstance(given, int):
        raise refused("Missing Required Field: id")
    return given


def _sign(writer: Writer, entity: Entity, row: JSON) -> None:
    if entity.find("impersonatorCreatorResourceID"):
        row["impersonatorCreatorResourceID"] = writer.impersonator_id
    for name in ("creatorResourceID", "createdByResourceID"):
        if entity.find(name):
            row[name] = writer.resource_id
