"""`alertd healthcheck`: for containers and load balancers."""

from __future__ import annotations

from pathlib import Path

import click
import tomli

from alertd.cli.admin_api import AdminApi, NoAnswer, NotRunning
from alertd.cli.options import config_option, config_path
from alertd.ops.settings import AdminSettings, parse_listen

DEFAULT_LISTEN = AdminSettings().listen


@click.command()
@config_option
def healthcheck() -> int:
    """Ask the running daemon whether it is healthy. Exit code 0: yes; 1: no, or nobody answers."""
    try:
        answer = AdminApi(_listen(config_path())).ask("GET", "/healthz")
    except (NotRunning, NoAnswer) as exc:
        click.echo(f"alertd: {exc}", err=True)
        return 1
    if answer.status == 200:
        click.echo("healthy")
        return 0
    click.echo(f"alertd: not healthy: {answer.body.decode(errors='replace').strip()[:500]}", err=True)
    return 1


def _listen(path: Path) -> str:
    """Return `[admin] listen` and look at nothing else: the daemon runs on while somebody edits the file."""
    try:
        match tomli.loads(path.read_text(encoding="utf-8-sig")):
            case {"admin": {"listen": str(listen)}}:
                parse_listen(listen)
                return listen
            case _:
                return DEFAULT_LISTEN
    except (OSError, ValueError):  # `config check` tells what is wrong with the file
        return DEFAULT_LISTEN
