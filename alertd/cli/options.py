"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeVar

import click

DEFAULT_CONFIG = "/etc/alertd/alertd.toml"

_KEY = "alertd.config"
_Decorated = TypeVar("_Decorated")


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value is not None:
        ctx.meta[_KEY] = value  # shared by the command and all groups around it; the innermost is last


def config_option(command: _Decorated) -> _Decorated:
    """Add `--config FILE`, which may stand before or after the sub-command."""
    add = click.option(
        "--config",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        callback=_remember,
        expose_value=False,
        help=f"The configuration file.  [default: $ALERTD_CONFIG or {DEFAULT_CONFIG}]",
    )
    decorated: _Decorated = add(command)  # type: ignore[type-var]  # click's own bound is private
    return decorated


def config_path() -> Path:
    """Return which configuration file the running command was asked to use."""
    given = click.get_current_context().meta.get(_KEY)
    return given if isinstance(given, Path) else Path(os.environ.get("ALERTD_CONFIG") or DEFAULT_CONFIG)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
