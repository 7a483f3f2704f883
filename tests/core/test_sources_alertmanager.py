"""Alertmanager's webhook and its imitators."""

from __future__ import annotations

import json
import timeit
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from alertd.core import identity
from alertd.core.alerts import Alert, Severity, Status
from alertd.core.reading.bodies import Body, Problem, Reading, Unreadable
from alertd.core.sources.alertmanager import AlertmanagerSettings, compile_profile, read

NOW = datetime(2026, 9, 1, 6, 15, tzinfo=UTC)
LABELS = {"alertname": "DiskFull", "instance": "fs02:9100", "severity": "page", "customer": "northwind"}
ALERT = {
    "status": "firing",
    "labels": LABELS,
    "annotations": {"summary": "Disk D: at 96 %", "runbook_url": "https://kb.example.net/disk"},
    "startsAt": "2026-09-01T06:12:30.482Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "https://prom.example.net:9090/graph?g0.expr=disk_used",
    "fingerprint": "9a1c0f52d3b7e684",
}


def hook(*alerts: Any, **rest: Any) -> dict[str, Any]:
    return {
        "version": "4",
        "receiver": "alertd",
        "status": "resolved",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "externalURL": "https://am.example.net",
        "alerts": list(alerts),
    } | rest


def read_raw(raw: bytes, body: dict[str, Any] | None = None, **settings: Any) -> Reading:
    given = {"name": "prom", "kind": "alertmanager", "token": {"env": "T"}} | settings
    profile = compile_profile(AlertmanagerSettings.model_validate(given))
    return read(Body(raw=raw, **(body or {})), profile, received_at=NOW)


def read_all(*alerts: Any, **settings: Any) -> tuple[Alert, ...]:
    return read_raw(json.dumps(hook(*alerts)).encode(), **settings).alerts


def read_one(alert: Any, **settings: Any) -> Alert:
    (found,) = read_all(alert, **settings)
    return found


def test_all_of_one_alert() -> None:
    assert read_one(ALERT, client={"label": "customer"}) == Alert(
        source="prom",
        fingerprint=identity.fingerprint(LABELS),
        status=Status.FIRING,
        severity=Severity.CRITICAL,
        labels=LABELS
        | {
            "severity": "critical",
            "sent_severity": "page",
            "source": "prom",
            "client": "northwind",
            "host": "fs02",
        },
        annotations={
            "summary": "Disk D: at 96 %",
            "runbook_url": "https://kb.example.net/disk",
            "title": "Disk D: at 96 %",
            "url": "https://prom.example.net:9090/graph?g0.expr=disk_used",
        },
        starts_at=datetime(2026, 9, 1, 6, 12, 30, 482_000, tzinfo=UTC),
        late_for=timedelta(minutes=2),
        sent_labels=LABELS,
    )


def test_the_status_of_each_alert_counts() -> None:
    ended = ALERT | {"status": "resolved", "endsAt": "2026-09-01T08:14:00+02:00"}
    firing, cleared = read_all(ALERT, ended)
    assert (firing.status, firing.ends_at) == (Status.FIRING, None)
    assert (cleared.status, cleared.ends_at) == (Status.CLEARED, datetime(2026, 9, 1, 6, 14, tzinfo=UTC))
    assert cleared.key == firing.key


def test_a_status_nobody_knows_fires_and_shows() -> None:
    found = read_one(ALERT | {"status": "pondering"})
    assert (found.status, found.annotations["unknown_status"]) == (Status.FIRING, "pondering")


def test_an_end_in_the_future_is_not_an_end() -> None:
    assert read_one(ALERT | {"endsAt": "2026-09-01T07:00:00Z"}).ends_at is None


@pytest.mark.parametrize(
    ("labels", "status"),
    [
        ({"alertname": "Watchdog"}, Status.IGNORED),
        ({"alertname": "DeadMansSwitch"}, Status.IGNORED),
        ({"alertname": "TestAlert", "instance": "Grafana"}, Status.IGNORED),
        ({"alertname": "TestAlert", "instance": "fs02"}, Status.FIRING),
    ],
)
def test_heartbeats_and_tests(labels: dict[str, str], status: Status) -> None:
    assert read_one(ALERT | {"labels": labels}).status is status


