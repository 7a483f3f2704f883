"""`alertd explain`."""

from __future__ import annotations

import click

from alertd.cli.asking import ask
from alertd.cli.options import config_option, json_option
from alertd.cli.tables import print_json
from alertd.cli.telling import explanation


@click.command()
@config_option
@json_option
@click.argument("asked", metavar="ID")
def explain(asked: str, *, as_json: bool) -> int:
    """Tell all that happened to ID, and why.

    ID is a receipt, a fingerprint, an incident, a ticket number such as T20261123.0001, a ticket's id, or the
    reference in a ticket's last line.
    """
    asked = asked.removeprefix("[ref: ").removesuffix("]").strip()
    told = ask("explain", asked, offline=lambda operations: operations.explain(asked))
    if told is None:
        raise click.ClickException(
            f"nothing is known by the name {asked}: give a receipt, a fingerprint, an incident, a ticket"
            " number or id, or a ticket's reference; alertd incidents list shows what is"
        )
    if as_json:
        print_json(told)
    else:
        click.echo("\n".join(explanation(told)))
    return 0
