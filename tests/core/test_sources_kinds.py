"""Settings and reading by kind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from alertd.core.reading.bodies import Body
from alertd.core.sources.kinds import (
    KINDS,
    SourceSettings,
    compile_profile,
    read,
    redact,
    redact_query,
    speaking,
)

SETTINGS: TypeAdapter[Any] = TypeAdapter(SourceSettings)
NOW = datetime(2026, 9, 1, tzinfo=UTC)


def profile(kind: str, **given: Any) -> Any:
    return compile_profile(
        SETTINGS.validate_python({"name": "s", "kind": kind, "token": {"env": "T"}} | given)
    )


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("alertmanager", b'{"alerts": [{"labels": {"alertname": "A"}}]}'),
        ("mapped", b'{"id": 1, "rule": "A"}'),
    ],
)
def test_read(kind: str, raw: bytes) -> None:
    reading = read(Body(raw=raw), profile(kind), received_at=NOW)
    assert [alert.labels["alertname"] for alert in reading.alerts] == ["A"]


@pytest.mark.parametrize("kind", ["alertmanager", "mapped"])
def test_redact(kind: str) -> None:
    raw = b'{"password": "x", "a": {"notes": "y"}}'
    assert redact(raw, profile(kind, redact=["a.notes"])) == b'{"password": "***", "a": {"notes": "***"}}'


@pytest.mark.parametrize("kind", ["alertmanager", "mapped"])
def test_redact_query(kind: str) -> None:
    query = (("password", "x"), ("notes", "y"), ("client", "Acme"))
    redacted = (("password", "***"), ("notes", "***"), ("client", "Acme"))
    assert redact_query(query, profile(kind, redact=["notes"])) == redacted


def test_unknown_kind() -> None:
    with pytest.raises(ValidationError, match=r"'alertmanager', .*'mapped'"):
        SETTINGS.validate_python({"name": "s", "kind": "pigeon", "token": {"env": "T"}})


@pytest.mark.parametrize(
    ("kind", "given", "on_expiry"),
    [("auvik", {}, "note"), ("gradient", {}, "close"), ("gradient", {"on_expiry": "note"}, "note")],
)
def test_what_becomes_of_a_ticket_whose_source_falls_silent(
    kind: str, given: dict[str, Any], on_expiry: str
) -> None:
    raw = b'{"title": "A", "alertName": "A"}'
    [alert] = read(Body(raw=raw), profile(kind, **given), received_at=NOW).alerts
    assert alert.on_expiry == on_expiry


def test_what_a_sender_says_can_be_asked_for() -> None:
    compiled = profile("auvik")
    tell = compiled.kind.events
    body = Body(raw=b'[7, {"correlationId": "c", "alertSeverity": 2}, {}]')
    told = tell(body, compiled.profile, received_at=NOW)
    assert {index: (each.key, each.severity) for index, each in told.items()} == {1: (("c",), "2")}


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_knows_its_name(kind: str) -> None:
    assert profile(kind).profile.source == "s"


@pytest.mark.parametrize(
    ("kind", "given", "client", "severity"),
    [
        (
            "auvik",
            {"client": {"label": "customer"}, "severities": {"p2": "critical"}},
            "Northwind",
            "critical",
        ),
        ("mapped", {"client": "customer", "severity": {"path": "level"}}, "Northwind", "high"),
        ("alertmanager", {}, "Northwind", "high"),
    ],
)
def test_a_source_may_be_read_as_another_kind(
    kind: str, given: dict[str, Any], client: str, severity: str
) -> None:
    """What settings of all known senders have in common counts; what is the kind's own does not."""
    settings = SETTINGS.validate_python({"name": "s", "kind": kind, "token": {"env": "T"}} | given)
    raw = b'{"alerts": [{"labels": {"alertname": "A", "customer": "Northwind", "severity": "P2"}}]}'
    [alert] = read(Body(raw=raw), speaking(settings, "alertmanager"), received_at=NOW).alerts
    assert (alert.labels["client"], alert.severity) == (client, severity)
