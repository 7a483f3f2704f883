"""Incidents: names of their states, and what they let us do."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from alertd.core.incidents import (
    Acknowledged,
    Closed,
    Expired,
    Holding,
    Incident,
    Open,
    Phase,
    Tally,
    Waiting,
    is_live,
    may_complete,
    state_of,
)
from tests.core.incident_samples import HOLD, T0, TICKET, member, opened, standing

OVER = Closed(T0, "cleared", T0)


@pytest.mark.parametrize(
    ("incident", "phase", "state", "live"),
    [
        (opened(), Waiting(T0), "waiting", True),
        (opened(), Open(), "opening", True),
        (standing(), Open(), "open", True),
        (standing(), Holding(T0, T0 + HOLD), "holding", True),
        (standing(), Expired(T0), "expired", True),
        (standing(), Acknowledged(T0), "acknowledged", True),
        (standing(), OVER, "closed", False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_state(incident: Incident, phase: Phase, state: str, live: bool) -> None:
    there = replace(incident, phase=phase)

    assert state_of(there) == state
    assert is_live(there) is live


@pytest.mark.parametrize(
    ("close", "changes", "may"),
    [
        ("untouched", {}, True),
        ("untouched", {"touched": "somebody"}, False),
        ("always", {"touched": "somebody"}, True),
        ("always", {"touched": "somebody", "status_taken": True}, False),
        ("always", {"foreign": True}, False),
        ("never", {}, False),
    ],
    ids=[
        "nobody touched it",
        "somebody did",
        "always means touched ones, too",
        "but not over a status that somebody set",
        "nor a ticket that is not ours",
        "never means never",
    ],
)
def test_may_complete(close: str, changes: dict[str, object], may: bool) -> None:
    assert may_complete(replace(standing(close=close), **changes)) is may


def test_an_incident_fires_while_any_member_does() -> None:
    over = member("b", ended_at=T0)
    incident = opened()

    assert replace(incident, members={**incident.members, over.key: over}).firing
    assert not replace(incident, members={over.key: over}).firing


def test_the_difference_of_two_tallies_leaves_out_what_is_equal() -> None:
    assert Tally(ticketed=1, merged=4, held=2).minus(Tally(pending=1, merged=1, held=2)) == {
        "pending": -1,
        "ticketed": 1,
        "merged": 3,
    }


def test_a_linked_incident_has_its_ticket() -> None:
    assert standing().ticket == TICKET
