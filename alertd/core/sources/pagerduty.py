"""PagerDuty's Events API, versions 2 and 1: one event in each request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from alertd.core.alerts import Status
from alertd.core.reading.details import Details, split_details
from alertd.core.reading.events import Event
from alertd.core.reading.instants import instant
from alertd.core.reading.objects import list_in, object_in, paragraphs, text_in
from alertd.core.reading.settings import SenderSettings
from alertd.core.reading.trees import Tree
from alertd.core.sources.kind import Payload, sender_kind
from alertd.core.sources.sheets import Sheet, Template

CHANGE = "change"  # said by the path of change events
NEW_KEY = "new_key"  # said by a path that answers with the key of an event that came without one
LONGEST_KEY = 255  # characters, as at PagerDuty
LONGEST_SUMMARY = 1024

_ACTIONS = {
    "trigger": Status.FIRING,
    "acknowledge": Status.UPDATED,
    "resolve": Status.CLEARED,
}
_SEVERITIES = ("critical", "warning", "error", "info")
_HOSTS = ("host", "hostname", "instance", "device")

SHEET = Sheet(
    product="PagerDuty Events API v2",
    summary="Reads the events that tools send to PagerDuty: trigger, acknowledge and resolve; v1 too.",
    alertname="`payload.class`, else `custom_details.alertname`, else the problem key",
    title="`payload.summary`",
    host="`payload.source`, unless that is `client` again; else `custom_details.host` and the like",
    client="`custom_details.client` or `custom_details.customer`; any other with `client = { label = … }`",
    problem="`dedup_key`; where it is missing a new one, which is in the answer",
    clears="`event_action` resolve",
    tokens=("body", "header"),
    path="/v2/enqueue",
    steps=(
        "Make a token of 32 hex digits and put it where the tool has its integration key (routing key).",
        "Where the tool has PagerDuty's address, put this one instead: {{url}}",
        "Tools that want the base address only: leave out `/v2/enqueue`.",
    ),
    templates=(
        Template(
            title="An event as a script would send it",
            text="""{
  "routing_key": "{{token}}",
  "event_action": "trigger",
  "dedup_key": "fs02/disk-c",
  "payload": {
    "summary": "Disk C: is 96 % full on FS02",
    "source": "fs02.northwind.local",
    "severity": "warning",
    "class": "disk usage",
    "group": "northwind"
  }
}
""",
        ),
    ),
    severities=(
        ("critical", "critical"),
        ("error", "high"),
        ("warning", "warning"),
        ("info", "info"),
    ),
    states=(
        ("trigger", "fires"),
        ("resolve", "clears"),
        ("acknowledge", "is told in the ticket's next note"),
        ("change events", "ignored"),
    ),
    labels=(
        ("component, group, class", "the field of `payload`"),
        ("tool", "`client`: the program that sends; PagerDuty's client is not a customer"),
        ("every short value in `custom_details`", "its value"),
    ),
    notes=(
        "An acknowledge or resolve for a key that nothing has triggered is accepted and does nothing.",
        'Customers are told by a detail, by `group` (`client = { label = "group" }`) or by a source each.',
    ),
)


class PagerdutySettings(SenderSettings):
    """`[[sources]]` with `kind = "pagerduty"`."""

    kind: Literal["pagerduty"]


def key_of(tree: Tree, said: Mapping[str, str]) -> str:
    """Return the problem key of an event: its own, else the one that the path has made for it."""
    return text_in(tree, "dedup_key", "incident_key") or said.get(NEW_KEY, "")


def faults_v2(tree: Tree) -> tuple[str, ...]:
    """Return why PagerDuty would refuse an event of version 2, in its words; empty: it would not."""
    return tuple(_faults_v2(tree))


def faults_v1(tree: Tree) -> tuple[str, ...]:
    """Return why PagerDuty would refuse an event of version 1, in its words; empty: it would not."""
    return tuple(_faults_v1(tree))


def faults_change(tree: Tree) -> tuple[str, ...]:
    """Return why PagerDuty would refuse a change event, in its words; empty: it would not."""
    return (
        () if text_in(object_in(tree, "payload"), "summary") else ("'payload.summary' is missing or blank",)
    )


def _faults_v2(tree: Tree) -> Iterator[str]:
    action = text_in(tree, "event_action").lower()
    if not action:
        yield "'event_action' is missing or blank"
    elif action not in _ACTIONS:
        yield (
            "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')"
        )
    key = text_in(tree, "dedup_key")
    if len(key) > LONGEST_KEY:
        yield f"'dedup_key' is too long (maximum is {LONGEST_KEY} characters)"
    if action == "trigger":
        yield from _payload_faults(object_in(tree, "payload"))
    elif action in _ACTIONS and not key:
        yield "'dedup_key' is missing or blank"


def _payload_faults(payload: dict[str, Tree]) -> Iterator[str]:
    if not payload:
        yield "'payload' is missing or blank"
        return
    for name in ("summary", "source", "severity"):
        if not text_in(payload, name):
            yield f"'payload.{name}' is missing or blank"
    if len(text_in(payload, "summary")) > LONGEST_SUMMARY:
        yield f"'payload.summary' is too long (maximum is {LONGEST_SUMMARY} characters)"
    severity = text_in(payload, "severity").lower()
    if severity and severity not in _SEVERITIES:
        yield (
            "'payload.severity' is invalid (must be one of the following: "
            "'critical', 'warning', 'error' or 'info')"
        )


def _faults_v1(tree: Tree) -> Iterator[str]:
    action, key = text_in(tree, "event_type").lower(), text_in(tree, "incident_key")
    if not action:
        yield "Event type is missing or blank"
    elif action not in _ACTIONS:
        yield "Event type is invalid (must be one of the following: trigger, acknowledge or resolve)"
    if len(key) > LONGEST_KEY:
        yield f"Incident key is too long (maximum is {LONGEST_KEY} characters)"
    description = text_in(tree, "description")
    if len(description) > LONGEST_SUMMARY:
        yield f"Description is too long (maximum is {LONGEST_SUMMARY} characters)"
    if action == "trigger" and not description:
        yield "Description is missing or blank"
    if action in ("acknowledge", "resolve") and not key:
        yield "Incident key is missing or blank"


def _event(item: dict[str, Tree], payload: Payload, settings: PagerdutySettings) -> Event:
    said = dict(payload.body.query)
    about = object_in(item, "payload")
    details = object_in(about, "custom_details") or object_in(item, "details")
    if said.get("action") == CHANGE:
        return _change(about)
    word = text_in(item, "event_action", "event_type")
    status = _ACTIONS.get(word.lower())
    at = instant(about.get("timestamp"))
    beside = split_details(details)
    return Event(
        key=(key_of(item, said),),
        status=status or Status.FIRING,
        unknown_status="" if status else word,
        alertname=text_in(about, "class") or text_in(details, "alertname"),
        title=text_in(about, "summary") or text_in(item, "description"),
        description=paragraphs(beside.text, _links(item)),
        url=text_in(item, "client_url") or _first_link(item),
        host=_host(item, about, details),
        client=text_in(details, "customer"),
        severity=text_in(about, "severity"),
        labels=_labels(item, about, beside),
        annotations={"update": "acknowledged at the sender"} if status is Status.UPDATED else {},
        starts_at=at if status is not Status.CLEARED else None,
        ends_at=at,
    )


def _host(item: dict[str, Tree], about: dict[str, Tree], details: dict[str, Tree]) -> str:
    """Return what is ill. Tools that do not know it (Alertmanager) put their own name there."""
    source = text_in(about, "source")
    known = text_in(details, *_HOSTS)
    return known if source == text_in(item, "client") else source or known


def _change(about: dict[str, Tree]) -> Event:
    """Something was changed on purpose: PagerDuty only shows it beside incidents."""
    summary = text_in(about, "summary")
    return Event(
        key=("change event", summary),
        status=Status.IGNORED,
        alertname="change event",
        title=summary,
        host=text_in(about, "source"),
        annotations={"ignored": "change event"},
    )


def _labels(item: dict[str, Tree], about: dict[str, Tree], beside: Details) -> dict[str, str]:
    return {
        **beside.labels,
        **{name: text for name in ("component", "group", "class") if (text := text_in(about, name))},
        "tool": text_in(item, "client"),
    }


def _first_link(item: dict[str, Tree]) -> str:
    return next((href for link in list_in(item, "links") if (href := text_in(link, "href"))), "")


def _links(item: dict[str, Tree]) -> str:
    lines = (
        (text_in(link, "text"), text_in(link, "href"))
        for link in (*list_in(item, "links"), *list_in(item, "contexts"))
    )
    return "\n".join(": ".join(filter(None, line)) for line in lines if line[1])


KIND = sender_kind(PagerdutySettings, _event, SHEET)
