"""Alerts and their identity."""

from __future__ import annotations

from alertd.core.alerts import Alert, Severity, Status, alert_key


def test_severities_are_ordered_worst_first() -> None:
    assert [severity.rank for severity in Severity] == [0, 1, 2, 3, 4]
    assert min(Severity, key=lambda severity: severity.rank) is Severity.CRITICAL


def test_the_key_is_source_and_fingerprint() -> None:
    alert = Alert(
        source="prometheus", fingerprint="f" * 16, status=Status.FIRING, severity=Severity.LOW, labels={}
    )

    assert alert.key == alert_key("prometheus", "f" * 16)
    assert alert.key != alert_key("other", "f" * 16)
