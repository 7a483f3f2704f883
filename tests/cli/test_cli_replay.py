"""`alertd replay`, over a journal that a daemon has left behind."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from alertd.store.opening import open_store
from alertd.store.settings import StoreSettings
from tests.cli.conftest import Cli
from tests.store.making import T0, FixedClock, envelope

SPAN = ("--since", "2026-11-23T09:00:00Z", "--until", "2026-11-24T09:00:00Z")


def body(host: str, status: str = "firing", name: str = "DiskFull") -> bytes:
    labels = {"alertname": name, "host": host, "severity": "high"}
    alert = {"status": status, "labels": labels, "startsAt": "2026-11-23T10:00:00Z", "annotations": {}}
    if status == "resolved":
        alert["endsAt"] = "2026-11-23T11:00:00Z"
    message = {"version": "4", "groupKey": "g", "status": status, "receiver": "r", "alerts": [alert]}
    return json.dumps(message).encode()


CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//t//t//EN
BEGIN:VEVENT
UID:1
DTSTAMP:20260101T000000Z
DTSTART:20261123T093000Z
DTEND:20261123T101500Z
SUMMARY:patches
END:VEVENT
END:VCALENDAR
"""
WINDOW = """
[[windows]]
name = "patch night"
matchers = ['host="b"']
ical = "/no/such.ics"
"""


async def _keep(
    folder: Path, *bodies: tuple[bytes, float], forget: int = 0, calendar: str | None = None
) -> None:
    settings = StoreSettings(url=f"sqlite:///{folder}/alertd.db", min_free=0)
    async with open_store(settings, clock=FixedClock(), registry=CollectorRegistry()) as store:
        for number, (sent, minutes) in enumerate(bodies):
            received_at = T0 + timedelta(minutes=minutes)
            await store.append(envelope(f"R{number}", body=sent, received_at=received_at))
        if calendar is not None:
            await store.set("calendar UTC /no/such.ics", calendar)
        if forget:
            await store._runner.run(
                lambda conn: conn.exec_driver_sql(f"DELETE FROM journal WHERE id <= {forget}")
            )


def keep(folder: Path, *bodies: tuple[bytes, float], forget: int = 0, calendar: str | None = None) -> None:
    asyncio.run(_keep(folder, *bodies, forget=forget, calendar=calendar))


@pytest.fixture
def journal(tmp_path: Path) -> None:
    keep(
        tmp_path,
        (body("a"), 0),
        (body("b", name="BackupFailed"), 1),
        (body("a", "resolved"), 60),
        (body("c"), 60 * 24 * 2),  # after the end
    )


@pytest.fixture
def changed(cli: Cli) -> Path:
    path = cli.folder / "new.toml"
    path.write_text(cli.config.read_text().replace('hold = "1h"\n', 'board = "field"\n'))
    return path


@pytest.mark.usefixtures("journal")
def test_the_configuration_in_force_alone(cli: Cli) -> None:
    code, out, err = cli("replay", *SPAN, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["messages"], told["other"], told["differences"]) == (3, None, [])
    assert [(each["kind"], each["board"]) for each in told["present"].pop("made")] == [("problem", "noc")] * 2
    assert told["present"] == {
        "tickets": 2,
        "calls": 6,
        "calls_by_name": {"complete": 1, "create": 2, "tag": 3},
        "read_backs": 2,
        "unread_messages": 0,
        "boards": {
            "noc": {
                "tickets": 2,
                "calls": 6,
                "calls_by_name": {"complete": 1, "create": 2, "tag": 3},
            }
        },
    }


@pytest.mark.usefixtures("journal")
def test_what_would_differ(cli: Cli, changed: Path) -> None:
    code, out, _ = cli("replay", *SPAN, "--config", str(changed))
    assert code == 0
    assert "1 ticket would differ." in out
    assert "BackupFailed" in out
    assert "board noc → field" in out
    assert cli("replay", *SPAN, "--config", str(changed), "--fail-on-difference").code == 1


@pytest.mark.usefixtures("journal")
def test_the_same_file_makes_no_difference(cli: Cli) -> None:
    code, out, _ = cli("replay", *SPAN, "--config", str(cli.config), "--fail-on-difference")
    assert code == 0
    assert "No tickets would differ." in out


@pytest.mark.usefixtures("journal")
def test_as_data(cli: Cli, changed: Path) -> None:
    told: dict[str, Any] = json.loads(cli("replay", *SPAN, "--config", str(changed), "--json").out)
    (difference,) = told["differences"]
    assert difference["receipt"] == "R1"
    assert difference["what"][0] == "board"
    assert (difference["present"]["board"], difference["other"]["board"]) == ("noc", "field")
    assert told["other"]["boards"].keys() == {"field", "noc"}


@pytest.mark.usefixtures("journal")
def test_a_source_that_is_gone_is_told(cli: Cli, changed: Path) -> None:
    changed.write_text(changed.read_text().replace('name = "prometheus"', 'name = "thanos"'))
    out = cli("replay", *SPAN, "--config", str(changed)).out
    assert "The other configuration's sources cannot read 3 of them." in out
    assert "no ticket any more, until now one on board noc" in out


@pytest.mark.usefixtures("journal")
@pytest.mark.parametrize(
    ("args", "code", "why"),
    [
        (("--since", "yesterday"), 2, "should be 24h, or an instant"),
        (("--since", "2026-11-23", "--until", "2026-11-22"), 2, "--until should be later"),
        (("--since", "24h", "--config", "none.toml"), 2, "cannot be read"),
    ],
)
def test_refused(cli: Cli, args: tuple[str, ...], code: int, why: str) -> None:
    run = cli("replay", *args)
    assert run.code == code
    assert why in run.err


@pytest.mark.parametrize(
    ("calendar", "made_at"), [(CALENDAR, "10:15"), (None, "10:01"), ("no calendar", "10:01")]
)
def test_windows_have_the_calendars_that_the_daemon_has_kept(
    cli: Cli, calendar: str | None, made_at: str
) -> None:
    keep(cli.folder, (body("b"), 1), calendar=calendar)
    cli.config.write_text(cli.config.read_text() + WINDOW)
    out = cli("replay", *SPAN, "--json").out
    (ticket,) = json.loads(out[out.index("{") :])["present"][
        "made"
    ]  # after what making the journal has logged
    assert ticket["created_at"] == f"2026-11-23T{made_at}:00.000Z"


def test_tickets_that_speak_of_many_are_told_apart(cli: Cli) -> None:
    keep(cli.folder, *((body(host), 1) for host in "abcd"))
    cli.config.write_text(cli.config.read_text() + "\n[storm]\nthreshold = 2\n")
    assert "Tickets of storms, present: 1\n" in cli("replay", *SPAN).out
    assert "Tickets of storms" not in cli("replay", "--since", "2026-11-23T11:00:00Z").out


def test_a_journal_that_does_not_reach_back(cli: Cli, tmp_path: Path) -> None:
    keep(tmp_path, (body("a"), 0), (body("b"), 60), forget=1)
    run = cli("replay", *SPAN)
    assert run.code == 2
    assert "reaches back to 2026-11-23T11:00:00.000Z only" in run.err
