"""Huntress: signed webhooks about incident reports, escalations, platform actions and account notices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from alertd.core.alerts import Severity, Status
from alertd.core.reading.bodies import Unreadable
from alertd.core.reading.events import Event
from alertd.core.reading.instants import instant
from alertd.core.reading.objects import list_in, object_in, paragraphs, text_in
from alertd.core.reading.settings import SenderSettings
from alertd.core.reading.signatures import Svix
from alertd.core.reading.signing import SignatureKeys
from alertd.core.reading.trees import Tree
from alertd.core.sources.kind import Payload, sender_kind
from alertd.core.sources.sheets import Sheet

_VERBS = {
    "created": Status.FIRING,
    "notification": Status.FIRING,
    "closed": Status.CLEARED,
    "overdue": Status.UPDATED,
    "comment_added": Status.UPDATED,
}
_NAMES = {
    "incident_report": "Incident report",
    "escalation": "Escalation",
    "platform_action": "Platform action",
    "account_notice": "Account notice",
}
_SHARED = "escalation"  # the one resource that may concern several organisations
_TESTS = frozenset({"test", "ping"})  # event types
_NULL = "null"  # Huntress' word for a severity that it has not given
_BEGAN = ("created_at", "sent_at", "status_updated_at", "updated_at")
_ENDED = ("closed_at", "status_updated_at", "updated_at")

SHEET = Sheet(
    product="Huntress",
    summary="Reads the eleven types of event that Huntress sends to a webhook.",
    alertname="the problem key",
    title="`subject`",
    host="none: Huntress names the agent by number alone",
    client="`organization.name`, or `organization.id` through `clients`",
    problem="the first part of `event_type`, and `id`; of an escalation the organisation too",
    clears="`event_type` ending in `.closed`",
    tokens=("signature",),
    steps=(
        "In Huntress open Integrations → Webhooks and add an endpoint with this address: {{url}}",
        "Choose the categories: incident reports, escalations, platform actions, account notices.",
        "Copy the signing secret, which begins with `whsec_`, to where `token` of this source says.",
    ),
    severities=(("critical", "critical"), ("high", "high"), ("low", "low"), ("null", "info")),
    states=(
        ("`.created`", "fires"),
        ("`.closed`", "clears"),
        ("`.overdue`, `.comment_added`", "is told in the ticket's next note"),
        ("`.notification`", "fires, and expires"),
        ("`test`", "ignored: a test message"),
    ),
    labels=(
        ("device_id", "`agent_id`"),
        ("resource", "`incident_report`, `escalation`, `platform_action` or `account_notice`"),
        ("platform", "`platform`"),
        ("account", "`account.name`"),
        ("client_id", "`organization.id`"),
    ),
    notes=(
        "An escalation that concerns several organisations is one alert for each of them.",
        "`url` is `api_url`, an address of Huntress' API: no page's address is sent.",
        "Deliveries are signed; alertd needs no token in the address.",
        'Set `signature = "required"`: then nothing that is not signed is let in.',
    ),
)


class HuntressSettings(SenderSettings, SignatureKeys):
    """`[[sources]]` with `kind = "huntress"`."""

    kind: Literal["huntress"]


def _split(payload: Payload) -> Sequence[Tree]:
    items = payload.tree if isinstance(payload.tree, list) else [payload.tree]
    return [part for item in items for part in _by_organization(item)]


def _by_organization(item: Tree) -> Iterator[Tree]:
    """Yield what is said to each organisation; what names none, or one, as it is."""
    several = [each for each in list_in(item, "organizations") if isinstance(each, dict)]
    if not several:
        yield item
    for organization in several:
        yield {**item, "organization": organization}


def _event(item: dict[str, Tree], payload: Payload, settings: HuntressSettings) -> Event:
    event_type = text_in(item, "event_type", "type")
    resource, _, verb = event_type.partition(".")
    number = text_in(item, "id")
    if not (event_type or number):
        raise Unreadable("shape", "neither event_type nor id: not one of Huntress' events")
    is_test = event_type in _TESTS
    status = Status.IGNORED if is_test else _VERBS.get(verb)
    organization = object_in(item, "organization")
    return Event(
        key=_key(resource, number, organization),
        status=status or Status.FIRING,
        unknown_status="" if status else verb or event_type,
        title=text_in(item, "subject") or _NAMES.get(resource, event_type),
        description=paragraphs(text_in(item, "summary"), text_in(item, "body"), _impact(item)),
        url=text_in(item, "api_url"),
        client=text_in(organization, "name"),
        client_id=text_in(organization, "id") or text_in(item, "organization_id"),
        severity=_NULL if item.get("severity", "") is None else text_in(item, "severity"),
        labels=_labels(item, resource),
        annotations=_annotations(verb, item, status),
        starts_at=_first_instant(item, _BEGAN) if status is not Status.CLEARED else None,
        ends_at=_first_instant(item, _ENDED),
        is_one_shot=verb == "notification",
    )


def _key(resource: str, number: str, organization: dict[str, Tree]) -> tuple[str, ...]:
    if not number:
        return ("",)
    return (
        (resource, number, text_in(organization, "id", "name")) if resource == _SHARED else (resource, number)
    )


def _impact(item: dict[str, Tree]) -> str:
    total = text_in(item, "total_organizations_impacted")
    return f"Organisations impacted: {total}" if total else ""


def _labels(item: dict[str, Tree], resource: str) -> dict[str, str]:
    return {
        "resource": resource,
        "device_id": text_in(item, "agent_id"),
        "platform": text_in(item, "platform"),
        "account": text_in(object_in(item, "account"), "name"),
    }


def _annotations(verb: str, item: dict[str, Tree], status: Status | None) -> dict[str, str]:
    if status is Status.IGNORED:
        return {"ignored": "test message"}
    return {"update": _update(verb, item)} if status is Status.UPDATED else {}


def _update(verb: str, item: dict[str, Tree]) -> str:
    if verb == "overdue":
        return "overdue in Huntress"
    comment = item.get("comment")
    said = (
        text_in(comment, "body", "text", "content") if isinstance(comment, dict) else text_in(item, "comment")
    )
    return f"comment in Huntress: {said}" if said else "commented on in Huntress"


def _first_instant(item: dict[str, Tree], names: Sequence[str]) -> datetime | None:
    return next((at for name in names if (at := instant(item.get(name)))), None)


KIND = sender_kind(HuntressSettings, _event, SHEET, severities={_NULL: Severity.INFO}, split=_split).signed(
    Svix()
)
