"""`alertd config`: check it, show it."""

from __future__ import annotations

import os

import click

from alertd import app
from alertd.cli.options import config_option, config_path, json_option
from alertd.cli.quiet import only_errors
from alertd.cli.tables import print_json
from alertd.config.loading import load, notes
from alertd.config.routing import route_warnings
from alertd.config.secrets import warnings
from alertd.config.settings import Settings
from alertd.config.showing import as_toml, effective


@click.group()
@config_option
def config() -> None:
    """Check the configuration, or show it."""


@config.command()
@config_option
@click.option("--online", is_flag=True, help="Also ask Autotask whether queues, statuses and the like exist.")
def check(*, online: bool) -> int:
    """Print every fault with its file, line and key. Nothing is started or changed."""
    path = config_path()
    settings = load(path, os.environ)
    for warning in warnings(settings, os.environ):
        click.echo(f"warning: {warning}", err=True)
    for warning in route_warnings(settings):
        click.echo(f"warning: {warning}", err=True)
    for warning in filter(None, (each.warning() for each in settings.windows)):
        click.echo(f"warning: {warning}", err=True)
    if not settings.sources:
        click.echo("warning: there are no [[sources]], so no alert can come in", err=True)
    for note in notes(path, settings):
        click.echo(f"note: {note}", err=True)
    click.echo(_summary(settings, path=str(path)))
    if not online:
        return 0
    only_errors()
    return app.check_online(settings)


def _summary(settings: Settings, *, path: str) -> str:
    counts = [
        (len(settings.sources), "source"),
        (len(settings.boards), "board"),
        (sum(1 for _ in settings.route.walk()), "route"),
        (len(settings.tests), "test"),
    ]
    said = [f"{count} {what}{'' if count == 1 else 's'}" for count, what in counts]
    return f"{path} is complete: {', '.join(said)}."


@config.command()
@config_option
@json_option
def show(*, as_json: bool) -> None:
    """Print what is in force, with every default filled in and every secret hidden."""
    shown = effective(load(config_path(), os.environ))
    if as_json:
        print_json(shown)
    else:
        click.echo(as_toml(shown), nl=False)
