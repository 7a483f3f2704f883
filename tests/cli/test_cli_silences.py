"""`alertd silence`: what it asks the daemon for, and what it says."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from alertd.app.clock import SystemClock
from alertd.app.operations import acknowledged, silenced, summary, what_comes_next
from alertd.autotask.links import DeepLinks
from alertd.cli.telling import incident as incident_lines
from alertd.core.incidents import Acknowledged, Incident, Silenced
from alertd.core.matchers import parse_matchers
from alertd.core.silences import Silence
from alertd.core.tickets import Known
from alertd.store.opening import open_store
from alertd.store.settings import StoreSettings
from tests.cli.conftest import Cli, Daemon
from tests.cli.test_cli_questions import _stored
from tests.store.making import FixedClock

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MADE = {
    "id": "3c0e6f0e",
    "state": "active",
    "matchers": ['host="fs02"'],
    "starts_at": "2026-11-23T12:00:00.000Z",
    "ends_at": "2026-11-23T13:00:00.000Z",
    "created_by": "noc",
    "comment": "patching",
    "updated_at": "2026-11-23T12:00:00.000Z",
    "annotations": {},
}


def sent(daemon: Daemon) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(daemon.bodies[-1])
    return body


def lasts(body: dict[str, Any]) -> timedelta:
    starts = body["starts_at"]
    begins = datetime.fromisoformat(starts) if starts else SystemClock().now()
    return datetime.fromisoformat(body["ends_at"]) - begins


def test_add_says_the_id_of_the_new_one(cli: Cli, daemon: Daemon) -> None:
    daemon.answers["/api/v1/silences"] = (201, MADE)
    done = cli("silence", "add", "host=fs02", 'severity=~"low|info"', "--duration", "2h", "--comment", "why")

    assert done == (0, "3c0e6f0e\n", "")
    body = sent(daemon)
    assert body["matchers"] == ['host="fs02"', 'severity=~"low|info"']
    assert (body["comment"], body["starts_at"]) == ("why", None)
    assert body["created_by"]
    assert timedelta(hours=1, minutes=59) < lasts(body) <= timedelta(hours=2)


def test_the_first_word_may_be_the_alerts_name(cli: Cli, daemon: Daemon) -> None:
    daemon.answers["/api/v1/silences"] = (201, MADE)
    cli("silence", "add", "DiskFull", "host=fs02", "--author", "anna")

    assert sent(daemon)["matchers"] == ['alertname="DiskFull"', 'host="fs02"']
    assert sent(daemon)["created_by"] == "anna"
    assert lasts(sent(daemon)) <= timedelta(hours=1)


def test_start_and_end_are_instants(cli: Cli, daemon: Daemon) -> None:
    daemon.answers["/api/v1/silences"] = (201, MADE)
    start, end = "2030-01-01T08:00:00Z", "2030-01-01T11:00:00+01:00"
    code, out, _ = cli("silence", "add", "a=b", "--start", start, "--end", end, "--json")

    assert code == 0
    assert json.loads(out) == MADE
    assert sent(daemon)["starts_at"] == "2030-01-01T08:00:00+00:00"
    assert sent(daemon)["ends_at"] == "2030-01-01T10:00:00+00:00"
    cli("silence", "add", "a=b", "--start", start, "--duration", "30m")
    assert lasts(sent(daemon)) == timedelta(minutes=30)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("a=~(",),
        ("a=b", "word"),
        ("a=b", "--duration", "soon"),
        ("a=b", "--duration", "0s"),
        ("a=b", "--start", "9999-12-31T23:59:59Z"),
        ("a=b", "--start", "soon"),
        ("a=b", "--duration", "1h", "--end", "2030-01-01T08:00:00Z"),
    ],
)
def test_what_cannot_be_is_bad_usage(cli: Cli, daemon: Daemon, arguments: tuple[str, ...]) -> None:
    code, out, err = cli("silence", "add", *arguments)
    assert (code, out) == (2, "")
    assert "Error:" in err
    assert daemon.asked == []


def test_a_refusal_is_one_line(cli: Cli, daemon: Daemon) -> None:
    daemon.answers["/api/v1/silences"] = (400, {"error": "it cannot be"})
    assert cli("silence", "add", "a=b") == (1, "", "alertd: it cannot be\n")


def test_list_shows_what_is_not_over(cli: Cli, daemon: Daemon) -> None:
    daemon.answers["/api/v1/silences"] = (200, [MADE])
    code, out, _ = cli("silence", "list")
    assert code == 0
    assert '3c0e6f0e  active  2026-11-23 12:00:00 UTC  2026-11-23 13:00:00 UTC  noc  {host="fs02"}' in out
    assert json.loads(cli("silence", "list", "--json", "--state", "expired").out) == [MADE]
    assert daemon.asked[-1] == "GET /api/v1/silences?state=expired"

    daemon.answers["/api/v1/silences"] = (200, [])
    assert cli("silence", "list").out == "No silences.\n"


def test_expire_ends_several(cli: Cli, daemon: Daemon) -> None:
    daemon.answers["/api/v1/silences/a/expire"] = (200, {**MADE, "id": "a"})
    daemon.answers["/api/v1/silences/b/expire"] = (200, {**MADE, "id": "b"})
    assert cli("silence", "expire", "a", "b") == (0, "a is over.\nb is over.\n", "")
    assert [each["id"] for each in json.loads(cli("silence", "expire", "b", "--json").out)] == ["b"]
    daemon.answers["/api/v1/silences/c/expire"] = (404, {"error": "there is no silence c"})
    assert cli("silence", "expire", "c") == (1, "", "alertd: there is no silence c\n")


# --- what is silenced ---------------------------------------------------------------------------------


def a_silence(ends_at: datetime) -> Silence:
    return Silence(
        id="s1",
        matchers=parse_matchers("host=fs02"),
        starts_at=NOON,
        ends_at=ends_at,
        created_by="anna",
        comment="patching",
        updated_at=NOON,
    )


def a_silenced_incident() -> Incident:
    return replace(_stored().incident, phase=Silenced(NOON, NOON + HOUR, ("s1",), "anna: patching"))


def test_how_long_is_told_as_it_stands_now() -> None:
    longer = silenced(a_silenced_incident(), {"s1": a_silence(NOON + 2 * HOUR)})
    assert longer == {
        "silenced_by": ["s1"],
        "silenced_until": "2026-11-23T14:00:00.000Z",
        "silenced_kind": "silence",
        "silenced_said": "anna: patching",
    }
    assert silenced(a_silenced_incident(), {})["silenced_until"] == "2026-11-23T13:00:00.000Z"
    assert silenced(_stored().incident, {}) == {}
    stored = replace(_stored(), incident=a_silenced_incident(), known=Known())
    assert what_comes_next(stored).startswith("silenced by s1; what still fires")


def test_incidents_say_until_when(cli: Cli, daemon: Daemon) -> None:
    incident = a_silenced_incident()
    stored = replace(_stored(), incident=incident, known=Known(), state="silenced")
    told = summary(stored, DeepLinks("")) | silenced(incident, {})
    daemon.answers["/api/v1/incidents"] = (200, [told])
    assert "silenced until 2026-11-23 13:00:00 UTC" in cli("incidents", "list").out
    assert cli("incidents", "list", "--state", "silenced").code == 0
    assert "until 2026-11-23 13:00:00 UTC, by s1 (anna: patching)" in "\n".join(incident_lines(told))
    assert ", by s1\n" in "\n".join(incident_lines({**told, "silenced_said": ""}))


def test_without_a_daemon_the_store_is_read(cli: Cli) -> None:
    async def fill() -> None:
        settings = StoreSettings(url=f"sqlite:///{cli.folder}/alertd.db", min_free=0)
        async with open_store(settings, clock=FixedClock(), registry=CollectorRegistry()) as store:
            await store.store_silences(
                [a_silence(SystemClock().now() + HOUR), replace(a_silence(NOON), id="old")]
            )

    asyncio.run(fill())
    cli.capsys.readouterr()
    (cli.folder / "admin-token").write_text("admin-secret\n")
    code, out, err = cli("silence", "list", "--json")

    assert code == 0
    assert [each["id"] for each in json.loads(out)] == ["s1"]
    assert "does not run" in err
    assert cli("silence", "expire", "s1").code == 1


def test_until_when_an_acknowledgement_is_good_is_told(cli: Cli, daemon: Daemon) -> None:
    stored = _stored()
    policy = replace(stored.incident.policy, acknowledge_limit=HOUR)
    firing = {key: replace(each, ended_at=None) for key, each in stored.incident.members.items()}
    taken = replace(stored.incident, policy=policy, members=firing, phase=Acknowledged(NOON))
    assert acknowledged(taken) == {
        "acknowledged_how": "completed",
        "acknowledged_at": "2026-11-23T12:00:00.000Z",
        "acknowledged_until": "2026-11-23T13:00:00.000Z",
    }
    for_good = acknowledged(replace(taken, phase=Acknowledged(NOON, how="wont fix")))
    assert for_good["acknowledged_until"] is None
    assert acknowledged(stored.incident) == {}

    listed = summary(replace(stored, incident=taken, state="acknowledged"), DeepLinks(""))
    daemon.answers["/api/v1/incidents"] = (200, [listed])
    assert "acknowledged until 2026-11-23 13:00" in cli("incidents", "list").out
