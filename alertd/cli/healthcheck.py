"""`alertd healthcheck`: for containers and load balancers."""

from __future__ import annotations

import os

import click

from alertd.cli.admin_api import AdminApi, NoAnswer, NotRunning
from alertd.cli.options import config_option, config_path
from alertd.config.loading import load_untested


@click.command()
@config_option
def healthcheck() -> int:
    """Ask the running daemon whether it is healthy. Exit code 0: yes; 1: no, or nobody answers."""
    settings = load_untested(config_path(), os.environ)
    try:
        answer = AdminApi(settings.admin.listen).ask("GET", "/healthz")
    except (NotRunning, NoAnswer) as exc:
        click.echo(f"alertd: {exc}", err=True)
        return 1
    if answer.status == 200:
        click.echo("healthy")
        return 0
    click.echo(f"alertd: not healthy: {answer.body.decode(errors='replace').strip()[:500]}", err=True)
    return 1
