"""A group whose commands are imported when they are run, and not to list them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import click


class Command(NamedTuple):
    """Where a command is, and the line that the list of commands shows."""

    module: str
    name: str
    help: str


class LazyGroup(click.Group):
    """A group of commands by name."""

    def __init__(self, *args: Any, commands_by_name: Mapping[str, Command], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = commands_by_name

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order they were given."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command. None: there is no such command."""
        if cmd_name not in self._lazy:
            return None
        where = self._lazy[cmd_name]
        command: click.Command = getattr(importlib.import_module(where.module), where.name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in self._lazy.items()])
