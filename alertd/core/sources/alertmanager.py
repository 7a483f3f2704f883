"""Alertmanager's webhook (version 4) and those that imitate it: Grafana, Mimir, VictoriaMetrics.

The status of each alert counts, never that of the group. The fingerprint is recomputed from the labels as
sent, so that it does not depend on who sends them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

import msgspec
from pydantic import Field

from alertd.core import identity
from alertd.core.alerts import Alert, Severity, Status
from alertd.core.reading import trees
from alertd.core.reading.bodies import (
    MAX_FIELDS,
    MAX_KEY,
    MAX_VALUE,
    Body,
    Problem,
    Reading,
    Unreadable,
    clean,
    with_own,
    without_port,
)
from alertd.core.reading.fields import text_of
from alertd.core.reading.instants import instant, utc
from alertd.core.reading.redaction import Redaction, redaction
from alertd.core.reading.settings import ClientRule, SenderSettings, compile_client, compile_number
from alertd.core.reading.tags import client_of
from alertd.core.severities import severity_of
from alertd.core.sources.kind import Kind
from alertd.core.sources.sheets import Sheet, Template

_HOST_LABELS = ("host", "instance", "exported_instance", "hostname", "node", "nodename", "device")
# a pair sends on its own, and what could not be delivered is sent again for a while
LATE_FOR = timedelta(minutes=2)
REMEMBERED = 4096  # sets of labels, of all sources together
MOST_REMEMBERED_LABELS = 32
_HEARTBEATS = frozenset({"Watchdog", "DeadMansSwitch"})
_STATUSES = {"firing": Status.FIRING, "resolved": Status.CLEARED}
_TITLES = ("title", "summary")
_DESCRIPTIONS = ("description", "message")
_URLS = ("url", "link", "runbook_url")
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")


class LabelSettings(SenderSettings):
    """`[[sources]]` whose alerts come as labels."""

    host: list[str] = Field(default_factory=lambda: list(_HOST_LABELS))  # labels, the first that is there


class AlertmanagerSettings(LabelSettings):
    """`[[sources]]` with `kind = "alertmanager"`."""

    kind: Literal["alertmanager"]


class AlertmanagerProfile(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The settings of one source, compiled."""

    source: str
    client: ClientRule
    client_number: ClientRule
    client_default: str
    host: tuple[str, ...]
    severities: Mapping[str, Severity]
    severity: Severity
    expires_after: timedelta | None
    redaction: Redaction


def compile_profile(settings: LabelSettings) -> AlertmanagerProfile:
    """Compile the settings of a source once."""
    return AlertmanagerProfile(
        source=settings.name,
        client=compile_client(settings.client, settings.clients),
        client_number=compile_number(settings.client),
        client_default=(settings.client.default if settings.client else None) or "",
        host=tuple(settings.host),
        severities={word: Severity(name) for word, name in settings.severities.items()},
        severity=Severity(settings.severity),
        expires_after=settings.expire_after or None,
        redaction=redaction(settings.redact),
    )


class SentAlert(msgspec.Struct, kw_only=True):
    """One alert of the webhook, as sent."""

    status: str = "firing"
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    startsAt: datetime | None = None  # noqa: N815 - the sender's name
    endsAt: datetime | None = None  # noqa: N815 - the sender's name
    generatorURL: str = ""  # noqa: N815 - the sender's name
    fingerprint: str = ""


class _Webhook(msgspec.Struct, kw_only=True):
    alerts: list[SentAlert]
    truncatedAlerts: int = 0  # noqa: N815 - the sender's name
    externalURL: str = ""  # noqa: N815 - the sender's name


_DECODE = msgspec.json.Decoder(_Webhook).decode


class Context(msgspec.Struct, frozen=True):
    """What the alerts of one request share."""

    profile: AlertmanagerProfile
    client: str  # `?client=`
    peer: str
    external_url: str = ""
    truncated: int = 0


