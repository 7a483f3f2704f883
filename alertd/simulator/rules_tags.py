"""Rules of tags, tag groups, and tags on tickets."""

from __future__ import annotations

from alertd.simulator.instants import to_wire
from alertd.simulator.rights import no_permission
from alertd.simulator.rules_base import Rules, touch_ticket
from alertd.simulator.validation import Writer
from alertd.simulator.wire import JSON, refused


def _check_unique(writer: Writer, table: str, singular: str, new: JSON) -> None:
    switches = writer.switches
    for row in writer.tenant.table(table).find("label", new["label"]):
        same = switches.tag_labels_ignore_case or row["label"] == new["label"]
        counts = row["isActive"] or switches.tag_labels_cover_inactive
        if row["id"] != new["id"] and same and counts:
            raise refused(switches.duplicate_text.format(entity=singular, field="label", value=new["label"]))


class TagRules(Rules):
    """Section 5.4: unique labels, protected system tags, a limit, and cascades."""

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse a second tag of that label, a renamed system tag, and one tag too many."""
        _check_unique(writer, "Tags", "Tag", new)
        if old is not None and old["isSystem"] and old["label"] != new["label"]:
            raise refused("The label of a system Tag cannot be edited.")
        custom = sum(1 for row in writer.tenant.table("Tags") if not row["isSystem"])
        if old is None and custom >= writer.switches.tag_limit:
            raise refused(f"The maximum number of Tags ({writer.switches.tag_limit}) has been reached.")

    def stamps(self, writer: Writer, old: JSON | None, new: JSON) -> JSON:
        """Return creation and change instants."""
        now = to_wire(writer.stamp.now)
        return {"lastModifiedDateTime": now} if old else {"createDateTime": now, "lastModifiedDateTime": now}

    def check_delete(self, writer: Writer, row_id: int) -> None:
        """Refuse to delete a system tag."""
        if (writer.tenant.row("Tag", row_id) or {}).get("isSystem"):
            raise refused("A system Tag cannot be deleted.")

    def after_delete(self, writer: Writer, row: JSON) -> None:
        """Take the tag off all tickets, and its aliases with it."""
        for table in map(writer.tenant.table, ("TicketTagAssociations", "TagAliases")):
            for each in table.find("tagID", row["id"]):
                table.delete(each["id"], writer.stamp)


class TagGroupRules(Rules):
    """Section 5.4."""

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse a second group of that label."""
        _check_unique(writer, "TagGroups", "TagGroup", new)

    def after_delete(self, writer: Writer, row: JSON) -> None:
        """Leave the group's tags ungrouped."""
        tags = writer.tenant.table("Tags")
        for tag in [tag for tag in tags if tag["tagGroupID"] == row["id"]]:
            tags.update(tag["id"], {"tagGroupID": None}, writer.stamp)


class AssociationRules(Rules):
    """A tag on a ticket."""

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse the same tag twice, and more tags than a ticket holds."""
        rows = writer.tenant.table("TicketTagAssociations").find("ticketID", new["ticketID"])
        if any(row["tagID"] == new["tagID"] for row in rows):
            text = writer.switches.duplicate_association_text
            raise refused(text.format(tag=new["tagID"], ticket=new["ticketID"]))
        if len(rows) >= writer.switches.tags_per_ticket:
            raise refused(f"A Ticket cannot have more than {writer.switches.tags_per_ticket} Tags.")

    def after(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Count as activity, if the tenant's tags do."""
        if writer.switches.tag_moves_activity:
            touch_ticket(writer, new["ticketID"])

    def check_delete(self, writer: Writer, row_id: int) -> None:
        """Refuse without the right to remove tags."""
        administers = (
            writer.rights.has("administer_tags") or not writer.switches.tag_delete_needs_tag_administration
        )
        if not (writer.rights.has("remove_tags") and administers):
            raise no_permission("delete", writer.switches)

    def after_delete(self, writer: Writer, row: JSON) -> None:
        """Count as activity, if the tenant's tags do."""
        if writer.switches.tag_moves_activity:
            touch_ticket(writer, row["ticketID"])
