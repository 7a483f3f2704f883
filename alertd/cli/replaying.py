"""`alertd replay`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from alertd.app.clock import SystemClock
from alertd.app.replaying import Span, replay_report
from alertd.cli.options import config_path, json_option
from alertd.cli.quiet import only_errors
from alertd.cli.tables import one_line, print_json, print_table
from alertd.cli.telling import instant
from alertd.config.loading import load_untested
from alertd.core.settings import parse_duration

MOST_SHOWN = 50
_NAMES = ("create", "note", "tag", "untag", "change", "complete", "check")

_OF_MANY = [
    (name, kind, said)
    for kind, said in (("storm", "storms"), ("summary", "digests and lists"))
    for name in ("present", "other")
]


class _Ago(click.ParamType[Any]):
    """An instant such as 2026-11-23T18:00:00Z, or how long ago it was, such as 24h."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return SystemClock().now() - parse_duration(value)
        except (ValueError, OverflowError):
            pass
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            self.fail(f"{value!r} should be 24h, or an instant such as 2026-11-23T18:00:00Z", param, ctx)


@click.command()
@json_option
@click.option("--since", type=_Ago(), required=True, help="Where to begin: 24h ago, or an instant.")
@click.option("--until", type=_Ago(), help="Where to end.  [default: now]")
@click.option(
    "--config",
    "other",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The configuration to compare with the one in force.",
)
@click.option("--fail-on-difference", is_flag=True, help="Exit with 1 where the two differ.")
def replay(
    *, since: datetime, until: datetime | None, other: Path | None, fail_on_difference: bool, as_json: bool
) -> int:
    """Run what came in through the configuration again, and through another one, without any call.

    The one in force is that of `alertd --config FILE replay`, of $ALERTD_CONFIG, or the usual file; its store
    is read, whether or not the daemon runs. It begins without anything that fires already, and Autotask is
    imagined as always there and touched by nobody. Without --config it tells of the one in force alone.
    """
    span = Span(since, until or SystemClock().now())
    if span.until <= span.since:
        raise click.UsageError("--until should be later than --since")
    present = load_untested(config_path(), os.environ)
    changed = load_untested(other, os.environ) if other is not None else None
    only_errors()
    report = replay_report(present, changed, span)
    if as_json:
        print_json(report)
    else:
        click.echo("\n".join(_told(report)))
        _print_costs(report)
    return 1 if fail_on_difference and report["differences"] else 0


def _told(report: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{report['messages']} alert messages from {instant(report['since'])} to {instant(report['until'])}"
    )
    for name, unread in (("present", report["present"]), ("other", report["other"] or {})):
        if unread.get("unread_messages"):
            yield f"The {name} configuration's sources cannot read {unread['unread_messages']} of them."
    differences = report["differences"]
    if report["other"] is not None:
        yield f"{len(differences) or 'No'} ticket{'' if len(differences) == 1 else 's'} would differ."
    for each in differences[:MOST_SHOWN]:
        client = f" ({one_line(each['client'])})" if each["client"] else ""
        yield f"  {one_line(each['title'])}{client}: {_change(each)}"
    if len(differences) > MOST_SHOWN:
        yield f"  … and {len(differences) - MOST_SHOWN} more; --json tells them all"


def _change(difference: Mapping[str, Any]) -> str:
    present, other = difference["present"], difference["other"]
    if other is None:
        return f"no ticket any more, until now one on board {present['board']}"
    if present is None:
        return f"a ticket on board {other['board']}, until now none"
    return "; ".join(
        f"{what.removesuffix('_at')} {_shown(present[what])} → {_shown(other[what])}"
        for what in difference["what"]
    )


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return "never" if value is None else str(value)


def _print_costs(report: Mapping[str, Any]) -> None:
    rows = []
    for name in ("present", "other"):
        told = report[name]
        if told is not None:
            boards = [*told["boards"].items(), ("all", told)]
            rows += [(name, board, counts) for board, counts in boards]
    click.echo("")
    header = ("CONFIGURATION", "BOARD", "TICKETS", *(name.upper() for name in _NAMES), "CALLS")
    print_table(header, [(*where, *_numbers(counts)) for *where, counts in rows])
    for name, kind, said in _OF_MANY:
        count = sum(each["kind"] == kind for each in (report[name] or {}).get("made", ()))
        if count:
            click.echo(f"Tickets of {said}, {name}: {count}")
    for name in ("present", "other"):
        if report[name] is not None:
            click.echo(f"Queries that read new tickets back, {name}: {report[name]['read_backs']}")


def _numbers(counts: Mapping[str, Any]) -> tuple[int, ...]:
    by_name = counts["calls_by_name"]
    return (counts["tickets"], *(by_name.get(name, 0) for name in _NAMES), counts["calls"])
