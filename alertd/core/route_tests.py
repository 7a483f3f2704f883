"""`[[tests]]`: alerts as examples, and where the configuration says they should go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import msgspec
from pydantic import Field

from alertd.core.alerts import Alert, Severity, Status
from alertd.core.boards import BoardSettings, Pick
from alertd.core.identity import fingerprint
from alertd.core.reading.bodies import with_own
from alertd.core.routes import Matched, Route, match
from alertd.core.settings import Section
from alertd.core.severities import severity_of


class Expectation(Section):
    """What a test expects of the route its alert lands on. What is left out is not looked at."""

    route: str | None = None
    board: str | None = None
    priority: Pick | None = None
    tags: list[str] | None = None  # the board's and the route's, in any order
    routes: list[str] | None = None  # names of all the routes, where `continue` gives several


class TestSettings(Section):
    """`[[tests]]`: labels of an alert, and what is expected."""

    __test__: ClassVar[bool] = False  # pytest: this is none of yours

    name: str = Field(min_length=1)
    alert: dict[str, str] = Field(min_length=1)
    expect: Expectation


class Mismatch(msgspec.Struct, frozen=True):
    """One thing that a test expected and that is otherwise."""

    test_name: str
    what: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.test_name}: expected {self.what} {self.expected}, found {self.found}"


def example(labels: Mapping[str, str]) -> Alert:
    """Return the alert that intake would make of these labels: routes see its severity, not what was sent."""
    severity = severity_of(labels.get("severity", "")) or Severity.WARNING
    return Alert(
        source=labels.get("source", ""),
        fingerprint=fingerprint(labels),
        status=Status.FIRING,
        severity=severity,
        labels=with_own(labels, {"severity": severity.value}),
        sent_labels=dict(labels),
    )


def mismatches(test: TestSettings, tree: Route, boards: Mapping[str, BoardSettings]) -> tuple[Mismatch, ...]:
    """Route the test's alert and return what is not as expected; empty if all is.

    Args:
        test: The example.
        tree: The tree to ask.
        boards: By name; a board that is missing has no priorities and no tags.
    """
    alert = example(test.alert)
    actual = _actual(match(tree, alert.labels), boards, alert.severity)
    return tuple(_compared(test, actual))


def _actual(
    found: tuple[Matched, ...], boards: Mapping[str, BoardSettings], severity: Severity
) -> dict[str, Any]:
    """Return what is so, in the words of `Expectation`, of the first route."""
    policy = found[0].policy
    board = boards.get(policy.board)
    return {
        "route": policy.route_name,
        "board": policy.board,
        "priority": board.priority[severity.value] if board else None,
        "tags": sorted({*(board.tags if board else ()), *policy.tags}),
        "routes": [each.policy.route_name for each in found],
    }


def _compared(test: TestSettings, actual: Mapping[str, Any]) -> Iterator[Mismatch]:
    for what, expected in test.expect.model_dump(exclude_none=True).items():
        wanted = sorted(set(expected)) if what == "tags" else expected
        if wanted != actual[what]:
            yield Mismatch(test.name, what, _shown(wanted), _shown(actual[what]))


def _shown(value: Any) -> str:
    return ", ".join(value) or "none" if isinstance(value, list) else str(value)
