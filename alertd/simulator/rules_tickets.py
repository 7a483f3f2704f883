"""Rules of tickets, their notes and their additional configuration items."""

from __future__ import annotations

from typing import Any

from alertd.simulator.instants import to_wire
from alertd.simulator.rules_base import Rules, activity, touch_ticket
from alertd.simulator.rules_ticket_parts import has_billed_charges, record, secondaries
from alertd.simulator.validation import NO_REFERENCE, DuplicateHandling, Writer, reference_is_active
from alertd.simulator.wire import JSON, refused

COMPLETE = 5
DUPLICATE_NOTE = 15
_NO_OWNER = (
    "assignedResourceID, assignedResourceRoleID, and queueID cannot all be empty. "
    "Supply a queueID or both an assignedResourceID and assignedResourceRoleID."
)
_HALF_OWNER = (
    "When assigning a Resource, you must assign both a assignedResourceID and assignedResourceRoleID."
)
_FOREIGN_ITEM = "The configurationItemID [{}] is not associated with Company [{}]"
_LOCATION = (
    "The companyLocationID[{}] cannot be associated with the Ticket. The CompanyLocation must belong to the "
    "Ticket's, ConfigurationItem's, or the Contact's Company."
)
_FROM_CATEGORY = {
    "title": "title",
    "description": "description",
    "status": "status",
    "priority": "priority",
    "queueID": "queueID",
    "issueType": "issueTypeID",
    "subIssueType": "subIssueTypeID",
    "ticketType": "ticketTypeID",
    "source": "sourceID",
    "serviceLevelAgreementID": "serviceLevelAgreementID",
    "estimatedHours": "estimatedHours",
    "purchaseOrderNumber": "purchaseOrderNumber",
    "resolution": "resolution",
}


class TicketRules(Rules):
    """Section 5.1: ownership, belonging, duplicates, numbers, completion."""

    def complete(self, writer: Writer, row: JSON) -> None:
        """Apply what the ticket category supplies, then the defaults of the API."""
        blank = writer.tenant.new_row("Tickets")
        row["ticketCategory"] = row["ticketCategory"] or blank["ticketCategory"]
        defaults = writer.tenant.table("TicketCategoryFieldDefaults")
        supplied = next((each for each in defaults if each["ticketCategoryID"] == row["ticketCategory"]), {})
        for name, source in _FROM_CATEGORY.items():
            if row[name] is None:
                row[name] = supplied.get(source)
        for name in ("source", "ticketType"):
            row[name] = blank[name] if row[name] is None else row[name]
        if row["contractID"] is None and writer.switches.default_contract_applied:
            row["contractID"] = _default_contract(writer, row["companyID"])

    def required(self, writer: Writer, row: JSON) -> list[str]:
        """Return what the ticket category demands."""
        return writer.tenant.category_required.get(row["ticketCategory"], [])

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse a ticket nobody owns, or whose references belong to somebody else."""
        _check_complete(writer, old, new)
        _check_owner(writer, old, new)
        _check_belonging(writer, new)
        _check_company(writer, old, new)
        _check_number(writer, old, new)

    def instead(self, writer: Writer, row: JSON) -> int | None:
        """Return the ticket that duplicate handling merges this one into, after noting it there."""
        for handling in writer.duplicates:
            if any(value in (None, "") for value in _values(row, handling)):
                continue
            for old in _same_company(writer, row, handling):
                alike = _values(row, handling) == _values(old, handling)
                if alike and not (handling.open_only and old["status"] == COMPLETE):
                    _note_duplicate(writer, old, row, reopen=handling.reopen)
                    return int(old["id"]) if writer.switches.duplicate_answers_existing_id else 0
        return None

    def stamps(self, writer: Writer, old: JSON | None, new: JSON) -> JSON:
        """Return activity, number and creation on create, completion whenever status crosses Complete."""
        now = to_wire(writer.stamp.now)
        found = activity(writer)
        found["lastTrackedModificationDateTime"] = now
        if old is None:
            found["createDate"] = now
            found["ticketNumber"] = new["ticketNumber"] or writer.tenant.next_ticket_number(writer.stamp.now)
        was, done = old is not None and old["status"] == COMPLETE, new["status"] == COMPLETE
        if done and not was:
            found |= {
                "completedDate": now,
                "resolvedDateTime": now,
                "completedByResourceID": writer.resource_id,
            }
        elif was and not done:
            found |= dict.fromkeys(("completedDate", "resolvedDateTime", "completedByResourceID"))
        return found

    def after(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Keep the history."""
        record(writer, old, new)


