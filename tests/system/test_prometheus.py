"""Real Prometheus and Alertmanager fire and resolve a rule: one ticket per group, done when it clears."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from tests.system.site import Site, a_site, accounted

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

RULES = """\
groups:
  - name: disks
    rules:
      - alert: DiskFull
        expr: disk_used_percent > 90
        labels:
          severity: critical
        annotations:
          summary: "Disk on {{ $labels.instance }} is full"
"""

PROMETHEUS = """\
global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: [{folder}/rules.yml]
scrape_configs:
  - job_name: node
    honor_labels: true
    static_configs: [{{targets: ["127.0.0.1:{exporter}"]}}]
alerting:
  alertmanagers:
    - api_version: v2
      static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
{auth}
"""

ALERTMANAGER = """\
route:
  receiver: alertd
  group_by: [alertname, customer]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1s
receivers:
  - name: alertd
    webhook_configs:
      - url: http://127.0.0.1:{intake}/v1/alerts/alertmanager
        http_config: {{authorization: {{credentials: {token}}}}}
"""


class Disks:
    """What the exporter shows: per cent used by (host, customer)."""

    def __init__(self) -> None:
        self.used = {("fs01", "Acme Dental Group"): 95, ("fs02", "Acme Dental Group"): 96}

    async def metrics(self, request: web.Request) -> web.Response:
        lines = [
            f'disk_used_percent{{instance="{host}:9100",customer="{customer}"}} {used}'
            for (host, customer), used in self.used.items()
        ]
        return web.Response(text="\n".join([*lines, ""]))

    def clear(self) -> None:
        self.used = dict.fromkeys(self.used, 10)


@asynccontextmanager
async def exporter(disks: Disks) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get("/metrics", disks.metrics)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield port
    finally:
        await runner.cleanup()


@asynccontextmanager
async def program(path: Path, *arguments: str, log: Path) -> AsyncIterator[None]:
    """Run one of Debian's programs, and end it by its id."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(path, *arguments, stdout=output, stderr=output)
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def prometheus(
    find: Callable[[str], Path], folder: Path, *, target: int, sends_to: int, auth: str = ""
) -> AsyncIterator[None]:
    (folder / "rules.yml").write_text(RULES)
    text = PROMETHEUS.format(folder=folder, exporter=target, port=sends_to, auth=auth)
    (folder / "prometheus.yml").write_text(text)
    arguments = (
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address=127.0.0.1:{free_port()}",
    )
    async with program(find("prometheus"), *arguments, log=folder / "prometheus.log"):
        yield


@asynccontextmanager
async def alertmanager(find: Callable[[str], Path], site: Site) -> AsyncIterator[int]:
    token = (site.folder / "alertmanager").read_text()
    path = site.folder / "alertmanager.yml"
    path.write_text(ALERTMANAGER.format(intake=site.intake, token=token))
    port = free_port()
    arguments = (
        f"--config.file={path}",
        f"--storage.path={site.folder}/am",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )
    log = site.folder / "alertmanager.log"
    async with program(find("prometheus-alertmanager"), *arguments, log=log):
        yield port


async def fires_and_clears(site: Site, disks: Disks) -> None:
    await site.until(lambda: bool(site.tickets) and site.tickets[0]["tags"] == ["alertd"], seconds=60)
    told = len(site.calls["calls"])
    await site.until(lambda: site.walk()["accepted"] >= 8, seconds=60)  # it is repeated meanwhile
    writes = [call for call in site.calls["calls"][told:] if call.method in ("PATCH", "PUT", "DELETE")]
    still = site.tickets[0]["status"]
    disks.clear()
    await site.until(lambda: site.tickets[0]["status"] == 5, seconds=60)
    await site.settled()

    [ticket] = site.tickets
    labels = {each["id"]: each["label"] for each in site.simulator_queues()}
    assert (writes, still) == ([], 1)
    assert labels[ticket["queueID"]] == "NOC"
    assert (ticket["companyID"], ticket["priority"]) == (175, 4)
    assert "fs01" in ticket["description"]
    assert accounted(site.walk(), site.tickets)


async def test_through_alertmanager(tmp_path: Path, find_binary: Callable[[str], Path]) -> None:
    disks = Disks()
    async with (
        a_site(tmp_path, group_by='["client", "alertname"]', hold="1s", note_interval="1h") as site,
        exporter(disks) as target,
        alertmanager(find_binary, site) as port,
        prometheus(find_binary, tmp_path, target=target, sends_to=port),
    ):
        await site.start()
        await fires_and_clears(site, disks)


async def test_prometheus_straight_to_us(tmp_path: Path, find_binary: Callable[[str], Path]) -> None:
    disks = Disks()
    async with (
        a_site(tmp_path, group_by='["client", "alertname"]', hold="1s", note_interval="1h") as site,
        exporter(disks) as target,
    ):
        token = (site.folder / "alertmanager").read_text()
        auth = f"      authorization: {{credentials: {token}}}"
        resend = prometheus(find_binary, tmp_path, target=target, sends_to=site.intake, auth=auth)
        await site.start()
        async with resend:
            await site.until(lambda: bool(site.tickets) and site.tickets[0]["tags"] == ["alertd"], seconds=60)
            disks.clear()
            await site.until(lambda: site.tickets[0]["status"] == 5, seconds=60)

        assert len(site.tickets) == 1
        assert accounted(site.walk(), site.tickets)


async def test_amtool_reads_our_status(tmp_path: Path, find_binary: Callable[[str], Path]) -> None:
    amtool = find_binary("amtool")
    async with a_site(tmp_path) as site:
        await site.start()
        token = (site.folder / "alertmanager").read_text()
        url = f"http://alertmanager:{token}@127.0.0.1:{site.intake}"
        process = await asyncio.create_subprocess_exec(
            amtool,
            *("alert", "add", "alertname=FromAmtool", "customer=Acme Dental Group", "instance=fs09"),
            f"--alertmanager.url={url}",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "HOME": str(tmp_path)},
        )
        printed, _ = await process.communicate()
        await site.until(lambda: bool(site.tickets))

        assert process.returncode == 0, printed
        assert site.tickets[0]["title"] == "FromAmtool on fs09"
