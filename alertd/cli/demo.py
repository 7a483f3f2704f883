"""`alertd demo`."""

from __future__ import annotations

import click

from alertd import app
from alertd.cli.addresses import LISTEN


@click.command()
@click.option("--once", is_flag=True, help="End when every alert is settled, and print the tickets made.")
@click.option("--listen", type=LISTEN, metavar="HOST:PORT", help="Where senders reach the demo.")
def demo(*, once: bool, listen: str | None) -> int:
    """Simulator, daemon and sample senders on a throw-away store: see alertd at work without any set-up."""
    return app.run_demo(once, listen)
