from __future__ import annotations

import io
import re
import stat
import sys

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


# --- secrets that the sender makes ----------------------------------------------------------------------

HUNTRESS = """
[[sources]]
name = "edr"
kind = "huntress"
token = {{ file = "{folder}/tokens/edr" }}
"""
WHSEC = "whsec_aHVudHJlc3MgbWFrZXMgdGhpcyBrZXku"


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    raw = text.encode("utf-8", "surrogateescape")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8"))


def test_a_secret_that_the_sender_makes_is_not_made_here(cli: Cli) -> None:
    cli.append(HUNTRESS.format(folder=cli.folder))
    code, out, err = cli("token", "new", "edr")
    assert (code, out) == (1, "")
    assert "alertd token new edr --from-stdin" in err
    assert err.count("\n") == 1
    assert not (cli.folder / "tokens" / "edr").exists()


def test_what_the_sender_has_made_is_pasted(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.append(HUNTRESS.format(folder=cli.folder))
    type_in(monkeypatch, f"  {WHSEC}\r\nrest")
    code, out, err = cli("token", "new", "edr", "--from-stdin")
    path = cli.folder / "tokens" / "edr"
    assert (code, out) == (0, "")
    assert path.read_text() == f"{WHSEC}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "Reload alertd" in err
    assert WHSEC not in err


@pytest.mark.parametrize("text", ["", "\n", "a\x00b\n", "\udcff", "x" * 5000])
def test_nothing_usable_on_standard_input(cli: Cli, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    type_in(monkeypatch, text)
    code, out, err = cli("token", "new", "prometheus", "--from-stdin")
    assert (code, out) == (1, "")
    assert "no token on standard input" in err


def test_what_is_not_a_file_cannot_be_pasted_into(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, WHSEC)
    code, _, err = cli("token", "new", "doorbell", "--from-stdin")
    assert code == 2
    assert "cannot write" in err


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("pagerduty", r"[0-9a-f]{32}\n"),
        ("opsgenie", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n"),
        ("goalert", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n"),
        ("victorops", TOKEN.pattern),
    ],
)
def test_a_token_has_the_form_that_clients_of_its_kind_demand(cli: Cli, kind: str, form: str) -> None:
    config = cli.folder / "alertd.toml"
    source = f'[[sources]]\nname = "other"\nkind = "{kind}"\ntoken = {{ file = "{cli.folder}/other" }}\n'
    config.write_text(config.read_text() + source)
    assert re.fullmatch(form, cli("token", "new", "other").out)
