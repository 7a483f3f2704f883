"""`[[tests]]`: examples of where alerts go."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from alertd.core.alerts import Severity
from alertd.core.boards import BoardSettings
from alertd.core.route_settings import RootRouteSettings
from alertd.core.route_tests import TestSettings, example, mismatches
from alertd.core.routes import build_tree

TREE = build_tree(
    RootRouteSettings.model_validate(
        {
            "board": "noc",
            "routes": [
                {"name": "page", "matchers": ['severity="critical"', 'host="fs01"']},
                {"name": "desk", "matchers": ['severity="warning"', 'host="fs01"']},
                {"name": "copy", "matchers": ['source="both"'], "continue": True},
                {
                    "name": "veeam",
                    "matchers": ['source=~"veeam|both"'],
                    "board": "backups",
                    "tags": ["backup"],
                },
            ],
        }
    )
)
BOARDS = {"backups": BoardSettings.model_validate({"name": "backups", "queue": 1, "tags": ["alertd"]})}


def outcome(alert: dict[str, str], expect: dict[str, Any]) -> list[str]:
    test = TestSettings.model_validate({"name": "t", "alert": alert, "expect": expect})
    return [str(each) for each in mismatches(test, TREE, BOARDS)]


def test_as_expected() -> None:
    expect = {"board": "backups", "priority": "High", "tags": ["backup", "alertd"], "route": "veeam"}
    assert outcome({"source": "veeam", "severity": "high"}, expect) == []


def test_every_mismatch_is_named() -> None:
    expect = {"board": "noc", "priority": 1, "tags": [], "routes": ["a"]}
    assert outcome({"source": "veeam"}, expect) == [
        "t: expected board noc, found backups",
        "t: expected priority 1, found Medium",
        "t: expected tags none, found alertd, backup",
        "t: expected routes a, found veeam",
    ]


def test_a_board_that_is_missing() -> None:
    assert outcome({"source": "x"}, {"board": "noc", "tags": []}) == []
    assert outcome({"source": "x"}, {"priority": "High"}) == ["t: expected priority High, found None"]


def test_all_routes_where_one_continues() -> None:
    assert outcome({"source": "both"}, {"board": "noc", "routes": ["copy", "veeam"]}) == []


@pytest.mark.parametrize(
    ("severity", "route"), [({"severity": "crit"}, "page"), ({}, "desk"), ({"severity": "sev42"}, "desk")]
)
def test_routes_see_the_severity_that_intake_would_give(severity: dict[str, str], route: str) -> None:
    assert outcome({"host": "fs01"} | severity, {"route": route}) == []


def test_an_example_keeps_the_word_that_was_sent() -> None:
    alert = example({"source": "veeam", "severity": "crit"})
    assert (alert.severity, alert.source) == (Severity.CRITICAL, "veeam")
    assert alert.labels == {"source": "veeam", "severity": "critical", "sent_severity": "crit"}
    assert alert.sent_labels == {"source": "veeam", "severity": "crit"}


def test_refused() -> None:
    with pytest.raises(ValidationError, match=r"expect\.queue"):
        TestSettings.model_validate({"name": "t", "alert": {"a": "1"}, "expect": {"queue": 1}})
