"""What commands print: columns for people, JSON for programs."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import click

_UNWANTED = {"Cc", "Cf", "Cs"}


def print_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under a header, every column as wide as its widest value and the last one free."""
    lines = [[one_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        padded = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        click.echo("  ".join(padded).rstrip())


def print_json(value: Any) -> None:
    """Print indented JSON; what JSON does not know, as text."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def one_line(value: object) -> str:
    """Return text for one line of a terminal: alerts come from outside and may hold control characters."""
    text = "" if value is None else str(value)
    return " ".join(
        "".join(c for c in text if c.isspace() or unicodedata.category(c) not in _UNWANTED).split()
    )
