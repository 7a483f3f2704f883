from __future__ import annotations

import re
import stat

import pytest

from tests.cli.conftest import Cli

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}\n")


def test_a_token_is_written_for_its_owner_alone_and_printed_once(cli: Cli) -> None:
    code, out, err = cli("token", "new", "prometheus")
    path = cli.folder / "tokens" / "prometheus"
    assert code == 0
    assert TOKEN.fullmatch(out)
    assert path.read_text() == out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(path) in err
    assert [each.name for each in path.parent.iterdir()] == ["prometheus"]


def test_tokens_differ(cli: Cli) -> None:
    assert cli("token", "new", "prometheus").out != cli("token", "new", "prometheus", "--force").out


def test_a_token_that_is_there_is_only_replaced_by_force(cli: Cli) -> None:
    path = cli.folder / "admin-token"
    path.write_text("old")
    code, out, err = cli("token", "new", "--admin")
    assert (code, out) == (1, "")
    assert "--force" in err
    assert path.read_text() == "old"
    assert cli("token", "new", "--admin", "--force").out == path.read_text() != "old"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(each.name for each in cli.folder.iterdir()) == ["admin-token", "alertd.toml"]


def test_what_is_not_a_file_is_only_printed(cli: Cli) -> None:
    code, out, err = cli("token", "new", "doorbell")
    assert code == 0
    assert TOKEN.fullmatch(out)
    assert '{ env = "DOORBELL_TOKEN" }' in err
    assert "Restart alertd" in err  # a process keeps its environment


@pytest.mark.parametrize(("whose", "what"), [("prometheus", "Reload alertd"), ("--admin", "Restart alertd")])
def test_it_says_what_makes_a_new_token_count(cli: Cli, whose: str, what: str) -> None:
    assert what in cli("token", "new", whose).err


@pytest.mark.parametrize("args", [(), ("prometheus", "--admin")])
def test_either_a_source_or_admin(cli: Cli, args: tuple[str, ...]) -> None:
    assert cli("token", "new", *args).code == 2


def test_an_unknown_source_is_bad_usage_and_the_known_ones_are_named(cli: Cli) -> None:
    code, _, err = cli("token", "new", "promethus")
    assert code == 2
    assert "prometheus, doorbell" in err


def test_without_an_admin_token_in_the_configuration_it_says_what_to_write(cli: Cli) -> None:
    cli.replace(f'token = {{ file = "{cli.folder}/admin-token" }}', "")
    code, _, err = cli("token", "new", "--admin")
    assert code == 2
    assert "under [admin]" in err


def test_a_place_that_cannot_be_written_is_one_line(cli: Cli) -> None:
    cli.replace(f"{cli.folder}/tokens/prometheus", f"{cli.config}/x")
    code, _, err = cli("token", "new", "prometheus")
    assert code == 1
    assert "cannot write" in err
    assert err.count("\n") == 1
