"""Technicians and workflow rules at random: no edit is overwritten, no ticket doubled, no loop begun."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from random import Random
from typing import Any

import pytest

from alertd.simulator import API_RESOURCE_ID
from tests.days.conftest import HOUR_S, Day, alert
from tests.days.test_tags_days import with_state_tags

pytestmark = [pytest.mark.looptime(noop_cycles=0), pytest.mark.slow, pytest.mark.timeout(600)]

CLIENT = "Acme Dental Group"
HOSTS = [f"host-{number}" for number in range(12)]
COMPLETE = 5
SEEN_S = 240.0  # search lag, what is taken for workflow rules, and two syncs
FIELDS = {"status", "priority", "queueID"}
STATES = {"Firing", "Cleared", "Taken", "Silent"}


def acts_on(ticket: int, chance: Random) -> dict[str, Any]:
    return {
        "ticket": ticket,
        **chance.choice(
            [
                {"act": "assign", "resource": "Lucy Brandt"},
                {"act": "note", "title": "Called", "text": "Customer knows"},
                {"act": "time_entry"},
                {"act": "requeue", "queue": "Network"},
                {"act": "reprioritise", "priority": "Low"},
                {"act": "edit", "fields": {"status": 8}},
                {"act": "complete"},
                {"act": "reopen"},
                {"act": "remove_tag", "tag": "alertd"},
                {"act": "delete"},
            ]
        ),
    }


def overwritten(ticket: Mapping[str, Any]) -> list[str]:
    """Return the fields that a person had set, for long enough to be seen, when alertd wrote them."""
    taken: dict[str, float] = {}
    found = []
    for change in ticket["changes"]:
        at, names = _seconds(change["at"]), FIELDS & set(change["fields"])
        if change["by"] == API_RESOURCE_ID:
            found += [name for name in names if name in taken and at > taken[name] + SEEN_S]
        else:
            taken |= dict.fromkeys(names - taken.keys(), at)
    return found


def mistagged(day: Day, firing: set[str]) -> list[tuple[str, set[str], str]]:
    """Return the newest tickets of problems whose state tags are not those that the books call for."""
    newest = {each["externalID"].rpartition("-g")[0]: each for each in day.tickets}
    found = []
    for ticket in newest.values():
        host = next(word.strip(":,") for word in ticket["title"].split() if word.startswith("host-"))
        taken = ticket["status"] == COMPLETE
        wanted = "Cleared" if host not in firing else "Taken" if taken else "Firing"
        shown = STATES & set(ticket["tags"])
        if shown != {wanted}:
            found.append((ticket["ticketNumber"], shown, wanted))
    return found


def _seconds(at: Any) -> float:
    return datetime.fromisoformat(at).timestamp() if isinstance(at, str) else float(at)


def twins(day: Day) -> list[str]:
    """Return problems with two live tickets."""
    counted = Counter(
        each["externalID"].rpartition("-g")[0] for each in day.tickets if each["status"] != COMPLETE
    )
    return [base for base, count in counted.items() if count > 1]


@pytest.mark.parametrize("seed", [1, 2])
async def test_people_at_random(make_day: Callable[..., Day], seed: int) -> None:
    day = with_state_tags(make_day, more='acknowledge_limit = "1h"\n', reopen_within="1h")
    chance = Random(seed)
    doubled: list[str] = []
    firing: set[str] = set()

    async def senders() -> None:
        for _ in range(60):
            await asyncio.sleep(chance.uniform(10, 140))
            host = chance.choice(HOSTS)
            cleared = host in firing and chance.random() < 0.7
            (firing.discard if cleared else firing.add)(host)
            await day.post(
                alert(host, CLIENT, severity=chance.choice(["warning", "critical"]), cleared=cleared)
            )

    async def people() -> None:
        for _ in range(60):
            await asyncio.sleep(chance.uniform(10, 140))
            if day.tickets:
                with suppress(AssertionError):  # what the ticket, or the tenant, does not let a person do
                    act = acts_on(chance.choice(day.tickets)["id"], chance)
                    live = {each["externalID"] for each in day.tickets if each["status"] != COMPLETE}
                    if act["act"] not in ("reopen", "edit") or not _is_superseded(day, act["ticket"], live):
                        day.act(**act)
            doubled.extend(twins(day))
        await asyncio.sleep(2.2 * HOUR_S - asyncio.get_running_loop().time())
        for ticket in [each for each in day.tickets if each["status"] != COMPLETE][:2]:
            day.act(act="complete", ticket=ticket["id"])

    await day.run(senders(), people(), hours=2.5)
    accepted, placed = day.walk()

    assert not doubled
    assert not [(each["ticketNumber"], overwritten(each)) for each in day.tickets if overwritten(each)]
    assert len(day.tickets) < 60
    assert accepted == placed == 60
    assert not mistagged(day, firing)


def _is_superseded(day: Day, ticket_id: int, live: set[str]) -> bool:
    """Whether the problem has a later ticket, or a live one: opening this makes two by a person's hand."""
    [ticket] = [each for each in day.tickets if each["id"] == ticket_id]
    base = ticket["externalID"].rpartition("-g")[0]
    newest = max(each["externalID"] for each in day.tickets if each["externalID"].startswith(base))
    return ticket["externalID"] != newest or any(each.startswith(base) for each in live)
