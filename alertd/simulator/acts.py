"""What people do in the web UI: act as a named technician, past the API and its limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import msgspec

from alertd.simulator import contract_acts
from alertd.simulator.contract_acts import ContractAct
from alertd.simulator.faults import Target
from alertd.simulator.filling import by_value, find_by_name
from alertd.simulator.instants import to_wire
from alertd.simulator.rights import Rights
from alertd.simulator.rules_base import touch_ticket
from alertd.simulator.rules_tickets import COMPLETE, add_note
from alertd.simulator.schema_desk import TICKET_TAG_ASSOCIATIONS, TICKETS
from alertd.simulator.simulator import Simulator
from alertd.simulator.tables import Stamp
from alertd.simulator.validation import Writer
from alertd.simulator.wire import JSON
from alertd.simulator.workflow import run_after
from alertd.simulator.writes import apply, create, delete

_IN_PROGRESS = 8
_MERGED, _ABSORBED = 93, 94


class ActError(Exception):
    """The act names something that does not exist."""


class Act(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One act. `ticket` is an id or a number, `by` a resource id, user name or full name."""

    act: Literal[
        "assign",
        "note",
        "complete",
        "reopen",
        "requeue",
        "reprioritise",
        "add_tag",
        "remove_tag",
        "edit",
        "time_entry",
        "merge",
        "delete",
        "create",
    ]
    ticket: int | str | None = None
    by: int | str = "Jana Novak"
    resource: int | str | None = None
    role: int | str | None = None
    queue: int | str | None = None
    priority: int | str | None = None
    status: int | str | None = None
    tag: int | str | None = None
    into: int | str | None = None
    contact: int | str | None = None
    title: str = "Note"
    text: str = ""
    note_type: int = 3
    publish: int = 1
    resolution: str | None = None
    fields: JSON = msgspec.field(default_factory=dict)


@dataclass(frozen=True)
class _Scene:
    """One act on one ticket by one person."""

    act: Act
    writer: Writer
    ticket: JSON

    def change(self, **values: Any) -> int:
        """Change the ticket; picklist values may be given by label."""
        apply(self.writer, TICKETS, self.ticket, by_value(self.writer.tenant, TICKETS, values))
        return int(self.ticket["id"])


def perform(simulator: Simulator, data: Any, now: float) -> int:
    """Carry out one act and return the id of the ticket, or of the note, association or other row made.

    Raises:
        ActError: The act is malformed or names something that does not exist.
        ApiError: The tenant's own rules forbid it to people too.
    """
    try:
        act = _read(data)
    except msgspec.ValidationError as exc:
        raise ActError(str(exc)) from exc
    simulator.advance(now)
    writer = _writer(simulator, act.by, now)
    try:
        if isinstance(act, ContractAct):
            return contract_acts.perform(writer, act)
        if act.act == "create":
            made = create(writer, TICKETS, by_value(simulator.tenant, TICKETS, act.fields))
            run_after(simulator.tenant, simulator.faults, writer, (TICKETS.name, made, "create"))
            return made
        ticket = _found(simulator, "Tickets", act.ticket)
        done = _ACTS[act.act](_Scene(act, writer, ticket))
    except LookupError as exc:
        raise ActError(str(exc)) from exc
    if act.act not in ("note", "time_entry", "delete"):
        run_after(simulator.tenant, simulator.faults, writer, (TICKETS.name, ticket["id"], "update"))
    return done


def _read(data: Any) -> Act | ContractAct:
    if isinstance(data, dict) and data.get("act") in get_args(msgspec.structs.fields(ContractAct)[0].type):
        return msgspec.convert(data, ContractAct)
    return msgspec.convert(data, Act)


def _writer(simulator: Simulator, by: int | str, now: float) -> Writer:
    person = _found(simulator, "Resources", by)
    lags = simulator.faults.standing("search_lag", now, Target(endpoint="Tickets"))
    lag = max((each.seconds for each in lags), default=simulator.switches.search_lag_s)
    return Writer(
        tenant=simulator.tenant,
        switches=simulator.switches,
        rights=Rights(),
        stamp=Stamp(now, person["id"], now + lag),
        resource_id=person["id"],
    )


def _found(simulator: Simulator, entity: str, key: int | str | None) -> JSON:
    row = None if key is None else find_by_name(simulator.tenant, entity, key)
    if row is None:
        raise ActError(f"{entity} has no {key!r}")
    return row


def _id(scene: _Scene, entity: str, key: int | str | None) -> int:
    row = None if key is None else find_by_name(scene.writer.tenant, entity, key)
    if row is None:
        raise LookupError(f"{entity} has no {key!r}")
    return int(row["id"])


