"""A site: a real alertd process, its folder, and a simulated Autotask it reaches over real HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from alertd.simulator import API_INTEGRATION_CODE, API_SECRET, API_USERNAME, Simulator, serving
from alertd.simulator.control import control
from alertd.simulator.truth import calls, state

KILLED = 137
START_S = 30.0
CANARY = "canary-secret-5f1d2c"  # part of every secret: it must turn up nowhere

CONFIG = """\
[server]
listen = "127.0.0.1:{intake}"

[admin]
listen = "127.0.0.1:{admin}"
token = {{ file = "{folder}/admin" }}

[store]
url = "sqlite:///{folder}/alertd.db"
min_free = 0

[autotask]
username = "{username}"
secret = {{ file = "{folder}/autotask-secret" }}
integration_code = {{ file = "{folder}/autotask-code" }}
zone_url = "{zone_url}"
calls_per_hour = {calls_per_hour}
unknown_window = "{unknown_window}"

[[sources]]
name = "alertmanager"
kind = "alertmanager"
token = {{ file = "{folder}/alertmanager" }}
client = {{ label = "customer" }}

[[sources]]
name = "doorbell"
kind = "mapped"
token = {{ file = "{folder}/doorbell" }}
split = "events"
key = ["device.id", "rule"]
title = "rule"
host = "device.name"
severity = {{ path = "level", map = {{ "1" = "critical", "2" = "warning" }}, default = "warning" }}
status = {{ path = "state", firing = ["open"], cleared = ["closed"] }}

[[boards]]
name = "noc"
queue = "NOC"
tags = ["alertd"]

[route]
board = "noc"
group_by = {group_by}
hold = "{hold}"
note_interval = "{note_interval}"
close = "{close}"
missed = "{missed}"

[sync]
every = "{sync_every}"
search_lag = "{search_lag}"
baseline = "{baseline}"

