"""What came by another product's path is read again after a crash: what the path said was kept with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.system.site import CANARY, KILLED, Site, a_site, accounted

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

TOKEN = f"{CANARY}-doorbell-0123456789abcdef"  # of a mapped source: the path says what is spoken
CREATE = {"message": "Disk C: is full", "alias": "fs02/disk c", "entity": "fs02", "priority": "P1"}


async def send(site: Site, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    """Return status and document; 0 where no answer came."""
    url = f"http://127.0.0.1:{site.intake}{path}"
    try:
        async with site.session.post(url, json=body, headers=headers) as answer:
            return answer.status, await answer.json()
    except aiohttp.ClientError:
        return 0, None


async def send_and_crash(site: Site, path: str, body: Any, **headers: str) -> None:
    await site.start(ALERTD_CRASH_AT="intake.after_commit")
    assert await send(site, path, body, **headers) == (0, None)
    assert await site.ended() == KILLED


def is_stored(folder: Path, secret: bytes) -> bool:
    return any(secret in file.read_bytes() for file in folder.glob("alertd.db*"))


def is_noted(site: Site, text: str) -> bool:
    return any(text in note["description"] for ticket in site.tickets for note in ticket["notes"])


async def test_what_the_path_said_survives_a_crash(tmp_path: Path) -> None:
    genie = {"Authorization": f"GenieKey {TOKEN}"}
    event = {"event_action": "trigger", "payload": {"summary": "Fan", "source": "sw1", "severity": "info"}}
    close = "/v2/alerts/fs02%2Fdisk%20c/close?identifierType=alias"
    async with a_site(tmp_path) as site:
        await send_and_crash(
            site, f"/victorops/{TOKEN}/noc", {"message_type": "CRITICAL", "entity_id": "ups"}
        )
        await site.start()
        status, created = await send(site, "/v2/alerts", CREATE, **genie)
        assert (status, (await send(site, "/v2/enqueue", {"routing_key": TOKEN, **event}))[0]) == (202, 202)
        await site.until(lambda: len(site.tickets) == 3)
        await site.settled()
        code, explained = await site.run("explain", created["requestId"])
        assert (code, "OPEN: Disk C: is full" in explained) == (0, True), explained
        done = "/v2/alerts/fs02%2Fdisk%20c/acknowledge?identifierType=alias"
        assert (await send(site, done, {"user": "jo", "note": "on it"}, **genie))[0] == 202
        assert (await send(site, "/v2/alerts/unknown/acknowledge", {}, **genie))[0] == 202
        await site.until(lambda: is_noted(site, "acknowledged by jo: on it"))
        await site.stop()
        await send_and_crash(site, close, {}, **genie)
        await site.start()
        await site.until(lambda: any(each["status"] == 5 for each in site.tickets))
        await site.settled()

        told = {each["title"]: each["status"] for each in site.tickets}
        assert told == {"Disk C: is full on fs02": 5, "ups": 1, "Fan on sw1": 1}
        assert accounted(site.walk(), site.tickets)
        assert TOKEN not in site.read_output()
        assert not is_stored(tmp_path, TOKEN.encode())
