"""An alertd with its Autotask for the clients, and the net they live in: loopback alone."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.clients.books import JSON, Zone
from tests.clients.certificates import make_certificates
from tests.clients.conftest import ALERTD_PYTHON

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
HOST = "alerts.example.net"
COMPLETE = 5


class Alertd(NamedTuple):
    """Where it listens, and Autotask's books behind it. `authority` is a file: the certificate to trust."""

    plain: str
    secure: str
    books: Zone
    authority: str

    def ticket(self, title: str, *, status: int | None = None) -> JSON:
        """Wait for the one ticket with this in its title, and with this status if one is given."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = [row for row in self.books.truth("tickets") if title in row["title"]]
            assert len(found) <= 1, found
            if found and status in (None, found[0]["status"]):
                return found[0]
            time.sleep(0.05)  # noqa: TID251 - these clients have no event loop
        raise AssertionError(f"no ticket {title!r} with status {status} among {self.books.truth('tickets')}")

    def completed(self, title: str) -> JSON:
        """Wait until the one ticket with this in its title is complete."""
        return self.ticket(title, status=COMPLETE)


@pytest.fixture(scope="session")
def alertd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertd]:
    """Run alertd in its own venv while the tests last."""
    folder = tmp_path_factory.mktemp("alertd")
    files = make_certificates(tmp_path_factory.mktemp("authority"), [HOST])
    command = [ALERTD_PYTHON, HERE / "alert_host.py", folder, files.host, files.host_key]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ)
    with process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("alertd has no pipes")
        line = process.stdout.readline()
        assert line, f"alertd did not start; try: {' '.join(map(str, command))}"
        said = json.loads(line)
        zone = Zone(said["zone"], 0, str(files.authority))
        yield Alertd(said["plain"], f"https://{HOST}:{said['tls_port']}", zone, str(files.authority))
        process.stdin.close()


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch, alertd: Alertd, tmp_path: Path) -> None:
    """Lead alertd's name to loopback, refuse every other one, and trust the test's authority."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        assert name == HOST or name.startswith("127."), f"a client looks for {name}"
        return resolve("127.0.0.1", port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", alertd.authority)
    monkeypatch.setenv("SSL_CERT_FILE", alertd.authority)
    monkeypatch.setenv("HOME", str(tmp_path))
    for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
