"""Durable accepts a second beside a bare handler, and alerts decided a second: one run, medians."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alertd.simulator import API_INTEGRATION_CODE, API_SECRET, API_USERNAME
from bench.deciding import decided_per_second

ROUNDS = 3
SECONDS = 5
CONNECTIONS = 64
HOSTS = 200  # of post.lua
TOKEN = "bench-token-0123456789abcdef"
HERE = Path(__file__).parent

CONFIG = """\
[server]
listen = "127.0.0.1:{port}"
[admin]
listen = "127.0.0.1:{admin}"
[store]
url = "sqlite:///{folder}/alertd.db"
min_free = 0
[autotask]
username = "{username}"
secret = {{ env = "BENCH_SECRET" }}
integration_code = {{ env = "BENCH_CODE" }}
zone_url = "http://127.0.0.1:{autotask}/atservicesrest"
calls_per_hour = 10000
[[sources]]
name = "alertmanager"
kind = "alertmanager"
token = {{ env = "BENCH_TOKEN" }}
client = {{ label = "customer" }}
[[boards]]
name = "noc"
queue = "NOC"
[route]
board = "noc"

[storm]
threshold = 0
"""


def main() -> int:
    """Measure and print; 1 where wrk is missing."""
    if shutil.which("wrk") is None:
        print("bench: wrk is not installed (Debian: apt-get install wrk)", file=sys.stderr)
        return 1
    pairs = [(measure(bare), measure(alertd)) for _ in range(ROUNDS)]
    bares, ours = zip(*pairs, strict=True)
    print(f"bare aiohttp + uvloop, requests/s:  {statistics.median(bares):8.0f}   {list(map(round, bares))}")
    print(f"alertd, durable accepts/s:          {statistics.median(ours):8.0f}   {list(map(round, ours))}")
    print(f"ratio, median of pairs:             {statistics.median(o / b for b, o in pairs):8.2f}")
    for name, figures in asyncio.run(decided_per_second()).items():
        print(f"{name + ', alerts/s:':<36}{statistics.median(figures):8.0f}   {list(map(round, figures))}")
    return 0


def measure(server) -> float:  # type: ignore[no-untyped-def] # a context manager function
    """Return requests a second of one server, loaded from another process."""
    with server() as port:
        return load(port, seconds=SECONDS)


def load(port: int, *, seconds: int) -> float:
    """Send one alert a request over 64 connections; return requests a second, all of them answered 2xx."""
    address = f"http://127.0.0.1:{port}/v1/alerts/alertmanager"
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(HERE / "post.lua"), address]
    environ = {**os.environ, "BENCH_AUTH": f"Bearer {TOKEN}"}
    out = subprocess.run(command, capture_output=True, text=True, check=True, env=environ).stdout
    if "Non-2xx" in out:
        raise RuntimeError(out)
    return next(float(line.split()[1]) for line in out.splitlines() if line.startswith("Requests/sec"))


def wait_for_tickets(admin: int) -> None:
    """Wait until every host of the load has its ticket."""
    while True:
        with urllib.request.urlopen(f"http://127.0.0.1:{admin}/metrics") as response:
            if f'alertd_tickets_created_total{{board="noc"}} {HOSTS}.0' in response.read().decode():
                return
        time.sleep(0.2)  # noqa: TID251 - nothing else runs in this process


@contextmanager
def bare() -> Iterator[int]:
    """Serve the yardstick."""
    port = free_port()
    with started([sys.executable, "-m", "bench.bare", str(port)], port):
        yield port


@contextmanager
def alertd() -> Iterator[int]:
    """Serve a real alertd beside a simulated Autotask, once every host has its ticket."""
    port, admin, autotask = free_port(), free_port(), free_port()
    environ = {
        **os.environ,
        "BENCH_TOKEN": TOKEN,
        "BENCH_SECRET": API_SECRET,
        "BENCH_CODE": API_INTEGRATION_CODE,
    }
    command = [sys.executable, "-m", "alertd"]
    with (
        tempfile.TemporaryDirectory(prefix="alertd-bench-", dir=HERE.parent) as folder,
        started([*command, "simulator", "--listen", f"127.0.0.1:{autotask}"], autotask),
    ):
        path = Path(folder, "alertd.toml")
        values = {"port": port, "admin": admin, "autotask": autotask, "folder": folder}
        path.write_text(CONFIG.format(username=API_USERNAME, **values))
        with started([*command, "run", "--config", str(path)], port, environ):
            load(port, seconds=1)
            wait_for_tickets(admin)
            yield port


@contextmanager
def started(command: list[str], port: int, environ: dict[str, str] | None = None) -> Iterator[None]:
    """Run a server until the end of the block."""
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens."""
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)  # noqa: TID251 - nothing else runs in this process
    raise RuntimeError(f"{process.args} ended with {process.returncode}")


def free_port() -> int:
    """Return a port nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