@pytest.mark.parametrize(
    ("word", "settings", "severity", "shown"),
    [
        ("critical", {}, Severity.CRITICAL, None),
        ("error", {}, Severity.HIGH, None),
        ("medium", {}, Severity.WARNING, None),
        ("low", {}, Severity.LOW, None),
        ("none", {}, Severity.INFO, None),
        ("purple", {}, Severity.WARNING, "purple"),
        ("", {}, Severity.WARNING, None),
        ("", {"severity": "low"}, Severity.LOW, None),
        ("purple", {"severities": {"Purple": "high"}}, Severity.HIGH, None),
        ("Critical", {"severities": {"critical": "low"}}, Severity.LOW, None),
    ],
)
def test_severity(word: str, settings: dict[str, Any], severity: Severity, shown: str | None) -> None:
    found = read_one(ALERT | {"labels": {"alertname": "A", "severity": word}}, **settings)
    assert (found.severity, found.labels["severity"]) == (severity, severity.value)
    assert found.annotations.get("unknown_severity") == shown


@pytest.mark.parametrize(
    ("labels", "settings", "host"),
    [
        ({"instance": "fs02:9100"}, {}, "fs02"),
        ({"instance": "fs02:9100", "host": "fs03"}, {}, "fs03"),
        ({"instance": "", "node": "n1"}, {}, "n1"),
        ({"instance": "https://shop.example.com/x"}, {}, "shop.example.com"),
        ({"nodename": "n2", "device": "d"}, {}, "n2"),
        ({"instance": "fs02", "vm": "v1"}, {"host": ["vm", "instance"]}, "v1"),
        ({"job": "x"}, {}, None),
    ],
)
def test_host(labels: dict[str, str], settings: dict[str, Any], host: str | None) -> None:
    assert read_one(ALERT | {"labels": labels}, **settings).labels.get("host") == host


def test_a_sent_host_that_we_normalise_is_kept() -> None:
    labels = read_one(ALERT | {"labels": {"host": "fs02:9100", "source": "edge"}}).labels
    assert (labels["host"], labels["sent_host"]) == ("fs02", "fs02:9100")
    assert (labels["source"], labels["sent_source"]) == ("prom", "edge")


@pytest.mark.parametrize(
    ("labels", "settings", "query", "client"),
    [
        ({"client": "Contoso"}, {}, (), "Contoso"),
        ({"client": "Contoso"}, {}, (("client", "Query"),), "Contoso"),
        ({"a": "1"}, {}, (("client", "Query"),), "Query"),
        ({"a": "1"}, {"client": {"default": "Own"}}, (("client", "Query"),), "Query"),
        ({"a": "1"}, {"client": {"default": "Own"}}, (), "Own"),
        ({"a": "1"}, {"client": {"label": "a", "default": "Own"}, "clients": {"1": "One"}}, (), "One"),
        ({"a": "1"}, {"client": {"label": "b", "default": "Own"}}, (), "Own"),
        ({"a": "1"}, {}, (), None),
    ],
)
def test_client(labels: dict[str, str], settings: dict[str, Any], query: Any, client: str | None) -> None:
    raw = json.dumps(hook(ALERT | {"labels": labels})).encode()
    (found,) = read_raw(raw, {"query": query}, **settings).alerts
    assert found.labels.get("client") == client


@pytest.mark.parametrize(
    ("annotations", "title", "description"),
    [
        ({"title": "T", "summary": "S"}, "T", None),
        ({"summary": "S", "description": "D", "message": "M"}, "S", "D"),
        ({"message": "M"}, "DiskFull", "M"),
        ({"summary": ""}, "DiskFull", None),
    ],
)
def test_texts(annotations: dict[str, str], title: str, description: str | None) -> None:
    found = read_one(ALERT | {"annotations": annotations}).annotations
    assert (found["title"], found.get("description")) == (title, description)


def test_link_of_last_resort() -> None:
    assert read_one(ALERT | {"generatorURL": ""}).annotations["url"] == "https://kb.example.net/disk"
    bare = ALERT | {"generatorURL": "", "annotations": {}}
    assert read_one(bare).annotations["url"] == "https://am.example.net"


def test_alertmanager_has_merged_its_reporters() -> None:
    raw = json.dumps(hook(ALERT)).encode()
    assert read_raw(raw, {"peer": "192.0.2.7"}).alerts[0].reporter == ""


def test_alerts_that_were_left_out_are_mentioned() -> None:
    raw = json.dumps(hook(ALERT, truncatedAlerts=3)).encode()
    assert read_raw(raw).alerts[0].annotations["truncated_alerts"] == "3"


def test_expiry() -> None:
    assert read_one(ALERT).expires_after is None
    assert read_one(ALERT, expire_after="0s").expires_after is None
    assert read_one(ALERT, expire_after="2h").expires_after == timedelta(hours=2)


