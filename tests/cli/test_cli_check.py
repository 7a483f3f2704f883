"""`alertd check`: what it prints, and how it ends; the lines are made by hand."""

from __future__ import annotations

import json

import pytest

from alertd.app.checking import Checked
from alertd.autotask import checklist_lines as lines
from alertd.autotask.checklist_lines import Line, cannot_tell, line_of, missing, ok
from alertd.flows.errors import Unavailable
from tests.cli.conftest import Cli

OK = line_of(lines.ZONE, ok("Test"), counts=True)
MISSING = line_of(lines.TICKETS_ADD, missing("this user may not\x1b[2J create Tickets"), counts=True)
IDLE = line_of(lines.CONTRACTS_VIEW, missing("no contracts can be seen"), counts=False)
OPEN = line_of(lines.COSTS, cannot_tell("costs are shown with services", "contracts_view"), counts=False)


def serve(monkeypatch: pytest.MonkeyPatch, *found: Line) -> None:
    answer = Checked(lines=found, calls=14)
    monkeypatch.setattr("alertd.app.check_connection", lambda settings, company, say: answer)


def test_all_good_is_0(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, OK)
    code, out, err = cli("check")
    assert (code, err) == (0, "")
    assert "  ok       Zone found  Test" in out
    assert out.splitlines()[-1] == "Everything is there."


def test_something_missing_is_1_and_says_where(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, OK, MISSING)
    code, out, _ = cli("check")
    assert code == 1
    assert "MISSING" in out
    assert "Put it right: Admin >" in out
    assert "\x1b" not in out
    assert "1 ok, 1 missing, 0 cannot be told; 14 calls made." in out


def test_what_is_not_configured_fails_nothing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, OK, IDLE, OPEN)
    code, out, _ = cli("check")
    assert code == 0
    assert "Not configured, so it fails nothing." in " ".join(out.split())
    assert "(see first: Contracts: view all)" in " ".join(out.split())


@pytest.mark.parametrize("columns", [20, 80, 100, 300])
def test_lines_fit(cli: Cli, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    long_detail = line_of(lines.queue_item("a", "a" * 60), missing("word " * 90), counts=True)
    serve(monkeypatch, OK, MISSING, IDLE, OPEN, long_detail)
    assert max(map(len, cli("check").out.splitlines())) <= max(80, min(columns, 100))


def test_json_is_an_array_of_objects(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, OK, OPEN)
    found = json.loads(cli("check", "--json").out)
    assert [each["id"] for each in found] == ["zone", "costs"]
    assert found[1] == {
        "id": "costs",
        "group": "Contracts and units",
        "title": "Internal cost visible",
        "state": "cannot_tell",
        "needed_for": ["billing"],
        "counts": False,
        "reason": lines.COSTS.reason,
        "detail": "costs are shown with services",
        "where": lines.COSTS.where,
        "waits_for": "contracts_view",
    }


def test_without_an_answer_it_is_69(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreached(settings: object, company: object, say: object) -> Checked:
        del settings, company, say
        raise Unavailable("Autotask could not be reached: refused")

    monkeypatch.setattr("alertd.app.check_connection", unreached)
    code, out, err = cli("check")
    assert (code, out) == (69, "")
    assert "zone_url" in err


def test_a_wrong_configuration_is_2_and_a_missing_secret_78(cli: Cli) -> None:
    assert cli("check").code == 78
    cli.replace("queue = 5", "colour = 5")
    assert cli("check").code == 2
