"""NinjaOne: the feed of activities, of which only those of conditions are problems."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from alertd.core.alerts import Severity, Status
from alertd.core.reading.bodies import Unreadable
from alertd.core.reading.events import Event
from alertd.core.reading.fields import first_of, listed, text_of
from alertd.core.reading.instants import instant
from alertd.core.reading.paths import Scope
from alertd.core.reading.settings import SenderSettings
from alertd.core.reading.trees import Tree
from alertd.core.sources.kind import Payload, sender_kind
from alertd.core.sources.sheets import Sheet, Template

_SEVERITIES = {
    "critical": Severity.CRITICAL,
    "major": Severity.HIGH,
    "moderate": Severity.WARNING,
    "minor": Severity.LOW,
    "none": Severity.INFO,
    # of `priority`, where there is no severity
    "high": Severity.HIGH,
    "medium": Severity.WARNING,
    "low": Severity.LOW,
}
_STATES = {
    "triggered": Status.FIRING,
    "reset": Status.CLEARED,
    "acknowledged": Status.UPDATED,
}
# How a script fares that a condition has started: not a problem of its own.
_PROGRESS = frozenset(
    (
        *("start_requested", "started", "in_process", "completed", "cancel_requested", "cancelled"),
        *("blocked", "scheduled", "aborted", "finished"),
    )
)
_CODE = first_of("data.message.code", "data.code")
_NODE_CLASS, _LOCATION_ID = first_of("device.nodeClass"), first_of("device.locationId")
_DEVICE_ID = first_of("deviceId", "device.id")
_ORGANIZATION_ID = first_of(
    *("device.organizationId", "organizationId", "device.organization.id", "organization.id"),
    *("device.references.organization.id", "references.organization.id"),
)
_ORGANIZATION = first_of(
    *("device.references.organization.name", "references.organization.name"),
    *("device.organization.name", "organization.name", "device.organizationName", "organizationName"),
)
_LOCATION = first_of("device.references.location.name", "device.location.name", "references.location.name")
_HOST = first_of("device.displayName", "device.systemName", "device.dnsName", "device.netbiosName")
_IP = first_of("device.ipAddresses.0", "device.ipAddress")
_MAC = first_of("device.macAddresses.0", "device.macAddress")
_SERIAL = first_of("device.system.serialNumber", "device.system.biosSerialNumber", "device.serialNumber")

SHEET = Sheet(
    product="NinjaOne",
    summary="Reads the webhook's activities, one a request: conditions that trigger and reset.",
    alertname="`sourceName`, unless it is NinjaOne's own such as `_average_`; else the code of the message",
    title="`sourceName` as for `alertname`, and `subject`, else `message`",
    host="`device.displayName`, else `systemName`, `dnsName`",
    client="name of the organization, if the webhook expands it; else `organizationId` through `clients`",
    problem="`deviceId` and `seriesUid`; else `deviceId` and `sourceConfigUid`",
    clears="`statusCode` `RESET`",
    tokens=("header", "url"),
    steps=(
        "Either open Administration → Apps → Notification Channels, add a Webhook with the URL"
        " {{url}}?token={{token}} (set `token_in_url = true`), and choose it in the policies' conditions.",
        "Or call `PUT /v2/webhook` of NinjaOne's API with the body below: then the token is in a header,"
        " and the customer's name comes along.",
    ),
    templates=(
        Template(
            title="Body of PUT /v2/webhook",
            text="""{
  "url": "{{url}}",
  "activities": {"CONDITION": ["*"]},
  "expand": ["device", "organization", "location"],
  "headers": [{"name": "Authorization", "value": "Bearer {{token}}"}]
}
""",
        ),
    ),
    severities=(
        ("CRITICAL", "critical"),
        ("MAJOR", "high"),
        ("MODERATE", "warning"),
        ("MINOR", "low"),
        ("NONE", "info"),
        ("no severity: priority HIGH, MEDIUM, LOW", "high, warning, low"),
        ("neither", "info, or the source's `severity` if it is set"),
    ),
    states=(
        ("TRIGGERED", "fires"),
        ("RESET", "clears"),
        ("ACKNOWLEDGED", "is told, changes nothing"),
        ("all other activities: patches, log-ons, scripts, …", "ignored"),
    ),
    labels=(
        ("client_id", "`device.organizationId`"),
        ("device_id", "`deviceId`"),
        ("activity_type", "the class of the activity"),
        ("node_class", "`WINDOWS_SERVER` and the like"),
        ("location_id, location", "of the device"),
        ("ip, mac, serial", "of the device, if the webhook expands it"),
    ),
    keys=(
        (
            "activities",
            'how the classes of activity begin that count, `["CONDITION"]` if not said; others are ignored',
        ),
        ("base_url", "such as `https://eu.ninjarmm.com`: tickets then link to the device"),
    ),
    notes=(
        "The customer is a number, unless the webhook expands the organization: list it in `clients`.",
        "`severity` and `priority` may both be missing; `severity` of the source says what that means.",
        "An activity that resets has another id than the one that triggered: alerts are not known by it.",
    ),
)


class NinjaOneSettings(SenderSettings):
    """`[[sources]]` with `kind = "ninjaone"`."""

    kind: Literal["ninjaone"]
    activities: Annotated[list[Annotated[str, Field(min_length=1)]], BeforeValidator(listed)] = Field(
        default_factory=lambda: ["CONDITION"]
    )
    base_url: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""


def _event(item: dict[str, Tree], payload: Payload, settings: NinjaOneSettings) -> Event:
    scope = Scope(item)

    def text(*names: str) -> str:
        return next(filter(None, (text_of(item.get(name)) for name in names)), "")

    if not text("activityType", "seriesUid", "statusCode"):
        raise Unreadable(
            "shape", "none of activityType, seriesUid and statusCode: not an activity of NinjaOne"
        )
    status, unknown, annotations = _status(text("activityType"), text("statusCode", "status"), settings)
    name, code = _name(text("sourceName")), _CODE(scope)
    at = instant(item.get("activityTime"))
    device = _DEVICE_ID(scope)
    return Event(
        key=_key(device, text("seriesUid"), text("sourceConfigUid"), code),
        status=status,
        unknown_status=unknown,
        alertname=name or code,
        title=": ".join(filter(None, (name, text("subject", "message")))),
        description=text("message"),
        url=_url(settings, device),
        host=_HOST(scope),
        client=_ORGANIZATION(scope),
        client_id=_ORGANIZATION_ID(scope),
        severity=text("severity", "priority") or _unsaid(settings),
        labels={
            "device_id": device,
            "activity_type": text("activityType"),
            "node_class": _NODE_CLASS(scope),
            "location_id": _LOCATION_ID(scope),
            "location": _LOCATION(scope),
            "ip": _IP(scope),
            "mac": _MAC(scope),
            "serial": _SERIAL(scope),
        },
        annotations={"activity_id": text("id"), **annotations},
        starts_at=at if status is not Status.CLEARED else None,
        ends_at=at,
    )


def _unsaid(settings: NinjaOneSettings) -> str:
    """Return the word for activities that name no severity, unless the source has one for them."""
    return "" if "severity" in settings.model_fields_set else "none"


def _name(source: str) -> str:
    """Return the name of the condition; `_average_` and the like are NinjaOne's own words."""
    return "" if source.startswith("_") and source.endswith("_") else source