[storm]
threshold = {storm_threshold}
"""

DEFAULTS = {
    "calls_per_hour": "10000",
    "unknown_window": "3s",
    "group_by": '["client", "host", "alertname"]',
    "hold": "0s",
    "note_interval": "1s",
    "close": "untouched",
    "missed": "summary",
    "sync_every": "1s",
    "search_lag": "0s",
    "baseline": "0s",
    "storm_threshold": "0",  # many tests count the tickets of many alerts of one customer
}


class Gone(Exception):
    """The process has ended; `code` is its exit code."""

    def __init__(self, code: int, output: str) -> None:
        super().__init__(f"alertd ended with {code}: {output[-2000:]}")
        self.code = code


class Site:
    """Start alertd with `running`; look at Autotask's books with `tickets`."""

    def __init__(self, folder: Path, simulator: Simulator, zone_url: str, **options: str) -> None:
        self.folder = folder
        self.simulator = simulator
        self.zone_url = zone_url
        self.intake = _free_port()
        self.admin = _free_port()
        self.output = folder / "output.log"
        self.process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None
        for name in ("alertmanager", "doorbell", "admin"):
            self.secret(name, f"{CANARY}-{name}-0123456789abcdef")
        self.secret("autotask-secret", API_SECRET)
        self.secret("autotask-code", API_INTEGRATION_CODE)
        self.configure(**options)

    def secret(self, name: str, value: str) -> None:
        """Write a secret's file."""
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(value)

    def configure(self, *, more: str = "", **options: str) -> None:
        """Write the configuration."""
        values = DEFAULTS | options
        text = CONFIG.format(
            folder=self.folder,
            intake=self.intake,
            admin=self.admin,
            zone_url=self.zone_url,
            username=API_USERNAME,
            **values,
        )
        (self.folder / "alertd.toml").write_text(text + more)

    # --- the process ----------------------------------------------------------------------------------

    async def start(self, **environ: str) -> None:
        """Start alertd and wait for its own READY=1.

        Raises:
            Gone: It ended first.
        """
        with _notify_socket(self.folder) as (address, notified):
            self.process = await self._spawn({"NOTIFY_SOCKET": address, **environ})
            ready = asyncio.ensure_future(_hear(notified, b"READY=1"))
            ended = asyncio.ensure_future(self.process.wait())
            async with asyncio.timeout(START_S):
                await asyncio.wait((ready, ended), return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()
            if not ended.done():
                ended.cancel()
                return
        raise Gone(ended.result(), self.read_output())

    async def _spawn(self, environ: Mapping[str, str]) -> asyncio.subprocess.Process:
        with self.output.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "alertd", "run", "--config", str(self.folder / "alertd.toml")),
                stdout=output,
                stderr=output,
                env={**os.environ, "PYTHONWARNINGS": "error::ResourceWarning", **environ},
            )

    async def stop(self) -> int:
        """End it in good order and return its exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def ended(self) -> int:
        """Wait for its end and return the exit code."""
        assert self.process is not None
        async with asyncio.timeout(START_S):
            return await self.process.wait()

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def run(self, *arguments: str) -> tuple[int, str]:
        """Run another alertd command on this site; return its exit code and what it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "alertd", *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "ALERTD_CONFIG": str(self.folder / "alertd.toml")},
        )
        printed, _ = await process.communicate()
        return process.returncode or 0, printed.decode()

    def read_output(self) -> str:
        return self.output.read_text() if self.output.exists() else ""

    # --- senders --------------------------------------------------------------------------------------

    async def post(self, *alerts: Mapping[str, Any]) -> dict[str, Any]:
        """Send one Alertmanager webhook.

        Raises:
            aiohttp.ClientError: It was not answered.
        """
        body = {"version": "4", "status": "firing", "receiver": "alertd", "alerts": list(alerts)}
        return await self.send("/v1/alerts/alertmanager", body, token="alertmanager")

    async def send(self, path: str, body: Any, *, token: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {(self.folder / token).read_text()}"}
        url = f"http://127.0.0.1:{self.intake}{path}"
        async with self.session.post(url, json=body, headers=headers) as response:
            text = await response.text()
            assert response.status in (200, 202), f"{response.status} {text}"
            return json.loads(text) if text else {}

    async def ask(self, path: str, *, method: str = "GET") -> tuple[int, str]:
        """Ask the admin listener."""
        headers = {"Authorization": f"Bearer {(self.folder / 'admin').read_text()}"}
        url = f"http://127.0.0.1:{self.admin}{path}"
        async with self.session.request(method, url, headers=headers) as response:
            return response.status, await response.text()

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=20), connector=aiohttp.TCPConnector(force_close=True)
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        if self.alive:
            await self.kill()

    # --- Autotask's own books -------------------------------------------------------------------------

    @property
    def tickets(self) -> list[dict[str, Any]]:
        return state(self.simulator, self._now())["tickets"]

    @property
    def calls(self) -> dict[str, Any]:
        return calls(self.simulator, self._now(), limit=100_000)

    def simulator_queues(self) -> list[dict[str, Any]]:
        return state(self.simulator, self._now())["queues"]

    def fault(self, **fault: Any) -> None:
        """Set a fault, as POST /__sim/faults does."""
        self._control("faults", fault)

    def act(self, **act: Any) -> None:
        """Do what a technician would, as POST /__sim/act does."""
        self._control("act", act)

    def tenant(self, data: dict[str, Any]) -> None:
        """Merge into the tenant, as POST /__sim/tenant does."""
        self._control("tenant", data)

    def heal(self) -> None:
        """End all faults."""
        self._control("faults", {"clear": True})

    def _control(self, what: str, body: Any) -> None:
        reply = control(self.simulator, "POST", what, body=json.dumps(body).encode())
        assert reply.status == 200, reply

    def _now(self) -> float:
        return self.simulator.clock()

    async def until(self, holds: Callable[[], bool], *, seconds: float = 30.0) -> None:
        """Wait until the books say so.

        Raises:
            Gone: The process ended first.
            TimeoutError: They do not say so in time.
        """
        async with asyncio.timeout(seconds):
            while not holds():
                if self.process is not None and self.process.returncode is not None:
                    raise Gone(self.process.returncode, self.read_output())
                await asyncio.sleep(0.02)

    async def settled(self, *, seconds: float = 30.0) -> dict[str, Any]:
        """Wait until alertd has nothing left to do, and return its status."""
        async with asyncio.timeout(seconds):
            while True:
                code, text = await self.ask("/api/v1/status")
                assert code == 200, text
                status: dict[str, Any] = json.loads(text)
                if not status["unsettled"] and not status["alerts"].get("pending"):
                    return status
                await asyncio.sleep(0.05)

    async def over(self, *, seconds: float = 30.0) -> None:
        """Wait until every incident is closed."""
        async with asyncio.timeout(seconds):
            while json.loads((await self.ask("/api/v1/incidents"))[1]):
                await asyncio.sleep(0.05)

    # --- the store, read by somebody else -------------------------------------------------------------

    def walk(self) -> dict[str, int]:
        """Recompute the accounts from the file itself: messages accepted, and placed by disposition."""
        with closing(sqlite3.connect(f"file:{self.folder}/alertd.db?mode=ro", uri=True)) as conn:
            [(accepted, undecided)] = conn.execute(
                "SELECT coalesce(sum(messages), 0),"
                " coalesce(sum(CASE WHEN decided THEN 0 ELSE messages END), 0) FROM journal"
            )
            totals = dict(conn.execute("SELECT name, value FROM totals"))
        return {"accepted": accepted, "undecided": undecided, **totals}


