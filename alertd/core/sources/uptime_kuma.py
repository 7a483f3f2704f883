"""Uptime Kuma: a message, the heartbeat and the monitor; of certificates and domains the message alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from alertd.core.alerts import Status
from alertd.core.reading import json_repair, tags
from alertd.core.reading.bodies import Unreadable, host_of
from alertd.core.reading.events import Event
from alertd.core.reading.fields import text_of
from alertd.core.reading.instants import instant
from alertd.core.reading.settings import SenderSettings
from alertd.core.reading.trees import Tree, normalised
from alertd.core.sources.kind import Payload, sender_kind
from alertd.core.sources.sheets import Sheet, Template

FIELDS = ("monitor", "heartbeat", "msg", "client")
_STATES = {
    "0": Status.FIRING,
    "down": Status.FIRING,
    "1": Status.CLEARED,
    "up": Status.CLEARED,
    "2": Status.UPDATED,
    "pending": Status.UPDATED,
    "3": Status.UPDATED,
    "maintenance": Status.UPDATED,
}
_UPDATES = {"2": "pending", "3": "maintenance"}
_MESSAGES = ("msg", "message", "text", "Body", "body")  # the last four in custom bodies
_TEST = re.compile(r"\bTesting$")
# "[Mail gateway] [🔴 Down] connect ECONNREFUSED"; of certificates "[Mail gateway][https://…] … will expire"
_SAID = re.compile(
    r"\[(?P<name>[^\]]{1,300})\]\s{0,9}\[(?P<mark>[^\]]{0,300})\]\s{0,9}(?P<text>.*)", re.DOTALL
)
_EXPIRY = re.compile(r"\bexpire[sd]?\b|\bexpiring\b|\bexpiry\b", re.IGNORECASE)
_DAYS = re.compile(r"-?\d{1,6}(?=\s*days?\b)", re.IGNORECASE)
_DOMAIN = re.compile(r"\bdomain name (\S{1,255})", re.IGNORECASE)
_MARK = re.compile(r"\W*+(down|up|pending|maintenance)", re.IGNORECASE)

SHEET = Sheet(
    product="Uptime Kuma",
    summary="Reads notifications of the type Webhook: JSON, form-data, GET, and the custom body below.",
    alertname="`monitor.name`; of certificates and domains `certificate expiry`, `domain expiry`",
    title="`monitor.name`; of certificates and domains the message without its number of days",
    host="`monitor.hostname`, else the host in `monitor.url`",
    client="tag `client` (or `customer`, `company`, `tenant`), else the outermost group of the monitor",
    problem="`monitor.id`; of certificates and domains the message without its number of days",
    clears="`heartbeat.status` 1; certificates and domains never: they expire",
    tokens=("header", "url"),
    steps=(
        "In Uptime Kuma open Settings → Notifications → Setup Notification and choose Webhook.",
        "Post URL: {{url}}, request body: Preset - application/json.",
        'Additional headers: {"Authorization": "Bearer {{token}}"}',
        "Choose Default enabled and Apply on all existing monitors.",
    ),
    templates=(
        Template(
            title="Custom body, where you want to add fields of your own",
            language="text",
            text='{"msg": {{ msg | json }}, "monitor": {{ monitorJSON | json }},'
            ' "heartbeat": {{ heartbeatJSON | json }}, "client": "Contoso"}',
        ),
    ),
    severities=(("a tag `severity`", "what it says"), ("no such tag", "the source's `severity`")),
    states=(
        ("heartbeat 0", "fires"),
        ("heartbeat 1", "clears"),
        ("heartbeat 2 pending, 3 maintenance", "is told, changes nothing"),
        ("certificate or domain that will expire", "fires, and expires"),
        ("message that ends in Testing, without monitor", "ignored"),
    ),
    labels=(
        ("every tag of the monitor", "its value, or `true`"),
        ("monitor_id, monitor_type", "Uptime Kuma's id and type"),
        ("group", "the groups that the monitor is in"),
    ),
    keys=(("base_url", "address of Uptime Kuma: tickets then link to the monitor"),),
    notes=(
        "Uptime Kuma sends once: what it cannot deliver is lost, unless Resend Notification repeats it.",
        "A monitor that goes from down into maintenance and comes back up sends no recovery. Its ticket stays"
        " open until it is down and up again; `expire_after` makes an end of it.",
        "Of one certificate, warnings at 21, 14 and 7 days are one alert. It expires after 24 hours unless"
        " `expire_after` says otherwise.",
    ),
)


class UptimeKumaSettings(SenderSettings):
    """`[[sources]]` with `kind = "uptime-kuma"`."""

    kind: Literal["uptime-kuma"]
    base_url: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""


def _event(item: dict[str, Tree], payload: Payload, settings: UptimeKumaSettings) -> Event:
    monitor, heartbeat = _object(item.get("monitor")), _object(item.get("heartbeat"))
    message = next(filter(None, (text_of(item.get(name)) for name in _MESSAGES)), "")
    if heartbeat or (monitor and not _EXPIRY.search(message)):
        return _beat(item, monitor, heartbeat, settings)
    if not message:
        raise Unreadable("shape", "neither monitor, heartbeat nor msg: not what Uptime Kuma sends")
    return _message(message, text_of(item.get("client")))


def _beat(
    item: dict[str, Tree],
    monitor: Mapping[str, Any],
    heartbeat: Mapping[str, Any],
    settings: UptimeKumaSettings,
) -> Event:
    word = text_of(heartbeat.get("status")) or _marked(text_of(item.get("msg")))
    status = _STATES.get(word.lower())
    labels = tags.labels_of(_tags(monitor.get("tags")))
    groups = _groups(monitor)
    number = text_of(monitor.get("id")) or text_of(heartbeat.get("monitorID"))
    name = text_of(monitor.get("name"))
    at = instant(heartbeat.get("time"))
    is_over = status is Status.CLEARED
    return Event(
        key=("monitor", number) if number else ("name", name) if name else (),
        status=status or Status.FIRING,
        unknown_status="" if status else word,
        alertname=name,
        title=name,
        description=_said(heartbeat, item),
        url=f"{settings.base_url.rstrip('/')}/dashboard/{number}" if settings.base_url and number else "",
        host=_host(monitor),
        client=text_of(item.get("client")) or tags.client_of(labels) or (groups[0] if groups else ""),
        severity=labels.get("severity", ""),
        labels=labels
        | {
            "monitor_id": number,
            "monitor_type": text_of(monitor.get("type")),
            "group": " / ".join(groups),
        },
        annotations={
            "monitor_description": text_of(monitor.get("description")),
            "update": _UPDATES.get(word, word) if status is Status.UPDATED else "",
        },
        starts_at=instant(heartbeat.get("lastDownTime")) if is_over else at,
        ends_at=at if is_over else None,
    )


def _message(message: str, client: str) -> Event:
    """Read a message without monitor: all that a custom body has kept, what will expire, or the test."""
    said, word = _SAID.match(message), _marked(message)
    if said and word:
        return Event(
            key=("name", said["name"]),
            status=_STATES[word],
            alertname=said["name"],
            title=said["name"],
            description=said["text"],
            client=client,
            annotations={"update": word if _STATES[word] is Status.UPDATED else ""},
        )
    return _expiry(message, client) if _EXPIRY.search(message) else _other(message, client)


def _marked(message: str) -> str:
    """Return `down`, `up` and the like from `[name] [🔴 Down] …`; empty if there is no such mark."""
    said = _SAID.match(message)
    mark = _MARK.fullmatch(said["mark"]) if said else None
    return mark[1].lower() if mark else ""


def _other(message: str, client: str) -> Event:
    is_test = _TEST.search(message) is not None
    return Event(
        key=("message", message),
        status=Status.IGNORED if is_test else Status.FIRING,
        alertname="message",
        title=message,
        client=client,
        annotations={"ignored": "test message" if is_test else ""},
        is_one_shot=True,
    )


def _expiry(message: str, client: str) -> Event:
    """Read what will expire. Its end is never told; the days that are left are no part of it."""
    title = " ".join(_DAYS.sub("…", message).split())
    said, domain = _SAID.match(message), _DOMAIN.search(message)
    monitor = said["name"] if said else ""
    return Event(
        key=("expiry", title),
        status=Status.FIRING,
        alertname="domain expiry" if domain and not said else "certificate expiry",
        title=title,
        description=message,
        host=(domain[1] if domain else "") if not said else host_of(said["mark"]),
        client=client,
        labels={"monitor": monitor},
        is_one_shot=True,
    )


def _said(heartbeat: Mapping[str, Any], item: dict[str, Tree]) -> str:
    text = text_of(heartbeat.get("msg"))
    return text_of(item.get("msg")) if text in {"", "N/A"} else text


def _host(monitor: Mapping[str, Any]) -> str:
    """Return the host; monitors without an address have the placeholder `https://`."""
    return text_of(monitor.get("hostname")) or host_of(text_of(monitor.get("url")))


def _groups(monitor: Mapping[str, Any]) -> list[str]:
    """Return the groups around the monitor, the outermost first; its own name comes last in the path."""
    path = monitor.get("path")
    return [text_of(each) for each in path[:-1] if text_of(each)] if isinstance(path, list) else []


def _tags(value: Tree) -> Iterator[tuple[str, str]]:
    for each in value if isinstance(value, list) else []:
        if isinstance(each, dict):
            yield text_of(each.get("name")), text_of(each.get("value"))


def _object(value: Tree) -> Mapping[str, Any]:
    """Return an object, out of a JSON text if it must be."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = normalised(json_repair.decode(value.encode("utf-8", "replace")))
        except Unreadable:
            return {}
    return value if isinstance(value, dict) else {}


KIND = sender_kind(UptimeKumaSettings, _event, SHEET, fields=FIELDS, takes_queries=True)
