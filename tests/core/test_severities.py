"""The words senders use."""

from __future__ import annotations

import pytest

from alertd.core.alerts import Severity
from alertd.core.severities import severity_of


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("critical", Severity.CRITICAL),
        (" Page ", Severity.CRITICAL),
        ("disaster", Severity.CRITICAL),
        ("P1", Severity.CRITICAL),
        ("error", Severity.HIGH),
        ("MAJOR", Severity.HIGH),
        ("Sev2", Severity.WARNING),
        ("minor", Severity.WARNING),
        ("low", Severity.LOW),
        ("none", Severity.INFO),
        ("informational", Severity.INFO),
        ("purple", None),
        ("", None),
    ],
)
def test_severity_of(word: str, severity: Severity | None) -> None:
    assert severity_of(word) is severity


def test_a_source_may_mean_something_else() -> None:
    assert severity_of("Minor", {"minor": Severity.LOW}) is Severity.LOW
