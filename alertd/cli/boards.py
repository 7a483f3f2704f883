"""`alertd boards`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import click

from alertd import app
from alertd.cli.options import config_option, config_path, json_option
from alertd.cli.quiet import only_errors
from alertd.cli.tables import print_json, print_table
from alertd.config.loading import load_untested


@click.command()
@config_option
@json_option
def boards(*, as_json: bool) -> None:
    """List Autotask's queues: Board ID, label, whether it is active, who works it, which routes use it."""
    settings = load_untested(config_path(), os.environ)
    only_errors()
    found = app.boards_report(settings)
    if as_json:
        print_json(list(found))
    else:
        print_table(("BOARD ID", "LABEL", "ACTIVE", "RESOURCES", "BOARDS", "ROUTES"), map(_row, found))


def _row(queue: Mapping[str, Any]) -> tuple[object, ...]:
    resources = queue["resources"]
    return (
        queue["id"],
        queue["label"],
        "yes" if queue["active"] else "no",
        "?" if resources is None else resources,
        ", ".join(queue["boards"]) or "-",
        ", ".join(queue["routes"]) or "-",
    )
