"""`alertd window`: list, next."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from alertd.cli.asking import ask
from alertd.cli.options import config_option, json_option
from alertd.cli.tables import print_json, print_table
from alertd.cli.telling import instant


@click.group()
@config_option
def window() -> None:
    """Show the windows that hold new tickets back, and when they are."""


@window.command("list")
@config_option
@json_option
def listing(*, as_json: bool) -> None:
    """List the windows: what each is now, when it is next, and how many incidents wait for its end."""
    found = ask("windows", offline=lambda operations: operations.windows())
    if as_json:
        print_json(found)
    elif not found:
        click.echo("No windows. A [[windows]] table of the configuration makes one.")
    else:
        header = ("NAME", "STATE", "UNTIL", "NEXT START", "HOLDS", "WHEN", "ZONE", "MATCHERS")
        print_table(header, [_row(each) for each in found])


@window.command("next")
@config_option
@json_option
@click.argument("name", required=False)
@click.option("--count", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many.")
def upcoming(name: str | None, *, count: int, as_json: bool) -> None:
    """List when the windows are, or the one of this NAME: now, and the next times."""
    found = ask(
        "windows",
        "next",
        name=name,
        count=count,
        offline=lambda operations: operations.next_windows(name=name, count=count),
    )
    if as_json:
        print_json(found)
    elif not found:
        click.echo("None is to come.")
    else:
        header = ("NAME", "STATE", "STARTS", "ENDS", "ON ITS OWN CLOCK", "ZONE")
        print_table(header, [_time(each) for each in found])


def _row(each: dict[str, Any]) -> tuple[object, ...]:
    matchers = "{" + ",".join(each["matchers"]) + "}"
    next_start, holds = instant(each["next_start_at"]), len(each["holds"]) or "-"
    return (
        *(each["name"], each["state"], instant(each["until"]), next_start, holds),
        *(each["when"], each["timezone"], matchers),
    )


def _time(each: dict[str, Any]) -> tuple[object, ...]:
    starts, ends = (datetime.fromisoformat(each[key]) for key in ("local_starts_at", "local_ends_at"))
    local = f"{starts:%a %Y-%m-%d %H:%M} to {ends:%a %Y-%m-%d %H:%M}"
    utc = instant(each["starts_at"]), instant(each["ends_at"])
    return (each["name"], each["state"], *utc, local, each["timezone"])
