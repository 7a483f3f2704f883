"""N-able N-central: XML notifications made of keywords, and the JSON of its custom PSA integration."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Literal
from urllib.parse import unquote_plus
from zoneinfo import ZoneInfo

from alertd.core.alerts import Severity, Status
from alertd.core.reading.bodies import Unreadable, without_port
from alertd.core.reading.events import Event
from alertd.core.reading.instants import instant
from alertd.core.reading.objects import list_in, text_in
from alertd.core.reading.settings import SenderSettings
from alertd.core.reading.tags import labels_of
from alertd.core.reading.trees import Tree
from alertd.core.reading.zones import ZoneName
from alertd.core.sources.kind import Payload, sender_kind
from alertd.core.sources.sheets import Sheet, Template

_NO_DATA = "no data"  # as it is written in settings
_STATES = {
    **dict.fromkeys(("failed", "warning", "stale", "nodata", "misconfigured", "disconnected"), Status.FIRING),
    "normal": Status.CLEARED,
}
_SEVERITIES = {
    "failed": Severity.CRITICAL,
    "stale": Severity.WARNING,
    _NO_DATA: Severity.WARNING,
    "disconnected": Severity.WARNING,
    "misconfigured": Severity.LOW,
}
_ACTIONS = {
    "create": Status.FIRING,
    "reopen": Status.FIRING,
    "update": Status.UPDATED,
    "close": Status.CLEARED,
}
_KEYWORDS = (
    *(
        "ActiveNotificationTriggerID",
        "CustomerName",
        "DeviceName",
        "DeviceURI",
        "AffectedService",
        "TaskIdent",
    ),
    *("QualitativeOldState", "QualitativeNewState", "QuantitativeNewState", "TimeOfStateChange"),
    *("NcentralURI", "ProbeURI", "ExternalCustomerID"),
)
_PROPERTIES = ("deviceproperty", "customerproperty")  # keywords with a parameter
_KNOWN = frozenset({*(name.lower() for name in _KEYWORDS), "ncentralticketid", "action"})
_DEPTH = 4  # envelopes around a notification
_LATE_FOR = timedelta(minutes=2)  # local clocks are set back once a year
_NO_LETTER = re.compile(r"[^a-z]")
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_SPACE = re.compile(r"\s")

SHEET = Sheet(
    product="N-able N-central",
    summary="Reads HTTP-XML notifications, and what N-central sends to a custom PSA.",
    alertname="`AffectedService`; of a custom PSA's ticket the problem key",
    title="`AffectedService` on `DeviceName`; `title`",
    host="`DeviceName`, else `DeviceURI`",
    client="`CustomerName`",
    problem="`CustomerName`, `DeviceName`, `AffectedService` and `TaskIdent`; `ncentralTicketId`",
    clears="`QualitativeNewState` Normal; `action` close",
    tokens=("url",),
    steps=(
        "In N-central create a user with the notification method HTTP-XML, and give it this address: {{url}}",
        "List the keywords below in the notification template for HTTP-XML; what is not listed is not sent.",
        "Have notifications sent to this user, also when a service returns to normal.",
    ),
    templates=(
        Template(
            title="Keywords of the notification template", text="\n".join(_KEYWORDS) + "\n", language="text"
        ),
    ),
    severities=(
        ("Failed", "critical"),
        ("Warning, Stale, No Data, Disconnected", "warning"),
        ("Misconfigured", "low"),
        ("Normal", "that of `QualitativeOldState`"),
    ),
    states=(
        ("Failed, Warning, Stale, No Data, Misconfigured, Disconnected", "fires"),
        ("Normal", "clears"),
        ("`action` create, reopen", "fires"),
        ("`action` update", "is told in the ticket's next note"),
        ("`action` close", "clears"),
    ),
    labels=(
        ("service", "`AffectedService`"),
        ("task", "`TaskIdent`"),
        ("company_id", "`ExternalCustomerID`: the customer's id in the PSA, if N-central has it"),
        ("ip", "`DeviceURI`, where it is an address"),
        ("probe", "`ProbeURI`"),
        ("custom_tag", "`customTag`"),
        ("the `parameter` of a DeviceProperty or CustomerProperty", "its value"),
    ),
    keys=(("timezone", "zone of the N-central server: `TimeOfStateChange` names none"),),
    notes=(
        "N-central can set no header, so the token is in the address: set `token_in_url = true`.",
        "HTTP-XML needs the licence option that allows third-party APIs.",
        "Keep `AffectedService` and `TaskIdent` in the template: without them a device has but one problem.",
        "As a custom PSA alertd gives no ticket number back, so the ticket stays pending in N-central.",
    ),
)


class NCentralSettings(SenderSettings):
    """`[[sources]]` with `kind = "n-central"`."""

    kind: Literal["n-central"]
    timezone: ZoneName = "UTC"


def _split(payload: Payload) -> Sequence[Tree]:
    """Return the notifications, whatever they are wrapped in."""
    if isinstance(payload.tree, list):
        return payload.tree
    return list(_notifications(payload.tree, 1)) or [payload.tree]


def _notifications(tree: Tree, depth: int) -> Iterator[Tree]:
    if isinstance(tree, dict) and any(name.lower() in _KNOWN for name in tree):
        yield tree
    elif isinstance(tree, (dict, list)) and depth <= _DEPTH:
        for each in tree.values() if isinstance(tree, dict) else tree:
            yield from _notifications(each, depth + 1)


def _event(item: dict[str, Tree], payload: Payload, settings: NCentralSettings) -> Event:
    fields = {name.lower(): value for name, value in item.items()}
    if not fields.keys() & _KNOWN:
        raise Unreadable("shape", "none of N-central's keywords is in it: list them in the template")
    if "action" in fields or "ncentralticketid" in fields:
        return _psa_ticket(fields)
    return _notification(fields, settings)


def _notification(fields: dict[str, Tree], settings: NCentralSettings) -> Event:
    word = text_in(fields, "qualitativenewstate")
    status = _STATES.get(_normal(word))
    at = instant(fields.get("timeofstatechange"), zone=ZoneInfo(settings.timezone))
    service, host = text_in(fields, "affectedservice"), text_in(fields, "devicename", "deviceuri")
    return Event(
        key=_key(fields),
        status=status or Status.FIRING,
        unknown_status="" if status else word,
        alertname=service,
        title=" on ".join(filter(None, (service, host))),
        description=_decoded(text_in(fields, "quantitativenewstate")),
        url=_link(text_in(fields, "ncentraluri")),
        host=host,
        client=text_in(fields, "customername"),
        severity=_severity(word if status is not Status.CLEARED else text_in(fields, "qualitativeoldstate")),
        labels=_labels(fields),
        annotations={"trigger_id": text_in(fields, "activenotificationtriggerid")},
        starts_at=at if status is not Status.CLEARED else None,
        ends_at=at,
        late_for=_LATE_FOR,
    )


def _normal(word: str) -> str:
    return _NO_LETTER.sub("", word.lower())


def _severity(word: str) -> str:
    """Return the state as a severity's word; of what is no state, or a good one, nothing."""
    known = _normal(word)
    if _STATES.get(known) is Status.CLEARED:
        return ""
    if known not in _STATES:
        return word
    return _NO_DATA if known == _normal(_NO_DATA) else known


