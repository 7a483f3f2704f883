"""Alerta's library and its command: send, query, heartbeat."""

from __future__ import annotations

import pytest
from alertaclient.api import Client
from alertaclient.cli import cli
from alertaclient.exceptions import UnknownError
from click.testing import CliRunner

from tests.clients.senders.conftest import Alertd
from tests.clients.senders.keys import KEYS

KEY = KEYS["alerta"]


def test_the_library_sends_and_asks(alertd: Alertd) -> None:
    client = Client(endpoint=f"{alertd.plain}/alerta", key=KEY)
    sent = {"environment": "Production", "service": ["Files"], "tags": ["a"], "attributes": {"rack": "7"}}
    number, alert, message = client.send_alert("al1", "NodeDown", severity="major", text="no answer", **sent)
    assert (alert.id, alert.status, alert.severity, alert.repeat, message) == (
        number,
        "open",
        "major",
        False,
        None,
    )
    alertd.ticket("NodeDown on al1")
    assert client.get_alert(number).attributes == {"rack": "7"}
    assert [each.id for each in client.search([("resource", "al1")])] == [number]
    assert client.get_count([("resource", "al1")]) == (1, {"major": 1}, {"open": 1})

    client.send_alert("al1", "NodeDown", severity="normal", **sent)
    alertd.completed("NodeDown on al1")
    assert client.get_alert(number).status == "closed"
    assert client.search([("resource", "al1")]) == []


@pytest.mark.parametrize("base", ["/alerta", "/api", "/alerta/api"])
def test_the_command(alertd: Alertd, monkeypatch: pytest.MonkeyPatch, base: str) -> None:
    host = f"al2{base.replace('/', '-')}"
    monkeypatch.setenv("ALERTA_ENDPOINT", f"{alertd.plain}{base}")
    monkeypatch.setenv("ALERTA_API_KEY", KEY)
    for terminal in ("TERM", "PS1"):  # with one it would read alerts from its standard input
        monkeypatch.delenv(terminal, raising=False)
    common = ("send", "-r", host, "-e", "Disk", "-E", "Production", "-S", "Files")
    told = CliRunner().invoke(cli, [*common, "-s", "critical"])
    assert told.output.endswith("(unknown -> critical)\n"), told.output
    alertd.ticket(f"Disk on {host}")
    found = CliRunner().invoke(cli, ["query", "--ids", told.output.split()[0]])
    assert host in found.output, found.output
    beat = CliRunner().invoke(cli, ["heartbeat", "-O", "backup", "--timeout", "60", "-s", "major"])
    assert (beat.exit_code, len(beat.output.strip())) == (0, 36), beat.output
    CliRunner().invoke(cli, [*common, "-s", "normal"])
    alertd.completed(f"Disk on {host}")


def test_a_wrong_key_is_refused(alertd: Alertd) -> None:
    with pytest.raises(UnknownError, match="Missing authorization API Key"):
        Client(endpoint=f"{alertd.plain}/alerta", key="wrong").send_alert("r", "e")
