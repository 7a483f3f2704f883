"""Datto RMM: a body typed by the operator, so alertd's own; nothing in it is escaped by the sender."""

from __future__ import annotations

import re
from typing import Literal

from alertd.core.alerts import Severity, Status
from alertd.core.reading.bodies import Unreadable
from alertd.core.reading.events import Event
from alertd.core.reading.fields import text_of
from alertd.core.reading.settings import SenderSettings
from alertd.core.reading.trees import Tree
from alertd.core.sources.kind import Payload, sender_kind
from alertd.core.sources.sheets import Sheet, Template

_VARIABLES = (
    ("alertUid", "[alert_uid]"),
    ("alertType", "[alert_type]"),
    ("alertCategory", "[alert_category]"),
    ("alertPriority", "[alert_priority]"),
    ("alertMessage", "[alert_message_en]"),
    ("deviceUid", "[device_uid]"),
    ("deviceId", "[device_id]"),
    ("hostname", "[device_hostname]"),
    ("deviceOs", "[device_os]"),
    ("deviceDescription", "[device_description]"),
    ("externalIp", "[device_ip]"),
    ("lastUser", "[last_user]"),
    ("siteUid", "[site_uid]"),
    ("siteId", "[site_id]"),
    ("siteName", "[site_name]"),
    ("platform", "[platform]"),
)
FIELDS = (
    "eventType",
    *(name for name, _ in _VARIABLES),
    *("event", "event_type", "alertMessageEn", "trigger", "client"),
)
_SEVERITIES = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "moderate": Severity.WARNING,
    "low": Severity.LOW,
    "information": Severity.INFO,
}
_STATES = {
    **dict.fromkeys(("alert.raised", "raised", "triggered", "open"), Status.FIRING),
    **dict.fromkeys(("alert.resolved", "resolved", "closed"), Status.CLEARED),
    **dict.fromkeys(("alert.test", "test"), Status.IGNORED),
}
_VARIABLE = re.compile(r"\[[a-z][a-z_]*\]")
_PLATFORM = re.compile(r"[a-z0-9-]{1,40}")


def _template(event: str) -> str:
    fields = (("eventType", event), *_VARIABLES)
    return "{\n" + ",\n".join(f'  "{name}": "{value}"' for name, value in fields) + "\n}\n"


SHEET = Sheet(
    product="Datto RMM",
    summary="Reads the two bodies below: one for alerts that are raised, one for those that are resolved.",
    alertname="`alertCategory`, else `alertType`",
    title="`alertCategory`, else `alertType`",
    host="`hostname`",
    client="`siteName`; `siteUid` or `siteId` through `clients`",
    problem="`alertUid`; without it `deviceUid`, `alertType` and `alertCategory`",
    clears="`eventType` `alert.resolved`, if the second body is set up",
    tokens=("header", "url"),
    steps=(
        "In Datto RMM open Setup → Integrations → Webhooks (or the response of one monitor) and add one.",
        "URL: {{url}}, method: POST. Header `Authorization: Bearer {{token}}`, header"
        " `Content-Type: application/json`.",
        "Paste the first body for alerts that are raised and the second one for alerts that are resolved.",
        "Where there is no place for the second body, take the line with `eventType` out of the first:"
        " such alerts expire.",
    ),
    templates=(
        Template(title="Body when an alert is raised", text=_template("alert.raised")),
        Template(title="Body when an alert is resolved", text=_template("alert.resolved")),
    ),
    severities=(
        ("Critical", "critical"),
        ("High", "high"),
        ("Moderate", "warning"),
        ("Low", "low"),
        ("Information", "info"),
    ),
    states=(
        ("eventType alert.raised", "fires"),
        ("eventType alert.resolved", "clears"),
        ("no eventType", "fires, and expires"),
        ("eventType alert.test, or variables that nobody filled in", "ignored"),
    ),
    labels=(
        ("device_uid, device_id", "Datto's ids of the device"),
        ("client_id", "`siteUid`, else `siteId`"),
        ("alert_type", "`alertType`, such as `perf_disk_usage_ctx`"),
    ),
    notes=(
        "Datto escapes nothing: quotes, line ends and Windows paths in a value break the JSON. They are read"
        " all the same while the names of the fields stay as above.",
        "What comes without `eventType` is never told to be over: it expires after 24 hours, unless"
        " `expire_after` says otherwise.",
        "Datto sends no time: what counts is when the message came.",
        "`[alert_message]` is in the account's language, `[alert_message_en]` in English.",
    ),
)


class DattoRmmSettings(SenderSettings):
    """`[[sources]]` with `kind = "datto-rmm"`."""

    kind: Literal["datto-rmm"]


def _event(item: dict[str, Tree], payload: Payload, settings: DattoRmmSettings) -> Event:
    if not any(name in item for name in ("alertUid", "alertType", "alertCategory", "alertMessage")):
        raise Unreadable(
            "shape", "none of alertUid, alertType, alertCategory, alertMessage: not our template"
        )

    def text(*names: str) -> str:
        found = (text_of(item.get(name)) for name in names)
        return next((value for value in found if value and not _VARIABLE.fullmatch(value)), "")

    is_test = bool(_VARIABLE.fullmatch(text_of(item.get("alertUid")))) and not text("deviceUid", "hostname")
    word = text("eventType", "event", "event_type")
    status = _STATES.get(word.lower(), Status.FIRING)
    status = Status.IGNORED if is_test else status
    uid = text("alertUid")
    device = text("deviceUid", "deviceId", "hostname")
    content = ("alert", device, text("alertType"), text("alertCategory"))
    name = text("alertCategory", "alertType")
    return Event(
        key=(uid,) if uid else content if device else (),
        status=status,
        unknown_status=word if word and word.lower() not in _STATES else "",
        alertname=name,
        title=name,
        description=text("alertMessage", "alertMessageEn", "trigger"),
        url=_url(text("platform"), uid),
        host=text("hostname"),
        client=text("client", "siteName"),
        client_id=text("siteUid", "siteId"),
        severity=text("alertPriority"),
        labels={
            "device_uid": text("deviceUid"),
            "device_id": text("deviceId"),
            "alert_type": text("alertType"),
            "external_ip": text("externalIp"),
        },
        annotations={
            "device_os": text("deviceOs"),
            "device_description": text("deviceDescription"),
            "last_user": text("lastUser"),
            "ignored": "test message" if status is Status.IGNORED else "",
        },
        is_one_shot=not word,
    )


def _url(platform: str, uid: str) -> str:
    return f"https://{platform}.rmm.datto.com/alert/{uid}" if uid and _PLATFORM.fullmatch(platform) else ""


KIND = sender_kind(DattoRmmSettings, _event, SHEET, severities=_SEVERITIES, fields=FIELDS)
