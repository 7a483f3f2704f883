"""A12 and A14: an Autotask that is slow, and a network that loses, cuts and stalls, over real sockets."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.system.site import a_site, accounted, alert

pytestmark = pytest.mark.system

SHORT = '\n[autotask.timeouts]\ncreate = "1s"\nread = "1s"\n'


async def test_a12_senders_do_not_feel_a_slow_autotask(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        await site.start()
        site.fault(kind="latency", seconds=20)
        waits = []
        for number in range(60):
            began = time.perf_counter()
            await site.post(alert(f"fs{number}"))
            waits.append(time.perf_counter() - began)
            await asyncio.sleep(0.01)
        code, _ = await site.ask("/healthz")

    assert sorted(waits)[-2] < 2.5  # ten times what is promised
    assert code == 200


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a14_resets_stalls_and_cuts_make_no_second_ticket(tmp_path: Path) -> None:
    hosts = 40
    async with a_site(tmp_path) as site:
        site.configure(more=SHORT)
        await site.start()
        for fault in (
            {"kind": "drop", "when": "before"},
            {"kind": "drop", "when": "after"},
            {"kind": "hang", "when": "after"},
            {"kind": "hang", "when": "before"},
            {"kind": "truncate", "keep": 0.5, "abort": True},
            {"kind": "slow_body", "seconds": 5},
        ):
            site.fault(probability=0.04, **fault)
        for number in range(hosts):
            await site.post(alert(f"fs{number}"))
        await site.settled(seconds=240)
        struck = Counter(name for call in site.calls["calls"] for name in call.faults)
        site.heal()
        await site.settled()
        references = Counter(ticket["externalID"] for ticket in site.tickets)

        assert sum(struck.values()) >= 10
        assert len(references) == hosts
        assert max(references.values()) == 1
        assert all(ticket["tags"] == ["alertd"] for ticket in site.tickets)
        assert accounted(site.walk(), site.tickets)
