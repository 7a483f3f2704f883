from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
import tomli

from tests.cli.conftest import Cli

FAILING = "[[tests]]\nname = 'to the moon'\nalert = { source = 'x' }\nexpect = { board = 'moon' }\n"
PASSING = "[[tests]]\nname = 'home'\nalert = { source = 'x' }\nexpect = { board = 'noc' }\n"


def test_check_counts_what_is_there_and_warns_of_secrets(cli: Cli) -> None:
    code, out, err = cli("config", "check")
    assert code == 0
    assert "2 sources, 2 boards, 2 routes, 0 tests" in out
    assert "warning: admin.token" in err
    assert "warning: autotask.secret" in err


def test_check_prints_every_fault_and_is_2(cli: Cli) -> None:
    cli.replace("queue = 5", "queue = 5\ncolour = 1\nshape = 2")
    code, out, err = cli("config", "check")
    assert (code, out) == (2, "")
    lines = err.splitlines()
    assert lines[0].startswith(f"{cli.config}:")
    assert "boards.0.colour: unknown key" in lines[0]
    assert "boards.0.shape: unknown key" in lines[1]
    assert lines[2] == "alertd: refused for 2 faults"


def test_a_failing_test_refuses_the_configuration(cli: Cli) -> None:
    cli.append(FAILING)
    code, _, err = cli("config", "check")
    assert code == 2
    assert "tests.0: the test fails: to the moon" in err


