"""Late, early, doubled and missing messages on a real process, by the simulator's books."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alertd.app.clock import SystemClock
from tests.system.site import Site, a_site, accounted, alert

pytestmark = pytest.mark.system

STARTED = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
COMPLETE = 5


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path, hold="0s", note_interval="0s") as site:
        await site.start()
        yield site


def said(host: str, started_min: int, ended_min: int | None = None) -> dict[str, Any]:
    """One alert of a webhook, with its source's own times."""
    told = alert(host, firing=ended_min is None) | {"startsAt": _at(started_min)}
    return told if ended_min is None else told | {"endsAt": _at(ended_min)}


def _at(minutes: int) -> str:
    return (STARTED + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def seen_by(reporter: str, host: str, *, ends_in_s: float) -> dict[str, Any]:
    """One alert as Prometheus posts it: it is over when its end has come."""
    now = SystemClock().now()
    return {
        "labels": {"alertname": "DiskFull", "instance": f"{host}:9100", "customer": "Acme Dental Group"},
        "startsAt": (now - timedelta(minutes=5)).isoformat(),
        "endsAt": (now + timedelta(seconds=ends_in_s)).isoformat(),
        "generatorURL": f"http://{reporter}.example.net/graph",
    }


async def post_v2(site: Site, *alerts: dict[str, Any]) -> None:
    await site.send("/api/v2/alerts", list(alerts), token="alertmanager")


async def state_of(site: Site, host: str) -> str:
    _, told = await site.ask("/api/v1/incidents?all=true")
    return next((each["state"] for each in json.loads(told) if each["group"]["host"] == host), "closed")


def ticket_of(site: Site, host: str) -> dict[str, Any] | None:
    found = [ticket for ticket in site.tickets if host in ticket["title"]]
    assert len(found) <= 1
    return found[0] if found else None


def status_of(site: Site, host: str) -> int | None:
    ticket = ticket_of(site, host)
    return ticket["status"] if ticket is not None else None


async def test_messages_count_by_their_sources_times(site: Site) -> None:
    await site.post(said("early", 0, 5))
    await site.post(said("early", 0))
    await site.post(said("late", 0), said("again", 10))
    await site.until(lambda: status_of(site, "late") == status_of(site, "again") == 1)
    await site.settled()
    await site.post(said("late", 0, 5))
    await site.until(lambda: status_of(site, "late") == COMPLETE)
    await site.post(said("late", 0))
    await site.post(said("again", 0, 5))
    await site.settled()

    assert ticket_of(site, "early") is None, "its clear came before it, and is remembered"
    assert status_of(site, "late") == COMPLETE, "a copy that comes late reopens nothing"
    assert status_of(site, "again") == 1, "the end of an earlier firing does not end this one"
    assert accounted(site.walk(), site.tickets)


async def test_a_pair_clears_when_both_have_and_silence_is_no_clear(site: Site) -> None:
    await post_v2(site, seen_by("p1", "pair", ends_in_s=600), seen_by("p2", "pair", ends_in_s=600))
    await post_v2(site, seen_by("p1", "mute", ends_in_s=2))
    await site.until(lambda: status_of(site, "pair") == status_of(site, "mute") == 1)
    await post_v2(site, seen_by("p1", "pair", ends_in_s=-1))
    async with asyncio.timeout(20):
        while await state_of(site, "mute") != "expired":
            await asyncio.sleep(0.05)
    await site.settled()
    mute = ticket_of(site, "mute")
    assert mute is not None
    assert mute["status"] == 1
    assert "Silence is no all-clear" in mute["notes"][-1]["description"]
    assert status_of(site, "pair") == 1

    await site.kill()  # what each of them has said is not in memory alone
    await site.start()
    await post_v2(site, seen_by("p2", "pair", ends_in_s=-1), seen_by("p1", "mute", ends_in_s=-1))
    await site.until(lambda: status_of(site, "pair") == status_of(site, "mute") == COMPLETE)

    assert len(site.tickets) == 2
    assert accounted(site.walk(), site.tickets)
