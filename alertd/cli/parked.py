"""`alertd parked`: what was set aside for a person."""

from __future__ import annotations

from typing import Any

import click

from alertd.cli.asking import ask
from alertd.cli.options import config_option, json_option
from alertd.cli.tables import one_line, print_json, print_table
from alertd.cli.telling import instant

_MOST = 1000


@click.group()
@config_option
def parked() -> None:
    """List what was set aside for a person: requests nobody could read, tickets that Autotask refused."""


@parked.command("list")
@config_option
@json_option
def listing(*, as_json: bool) -> None:
    """List it, with the reason."""
    found = _parked()
    if as_json:
        print_json(found)
    elif not found:
        click.echo("Nothing is parked.")
    else:
        header = ("KIND", "ID", "SINCE", "FROM", "REASON")
        columns = ("kind", "id", "since", "source", "reason")
        print_table(header, [[_cell(each, column) for column in columns] for each in found])
        click.echo("alertd parked show ID tells what to do; nothing of it is lost.")


def _parked() -> list[dict[str, Any]]:
    return list(ask("parked", limit=_MOST, offline=lambda operations: operations.parked(limit=_MOST)))


def _cell(each: dict[str, Any], column: str) -> str:
    return instant(each[column]) if column == "since" else str(each[column])


@parked.command()
@config_option
@json_option
@click.argument("asked", metavar="ID")
def show(asked: str, *, as_json: bool) -> None:
    """Show one: why it was set aside, and what to do about it."""
    found = next((each for each in _parked() if each["id"] == asked), None)
    if found is None:
        raise click.ClickException(f"nothing is parked by the name {asked}; alertd parked list shows what is")
    if as_json:
        print_json(found)
    else:
        click.echo(f"Parked {found['kind']} {found['id']}, from {one_line(found['source'])}")
        click.echo(f"  Since   {instant(found['since'])}")
        click.echo(f"  Reason  {one_line(found['reason'])}")
        click.echo(f"  Fix     {one_line(found['fix'])}")
        click.echo(f"alertd explain {found['id']} tells the rest.")