def accounted(walked: Mapping[str, int], tickets: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every accepted message has a place, and every ticket of ours has its message.

    A list of what got no ticket is no message's own.
    """
    placed = sum(count for name, count in walked.items() if name in DISPOSITIONS)
    ours = [
        ticket
        for ticket in tickets
        if str(ticket["externalID"] or "").startswith("alertd-")
        and "Nothing is left to do." not in str(ticket["resolution"])
    ]
    return placed + walked["undecided"] == walked["accepted"] and walked.get("ticketed", 0) == len(ours)


DISPOSITIONS = {
    *("pending", "ticketed", "merged", "silenced", "inhibited", "held", "expired"),
    *("cleared_unticketed", "ignored", "parked"),
}


def alert(host: str = "fs02", *, firing: bool = True, **labels: str) -> dict[str, Any]:
    """Return one alert of an Alertmanager webhook."""
    every = {
        "alertname": "DiskFull",
        "instance": f"{host}:9100",
        "customer": "Acme Dental Group",
        "severity": "warning",
    } | labels
    times = {"startsAt": "2026-11-23T03:00:00Z", "endsAt": "0001-01-01T00:00:00Z"}
    if not firing:
        times["endsAt"] = "2026-11-23T03:05:00Z"
    return {
        "status": "firing" if firing else "resolved",
        "labels": every,
        "annotations": {"summary": f"Disk D: on {host} is full"},
        "generatorURL": "http://prometheus.example.net/graph",
        **times,
    }


@asynccontextmanager
async def a_site(folder: Path, **options: str) -> AsyncIterator[Site]:
    """Serve a fresh simulated Autotask, and end whatever was started on the site."""
    simulator = Simulator()
    async with serving(simulator) as zone_url:
        site = Site(folder, simulator, zone_url, **options)
        try:
            yield site
        finally:
            await site.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _notify_socket(folder: Path) -> Iterator[tuple[str, socket.socket]]:
    path = folder / "notify"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(path))
        notified.setblocking(False)
        yield str(path), notified


async def _hear(notified: socket.socket, wanted: bytes) -> None:
    loop = asyncio.get_running_loop()
    while wanted not in await loop.sock_recv(notified, 4096):
        pass
