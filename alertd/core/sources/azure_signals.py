"""Azure Monitor without the common alert schema: every kind of signal has a body of its own."""

from __future__ import annotations

from alertd.core.alerts import Status
from alertd.core.reading.bodies import Unreadable
from alertd.core.reading.events import Event
from alertd.core.reading.instants import instant
from alertd.core.reading.objects import list_in, object_in, paragraphs, text_in
from alertd.core.reading.tags import client_of
from alertd.core.reading.trees import Tree
from alertd.core.sources.azure_resources import (
    STATES,
    condition_text,
    dimensions_of,
    name_of,
    place,
    severity_word,
    squeezed,
    texts_of,
)

_HEALTHY = "available"  # a resource's health
_LOG_FIELDS = ("SearchQuery", "ResultCount", "AlertThresholdOperator", "AlertThresholdValue")


def event_of(item: dict[str, Tree]) -> Event:
    """Return what a body says that is not of the common schema.

    Raises:
        Unreadable: It is none of those that Azure Monitor sends.
    """
    data = object_in(item, "data") or item
    context = object_in(data, "context")
    if log := object_in(context, "activityLog"):
        return _activity_log(log, data)
    if text_in(data, "AlertRuleName"):
        return _log_alert(data)
    if text_in(data, "BudgetName"):
        return _budget(data)
    if text_in(context, "id", "name"):
        return _metric_alert(context, data)
    raise Unreadable(
        "shape", "no alert of Azure Monitor: switch on the common alert schema in the action group"
    )


def health_key(properties: Tree, resource_id: str, subscription: str) -> tuple[str, ...]:
    """Return what a message about Azure's or a resource's health is about; empty: it is about neither."""
    if tracking := text_in(properties, "trackingId"):
        return ("service health", subscription.lower(), tracking)
    if text_in(properties, "currentHealthStatus"):
        return ("resource health", resource_id.lower())
    return ()


def is_healthy_again(properties: Tree) -> bool:
    """Whether a message about a resource's health says that it is well: the only end that a log tells of."""
    return text_in(properties, "currentHealthStatus").lower() == _HEALTHY


def _metric_alert(context: dict[str, Tree], data: dict[str, Tree]) -> Event:
    """Read a metric alert, a classic alert, or autoscale's message, which looks the same."""
    word, at = text_in(data, "status"), instant(context.get("timestamp"))
    status = STATES.get(squeezed(word))
    resource = text_in(context, "resourceId")
    condition = object_in(context, "condition")
    dimensions = sorted(
        {text for one in list_in(condition, "allOf") or [condition] for text in dimensions_of(one)}
    )
    operation, custom = text_in(data, "operation"), texts_of(data, "properties")
    where = place(
        resource or text_in(context, "id"),
        subscription=text_in(context, "subscriptionId"),
        group=text_in(context, "resourceGroupName"),
    )
    return Event(
        key=(text_in(context, "id", "name").lower(), resource.lower(), operation, *dimensions),
        status=status or Status.FIRING,
        unknown_status="" if status else word,
        alertname=text_in(context, "name") or name_of(text_in(context, "id")),
        title=text_in(context, "name"),
        description=paragraphs(text_in(context, "description", "details"), condition_text(condition)),
        url=text_in(context, "portalLink"),
        host=text_in(context, "resourceName") or name_of(resource),
        client=client_of(custom),
        client_id=where["subscription_id"],
        severity=severity_word(text_in(context, "severity")),
        labels={**custom, **where, "resource_id": resource},
        starts_at=at if status is not Status.CLEARED else None,
        ends_at=at,
        is_one_shot=bool(operation),
    )


def _activity_log(log: dict[str, Tree], data: dict[str, Tree]) -> Event:
    """Read an entry of the activity log. Its ids are new each time; what was done to what is the problem."""
    properties, resource = object_in(log, "properties"), text_in(log, "resourceId")
    where = place(
        resource, subscription=text_in(log, "subscriptionId"), group=text_in(log, "resourceGroupName")
    )
    operation, at = text_in(log, "operationName"), instant(log.get("eventTimestamp"))
    done = (operation, where["subscription_id"].lower(), resource.lower(), text_in(log, "status"))
    is_over, custom = is_healthy_again(properties), texts_of(data, "properties")
    return Event(
        key=health_key(properties, resource, where["subscription_id"]) or done,
        status=Status.CLEARED if is_over else Status.FIRING,
        alertname=operation,
        title=text_in(properties, "title") or text_in(log, "description") or operation,
        description=paragraphs(text_in(log, "description"), _activity(log)),
        host=name_of(resource),
        client=client_of(custom),
        client_id=where["subscription_id"],
        severity=text_in(log, "level"),
        labels={
            **custom,
            **where,
            "resource_id": resource,
            "event_source": text_in(log, "eventSource"),
        },
        starts_at=None if is_over else at,
        ends_at=at,
        is_one_shot=True,
    )


def _activity(log: dict[str, Tree]) -> str:
    parts = (text_in(log, "operationName"), text_in(log, "status"), text_in(log, "subStatus"))
    return " · ".join(filter(None, parts))


def _log_alert(data: dict[str, Tree]) -> Event:
    """Read a log alert of the first version, which never says that it is over."""
    resource = text_in(data, "ResourceId")
    target = resource or text_in(data, "WorkspaceId", "ApplicationId")
    where = place(resource, subscription=text_in(data, "SubscriptionId"))
    name = text_in(data, "AlertRuleName")
    dimensions = sorted(dimensions_of({"dimensions": list_in(data, "Dimensions")}))
    found = "\n".join(f"{field}: {text}" for field in _LOG_FIELDS if (text := text_in(data, field)))
    return Event(
        key=(name, where["subscription_id"].lower(), target.lower(), *dimensions),
        status=Status.FIRING,
        alertname=name,
        title=name,
        description=paragraphs(text_in(data, "Description"), found),
        url=text_in(data, "LinkToFilteredSearchResultsUI", "LinkToSearchResults", "LinktoSearchResults"),
        host=name_of(resource),
        client_id=where["subscription_id"],
        severity=severity_word(text_in(data, "Severity")),
        labels={**where, "resource_id": resource},
        starts_at=instant(data.get("SearchIntervalEndtimeUtc")),
        is_one_shot=True,
    )


def _budget(data: dict[str, Tree]) -> Event:
    where = place("", subscription=text_in(data, "SubscriptionId"), group=text_in(data, "ResourceGroup"))
    name, limit = text_in(data, "BudgetName"), text_in(data, "NotificationThresholdAmount")
    spent, unit = text_in(data, "SpendingAmount"), text_in(data, "Unit")
    return Event(
        key=("budget", where["subscription_id"].lower(), text_in(data, "BudgetId") or name, limit),
        status=Status.FIRING,
        alertname=name,
        title=name,
        description=f"Spent: {spent} {unit} of {text_in(data, 'Budget')}, threshold {limit}",
        client_id=where["subscription_id"],
        labels={**where, "subscription": text_in(data, "SubscriptionName")},
        is_one_shot=True,
    )
