"""`alertd run`."""

from __future__ import annotations

import click

from alertd import app
from alertd.cli.options import config_option, config_path


@click.command()
@config_option
def run() -> int:
    """Run the daemon until it is told to stop."""
    return app.run_daemon(config_path())
