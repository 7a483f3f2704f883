"""Every kind reads its payloads as tests/payloads says."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pydantic import TypeAdapter

from alertd.core.alerts import Alert
from alertd.core.reading.bodies import Body, Reading, Unreadable
from alertd.core.settings import parse_duration
from alertd.core.sources import kinds
from tests.payloads import Case, all_cases, cases

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
SETTINGS: TypeAdapter[Any] = TypeAdapter(kinds.SourceSettings)
CASES = all_cases()
_PLAIN = ("status", "severity", "starts_at", "ends_at")
_LABELS = ("alertname", "host", "client")
_ANNOTATIONS = ("title", "description", "url")


def reading_of(case: Case) -> Reading:
    settings = SETTINGS.validate_python(
        {"name": "sender", "kind": case.kind, "token": {"env": "T"}} | case.settings
    )
    compiled = kinds.compile_profile(settings)
    body = Body(
        raw=kinds.redact(case.raw, compiled),
        content_type=case.content_type,
        query=kinds.redact_query(parse_qsl(case.query, keep_blank_values=True), compiled),
        peer="192.0.2.7",
    )
    return kinds.read(body, compiled, received_at=NOW)


def said(alert: Alert, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return of an alert what `wanted` names."""
    told: dict[str, Any] = {name: getattr(alert, name) for name in _PLAIN}
    told |= {name: alert.labels.get(name, "") for name in _LABELS}
    told |= {name: alert.annotations.get(name, "") for name in _ANNOTATIONS}
    told["labels"] = {name: alert.labels.get(name, "") for name in wanted.get("labels", {})}
    told["annotations"] = {name: alert.annotations.get(name, "") for name in wanted.get("annotations", {})}
    told["expires_after"] = alert.expires_after
    return {name: told[name] for name in wanted}


def expected(wanted: dict[str, Any]) -> dict[str, Any]:
    if "expires_after" not in wanted:
        return wanted
    return wanted | {"expires_after": parse_duration(wanted["expires_after"]) or None}


@pytest.mark.parametrize("case", CASES, ids=[f"{case.kind}-{case.name}" for case in CASES])
def test_payload(case: Case) -> None:
    if case.unreadable:
        with pytest.raises(Unreadable, match=f"^{case.unreadable}:"):
            reading_of(case)
        return
    reading = reading_of(case)
    assert reading.problems == ()
    assert len(reading.alerts) == len(case.alerts)
    for alert, wanted in zip(reading.alerts, case.alerts, strict=True):
        assert said(alert, wanted) == expected(wanted)


@pytest.mark.parametrize("kind", sorted({case.kind for case in CASES}))
def test_one_problem_has_one_fingerprint(kind: str) -> None:
    found = defaultdict(set)
    for case in cases(kind):
        if case.same:
            found[case.same].update(alert.fingerprint for alert in reading_of(case).alerts)
    assert [word for word, prints in found.items() if len(prints) != 1] == []
    assert len(set.union(set(), *found.values())) == len(found)


def test_every_kind_has_payloads() -> None:
    """A firing one and, where the kind clears, a clearing one with the same fingerprint."""
    lacking = []
    for name, kind in kinds.KINDS.items():
        said = {
            (case.same, each.get("status")) for case in CASES if case.kind == name for each in case.alerts
        }
        fires = {same for same, status in said if same and status == "firing"}
        clears = {same for same, status in said if same and status == "cleared"}
        if not fires or (kind.sheet.clears and not fires & clears):
            lacking.append(name)
    assert lacking == []