def test_check_online_asks_the_tenant(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alertd.app.check_online", lambda settings: 1 if settings.boards else 0)
    assert cli("config", "check", "--online").code == 1
    assert cli("config", "check").code == 0


def test_show_is_toml_with_defaults_and_without_secrets(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTASK_SECRET", "hunter2")
    run = cli("config", "show")
    shown = tomli.loads(run.out)
    assert shown["autotask"]["calls_per_hour"] == 4000
    assert shown["autotask"]["secret"] == '*** from { env = "AUTOTASK_SECRET" }'
    assert "hunter2" not in run.out
    assert json.loads(cli("config", "show", "--json").out)["autotask"] == shown["autotask"]


def test_the_tree_is_drawn_with_what_differs(cli: Cli) -> None:
    lines = cli("routes", "show").out.splitlines()
    assert lines[0] == "root → noc: everything"
    assert "group_by client host alertname" in lines[1]
    assert lines[2] == '├─ source:doorbell → field: {source="doorbell"}'
    assert lines[3] == '└─ backups → noc: {alertname=~"Backup.*",severity="high"}'
    assert lines[4].strip() == "hold 1h, tags backup"


def test_the_tree_as_json(cli: Cli) -> None:
    rows = json.loads(cli("routes", "show", "--json").out)
    assert [row["name"] for row in rows] == ["root", "source:doorbell", "backups"]
    assert rows[2]["path"] == ["root", "backups"]
    assert rows[2]["hold"] == "1h"
    assert rows[2]["continue"] is False


def test_a_question_says_where_and_why(cli: Cli) -> None:
    code, out, _ = cli(
        "routes", "test", "alertname=BackupFailed", "severity=high", "client=Contoso", "host=NAS1"
    )
    assert code == 0
    for text in (
        "root > backups",
        "noc (queue 5)",
        "High, for severity high",
        "alertd, backup",
        'client="Contoso", host="NAS1"',
        "-g1",
        "root: passed on, its route backups accepts",
        'source:doorbell: refused, source="doorbell" does not accept an absent label',
        "backups: taken, all its matchers accept",
    ):
        assert text in out
    asked = cli(
        "routes", "test", "--json", "alertname=BackupFailed", "severity=high", "client=Contoso", "host=NAS1"
    )
    (answer,) = json.loads(asked.out)
    assert answer["incident_key"] in out
    assert answer["reference"] in out
    assert answer["tags"] == ["alertd", "backup"]
    assert [step["outcome"] for step in answer["steps"]] == ["passed on", "refused", "taken"]


def test_a_question_without_place_says_that_the_problem_joins(cli: Cli) -> None:
    assert "neither client nor host" in cli("routes", "test", "alertname=X").out


def test_a_question_is_routed_by_the_severity_that_intake_would_give(cli: Cli) -> None:
    assert "root > backups" in cli("routes", "test", "alertname=BackupFailed", "severity=error").out


def test_several_routes_are_several_answers(cli: Cli) -> None:
    cli.replace('name = "backups"', 'name = "backups"\ncontinue = true')
    cli.append("[[route.routes]]\nname = 'second'\n")
    out = cli("routes", "test", "alertname=BackupX", "severity=high").out
    assert out.count("Route ") == 2
    assert "root > second" in out


@pytest.mark.parametrize("label", ["severity", "=high"])
def test_what_is_no_label_is_bad_usage(cli: Cli, label: str) -> None:
    code, _, err = cli("routes", "test", label)
    assert code == 2
    assert "label and its value" in err


def test_tests_that_pass_are_0_and_one_that_fails_is_1(cli: Cli) -> None:
    cli.append(PASSING)
    code, out, _ = cli("routes", "test")
    assert code == 0
    assert "1 of 1 tests pass." in out
    cli.append(FAILING)
    code, out, _ = cli("routes", "test")
    assert code == 1
    assert "FAILED  to the moon  expected board moon, found noc" in out
    code, out, _ = cli("routes", "test", "--json")
    assert code == 1
    assert [(row["test"], row["passed"]) for row in json.loads(out)] == [
        ("home", True),
        ("to the moon", False),
    ]


def test_without_tests_it_says_what_to_do(cli: Cli) -> None:
    code, out, _ = cli("routes", "test")
    assert code == 0
    assert "no [[tests]]" in out


def test_routes_that_no_test_reaches_are_named(cli: Cli) -> None:
    cli.append(PASSING)
    out = cli("routes", "test").out
    assert "Routes reached: 1 of 3 (33 %); no test reaches source:doorbell, backups." in out
    code, _, err = cli("routes", "test", "--fail-under", "60")
    assert code == 1
    assert "the tests reach 33 % of the routes, and 60 % are asked for; add tests for" in err
    assert cli("routes", "test", "--fail-under", "33").code == 0


def test_results_for_a_build_server(cli: Cli, tmp_path: Path) -> None:
    cli.append(PASSING + FAILING)
    report = tmp_path / "report.xml"
    assert cli("routes", "test", "--junit", str(report)).code == 1
    suite = ElementTree.parse(report).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    (failure,) = suite.findall("testcase/failure")
    assert failure.get("message") == "expected board moon, found noc"
    assert "cannot be written" in cli("routes", "test", "--junit", str(tmp_path / "no" / "x")).err


def test_routes_that_nothing_can_reach_are_warned_of(cli: Cli) -> None:
    cli.append('[[route.routes]]\nname = "lost"\nmatchers = [\'source="doorbell"\']\n')
    told = "warning: route lost can never take an alert: source:doorbell before it takes all of that"
    checked, shown = cli("config", "check"), cli("routes", "show")
    assert (checked.code, shown.code) == (0, 0)
    assert told in checked.err
    assert told in shown.err
    assert told not in shown.out


def test_a_question_shows_what_the_ticket_would_say_and_have(cli: Cli) -> None:
    more = (
        'resource = "Jana Novak"\ntitle_template = "{{ title }} ({{ labels.team }})"\n'
        'due = { warning = "4h" }\nudfs = { "Key" = "{{ labels.team }}" }'
    )
    cli.replace("queue = 5", f"queue = 5\n{more}")
    run = cli("routes", "test", "alertname=Disk", "team=storage", "host=fs02")
    (answer,) = json.loads(cli("routes", "test", "--json", "alertname=Disk", "team=storage").out)

    assert "Title     Disk (storage)" in run.out
    assert "Fields    resource=Jana Novak" in run.out
    assert "Due       4h after it was made" in run.out
    assert "UDF       Key: storage" in run.out
    assert answer["title"] == "Disk (storage)"
    assert (answer["fields"], answer["due"]) == ({"resource": "Jana Novak"}, "4h")


def test_what_a_route_says_of_its_tickets_is_drawn(cli: Cli) -> None:
    cli.replace('[route]\nboard = "noc"', '[route]\nboard = "noc"\nsla = "Gold"\ndue = { low = "1d" }')
    lines = cli("routes", "show").out.splitlines()
    assert lines[1].endswith("sla Gold, due low=1d")
    assert json.loads(cli("routes", "show", "--json").out)[0]["ticket"] == {
        "sla": "Gold",
        "due": {"low": "1d"},
    }


def test_a_note_refuses_nothing(cli: Cli) -> None:
    cli.replace("queue = 5", 'queue = 5\ntitle_template = "{{ labels.team }}{{ title }}"')
    code, out, err = cli("config", "check")
    assert code == 0
    assert "is complete" in out
    assert "note: " in err