def _key(fields: dict[str, Tree]) -> tuple[str, ...]:
    """Return what the problem is. The trigger's id stands in only where nothing else says it."""
    device, service = text_in(fields, "devicename", "deviceuri"), text_in(fields, "affectedservice")
    if not (device or service):
        return (text_in(fields, "activenotificationtriggerid"),)
    customer = text_in(fields, "customername", "externalcustomerid")
    return (customer, device, service, text_in(fields, "taskident"))


def _decoded(text: str) -> str:
    """Return a text of which N-central has made part of a URL as it was."""
    return unquote_plus(text) if _ESCAPED.search(text) and not _SPACE.search(text) else text


def _link(server: str) -> str:
    return server if "://" in server or not server else f"https://{server}"


def _labels(fields: dict[str, Tree]) -> Mapping[str, str]:
    return {
        **labels_of(_properties(fields)),
        "service": text_in(fields, "affectedservice"),
        "task": text_in(fields, "taskident"),
        "company_id": text_in(fields, "externalcustomerid"),
        "ip": _address(text_in(fields, "deviceuri")),
        "probe": text_in(fields, "probeuri"),
    }


def _properties(fields: dict[str, Tree]) -> Iterator[tuple[str, str]]:
    for keyword in _PROPERTIES:
        for each in list_in(fields, keyword):
            if name := text_in(each, "@parameter"):
                yield name, text_in(each, "#text")


def _address(device: str) -> str:
    host = without_port(device)
    try:
        return ipaddress.ip_address(host).compressed
    except ValueError:
        return ""


def _psa_ticket(fields: dict[str, Tree]) -> Event:
    word, details = text_in(fields, "action"), text_in(fields, "details")
    status = _ACTIONS.get(word.lower())
    number = text_in(fields, "ncentralticketid")
    return Event(
        key=("ticket", number) if number else ("",),
        status=status or Status.FIRING,
        unknown_status="" if status else word,
        title=text_in(fields, "title"),
        description=details,
        labels={"custom_tag": text_in(fields, "customtag")},
        annotations={"update": details or "updated in N-central"} if status is Status.UPDATED else {},
    )


KIND = sender_kind(NCentralSettings, _event, SHEET, severities=_SEVERITIES, split=_split)
