"""Zabbix: it has no format of its own, so what is read is what alertd's own media type sends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from alertd.core.alerts import Severity, Status
from alertd.core.reading import json_repair, tags
from alertd.core.reading.bodies import Unreadable
from alertd.core.reading.events import Event
from alertd.core.reading.fields import text_of
from alertd.core.reading.instants import instant
from alertd.core.reading.settings import SenderSettings
from alertd.core.reading.trees import Tree, normalised
from alertd.core.reading.zones import ZoneName
from alertd.core.sources.kind import Payload, sender_kind
from alertd.core.sources.sheets import Sheet, Template
from alertd.core.sources.zabbix_media_type import MACROS, media_type

FIELDS = (*(name for name, _ in MACROS), "client")
_SEVERITIES = {
    **dict.fromkeys(("0", "not classified"), Severity.INFO),
    **dict.fromkeys(("1", "information"), Severity.LOW),
    **dict.fromkeys(("2", "warning", "3", "average"), Severity.WARNING),
    **dict.fromkeys(("4", "high"), Severity.HIGH),
    **dict.fromkeys(("5", "disaster"), Severity.CRITICAL),
}
_STATES = {
    **dict.fromkeys(("1", "problem"), Status.FIRING),
    **dict.fromkeys(("0", "resolved", "ok"), Status.CLEARED),
}
_ONE_SHOT_SOURCES = {"1", "2"}  # discovery and autoregistration: nothing tells that they are over
_YES = {"1", "yes", "true"}
# a macro that could not be resolved arrives as its name, or as *UNKNOWN*
_MACRO = re.compile(r"(?:\{[A-Z$#?][^{}]{0,200}\}\s*+)++|\*UNKNOWN\*")
_CLOCK = ("%Y.%m.%d %H:%M:%S", "rfc3339")
_LATE_FOR = timedelta(minutes=2)  # local clocks are set back once a year

Fields: TypeAlias = Callable[[str], str]

SHEET = Sheet(
    product="Zabbix",
    summary="Reads what the media type below sends: problems, recoveries and updates.",
    alertname="`name`: the event's",
    title="`name`",
    host="`host`, else `host_name`, `host_ip`",
    client="tag `client` (or `customer`, `company`, `tenant`), or as `client` says",
    problem='`event_id` of the problem; with `key_by = "trigger"`: `trigger_id`',
    clears="`value` 0; not for discovery and autoregistration",
    tokens=("header",),
    steps=(
        "Save the media type below as a file, and import it in Zabbix under Alerts → Media types → Import.",
        "Set the global macro {$ZABBIX.URL} to the front-end's address: tickets then link to the problem.",
        "Give a user (Users → Users → Media) the media type alertd, with anything under Send to.",
        "Add an action (Alerts → Actions) that tells this user of problems, recoveries and updates.",
    ),
    templates=(
        Template(
            title="Media type (config/sources/zabbix-media-type.yaml)", language="yaml", text=media_type()
        ),
    ),
    severities=(
        ("5 Disaster", "critical"),
        ("4 High", "high"),
        ("3 Average, 2 Warning", "warning"),
        ("1 Information", "low"),
        ("0 Not classified", "info"),
    ),
    states=(
        ("value 1 PROBLEM", "fires"),
        ("value 0 RESOLVED", "clears"),
        ("update 1", "is told, changes nothing"),
        ("macros that nobody filled in, as from the Test button", "ignored"),
    ),
    labels=(
        ("every tag of the event", "its value; several values are joined by a comma"),
        ("host_name", "the visible name"),
        ("host_groups", "all of the host's groups"),
        ("ip", "`host_ip`"),
        ("trigger_id", "Zabbix's id of the trigger"),
        ("event_source", "`trigger`, `discovery`, `autoregistration`, `internal` or `service`"),
    ),
    keys=(
        (
            "key_by",
            '`"event"`: one alert for each problem; `"trigger"`: one for each trigger',
        ),
        (
            "timezone",
            "where the clock of the Zabbix server stands, such as `Europe/Zurich`; `UTC` if not said",
        ),
    ),
    notes=(
        'Where a host group names the customer: `client = { label = "host_groups", regex = "^([^/,]+)" }`.',
        "Recoveries and updates carry the id of the problem, so all of them belong to one alert.",
        "A changed severity comes as an update: it is told, and the priority stays as it was.",
        "Versions that know {EVENT.TIMESTAMP} need no `timezone`.",
        "Events of discovery and autoregistration have no recovery: they expire.",
    ),
)


class ZabbixSettings(SenderSettings):
    """`[[sources]]` with `kind = "zabbix"`."""

    kind: Literal["zabbix"]
    key_by: Literal["event", "trigger"] = "event"
    timezone: ZoneName = "UTC"


def _event(item: dict[str, Tree], payload: Payload, settings: ZabbixSettings) -> Event:
    if not any(name in item for name in ("event_id", "trigger_id", "value", "name")):
        raise Unreadable(
            "shape", "none of event_id, trigger_id, value and name: not what alertd's media type sends"
        )

    def text(name: str) -> str:
        value = text_of(item.get(name))
        return "" if _MACRO.fullmatch(value) else value

    is_test = not text("event_id") and bool(text_of(item.get("event_id")))
    status, unknown = _status(text)
    labels = tags.labels_of(_tags(item.get("tags")))
    starts_at, ends_at = _times(text, ZoneInfo(settings.timezone))
    return Event(
        key=_key(text, settings),
        status=Status.IGNORED if is_test else status,
        unknown_status=unknown,
        alertname=text("name"),
        title=text("name"),
        description="\n".join(filter(None, (text("opdata"), text("trigger_description")))),
        url=_url(text),
        host=text("host") or text("host_name") or text("host_ip"),
        client=text("client") or tags.client_of(labels),
        severity=text("nseverity") or text("severity"),
        labels=labels | _labels(text),
        annotations=_annotations(text, status, is_test=is_test),
        starts_at=starts_at,
        ends_at=ends_at,
        late_for=_LATE_FOR,
        is_one_shot=text("source") in _ONE_SHOT_SOURCES,
    )


def _key(text: Fields, settings: ZabbixSettings) -> tuple[str, ...]:
    names = ("trigger", "event") if settings.key_by == "trigger" else ("event", "trigger")
    return next(((name, found) for name in names if (found := text(f"{name}_id"))), ())


def _status(text: Fields) -> tuple[Status, str]:
    """Return the status, and the word for it if nobody knows it."""
    if text("update").lower() in _YES:
        return Status.UPDATED, ""
    if text("source") in _ONE_SHOT_SOURCES:
        return Status.FIRING, ""
    word = text("value") or text("status")
    status = _STATES.get(word.lower())
    return (status, "") if status else (Status.FIRING, word)


_EVENT_SOURCES = {
    "0": "trigger",
    "1": "discovery",
    "2": "autoregistration",
    "3": "internal",
    "4": "service",
}


def _labels(text: Fields) -> dict[str, str]:
    labels = {
        "host_name": text("host_name"),
        "host_groups": text("hostgroups"),
        "ip": text("host_ip"),
        "trigger_id": text("trigger_id"),
        "event_source": _EVENT_SOURCES.get(text("source"), ""),
    }
    return {name: value for name, value in labels.items() if value}


def _annotations(text: Fields, status: Status, *, is_test: bool) -> Mapping[str, str]:
    annotations = {"event_id": text("event_id"), "operational_data": text("opdata")}
    if is_test:
        annotations["ignored"] = "test message"
    elif status is Status.UPDATED:
        annotations["update"] = _update(text)
    return annotations


def _update(text: Fields) -> str:
    acknowledged = "acknowledged" if text("ack").lower() in _YES else "updated"
    done = " ".join(filter(None, (text("update_user"), text("update_action") or acknowledged)))
    return ": ".join(filter(None, (done, text("update_message"))))


def _times(text: Fields, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """Return when the problem began and ended. An end before the beginning is a clock that was set back."""

    def read(prefix: str) -> datetime | None:
        written = f"{text(prefix + 'date')} {text(prefix + 'time')}"
        return instant(text(prefix + "timestamp"), ("epoch_s",)) or instant(written, _CLOCK, zone)

    starts_at, ends_at = read(""), read("recovery_")
    if starts_at is not None and ends_at is not None and ends_at < starts_at:
        ends_at = None
    return starts_at, ends_at


def _url(text: Fields) -> str:
    base, trigger, event = text("zabbix_url").rstrip("/"), text("trigger_id"), text("event_id")
    if base.startswith(("http://", "https://")) and trigger.isdecimal() and event.isdecimal():
        return f"{base}/tr_events.php?triggerid={trigger}&eventid={event}"
    return text("trigger_url")


def _tags(value: Tree) -> Iterator[tuple[str, str]]:
    """Yield the tags: a list, the same as JSON in a text, or `name:value, …`."""
    for each in _listed(value):
        if isinstance(each, dict):
            yield text_of(each.get("tag") or each.get("name")), text_of(each.get("value"))
        elif isinstance(each, str):
            name, _, content = each.partition(":")
            yield name, content


def _listed(value: Tree) -> list[Any]:
    if not isinstance(value, str):
        return value if isinstance(value, list) else []
    if _MACRO.fullmatch(value.strip()):
        return []
    try:
        tree = normalised(json_repair.decode(value.encode("utf-8", "replace")))
    except Unreadable:
        return value.split(",")
    return tree if isinstance(tree, list) else []


KIND = sender_kind(ZabbixSettings, _event, SHEET, severities=_SEVERITIES, fields=FIELDS)
