"""For whom each call is made, and what becomes of what may not go now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from alertd.flows import syncing
from alertd.flows.errors import Throttled
from alertd.flows.ports import Canary, TicketFacts
from alertd.flows.sending import Precedence
from tests.flows.conftest import FakeDesk, Machine, alert

pytestmark = pytest.mark.looptime
DONE = 5


def served(machine: Machine) -> dict[str, set[tuple[Precedence | None, str]]]:
    found: dict[str, set[tuple[Precedence | None, str]]] = {}
    for name, whom in machine.desk.served:
        found.setdefault(name, set()).add((whom.precedence, whom.company))
    return found


@pytest.mark.parametrize(
    ("severity", "create"), [("critical", Precedence.CRITICAL_CREATE), ("warning", Precedence.CREATE)]
)
async def test_each_call_has_the_class_of_what_it_serves(severity: str, create: Precedence) -> None:
    machine = Machine()
    await machine.post(alert(severity=severity))
    await machine.run(55)
    read_backs = served(machine)["tickets"]  # the sync has not begun
    await machine.post(alert(severity=severity, cleared=True))
    await machine.run(600)

    found = served(machine)
    assert found["create"] == read_backs == {(create, "Contoso")}
    assert found["tag"] == {(Precedence.UPDATE, "Contoso")}
    assert found["change"] == {(Precedence.COMPLETE, "Contoso")}
    assert (Precedence.SYNC, "") in found["tickets"]


async def test_a_sync_that_is_held_back_is_told_of() -> None:
    machine = Machine()
    await machine.post(alert())
    await machine.run(130)
    assert machine.syncer.unwatched_since() is None
    machine.desk.down = True
    await machine.run(400)
    since = machine.syncer.unwatched_since()
    assert since is not None
    assert timedelta(minutes=5) < machine.clock.now() - since
    machine.desk.down = False
    await machine.run(70)

    assert machine.syncer.unwatched_since() is None


async def test_a_sync_that_sees_nothing_has_watched_nothing() -> None:
    machine = Machine()
    await machine.post(alert())
    await machine.run(130)
    machine.tickets[0].gone = True  # or the right to see it
    await machine.run(400)

    assert machine.syncer.unwatched_since() is not None


async def test_a_sync_that_was_stopped_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncing, "MOST_TICKETS", 1)
    machine = Machine()
    await machine.post(*[alert(host) for host in "abc"])
    await machine.run(50)
    read: list[int] = []

    async def stop_at_the_second(ticket_ids: Sequence[int]) -> Sequence[TicketFacts]:
        read.append(min(ticket_ids))
        if len(read) == 2:
            raise Throttled(100, "kept for others")
        return await FakeDesk.tickets(machine.desk, ticket_ids)

    monkeypatch.setattr(machine.state, "canaries", no_canaries)
    monkeypatch.setattr(machine.desk, "tickets", stop_at_the_second)
    await machine.syncer.sync()
    await machine.syncer.sync()

    first, second, third = sorted(ticket.id for ticket in machine.tickets)
    assert read == [first, second, second, third, first]


async def no_canaries(*, limit: int) -> Sequence[Canary]:
    del limit
    return []


async def test_what_may_not_go_now_makes_no_intent_and_is_no_failed_try() -> None:
    machine = Machine()
    machine.desk.no_room = Throttled(100, "kept for others")
    await machine.post(alert())
    await machine.run(90)
    [row] = machine.state.incidents.values()
    assert (row.known.intent, row.known.attempts) == (None, 0)
    assert row.settle_at is not None
    assert row.settle_at - machine.clock.now() < timedelta(seconds=100)
    assert len(machine.desk.rooms) == 1
    machine.desk.no_room = None
    await machine.run(30)

    assert machine.desk.calls.count("create") == 1


async def test_a_tag_that_has_to_wait_keeps_no_ticket_open() -> None:
    machine = Machine()
    machine.desk.no_room_for[Precedence.UPDATE] = Throttled(3600, "kept for others")
    await machine.post(alert())
    await machine.run(60)
    await machine.post(alert(cleared=True))
    await machine.run(400)
    [ticket] = machine.tickets

    assert ticket.fields["status"] == DONE
    assert not ticket.tags
    machine.desk.no_room_for.clear()
    await machine.run(3600)
    assert ticket.tags


async def test_what_has_become_critical_waits_no_longer_than_what_is() -> None:
    machine = Machine()
    machine.desk.no_room_for[Precedence.CREATE] = Throttled(3600, "kept for others")
    await machine.post(alert(severity="warning"))
    await machine.run(60)
    assert not machine.tickets
    await machine.post(alert(severity="critical"))
    await machine.run(10)

    assert len(machine.tickets) == 1


async def test_where_the_sync_is_held_back_people_win_all_the_same() -> None:
    """Whoever takes a ticket over writes no note."""
    machine = Machine()
    await machine.post(alert("canary"), alert("a"))
    await machine.run(300)
    machine.desk.broken.add("tickets")
    await machine.run(400)
    taken = next(ticket for ticket in machine.tickets if "on a" in ticket.draft.title)
    taken.assignee_id, taken.activity = 77, (machine.clock.now(), 77)
    await machine.run(60)
    await machine.post(alert("a", cleared=True), alert("canary", cleared=True))
    await machine.run(600)

    assert [ticket.fields["status"] == DONE for ticket in machine.tickets] == [True, False]
