"""`alertd usage`: what vendors have counted."""

from __future__ import annotations

from typing import Any

import click

from alertd.cli.asking import ask
from alertd.cli.options import config_option, json_option
from alertd.cli.tables import print_json, print_table
from alertd.cli.telling import instant


@click.group()
@config_option
def usage() -> None:
    """Show what vendors have counted."""


@usage.command()
@config_option
@json_option
@click.option("--source", metavar="NAME", help="Of this source alone.")
@click.option("--feed", metavar="NAME", help="Of this feed alone; a source that counts is one.")
def show(source: str | None, feed: str | None, *, as_json: bool) -> None:
    """Show the newest count of every account and service, with the time at which it was said."""
    if source and feed and source != feed:
        raise click.UsageError("name either a source or a feed")
    wanted = source or feed
    found = ask("usage", source=wanted, offline=lambda operations: operations.usage(wanted))
    if as_json:
        print_json(found)
    elif not found:
        click.echo(f"Nothing has been counted{f' by {wanted}' if wanted else ''}.")
    else:
        header = ("SOURCE", "ACCOUNT", "SERVICE", "COUNT", "SAID", "REMARKS")
        print_table(header, [_row(each) for each in found])


def _row(each: dict[str, Any]) -> tuple[object, ...]:
    return (
        each["source"],
        _named(each["account"], each["account_id"]),
        _named(each["service"], each["service_id"]),
        each["count"],
        instant(each["received_at"]),
        "; ".join(each["remarks"]),
    )


def _named(name: str, id_: str) -> str:
    return f"{name} ({id_})" if name and name != id_ else id_
