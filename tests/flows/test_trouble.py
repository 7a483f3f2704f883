"""What may go wrong between the loops: hand-overs, restarts, slow calls, and what only time brings."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from alertd.core.settling import Terms
from alertd.flows.beating import beating
from alertd.flows.beginning import Beginning, OtherTenant
from alertd.flows.errors import OutcomeUnknown, Rejected, Unavailable
from alertd.flows.ports import Entry
from tests.flows.conftest import Machine, alert

pytestmark = pytest.mark.looptime


async def test_what_a_sweep_has_decided_is_not_decided_again_when_handed_over() -> None:
    machine = Machine()
    machine.decider.accept = lambda entry, alerts: None  # type: ignore[method-assign] # intake is late
    await machine.post(alert())
    del machine.decider.accept
    await machine.decider.recover()
    [(journal_id, entry)] = machine.state.entries.items()
    machine.decider.accept(Entry(journal_id, entry.envelope), [alert()])
    await machine.run(30)

    assert len(machine.tickets) == 1
    assert machine.unaccounted() == 0


async def test_a_group_wait_ends_though_alerts_keep_coming() -> None:
    machine = Machine(group_wait="5s")
    made_after: list[int] = []

    async def flood() -> None:
        for _ in range(300):
            await machine.post(*[alert("noisy")] * 20)
            await asyncio.sleep(0.03)
        made_after.append(len(machine.tickets))

    async with asyncio.TaskGroup() as group:
        group.create_task(flood())
        await machine.run(20)

    assert made_after == [1]


async def test_parked_is_tried_again_after_a_restart_with_a_mended_configuration() -> None:
    machine = Machine()
    machine.desk.fail("create", "before", Rejected("ticketCategory does not exist"))
    await machine.post(alert())
    await machine.run(60)
    assert not machine.tickets
    machine.terms = Terms(unknown_window=machine.terms.unknown_window, mark="mended")
    machine.boot()
    await machine.run(60)

    assert len(machine.tickets) == 1


async def test_a_refusal_of_something_else_than_is_wanted_now_is_over() -> None:
    machine = Machine(missed="nothing")
    machine.desk.fail("create", "before", Rejected("no"))
    await machine.post(alert())
    await machine.run(60)
    await machine.post(alert(cleared=True))
    await machine.run(400)

    assert [write.state for write in machine.state.writes.values()] == ["closed"]


async def test_a_slow_autotask_does_not_stop_the_heartbeat() -> None:
    beats = 0

    def beat() -> None:
        nonlocal beats
        beats += 1

    assert await beating(asyncio.sleep(90, result="done"), beat) == "done"
    assert beats >= 90


async def test_what_fails_while_beating_fails() -> None:
    async def fail() -> None:
        raise Unavailable("no")

    with pytest.raises(Unavailable):
        await beating(fail(), lambda: None)


async def test_a_deleted_ticket_is_noticed_and_made_anew() -> None:
    machine = Machine()
    await machine.post(alert("canary"), alert("a"))
    await machine.run(60)
    lost = next(ticket for ticket in machine.tickets if "on a" in ticket.draft.title)
    lost.gone = True
    await machine.run(400)

    assert sum("on a" in ticket.draft.title for ticket in machine.tickets) == 2
    assert len(machine.tickets) == 3


async def test_an_unclear_reopening_of_a_deleted_ticket_is_over_one_day() -> None:
    machine = Machine(hold="0s")
    await machine.post(alert("canary"), alert("a"))
    await machine.run(60)
    await machine.post(alert("a", cleared=True))
    await machine.run(400)
    completed = next(ticket for ticket in machine.tickets if "on a" in ticket.draft.title)
    assert completed.resolution
    completed.gone = True
    machine.desk.fail("change", "before", OutcomeUnknown("cut off"))
    await machine.post(alert("a"))
    await machine.run(1)
    await machine.post(alert("a", cleared=True))
    await machine.run(400)

    known = [row.known for row in machine.state.incidents.values()]
    assert [each.intent for each in known] == [None, None]


async def test_who_has_reopened_a_ticket_before_us_keeps_it() -> None:
    machine = Machine()
    await machine.post(alert())
    await machine.run(90)
    await machine.post(alert(cleared=True))
    await machine.run(1200)
    [ticket] = machine.tickets
    machine.desk.person(ticket.id, status=8, priority=9, queue=5)
    await machine.run(3600)
    await machine.post(alert())
    await machine.run(200)
    await machine.post(alert(cleared=True))
    await machine.run(1200)

    assert ticket.fields == {"status": 8, "priority": 9, "queue": 5}
    assert any("left open" in text.lower() or "clear" in text.lower() for text in ticket.note_texts)


async def test_an_incident_has_one_task_however_long_its_lease() -> None:
    machine = Machine()
    machine.desk.fail("create", "before", Unavailable("slow"))
    await machine.post(alert())

    async def steal() -> None:
        await asyncio.sleep(0.06)
        machine.state.claimed.clear()  # the lease has run out
        machine.settler.wake()

    async with asyncio.TaskGroup() as group:
        group.create_task(steal())
        await machine.run(60)

    assert len(machine.tickets) == 1


class Memory(dict[str, str]):
    async def get(self, name: str) -> str | None:  # type: ignore[override] # a port's name
        return dict.get(self, name)

    async def set(self, name: str, value: str) -> None:
        self[name] = value


async def test_a_store_that_knows_less_than_the_tenant_looks_first() -> None:
    machine = Machine()
    await machine.post(alert("known"))
    await machine.run(30)
    memory = Memory()
    beginning = Beginning(desk=machine.desk, state=machine.state, memory=memory)
    await beginning.begin()
    assert not beginning.adopt_first
    await machine.post(alert("lost"))
    await machine.run(30)
    key = next(k for k, row in machine.state.incidents.items() if row.incident.group["host"] == "lost")
    del machine.state.incidents[key]
    del machine.state.writes[key]
    again = Beginning(desk=machine.desk, state=machine.state, memory=memory)
    await again.begin()

    assert again.adopt_first


async def test_another_tenant_is_refused() -> None:
    machine = Machine()
    with pytest.raises(OtherTenant, match="30595"):
        await Beginning(desk=machine.desk, state=machine.state, memory=Memory(tenant="1")).begin()


async def test_a_forgotten_live_ticket_is_taken_over() -> None:
    machine = Machine()
    await machine.post(alert())
    await machine.run(30)
    forgetful = Machine()
    forgetful.desk = machine.desk
    forgetful.desk.clock = forgetful.clock
    forgetful.terms = type(machine.terms)(unknown_window=timedelta(minutes=6), adopt_first=True)
    forgetful.boot()
    await forgetful.post(alert())
    await forgetful.run(60)

    assert len(forgetful.tickets) == 1
    assert [row.known.ticket is not None for row in forgetful.state.incidents.values()] == [True]