def read(body: Body, profile: AlertmanagerProfile, *, received_at: datetime) -> Reading:
    """Read a webhook of Alertmanager or one of its imitators.

    Args:
        body: The request.
        profile: What `compile_profile` made.
        received_at: Not used: this format carries its own times.

    Raises:
        Unreadable: The body is not such a webhook at all.
    """
    try:
        hook = _DECODE(body.raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_loosely(body, profile)
    if _holds_odd_text(body.raw):
        return _read_loosely(body, profile)
    context = Context(profile, body.client, body.peer, hook.externalURL, hook.truncatedAlerts)
    return _read_all(hook.alerts, context)


def _holds_odd_text(raw: bytes) -> bool:
    """Whether some text may have to be cleaned; what the decoder accepted has no lone surrogates."""
    return len(raw) > MAX_VALUE or b"\\u0000" in raw


def _read_loosely(body: Body, profile: AlertmanagerProfile) -> Reading:
    """Read what is nearly right: repaired JSON, numbers for texts, one bad alert among good ones."""
    tree = trees.tree_of(body)
    items = tree.get("alerts") if isinstance(tree, dict) else None
    if not isinstance(items, list):
        raise Unreadable("shape", "there is no list of alerts")
    truncated = tree.get("truncatedAlerts")
    context = Context(
        profile,
        body.client,
        body.peer,
        text_of(tree.get("externalURL")),
        truncated if isinstance(truncated, int) else 0,
    )
    return _read_all([sent_alert(item) for item in items], context)


def sent_alert(item: Any) -> SentAlert | None:
    """Return one item of `alerts` as far as it can be made out, or None if it is not an object."""
    if not isinstance(item, dict):
        return None
    return SentAlert(
        status=text_of(item.get("status")) or "firing",
        labels=_texts(item.get("labels")),
        annotations=_texts(item.get("annotations")),
        startsAt=instant(item.get("startsAt")),
        endsAt=instant(item.get("endsAt")),
        generatorURL=text_of(item.get("generatorURL")),
        fingerprint=text_of(item.get("fingerprint")),
    )


def _texts(tree: Any) -> dict[str, str]:
    return {name: text_of(value) for name, value in tree.items()} if isinstance(tree, dict) else {}


def _read_all(items: list[SentAlert] | list[SentAlert | None], context: Context) -> Reading:
    alerts: list[Alert] = []
    problems: list[Problem] = []
    for index, sent in enumerate(items):
        try:
            alerts.append(read_one(sent, context))
        except Unreadable as exc:
            problems.append(Problem(index, exc.reason, exc.detail))
    return Reading(tuple(alerts), tuple(problems))


def read_one(sent: SentAlert | None, context: Context) -> Alert:
    """Read one alert of a webhook.

    Raises:
        Unreadable: It is not an object, or `alert_of` refuses it.
    """
    if sent is None:
        raise Unreadable("shape", "the alert is not an object")
    status = _STATUSES.get(sent.status) or _STATUSES.get(sent.status.strip().lower())
    annotations: dict[str, str] = {}
    if status is None:
        annotations["unknown_status"] = sent.status
    alert = alert_of(sent, context, status or Status.FIRING, annotations)
    if context.truncated > 0:
        alert.annotations["truncated_alerts"] = str(context.truncated)
    return alert


def alert_of(sent: SentAlert, context: Context, status: Status, annotations: dict[str, str]) -> Alert:
    """Return the alert that a set of labels stands for.

    Args:
        sent: As sent; the labels as they came.
        context: What the request and the source say for all its alerts.
        status: What the message says; a heartbeat is ignored all the same.
        annotations: Ours, to which the sender's and the rest of ours are added.

    Raises:
        Unreadable: It has neither labels nor a fingerprint, or too many or too long ones.
    """
    profile = context.profile
    known = _recognised(profile, tuple(sent.labels.items()), context.client, sent.fingerprint)
    if len(sent.annotations) > MAX_FIELDS:
        raise Unreadable("limits", f"more than {MAX_FIELDS} annotations")
    return Alert(
        source=profile.source,
        fingerprint=known.fingerprint,
        status=Status.IGNORED if known.is_no_alert else status,
        severity=known.severity,
        labels=known.complete,
        annotations=_annotations(sent, known.complete, context) | known.annotations | annotations,
        starts_at=utc(sent.startsAt),
        ends_at=utc(sent.endsAt) if status is Status.CLEARED else None,
        expires_after=profile.expires_after,
        late_for=LATE_FOR,
        sent_labels=known.labels,
    )


class _Recognised(msgspec.Struct, frozen=True):
    """All that follows from a set of labels alone. Alerts come again and again, so it is remembered."""

    labels: dict[str, str]
    complete: dict[str, str]
    fingerprint: str
    severity: Severity
    annotations: dict[str, str]
    is_no_alert: bool


def _recognise(
    profile: AlertmanagerProfile, pairs: tuple[tuple[str, str], ...], client: str, sent_fingerprint: str
) -> _Recognised:
    labels = {name: value for name, value in pairs if value}
    _check_limits(labels)
    fingerprint = _fingerprint(labels, sent_fingerprint)
    annotations: dict[str, str] = {}
    severity = _severity(labels.get("severity", ""), profile, annotations)

    def read(name: str) -> str:
        return labels.get(name) or (client_of(labels) if name == "client" else "")

    own = {
        "alertname": labels.get("alertname") or fingerprint,
        "severity": severity.value,
        "source": profile.source,
        "client": profile.client(read) or client or profile.client_default,
        "client_id": labels.get("client_id") or profile.client_number(lambda name: labels.get(name, "")),
        "host": next((without_port(labels[name]) for name in profile.host if name in labels), ""),
    }
    complete = with_own(labels, own)
    return _Recognised(labels, complete, fingerprint, severity, annotations, _is_no_alert(labels))


_recognised_small = lru_cache(maxsize=REMEMBERED)(_recognise)


def _recognised(
    profile: AlertmanagerProfile, pairs: tuple[tuple[str, str], ...], client: str, sent_fingerprint: str
) -> _Recognised:
    """Recognise, from memory where the labels are few: large sets would fill it."""
    remembers = len(pairs) <= MOST_REMEMBERED_LABELS
    return (_recognised_small if remembers else _recognise)(profile, pairs, client, sent_fingerprint)


def _check_limits(labels: dict[str, str]) -> None:
    if len(labels) > MAX_FIELDS:
        raise Unreadable("limits", f"more than {MAX_FIELDS} labels")
    if any(len(name) > MAX_KEY for name in labels):
        raise Unreadable("limits", f"a label name is longer than {MAX_KEY} characters")


def _fingerprint(labels: dict[str, str], sent: str) -> str:
    if labels:
        return identity.fingerprint(labels)
    if _FINGERPRINT.fullmatch(sent):
        return sent
    raise Unreadable("shape", "the alert has neither labels nor a fingerprint")


def _severity(word: str, profile: AlertmanagerProfile, annotations: dict[str, str]) -> Severity:
    if not word:
        return profile.severity
    found = severity_of(word, profile.severities)
    if found is None:
        annotations["unknown_severity"] = word
    return found or Severity.WARNING


def _is_no_alert(labels: dict[str, str]) -> bool:
    """Heartbeats, and the test message of Grafana's contact points."""
    name = labels.get("alertname", "")
    return name in _HEARTBEATS or (name == "TestAlert" and labels.get("instance") == "Grafana")


def _annotations(sent: SentAlert, labels: dict[str, str], context: Context) -> dict[str, str]:
    annotations = {name: value for name, value in sent.annotations.items() if value}
    own = {
        "title": _first(annotations, _TITLES) or labels["alertname"],
        "description": _first(annotations, _DESCRIPTIONS),
        "url": sent.generatorURL or _first(annotations, _URLS) or context.external_url,
    }
    return annotations | {name: clean(value) for name, value in own.items() if value}


def _first(annotations: dict[str, str], names: tuple[str, ...]) -> str:
    return next((annotations[name] for name in names if name in annotations), "")


SHEET = Sheet(
    product="Prometheus Alertmanager",
    summary="Reads Alertmanager's webhook, version 4, and that of Mimir, Cortex, Thanos and VictoriaMetrics.",
    alertname="label `alertname`, else the fingerprint",
    title="annotation `title`, `summary`, else `alertname`",
    host="first of the labels in `host`, without port",
    client="label `client` (or `customer`, `company`, `tenant`), or as `client` says",
    problem="all labels as sent: Alertmanager's own fingerprint",
    clears="status `resolved` of the alert",
    tokens=("header", "basic", "url"),
    steps=(
        "Add the receiver below to alertmanager.yml and name it in a route.",
        "Put the token into the file that `credentials_file` names.",
        "Reload Alertmanager.",
    ),
    templates=(
        Template(
            title="alertmanager.yml",
            language="yaml",
            text="""receivers:
- name: alertd
  webhook_configs:
  - url: {{url}}
    send_resolved: true
    http_config:
      authorization:
        type: Bearer
        credentials: {{token}}
""",
        ),
    ),
    severities=(
        ("critical, page, disaster", "critical"),
        ("error, high, major", "high"),
        ("warning, medium, minor", "warning"),
        ("low", "low"),
        ("info, none", "info"),
    ),
    states=(("firing", "fires"), ("resolved", "clears")),
    notes=(
        "Of a batch each alert counts for itself; the status of the group is not read.",
        "`Watchdog` and `DeadMansSwitch` are heartbeats and make no ticket.",
        "Prometheus can also send straight to `/api/v2/alerts`, without Alertmanager.",
    ),
)

KIND = Kind(settings=AlertmanagerSettings, compile_profile=compile_profile, read=read, sheet=SHEET)