def _default_contract(writer: Writer, company_id: int | None) -> int | None:
    of_company = (row for row in writer.tenant.table("Contracts") if row["companyID"] == company_id)
    return next((row["id"] for row in of_company if row["isDefaultContract"] and row["status"] == 1), None)


def _check_company(writer: Writer, old: JSON | None, new: JSON) -> None:
    moved = old is not None and old["companyID"] != new["companyID"]
    if moved and has_billed_charges(writer, new["id"]):
        raise refused("The companyID cannot be changed once time or charges have been posted.")
    contract = writer.tenant.row("Contract", new["contractID"])
    given = old is None or moved or old["contractID"] != new["contractID"]
    if given and contract and contract["companyID"] != new["companyID"]:
        raise refused(NO_REFERENCE.format(field="contractID", entity="Contract"))


def _check_number(writer: Writer, old: JSON | None, new: JSON) -> None:
    number = new["ticketNumber"]
    given = number and (old is None or old["ticketNumber"] != number)
    if given and writer.tenant.table("Tickets").find("ticketNumber", number):
        raise refused("ticketNumber must be unique.")


def _check_complete(writer: Writer, old: JSON | None, new: JSON) -> None:
    if old is None or old["status"] != COMPLETE:
        return
    if new["status"] != COMPLETE and not writer.rights.has("edit_complete_tickets"):
        raise refused(writer.switches.complete_status_text)
    if new != old and not writer.switches.complete_other_fields_editable and new["status"] == COMPLETE:
        raise refused(writer.switches.complete_status_text)


def _check_owner(writer: Writer, old: JSON | None, new: JSON) -> None:
    owner, role = new["assignedResourceID"], new["assignedResourceRoleID"]
    if owner is None and role is None and new["queueID"] is None:
        raise refused(_NO_OWNER)
    if (owner is None) != (role is None):
        raise refused(_HALF_OWNER)
    if old is not None and owner in secondaries(writer, new["id"]):
        raise refused(f"The resourceID [{owner}] is already assigned to the Ticket.")
    if old is None or (owner, role) != (old["assignedResourceID"], old["assignedResourceRoleID"]):
        _check_pair(writer, owner, role)
    if old is None and writer.switches.queue_without_resource_blocks_create:
        _check_queue_is_worked(writer, new["queueID"])


def _check_queue_is_worked(writer: Writer, queue: int | None) -> None:
    if queue is not None and not writer.tenant.table("ResourceRoleQueues").find("queueID", queue):
        raise refused(f"The queue [{queue}] has no resources assigned.")


def _check_pair(writer: Writer, owner: int | None, role: int | None) -> None:
    if owner is None:
        return
    desk = writer.tenant.table("ResourceServiceDeskRoles").find("resourceID", owner)
    others = writer.tenant.table("ResourceRoles").find("resourceID", owner)
    paired = any(row["roleID"] == role and row["isActive"] for row in [*desk, *others])
    if not paired or not writer.tenant.table("ResourceRoleQueues").find("resourceID", owner):
        name = (writer.tenant.row("Role", role) or {}).get("name")
        raise refused(f"Data violation: This Role ({name}) cannot be used with the assigned Resource.")


