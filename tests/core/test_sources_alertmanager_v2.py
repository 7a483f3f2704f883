"""`POST /api/v2/alerts`, and the answers that Alertmanager would give."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alertd.core import identity
from alertd.core.alerts import Alert, Status
from alertd.core.reading.bodies import Body
from alertd.core.sources.alertmanager import AlertmanagerSettings, compile_profile
from alertd.core.sources.alertmanager_v2 import V2Reading, read

NOW = datetime(2026, 11, 20, 1, 13, tzinfo=UTC)
PROFILE = compile_profile(
    AlertmanagerSettings.model_validate({"name": "prom", "kind": "alertmanager", "token": {"env": "T"}})
)
LABELS = {"alertname": "DiskFull", "client": "acme", "instance": "srv-01:9100", "severity": "critical"}
ALERT = {
    "labels": LABELS,
    "annotations": {"summary": "C: at 97 %"},
    "startsAt": "2026-11-20T01:12:04.118Z",
    "endsAt": "2026-11-20T01:17:00Z",
    "generatorURL": "http://prom.acme.example/graph?g0.expr=disk_free+%3C+3&g0.tab=1",
}


def read_raw(raw: bytes) -> V2Reading:
    return read(Body(raw=raw, peer="192.0.2.7"), PROFILE, received_at=NOW)


def post(*alerts: Any) -> V2Reading:
    return read_raw(json.dumps(list(alerts)).encode())


def posted(**changes: Any) -> Alert:
    alert = {name: value for name, value in (ALERT | changes).items() if value is not ...}
    reading = post(alert)
    assert (reading.status, reading.answer) == (200, b"")
    return reading.alerts[0]


def test_what_prometheus_sends() -> None:
    found = posted()
    assert found.fingerprint == identity.fingerprint(LABELS)
    assert found.status is Status.FIRING
    assert found.starts_at == datetime(2026, 11, 20, 1, 12, 4, 118_000, tzinfo=UTC)
    assert found.expires_after == timedelta(minutes=4)  # until endsAt
    assert (found.labels["host"], found.labels["client"]) == ("srv-01", "acme")
    assert found.reporter == "prom.acme.example"
    assert found.sent_labels == LABELS


@pytest.mark.parametrize("zero", [..., None, "0001-01-01T00:00:00Z"])
def test_without_an_end_it_expires_after_five_minutes(zero: Any) -> None:
    found = posted(endsAt=zero)
    assert (found.status, found.ends_at, found.expires_after) == (Status.FIRING, None, timedelta(minutes=5))


@pytest.mark.parametrize("end", ["2026-11-20T01:12:30Z", "2026-11-20T01:13:00Z"])
def test_an_end_that_has_come_is_a_clear(end: str) -> None:
    found = posted(endsAt=end)
    assert (found.status, found.ends_at) == (Status.CLEARED, datetime.fromisoformat(end))


def test_defaults_of_the_start() -> None:
    assert posted(startsAt=...).starts_at == NOW
    over = "2026-11-20T01:12:30Z"
    assert posted(startsAt=..., endsAt=over).starts_at == datetime.fromisoformat(over)
    assert posted(startsAt=..., endsAt=...).starts_at == NOW


def test_heartbeats_are_ignored() -> None:
    assert posted(labels={"alertname": "Watchdog"}).status is Status.IGNORED


def test_empty_list() -> None:
    assert post() == V2Reading()


def test_null_is_nothing_as_in_go() -> None:
    assert read_raw(b"null") == V2Reading()
    found = posted(labels={**LABELS, "b": None}, annotations={"a": None}, generatorURL=None)
    assert found.fingerprint == identity.fingerprint(LABELS)
    assert posted(annotations=None).annotations == {"title": "DiskFull", "url": ALERT["generatorURL"]}


def test_an_empty_time_is_none() -> None:
    found = posted(startsAt="", endsAt="", annotations={"summary": 'says "endsAt": ""'})
    assert (found.starts_at, found.expires_after) == (NOW, timedelta(minutes=5))
    assert found.annotations["summary"] == 'says "endsAt": ""'


def test_one_bad_and_nine_good() -> None:
    late = ALERT | {"startsAt": "2026-11-20T01:20:00Z"}
    reading = post(ALERT, late, {"labels": {"a": ""}}, *[ALERT] * 8)
    assert len(reading.alerts) == 9
    assert [problem.index for problem in reading.problems] == [1, 2]
    assert reading.status == 400
    assert (
        json.loads(reading.answer) == "start time must be before end time; at least one label pair required"
    )


@pytest.mark.parametrize(
    ("raw", "status", "code", "message"),
    [
        (b"", 422, 602, "alerts in body is required"),
        (b" \n", 422, 602, "alerts in body is required"),
        (b'[{"labels": {"a": "1"}}, {}]', 422, 602, "1.labels in body is required"),
        (b'[{"labels": null}]', 422, 602, "0.labels in body is required"),
        (b"[null]", 422, 602, "0.labels in body is required"),
        (b'[{"labels": {"a": "1"}, "generatorURL": "no uri"}]', 422, 601, "0.generatorURL in body must be"),
        (b"{}", 400, 400, 'parsing alerts body from "" failed'),
        (b"nonsense", 400, 400, 'parsing alerts body from "" failed'),
        (b'[{"labels": {"a": 1}}]', 400, 400, "got `int`"),
        (b'[{"labels": {"a": "1"}, "startsAt": "soon"}]', 400, 400, "Invalid RFC3339"),
        (b'[{"labels": {"a": "1"}, "x": ' + b"[" * 5000, 400, 400, "parsing alerts body"),
    ],
)
def test_refused_as_a_whole(raw: bytes, status: int, code: int, message: str) -> None:
    reading = read_raw(raw)
    answer = json.loads(reading.answer)
    assert (reading.alerts, reading.status, answer["code"]) == ((), status, code)
    assert message in answer["message"]


@pytest.mark.parametrize(
    ("url", "is_uri"),
    [
        ("", True),
        ("/graph?x", True),
        ("http://prom:9090/a b", True),
        ("mailto:a@b", True),
        ("prom:9090", True),
        ("http://user:pw@prom:9090/", True),
        ("http://me@corp.example:pw@prom:9090/", True),
        ("http://[::1]:9090/graph", True),
        ("http://[fe80::1%25br-0]:9090/", True),
        ("http://prom:/", True),
        ("http://[bad", False),
        ("http://prom:port/", False),
        ("http://[::1]x/", False),
        ("graph", False),
        ("http://a b/", False),
        ("http://a/%zz", False),
        ("http://a/\x7f", False),
    ],
)
def test_generator_must_be_a_uri(url: str, is_uri: bool) -> None:
    assert (post(ALERT | {"generatorURL": url}).status == 200) is is_uri


def test_texts_are_cleaned() -> None:
    found = posted(labels={"alertname": "a\0b"}, annotations={"x\0": "y" * 40_000})
    assert found.labels["alertname"] == "a\ufffdb"
    assert len(found.annotations["x\ufffd"]) == 32_768


def test_bytes_that_are_not_utf_8_are_replaced() -> None:
    assert read_raw(b'[{"labels": {"a": "\xff"}}]').alerts[0].labels["a"] == "\ufffd"


def test_too_many_labels() -> None:
    reading = post({"labels": {f"l{n}": "1" for n in range(201)}})
    assert (reading.alerts, reading.status) == ((), 400)


def test_the_peer_reports_where_no_generator_does() -> None:
    assert posted(generatorURL="").reporter == "192.0.2.7"
    assert posted(generatorURL="", endsAt="2026-11-20T01:13:00Z").reporter == "192.0.2.7"


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (rb"a\ud800b", "a\ufffdb"),
        (rb"a\udc00\ud800", "a\ufffd\ufffd"),
        (rb"\ud800\ud83d\ude00", "\ufffd\U0001f600"),
        (rb"\\ud800 \ud800", "\\ud800 \ufffd"),
    ],
)
def test_lone_surrogates_are_replaced(sent: bytes, read: str) -> None:
    reading = read_raw(b'[{"labels": {"a": "1"}}, {"labels": {"b": "' + sent + b'"}}]')

    assert [alert.labels.get("b") for alert in reading.alerts] == [None, read]


def test_annotations_may_be_null() -> None:
    assert read_raw(b'[{"labels": {"a": "1"}, "annotations": null}]').status == 200


def test_a_label_has_a_name() -> None:
    reading = read_raw(b'[{"labels": {"": "x", "a": "1"}}, {"labels": {"": "", "a": "1"}}]')

    assert (len(reading.alerts), reading.status) == (1, 400)
    assert json.loads(reading.answer) == 'invalid label set: invalid name ""'


def test_what_is_posted_later_was_said_later() -> None:
    assert posted().late_for == timedelta(0)
