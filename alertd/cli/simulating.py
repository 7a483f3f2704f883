"""`alertd simulator`."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click

from alertd.cli.addresses import LISTEN
from alertd.ops.settings import parse_listen
from alertd.simulator import (
    API_INTEGRATION_CODE,
    API_SECRET,
    API_USERNAME,
    Simulator,
    load_scenario,
    serving,
)

_DEFAULT = "127.0.0.1:9999"


@click.command()
@click.option("--listen", type=LISTEN, default=_DEFAULT, show_default=True, metavar="HOST:PORT")
@click.option(
    "--scenario",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Companies, queues, faults and so on, in TOML; without it, a small built-in tenant.",
)
def simulator(*, listen: str, scenario: Path | None) -> int:
    """Run the simulated Autotask alone, until interrupted. Its tenant lives in memory."""
    model = Simulator(load_scenario(scenario) if scenario else None)
    return asyncio.run(_serve(model, listen))


async def _serve(model: Simulator, listen: str) -> int:
    address = parse_listen(listen)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        async with serving(model, address.host, address.port) as zone_url:
            click.echo(_introduction(zone_url))
            await stopped.wait()
    except OSError as exc:
        raise click.ClickException(
            f"cannot listen on {listen}: {exc.strerror}; name another --listen"
        ) from exc
    return 0


def _introduction(zone_url: str) -> str:
    return (
        f'zone_url = "{zone_url}"\n'
        f"user name {API_USERNAME}, secret {API_SECRET}, integration code {API_INTEGRATION_CODE}\n"
        f"what it holds: {zone_url.rpartition('/')[0]}/__sim/state; its calls: …/__sim/calls"
    )
