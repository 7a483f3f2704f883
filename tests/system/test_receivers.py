"""Alertmanager's receivers for other products, pointed at alertd: each fires one ticket, and completes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.system.site import Site, a_site, accounted
from tests.system.test_prometheus import free_port, program

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

KEYS = {
    "pagerduty": "0123456789abcdef0123456789abcdef",
    "opsgenie": "5c1e7f0a-8d2b-4c61-9f3e-2ab1c0d4e5f6",
    "victorops": "victorops-key-0123456789abcdefghijklmnopqrs",
}
TITLE = "[FIRING:1] DiskFull (fs02 critical)"
CRITICAL, HIGH = 4, 1
SOURCE = """
[[sources]]
name = "{name}"
kind = "{name}"
token = {{ file = "{folder}/{name}" }}
client = {{ default = "Acme Dental Group" }}
"""
ALERTMANAGER = """\
global:
  pagerduty_url: http://127.0.0.1:{intake}/v2/enqueue
  opsgenie_api_url: http://127.0.0.1:{intake}/
  opsgenie_api_key: {opsgenie}
  victorops_api_url: http://127.0.0.1:{intake}/victorops/
  victorops_api_key: {victorops}
route:
  receiver: all
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1s
receivers:
  - name: all
    pagerduty_configs:
      - routing_key: {pagerduty}
        severity: critical
    opsgenie_configs:
      - priority: P2
        entity: '{{{{ .CommonLabels.instance }}}}'
        update_alerts: true
    victorops_configs:
      - routing_key: noc
"""


@asynccontextmanager
async def alertmanager(find: Callable[[str], Path], site: Site) -> AsyncIterator[str]:
    path = site.folder / "alertmanager.yml"
    path.write_text(ALERTMANAGER.format(intake=site.intake, **KEYS))
    port = free_port()
    arguments = (
        f"--config.file={path}",
        f"--storage.path={site.folder}/am",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )
    log = site.folder / "alertmanager.log"
    async with program(find("prometheus-alertmanager"), *arguments, log=log):
        yield f"http://127.0.0.1:{port}"


async def tell(site: Site, url: str, **times: str) -> None:
    """Tell Alertmanager of the alert, as soon as it listens."""
    alert = {
        "labels": {"alertname": "DiskFull", "instance": "fs02", "severity": "critical"},
        "startsAt": "2026-01-01T00:00:00Z",
        **times,
    }

    async def told() -> bool:
        try:
            async with site.session.post(f"{url}/api/v2/alerts", json=[alert]) as answer:
                return answer.status == 200
        except OSError:
            return False

    while not await told():
        await asyncio.sleep(0.02)


async def test_each_receiver_fires_and_completes_one_ticket(
    tmp_path: Path, find_binary: Callable[[str], Path]
) -> None:
    async with a_site(tmp_path, group_by='["source"]', hold="1s", note_interval="1h") as site:
        for name, key in KEYS.items():
            site.secret(name, key)
        more = "".join(SOURCE.format(name=name, folder=tmp_path) for name in KEYS)
        site.configure(more=more, group_by='["source"]', hold="1s", note_interval="1h")
        await site.start()
        async with alertmanager(find_binary, site) as url:
            await tell(site, url)
            await site.until(lambda: len(site.tickets) == 3, seconds=60)
            await site.until(lambda: site.walk()["accepted"] >= 6, seconds=60)  # repeats meanwhile
            await tell(site, url, endsAt="2026-01-01T00:05:00Z")
            await site.until(lambda: all(each["status"] == 5 for each in site.tickets), seconds=60)
            await site.settled()

        assert len(site.tickets) == 3
        told = sorted((ticket["title"], ticket["priority"]) for ticket in site.tickets)
        assert told == [(TITLE, CRITICAL), (TITLE, CRITICAL), (f"{TITLE} on fs02", HIGH)]
        assert accounted(site.walk(), site.tickets)
        for key in KEYS.values():
            assert key not in site.read_output()
