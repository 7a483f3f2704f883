"""Opsgenie's alert API: creates in the body; what is done to an alert afterwards in the path."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from msgspec import structs

from alertd.core.alerts import Severity, Status
from alertd.core.reading.bodies import Body, Reading, Unreadable
from alertd.core.reading.details import split_details
from alertd.core.reading.events import Event
from alertd.core.reading.instants import instant
from alertd.core.reading.objects import object_in, paragraphs, text_in, texts_in
from alertd.core.reading.settings import SenderSettings
from alertd.core.reading.trees import Tree
from alertd.core.sources.kind import Payload, sender_kind
from alertd.core.sources.sheets import Sheet, Template

CREATE = "create"
PING = "ping"
NEW_ID = "new_id"  # said by the path: the id of an alert that is created without an alias
FIELDS = ("message", "alias", "priority")  # that a create is refused for
LONGEST_ALIAS = 512  # characters, as at Opsgenie

_ENDS = {"close": "closed", "delete": "deleted"}
_SEVERITIES = {
    "p1": Severity.CRITICAL,
    "p2": Severity.HIGH,
    "p3": Severity.WARNING,
    "p4": Severity.LOW,
    "p5": Severity.INFO,
}
_HOSTS = ("host", "hostname", "instance", "device")
# what the body of each action adds to its words
_TOLD = {
    "acknowledge": ("acknowledged", ()),
    "unacknowledge": ("no longer acknowledged", ()),
    "notes": ("noted", ()),
    "snooze": ("snoozed", ("endTime",)),
    "escalate": ("escalated", ("escalation",)),
    "assign": ("assigned", ("owner",)),
    "responders": ("responder added", ("responder",)),
    "teams": ("team added", ("team",)),
    "tags": ("tags changed", ("tags",)),
    "details": ("details changed", ("details",)),
    "priority": ("priority changed", ("priority",)),
}
# sent beside every repeat by senders that keep them equal: the create has said the same
_SILENT = ("message", "description")

SHEET = Sheet(
    product="Opsgenie",
    summary="Reads what tools send to Opsgenie's alert API: create, close, acknowledge, note and the others.",
    alertname="`details.alertname`, else `alias`",
    title="`message`",
    host="`entity`, else `details.host`, `details.hostname`, `details.instance`, `details.device`",
    client="`details.client` or `details.customer`; any other with `client = { label = … }`",
    problem="`alias`; without one each create is an alert of its own, whose id is in the request's status",
    clears="`/v2/alerts/{id}/close`, or its `DELETE`",
    tokens=("header",),
    header="`Authorization: GenieKey TOKEN`",
    path="/v2/alerts",
    steps=(
        "Put the token where the tool has its API key (GenieKey).",
        "Where the tool has Opsgenie's address, put this one instead: {{url}}",
        "Tools that want the base address only: leave out `/v2/alerts`.",
    ),
    templates=(
        Template(
            title="A create as a script would send it, with `Authorization: GenieKey {{token}}`",
            text="""{
  "message": "Disk C: is full on FS02",
  "alias": "fs02/disk-c",
  "entity": "fs02",
  "priority": "P2",
  "tags": ["northwind"],
  "details": {"customer": "Northwind"}
}
""",
        ),
    ),
    severities=(("P1", "critical"), ("P2", "high"), ("P3, none", "warning"), ("P4", "low"), ("P5", "info")),
    states=(
        ("create", "fires"),
        ("close, delete", "clears"),
        (
            "acknowledge, note, snooze, escalate, assign and other changes",
            "is told in the ticket's next note",
        ),
        ("heartbeat, a change of message or description", "ignored"),
    ),
    labels=(
        ("alias, entity, tags", "the field; tags joined by commas"),
        ("sent_source", "`source`: the program that sends"),
        ("every short value in `details`", "its value"),
    ),
    notes=(
        "An alert's id is its alias, so `identifierType` id and alias mean the same. Tiny ids do not exist.",
        "A close, acknowledge or note for an alert that nothing has created is accepted and does nothing.",
        "Responders, teams and schedules are Opsgenie's own: alertd's routes decide who gets the ticket.",
    ),
)


class OpsgenieSettings(SenderSettings):
    """`[[sources]]` with `kind = "opsgenie"`."""

    kind: Literal["opsgenie"]


def alias_of(tree: Tree, said: Mapping[str, str]) -> str:
    """Return the alias of a create, which is the alert's id here: its own, else the one made for it."""
    return text_in(tree, "alias") or said.get(NEW_ID, "")


