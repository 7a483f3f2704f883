"""Reading the configuration file: complete, or refused with every fault at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import tomli
from pydantic import ValidationError

from alertd.config import crosschecks, ticket_checks, wording
from alertd.config.faults import ConfigError, Fault
from alertd.config.lines import LineIndex
from alertd.config.paths import dotted
from alertd.config.routing import run_tests
from alertd.config.secrets import shared_tokens
from alertd.config.settings import Settings
from alertd.config.wording import Problem


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """Read and check the file at `path`, and run its `[[tests]]`: a test that fails refuses the file.

    Args:
        path: The file.
        environ: Of the process. Only what secrets refer to is read, to find sources with the same token; a
            secret that is not there is no fault here.

    Raises:
        ConfigError: The file cannot be read, or anything is wrong in it. All of it is told at once.
    """
    text = read_text(path)
    settings = _checked(path, text, environ)
    if failures := list(_failed_tests(settings)):
        raise ConfigError(_faults(path, text, failures))
    return settings


def notes(path: Path, settings: Settings) -> list[Fault]:
    """Return what is not wrong in a file that was loaded, but worth knowing.

    Raises:
        ConfigError: The file cannot be read any more.
    """
    return _faults(path, read_text(path), ticket_checks.notes(settings))


def load_untested(path: Path, environ: Mapping[str, str]) -> Settings:
    """Do as `load` does, without running the `[[tests]]`: for finding out why one fails.

    Raises:
        ConfigError: As for `load`.
    """
    return _checked(path, read_text(path), environ)


def file_hash(paths: Iterable[Path]) -> str:
    """Return the SHA-256 (64 hex digits) over the content of the files, in this order.

    Raises:
        ConfigError: One cannot be read.
    """
    total = hashlib.sha256()
    for path in paths:
        total.update(hashlib.sha256(read_text(path).encode()).digest())
    return total.hexdigest()


def board_names(path: Path) -> frozenset[str]:
    """Return the names of the boards in the file at `path`, whatever else is wrong in it.

    Raises:
        ConfigError: The file cannot be read, or is not TOML.
    """
    boards = _parse(path, read_text(path)).get("boards")
    rows = [row for row in (boards if isinstance(boards, list) else ()) if isinstance(row, dict)]
    return frozenset(name for row in rows if isinstance(name := row.get("name"), str))


def read_text(path: Path) -> str:
    """Return the text of a file that is UTF-8, with a byte order mark or without.

    Raises:
        ConfigError: It is not, or the file cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as exc:
        line = exc.object.count(b"\n", 0, exc.start) + 1
        raise ConfigError([Fault(str(path), line, "", "is not UTF-8 text; save it as UTF-8")]) from None
    except OSError as exc:
        problem = f"cannot be read: {exc.strerror}; name another with --config FILE or ALERTD_CONFIG"
        raise ConfigError([Fault(str(path), 0, "", problem)]) from None


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as exc:
        fault = Fault(str(path), exc.lineno, "", f"is not TOML: {_lowered(exc.msg)}", exc.colno)
        raise ConfigError([fault]) from None


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _checked(path: Path, text: str, environ: Mapping[str, str]) -> Settings:
    data = _parse(path, text)
    settings, found = _validate(data)
    found += crosschecks.problems(data)
    if settings is not None:
        found += _same_tokens(settings, environ)
        found += ticket_checks.problems(settings) if not found else ()
    if settings is None or found:
        raise ConfigError(_faults(path, text, found))
    return settings


def _validate(data: dict[str, Any]) -> tuple[Settings | None, list[Problem]]:
    try:
        return Settings.model_validate(data), []
    except ValidationError as exc:
        return None, list(wording.problems(exc, data))


def _same_tokens(settings: Settings, environ: Mapping[str, str]) -> Iterator[Problem]:
    numbers = {source.name: number for number, source in enumerate(settings.sources)}
    for first, second in shared_tokens(settings, environ):
        yield ("sources", numbers[second], "token"), f"{first} has the same token"


def _failed_tests(settings: Settings) -> Iterator[Problem]:
    for number, result in enumerate(run_tests(settings)):
        for mismatch in result.mismatches:
            yield ("tests", number), f"the test fails: {mismatch}"


def _faults(path: Path, text: str, found: Iterable[Problem]) -> list[Fault]:
    """Return the faults in the order of the file."""
    lines = LineIndex(text)
    faults = [
        Fault(str(path), lines.line_of(where), dotted(where), " ".join(problem.split()))
        for where, problem in found
    ]
    return sorted(dict.fromkeys(faults), key=lambda fault: fault.line)
