"""`alertd check`."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import click

from alertd import app
from alertd.cli.exits import FINDING
from alertd.cli.options import config_option, config_path, json_option
from alertd.cli.quiet import nothing
from alertd.cli.tables import one_line, print_json
from alertd.config.loading import load_untested

if TYPE_CHECKING:
    from alertd.autotask.checklist_lines import Line

_NARROWEST, _WIDEST = 80, 100
_MARKS = {"ok": ("ok", "green"), "missing": ("MISSING", "red"), "cannot_tell": ("?", "yellow")}
_MARK_WIDTH = 7
_LONGEST_TITLE = 26


@click.command()
@config_option
@json_option
@click.option(
    "--write-test",
    "company",
    metavar="COMPANY",
    help="Make one test ticket for this company (id or exact name): shows what only a trial can.",
)
def check(*, as_json: bool, company: str | None) -> int:
    """Check the connection to Autotask, right by right, and say where to put right what is missing.

    Nothing in Autotask is changed without --write-test. At most 20 calls are made, and 20 more with it.
    """
    settings = load_untested(config_path(), os.environ)
    nothing()
    checked = app.check_connection(settings, company=company, say=_say)
    if as_json:
        print_json([_as_object(line) for line in checked.lines])
    else:
        _print(checked.lines, username=settings.autotask.username, calls=checked.calls)
    return FINDING if any(line.state == "missing" and line.counts for line in checked.lines) else 0


def _say(text: str) -> None:
    click.echo(one_line(text), err=True)


def _as_object(line: Line) -> dict[str, object]:
    return {name: getattr(line, name) for name in line.__struct_fields__}


def _print(lines: Sequence[Line], *, username: str, calls: int) -> None:
    width = min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST)
    titles = min(_LONGEST_TITLE, max(len(line.title) for line in lines))
    named = {line.id: line.title for line in lines}
    click.echo(f"Autotask, as {one_line(username)}")
    for group, members in groupby(lines, key=lambda line: line.group):
        click.echo(f"\n{group}")
        for line in members:
            for text in _shown(line, named, titles=titles, width=width):
                click.echo(text)
    click.echo(f"\n{_summary(lines, calls=calls)}")


def _shown(line: Line, named: Mapping[str, str], *, titles: int, width: int) -> Iterator[str]:
    word, colour = _MARKS[line.state]
    mark = click.style(word.ljust(_MARK_WIDTH), fg=colour, bold=line.state == "missing")
    indent = " " * (2 + _MARK_WIDTH + 2 + titles + 2)
    waiting = f" (see first: {named[line.waits_for]})" if line.waits_for else ""
    texts = textwrap.wrap(one_line(line.detail) + waiting, width - len(indent)) or [""]
    title = one_line(line.title)
    if len(title) > titles:
        yield f"  {mark}  {textwrap.shorten(title, width - len(indent) + titles, placeholder='…')}"
    else:
        yield f"  {mark}  {title.ljust(titles)}  {texts.pop(0)}".rstrip()
    yield from (indent + each for each in texts)
    if line.state == "missing":
        yield from _remedy(line, width)


def _remedy(line: Line, width: int) -> Iterator[str]:
    needed = f"For {' and '.join(line.needed_for)}: {line.reason}."
    if not line.counts:
        needed += " Not configured, so it fails nothing."
    for text in (needed, f"Put it right: {line.where}"):
        yield from textwrap.wrap(text, width, initial_indent=" " * 11, subsequent_indent=" " * 13)


def _summary(lines: Sequence[Line], *, calls: int) -> str:
    counted = {state: sum(line.state == state for line in lines) for state in _MARKS}
    failing = sum(line.state == "missing" and line.counts for line in lines)
    told = (
        f"{counted['ok']} ok, {counted['missing']} missing, {counted['cannot_tell']} cannot be told; "
        f"{calls} calls made."
    )
    if failing:
        return f"{told}\nPut right what is MISSING and run this again."
    if not counted["cannot_tell"]:
        return f"{told}\nEverything is there."
    more = "" if any(line.id == "write_test" for line in lines) else " --write-test COMPANY shows more."
    return f"{told}\nNothing that shows is missing for what is configured.{more}"
