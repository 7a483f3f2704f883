"""What `explain` says of an incident whose calls went well and badly, by the simulator's ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from alertd.cli.telling import incident as lines_of
from tests.days.conftest import Day, alert

pytestmark = pytest.mark.looptime(noop_cycles=0)

MakeDay = Callable[..., Day]


async def told_of(day: Day) -> dict[str, Any]:
    await day.parts.call_log.keep_answers()
    [stored] = await day.parts.store.incidents_after("", limit=2)
    told = await day.parts.operations.explain(stored.incident.key)
    assert told is not None
    [each] = told["incidents"]
    found: dict[str, Any] = each
    return found


async def test_each_call_is_told_with_its_answer(make_day: MakeDay) -> None:
    day = make_day()

    async def sender() -> None:
        await day.post(alert("host-1", "Acme Dental Group"))
        await asyncio.sleep(600)
        day.fault(kind="down")
        await day.post(alert("host-1", "Acme Dental Group", cleared=True))

    await day.run(sender(), hours=0.5)
    told = await told_of(day)
    [ticket] = day.tickets
    creates = [call for call in told["calls"] if call["operation"] == "create" and call["outcome"] == "ok"]
    assert [(call["endpoint"], call["status"]) for call in creates][-1] == ("Tickets", 200)
    assert creates[-1]["answer"] == f"id {ticket['id']}"
    failed = [call for call in told["calls"] if call["outcome"] not in ("ok", "")]
    assert failed
    assert failed[-1]["answer"]
    assert told["standing"]["differs"] == ["it is to be completed"]
    assert told["standing"]["settled"] is False
    assert "calls of class complete are held back until" in told["standing"]["held"]
    assert told["standing"]["tally"] == {"ticketed": 1, "merged": 1}
    assert told["routed"]["differs_today"] == {}
    text = "\n".join(lines_of(told))
    assert "To do" in text
    assert "it is to be completed" in text
    assert f"create Tickets: ok (200): id {ticket['id']}" in text

    day.clear("down")
    await day.run(hours=1)
    told = await told_of(day)
    assert told["standing"]["differs"] == []
    assert told["standing"]["settled"] is True
