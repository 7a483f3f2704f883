"""amtool, and the request shapes of karma and of Grafana's data source, against the admin listener."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alertd.app.clock import SystemClock
from tests.system.site import KILLED, Site, a_site, accounted

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

ROUTES = """
[[boards]]
name = "backups: new"
queue = "Backups"

[[route.routes]]
name = "backups"
matchers = ['source=~"veeam|api"', 'job="backup"']
board = "backups: new"
group_by = ["client"]
continue = true

[[route.routes]]
name = "critical backups"
matchers = ['job="backup"', 'severity="critical"']
mute_time_intervals = ["nights"]
active_time_intervals = ["nights", "ends of months"]

[[time_intervals]]
name = "nights"
time_intervals = [
    { times = [{ start_time = "22:00", end_time = "24:00" }], weekdays = ["1:5"], location = "Asia/Tokyo" },
    { times = [{ start_time = "00:00", end_time = "06:00" }], weekdays = ["monday:friday"] },
]

[[time_intervals]]
name = "ends of months"
time_intervals = [{ days_of_month = ["-3:-1", "1"], months = ["1", "june:august"], years = [2026] }]
"""


class Amtool:
    """amtool pointed at a site's admin listener."""

    def __init__(self, path: Path, site: Site) -> None:
        token = (site.folder / "admin").read_text()
        self._path = path
        self._folder = site.folder
        self._url = f"http://operator:{token}@127.0.0.1:{site.admin}"

    async def run(self, *arguments: str, code: int = 0, stdin: bytes = b"") -> str:
        """Run a command and return what it printed; `code` is the exit code that is expected."""
        process = await asyncio.create_subprocess_exec(
            self._path,
            *arguments,
            f"--alertmanager.url={self._url}",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "HOME": str(self._folder)},
        )
        printed, complaints = await process.communicate(stdin)
        assert process.returncode == code, (arguments, printed, complaints)
        return printed.decode()

    async def alerts(self, *arguments: str) -> list[str]:
        """Return the names of the alerts that a query finds."""
        found = json.loads(await self.run("alert", "query", "-o", "json", *arguments))
        return sorted(each["labels"]["alertname"] for each in found)

    async def silences(self, *arguments: str) -> list[dict[str, Any]]:
        """Return the silences that a query finds."""
        found: list[dict[str, Any]] = json.loads(await self.run("silence", "query", "-o", "json", *arguments))
        return found


async def test_alerts_and_silences_by_amtool(tmp_path: Path, find_binary: Callable[[str], Path]) -> None:
    async with a_site(tmp_path) as site:
        await site.start()
        amtool = Amtool(find_binary("amtool"), site)
        await _alerts(amtool, site)
        await _silences(amtool)
        await _restart(amtool, site)


async def _alerts(amtool: Amtool, site: Site) -> None:
    url = "http://prometheus.example/graph"
    await amtool.run(
        *("alert", "add", "DiskFull", "host=fs01", "client=Acme Dental Group", "severity=critical"),
        *("--annotation=summary=C: is full", f"--generator-url={url}"),
        f"--start={_at(minutes=-10)}",
        f"--end={_at(hours=1)}",
    )
    await amtool.run("alert", "add", "alertname=LinkDown", "host=sw01", f"--end={_at(hours=1)}")
    await amtool.run("alert", "add", "alertname=", code=1)

    assert await amtool.alerts() == ["DiskFull", "LinkDown"]  # at once: it reads what it has written
    assert await amtool.alerts("alertname=~Link.*") == ["LinkDown"]
    assert await amtool.alerts("LinkDown") == ["LinkDown"]
    assert await amtool.alerts("host=fs01", "severity=critical", "source=api") == ["DiskFull"]
    assert await amtool.alerts("--receiver=no.") == ["DiskFull", "LinkDown"]
    assert await amtool.alerts("--receiver=other") == []
    for flag in ("--inhibited", "--silenced", "--unprocessed"):
        assert await amtool.alerts(flag) == [], flag
    assert await amtool.alerts("--active") == ["DiskFull", "LinkDown"]
    await amtool.run("alert", "query", "host=fs01", "a=~(", code=1)
    extended = await amtool.run("alert", "query", "-o", "extended", "DiskFull")
    assert url in extended
    assert 'summary="C: is full"' in extended
    assert "DiskFull" in await amtool.run("alert", "query", "-o", "simple")

    await site.until(lambda: len(site.tickets) == 2)
    await amtool.run("alert", "add", "alertname=LinkDown", "host=sw01", f"--end={_at()}")
    assert await amtool.alerts() == ["DiskFull"]
    cleared = ("DiskFull", "host=fs01", "client=Acme Dental Group", "severity=critical")
    await amtool.run("alert", "add", *cleared, f"--end={_at()}")  # without the URL that it was added with
    assert await amtool.alerts() == []
    await amtool.run("alert", "add", *cleared, f"--end={_at(hours=1)}")
    await site.settled()
    assert accounted(site.walk(), site.tickets)


async def _silences(amtool: Amtool) -> None:
    made = await amtool.run(
        *("silence", "add", "host=fs01", "alertname=~Disk.*", "-c", "patch night", "-a", "anna", "-d", "2h")
    )
    [silence] = await amtool.silences()
    assert silence["id"] == made.strip()
    assert (silence["createdBy"], silence["comment"]) == ("anna", "patch night")
    assert await amtool.alerts("--silenced") == ["DiskFull"]
    assert await amtool.alerts() == []
    await amtool.run("silence", "add", "host=fs01", code=1)  # it wants a comment

    updated = await amtool.run("silence", "update", made.strip(), "-d", "4h", "-c", "takes longer")
    assert "takes longer" in updated
    assert [each["id"] for each in await amtool.silences("--within=3h")] == []
    assert [each["comment"] for each in await amtool.silences("host=fs01")] == ["takes longer"]
    assert await amtool.run("silence", "query", "-q") == made

    await amtool.run("silence", "expire", made.strip())
    assert await amtool.silences() == []
    assert [each["id"] for each in await amtool.silences("--expired")] == [made.strip()]
    assert await amtool.alerts() == ["DiskFull"]

    exported = await amtool.run("silence", "query", "-o", "json", "--expired")
    for each in (documents := json.loads(exported)):
        each["endsAt"] = _at(hours=1)
        del each["id"]
    await amtool.run("silence", "import", stdin=json.dumps(documents).encode())
    assert len(await amtool.silences()) == 1


