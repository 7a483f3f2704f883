"""The zone host that the clients talk to, and the net they live in: loopback, whatever they believe."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.books import Zone
from tests.clients.certificates import Certificates, make_certificates

HERE = Path(__file__).parent
ALERTD_PYTHON = Path(os.environ.get("ALERTD_PYTHON", ".venv/bin/python")).absolute()
NO_SKIP = os.environ.get("ALERTD_NO_SKIP") == "1"
ZONE_HOSTS = ("webservices.autotask.net", "webservices18.autotask.net")
ZONE_ADDRESS = "127.0.0.43"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return an authority of this test run, and a certificate for Autotask's zone hosts."""
    return make_certificates(tmp_path_factory.mktemp("authority"), ZONE_HOSTS)


@pytest.fixture(scope="session")
def zone_host(certificates: Certificates) -> Iterator[Zone]:
    """Run the simulator in alertd's own venv while the tests last."""
    command = [ALERTD_PYTHON, HERE / "zone_host.py", certificates.host, certificates.host_key]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the simulator has no pipes")
        line = process.stdout.readline()
        assert line, f"the simulator did not start; try: {' '.join(map(str, command))}"
        said = json.loads(line)
        yield Zone(said["plain"], said["tls_port"], str(certificates.authority))
        process.stdin.close()


@pytest.fixture
def zone(zone_host: Zone) -> Zone:
    """Return the zone with a tenant as new."""
    zone_host.control("reset", {})
    return zone_host


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch, zone_host: Zone, tmp_path: Path) -> None:
    """Lead Autotask's names to the zone host, refuse every other one, and trust the test's authority."""
    resolve, connect = socket.getaddrinfo, socket.socket.connect

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name in ZONE_HOSTS:
            return resolve(ZONE_ADDRESS, port, *args, **kwargs)
        assert str(name).startswith("127."), f"a client looks for {name}"
        return resolve(host, port, *args, **kwargs)

    def connect_to(self: socket.socket, address: Any) -> None:
        https = address[:2] == (ZONE_ADDRESS, 443)
        connect(self, ("127.0.0.1", zone_host.tls_port) if https else address)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", connect_to)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", zone_host.authority)
    monkeypatch.setenv("SSL_CERT_FILE", zone_host.authority)
    monkeypatch.setenv("HOME", str(tmp_path))
    for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn every skip in this folder into a failure where nothing may be left out."""
    report = yield
    if NO_SKIP and report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: {reason}; ALERTD_NO_SKIP=1 forbids leaving it out"
    return report
