"""Auvik: one fixed JSON object for each change of an alert."""

from __future__ import annotations

from typing import Literal

from alertd.core.alerts import Severity, Status
from alertd.core.reading.events import Event
from alertd.core.reading.fields import text_of
from alertd.core.reading.instants import instant
from alertd.core.reading.settings import SenderSettings
from alertd.core.reading.trees import Tree
from alertd.core.sources.kind import Payload, sender_kind
from alertd.core.sources.sheets import Sheet

_STATES = {
    "0": Status.FIRING,
    "triggered": Status.FIRING,
    "repeated": Status.FIRING,
    "1": Status.CLEARED,
    "cleared": Status.CLEARED,
    "resolved": Status.CLEARED,
    "dismissed": Status.UPDATED,  # a person has read it; the problem has not gone by that
    "acknowledged": Status.UPDATED,
}
_SEVERITIES = {
    "1": Severity.CRITICAL,
    "emergency": Severity.CRITICAL,
    "2": Severity.CRITICAL,
    "3": Severity.WARNING,
    "4": Severity.INFO,
}

SHEET = Sheet(
    product="Auvik",
    summary="Reads the webhook of a notification channel: one object for each alert that triggers or clears.",
    alertname="`alertName`",
    title="`alertName`",
    host="`entityName`",
    client="`companyName`, or `companyId` through `clients`",
    problem="`correlationId`; where it is missing `alertId` and `entityId`",
    clears="`alertStatus` 1",
    tokens=("url",),
    steps=(
        "In Auvik open Admin → Integrations → Notification channels and add a channel of the type Webhook.",
        "Paste this address: {{url}}",
        "Choose the channel in the alerts that should reach alertd, and have it notified when they clear.",
    ),
    severities=(
        ("1 Emergency, 2 Critical", "critical"),
        ("3 Warning", "warning"),
        ("4 Informational", "info"),
    ),
    states=(
        ("0 Triggered, Repeated", "fires"),
        ("1 Cleared", "clears"),
        ("Dismissed", "is told in the ticket's next note"),
    ),
    labels=(
        ("entity_type", "`device`, `interface`, `network` or `service`"),
        ("entity_id", "Auvik's id of the entity"),
        ("client_id", "`companyId`"),
    ),
    notes=("Auvik can set no header, so the token is in the address: set `token_in_url = true`.",),
)


class AuvikSettings(SenderSettings):
    """`[[sources]]` with `kind = "auvik"`."""

    kind: Literal["auvik"]


def _event(item: dict[str, Tree], payload: Payload, settings: AuvikSettings) -> Event:
    def text(name: str) -> str:
        return text_of(item.get(name))

    word, said = text("alertStatus"), text("alertStatusString")
    status = _STATES.get(word.lower()) or _STATES.get(said.lower())
    severity = text("alertSeverity")
    at = instant(item.get("date"))
    key = (text("correlationId"),) if text("correlationId") else (text("alertId"), text("entityId"))
    return Event(
        key=key,
        status=status or Status.FIRING,
        unknown_status="" if status else word or said,
        alertname=text("alertName"),
        title=text("alertName") or text("subject"),
        description=text("alertDescription"),
        url=text("link"),
        host=text("entityName"),
        client=text("companyName"),
        client_id=text("companyId"),
        severity=severity if severity in _SEVERITIES else text("alertSeverityString") or severity,
        labels={"entity_type": text("entityType"), "entity_id": text("entityId")},
        annotations={"update": f"{(said or word).lower()} in Auvik"} if status is Status.UPDATED else {},
        starts_at=at if status is not Status.CLEARED else None,
        ends_at=at,
    )


KIND = sender_kind(AuvikSettings, _event, SHEET, severities=_SEVERITIES)
