"""`alertd version`."""

from __future__ import annotations

import click

from alertd import __version__


@click.command()
def version() -> None:
    """Print the version."""
    click.echo(f"alertd {__version__}")