def _assign(scene: _Scene) -> int:
    act = scene.act
    resource = _id(scene, "Resources", act.by if act.resource is None else act.resource)
    pairs = scene.writer.tenant.table("ResourceServiceDeskRoles").find("resourceID", resource)
    role = (
        _id(scene, "Roles", act.role)
        if act.role is not None
        else next((row["roleID"] for row in pairs), None)
    )
    return scene.change(assignedResourceID=resource, assignedResourceRoleID=role)


def _note(scene: _Scene) -> int:
    act = scene.act
    values: JSON = {"title": act.title, "description": act.text or act.title}
    values |= {"noteType": act.note_type, "publish": act.publish}
    if act.contact is not None:
        values["createdByContactID"] = _id(scene, "Contacts", act.contact)
    return add_note(scene.writer, scene.ticket["id"], values)


def _complete(scene: _Scene) -> int:
    resolution = scene.act.resolution
    values: JSON = {"status": COMPLETE if scene.act.status is None else scene.act.status}
    return scene.change(**values, **({} if resolution is None else {"resolution": resolution}))


def _reopen(scene: _Scene) -> int:
    return scene.change(status=_IN_PROGRESS if scene.act.status is None else scene.act.status)


def _requeue(scene: _Scene) -> int:
    return scene.change(queueID=scene.act.queue)


def _reprioritise(scene: _Scene) -> int:
    return scene.change(priority=scene.act.priority)


def _add_tag(scene: _Scene) -> int:
    body = {"tagID": _id(scene, "Tags", scene.act.tag)}
    return create(scene.writer, TICKET_TAG_ASSOCIATIONS, body, parent_id=scene.ticket["id"])


def _remove_tag(scene: _Scene) -> int:
    tag_id = _id(scene, "Tags", scene.act.tag)
    rows = scene.writer.tenant.table("TicketTagAssociations").find("ticketID", scene.ticket["id"])
    found = next((row["id"] for row in rows if row["tagID"] == tag_id), None)
    if found is None:
        raise LookupError(f"the ticket has no tag {scene.act.tag!r}")
    return delete(scene.writer, TICKET_TAG_ASSOCIATIONS, found)


def _edit(scene: _Scene) -> int:
    return scene.change(**scene.act.fields)


def _time_entry(scene: _Scene) -> int:
    writer, at = scene.writer, to_wire(scene.writer.stamp.now)
    row = writer.tenant.new_row("TimeEntries") | {
        "ticketID": scene.ticket["id"],
        "resourceID": writer.resource_id,
        "creatorUserID": writer.resource_id,
        "lastModifiedUserID": writer.resource_id,
        "hoursWorked": 0.25,
        "summaryNotes": scene.act.text or scene.act.title,
    }
    row |= dict.fromkeys(("createDateTime", "lastModifiedDateTime", "dateWorked", "endDateTime"), at)
    made = writer.tenant.table("TimeEntries").insert(row, writer.stamp)
    touch_ticket(writer, scene.ticket["id"])
    return made


def _merge(scene: _Scene) -> int:
    into = _id(scene, "Tickets", scene.act.into)
    other = scene.writer.tenant.table("Tickets").rows[into]["ticketNumber"]
    mine = scene.ticket["ticketNumber"]
    gone = {"noteType": _MERGED, "title": f"Merged into {other}", "description": f"Merged into {other}"}
    add_note(scene.writer, scene.ticket["id"], gone)
    add_note(
        scene.writer,
        into,
        {"noteType": _ABSORBED, "title": f"Absorbed {mine}", "description": f"Absorbed {mine}"},
    )
    scene.change(status=COMPLETE)
    return into


def _delete(scene: _Scene) -> int:
    tenant, stamp, ticket_id = scene.writer.tenant, scene.writer.stamp, int(scene.ticket["id"])
    for table in (table for table in tenant.tables.values() if table.entity.parent == TICKETS.name):
        for row in table.find("ticketID", ticket_id):
            table.delete(row["id"], stamp)
    tenant.table("Tickets").delete(ticket_id, stamp)
    return ticket_id


_ACTS: dict[str, Callable[[_Scene], int]] = {
    "assign": _assign,
    "note": _note,
    "complete": _complete,
    "reopen": _reopen,
    "requeue": _requeue,
    "reprioritise": _reprioritise,
    "add_tag": _add_tag,
    "remove_tag": _remove_tag,
    "edit": _edit,
    "time_entry": _time_entry,
    "merge": _merge,
    "delete": _delete,
}
