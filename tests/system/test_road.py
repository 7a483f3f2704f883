"""The whole road with a real process over real HTTP: from webhook to completed ticket, and what it costs."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.system.site import Site, a_site, accounted, alert

pytestmark = pytest.mark.system


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        await site.start()
        yield site


def writes(site: Site) -> dict[str, int]:
    """Count what was written, by the simulator's ledger."""
    actions = site.calls["actions"]
    return {
        f"{endpoint} {action}": count
        for endpoint, by_action in actions.items()
        for action, count in by_action.items()
        if action in ("create", "update", "delete") and count
    }


def say(capsys: pytest.CaptureFixture[str], figure: str) -> None:
    """Print a figure that has been asserted, whether or not output is captured."""
    with capsys.disabled():
        sys.stdout.write(f"\ncalls to Autotask, {figure}\n")


async def test_an_alert_becomes_a_ticket_that_completes(site: Site) -> None:
    await site.post(alert())
    await site.until(lambda: bool(site.tickets) and site.tickets[0]["tags"] == ["alertd"])
    await site.post(alert(firing=False))
    await site.until(lambda: site.tickets[0]["status"] == 5)
    await site.settled()

    [ticket] = site.tickets
    queue = next(each for each in site.simulator_queues() if each["label"] == "NOC")
    assert ticket["queueID"] == queue["id"]
    assert ticket["companyID"] == 175
    assert ticket["priority"] == 2
    assert ticket["source"] == 8
    assert ticket["title"] == "Disk D: on fs02 is full on fs02"
    assert ticket["description"].splitlines()[-1] == f"[ref: {ticket['externalID']}]"
    assert "clear" in ticket["resolution"]
    assert accounted(site.walk(), site.tickets)


async def test_a_plain_incident_costs_what_is_promised(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    """1 create + 1 read-back + 1 per tag + 1 PATCH; the tag's making and the notes look are counted apart."""
    await site.post(alert("one"))
    await site.settled()
    before, made = writes(site), site.calls["total"]
    await site.post(alert("two"))
    await site.settled()
    await site.post(alert("two", firing=False))
    await site.until(lambda: any(ticket["status"] == 5 for ticket in site.tickets))
    await site.settled()

    spent = {name: count - before.get(name, 0) for name, count in writes(site).items()}
    assert {name: count for name, count in spent.items() if count} == {
        "Tickets create": 1,
        "TicketTagAssociations create": 1,
        "Tickets update": 1,
    }
    reads = site.calls["total"] - made - 3
    say(capsys, f"a plain incident: 3 writes, {reads} reads and polls")


async def test_a_thousand_repeats_cost_no_write(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    await site.post(alert())
    await site.settled()
    before = writes(site)
    for _ in range(10):
        await site.post(*[alert()] * 100)
    status = await site.settled()

    assert writes(site) == before
    say(capsys, "1,000 repeats: 0 writes")
    assert len(site.tickets) == 1
    assert status["accepted_messages"] == 1001
    assert accounted(site.walk(), site.tickets)


async def test_any_json_becomes_a_ticket_by_its_mapping(site: Site) -> None:
    event = {"rule": "Doorbell offline", "level": "1", "state": "open", "device": {"id": 7, "name": "door-7"}}
    await site.send("/v1/alerts/doorbell", {"events": [event]}, token="doorbell")
    await site.until(lambda: bool(site.tickets))
    await site.send("/v1/alerts/doorbell", {"events": [{**event, "state": "closed"}]}, token="doorbell")
    await site.until(lambda: site.tickets[0]["status"] == 5)

    [ticket] = site.tickets
    assert ticket["title"] == "Doorbell offline on door-7"
    assert ticket["priority"] == 4
    assert ticket["companyID"] == 0
    assert "The alert names no customer." in ticket["description"]


async def test_a_board_that_the_tenant_lacks_is_stood_in_for_whole(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        site.configure(
            more="""
[[route.routes]]
name = "lost"
matchers = ['board="lost"']
board = "lost"

[[boards]]
name = "lost"
queue = "No Such Queue"
tags = ["lost"]
"""
        )
        await site.start()
        await site.post(alert(board="lost"))
        await site.until(lambda: bool(site.tickets) and bool(site.tickets[0]["tags"]))
        await site.settled()

        [ticket] = site.tickets
        queue = next(each for each in site.simulator_queues() if each["label"] == "NOC")
        assert (ticket["queueID"], ticket["tags"]) == (queue["id"], ["alertd"])
        assert "Board lost cannot take tickets, so this is on noc." in ticket["description"]


async def test_what_cannot_be_read_is_kept_and_shown(site: Site) -> None:
    answer = await site.send("/v1/alerts/alertmanager", ["not", "a", "hook"], token="alertmanager")
    status = await site.settled()
    code, told = await site.run("parked", "list")

    assert answer["parked"] == 1
    assert status["alerts"] == {"parked": 1}
    assert code == 0
    assert answer["receipt"] in told
    assert accounted(site.walk(), site.tickets)
