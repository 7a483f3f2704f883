"""Rules of what hangs on tickets: files, charges, further people, and the history that keeps itself."""

from __future__ import annotations

import base64
import binascii
import mimetypes

from alertd.simulator.instants import to_wire
from alertd.simulator.rules_base import Rules, touch_ticket
from alertd.simulator.validation import API_LICENSE, NO_REFERENCE, Writer
from alertd.simulator.wire import JSON, refused

_FILE = "FILE_ATTACHMENT"
_BILLED = "The Charge has been billed and cannot be edited or deleted."
_UNTOLD = frozenset({"id", "lastActivityDate", "lastActivityResourceID", "lastActivityPersonType"})
_DETAIL = 8000


class AttachmentRules(Rules):
    """Section 4: the size of one file, and of all within five minutes."""

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse a file without content, one too large, and one too many."""
        if new["attachmentType"] != _FILE:
            return
        size, switches = len(_content(new)), writer.switches
        if size > switches.attachment_bytes:
            raise refused(switches.attachment_size_text.format(limit=switches.attachment_bytes))
        if not writer.tenant.uploads.take(size, writer.stamp.now, switches.attachment_bytes_in_5_min):
            limit = switches.attachment_bytes_in_5_min
            raise refused(switches.attachment_limit_text.format(limit=limit))

    def stamps(self, writer: Writer, old: JSON | None, new: JSON) -> JSON:
        """Return when, by whom, how large, of which type."""
        size = len(_content(new)) if new["attachmentType"] == _FILE else 0
        return {
            "attachDate": to_wire(writer.stamp.now),
            "attachedByResourceID": writer.resource_id,
            "contentType": mimetypes.guess_type(new["fullPath"])[0] or "application/octet-stream",
            "fileSize": size,
            "parentID": new["ticketID"],
        }

    def after(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """An attachment is activity on its ticket."""
        touch_ticket(writer, new["ticketID"])

    def after_delete(self, writer: Writer, row: JSON) -> None:
        """So is its deletion."""
        touch_ticket(writer, row["ticketID"])


def _content(row: JSON) -> bytes:
    if not row["data"]:
        raise refused("Missing Required Field: data")
    try:
        return base64.b64decode(row["data"], validate=True)
    except (binascii.Error, ValueError) as exc:
        raise refused("The input is not a valid Base-64 string.") from exc


class TicketChargeRules(Rules):
    """As section 5.13 says of contract charges: what it is for, what it comes to, locked once billed."""

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse a charge for neither a product nor a billing code, and changes of a billed one."""
        if old is not None and old["isBilled"]:
            raise refused(_BILLED)
        if new["productID"] is None and new["billingCodeID"] is None:
            raise refused("Missing Required Field: productID or billingCodeID")

    def stamps(self, writer: Writer, old: JSON | None, new: JSON) -> JSON:
        """Return the amounts, and who changed the status when."""
        quantity = new["unitQuantity"] or 0.0
        billable = quantity * (new["unitPrice"] or 0.0) if new["isBillableToCompany"] else 0.0
        found: JSON = {"billableAmount": billable, "extendedCost": quantity * (new["unitCost"] or 0.0)}
        found |= {"internalCurrencyBillableAmount": billable, "internalCurrencyUnitPrice": new["unitPrice"]}
        now = to_wire(writer.stamp.now)
        if old is None:
            found["createDate"] = now
        if old is None or old["status"] != new["status"]:
            found |= {"statusLastModifiedBy": writer.resource_id, "statusLastModifiedDate": now}
        return found

    def after(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """A charge is activity on its ticket."""
        touch_ticket(writer, new["ticketID"])

    def check_delete(self, writer: Writer, row_id: int) -> None:
        """Refuse to delete a billed charge."""
        if (writer.tenant.row("TicketCharge", row_id) or {}).get("isBilled"):
            raise refused(_BILLED)


class SecondaryResourceRules(Rules):
    """Section 5.1: the primary resource may not also be a secondary one."""

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse the primary resource, a repeated one, and a role the resource does not have."""
        ticket = writer.tenant.table("Tickets").rows[new["ticketID"]]
        person = writer.tenant.row("Resource", new["resourceID"])
        if person is not None and person["licenseType"] == API_LICENSE:
            raise refused(NO_REFERENCE.format(field="resourceID", entity="Resource"))
        if new["resourceID"] == ticket["assignedResourceID"] or new["resourceID"] in secondaries(
            writer, ticket["id"]
        ):
            raise refused(f"The resourceID [{new['resourceID']}] is already assigned to the Ticket.")
        pairs = (
            row
            for name in ("ResourceServiceDeskRoles", "ResourceRoles")
            for row in writer.tenant.table(name).find("resourceID", new["resourceID"])
        )
        if not any(row["roleID"] == new["roleID"] and row["isActive"] for row in pairs):
            name = (writer.tenant.row("Role", new["roleID"]) or {}).get("name")
            raise refused(f"Data violation: This Role ({name}) cannot be used with the assigned Resource.")

    def after(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """A further resource is activity on the ticket."""
        touch_ticket(writer, new["ticketID"])


def secondaries(writer: Writer, ticket_id: int | None) -> set[int]:
    """Return the ids of a ticket's secondary resources."""
    rows = writer.tenant.table("TicketSecondaryResources").find("ticketID", ticket_id)
    return {row["resourceID"] for row in rows}


def has_billed_charges(writer: Writer, ticket_id: int) -> bool:
    """Whether something on the ticket has been billed."""
    return any(row["isBilled"] for row in writer.tenant.table("TicketCharges").find("ticketID", ticket_id))


def record(writer: Writer, old: JSON | None, new: JSON) -> None:
    """Add to the ticket's history."""
    row = writer.tenant.new_row("TicketHistory") | {
        "ticketID": new["id"],
        "resourceID": writer.resource_id,
        "date": to_wire(writer.stamp.now),
        "action": "Edited" if old else "Created",
        "detail": _differences(old, new) if old else "",
    }
    writer.tenant.table("TicketHistory").insert(row, writer.stamp)


def _differences(old: JSON, new: JSON) -> str:
    changed = (name for name in new if name not in _UNTOLD and old[name] != new[name])
    return "\n".join(f"{name}: {old[name]} -> {new[name]}" for name in changed)[:_DETAIL]
