"""Rules of webhooks: where they may call, how many there may be, and when they are ready."""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit

from alertd.simulator.rules_base import Rules
from alertd.simulator.schema_udfs import UDF_ENTITIES
from alertd.simulator.schema_webhooks import WATCHED
from alertd.simulator.switches import Switches
from alertd.simulator.tables import Table
from alertd.simulator.validation import NO_REFERENCE, Writer
from alertd.simulator.wire import JSON, refused

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_EVENTS = ("isSubscribedToCreateEvents", "isSubscribedToUpdateEvents", "isSubscribedToDeleteEvents")


class WebhookRules(Rules):
    """Section 5.20."""

    def __init__(self, name: str) -> None:
        self._name = name

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse addresses that are not https, a webhook twice, and one too many."""
        for field in ("webhookUrl", "deactivationUrl"):
            if not _may_call(new[field], writer.switches):
                raise refused(f"{field} must be a valid https URL.")
        table = writer.tenant.table(self._name)
        for row in table:
            if row["id"] != new.get("id") and _is_same(row, new, writer.switches):
                text = writer.switches.webhook_duplicate_text
                raise refused(text.format(entity=table.entity.singular, url=new["webhookUrl"]))
        limit = writer.switches.webhooks_per_level
        if old is None and sum(len(writer.tenant.table(name).ids) for name in WATCHED) >= limit:
            raise refused(f"The maximum number of Webhooks ({limit}) has been reached.")

    def stamps(self, writer: Writer, old: JSON | None, new: JSON) -> JSON:
        """Return what the server gives a new webhook."""
        if old is not None:
            return {}
        seed = f"{self._name} {new['webhookUrl']} {writer.stamp.now}"
        return {
            "isReady": False,
            "ownerResourceID": writer.resource_id,
            "webhookGuid": str(uuid.uuid5(uuid.NAMESPACE_URL, seed)),
        }

    def after_delete(self, writer: Writer, row: JSON) -> None:
        """Delete its fields and exclusions with it."""
        for table in children(writer, self._name):
            for each in table.find("webhookID", row["id"]):
                table.delete(each["id"], writer.stamp)


class WebhookChildRules(Rules):
    """A field of a webhook, or a resource whose changes it does not tell."""

    def __init__(self, name: str, webhooks: str, key: str) -> None:
        self._name = name
        self._webhooks = webhooks
        self._key = key

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse the same one twice, and a user-defined field of another entity."""
        table = writer.tenant.table(self._name)
        others = (row for row in table.find("webhookID", new["webhookID"]) if row["id"] != new.get("id"))
        if any(row[self._key] == new[self._key] for row in others):
            texts = {"entity": table.entity.singular, "field": self._key, "value": new[self._key]}
            raise refused(writer.switches.duplicate_text.format(**texts))
        definition = writer.tenant.row("UserDefinedFieldDefinition", new.get("udfFieldID"))
        if definition and UDF_ENTITIES[definition["udfType"]][0] != WATCHED[self._webhooks]:
            raise refused(NO_REFERENCE.format(field=self._key, entity="UserDefinedFieldDefinition"))

    def after(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Make the webhook ready with its first field."""
        self._mark_ready(writer, new["webhookID"])

    def after_delete(self, writer: Writer, row: JSON) -> None:
        """Make it unready when its last field goes."""
        self._mark_ready(writer, row["webhookID"])

    def _mark_ready(self, writer: Writer, webhook_id: int) -> None:
        tables = (
            table for table in children(writer, self._webhooks) if table.entity.segment.endswith("Fields")
        )
        ready = any(table.find("webhookID", webhook_id) for table in tables)
        writer.tenant.table(self._webhooks).update(webhook_id, {"isReady": ready}, writer.stamp)


def children(writer: Writer, webhooks: str) -> list[Table]:
    """Return the tables of what hangs on webhooks of one kind."""
    return [table for table in writer.tenant.tables.values() if table.entity.parent == webhooks]


def _may_call(url: str, switches: Switches) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(parts.hostname)
    return switches.callouts_to_loopback_http and parts.scheme == "http" and parts.hostname in _LOOPBACK


def _is_same(row: JSON, new: JSON, switches: Switches) -> bool:
    alike: bool = row["webhookUrl"].lower() == new["webhookUrl"].lower()
    if switches.webhook_duplicate == "url":
        return alike
    return alike and all(row[name] == new[name] for name in _EVENTS)


_CHILD_KEYS = {"Fields": "fieldID", "UdfFields": "udfFieldID", "ExcludedResources": "resourceID"}
WEBHOOK_RULES: dict[str, Rules] = {name: WebhookRules(name) for name in WATCHED}
WEBHOOK_RULES |= {
    child: WebhookChildRules(child, name, key)
    for name in WATCHED
    for segment, key in _CHILD_KEYS.items()
    for child in [name.removesuffix("s") + segment]
}
