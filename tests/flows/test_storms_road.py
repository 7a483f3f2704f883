"""Storms over the fakes: every crash point in the middle of one, and nothing is lost or doubled."""

from __future__ import annotations

import pytest

from alertd.core.incidents import Closed, Folded
from alertd.core.storms import StormTerms
from tests.flows.conftest import Crashed, Machine, alert

pytestmark = pytest.mark.looptime(noop_cycles=0)

HOSTS = [f"h{number}" for number in range(8)]
POINTS = [
    *(("decide.before_commit", ""), ("decide.after_commit", "")),
    *(("settle.after_intent", each) for each in ("create", "note", "complete")),
    *(("settle.reply_read", each) for each in ("create", "note", "complete")),
]


@pytest.mark.parametrize(("point", "operation"), POINTS, ids=lambda value: value or "any")
async def test_a_crash_in_a_storm_loses_nothing_and_doubles_nothing(point: str, operation: str) -> None:
    machine = Machine(note_interval="1m", group_by=["host"])
    machine.storms = StormTerms(threshold=3)
    machine.crashes = [f"{point}@{operation}"]
    steps = [
        [alert(host) for host in HOSTS[:5]],
        [alert(host) for host in HOSTS[5:]],
        [alert(host, cleared=True) for host in HOSTS],
    ]
    crashed = 0
    for alerts in steps:
        await machine.post(*alerts)
        while True:
            try:
                await machine.run(500)
                break
            except* Crashed:
                crashed += 1
                machine.crashes = []
                machine.boot()
                await machine.decider.recover()

    assert crashed == 1
    assert len(machine.tickets) == 3 + 1
    assert all(ticket.fields["status"] == 5 for ticket in machine.tickets)
    [storm] = [ticket for ticket in machine.tickets if ticket.draft.title.startswith("Storm: ")]
    marks = [note.title for note in storm.notes]
    assert marks
    assert len(marks) == len(set(marks))
    assert machine.unaccounted() == 0
    assert machine.state.totals["ticketed"] == 3


async def test_what_is_folded_survives_a_restart_and_is_promoted_after_the_storm() -> None:
    machine = Machine(group_by=["host"])
    machine.storms = StormTerms(threshold=3)
    await machine.post(*[alert(host) for host in HOSTS])
    await machine.run(60)
    machine.boot()
    await machine.decider.recover()
    rows = machine.state.incidents.values()
    assert sum(isinstance(row.incident.phase, Folded) for row in rows) == 5
    assert len(machine.tickets) == 4

    await machine.run(20 * 60 + 30)
    assert len(machine.tickets) == 4 + 1 + 1  # at 20 and at 21 minutes
    await machine.run(6 * 60)
    assert len(machine.tickets) == 9
    [parent] = [row.incident for row in machine.state.incidents.values() if row.incident.storm is not None]
    await machine.run(6 * 60)
    [parent] = [row.incident for row in machine.state.incidents.values() if row.incident.storm is not None]
    assert isinstance(parent.phase, Closed)
    assert machine.unaccounted() == 0
    assert machine.state.totals["ticketed"] == 8