async def _restart(amtool: Amtool, site: Site) -> None:
    """What operators made is there after a power cut: alerts of the source `api`, and silences."""
    await site.kill()
    await site.start(ALERTD_CRASH_AT="intake.after_commit")
    await amtool.run("alert", "add", "AfterAll", "host=fs07", f"--end={_at(hours=1)}", code=1)
    assert await site.ended() == KILLED  # on disk, neither answered nor decided
    await site.start()

    assert await amtool.alerts() == ["AfterAll"]
    assert await amtool.alerts("--silenced") == ["DiskFull"]
    assert len(await amtool.silences()) == 1
    await site.settled()
    assert accounted(site.walk(), site.tickets)


async def test_the_configuration_by_amtool(tmp_path: Path, find_binary: Callable[[str], Path]) -> None:
    async with a_site(tmp_path) as site:
        site.configure(more=ROUTES)
        await site.start()
        amtool = Amtool(find_binary("amtool"), site)

        shown = await amtool.run("config", "show")
        assert 'receiver: "backups: new"' in shown
        assert "canary" not in shown
        tree = await amtool.run("config", "routes", "show")
        assert 'job="backup"' in tree
        assert "backups: new" in tree
        test = ("config", "routes", "test")
        assert await amtool.run(*test, "alertname=x") == "noc\n"
        both = await amtool.run(*test, "source=veeam", "job=backup", "severity=critical")
        assert both == "backups: new,noc\n"
        await amtool.run(*test, "--verify.receivers=backups: new", "source=veeam", "job=backup")
        await amtool.run(*test, "--verify.receivers=noc", "source=veeam", "job=backup", code=1)
        assert "disabled" in await amtool.run("cluster", "show")

        _, status = await site.ask("/api/v2/status")
        path = tmp_path / "projected.yml"
        path.write_text(json.loads(status)["config"]["original"])
        checked = await amtool.run("check-config", str(path))
        assert "SUCCESS" in checked
        assert "2 receivers" in checked


# --- request shapes of others: method, path, body; what the answer has to have ----------------------------

SILENCE = {
    "matchers": [{"name": "host", "value": "fs0[12]", "isRegex": True, "isEqual": True}],
    "createdBy": "karma@example.com",
    "comment": "ACK! looking at it",
}
KARMA_READS = (
    ("/metrics", "alertmanager_build_info"),
    ("/api/v2/silences", "["),
    ("/api/v2/alerts/groups", '"alerts"'),
)
GRAFANA_READS = (
    ("/api/v2/status", '"original"'),
    ("/api/v2/alerts", '"fingerprint"'),
    ("/api/v2/alerts?filter=alertname%3D%22DiskFull%22&active=true&silenced=true&inhibited=true", "DiskFull"),
    ("/api/v2/alerts/groups", '"receiver"'),
    ("/api/v2/alerts/groups?silenced=true&inhibited=true&active=true&unprocessed=true", '"receiver"'),
    ("/api/v2/silences", "["),
)


async def test_what_karma_and_grafana_ask(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        await site.start()
        alert = {"labels": {"alertname": "DiskFull", "host": "fs01"}}
        assert (await _send(site, "POST", "/api/v2/alerts", [alert]))[0] == 200
        for path, wanted in (*KARMA_READS, *GRAFANA_READS):
            status, text = await site.ask(path)
            assert (status, wanted in text) == (200, True), path

        silence = {**SILENCE, "startsAt": _at(), "endsAt": _at(minutes=15)}
        status, text = await _send(site, "POST", "/api/v2/silences", silence)
        made = json.loads(text)["silenceID"]
        _, groups = await site.ask("/api/v2/alerts/groups")
        [group] = json.loads(groups)
        assert group["alerts"][0]["status"] == {
            "state": "suppressed",
            "silencedBy": [made],
            "inhibitedBy": [],
            "mutedBy": [],
        }
        edited = {**silence, "id": made, "comment": "ACK! longer", "endsAt": _at(hours=1)}
        assert (await _send(site, "POST", "/api/v2/silences", edited))[0] == 200
        assert (await site.ask(f"/api/v2/silence/{made}", method="DELETE"))[0] == 200
        _, shown = await site.ask("/api/v2/silences")
        assert {each["status"]["state"] for each in json.loads(shown)} == {"expired"}

        many = [{"labels": {"alertname": "Flood", "client": "Acme", "job": str(n)}} for n in range(1000)]
        assert (await _send(site, "POST", "/api/v2/alerts", many))[0] == 200
        _, decided = await site.ask("/api/v2/alerts?unprocessed=false&filter=alertname%3DFlood")
        assert len(json.loads(decided)) == 1000  # at once, and none of them still to be decided


async def _send(site: Site, method: str, path: str, document: Any) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {(site.folder / 'admin').read_text()}"}
    url = f"http://127.0.0.1:{site.admin}{path}"
    async with site.session.request(method, url, json=document, headers=headers) as got:
        return got.status, await got.text()


def _at(**later: float) -> str:
    instant: datetime = SystemClock().now() + timedelta(**later)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
