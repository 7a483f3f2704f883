"""`alertd silence`: add, list, expire."""

from __future__ import annotations

import getpass
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from alertd.app.clock import SystemClock
from alertd.cli.asking import ask, tell
from alertd.cli.options import config_option, json_option
from alertd.cli.tables import print_json, print_table
from alertd.cli.telling import instant
from alertd.core.matchers import Matcher, MatcherError, parse_matchers
from alertd.core.settings import parse_duration

_STATES = ("active", "pending", "expired")


class _Lasting(click.ParamType[Any]):
    """A duration such as 2h."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        try:
            lasting = parse_duration(value)
        except ValueError as exc:
            self.fail(str(exc).replace(" in quotes", ""), param, ctx)
        if not lasting:
            self.fail("should be above 0", param, ctx)
        return lasting


class _Instant(click.ParamType[Any]):
    """An instant such as 2026-11-23T18:00:00Z; without a zone it is the machine's."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            self.fail(f"{value!r} should be an instant such as 2026-11-23T18:00:00Z", param, ctx)


@click.group()
@config_option
def silence() -> None:
    """Keep new tickets from being made for a while, list what does, or end it."""


@silence.command()
@config_option
@json_option
@click.argument("matchers", metavar="MATCHER…", nargs=-1, required=True)
@click.option("--duration", type=_Lasting(), help="How long it lasts, such as 2h.  [default: 1h]")
@click.option("--end", type=_Instant(), help="When it ends, in place of --duration.")
@click.option("--start", type=_Instant(), help="When it begins.  [default: now]")
@click.option("--comment", default="", help="Why. It is written into late tickets.")
@click.option("--author", help="Who.  [default: your user name]")
def add(
    matchers: tuple[str, ...],
    *,
    duration: timedelta | None,
    end: datetime | None,
    start: datetime | None,
    comment: str,
    author: str | None,
    as_json: bool,
) -> None:
    """Silence the alerts that all MATCHERs match, such as host=fs02 'severity=~"low|info"'.

    The first may be a bare word: the alert's name. A ticket that is there already is left as it is, and a
    clear always passes. What still fires when the silence ends gets its ticket then.
    """
    if duration is not None and end is not None:
        raise click.UsageError("give --duration or --end, not both")
    wanted = [str(each) for each in _parsed(matchers)]
    now = SystemClock().now()
    try:
        ends_at = end if end is not None else (start or now) + (duration or timedelta(hours=1))
    except OverflowError as exc:
        raise click.UsageError("it would end after the year 9999; give an earlier --start or --end") from exc
    body = {
        "matchers": wanted,
        "starts_at": start.isoformat() if start is not None else None,
        "ends_at": ends_at.isoformat(),
        "created_by": _user() if author is None else author,
        "comment": comment,
    }
    made = tell("silences", body=body)
    if as_json:
        print_json(made)
    else:
        click.echo(made["id"])


@silence.command("list")
@config_option
@json_option
@click.option(
    "--state", "states", type=click.Choice(_STATES), multiple=True, help="May be given several times."
)
def listing(states: tuple[str, ...], *, as_json: bool) -> None:
    """List silences, the first to end first; without --state all that are not over."""
    wanted = list(states) or None
    found = ask("silences", state=wanted, offline=lambda operations: operations.silences(states=wanted))
    if as_json:
        print_json(found)
    elif not found:
        click.echo("No silences.")
    else:
        print_table(
            ("ID", "STATE", "STARTS", "ENDS", "BY", "MATCHERS", "COMMENT"), [_row(each) for each in found]
        )


@silence.command()
@config_option
@json_option
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
def expire(ids: tuple[str, ...], *, as_json: bool) -> None:
    """End silences now. What they kept quiet and still fires gets its ticket at once."""
    done = [tell("silences", each, "expire") for each in ids]
    if as_json:
        print_json(done)
    else:
        for each in done:
            click.echo(f"{each['id']} is over.")


def _parsed(texts: tuple[str, ...]) -> list[Matcher]:
    found: list[Matcher] = []
    for number, text in enumerate(texts):
        is_name = number == 0 and not any(sign in text for sign in "=~{")
        try:
            found.extend([Matcher("alertname", "=", text)] if is_name else parse_matchers(text))
        except MatcherError as exc:
            raise click.UsageError(f"{text}: {exc}") from exc
    return found


def _row(each: dict[str, Any]) -> tuple[object, ...]:
    starts, ends = instant(each["starts_at"]), instant(each["ends_at"])
    matchers = "{" + ",".join(each["matchers"]) + "}"
    return (each["id"], each["state"], starts, ends, each["created_by"] or "-", matchers, each["comment"])


def _user() -> str:
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return str(os.getuid())
