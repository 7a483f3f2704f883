"""Flapping: when it begins and ends, what it costs, and that its ticket is held open."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import ValidationError

from alertd.core.alerts import Severity
from alertd.core.deciding import decide, due_at
from alertd.core.flapping_rules import (
    MOST_TURNS,
    FlapRule,
    FlapSettings,
    kept,
    rule_of,
    score,
    setting_of,
    stable_at,
)
from alertd.core.incidents import (
    Acknowledged,
    Change,
    Changed,
    Closed,
    Completed,
    CompletedByPerson,
    Dismissed,
    Fired,
    Holding,
    Incident,
    Linked,
    Noted,
    Open,
    Reopened,
    ReopenRefused,
    Tick,
)
from alertd.core.levels import desired
from alertd.core.text import note_text
from tests.core.incident_samples import BOARD, HOLD, T0, TICKET, after, at, ended, member, opened, standing

RULE = FlapRule()
TAGGED = replace(BOARD, state_tags={**BOARD.state_tags, "flapping": "is flapping"})


def flapped(incident: Incident, times: int, *, name: str = "a", every_s: float = 10) -> Incident:
    """So many changes, clears first, ten seconds after one another."""
    for number in range(times):
        change: Change = ended(name) if number % 2 == 0 else Fired(member(name))
        incident = decide(incident, change, now=at(seconds=every_s * (number + 1)))
    return incident


def told(incident: Incident) -> list[str]:
    return [happened.what for happened in incident.changes]


def tags(incident: Incident, board: Any = TAGGED) -> frozenset[str]:
    return desired(incident, board, instance="alertd", vocabulary=frozenset()).tags


# --- the rule -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ages_min", "expected"), [([], 0.0), ([0], 1.2), ([15], 1.0), ([30], 0.0), ([0, 15, 29.999], 3.0)]
)
def test_newer_changes_weigh_more(ages_min: list[float], expected: float) -> None:
    turns = [T0 - timedelta(minutes=age) for age in ages_min]

    assert score(turns, RULE, now=T0) == pytest.approx(expected, abs=0.001)


def test_no_more_is_kept_than_counts() -> None:
    turns = [T0 + timedelta(seconds=number) for number in range(100)]

    assert len(kept(turns, RULE, now=at(seconds=100))) == MOST_TURNS
    assert kept(turns, RULE, now=at(minutes=31)) == tuple(turns[61:])[-MOST_TURNS:]


@given(st.lists(st.integers(0, 1799), max_size=MOST_TURNS), st.floats(0.1, 5.0))
def test_it_is_stable_at_the_first_instant_below_the_lower_threshold(ages_s: list[int], stop: float) -> None:
    rule = FlapRule(stop=stop, start=6.0)
    turns = sorted(T0 - timedelta(seconds=age) for age in ages_s)

    stable = stable_at(turns, rule, now=T0)

    assert score(turns, rule, now=stable) < stop
    if stable > T0 + timedelta(milliseconds=2):
        assert score(turns, rule, now=stable - timedelta(milliseconds=1)) >= stop - 1e-6


def test_a_setting_is_read_and_shown_as_it_was_written() -> None:
    setting = FlapSettings.model_validate({"window": "1h", "start": 8, "stop": 2.5, "reopens": 2})

    rule = rule_of(setting)

    assert rule is not None
    assert (rule.window, rule.start, rule.stop, rule.reopens) == (timedelta(hours=1), 8.0, 2.5, 2)
    assert setting_of(rule) == setting
    assert rule_of("off") is None
    assert setting_of(None) == "off"


@pytest.mark.parametrize("wrong", [{"start": 3, "stop": 3}, {"window": "0s"}, {"reopens": 0}, {"begin": 6}])
def test_a_rule_that_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FlapSettings.model_validate(wrong)


# --- changes of one alert -----------------------------------------------------------------------------


def test_it_flaps_from_the_upper_threshold_on() -> None:
    assert flapped(standing(), 5).flapping is None

    flapping = flapped(standing(), 6).flapping

    assert flapping is not None
    assert (flapping.since, flapping.changes) == (at(seconds=10), 6)
    assert flapping.until == stable_at([at(seconds=10 * n) for n in range(1, 7)], RULE, now=at(seconds=60))


def test_slow_changes_do_not_flap() -> None:
    assert flapped(standing(), 20, every_s=7 * 60).flapping is None


def test_many_that_clear_once_do_not_flap() -> None:
    names = [f"m{number}" for number in range(20)]
    incident = after(standing(), *[Fired(member(name)) for name in names])

    assert after(incident, *[ended(name) for name in names]).flapping is None


def test_a_severity_that_goes_up_and_down_flaps() -> None:
    incident = standing()
    for number in range(6):
        severity = (Severity.HIGH, Severity.WARNING)[number % 2]
        incident = decide(incident, Changed(member(severity=severity)), now=at(seconds=number))

    assert incident.flapping is not None


def test_switched_off_nothing_is_weighed() -> None:
    incident = flapped(standing(flapping=None), 30)

    assert incident.flapping is None
    assert incident.members["a"].turns == ()  # type: ignore[index] # keys are texts


def test_that_it_flaps_is_noted_at_once_and_then_once_an_hour() -> None:
    incident = standing()
    noted: list[datetime] = []
    for second in range(1, 7200):
        now = at(seconds=second)
        change: Change = ended() if second % 2 else Fired(member())
        after_it = decide(decide(incident, change, now=now), Tick(), now=now)
        if after_it.note_upto != incident.note_upto:
            noted.append(now)
            after_it = decide(after_it, Noted(after_it.note_upto), now=now)
        incident = after_it

    assert noted[0] == at(seconds=6)
    assert len(noted) == 2
    assert noted[1] - noted[0] >= timedelta(hours=1)
    assert incident.changes_left_out == 0
    assert len(incident.changes) == 1


def test_the_note_says_how_often_it_changed() -> None:
    incident = decide(flapped(standing(), 14), Tick(), now=at(hours=2))

    _, said = note_text(incident, after=0, upto=incident.revision)

    assert "Flapping: changed 14 times since 2026-11-23 03:00 UTC. The ticket is held open" in said
    assert "Cleared" not in said


def test_another_problem_beside_it_does_not_wait_an_hour() -> None:
    incident = decide(flapped(standing(), 8), Fired(member("b")), now=at(minutes=2))

    assert due_at(incident) == at(seconds=60) + timedelta(minutes=15)


def test_its_ticket_is_held_open_until_it_is_stable() -> None:
    incident = flapped(standing(), 7)
    assert incident.flapping is not None
    until = incident.flapping.until

    assert incident.phase == Holding(at(seconds=70), until)
    assert isinstance(decide(incident, Tick(), now=until - timedelta(seconds=1)).phase, Holding)
    over = decide(incident, Tick(), now=until)
    assert isinstance(over.phase, Closed)
    assert over.flapping is None


def test_what_is_stable_again_says_so() -> None:
    incident = flapped(standing(), 8)
    assert incident.flapping is not None

    stable = decide(incident, Tick(), now=incident.flapping.until)

    assert stable.flapping is None
    assert isinstance(stable.phase, Open)
    assert told(stable)[-1] == "stable"


def test_a_persons_close_is_kept_while_it_flaps() -> None:
    incident = flapped(standing(), 8)
    assert incident.flapping is not None
    closed = after(incident, CompletedByPerson(), ended(), now=at(seconds=90))

    assert isinstance(closed.phase, Acknowledged)
    assert closed.phase.until is not None
    assert closed.phase.until >= incident.flapping.until
    assert isinstance(decide(closed, Tick(), now=incident.flapping.until).phase, Acknowledged | Closed)


def test_its_tag_stays_the_same_while_it_flaps() -> None:
    assert tags(flapped(standing(), 7)) == tags(flapped(standing(), 8)) == {"alertd", "is flapping"}
    assert tags(flapped(standing(), 7), BOARD) == {"alertd", "is firing"}
    assert tags(flapped(standing(), 5), TAGGED) == {"alertd", "is clear"}


def test_before_there_is_a_ticket_nothing_is_told_and_it_waits_until_it_is_stable() -> None:
    incident = flapped(opened(), 7)

    assert incident.note_upto == 0
    assert isinstance(incident.phase, Holding)
    assert incident.phase.until > at(seconds=70) + HOLD


# --- reopenings ---------------------------------------------------------------------------------------


def reopened(times: int, **policy: Any) -> Incident:
    """Completed and needed again, every half hour."""
    incident = standing(**policy)
    for number in range(times):
        now = at(minutes=30 * number)
        done = after(decide(incident, ended(), now=now), Tick(), Completed(), now=now + HOLD)
        incident = decide(done, Fired(member()), now=now + timedelta(minutes=15))
    return incident


def test_a_ticket_that_is_reopened_again_and_again_is_held_open() -> None:
    assert reopened(2).flapping is None

    incident = reopened(3)
    last = at(minutes=75)

    assert incident.flapping is not None
    assert incident.flapping.until == last + RULE.stable_for
    assert "completed and needed again 3 times since 2026-11-23 03:15 UTC" in incident.changes[-1].detail
    cleared = decide(incident, ended(), now=last + timedelta(minutes=5))
    assert cleared.phase == Holding(last + timedelta(minutes=5), last + timedelta(minutes=125))


def test_where_reopening_is_refused_the_next_ticket_is_held_open_too() -> None:
    refused = decide(reopened(3), ReopenRefused(), now=at(minutes=76))

    assert refused.generation == 2
    assert refused.flapping is not None


def test_old_reopenings_do_not_count() -> None:
    rule = FlapRule(reopens_within=timedelta(minutes=45))

    assert reopened(5, flapping=rule).flapping is None


def test_switched_off_reopenings_do_not_count() -> None:
    assert reopened(5, flapping=None).flapping is None


def test_an_operators_close_ends_it() -> None:
    assert after(flapped(standing(), 8), Dismissed()).flapping is None


def test_what_flaps_over_completed_tickets_is_both() -> None:
    incident = standing(hold=timedelta())
    for second in range(1, 9):
        change: Change = ended() if second % 2 else Fired(member())
        incident = decide(
            decide(incident, change, now=at(seconds=second)), Completed(), now=at(seconds=second)
        )
        if second % 2 == 0:
            incident = decide(incident, Reopened(), now=at(seconds=second))

    assert incident.flapping is not None
    assert incident.flapping.reopens == 3
    assert incident.flapping.changes >= 6


# --- one line for one alert ---------------------------------------------------------------------------


def test_what_cleared_and_came_back_is_one_line() -> None:
    two = after(standing(), Fired(member("b")))
    incident = after(two, ended("b"), Fired(member("b")), ended("b"), Fired(member("b")))

    _, said = note_text(incident, after=0, upto=incident.revision)

    assert told(incident) == ["joined", "fired again"]
    assert "Firing again: srv-b: Disk b (4 changes)" in said


def test_what_a_note_was_asked_for_is_not_folded_any_more() -> None:
    two = after(standing(), Fired(member("b")), ended("b"))
    asked = decide(two, Tick(), now=at(minutes=15))

    assert told(decide(asked, Fired(member("b")), now=at(minutes=16))) == ["joined", "cleared", "fired again"]


def test_severities_are_folded_from_the_first_to_the_last() -> None:
    up = [Changed(member(severity=severity)) for severity in (Severity.HIGH, Severity.CRITICAL)]
    incident = after(standing(), *up)

    [happened] = incident.changes

    assert (happened.what, happened.detail, happened.times) == ("raised", "warning to critical", 2)


@pytest.mark.parametrize(
    ("severity", "shown"), [(Severity.CRITICAL, True), (Severity.INFO, False)], ids=["up", "down"]
)
def test_only_a_rise_is_told_by_the_priority(severity: Severity, shown: bool) -> None:
    incident = decide(standing(), Changed(member(severity=severity)), now=T0)
    asked = decide(incident, Tick(), now=at(minutes=15))

    assert desired(asked, BOARD, instance="", vocabulary=frozenset()).told_by_priority is shown


def test_a_rise_between_severities_of_one_priority_is_not() -> None:
    board = replace(BOARD, priority_by_severity=dict.fromkeys(BOARD.priority_by_severity, 1))
    asked = after(standing(), Changed(member(severity=Severity.HIGH)))
    asked = decide(asked, Tick(), now=at(minutes=15))

    assert not desired(asked, board, instance="", vocabulary=frozenset()).told_by_priority


def test_what_was_less_severe_by_the_time_of_its_ticket_is_lowered_without_a_note() -> None:

    critical = opened(first=member(severity=Severity.CRITICAL))
    lower = decide(critical, Changed(member(severity=Severity.LOW)), now=at(seconds=1))
    linked = decide(lower, Linked(TICKET, lower.revision), now=at(seconds=2))

    assert linked.severity is Severity.CRITICAL
    assert due_at(linked) == at(seconds=2) + timedelta(minutes=15)
    lowered = decide(linked, Tick(), now=at(seconds=2) + timedelta(minutes=15))
    assert lowered.severity is Severity.LOW
    assert lowered.note_upto == linked.note_upto
    assert due_at(lowered) is None
