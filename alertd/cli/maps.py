"""`alertd map`: which company in Autotask a source means by what it calls a customer."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

import click
import msgspec

from alertd.app.company_maps import Change, Wanted
from alertd.cli.asking import ask, change_maps
from alertd.cli.exits import FINDING
from alertd.cli.options import config_option, json_option
from alertd.cli.tables import one_line, print_json, print_table
from alertd.cli.telling import instant

_COLUMNS = ("source", "sent", "company_id", "company")
MOST_TOLD = 20  # rows


@click.group("map")
@config_option
def map_() -> None:
    """Say which company in Autotask each source means by what it calls a customer."""


@map_.group()
@config_option
def companies() -> None:
    """Map customers, as sources name or number them, to companies."""


# --- reading ------------------------------------------------------------------------------------------


def _rows(source: str | None) -> list[dict[str, Any]]:
    found = ask("maps", "companies", offline=lambda operations: operations.company_map())
    return [each for each in found if source is None or each["source"] == source]


@companies.command("list")
@config_option
@json_option
@click.option("--source", help="Of this source alone.")
def listing(*, as_json: bool, source: str | None) -> None:
    """List the map: the store's rows, and the `clients` of the configuration."""
    found = _rows(source)
    if as_json:
        print_json(found)
    elif not found:
        click.echo("Nothing is mapped; alertd map companies suggest shows what could be.")
    else:
        header = ("SOURCE", "SENT", "COMPANY ID", "COMPANY", "FROM")
        print_table(header, [[_shown(each[name]) for name in (*_COLUMNS, "from")] for each in found])


def _shown(value: object) -> object:
    return "-" if value is None else value


@companies.command()
@config_option
@click.argument("file", type=click.File("w", encoding="utf-8"), default="-")
@click.option("--source", help="Of this source alone.")
def export(file: TextIO, *, source: str | None) -> None:
    """Write the store's rows as CSV, with a header, to FILE or to standard output."""
    writer = csv.DictWriter(file, _COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(each for each in _rows(source) if each["from"] == "store")


@companies.command()
@config_option
@json_option
def suggest(*, as_json: bool) -> None:
    """List the customers that alerts name and no company is found for, with companies they may mean.

    Nothing is mapped by this. Those that differ from one company by no more than its legal form come first.
    """
    found = change_maps("companies", "suggestions", offline=lambda maps: maps.suggest())
    if as_json:
        print_json(found)
    elif not found:
        click.echo("Every customer that alerts have named is found in Autotask.")
    else:
        header = ("SOURCE", "SENT", "ALERTS", "LAST SEEN", "MAY BE")
        print_table(header, map(_suggestion, found))
        click.echo(
            "alertd map companies set SOURCE SENT COMPANY maps one; add --move-open for its open tickets."
        )


def _suggestion(each: Mapping[str, Any]) -> Sequence[object]:
    likely = [f"{one['company']} ({one['company_id']}) {one['score']:.2f}" for one in each["candidates"]]
    return each["source"], each["sent"], each["alerts"], instant(each["seen_at"]), "; ".join(likely) or "-"


# --- writing ------------------------------------------------------------------------------------------


@companies.command("set")
@config_option
@json_option
@click.argument("source")
@click.argument("sent")
@click.argument("company")
@click.option(
    "--move-open", is_flag=True, help="Also move its open tickets that nobody has touched to the company."
)
def put(source: str, sent: str, company: str, *, as_json: bool, move_open: bool) -> int:
    """Map what SOURCE has SENT, a name or a number of its own, to COMPANY: an id, a name or an alias."""
    return _put([Wanted(source, sent, company)], as_json=as_json, move_open=move_open)


@companies.command("import")
@config_option
@json_option
@click.argument("file", type=click.File(encoding="utf-8-sig"))
@click.option("--move-open", is_flag=True, help="As for set.")
def take(file: TextIO, *, as_json: bool, move_open: bool) -> int:
    """Map all rows of a CSV file: columns source, sent, and company or company_id. All of it, or nothing."""
    return _put(_wanted(file), as_json=as_json, move_open=move_open)


@companies.command()
@config_option
@click.argument("source")
@click.argument("sent")
def remove(source: str, sent: str) -> None:
    """Take a row out of the map. Tickets that stand stay where they are."""
    removed = change_maps(
        "companies",
        "remove",
        document={"source": source, "sent": sent},
        offline=lambda maps: maps.remove(source, sent),
    )
    if not removed:
        raise click.ClickException(f"the map has no row for {source} {sent!r}; alertd map companies list")
    click.echo(f"{source} {one_line(sent)} is not mapped any more.")


def _wanted(file: Iterable[str]) -> list[Wanted]:
    try:
        return _read_rows(csv.DictReader(io.StringIO("".join(file))))
    except UnicodeDecodeError as exc:
        raise click.UsageError("the file is not UTF-8 text; save it as UTF-8") from exc
    except csv.Error as exc:
        raise click.UsageError(f"the file is not CSV: {exc}") from exc


def _read_rows(reader: csv.DictReader[str]) -> list[Wanted]:
    names = set(reader.fieldnames or ())
    if not {"source", "sent"} <= names or not names & {"company", "company_id"}:
        raise click.UsageError("the first line should name the columns: source,sent,company")
    rows = [
        Wanted(
            (row["source"] or "").strip(),
            row["sent"] or "",
            (row.get("company_id") or "").strip() or (row.get("company") or ""),
        )
        for row in reader
    ]
    if not rows:
        raise click.UsageError("the file has no row below its header")
    return rows


def _put(rows: Sequence[Wanted], *, as_json: bool, move_open: bool) -> int:
    change = Change(rows, move_open)
    done = change_maps(
        "companies", document=msgspec.to_builtins(change), offline=lambda maps: maps.set(change)
    )
    if as_json:
        print_json(done)
    else:
        _tell(done, move_open=move_open)
    return FINDING if any(not each["moved"] for each in done["moved"]) else 0


def _tell(done: Mapping[str, Any], *, move_open: bool) -> None:
    for row in done["set"][:MOST_TOLD]:
        click.echo(
            f"{row['source']} {one_line(row['sent'])} is {one_line(row['company'])} ({row['company_id']})."
        )
    if len(done["set"]) > MOST_TOLD:
        click.echo(f"… and {len(done['set']) - MOST_TOLD} more.")
    for each in done["moved"]:
        said = "moved" if each["moved"] else f"not moved: {one_line(each['why'])}"
        click.echo(f"Ticket {each['ticket'] or each['ticket_id']}: {said}.")
    if done["open_tickets"] and not move_open:
        click.echo(
            f"{done['open_tickets']} open tickets that nobody has touched may stand on the fallback "
            "company; the same command with --move-open moves them.",
            err=True,
        )
