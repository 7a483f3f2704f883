"""What tests/payloads cannot say: wrong shapes, templates, settings, several alerts of one event."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from alertd.core.alerts import Status
from alertd.core.reading.bodies import Body, Reading
from alertd.core.sources import kinds

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
SETTINGS: TypeAdapter[Any] = TypeAdapter(kinds.SourceSettings)


def settings(kind: str, **given: Any) -> Any:
    return SETTINGS.validate_python({"name": "s", "kind": kind, "token": {"env": "T"}} | given)


def read(kind: str, raw: str, query: tuple[tuple[str, str], ...] = ()) -> Reading:
    compiled = kinds.compile_profile(settings(kind))
    body = Body(raw=kinds.redact(raw.encode(), compiled), query=query)
    return kinds.read(body, compiled, received_at=NOW)


def template(kind: str, title: str) -> str:
    return next(each.text for each in kinds.KINDS[kind].sheet.templates if title in each.title)


@pytest.mark.parametrize(
    ("kind", "raw", "way_out"),
    [
        ("alerta", {"text": "x"}, "needs resource and event"),
        ("azure-monitor", {"hello": "x"}, "switch on the common alert schema"),
        ("cloudwatch", {"Type": "Notification", "TopicArn": "arn:aws:sns:a:1:t"}, "without a Message"),
        ("healthchecks", {"hello": "x"}, "use the template"),
        ("huntress", {"hello": "x"}, "neither event_type nor id"),
        ("meraki", {"text": "APs went down", "blocks": []}, "choose Meraki (included)"),
        ("n-central", {"hello": "x"}, "list them in the template"),
    ],
)
def test_a_wrong_shape_is_parked_with_the_way_out(kind: str, raw: Any, way_out: str) -> None:
    reading = read(kind, json.dumps(raw))
    assert reading.alerts == ()
    assert [problem.reason for problem in reading.problems] == ["shape"]
    assert way_out in reading.problems[0].detail


def test_an_escalation_is_one_problem_for_each_organisation() -> None:
    event = {
        "event_type": "escalation.created",
        "id": 7,
        "organizations": [{"id": 1, "name": "Northwind"}, {"id": 2, "name": "Contoso"}],
    }
    fired = read("huntress", json.dumps(event)).alerts
    closed = read("huntress", json.dumps(event | {"event_type": "escalation.closed"})).alerts
    assert [alert.labels["client"] for alert in fired] == ["Northwind", "Contoso"]
    assert len({alert.fingerprint for alert in fired}) == 2
    assert [alert.fingerprint for alert in closed] == [alert.fingerprint for alert in fired]
    assert {alert.status for alert in closed} == {Status.CLEARED}


PLACEHOLDERS = {  # as Healthchecks replaces them, the longest first
    "$EXITSTATUS": "-1",
    "$NAME_JSON": '"The \\"big\\" backup"',
    "$STATUS": "down",
    "$CODE": "5f0c2b8e-6a37-4f0f-9a55-1c1d2e3f4a5b",
    "$SLUG": "big",
    "$TAGS": "a client=Northwind",
    "$NOW": "2026-09-01T06:14:02+00:00",
}


def test_the_template_of_healthchecks_is_read() -> None:
    text = template("healthchecks", "body")
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    assert json.loads(text)  # JSON without any repair
    (alert,) = read("healthchecks", text).alerts
    assert alert.annotations["title"] == 'The "big" backup'
    assert alert.labels["client"] == "Northwind"
    assert alert.starts_at == datetime(2026, 9, 1, 6, 14, 2, tzinfo=UTC)


def test_the_keywords_of_n_central_are_read() -> None:
    keywords = template("n-central", "Keywords").split()
    values = {"QualitativeNewState": "Failed", "TimeOfStateChange": "2026-09-01 08:14:02"}
    elements = (f"<{name}>{values.get(name, name)}</{name}>" for name in keywords)
    (alert,) = read("n-central", f"<notification>{''.join(elements)}</notification>").alerts
    assert alert.annotations["title"] == "AffectedService on DeviceName"
    assert {"CustomerName", "ExternalCustomerID", "TaskIdent"} <= set(alert.labels.values())
    assert "unkeyed" not in alert.annotations


def test_a_local_clock_that_is_set_back_hides_no_failure() -> None:
    """A failure may bear an earlier time than the end before it; a late message is late by minutes only."""
    raw = "<n><DeviceName>d</DeviceName><QualitativeNewState>Failed</QualitativeNewState></n>"
    (alert,) = read("n-central", raw).alerts
    assert alert.late_for == timedelta(minutes=2)


def test_the_template_of_victorops_is_read() -> None:
    (alert,) = read("victorops", template("victorops", "fires")).alerts
    assert (alert.severity, alert.labels["host"]) == ("critical", "fs02")


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("cloudwatch", {"topics": ["alarms"]}),
        ("cloudwatch", {"signature": "maybe"}),
        ("cloudwatch", {"insufficient_data": "ignore"}),
        ("n-central", {"timezone": "Mars/Base"}),
    ],
)
def test_settings_that_mean_nothing_are_refused(kind: str, given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(kind, **given)


def test_what_the_path_says_is_a_label_of_victorops() -> None:
    raw = '{"message_type": "CRITICAL", "entity_id": "e"}'
    (alert,) = read("victorops", raw, query=(("routing_key", "database"),)).alerts
    assert alert.labels["routing_key"] == "database"


@pytest.mark.parametrize(
    "data",
    [
        {"context": {"activityLog": {"operationName": "o", "claims": {"upn": "someone@example.com"}}}},
        {"essentials": {"alertRule": "r"}, "alertContext": {"claims": '{"upn": "someone@example.com"}'}},
    ],
)
def test_who_did_it_in_azure_is_not_stored(data: dict[str, Any]) -> None:
    compiled = kinds.compile_profile(settings("azure-monitor"))
    raw = kinds.redact(json.dumps({"data": data}).encode(), compiled)
    assert b"someone" not in raw
    assert kinds.read(Body(raw=raw), compiled, received_at=NOW).alerts