def test_empty_labels_do_not_count() -> None:
    found = read_one(ALERT | {"labels": LABELS | {"empty": ""}})
    assert found.fingerprint == identity.fingerprint(LABELS)
    assert "empty" not in found.labels


def test_without_labels_the_sent_fingerprint_stands() -> None:
    found = read_one(ALERT | {"labels": {"a": ""}})
    assert (found.fingerprint, found.labels["alertname"]) == ("9a1c0f52d3b7e684", "9a1c0f52d3b7e684")


def test_one_bad_alert_does_not_keep_the_others_out() -> None:
    nothing = {"labels": {}, "fingerprint": "UPPER"}
    reading = read_raw(json.dumps(hook(ALERT, "text", nothing, ALERT)).encode())
    assert [alert.labels["alertname"] for alert in reading.alerts] == ["DiskFull", "DiskFull"]
    assert reading.problems == (
        Problem(1, "shape", "the alert is not an object"),
        Problem(2, "shape", "the alert has neither labels nor a fingerprint"),
    )


def test_limits_in_a_sound_body() -> None:
    many = {f"l{n}": "1" for n in range(201)}
    reading = read_raw(json.dumps(hook(ALERT, {"labels": many}, {"labels": {"k" * 257: "1"}})).encode())
    assert len(reading.alerts) == 1
    assert [(each.index, each.reason) for each in reading.problems] == [(1, "limits"), (2, "limits")]
    annotated = ALERT | {"annotations": many}
    assert read_raw(json.dumps(hook(annotated)).encode()).problems[0].reason == "limits"


def test_loose_types() -> None:
    loose = {
        "labels": {"alertname": "A", "code": 7},
        "annotations": None,
        "startsAt": 1788243150,
        "endsAt": None,
    }
    found = read_one(loose)
    assert (found.sent_labels, found.status) == ({"alertname": "A", "code": "7"}, Status.FIRING)
    assert found.starts_at == datetime(2026, 9, 1, 6, 12, 30, tzinfo=UTC)


def test_loose_reading_agrees_with_the_fast_one() -> None:
    fast = json.dumps(hook(ALERT, truncatedAlerts=2)).encode()
    for slow in (b"\xef\xbb\xbf" + fast, fast[:-1] + b",}", json.dumps(fast.decode()).encode()):
        assert read_raw(slow) == read_raw(fast)
    assert read_raw(json.dumps(hook(ALERT, truncatedAlerts="x")).encode() + b" ").alerts == read_all(ALERT)


def test_texts_are_cleaned() -> None:
    found = read_one(
        ALERT | {"labels": {"alertname": "a\0b\ud800"}, "annotations": {"summary": "x" * 40_000}}
    )
    assert found.labels["alertname"] == "a\ufffdb\ufffd"
    assert read_one(ALERT | {"labels": {"alertname": "a\0b"}}).labels["alertname"] == "a\ufffdb"
    assert len(found.annotations["title"]) == 32_768


def test_grafana_is_read_without_harm() -> None:
    extras = {"ruleUID": "ab12", "values": None, "valueString": "[ ]", "dashboardURL": "", "imageURL": ""}
    rest = {"version": "1", "orgId": 1, "state": "alerting", "title": "[FIRING:1]", "message": "**Firing**"}
    (found,) = read_raw(json.dumps(hook(ALERT | extras, **rest)).encode()).alerts
    assert found == read_one(ALERT)


def test_an_empty_group_is_no_problem() -> None:
    assert read_raw(json.dumps(hook()).encode()) == Reading()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b"{}", "shape"),
        (b"[1]", "shape"),
        (b'{"alerts": {"a": 1}}', "shape"),
        (b"hello", "syntax"),
        (b"\xff\xfe{", "encoding"),
        (b'{"alerts": ' + b"[" * 5000, "too_deep"),
    ],
)
def test_unreadable(raw: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_raw(raw)
    assert caught.value.reason == reason


def test_settings_are_checked() -> None:
    given = {"name": "p", "kind": "alertmanager", "token": {"env": "T"}, "severities": {"a": "urgent"}}
    with pytest.raises(ValidationError, match=r"severities\.a"):
        AlertmanagerSettings.model_validate(given)


def test_speed() -> None:
    profile = compile_profile(
        AlertmanagerSettings.model_validate({"name": "p", "kind": "alertmanager", "token": {"env": "T"}})
    )
    body = Body(raw=json.dumps(hook(ALERT)).encode())
    best = min(timeit.repeat(lambda: read(body, profile, received_at=NOW), number=200, repeat=5)) / 200
    assert best < 600e-6  # 15 µs measured; the promise is 60 µs