def faults_of(tree: Tree) -> dict[str, str]:
    """Return what Opsgenie would refuse in a create, by field and in its words; empty: nothing."""
    faults = {}
    if not text_in(tree, "message"):
        faults["message"] = "Message can not be empty."
    if len(text_in(tree, "alias")) > LONGEST_ALIAS:
        faults["alias"] = f"Alias should not exceed {LONGEST_ALIAS} characters."
    priority = text_in(tree, "priority")
    if priority and priority.lower() not in _SEVERITIES:
        faults["priority"] = "Priority should be one of [P1, P2, P3, P4, P5]."
    return faults


def _event(item: dict[str, Tree], payload: Payload, settings: OpsgenieSettings) -> Event:
    said = dict(payload.body.query)
    action = said.get("action", CREATE)
    if action == PING:
        return _heartbeat(said.get("identifier", ""))
    if action == CREATE:
        return _created(item, said)
    return _done(action, item, said)


def _created(item: dict[str, Tree], said: dict[str, str]) -> Event:
    details = object_in(item, "details")
    beside = split_details(details)
    return Event(
        key=(alias_of(item, said),),
        status=Status.FIRING,
        alertname=text_in(details, "alertname"),
        title=text_in(item, "message"),
        description=paragraphs(text_in(item, "description"), beside.text, text_in(item, "note")),
        host=text_in(item, "entity") or text_in(details, *_HOSTS),
        client=text_in(details, "customer"),
        severity=text_in(item, "priority"),
        labels={
            **beside.labels,
            "alias": alias_of(item, said),
            "entity": text_in(item, "entity"),
            "tags": ", ".join(texts_in(item, "tags")),
            "source": text_in(item, "source"),
        },
        annotations={"responders": _responders(item)},
        starts_at=instant(item.get("createdAt")),
    )


def _responders(item: dict[str, Tree]) -> str:
    listed = item.get("responders")
    named = (text_in(each, "name", "username", "id") for each in listed) if isinstance(listed, list) else ()
    return ", ".join(filter(None, named))


def _done(action: str, item: dict[str, Tree], said: dict[str, str]) -> Event:
    """What was done to an alert that exists, or not: the path says to which."""
    tiny = said.get("identifierType", "").lower() == "tiny"
    key = (said.get("identifier", ""), "tiny") if tiny else (said.get("identifier", ""),)
    if action in _ENDS:
        return Event(key=key, status=Status.CLEARED, description=_ended(action, item))
    if action in _SILENT:
        return Event(key=key, status=Status.IGNORED, annotations={"ignored": f"a change of the {action}"})
    return Event(key=key, status=Status.UPDATED, annotations={"update": _told(action, item)})


def _ended(action: str, item: dict[str, Tree]) -> str:
    user = text_in(item, "user")
    return paragraphs(f"{_ENDS[action]} by {user}" if user else "", text_in(item, "note"))


def _told(action: str, item: dict[str, Tree]) -> str:
    words, names = _TOLD.get(action, (action, ()))
    values = [value for name in names if (value := _value(item, name))]
    user = text_in(item, "user")
    line = f"{words}{': ' + ', '.join(values) if values else ''}{f' by {user}' if user else ''}"
    return ": ".join(filter(None, (line, text_in(item, "note"))))


def _value(item: dict[str, Tree], name: str) -> str:
    nested = object_in(item, name)
    if not nested:
        return ", ".join(texts_in(item, name))
    return text_in(nested, "name", "username", "id") or ", ".join(
        f"{key} {text}" for key in nested if (text := text_in(nested, key))
    )


def _heartbeat(name: str) -> Event:
    return Event(
        key=("heartbeat", name),
        status=Status.IGNORED,
        alertname=name,
        title=f"Heartbeat {name}",
        annotations={"ignored": "heartbeat"},
    )


_SENT = sender_kind(OpsgenieSettings, _event, SHEET, severities=_SEVERITIES)


def _read(body: Body, profile: Any, *, received_at: datetime) -> Reading:
    """Read a request. Where the path says what is done to which alert, the body may be anything."""
    if dict(body.query).get("action", CREATE) == CREATE:
        return _SENT.read(body, profile, received_at=received_at)
    try:
        reading = _SENT.read(body, profile, received_at=received_at)
    except Unreadable:
        reading = Reading()
    if reading.alerts:
        return structs.replace(reading, alerts=reading.alerts[:1], problems=())
    return _SENT.read(structs.replace(body, raw=b""), profile, received_at=received_at)


KIND = structs.replace(_SENT, read=_read)
