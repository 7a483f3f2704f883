"""`alertd incidents`: list, show, retry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from alertd.cli.asking import ask, tell
from alertd.cli.options import config_option, json_option
from alertd.cli.tables import print_json, print_table
from alertd.cli.telling import explanation, instant
from alertd.core.incidents import OPEN_STATES

_STATES = (*OPEN_STATES, "closed")
_MOST = 1000


@click.group()
@config_option
def incidents() -> None:
    """List incidents, show one, or try it again."""


@incidents.command("list")
@config_option
@json_option
@click.option(
    "--state", "states", type=click.Choice(_STATES), multiple=True, help="May be given several times."
)
@click.option(
    "--limit", type=click.IntRange(1, _MOST), default=100, show_default=True, help="At most so many."
)
def listing(states: tuple[str, ...], *, limit: int, as_json: bool) -> None:
    """List incidents, the newest first; without --state all that are not closed."""
    wanted = list(states) or None
    found = ask(
        "incidents",
        state=wanted,
        limit=limit,
        offline=lambda operations: operations.incidents(limit=limit, states=wanted),
    )
    if as_json:
        print_json(found)
    elif not found:
        click.echo("No incidents.")
    else:
        header = ("STATE", "SEVERITY", "TICKET", "OPENED", "FIRING", "BOARD", "CUSTOMER", "INCIDENT", "TITLE")
        print_table(header, [_row(each) for each in found])


def _row(each: dict[str, Any]) -> tuple[object, ...]:
    return (
        _state(each),
        each["severity"],
        each["ticket"] or "-",
        instant(each["opened_at"]),
        f"{each['firing']}/{each['members_total']}",
        each["board"],
        each["client"] or "-",
        each["incident"],
        each["title"],
    )


def _state(each: dict[str, Any]) -> str:
    until = each.get("silenced_until") or each.get("acknowledged_until")
    return f"{each['state']} until {instant(until)}" if until else str(each["state"])


@incidents.command()
@config_option
@json_option
@click.argument("incident", metavar="INCIDENT")
def show(incident: str, *, as_json: bool) -> None:
    """Show how an incident stands, what comes next, and what happened. A ticket number will do, too."""
    told = ask("explain", incident, offline=lambda operations: operations.explain(incident))
    if told is None:
        raise click.ClickException(
            f"there is no incident {incident}; alertd incidents list shows those there are"
        )
    if as_json:
        print_json(told["incidents"])
    else:
        click.echo("\n".join(explanation({"kind": "incident", "incidents": told["incidents"]})))


@incidents.command()
@config_option
@json_option
@click.argument("incident", metavar="INCIDENT")
def close(incident: str, *, as_json: bool) -> None:
    """Close an incident by hand: its ticket is completed, unless people have it in hand."""
    told = tell("incidents", incident, "close")
    if as_json:
        print_json(told)
    else:
        click.echo("\n".join(_closing(told)))


def _closing(told: dict[str, Any]) -> Iterator[str]:
    if not told["closed"]:
        yield f"{told['incident']} was closed already."
        return
    number = told["ticket"]
    ticket = f"ticket {number} is completed, unless people have it in hand" if number else "it has no ticket"
    yield f"{told['incident']} is closed; {ticket}."
    if told["firing"]:
        yield f"{told['firing']} of its alerts still fire; nothing comes of that before they have cleared."


@incidents.command()
@config_option
@click.argument("incident", metavar="INCIDENT")
def retry(incident: str) -> None:
    """Try a parked incident again at once, after what Autotask complained of has been mended."""
    tell("incidents", incident, "retry")
    click.echo(f"{incident} is tried again now; alertd explain {incident} shows how it went.")
