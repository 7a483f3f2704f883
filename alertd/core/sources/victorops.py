"""VictorOps (Splunk On-Call): the generic REST endpoint, one message for each change of an entity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from alertd.core.alerts import Severity, Status
from alertd.core.reading.events import Event
from alertd.core.reading.instants import instant
from alertd.core.reading.objects import object_in, paragraphs, text_in
from alertd.core.reading.settings import SenderSettings
from alertd.core.reading.trees import Tree
from alertd.core.sources.kind import Payload, sender_kind
from alertd.core.sources.sheets import Sheet, Template

_STATES = {
    **dict.fromkeys(("critical", "warning", "info", "problem", "down"), Status.FIRING),
    **dict.fromkeys(("recovery", "recovered", "resolved", "ok", "up"), Status.CLEARED),
    **dict.fromkeys(("acknowledgement", "acknowledgment", "ack", "acknowledged"), Status.UPDATED),
}
_SEVERITIES = {"problem": Severity.CRITICAL, "down": Severity.CRITICAL}
_OWN = frozenset(
    {
        *("message_type", "entity_id", "entity_display_name", "entity_is_host", "state_message"),
        *("state_start_time", "timestamp", "monitoring_tool", "host_name", "hostname", "host"),
        *("ack_msg", "ack_message", "ack_author", "routing_key", "custom_fields", "client", "customer"),
    }
)
_ANNOTATION = "vo_annotate."
NEW_ID = "new_id"  # said by the path: the id that the answer gives to a message without one

SHEET = Sheet(
    product="VictorOps (Splunk On-Call)",
    summary="Reads what is sent to the generic REST endpoint of VictorOps.",
    alertname="`entity_id`",
    title="`entity_display_name`, else the first line of `state_message`, else `entity_id`",
    host="`host_name`, `hostname`, `host`",
    client="`client` or `customer`, if you send it",
    problem="`entity_id`",
    clears="`message_type` RECOVERY",
    tokens=("path", "header"),
    path="/victorops/{token}/{routing_key}",
    steps=(
        "At the client replace the address of VictorOps, up to `/alert/`, by the part of this one before the "
        "token: {{url}}",
        "Put the token where the client has the API key, and keep its routing key.",
    ),
    templates=(
        Template(
            title="A message that fires; RECOVERY instead of CRITICAL clears",
            text="""{"message_type": "CRITICAL", "entity_id": "fs02/disk-c",
 "entity_display_name": "Disk C: is full", "state_message": "96 % used", "host_name": "fs02"}
""",
        ),
    ),
    severities=(("CRITICAL", "critical"), ("WARNING", "warning"), ("INFO", "info")),
    states=(
        ("CRITICAL, WARNING, INFO", "fires"),
        ("RECOVERY", "clears"),
        ("ACKNOWLEDGEMENT", "is told in the ticket's next note"),
    ),
    labels=(
        ("monitoring_tool", "the program that sends"),
        ("routing_key", "the end of the path"),
        ("every other field, and those of `custom_fields`", "its value"),
    ),
    notes=(
        "VictorOps itself opens no incident for INFO. Here it is an alert that expires; a route "
        "decides whether it becomes a ticket.",
        "A message without `entity_id` is an alert of its own; the answer says the id that clears it.",
    ),
)


class VictoropsSettings(SenderSettings):
    """`[[sources]]` with `kind = "victorops"`."""

    kind: Literal["victorops"]


def entity_of(item: Tree, said: Mapping[str, str]) -> str:
    """Return what the message is about: its own word, else the id that the path has made for it."""
    return text_in(item, "entity_id") or said.get(NEW_ID, "")


def _event(item: dict[str, Tree], payload: Payload, settings: VictoropsSettings) -> Event:
    word, message = text_in(item, "message_type"), text_in(item, "state_message")
    status = _STATES.get(word.lower())
    at = instant(item.get("state_start_time")) or instant(item.get("timestamp"))
    display = text_in(item, "entity_display_name")
    return Event(
        key=(entity_of(item, dict(payload.body.query)),),
        status=status or Status.FIRING,
        unknown_status="" if status else word,
        alertname=text_in(item, "entity_id"),
        title=display or message.partition("\n")[0],
        description=message,
        url=_link(item),
        host=text_in(item, "host_name", "hostname", "host"),
        client=text_in(item, "client", "customer"),
        severity=word if status is Status.FIRING else "",
        labels=_labels(item, payload),
        annotations={"update": _acknowledged(item, message)} if status is Status.UPDATED else {},
        starts_at=at if status is not Status.CLEARED else None,
        ends_at=at,
        is_one_shot=word.lower() == "info",
    )


def _link(item: dict[str, Tree]) -> str:
    names = (name for name in item if name.lower().startswith(f"{_ANNOTATION}u."))
    return next((link for name in names if (link := text_in(item, name))), "")


def _labels(item: dict[str, Tree], payload: Payload) -> dict[str, str]:
    custom = object_in(item, "custom_fields")
    others = (name for name in item if name not in _OWN and not name.lower().startswith(_ANNOTATION))
    return {
        **{name: text_in(item, name) for name in others},
        **{name: text_in(custom, name) for name in custom},
        "monitoring_tool": text_in(item, "monitoring_tool"),
        "routing_key": text_in(dict(payload.body.query), "routing_key"),
    }


def _acknowledged(item: dict[str, Tree], message: str) -> str:
    author = text_in(item, "ack_author")
    said = text_in(item, "ack_msg", "ack_message") or message
    return paragraphs(f"acknowledged by {author}" if author else "acknowledged", said)


KIND = sender_kind(VictoropsSettings, _event, SHEET, severities=_SEVERITIES)
