"""`alertd sources` and `alertd map`, without a daemon or with one that answers what it is told to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli, Daemon

AUVIK = """
[[sources]]
name = "network"
kind = "auvik"
token = { env = "NETWORK_TOKEN" }
token_in_url = true
clients = { "10001" = "Northwind Traders" }
severities = { "2" = "high" }
"""
PAYLOAD = str(Path(__file__).parents[1] / "payloads" / "auvik" / "triggered.json")
RECENT = [
    {
        "receipt": f"r{number}",
        "received_at": "2026-11-23T03:00:00.000Z",
        "kind": "mapped",
        "content_type": "",
        "query": {},
        "messages": 1,
        "parked": "" if number else "syntax: not JSON",
        "encoding": "utf-8",
        "body": body,
    }
    for number, body in enumerate(["no json", '{"id": 7, "rule": "Door", "host": "d1"}'])
]


def test_the_kinds_are_listed_without_a_configuration(cli: Cli) -> None:
    code, out, _ = cli.bare("--config", "/nowhere", "sources", "list", "--kinds")
    assert code == 0
    assert out.splitlines()[0].split() == ["KIND", "PRODUCT", "READS"]
    listed = json.loads(cli.bare("sources", "list", "--kinds", "--json").out)
    assert {"alertmanager", "auvik", "mapped"} <= {each["kind"] for each in listed}


def test_the_sources_are_listed_by_the_daemon(cli: Cli, daemon: Daemon) -> None:
    daemon.answers["/api/v1/sources"] = (
        200,
        [
            {
                "name": "network",
                "kind": "auvik",
                "address": "http://h/v1/alerts/network",
                "token_by": ["url"],
                "last_seen_at": None,
                "alerts": 3,
                "parked": 1,
            }
        ],
    )
    code, out, _ = cli("sources", "list")
    assert code == 0
    assert out.splitlines()[1].split() == [
        "network",
        "auvik",
        "http://h/v1/alerts/network",
        "url",
        "never",
        "3",
        "1",
    ]


@pytest.mark.parametrize("arguments", [(), ("--markdown",)])
def test_a_sheet_has_address_and_token_in_it(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("NETWORK_TOKEN", "t0ken")
    cli.append(AUVIK)
    cli.replace('listen = "127.0.0.1:0"', 'listen = "127.0.0.1:0"\npublic_url = "https://in.example.com"')
    code, out, _ = cli("sources", "show", "network", *arguments)
    assert code == 0
    assert "https://in.example.com/v1/alerts/network?token=t0ken" in out
    hidden = cli("sources", "show", "network", "--hide-token", *arguments).out
    assert "https://in.example.com/v1/alerts/network?token=TOKEN" in hidden
    assert "t0ken" not in hidden
    assert "t0ken" not in cli("sources", "show", "auvik").out


def test_a_token_that_is_not_there_yet_is_said(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NETWORK_TOKEN", raising=False)
    cli.append(AUVIK)
    code, out, err = cli("sources", "show", "network")
    assert (code, "?token=TOKEN" in out) == (0, True)
    assert "NETWORK_TOKEN" in err


def test_a_body_is_read_field_by_field(cli: Cli) -> None:
    cli.append(AUVIK)
    code, out, _ = cli("sources", "try", "network", PAYLOAD, "--json")
    assert code == 0
    [alert] = json.loads(out)["alerts"]
    assert (alert["status"], alert["severity"], alert["client"]) == ("firing", "high", "Northwind Traders")
    assert alert["severity_why"] == '"2", by severities of the source'
    assert alert["client_how"] == '"10001", by clients of the source'
    assert alert["fingerprint_of"] == "MTAwMDEsNDAwMDE="
    assert (alert["expires_after"], alert["starts_at"]) == ("never", "2026-09-01T06:14:02Z")
    assert alert["routes"][0]["board"] == "noc"
    told = cli("sources", "try", "network", PAYLOAD).out
    assert 'severity      high: "2", by severities of the source' in told
    assert "board noc" in told


@pytest.mark.parametrize(
    ("kind", "body", "query", "why"),
    [
        ("auvik", b'{"companyId": "7"}', "", ("7", "the sender's own number: alertd map companies set")),
        ("auvik", b'{"companyName": "Acme"}', "", ("Acme", "as sent")),
        ("auvik", b'{"alertName": "A"}', "?client=Contoso", ("Contoso", "client= of the address")),
        ("auvik", b'{"alertName": "A"}', "", ("", "nobody names one")),
        ("alertmanager", b'{"alerts": [{"labels": {"client": "Acme"}}]}', "", ("Acme", "as sent")),
        ("alertmanager", b'[{"labels": {"client": "Acme"}}]', "", ("Acme", "as sent")),
    ],
)
def test_a_kind_can_be_tried_without_a_configuration(
    cli: Cli, tmp_path: Path, kind: str, body: bytes, query: str, why: tuple[str, str]
) -> None:
    path = tmp_path / "body"
    path.write_bytes(body)
    code, out, _ = cli.bare(
        "--config", "/nowhere", "sources", "try", kind, str(path), "--query", query, "--json"
    )
    assert code == 0
    [alert] = json.loads(out)["alerts"]
    assert (alert["client"], alert["client_how"][: len(why[1])]) == why
    assert alert["routes"] is None


def test_what_cannot_be_read_is_a_finding(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(b'{"alerts": [{"labels": {"a": "b"}}, 7], "password": "x"}')
    code, out, _ = cli("sources", "try", "prometheus", str(path))
    assert code == 1
    assert "PARKED: item 2: shape: the alert is not an object" in out
    assert "Secrets in it were replaced" in out
    path.write_bytes(b"nothing at all")
    code, out, _ = cli("sources", "try", "prometheus", str(path), "--json")
    assert (code, json.loads(out)["alerts"]) == (1, [])


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("try", "pigeon", PAYLOAD), "there is no source or kind 'pigeon'; there are prometheus, doorbell, "),
        (("try", "auvik"), "give either a FILE"),
        (("show", "pigeon"), "there is no source or kind 'pigeon'"),
    ],
)
def test_bad_usage(cli: Cli, arguments: tuple[str, ...], why: str) -> None:
    code, _, err = cli("sources", *arguments)
    assert code == 2
    assert why in " ".join(err.split())


def test_a_mapping_is_tried_on_the_last_bodies(cli: Cli, daemon: Daemon, tmp_path: Path) -> None:
    daemon.answers["/api/v1/sources/doorbell/recent"] = (200, RECENT)
    code, out, _ = cli("sources", "try", "doorbell", "--recent")
    assert code == 1
    assert [line.split()[2] for line in out.splitlines()[1:]] == ["PARKED", "firing"]
    assert out.splitlines()[2].split()[4:6] == ["Door", "d1"]

    code, out, _ = cli("sources", "recent", "doorbell")
    assert (code, "PARKED: syntax" in out) == (0, True)
    folder = tmp_path / "bodies"
    cli("sources", "recent", "doorbell", "--write", str(folder))
    assert (folder / "r1.json").read_text() == RECENT[1]["body"]
    assert (folder / "r0.txt").read_text() == "no json"
    assert [each["receipt"] for each in json.loads((folder / "index.json").read_text())] == ["r0", "r1"]


ROWS: list[dict[str, Any]] = [
    {"source": "network", "sent": "10001", "company_id": 12, "company": "Northwind", "from": "store"},
    {"source": "edge", "sent": "x", "company_id": None, "company": "Acme", "from": "configuration"},
]


def test_the_map_is_listed_and_exported(cli: Cli, daemon: Daemon) -> None:
    daemon.answers["/api/v1/maps/companies"] = (200, ROWS)
    out = cli("map", "companies", "list").out
    assert [line.split() for line in out.splitlines()[1:]] == [
        ["network", "10001", "12", "Northwind", "store"],
        ["edge", "x", "-", "Acme", "configuration"],
    ]
    assert cli("map", "companies", "list", "--source", "none").out.startswith("Nothing is mapped;")
    assert cli("map", "companies", "export").out == (
        "source,sent,company_id,company\nnetwork,10001,12,Northwind\n"
    )


def test_a_customer_is_mapped(cli: Cli, daemon: Daemon) -> None:
    done = {"set": ROWS[:1], "open_tickets": 2, "moved": []}
    daemon.answers["/api/v1/maps/companies"] = (200, done)
    code, out, err = cli("map", "companies", "set", "network", "10001", "Northwind")
    assert (code, out) == (0, "network 10001 is Northwind (12).\n")
    assert "2 open tickets" in err
    moved = [
        {"ticket": "T1", "ticket_id": 1, "moved": True, "why": ""},
        {"ticket": "", "ticket_id": 2, "moved": False, "why": "it is complete"},
    ]
    daemon.answers["/api/v1/maps/companies"] = (200, {**done, "moved": moved})
    code, out, err = cli("map", "companies", "set", "network", "10001", "Northwind", "--move-open")
    assert code == 1
    assert out.splitlines()[1:] == ["Ticket T1: moved.", "Ticket 2: not moved: it is complete."]
    assert err == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"source,sent\na,b\n", "the first line should name the columns"),
        (b"source,sent,company\n", "no row below its header"),
        (b"source,sent,company\nnetwork,Z\xfcrich,12\n", "not UTF-8 text; save it as UTF-8"),
        (b"source,sent,company\nnetwork," + 140_000 * b"x" + b",12\n", "not CSV: field larger"),
    ],
)
def test_a_file_that_is_no_map_is_refused(cli: Cli, tmp_path: Path, text: bytes, why: str) -> None:
    (tmp_path / "map.csv").write_bytes(text)
    code, _, err = cli("map", "companies", "import", str(tmp_path / "map.csv"))
    assert (code, why in err) == (2, True)


def test_a_file_that_cannot_be_written_is_named(cli: Cli, daemon: Daemon, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("")
    daemon.answers["/api/v1/maps/companies"] = (200, ROWS)
    code, _, err = cli("map", "companies", "export", str(taken / "map.csv"))
    assert (code, str(taken / "map.csv") in err, err.count("\n")) == (1, True, 1)
    daemon.answers["/api/v1/sources/doorbell/recent"] = (200, RECENT)
    code, _, err = cli("sources", "recent", "doorbell", "--write", str(taken / "bodies"))
    assert (code, str(taken) in err, err.count("\n")) == (1, True, 1)


def test_a_file_is_taken_whole(cli: Cli, daemon: Daemon, tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text("source,sent,company_id,company\nnetwork,10001,12,Northwind\n")
    rows = [{**ROWS[0], "sent": str(number)} for number in range(21)]
    daemon.answers["/api/v1/maps/companies"] = (200, {"set": rows, "open_tickets": 0, "moved": []})
    code, out, _ = cli("map", "companies", "import", str(tmp_path / "map.csv"))
    assert (code, out.splitlines()[-1]) == (0, "… and 1 more.")


def test_a_row_is_removed(cli: Cli, daemon: Daemon) -> None:
    daemon.answers["/api/v1/maps/companies/remove"] = (200, {"removed": True})
    assert cli("map", "companies", "remove", "network", "10001").code == 0
    daemon.answers["/api/v1/maps/companies/remove"] = (404, {"error": "the map has no row for it"})
    assert cli("map", "companies", "remove", "network", "10001").code == 1


def test_suggestions_are_shown_and_nothing_is_done(cli: Cli, daemon: Daemon) -> None:
    found = {
        "source": "network",
        "sent": "northwnd",
        "client_id": "",
        "alerts": 4,
        "firing": 1,
        "seen_at": "2026-11-23T03:00:00Z",
        "exact": False,
        "candidates": [{"company_id": 12, "company": "Northwind", "score": 0.8}],
    }
    daemon.answers["/api/v1/maps/companies/suggestions"] = (200, [found])
    out = cli("map", "companies", "suggest").out
    assert "Northwind (12) 0.80" in out
    assert daemon.asked == ["GET /api/v1/maps/companies/suggestions"]
    daemon.answers["/api/v1/maps/companies/suggestions"] = (200, [])
    assert "Every customer" in cli("map", "companies", "suggest").out
