"""`alertd status`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from alertd.cli.asking import ask
from alertd.cli.options import config_option, json_option
from alertd.cli.tables import one_line, print_json

_NAMES = {
    "accepted_messages": "alerts taken in",
    "alerts": "what became of them",
    "oldest_unsettled_s": "oldest waits for",
    "outcome_unknown": "unclear answers",
    "parked": "set aside for a person",
    "shadow_calls": "planned and not sent",
    "tenant_usage_ratio": "tenant's calls used",
    "tokens_used": "tokens last used",
    "unaccounted": "alerts unaccounted for",
    "unsettled": "waiting for Autotask",
}
_PRESSURES = ("green", "yellow", "orange", "red")


@click.command()
@config_option
@json_option
def status(*, as_json: bool) -> None:
    """Say how alertd is doing: what it took in, what became of it, what waits, and how Autotask answers."""
    told = ask("status", offline=lambda operations: operations.status())
    if as_json:
        print_json(told)
    else:
        click.echo("\n".join(_lines(told)))


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    """Yield what matters at night first; then all that is told, a line each."""
    yield from (f"PROBLEM: {problem}" for problem in _problems(told))
    width = max(len(_name(key)) for key in told)
    for key, value in told.items():
        said = _said(value)
        yield f"{_name(key).ljust(width)}  {_with_unit(key, value, said)}"


def _problems(told: Mapping[str, Any]) -> Iterator[str]:
    if told.get("ready") is False:
        yield "alertd is not ready to take alerts"
    if told.get("autotask", "reached") != "reached":
        yield f"Autotask: {one_line(told['autotask'])}. Alerts are kept until it answers again"
    if told.get("unaccounted"):
        yield "alerts are unaccounted for. This is a defect of alertd: please report it"
    if told.get("parked"):
        yield "some things need a person: alertd parked list"
    yield from (one_line(each) for each in told.get("configuration_problems", ()))


def _name(key: str) -> str:
    return _NAMES.get(key, key.replace("_", " "))


def _with_unit(key: str, value: Any, said: str) -> str:
    if key == "pressure" and value in range(len(_PRESSURES)):
        return _PRESSURES[value]
    if key == "tenant_usage_ratio" and value is not None:
        return f"{value:.0%} of this hour's allowance"
    return f"{said} s" if key.endswith("_s") else said


def _said(value: Any) -> str:
    """Return a value in one line; of counts only what is not zero."""
    match value:
        case Mapping():
            return ", ".join(f"{name} {_said(each)}" for name, each in value.items() if each != 0) or "none"
        case list():
            return "; ".join(_said(each) for each in value) or "none"
        case bool():
            return "yes" if value else "no"
        case None | "":
            return "-"
        case _:
            return one_line(value)
