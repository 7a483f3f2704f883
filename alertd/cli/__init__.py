"""The command line: what `alertd` does, and how it ends.

Commands are imported when they are run, so that `alertd --help` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from alertd.cli.exits import exit_code, told
from alertd.cli.lazy import Command, LazyGroup
from alertd.cli.options import config_option

__all__ = ["alertd", "main"]

_COMMANDS = {
    "run": Command("alertd.cli.daemon", "run", "Run the daemon."),
    "demo": Command("alertd.cli.demo", "demo", "Show it all at work, against a simulated Autotask."),
    "check": Command("alertd.cli.checking", "check", "Check the connection to Autotask, right by right."),
    "config": Command("alertd.cli.configuration", "config", "Check the configuration, or show it."),
    "routes": Command("alertd.cli.routes", "routes", "Show the tree of routes, or ask it about an alert."),
    "import-alertmanager": Command(
        "alertd.cli.importing", "import_alertmanager", "Turn an alertmanager.yml into routes and boards."
    ),
    "boards": Command("alertd.cli.boards", "boards", "List Autotask's queues and their Board IDs."),
    "status": Command("alertd.cli.status", "status", "Say how alertd is doing."),
    "explain": Command("alertd.cli.explaining", "explain", "Tell all that happened to something, and why."),
    "replay": Command("alertd.cli.replaying", "replay", "Run what came in through another configuration."),
    "incidents": Command("alertd.cli.incidents", "incidents", "List incidents, show one, or try it again."),
    "silence": Command("alertd.cli.silences", "silence", "Keep new tickets from being made for a while."),
    "window": Command("alertd.cli.windows", "window", "List the windows that hold new tickets back."),
    "parked": Command("alertd.cli.parked", "parked", "List what was set aside for a person."),
    "usage": Command("alertd.cli.usage", "usage", "Show what vendors have counted."),
    "sources": Command("alertd.cli.sources", "sources", "Show the sources, and how what they send is read."),
    "map": Command("alertd.cli.maps", "map_", "Say which company each source means by a customer."),
    "token": Command("alertd.cli.tokens", "token", "Make a new token."),
    "healthcheck": Command("alertd.cli.healthcheck", "healthcheck", "Ask the daemon whether it is healthy."),
    "simulator": Command("alertd.cli.simulating", "simulator", "Run the simulated Autotask alone."),
    "version": Command("alertd.cli.version", "version", "Print the version."),
}


@click.group(cls=LazyGroup, commands_by_name=_COMMANDS, context_settings={"max_content_width": 100})
@config_option
def alertd() -> None:
    """Webhook alerts in, exactly one Autotask ticket per problem out."""


def main(args: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    What a user can cause is told in one readable line; anything else is a defect and keeps its traceback.
    """
    try:
        result = alertd.main(args, prog_name="alertd", standalone_mode=False)
    except click.UsageError as exc:
        exc.show()
        return exc.exit_code
    except click.ClickException as exc:
        click.echo(f"alertd: {exc.format_message()}", err=True)
        return exc.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        return _reader_gone()
    except Exception as exc:
        code = exit_code(exc)
        if code is None:
            raise
        click.echo(told(exc), err=True)
        return code
    return result if isinstance(result, int) else 0


def _reader_gone() -> int:
    """Whoever read our output, such as `head`, has enough: end quietly, as other programs do."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141
