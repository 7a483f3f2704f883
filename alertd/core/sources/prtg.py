"""Paessler PRTG: a form of placeholders, and states in the words of the server's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal, TypeAlias

import msgspec
from pydantic import BeforeValidator, Field

from alertd.core.alerts import Severity, Status
from alertd.core.reading import salvage
from alertd.core.reading.bodies import Unreadable
from alertd.core.reading.events import Event
from alertd.core.reading.fields import listed, text_of
from alertd.core.reading.settings import SenderSettings
from alertd.core.reading.trees import Tree
from alertd.core.sources.kind import Payload, sender_kind
from alertd.core.sources.sheets import Sheet, Template

FIELDS = (
    *("v", "sensorid", "deviceid", "device", "host", "group", "probe", "sensor", "status", "down"),
    *("message", "priority", "since", "link", "sitename", "tags"),
    *("client", "name", "server", "home", "location", "lastmessage", "lastvalue", "laststatus", "datetime"),
    *("groupid", "probeid", "shortname", "linksensor", "linkdevice", "comments", "commentsdevice"),
    *("lastdown", "lastup", "downtime", "uptime", "cumsince", "timezone", "parenttags", "objecttags"),
    *("serviceurl", "settings", "history", "nodename", "programname", "prio"),
)
_SEVERITIES = {
    "down": Severity.CRITICAL,
    "down (partial)": Severity.HIGH,
    "warning": Severity.WARNING,
    "unusual": Severity.LOW,
    **dict.fromkeys(("paused", "unknown"), Severity.INFO),
    **dict(zip(("*****", "****", "***", "**", "*"), Severity, strict=True)),
}
_PLACEHOLDER = re.compile(r"%[a-z]+")
_STARS = re.compile(r"\*{1,5}|[1-5]")
_NO_CUSTOMERS = {"local probe", "hosted probe"}  # what PRTG calls the probe of the server itself

Fields: TypeAlias = Callable[[str], str]
Words = Annotated[list[Annotated[str, Field(min_length=1)]], BeforeValidator(listed)]
WordName: TypeAlias = Literal[
    "down", "partial", "acknowledged", "warning", "unusual", "up", "paused", "unknown", "ended", "now"
]

SHEET = Sheet(
    product="Paessler PRTG Network Monitor",
    summary="Reads the form that a notification template with Execute HTTP Action posts.",
    alertname="`sensor`: the sensor's name",
    title="`device` / `sensor`",
    host="`host`, else `device`",
    client="`probe`, unless it is the local one; else `group`; or as `client` says",
    problem="`sensorid` (and `server` or `home`, if sent); else `deviceid` or `device`, and `sensor`",
    clears='`status` begins with Up, or says "ended" or "now: Up"',
    tokens=("url",),
    steps=(
        "Set `token_in_url = true` for the source: PRTG can set no header.",
        "Open Setup → Account Settings → Notification Templates and add one with Execute HTTP Action.",
        "URL: {{url}}?token={{token}}, method: POST, payload: the line below.",
        "Add state triggers to the root group: Down, Warning and Unusual if wanted, each with this template"
        " also for when the condition clears.",
    ),
    templates=(
        Template(
            title="Payload of Execute HTTP Action",
            language="text",
            text="v=1&sensorid=%sensorid&deviceid=%deviceid&device=%device&host=%host&group=%group&probe=%probe"
            "&sensor=%name&status=%status&down=%down&message=%message&priority=%priority&since=%since"
            "&link=%linksensor&sitename=%sitename&tags=%tags",
        ),
    ),
    severities=(
        ("Down", "critical"),
        ("Down (Partial)", "high"),
        ("Warning", "warning"),
        ("Unusual", "low"),
        ("Paused, Unknown", "info"),
        ("any other state: the sensor's stars, ***** to *", "critical, high, warning, low, info"),
    ),
    states=(
        ("Down, Down (Partial), Warning, Unusual, Unknown", "fires"),
        ('Up; anything with "ended" or "now: Up", unless it is "now: Down"', "clears"),
        ("Down (Acknowledged), Paused …", "is told, changes nothing"),
        ("placeholders that nobody filled in", "ignored"),
    ),
    labels=(
        ("device, sensor, group, probe, site", "their names"),
        ("prtg_device_id, sensor_id", "PRTG's ids"),
        ("tags", "the sensor's tags"),
    ),
    keys=(
        (
            "words",
            'what your server says, by state: `words = { down = ["Fehler"], up = ["OK"],'
            ' warning = ["Warnung"], ended = ["beendet"], now = ["jetzt:"] }`;'
            " also `partial`, `acknowledged`, `unusual`, `paused`,"
            " `unknown`. A state is known by how it begins, the longest word counts, English is understood",
        ),
    ),
    notes=(
        "Times come in the server's language and are not read: what counts is when the message came.",
        "Ampersands and percent signs in messages do no harm while the names of the fields stay as above.",
        "JSON in the payload box is read too, with the same names, though PRTG escapes nothing in it.",
        "A sensor that is paused has not said that all is well: its ticket stays open until it is up.",
        "A field `client=Contoso` may be added to the payload of one customer's template.",
    ),
)


class PrtgSettings(SenderSettings):
    """`[[sources]]` with `kind = "prtg"`."""

    kind: Literal["prtg"]
    # how the states are called, beside the English words; case does not matter
    words: dict[WordName, Words] = Field(default_factory=dict)


class _State(msgspec.Struct, frozen=True):
    status: Status
    word: str = ""  # one of _SEVERITIES; empty: the stars decide
    update: str = ""
    is_known: bool = True


_STATES: Mapping[WordName, _State] = {
    "down": _State(Status.FIRING, "down"),
    "partial": _State(Status.FIRING, "down (partial)"),
    "acknowledged": _State(Status.UPDATED, "down", "acknowledged in PRTG"),
    "warning": _State(Status.FIRING, "warning"),
    "unusual": _State(Status.FIRING, "unusual"),
    "up": _State(Status.CLEARED),
    "paused": _State(Status.UPDATED, "paused", "paused in PRTG"),
    "unknown": _State(Status.FIRING, "unknown"),
}
_UNKNOWN_STATE = _State(Status.FIRING, is_known=False)
_ENGLISH: Mapping[str, WordName] = {
    "down": "down",
    "down (partial)": "partial",
    "down (acknowledged)": "acknowledged",
    "acknowledged": "acknowledged",
    "warning": "warning",
    "unusual": "unusual",
    "up": "up",
    "paused": "paused",
    "unknown": "unknown",
}


def _event(item: dict[str, Tree], payload: Payload, settings: PrtgSettings) -> Event:
    if not any(name in item for name in ("sensorid", "sensor", "status")):
        raise Unreadable("shape", "none of sensorid, sensor and status: not the payload of PRTG's sheet")

    def text(name: str) -> str:
        value = text_of(item.get(name))
        return "" if _PLACEHOLDER.fullmatch(value) else value

    is_test = text_of(item.get("sensorid")) == "%sensorid"
    said = text("status") or text("laststatus")
    state = _state(said, settings.words)
    sensor = text("sensor") or text("name") or text("shortname")
    return Event(
        key=_key(text, sensor),
        status=Status.IGNORED if is_test else state.status,
        unknown_status="" if state.is_known else said,
        alertname=sensor,
        title=" / ".join(filter(None, (text("device"), sensor))),
        description=text("message") or text("lastmessage") or text("lastvalue"),
        url=text("link") or text("linksensor") or text("linkdevice"),
        host=text("host") or text("device"),
        client=text("client") or _customer(text),
        severity=state.word or _stars(text("priority") or text("prio")),
        labels=_labels(text, sensor),
        annotations={
            "state": said,
            "since": text("since"),
            "ignored": "test message" if is_test else "",
            "update": state.update,
        },
    )


def _key(text: Fields, sensor: str) -> tuple[str, ...]:
    server = text("server") or text("home")
    if text("sensorid"):
        return ("sensor", server, text("sensorid"))
    device = text("deviceid") or text("device")
    return ("name", server, device, sensor) if sensor else ()


def _customer(text: Fields) -> str:
    probe = text("probe")
    return text("group") if probe.lower() in {*_NO_CUSTOMERS, ""} else probe


def _labels(text: Fields, sensor: str) -> dict[str, str]:
    return {
        "device": text("device"),
        "sensor": sensor,
        "group": text("group"),
        "probe": text("probe"),
        "site": text("sitename"),
        "location": text("location"),
        "prtg_device_id": text("deviceid"),
        "sensor_id": text("sensorid"),
        "tags": text("tags"),
    }


def _stars(text: str) -> str:
    """Return the stars; a number counts them."""
    found = _STARS.fullmatch(text.replace(" ", ""))
    if found is None:
        return ""
    return "*" * int(found[0]) if found[0].isdigit() else found[0]


def _state(said: str, words: Mapping[WordName, Words]) -> _State:
    """Read the state. What says that a condition ended comes first, since it begins with the condition."""
    text = said.lower()
    now = next(
        (text.partition(word)[2].strip(" ()") for word in _all("now:", words.get("now", [])) if word in text),
        "",
    )
    state = _by_beginning(now or text, words)
    if any(_holds(text, word) for word in _all("ended", words.get("ended", []))):
        is_still_down = bool(now) and state.word in {"down", "down (partial)"}
        was = _by_beginning(text, words).word
        return state if is_still_down else msgspec.structs.replace(_STATES["up"], word=was)
    return state if said else _State(Status.FIRING)


def _by_beginning(text: str, words: Mapping[WordName, Words]) -> _State:
    """Return the state whose word the text begins with; the longest counts."""
    own = [(word.lower(), name) for name, each in words.items() if name in _STATES for word in each]
    found = [pair for pair in (*_ENGLISH.items(), *own) if _begins(text, pair[0])]
    return _STATES[max(found, key=lambda pair: len(pair[0]))[1]] if found else _UNKNOWN_STATE


def _begins(text: str, word: str) -> bool:
    return text.startswith(word) and not text[len(word) : len(word) + 1].isalnum()


def _holds(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _all(english: str, words: Sequence[str]) -> list[str]:
    return [english, *(word.lower() for word in words)]


def _items(payload: Payload) -> Sequence[Tree]:
    """Return the items; those of a form by the names in it, since PRTG does not always encode its values."""
    if isinstance(payload.tree, list):
        return payload.tree
    if payload.body.raw.strip() and salvage.is_form(payload.body.raw):
        try:
            return [payload.tree | salvage.by_fields(payload.body.raw, FIELDS)]
        except Unreadable:
            return [payload.tree]
    return [payload.tree]


KIND = sender_kind(
    PrtgSettings, _event, SHEET, severities=_SEVERITIES, fields=FIELDS, split=_items, takes_queries=True
)
