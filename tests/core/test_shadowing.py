"""Shadow mode: planned tickets are told from real ones, and forgotten when the mode ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from alertd.core.alerts import Severity
from alertd.core.deciding import decide, due_at
from alertd.core.incidents import Closed, Fired, Incident, Tick, Waiting, state_of
from alertd.core.shadowing import is_planned, is_real, leave, planned_ticket
from alertd.core.tickets import Create, Intent, Known, Ticket
from tests.core.incident_samples import T0, after, at, ended, member, opened, standing

PLANNED = planned_ticket("alertd-x-g1")
KNOWN = Known(ticket=PLANNED, verified=True)


def planned(**changes: object) -> Incident:
    return replace(standing(), ticket=PLANNED, **changes)


def test_a_planned_ticket_is_the_same_each_time_and_never_a_real_one() -> None:
    assert planned_ticket("alertd-x-g1") == PLANNED != planned_ticket("alertd-x-g2")
    assert -(2**48) <= PLANNED.id < 0
    assert is_planned(PLANNED)
    assert not is_planned(Ticket(1))
    assert not is_planned(None)


@pytest.mark.parametrize(
    ("incident", "known", "real"),
    [
        (opened(), Known(), False),
        (planned(), KNOWN, False),
        (planned(previous=Ticket(7)), KNOWN, True),
        (standing(), Known(ticket=Ticket(7)), True),
        (opened(), Known(intent=Intent(operation=Create("r", 0), begun_at=T0)), True),
    ],
)
def test_what_is_real(incident: Incident, known: Known, real: bool) -> None:
    assert is_real(incident, known) is real


def test_what_fires_begins_anew_and_asks_what_holds_it_back() -> None:
    worse = Fired(member("b", Severity.HIGH))
    incident = after(planned(), Fired(member("c")), worse, ended("c"), now=at(minutes=1))
    left, known = leave(incident, KNOWN, at(hours=1))
    assert (left.phase, known) == (Waiting(at(hours=1)), Known())
    assert (left.ticket, left.previous, left.revision, left.changes) == (None, None, 0, ())
    assert left.severity is Severity.HIGH
    assert set(left.members) == {"a", "b"}
    assert due_at(left) == at(hours=1)
    assert state_of(decide(left, Tick(), now=at(hours=1))) == "opening"


def test_what_is_over_is_closed_without_a_ticket() -> None:
    holding = after(planned(), ended(), now=T0)
    left, known = leave(holding, KNOWN, at(minutes=1))
    assert left.phase == Closed(at(minutes=1), "shadowed", at(minutes=1))
    assert (left.ticket, known) == (None, Known())
    again = decide(left, Fired(member()), now=at(minutes=2))
    assert (state_of(again), again.previous) == ("opening", None)


def test_what_is_closed_stays_so_and_wants_nothing() -> None:
    closed = after(planned(), ended(), Tick(), now=at(hours=1))
    closed = decide(closed, Tick(), now=at(hours=2))
    left, _ = leave(replace(closed, phase=replace(closed.phase, wants_ticket=True)), KNOWN, at(hours=3))
    assert left.phase == closed.phase
    assert left.ticket is None


def test_what_waits_goes_on_as_it_is() -> None:
    waiting = opened(group_wait=timedelta(minutes=5))
    unclear = Known(intent=Intent(operation=Create("r", 0), begun_at=T0))
    assert leave(waiting, unclear, at(minutes=1)) == (waiting, Known())


def test_leaving_twice_is_leaving_once() -> None:
    for incident in (planned(), after(planned(), ended(), now=T0), opened()):
        once = leave(incident, KNOWN if incident.ticket else Known(), at(hours=1))
        assert leave(*once, at(hours=2)) == once
