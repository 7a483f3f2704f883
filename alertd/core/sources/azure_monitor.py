"""Azure Monitor: action groups with the common alert schema, and what they send without it."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from alertd.core.alerts import Severity, Status
from alertd.core.reading.events import Event
from alertd.core.reading.instants import instant
from alertd.core.reading.objects import object_in, paragraphs, text_in, texts_in
from alertd.core.reading.settings import SenderSettings
from alertd.core.reading.tags import client_of
from alertd.core.reading.trees import Tree
from alertd.core.sources import azure_signals
from alertd.core.sources.azure_resources import (
    STATES,
    condition_text,
    name_of,
    place,
    portal_link,
    severity_word,
    squeezed,
    texts_of,
)
from alertd.core.sources.kind import Payload, sender_kind
from alertd.core.sources.sheets import Sheet

_SEVERITIES = {"verbose": Severity.INFO}
# Signals that never say that it is over, as Azure writes them without spaces and signs.
_ENDLESS = frozenset(
    {
        *("activitylog", "activitylogadministrative", "activitylogpolicy", "activitylogautoscale"),
        *("activitylogsecurity", "activitylogrecommendation", "servicehealth", "resourcehealth"),
        *("loganalytics", "applicationinsights", "costalerts"),
    }
)
_TEST_RULE = re.compile(r"test-\w*alertrule(?:-v\d.*)?", re.IGNORECASE)
_TEST_SUBSCRIPTION, _TEST_GROUP = "11111111-1111-1111-1111-111111111111", "test-rg"

SHEET = Sheet(
    product="Azure Monitor",
    summary="Reads what an action group posts: the common alert schema, and the bodies without it.",
    alertname="`alertRule`; of an activity log the operation",
    title="`alertRule`; of an activity log `title`, else the operation",
    host="first of `configurationItems`, else the name of the first of `alertTargetIDs`",
    client="custom property `client`, `customer` or the like, else the subscription through `clients`",
    problem="`alertId`; without the common schema the rule, the resource and the dimensions",
    clears="`monitorCondition` Resolved, `status` Deactivated; a resource's health Available",
    tokens=("url", "basic"),
    steps=(
        "In Azure open Monitor → Alerts → Action groups and add an action of the type Webhook.",
        "Give it this address: {{url}}",
        "Switch on Enable the common alert schema.",
        "Give rules the custom property `client` where a subscription is not one customer's.",
    ),
    severities=(
        ("Sev0; Critical", "critical"),
        ("Sev1; Error", "high"),
        ("Sev2; Warning", "warning"),
        ("Sev3", "low"),
        ("Sev4; Informational, Verbose", "info"),
    ),
    states=(
        ("Fired, Activated", "fires"),
        ("Resolved, Deactivated", "clears"),
        ("activity log, service health, log alerts of version 1, budgets", "fires, and expires"),
        ("resource health Available", "clears"),
        ("the samples of the action group's Test", "ignored: a test message"),
    ),
    labels=(
        ("subscription_id, resource_group", "where the resource is"),
        ("resource_id", "the whole id of the first target"),
        ("signal_type, monitoring_service", "of the common schema"),
        ("event_source", "of an activity log"),
        ("every custom property of the rule", "its value"),
        ("client_id", "the subscription"),
    ),
    notes=(
        "Azure can set no header: set `token_in_url = true`, or put `user:token@` before the host.",
        "Log rules of version 2 that are not stateful never say that it is over: use `expire_after`.",
        "After failed tries Azure leaves an address alone for 15 minutes: keep proxies from answering 5xx.",
    ),
)


class AzureMonitorSettings(SenderSettings):
    """`[[sources]]` with `kind = "azure-monitor"`."""

    kind: Literal["azure-monitor"]


def _event(item: dict[str, Tree], payload: Payload, settings: AzureMonitorSettings) -> Event:
    body = object_in(item, "RequestBody") or item  # as a runbook passes it on
    data = object_in(body, "data")
    event = _common(data) if object_in(data, "essentials") else azure_signals.event_of(body)
    if not _is_test(event):
        return event
    return msgspec.structs.replace(event, status=Status.IGNORED, annotations={"ignored": "test message"})


def _is_test(event: Event) -> bool:
    if not _TEST_RULE.fullmatch(event.alertname):
        return False
    group = event.labels.get("resource_group", "").lower()
    return event.labels.get("subscription_id") == _TEST_SUBSCRIPTION or group == _TEST_GROUP


def _common(data: dict[str, Tree]) -> Event:
    essentials, context = object_in(data, "essentials"), object_in(data, "alertContext")
    properties = object_in(context, "properties")
    alert_id, targets = text_in(essentials, "alertId"), texts_in(essentials, "alertTargetIDs")
    target = targets[0] if targets else ""
    where = _where(alert_id, target)
    word = text_in(essentials, "monitorCondition")
    is_healthy = azure_signals.is_healthy_again(properties)
    status = Status.CLEARED if is_healthy else STATES.get(squeezed(word))
    fired_at = instant(essentials.get("firedDateTime"))
    rule, custom = text_in(essentials, "alertRule"), texts_of(data, "customProperties")
    return Event(
        key=azure_signals.health_key(properties, target, where["subscription_id"])
        or _key(essentials, targets),
        status=status or Status.FIRING,
        unknown_status="" if status else word,
        alertname=rule,
        title=rule,
        description=_description(essentials, context),
        url=text_in(essentials, "investigationLink") or portal_link(alert_id),
        host=next(iter(texts_in(essentials, "configurationItems")), "") or name_of(target),
        client=client_of(custom),
        client_id=where["subscription_id"],
        severity=severity_word(text_in(essentials, "severity")),
        labels={**custom, **where, **_signal(essentials), "resource_id": target},
        starts_at=None if is_healthy else fired_at,
        ends_at=instant(essentials.get("resolvedDateTime")) or (fired_at if is_healthy else None),
        is_one_shot=not _ENDLESS.isdisjoint(map(squeezed, _signal(essentials).values())),
    )


def _where(alert_id: str, target: str) -> dict[str, str]:
    """Return subscription and group of the target; an alert's own id names at least the former."""
    of_target, of_alert = place(target), place(alert_id)
    return {name: of_target[name] or of_alert[name] for name in of_target}


def _signal(essentials: dict[str, Tree]) -> dict[str, str]:
    return {
        "signal_type": text_in(essentials, "signalType"),
        "monitoring_service": text_in(essentials, "monitoringService"),
    }


def _key(essentials: dict[str, Tree], targets: list[str]) -> tuple[str, ...]:
    if own := text_in(essentials, "alertId", "originAlertId"):
        return (own.lower(),)
    return (text_in(essentials, "alertRule"), *(target.lower() for target in targets))


def _description(essentials: dict[str, Tree], context: dict[str, Tree]) -> str:
    properties = object_in(context, "properties")
    return paragraphs(
        text_in(essentials, "description"),
        condition_text(object_in(context, "condition")),
        text_in(properties, "title"),
        text_in(context, "operationName"),
    )


KIND = sender_kind(AzureMonitorSettings, _event, SHEET, severities=_SEVERITIES)
