"""Grafana Alerting: Alertmanager's shape with more in it; and the flat body of legacy alerting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from alertd.core import identity
from alertd.core.alerts import Alert, Status
from alertd.core.reading import trees
from alertd.core.reading.bodies import Body, Problem, Reading, Unreadable, clean
from alertd.core.reading.events import Event
from alertd.core.reading.fields import text_of
from alertd.core.reading.redaction import Redaction
from alertd.core.reading.signatures import Hmac
from alertd.core.reading.signing import SignatureHeaderKeys
from alertd.core.reading.tags import client_of
from alertd.core.reading.trees import Tree
from alertd.core.sources import alertmanager
from alertd.core.sources.alertmanager import AlertmanagerProfile, Context, LabelSettings, SentAlert
from alertd.core.sources.kind import Kind, Payload, Profile, sender_kind
from alertd.core.sources.sheets import Sheet

_TEST = "Notification test"  # summary of the contact point's test; all else of it can be changed there
# Alerts of Grafana's own about a rule that could not be evaluated: the rule's name is in a label.
_ABOUT_RULES = {"DatasourceNoData": "no data", "DatasourceError": "the data source fails"}
_ANNOTATIONS = {
    "ruleUID": "rule_uid",
    "values": "values",
    "valueString": "value_string",
    "silenceURL": "silence_url",
    "dashboardURL": "dashboard_url",
    "panelURL": "panel_url",
    "imageURL": "image_url",
}
_LEGACY_STATES = {
    "alerting": Status.FIRING,
    "no_data": Status.FIRING,
    "ok": Status.CLEARED,
    "paused": Status.UPDATED,
    "pending": Status.UPDATED,
}

SHEET = Sheet(
    product="Grafana Alerting",
    summary="Reads the contact point Webhook without a custom payload, and legacy alerting's webhook.",
    alertname="label `alertname`; of `DatasourceNoData` and `DatasourceError` `rulename`; legacy `ruleName`",
    title="annotation `title`, `summary`, else `alertname`; legacy `ruleName`",
    host="first of the labels in `host`, without port; legacy the same in the tags of `evalMatches`",
    client="label `client` (or `customer`, `company`, `tenant`), or as `client` says",
    problem="`orgId` and `fingerprint` (without it all labels); legacy `orgId` and `ruleId`",
    clears="status `resolved` of the alert; legacy state `ok`",
    tokens=("header", "basic", "signature", "url"),
    steps=(
        "In Grafana open Alerting → Contact points → Add contact point and choose Webhook.",
        "URL: {{url}}, HTTP method: POST.",
        "Under optional settings choose Authorization header: scheme Bearer, credentials {{token}}.",
        "Leave Disable resolved message off, and leave the custom payload empty.",
        "Choose the contact point in a notification policy. Test sends a message that makes no ticket.",
    ),
    severities=(
        ("label `severity` critical, page, disaster", "critical"),
        ("error, high, major", "high"),
        ("warning, medium, minor", "warning"),
        ("low", "low"),
        ("info, none", "info"),
        ("no such label", "the source's `severity`"),
    ),
    states=(
        ("firing; legacy alerting, no_data", "fires"),
        ("resolved; legacy ok", "clears"),
        ("legacy paused, pending", "is told, changes nothing"),
        ("alertname TestAlert, summary Notification test; legacy ruleId 0", "ignored"),
    ),
    labels=(
        ("org_id", '`orgId`: `client = { lookup = "org_id" }` with `clients` names the customer by it'),
        (
            "grafana_folder",
            'the folder of the rule; where it is the customer: `client = { label = "grafana_folder" }`',
        ),
    ),
    keys=(
        ("host", "labels, the first that is there is the device"),
        ("signature", '`"required"` lets in only what is signed'),
        ("signature_header", "the header of the signature, as under HMAC signature in Grafana"),
        ("signature_timestamp_header", "the header of its time stamp, as there"),
        ("signature_window", "how old a time stamp may be"),
    ),
    notes=(
        "Version 12 can sign: under HMAC signature the source's token is the secret. Choose a timestamp "
        "header too, and name it in `signature_timestamp_header`: without it old messages can be repeated.",
        "Of a batch each alert counts for itself; the status of the group is not read.",
        "A rule without data, or whose data source fails, is an alert of its own with an end of its own.",
        "A rule that is deleted while it fires sends no end in some versions.",
        'A custom payload (version 12) can be anything: read it with `kind = "mapped"`.',
        "Legacy alerting has one alert for each rule, whatever series it is about.",
    ),
)


class GrafanaSettings(LabelSettings, SignatureHeaderKeys):
    """`[[sources]]` with `kind = "grafana"`."""

    kind: Literal["grafana"]


def _legacy_event(item: dict[str, Tree], payload: Payload, settings: GrafanaSettings) -> Event:
    def text(name: str) -> str:
        return text_of(item.get(name))

    word = text("state")
    status = _LEGACY_STATES.get(word.lower())
    is_test = text("ruleId") == "0" or text("ruleName") == "Test notification"
    series = [each for each in _list(item.get("evalMatches")) if isinstance(each, dict)]
    labels = {"org_id": text("orgId")} | _texts(item.get("tags"))
    return Event(
        key=("rule", text("orgId"), text("ruleId"))
        if text("ruleId")
        else ("rule", text("orgId"), text("ruleName")),
        status=Status.IGNORED if is_test else status or Status.FIRING,
        unknown_status="" if status else word,
        alertname=text("ruleName"),
        title=text("ruleName") or text("title"),
        description=text("message"),
        url=text("ruleUrl"),
        host=_host([_texts(each.get("tags")) for each in series], settings.host),
        client=client_of(labels),
        severity=labels.get("severity", ""),
        labels=labels,
        annotations={
            "values": ", ".join(
                f"{text_of(each.get('metric'))}={text_of(each.get('value'))}" for each in series
            ),
            "image_url": text("imageUrl"),
            "ignored": "test message" if is_test else "",
            "update": f"{word} in Grafana" if status is Status.UPDATED else "",
        },
    )


def _host(series: list[dict[str, str]], names: list[str]) -> str:
    """Return the host that all series are about; empty if they are about several."""
    found = {next((tags[name] for name in names if tags.get(name)), "") for tags in series}
    return found.pop() if len(found) == 1 else ""


_LEGACY = sender_kind(GrafanaSettings, _legacy_event, SHEET)


class _Profile(msgspec.Struct, frozen=True, eq=False):
    unified: AlertmanagerProfile
    legacy: Profile

    @property
    def source(self) -> str:
        return self.unified.source

    @property
    def redaction(self) -> Redaction:
        return self.unified.redaction

    @property
    def expires_after(self) -> timedelta | None:
        return self.unified.expires_after


def _compile_profile(settings: GrafanaSettings) -> _Profile:
    return _Profile(alertmanager.compile_profile(settings), _LEGACY.compile_profile(settings))


def _read(body: Body, profile: _Profile, *, received_at: datetime) -> Reading:
    tree = trees.tree_of(body)
    if isinstance(tree, dict) and "alerts" not in tree and ("evalMatches" in tree or "ruleId" in tree):
        return _LEGACY.read(body, profile.legacy, received_at=received_at)
    items = tree.get("alerts") if isinstance(tree, dict) else None
    if not isinstance(items, list):
        raise Unreadable("shape", 'no list of alerts; a custom payload is read with kind = "mapped"')
    return _read_group(tree, items, body, profile.unified)


def _read_group(
    group: dict[str, Tree], items: list[Tree], body: Body, profile: AlertmanagerProfile
) -> Reading:
    truncated = group.get("truncatedAlerts")
    context = Context(
        profile,
        body.client,
        body.peer,
        text_of(group.get("externalURL")),
        truncated if isinstance(truncated, int) else 0,
    )
    alerts: list[Alert] = []
    problems: list[Problem] = []
    for index, item in enumerate(items):
        try:
            alerts.append(_read_item(item, group, context))
        except Unreadable as exc:
            problems.append(Problem(index, exc.reason, exc.detail))
    return Reading(tuple(alerts), tuple(problems))


def _read_item(item: Tree, group: dict[str, Tree], context: Context) -> Alert:
    sent = alertmanager.sent_alert(item)
    if sent is None:
        raise Unreadable("shape", "the alert is not an object")
    organisation = text_of(group.get("orgId")) or text_of(item.get("orgId"))
    about = _ABOUT_RULES.get(sent.labels.get("alertname", ""), "")
    if organisation:
        sent.labels = {"org_id": organisation} | sent.labels
    if sent.labels.get("rulename") and about:
        sent.annotations = sent.annotations | {"title": f"{sent.labels['rulename']}: {about}"}
    alert = alertmanager.read_one(sent, context)
    is_test = _is_test(sent)
    key = (organisation, sent.fingerprint or alert.fingerprint)
    return msgspec.structs.replace(
        alert,
        fingerprint=identity.key_fingerprint(alert.source, key),
        status=Status.IGNORED if is_test else alert.status,
        labels=_named_by_rule(alert.labels) if about else alert.labels,
        annotations=dict(_further(item, group)) | alert.annotations | _ignored(alert, is_test=is_test),
    )


def _ignored(alert: Alert, *, is_test: bool) -> dict[str, str]:
    if is_test:
        return {"ignored": "test message"}
    return {"ignored": "heartbeat"} if alert.status is Status.IGNORED else {}


def _is_test(sent: SentAlert) -> bool:
    return sent.annotations.get("summary") == _TEST or (
        sent.labels.get("alertname") == "TestAlert" and sent.labels.get("instance") == "Grafana"
    )


def _named_by_rule(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels with the rule's name for `alertname`: a rule and its lack of data share a ticket."""
    rule = labels.get("rulename", "")
    if not rule:
        return dict(labels)
    return {**labels, "alertname": rule, "sent_alertname": labels["alertname"]}


def _further(item: dict[str, Tree], group: dict[str, Tree]) -> Iterator[tuple[str, str]]:
    """Yield what Grafana says beyond Alertmanager; the group's message if it has no other alert."""
    for name, ours in _ANNOTATIONS.items():
        if text := text_of(item.get(name)):
            yield ours, clean(text)
    alone = len(_list(group.get("alerts"))) == 1
    if alone and (message := text_of(group.get("message"))):
        yield "description", clean(message)


def _texts(tree: Tree) -> dict[str, str]:
    return {name: text_of(value) for name, value in tree.items()} if isinstance(tree, dict) else {}


def _list(tree: Tree) -> list[Any]:
    return tree if isinstance(tree, list) else []


# Each body holds when its alerts began and ended, so an equal one is the same delivery.
_SIGNATURE = Hmac(header="X-Grafana-Alerting-Signature", bodies_differ=True)

KIND = Kind(settings=GrafanaSettings, compile_profile=_compile_profile, read=_read, sheet=SHEET).signed(
    _SIGNATURE
)