def _key(device: str, series: str, config: str, code: str) -> tuple[str, ...]:
    """Return what the condition is known by. The id of the activity is another one when it resets."""
    if series:
        return ("series", device, series)
    if config:
        return ("config", device, config)
    return ("code", device, code) if device and code else ()


def _status(kind: str, word: str, settings: NinjaOneSettings) -> tuple[Status, str, dict[str, str]]:
    """Return the status, the word for it if nobody knows it, and what is to be said of it."""
    if kind and not kind.upper().startswith(tuple(each.upper() for each in settings.activities)):
        return Status.IGNORED, "", {"ignored": f"activity of class {kind}"}
    status = _STATES.get(word.lower())
    if status is None and kind.upper().startswith("CONDITION_") and word.lower() in _PROGRESS:
        return Status.IGNORED, "", {"ignored": f"{kind} {word}"}
    update = {"update": "acknowledged in NinjaOne"} if status is Status.UPDATED else {}
    return status or Status.FIRING, "" if status else word, update


def _url(settings: NinjaOneSettings, device: str) -> str:
    base = settings.base_url.rstrip("/")
    return f"{base}/#/deviceDashboard/{device}/overview" if base and device.isdecimal() else ""


KIND = sender_kind(NinjaOneSettings, _event, SHEET, severities=_SEVERITIES)
