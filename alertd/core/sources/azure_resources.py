"""Azure resources: what their ids say, and how conditions, severities and places are put into words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from alertd.core.alerts import Status
from alertd.core.reading.objects import list_in, object_in, text_in
from alertd.core.reading.tags import labels_of
from alertd.core.reading.trees import Tree

_SUBSCRIPTION = re.compile(r"/subscriptions/([^/]+)", re.IGNORECASE)
_GROUP = re.compile(r"/resourcegroups/([^/]+)", re.IGNORECASE)
_NO_LETTER = re.compile(r"[^a-z]")
_PORTAL = "https://portal.azure.com/#view/Microsoft_Azure_Monitoring_Alerts/AlertDetails.ReactView/alertId~/"
_CONDITIONS = 10  # shown of those that an alert has

STATES = {
    "fired": Status.FIRING,
    "activated": Status.FIRING,
    "resolved": Status.CLEARED,
    "deactivated": Status.CLEARED,
}


def squeezed(word: str) -> str:
    """Return a word in lower case without spaces and signs: Azure writes some of them in several ways."""
    return _NO_LETTER.sub("", word.lower())


def place(resource_id: str, *, subscription: str = "", group: str = "") -> Mapping[str, str]:
    """Return the labels that say where a resource is, by its id where that is not said beside it."""
    return {
        "subscription_id": subscription or _found(_SUBSCRIPTION, resource_id),
        "resource_group": group or _found(_GROUP, resource_id),
    }


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


def name_of(resource_id: str) -> str:
    """Return the last part of a resource's id: its name. A subscription has none."""
    parts = resource_id.strip("/").split("/")
    return parts[-1] if len(parts) > 2 else ""


def severity_word(text: str) -> str:
    """Return the severity as in the common schema: some bodies have the bare number, or the word alone."""
    return f"sev{text}" if text.isdecimal() else text


def portal_link(alert_id: str) -> str:
    """Return the address of an alert in the portal, which no body names; empty for what is no id."""
    return f"{_PORTAL}{quote(alert_id, safe='', errors='replace')}" if alert_id.startswith("/") else ""


def condition_text(condition: Tree) -> str:
    """Return the conditions that hold, one a line; the classic form has its one without a list."""
    each = list_in(condition, "allOf") or [condition]
    return "\n".join(filter(None, (_one_condition(one, condition) for one in each[:_CONDITIONS])))


def _one_condition(one: Tree, condition: Tree) -> str:
    name = text_in(one, "metricName", "metricMeasureColumn", "searchQuery", "webTestName")
    if not name:
        return ""
    value, operator = text_in(one, "metricValue"), text_in(one, "operator")
    threshold, over = (
        text_in(one, "threshold"),
        text_in(one, "windowSize") or text_in(condition, "windowSize"),
    )
    rule = " ".join(filter(None, (text_in(one, "timeAggregation"), operator, threshold)))
    dimensions = ", ".join(dimensions_of(one))
    texts = (
        name,
        f"is {value}" if value else "",
        f"({rule})" if rule else "",
        f"over {over}" if over else "",
    )
    return " ".join(filter(None, (*texts, f"for {dimensions}" if dimensions else "")))


def dimensions_of(one: Tree) -> Iterator[str]:
    """Yield the dimensions of a condition as `name=value`."""
    for each in list_in(one, "dimensions"):
        if name := text_in(each, "name"):
            yield f"{name}={text_in(each, 'value')}"


def texts_of(item: Tree, name: str) -> dict[str, str]:
    """Return the object in field `name` as labels: the properties that an operator has given a rule."""
    inner = object_in(item, name)
    return labels_of((key, text) for key in inner if (text := text_in(inner, key)))
