"""`wait_for`: what clears by itself gets no ticket, and what is worse may cut the wait short."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from alertd.core.alerts import Severity
from alertd.core.deciding import decide, due_at
from alertd.core.incidents import (
    Changed,
    Closed,
    Completed,
    Fired,
    Incident,
    Open,
    Phase,
    Tally,
    Tick,
    Waiting,
)
from alertd.core.route_settings import RootRouteSettings, wait_by_severity
from alertd.core.routes import build_tree
from tests.core.incident_samples import T0, after, at, ended, member, opened, standing

MINUTES = {"warning": timedelta(minutes=5), "high": timedelta(minutes=1)}


def waits(**changes: Any) -> Incident:
    return opened(wait_for=MINUTES, **changes)


CASES: list[tuple[str, Incident, Phase]] = [
    ("it waits from its firing on", waits(), Waiting(at(minutes=5), T0)),
    (
        "what it has fired before it was heard of counts",
        waits(now=at(minutes=2)),
        Waiting(at(minutes=5), at(minutes=2)),
    ),
    ("one that has fired for long is not held", waits(now=at(minutes=5)), Open()),
    ("a severity that is left out does not wait", waits(first=member(severity=Severity.CRITICAL)), Open()),
    (
        "the group's wait is the least",
        waits(group_wait=timedelta(minutes=9)),
        Waiting(at(minutes=9), at(minutes=9)),
    ),
    (
        "a worse one that joins cuts it short",
        after(waits(), Fired(member("b", Severity.HIGH, since=at(seconds=30))), now=at(seconds=30)),
        Waiting(at(seconds=90), T0),
    ),
    (
        "so does getting worse",
        after(waits(), Changed(member(severity=Severity.CRITICAL)), now=at(seconds=30)),
        Waiting(T0, T0),
    ),
    (
        "when the worse one clears it is as before",
        after(waits(), Fired(member("b", Severity.HIGH)), ended("b")),
        Waiting(at(minutes=5), T0),
    ),
    ("when nothing fires it is over", after(waits(), ended(), now=at(minutes=1)), Waiting(at(minutes=1), T0)),
]


@pytest.mark.parametrize(("incident", "phase"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_wait(incident: Incident, phase: Phase) -> None:
    assert incident.phase == phase


def test_what_clears_in_the_wait_gets_no_ticket_and_is_counted() -> None:
    over = after(waits(), ended(), Tick(), now=at(minutes=1))

    assert isinstance(over.phase, Closed)
    assert not over.phase.wants_ticket
    assert over.tally == Tally(cleared_unticketed=2)


def test_what_still_fires_gets_its_ticket() -> None:
    assert due_at(waits()) == at(minutes=5)

    ripe = decide(waits(), Tick(), now=at(minutes=5))

    assert ripe.phase == Open()
    assert ripe.tally == Tally(pending=1)


def test_a_critical_one_that_was_made_to_wait_may_pass_without_a_ticket() -> None:
    waiting = opened(first=member(severity=Severity.CRITICAL), wait_for={"critical": timedelta(minutes=1)})

    over = after(waiting, ended(), Tick(), now=at(seconds=30))

    assert isinstance(over.phase, Closed)
    assert not over.phase.wants_ticket


def test_what_flaps_waits_no_longer() -> None:
    incident = waits()
    for second in range(1, 40, 2):
        if incident.flapping is None:
            incident = after(incident, ended(), Tick(), now=at(seconds=second))
            again = Fired(member(since=at(seconds=second + 1)))
            incident = decide(incident, again, now=at(seconds=second + 1))

    assert incident.flapping is not None
    ripe = decide(incident, Tick(), now=at(seconds=40))
    assert isinstance(ripe.phase, Open)


def test_a_new_linked_ticket_waits_too() -> None:
    done = after(standing(hold=timedelta()), ended(), Completed())
    done = replace(done, policy=replace(done.policy, wait_for=MINUTES))

    again = decide(done, Fired(member(since=at(days=2))), now=at(days=2))

    assert again.generation == 2
    assert again.phase == Waiting(at(days=2, minutes=5), at(days=2))


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (timedelta(minutes=2), dict.fromkeys((each.value for each in Severity), timedelta(minutes=2))),
        ({"critical": timedelta(), "warning": timedelta(minutes=5)}, {"warning": timedelta(minutes=5)}),
        (timedelta(), {}),
    ],
)
def test_settings(setting: Any, expected: dict[str, timedelta]) -> None:
    assert wait_by_severity(setting) == expected


def test_a_route_inherits_it_and_may_switch_it_off() -> None:
    tree = build_tree(
        RootRouteSettings.model_validate(
            {
                "board": "noc",
                "wait_for": {"warning": "5m"},
                "routes": [{"name": "same"}, {"name": "none", "wait_for": "0s"}],
            }
        )
    )

    same, none = (route.matched.policy.wait_for for route in tree.routes)

    assert (same, none) == ({"warning": timedelta(minutes=5)}, {})


def test_a_severity_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError):
        RootRouteSettings.model_validate({"board": "noc", "wait_for": {"bad": "5m"}})
