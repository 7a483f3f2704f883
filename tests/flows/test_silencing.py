"""Silences over all flows: no new ticket while they last, at once when they begin and end, over restarts."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from alertd.core.matchers import parse_matchers
from alertd.core.silences import Silence, expired
from alertd.flows.errors import OutcomeUnknown
from tests.flows.conftest import START, Machine, alert

pytestmark = pytest.mark.looptime


async def silence(
    machine: Machine, matchers: str = 'host="fs02"', *, lasts_s: float = 600, starts_s: float = 0
) -> Silence:
    now = machine.clock.now()
    starts_at = now + timedelta(seconds=starts_s)
    made = Silence(
        id=f"s{len(machine.silences.silences()) + 1}",
        matchers=parse_matchers(matchers),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(seconds=lasts_s),
        created_by="noc",
        comment="patching",
        updated_at=now,
    )
    await machine.silences.keep(made)
    return made


async def restart(machine: Machine) -> None:
    machine.boot()
    await machine.silences.load()
    await machine.decider.recover()


def state(machine: Machine) -> list[str]:
    return [write.state for write in machine.state.writes.values()]  # type: ignore[attr-defined]


def totals(machine: Machine) -> dict[str, int]:
    assert machine.unaccounted() == 0
    return {name: count for name, count in machine.state.totals.items() if count}


async def test_what_is_silenced_gets_its_ticket_when_the_silence_ends() -> None:
    machine = Machine()
    await silence(machine)
    await machine.post(alert())
    await machine.run(500)
    assert machine.tickets == []
    assert state(machine) == ["silenced"]
    assert totals(machine) == {"silenced": 1}

    await machine.run(101)
    [ticket] = machine.tickets
    assert "Since: 2026-11-23 03:00 UTC" in ticket.draft.description
    assert (
        "Silenced by s1 (noc: patching) from 2026-11-23 03:00 UTC until 2026-11-23 03:10 UTC"
        in ticket.draft.description
    )
    assert totals(machine) == {"ticketed": 1}


async def test_what_clears_in_silence_makes_no_ticket_however_bad() -> None:
    machine = Machine()
    await silence(machine)
    await machine.post(alert(severity="critical"))
    await machine.run(60)
    await machine.post(alert(severity="critical", cleared=True))
    await machine.run(900)
    assert machine.tickets == []
    assert state(machine) == ["closed"]
    assert totals(machine) == {"cleared_unticketed": 2}


async def test_ending_a_silence_takes_effect_at_once() -> None:
    machine = Machine()
    kept = await silence(machine)
    await machine.post(alert())
    await machine.run(60)
    await machine.silences.keep(expired(kept, machine.clock.now()))
    await machine.run(2)
    assert len(machine.tickets) == 1


async def test_a_longer_silence_is_found_when_the_shorter_would_have_ended() -> None:
    machine = Machine()
    kept = await silence(machine)
    await machine.post(alert())
    await machine.run(60)
    await machine.silences.keep(msgspec.structs.replace(kept, ends_at=START + timedelta(seconds=1200)))
    await machine.run(1000)
    assert machine.tickets == []
    await machine.run(200)
    assert len(machine.tickets) == 1


async def test_a_second_silence_takes_over() -> None:
    machine = Machine()
    await silence(machine, lasts_s=300)
    await silence(machine, 'alertname=~".+"', starts_s=200, lasts_s=600)
    await machine.post(alert())
    await machine.run(790)
    assert machine.tickets == []
    await machine.post(alert())
    await machine.run(60)
    assert len(machine.tickets) == 1


async def test_one_made_before_the_create_could_be_sent_holds_it_back() -> None:
    machine = Machine()
    machine.desk.broken = {"create"}
    await machine.post(alert())
    await machine.run(1)
    assert state(machine) == ["opening"]
    await silence(machine)
    machine.desk.broken = set()
    await machine.run(300)
    assert machine.tickets == []
    assert state(machine) == ["silenced"]


async def test_one_made_while_the_group_waits_holds_it_back() -> None:
    machine = Machine(group_wait="1m")
    await machine.post(alert())
    await machine.run(30)
    await silence(machine)
    await machine.run(300)
    assert machine.tickets == []


async def test_one_that_begins_by_the_clock_holds_back_what_has_no_ticket_yet() -> None:
    machine = Machine()
    await silence(machine, starts_s=5)
    machine.desk.broken = {"create"}
    await machine.post(alert())
    await machine.run(4.5)
    assert state(machine) == ["opening"]
    await machine.run(1)
    machine.desk.broken = set()
    await machine.run(300)
    assert machine.tickets == []


async def test_a_ticket_that_stands_is_left_alone_and_completed() -> None:
    machine = Machine()
    await machine.post(alert())
    await machine.run(90)
    await silence(machine, lasts_s=9000)
    await machine.run(90)
    assert state(machine) == ["open"]
    await machine.post(alert(cleared=True))
    await machine.run(600)
    [ticket] = machine.tickets
    assert ticket.fields["status"] == 5


async def test_an_alert_that_is_not_silenced_opens_the_incident() -> None:
    machine = Machine(group_by=["client"])
    await silence(machine)
    await machine.post(alert())
    await machine.run(60)
    assert machine.tickets == []
    await machine.post(alert("fs03"))
    await machine.run(60)
    [ticket] = machine.tickets
    assert "fs02: " in ticket.draft.description
    assert totals(machine) == {"ticketed": 1, "merged": 1}


async def test_a_restart_forgets_no_silence() -> None:
    machine = Machine()
    kept = await silence(machine)
    await machine.post(alert())
    await machine.run(60)
    await restart(machine)
    await machine.run(60)
    assert machine.tickets == []

    machine.silence_store.kept[kept.id] = expired(kept, machine.clock.now())  # stored, then the power failed
    await restart(machine)
    await machine.run(2)
    assert len(machine.tickets) == 1


async def test_a_silence_stored_before_a_crash_holds_back_after_it() -> None:
    machine = Machine()
    machine.desk.broken = {"create"}
    await machine.post(alert())
    await machine.run(1)
    machine.silences = type(machine.silences)(
        machine.silence_store, now=machine.clock.now, changed=lambda _: None
    )
    await silence(machine)
    machine.desk.broken = set()
    await restart(machine)
    await machine.run(60)
    assert machine.tickets == []


async def test_a_create_that_was_not_applied_is_not_sent_again_in_silence() -> None:
    machine = Machine()
    machine.desk.fail("create", "before", OutcomeUnknown("lost"))
    await machine.post(alert())
    await machine.run(1)
    await silence(machine, lasts_s=7200)
    await machine.run(600)
    assert machine.tickets == []
    assert state(machine) == ["silenced"]
