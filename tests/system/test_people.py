"""What technicians do in Autotask wins: a real process, and the simulator's own record of every change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from alertd.simulator import API_RESOURCE_ID
from tests.system.site import Site, a_site, accounted, alert

pytestmark = pytest.mark.system


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path, hold="2s", note_interval="0s") as site:
        await site.start()
        await site.post(alert())
        await site.until(lambda: bool(site.tickets) and site.tickets[0]["tags"] == ["alertd"])
        await site.settled()
        yield site


def our_changes(site: Site) -> list[str]:
    """Return the fields that alertd itself has changed on the ticket, by the simulator's record."""
    changes = site.tickets[0]["changes"]
    return [name for change in changes if change["by"] == API_RESOURCE_ID for name in change["fields"]]


async def seen(site: Site) -> None:
    """Wait until alertd has read the ticket after what a person has just done."""
    reads = site.calls["actions"]["Tickets"].get("query", 0)
    await site.until(lambda: site.calls["actions"]["Tickets"].get("query", 0) >= reads + 2)


async def test_a_touched_ticket_is_noted_and_left_open(site: Site) -> None:
    site.act(act="assign", ticket=site.tickets[0]["id"], resource="Lucy Brandt")
    await seen(site)
    await site.post(alert(firing=False))
    await site.until(lambda: any("left open" in note["description"] for note in site.tickets[0]["notes"]))
    await site.settled()

    assert site.tickets[0]["status"] == 1
    assert "status" not in our_changes(site)
    assert accounted(site.walk(), site.tickets)


async def test_a_note_written_just_before_completing_is_seen(site: Site) -> None:
    site.act(act="note", ticket=site.tickets[0]["id"], title="Called", text="Customer knows")
    await site.post(alert(firing=False))
    await site.until(lambda: any("left open" in note["description"] for note in site.tickets[0]["notes"]))

    assert site.tickets[0]["status"] == 1


async def test_queue_and_priority_of_a_person_stay(site: Site) -> None:
    site.act(act="requeue", ticket=site.tickets[0]["id"], queue="Network")
    site.act(act="reprioritise", ticket=site.tickets[0]["id"], priority="Low")
    await seen(site)
    await site.post(alert("fs02", severity="critical"))
    await site.settled()
    await site.post(alert(firing=False))
    await site.settled()

    assert not {"queueID", "priority"} & set(our_changes(site))


async def test_closed_by_a_person_is_acknowledged_until_clear(site: Site) -> None:
    site.act(act="complete", ticket=site.tickets[0]["id"])
    await seen(site)
    for _ in range(3):
        await site.post(alert())
    await seen(site)
    one = len(site.tickets)
    await site.post(alert(firing=False))
    await site.over()
    await site.post(again())
    await site.until(lambda: len(site.tickets) == 2)

    assert one == 1
    assert site.tickets[1]["externalID"] == site.tickets[0]["externalID"].removesuffix("-g1") + "-g2"
    assert site.tickets[0]["ticketNumber"] in site.tickets[1]["description"]


def again() -> dict[str, object]:
    """The same problem, begun anew after the all-clear."""
    return {**alert(), "startsAt": "2026-11-23T04:00:00Z"}


# --- the limit of a person's word, in one process -----------------------------------------------------


@pytest.fixture
async def limited(tmp_path: Path) -> AsyncIterator[Site]:
    limit = 'untouched"\nacknowledge_limit = "6s'
    async with a_site(tmp_path, hold="1s", note_interval="0s", close=limit) as site:
        await site.start()
        yield site


def ticket_of(site: Site, host: str, generation: int = 1) -> dict[str, Any] | None:
    found = [
        each
        for each in site.tickets
        if host in each["title"] and (each["externalID"] or "").endswith(f"-g{generation}")
    ]
    return found[0] if found else None


async def test_what_people_do_with_whole_tickets(limited: Site) -> None:
    """Completed, completed and opened again, merged, deleted: one live ticket for each problem."""
    site, hosts = limited, ("kept", "back", "merged", "deleted")
    for host in hosts:
        await site.post(alert(host))
    await site.until(lambda: all(ticket_of(site, host) for host in hosts))
    await site.settled()
    ids = {host: (ticket_of(site, host) or {})["id"] for host in hosts}
    company = site.tickets[0]["companyID"]
    site.act(
        act="create",
        fields={"title": "Server room", "companyID": company, "queueID": "NOC", "status": 1, "priority": 2},
    )
    server_room = site.tickets[-1]["id"]
    site.act(act="complete", ticket=ids["kept"])
    site.act(act="complete", ticket=ids["back"])
    site.act(act="merge", ticket=ids["merged"], into=server_room)
    site.act(act="delete", ticket=ids["deleted"])
    await seen(site)
    site.act(act="reopen", ticket=ids["back"])
    await site.until(lambda: bool(ticket_of(site, "kept", 2)) and bool(ticket_of(site, "deleted", 2)))
    await site.settled()
    _, explained = await site.run("explain", (ticket_of(site, "kept", 2) or {})["ticketNumber"])
    for host in hosts:
        await site.post(alert(host, firing=False))
    await site.until(lambda: all(_is_over(site, host) for host in ("kept", "deleted")))
    await site.settled()

    assert "outlasted" in explained
    assert ticket_of(site, "back", 2) is None
    assert ticket_of(site, "merged", 2) is None
    survivor = next(each for each in site.tickets if each["id"] == server_room)
    assert survivor["status"] == 1
    assert any("followed in this ticket" in note["description"] for note in survivor["notes"])
    assert (ticket_of(site, "back") or {})["status"] == 8
    walked = site.walk()
    assert walked["accepted"] == walked["ticketed"] + walked["merged"] == 8


def _is_over(site: Site, host: str) -> bool:
    ticket = ticket_of(site, host, 2)
    return ticket is not None and ticket["status"] == 5
