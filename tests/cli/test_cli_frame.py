"""The frame of the command line: options, help, exit codes."""

from __future__ import annotations

import errno
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from alertd import __version__
from alertd.cli import _COMMANDS, exits
from alertd.cli.exits import CODES, exit_code
from alertd.flows.errors import AuthRefused, CannotListen, StoreFailed, Throttled
from alertd.store.errors import StoreInUse
from tests.cli.conftest import Cli


def test_version(cli: Cli) -> None:
    assert cli.bare("version") == (0, f"alertd {__version__}\n", "")


def test_help_lists_every_command_and_imports_none() -> None:
    probe = (
        "import sys; from alertd.cli import main; main(['--help']); "
        "print([name for name in sys.modules if name.split('.')[0] in ('aiohttp', 'pydantic', 'sqlalchemy')])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert all(f"  {name} " in done.stdout for name in _COMMANDS)
    assert done.stdout.endswith("[]\n")


def test_the_module_can_be_run() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alertd", "version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"alertd {__version__}\n"


@pytest.mark.parametrize("name", list(_COMMANDS))
def test_every_command_has_help_and_its_line_in_the_list_is_its_own(name: str, cli: Cli) -> None:
    run = cli.bare(name, "--help")
    assert run.code == 0
    assert run.out.startswith(f"Usage: alertd {name}")


@pytest.mark.parametrize(
    "args",
    [
        ("--config", "FILE", "config", "check"),
        ("config", "--config", "FILE", "check"),
        ("config", "check", "--config", "FILE"),
        ("--config", "/nowhere", "config", "check", "--config", "FILE"),
    ],
)
def test_config_is_taken_before_and_after_the_command_and_the_last_counts(
    cli: Cli, args: tuple[str, ...]
) -> None:
    run = cli.bare(*(str(cli.config) if arg == "FILE" else arg for arg in args))
    assert run.code == 0
    assert str(cli.config) in run.out


def test_config_comes_from_the_environment(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERTD_CONFIG", str(cli.config))
    assert cli.bare("config", "check").code == 0


def test_without_any_config_the_usual_place_is_named(cli: Cli) -> None:
    if Path("/etc/alertd/alertd.toml").exists():
        pytest.skip("this machine has an alertd")
    run = cli.bare("config", "check")
    assert run.code == 2
    assert "/etc/alertd/alertd.toml: cannot be read" in run.err
    assert "--config" in run.err


@pytest.mark.parametrize(
    "args", [("nonsense",), ("config", "nonsense"), ("config", "check", "--nonsense"), ("explain",)]
)
def test_bad_usage_is_2(cli: Cli, args: tuple[str, ...]) -> None:
    run = cli.bare(*args)
    assert run.code == 2
    assert "Traceback" not in run.err


@pytest.mark.parametrize("name", list(CODES))
def test_every_error_that_has_a_code_exists(name: str) -> None:
    module, _, cls = name.rpartition(".")
    assert issubclass(getattr(importlib.import_module(module), cls), Exception)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreInUse("/x", 5), 75),
        (StoreFailed("no space left"), 74),
        (Throttled(5.0), 69),
        (AuthRefused("wrong secret"), 1),
        (CannotListen("[admin] listen", "127.0.0.1:9876", OSError(errno.EADDRINUSE, "in use")), 1),
        (OSError(errno.EADDRINUSE, "not known whose"), None),
        (KeyError("a defect"), None),
        (ExceptionGroup("both", [StoreFailed("x"), StoreInUse("/x", 5)]), 75),
        (ExceptionGroup("both", [StoreFailed("x"), KeyError("a defect")]), None),
    ],
)
def test_exit_codes(error: Exception, code: int | None) -> None:
    assert exit_code(error) == code


def test_what_is_printed_says_what_to_do_next() -> None:
    assert exits.told(StoreFailed("no space left")).startswith("alertd: no space left; make room")
    both = ExceptionGroup("both", [StoreFailed("a"), StoreInUse("/x", 5)])
    assert len(exits.told(both).splitlines()) == 2


def test_run_hands_over_and_returns_its_code(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[Path] = []
    monkeypatch.setattr("alertd.app.run_daemon", lambda path: ran.append(path) or 7)
    assert cli("run").code == 7
    assert ran == [cli.config]


def test_run_ends_in_one_line_for_what_a_user_can_cause(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(path: Path) -> int:
        raise StoreInUse("/var/lib/alertd/alertd.db", 4711)

    monkeypatch.setattr("alertd.app.run_daemon", run)
    code, out, err = cli("run")
    assert (code, out) == (75, "")
    assert err.count("\n") == 1
    assert "4711" in err


def test_a_defect_keeps_its_traceback(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(path: Path) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr("alertd.app.run_daemon", run)
    with pytest.raises(ZeroDivisionError):
        cli("run")


def test_an_interrupt_is_130(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(path: Path) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("alertd.app.run_daemon", run)
    assert cli("run").code == 130


def test_demo_hands_over(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[bool, str | None]] = []
    monkeypatch.setattr("alertd.app.run_demo", lambda once, listen: asked.append((once, listen)) or 1)
    assert cli.bare("demo").code == 1
    assert cli.bare("demo", "--once", "--listen", "127.0.0.1:8080").code == 1
    assert asked == [(False, None), (True, "127.0.0.1:8080")]
    run = cli.bare("demo", "--listen", "8080")
    assert run.code == 2
    assert "HOST:PORT" in run.err


def test_a_reader_that_has_gone_away_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m alertd --config config/alertd.example.toml config show | head -1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
