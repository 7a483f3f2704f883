"""Filling a tenant with webhooks, as somebody's integration would have made them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from alertd.simulator.filling import Filler
from alertd.simulator.scenario import Scenario, ScenarioError, WebhookPart
from alertd.simulator.schema_webhooks import WEBHOOKS
from alertd.simulator.wire import JSON

_EVENTS = ("create", "update", "delete")


@dataclass(frozen=True)
class WebhookFiller:
    """Merges the webhooks of one scenario, by their address."""

    filler: Filler

    def fill(self, scenario: Scenario) -> None:
        """Merge them, in an order of their own.

        Raises:
            ScenarioError: An entity, a field or a person does not exist.
        """
        for part in scenario.webhooks:
            webhooks = WEBHOOKS.get(part.entity)
            if webhooks is None:
                raise ScenarioError(f"{part.entity} has no webhooks; {', '.join(WEBHOOKS)} have")
            row_id = self._webhook(webhooks, part)
            self._fields(webhooks, row_id, part)

    def _webhook(self, webhooks: str, part: WebhookPart) -> int:
        values: JSON = {"webhookUrl": part.url, "secretKey": part.secret, "isActive": part.active}
        if part.fields or part.always:
            values["isReady"] = True
        if part.events is not None:
            for event in _EVENTS:
                values[f"isSubscribedTo{event.capitalize()}Events"] = event in part.events
        defaults: JSON = {
            "name": part.name or part.url[:50],
            "deactivationUrl": part.url,
            "isActive": True,
            "isReady": False,
            "isSubscribedToUpdateEvents": True,
            "ownerResourceID": 4,
            "secretKey": "secret",
            "sendThresholdExceededNotification": False,
            "webhookGuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{webhooks} {part.url}")),
        }
        return self.filler.merge(webhooks, values, row_id=part.id, key="webhookUrl", defaults=defaults)

    def _fields(self, webhooks: str, row_id: int, part: WebhookPart) -> None:
        fields = webhooks.removesuffix("s") + "Fields"
        for label in dict.fromkeys((*part.fields, *part.always)):
            try:
                value = self.filler.tenant.label_to_value(fields, "fieldID", label)
            except LookupError as exc:
                raise ScenarioError(str(exc)) from exc
            flags = {"isSubscribedField": label in part.fields, "isDisplayAlwaysField": label in part.always}
            self._once(fields, {"webhookID": row_id, "fieldID": value} | flags, key="fieldID")
        excluded = webhooks.removesuffix("s") + "ExcludedResources"
        for person in part.exclude:
            resource = self.filler.reference("Resources", person)
            self._once(excluded, {"webhookID": row_id, "resourceID": resource}, key="resourceID")

    def _once(self, entity: str, values: JSON, *, key: str) -> None:
        rows = self.filler.tenant.table(entity).find("webhookID", values["webhookID"])
        old = next((row["id"] for row in rows if row[key] == values[key]), None)
        self.filler.merge(entity, values, row_id=old)
