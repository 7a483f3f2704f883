from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from alertd.cli import main

CONFIG = """\
[server]
listen = "127.0.0.1:0"

[admin]
listen = "127.0.0.1:{port}"
token = {{ file = "{folder}/admin-token" }}

[store]
url = "sqlite:///{folder}/alertd.db"

[autotask]
username = "api-user@example.com"
secret = {{ env = "AUTOTASK_SECRET" }}
integration_code = {{ env = "AUTOTASK_CODE" }}

[[sources]]
name = "prometheus"
kind = "alertmanager"
token = {{ file = "{folder}/tokens/prometheus" }}

[[sources]]
name = "doorbell"
kind = "mapped"
token = {{ env = "DOORBELL_TOKEN" }}
board = "field"

[[boards]]
name = "noc"
queue = 5
tags = ["alertd"]

[[boards]]
name = "field"
queue = "Field Service"

[route]
board = "noc"
[[route.routes]]
name = "backups"
matchers = ['alertname=~"Backup.*"', 'severity="high"']
hold = "1h"
tags = ["backup"]
"""


class Run(NamedTuple):
    code: int
    out: str
    err: str


class Cli:
    """Runs commands against a configuration file of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys
        self.config = folder / "alertd.toml"
        self.configure(port=1)

    def configure(self, *, port: int) -> None:
        self.config.write_text(CONFIG.format(folder=self.folder, port=port))

    def append(self, text: str) -> None:
        self.config.write_text(self.config.read_text() + text)

    def replace(self, old: str, new: str) -> None:
        assert old in self.config.read_text()
        self.config.write_text(self.config.read_text().replace(old, new))

    def __call__(self, *args: str) -> Run:
        return self.bare("--config", str(self.config), *args)

    def bare(self, *args: str) -> Run:
        code = main(args)
        return Run(code, *self.capsys.readouterr())


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.delenv("ALERTD_CONFIG", raising=False)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setattr("alertd.ops.logs.set_up", lambda *, level: None)  # it would outlive the test
    return Cli(tmp_path, capsys)


class Daemon:
    """Answers as the admin listener does, with what it is told to."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        self.asked: list[str] = []
        self.tokens: list[str | None] = []
        self.bodies: list[bytes] = []
        daemon = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def _answer(self) -> None:
                daemon.asked.append(f"{self.command} {self.path}")
                daemon.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
                daemon.tokens.append(self.headers.get("Authorization"))
                path = self.path.partition("?")[0]
                status, document = daemon.answers.get(path, (404, {"error": "there is nothing here"}))
                body = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the base class
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])


@pytest.fixture
def daemon(cli: Cli) -> Iterator[Daemon]:
    daemon = Daemon()
    thread = threading.Thread(target=daemon.server.serve_forever, args=(0.01,))
    thread.start()
    cli.configure(port=daemon.port)
    (cli.folder / "admin-token").write_text("admin-secret\n")
    yield daemon
    daemon.server.shutdown()
    daemon.server.server_close()
    thread.join()
