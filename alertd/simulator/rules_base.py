"""The places at which an entity may add rules of its own to a write. By default it adds none."""

from __future__ import annotations

from alertd.simulator.instants import to_wire
from alertd.simulator.validation import Writer
from alertd.simulator.wire import JSON


class Rules:
    """Called in the order in which the methods stand here; those that refuse raise ApiError."""

    def complete(self, writer: Writer, row: JSON) -> None:
        """Fill what a create left out."""

    def required(self, writer: Writer, row: JSON) -> list[str]:
        """Return fields that are required although the metadata does not say so."""
        return []

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse a row that is inconsistent; `old` is None on create."""

    def instead(self, writer: Writer, row: JSON) -> int | None:
        """Return the id of a row that takes the place of a create."""
        return None

    def stamps(self, writer: Writer, old: JSON | None, new: JSON) -> JSON:
        """Return the fields the server sets by itself."""
        return {}

    def after(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Carry on in other rows what the write entails."""

    def check_delete(self, writer: Writer, row_id: int) -> None:
        """Refuse to delete."""

    def after_delete(self, writer: Writer, row: JSON) -> None:
        """Carry on in other rows what the deletion entails."""


def activity(writer: Writer) -> JSON:
    """Return the ticket fields that any activity moves."""
    return {
        "lastActivityDate": to_wire(writer.stamp.now),
        "lastActivityResourceID": writer.resource_id,
        "lastActivityPersonType": 1,
    }


def touch_ticket(writer: Writer, ticket_id: int) -> None:
    """Move a ticket's activity without changing anything else."""
    writer.tenant.table("Tickets").update(ticket_id, activity(writer), writer.stamp)
