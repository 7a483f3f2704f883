"""`group_wait` means what it means in Alertmanager: the first ticket of a group waits, and only that."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from alertd.core.alerts import Severity
from alertd.core.deciding import due_at
from alertd.core.incidents import Change, Closed, Fired, Incident, Open, Tick, Waiting
from tests.core.incident_samples import T0, after, at, ended, member, opened

WAIT = timedelta(minutes=2)
OVER = T0 + WAIT


def began(name: str = "a", **before: float) -> Fired:
    """An alert that says it began so long before T0."""
    return Fired(member(name, since=T0 - timedelta(**before)))


def collecting(*, since: datetime = T0, severity: Severity = Severity.WARNING) -> Incident:
    return opened(first=member(since=since, severity=severity), group_wait=WAIT)


BEGINNINGS = [
    pytest.param(T0, Waiting(OVER), id="just now: the whole wait"),
    pytest.param(at(seconds=-119), Waiting(OVER), id="a moment less than the wait ago: the whole wait"),
    pytest.param(at(seconds=-120), Open(), id="as long ago as the wait: at once"),
    pytest.param(at(days=-3), Open(), id="long ago: at once"),
    pytest.param(at(hours=1), Waiting(OVER), id="a clock ahead of ours: the whole wait, and no longer"),
]


@pytest.mark.parametrize(("since", "phase"), BEGINNINGS)
def test_how_long_the_first_alert_waits(since: datetime, phase: Waiting | Open) -> None:
    begun = collecting(since=since)
    assert begun.phase == phase
    assert (begun.tally.held, begun.tally.pending) == ((1, 0) if phase == Waiting(OVER) else (0, 1))


def test_without_a_wait_a_clock_ahead_of_ours_changes_nothing() -> None:
    assert opened(first=member(since=at(hours=1))).phase == Open()


MEANWHILE: list[tuple[str, list[tuple[Change, datetime]], type]] = [
    ("it still fires", [], Open),
    ("others do not prolong it", [(began("b"), at(seconds=100))], Open),
    ("the first has cleared, another fires", [(began("b"), T0), (ended(), at(seconds=60))], Open),
    ("it cleared and fires again", [(ended(), at(seconds=10)), (began(), at(seconds=20))], Open),
    ("it cleared", [(ended(), at(seconds=119))], Closed),
    ("it expired", [(ended(expired=True), at(seconds=60))], Closed),
    ("all cleared", [(began("b"), T0), (ended(), T0), (ended("b"), at(seconds=119))], Closed),
]


@pytest.mark.parametrize(
    ("meanwhile", "phase"), [each[1:] for each in MEANWHILE], ids=[e[0] for e in MEANWHILE]
)
def test_what_is_there_when_the_wait_is_over(meanwhile: list[tuple[Change, datetime]], phase: type) -> None:
    incident = collecting()
    for change, now in meanwhile:
        incident = after(incident, change, now=now)
        assert incident.phase == Waiting(OVER)
        assert due_at(incident) == OVER
    incident = after(incident, Tick(), now=OVER)
    assert isinstance(incident.phase, phase)
    if isinstance(incident.phase, Closed):
        assert not incident.phase.wants_ticket


def test_a_critical_one_that_cleared_within_the_wait_has_its_ticket_all_the_same() -> None:
    incident = after(collecting(severity=Severity.CRITICAL), ended(), now=at(seconds=10))
    over = after(incident, Tick(), now=OVER).phase
    assert isinstance(over, Closed)
    assert over.wants_ticket


def test_one_that_began_long_ago_ends_the_wait_of_its_group() -> None:
    now = at(seconds=10)
    joined = after(collecting(), began("b", minutes=5), now=now)
    assert due_at(joined) == now  # what silences it all is asked first
    assert after(joined, Tick(), now=now).phase == Open()


def test_what_starts_over_waits_again_unless_it_began_long_ago() -> None:
    later = at(hours=1)
    over = after(after(collecting(), ended(), now=T0), Tick(), now=OVER)
    assert after(over, Fired(member(since=later)), now=later).phase == Waiting(later + WAIT)
    assert after(over, Fired(member(since=T0)), now=later).phase == Open()


def test_a_wait_for_what_clears_by_itself_goes_on() -> None:
    waits = {"warning": timedelta(minutes=5)}
    both = opened(group_wait=WAIT, wait_for=waits)
    joined = after(both, began("b", minutes=4), now=at(seconds=10))
    assert due_at(joined) == at(minutes=1)  # five minutes after the second began
    assert due_at(after(both, began("b", minutes=1), now=at(seconds=10))) == at(minutes=4)
    assert due_at(after(both, Fired(member("b", since=at(minutes=1))), now=at(minutes=1))) == at(minutes=5)