def _check_belonging(writer: Writer, new: JSON) -> None:
    company = new["companyID"]
    contact = writer.tenant.row("Contact", new["contactID"])
    item = writer.tenant.row("ConfigurationItem", new["configurationItemID"])
    location = writer.tenant.row("CompanyLocation", new["companyLocationID"])
    parent = (writer.tenant.row("Company", company) or {}).get("parentCompanyID")
    if contact and contact["companyID"] not in (company, parent if parent is not None else company):
        raise refused("contactID is not associated to the companyID or its Parent Company")
    if item and item["companyID"] != company:
        raise refused(_FOREIGN_ITEM.format(item["id"], company))
    allowed = {company, *(row["companyID"] for row in (contact, item) if row)}
    if location and location["companyID"] not in allowed:
        raise refused(_LOCATION.format(location["id"]))


def _same_company(writer: Writer, row: JSON, handling: DuplicateHandling) -> list[JSON]:
    tickets = writer.tenant.table("Tickets")
    found = tickets.find("externalID", row["externalID"]) if "externalID" in handling.match else tickets
    return [old for old in found if old["companyID"] == row["companyID"]]


def _values(row: JSON, handling: DuplicateHandling) -> list[Any]:
    """Return what is compared: standard fields, or else the user-defined ones of that name."""
    return [row[name] if name in row else row["userDefinedFields"].get(name) for name in handling.match]


def _note_duplicate(writer: Writer, old: JSON, row: JSON, *, reopen: bool) -> None:
    note = {
        "title": row["title"],
        "description": row["description"] or row["title"],
        "noteType": DUPLICATE_NOTE,
    }
    add_note(writer, old["id"], note)
    if reopen and old["status"] == COMPLETE:
        rules = TicketRules()
        values = {"status": row["status"]}
        stamps = rules.stamps(writer, old, old | values)
        writer.tenant.table("Tickets").update(old["id"], values | stamps, writer.stamp)


def add_note(writer: Writer, ticket_id: int, values: JSON) -> int:
    """Write a note past all checks, as the system or a person in the web UI does."""
    row = writer.tenant.new_row("TicketNotes") | {"noteType": 3, "publish": 1} | values
    row |= {"ticketID": ticket_id, "creatorResourceID": writer.resource_id}
    row |= NoteRules().stamps(writer, None, row)
    row_id = writer.tenant.table("TicketNotes").insert(row, writer.stamp)
    touch_ticket(writer, ticket_id)
    return row_id


class NoteRules(Rules):
    """Section 5.2."""

    def required(self, writer: Writer, row: JSON) -> list[str]:
        """Return the title, which the metadata calls optional."""
        return ["title"] if writer.switches.note_title_required else []

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse note types that only the system writes."""
        if old is not None or writer.switches.system_note_types_creatable:
            return
        if writer.tenant.values_of("TicketNotes", "noteType")[str(new["noteType"])].system:
            raise refused(
                writer.switches.invalid_picklist_text.format(field="noteType", value=new["noteType"])
            )

    def stamps(self, writer: Writer, old: JSON | None, new: JSON) -> JSON:
        """Return creation and change instants."""
        now = to_wire(writer.stamp.now)
        return {"lastActivityDate": now} if old else {"lastActivityDate": now, "createDateTime": now}

    def after(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """A note is activity on its ticket."""
        touch_ticket(writer, new["ticketID"])


class AdditionalItemRules(Rules):
    """Section 5.3."""

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse the primary item, a repeated one, another company's, and more than a hundred."""
        ticket = writer.tenant.table("Tickets").rows[new["ticketID"]]
        item = writer.tenant.row("ConfigurationItem", new["configurationItemID"])
        rows = writer.tenant.table("TicketAdditionalConfigurationItems").find("ticketID", ticket["id"])
        taken = {ticket["configurationItemID"], *(row["configurationItemID"] for row in rows)}
        if item is None or not reference_is_active(item) or item["companyID"] != ticket["companyID"]:
            raise refused(_FOREIGN_ITEM.format(new["configurationItemID"], ticket["companyID"]))
        if item["id"] in taken:
            raise refused(f"The configurationItemID [{item['id']}] is already associated with the Ticket.")
        if len(rows) >= 100:
            raise refused("A Ticket cannot have more than 100 additional configuration items.")

    def after(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """An additional item is activity on its ticket."""
        touch_ticket(writer, new["ticketID"])
