"""`alertd sources`: which there are, how one is set up, and how what it sends is read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qsl

import click

from alertd.app.clock import SystemClock
from alertd.app.routing import routing_of
from alertd.app.source_reports import base_url
from alertd.app.source_trials import Request, tried
from alertd.cli.asking import ask
from alertd.cli.exits import FINDING
from alertd.cli.options import config_option, config_path, json_option
from alertd.cli.tables import one_line, print_json, print_table
from alertd.cli.telling import instant, labels
from alertd.config.loading import load_untested
from alertd.config.secrets import SecretMissing, resolve
from alertd.config.settings import Settings
from alertd.core.reading.settings import SourceBase
from alertd.core.source_addresses import Address
from alertd.core.source_pages import page
from alertd.core.sources.kinds import KINDS

_NO_TOKEN = "TOKEN"  # noqa: S105 - stands where none is shown


@click.group()
@config_option
def sources() -> None:
    """Show the sources and kinds there are, how to set one up, and how what it sends is read."""


# --- list ---------------------------------------------------------------------------------------------


@sources.command("list")
@config_option
@json_option
@click.option("--kinds", is_flag=True, help="List the kinds that a source may have instead.")
def listing(*, as_json: bool, kinds: bool) -> None:
    """List the configured sources: address, how the token is sent, and what the journal holds of each."""
    found = _kinds() if kinds else ask("sources", offline=lambda operations: operations.sources())
    if as_json:
        print_json(found)
    elif kinds:
        print_table(("KIND", "PRODUCT", "READS"), [list(each.values()) for each in found])
        click.echo("alertd sources show KIND tells how to set one up.")
    else:
        header = ("NAME", "KIND", "ADDRESS", "TOKEN BY", "LAST SEEN", "ALERTS", "PARKED")
        print_table(header, map(_row, found))


def _kinds() -> list[dict[str, str]]:
    return [
        {"kind": name, "product": kind.sheet.product, "summary": kind.sheet.summary}
        for name, kind in KINDS.items()
    ]


def _row(each: Mapping[str, Any]) -> Sequence[object]:
    return (
        each["name"],
        each["kind"],
        each["address"],
        ", ".join(each["token_by"]),
        instant(each["last_seen_at"]) if each["last_seen_at"] else "never",
        each["alerts"],
        each["parked"],
    )


# --- show ---------------------------------------------------------------------------------------------


@sources.command()
@config_option
@json_option
@click.argument("name", metavar="KIND|SOURCE")
@click.option("--markdown", is_flag=True, help="Print the page as Markdown.")
@click.option("--hide-token", is_flag=True, help="Have TOKEN stand for the token, to show it to others.")
def show(name: str, *, as_json: bool, markdown: bool, hide_token: bool) -> None:
    """Show how to set up a sender: what to click, what to paste, what it can and cannot tell.

    Of a configured source address and token are its own, ready to be pasted.
    """
    settings = _settings(name)
    source = _source(settings, name)
    kind = KINDS[source.kind if source is not None else name]
    address = _address(settings, source, show_token=not hide_token)
    text = page(kind, address)
    if as_json:
        print_json({"kind": kind.name, "source": source.name if source else None, "page": text})
    else:
        click.echo(text if markdown else _plain(text), nl=False)


def _address(settings: Settings | None, source: SourceBase | None, *, show_token: bool) -> Address:
    if settings is None:
        return Address()
    base = base_url(settings)
    if source is None:
        return Address(base=base)
    token = _token(source) if show_token else _NO_TOKEN
    return Address(base=base, source=source.name, token=token, in_url=source.token_in_url)


def _token(source: SourceBase) -> str:
    try:
        return resolve(source.token[0], os.environ).reveal()
    except SecretMissing as exc:
        click.echo(f"{exc}; until then TOKEN stands for it", err=True)
        return _NO_TOKEN


def _plain(text: str) -> str:
    """Return Markdown as a terminal shows it: tables as columns, code as it is."""
    lines: list[str] = []
    rows: list[list[str]] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip().replace("\\|", "|") for cell in line.strip("|").split(" | ")])
            continue
        if rows:
            width = max(len(row[0]) for row in rows)
            lines += [f"  {row[0].ljust(width)}  {row[1]}" for row in rows if row[0] != "---" and any(row)]
            rows = []
        if not line.startswith("```"):
            lines.append(line.lstrip("# ").upper() if line.startswith("## ") else line.removeprefix("# "))
    return "\n".join(lines).rstrip() + "\n"


# --- recent -------------------------------------------------------------------------------------------


@sources.command()
@config_option
@json_option
@click.argument("name", metavar="SOURCE")
@click.option(
    "--write",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write each body to a file in this folder.",
)
def recent(name: str, *, as_json: bool, folder: Path | None) -> None:
    """Show the last 20 requests of a source as they are kept: without secrets."""
    found = _recent(name)
    if folder is not None:
        try:
            _write(found, folder)
        except OSError as exc:
            raise click.FileError(exc.filename or str(folder), exc.strerror) from exc
    elif as_json:
        print_json(found)
    elif not found:
        click.echo(f"Nothing of {name} is in the journal.")
    else:
        for each in found:
            click.echo(f"{instant(each['received_at'])}  {each['receipt']}{_remark(each)}")
            click.echo(f"  {one_line(each['body'])[:2000]}")


def _recent(name: str) -> list[dict[str, Any]]:
    return list(ask("sources", name, "recent", offline=lambda operations: operations.recent(name)))


def _remark(each: Mapping[str, Any]) -> str:
    query = f"  query {labels(each['query'])}" if each["query"] else ""
    return query + (f"  PARKED: {one_line(each['parked'])}" if each["parked"] else "")


def _write(found: Sequence[Mapping[str, Any]], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for each in found:
        body = each["body"].encode(each["encoding"])
        ending = {"{": "json", "[": "json", "<": "xml"}.get(each["body"].lstrip()[:1], "txt")
        (folder / f"{each['receipt']}.{ending}").write_bytes(body)
    index = [{key: value for key, value in each.items() if key != "body"} for each in found]
    (folder / "index.json").write_text(json.dumps(index, indent=2) + "\n")
    click.echo(f"{len(found)} bodies are in {folder}; index.json says when they came and with which query.")


# --- try ----------------------------------------------------------------------------------------------


@sources.command("try")
@config_option
@json_option
@click.argument("name", metavar="KIND|SOURCE")
@click.argument("file", type=click.File("rb"), required=False)
@click.option("--recent", "on_recent", is_flag=True, help="Try the source's last bodies instead of a file.")
@click.option("--content-type", default="", help="Of the request.")
@click.option("--query", default="", help='Of the address, such as "client=Contoso".')
def attempt(
    name: str, file: BinaryIO | None, *, as_json: bool, on_recent: bool, content_type: str, query: str
) -> int:
    """Show how a body is read, field by field, and why. FILE may be - for standard input.

    The configuration is read as it stands in the file, so a mapping can be tried before it is in force.
    Nothing is stored or sent. Exit code 1 if something cannot be read.
    """
    if on_recent == (file is not None):
        raise click.UsageError("give either a FILE, - for standard input, or --recent")
    settings = _settings(name)
    source = _source(settings, name) or _bare(name)
    routing = routing_of(settings) if settings is not None else None
    requests = (
        _kept(name)
        if file is None
        else [
            Request(
                raw=file.read(),
                received_at=SystemClock().now(),
                content_type=content_type,
                query=tuple(parse_qsl(query.removeprefix("?"), keep_blank_values=True)),
            )
        ]
    )
    told = [tried(source, request, routing=routing) for request in requests]
    if as_json:
        print_json(told if on_recent else told[0])
    elif on_recent:
        _print_trials(requests, told)
    else:
        click.echo("\n".join(_trial(told[0])))
    return FINDING if any(each["parked"] for each in told) else 0


def _kept(name: str) -> list[Request]:
    return [
        Request(
            raw=each["body"].encode(each["encoding"]),
            # a body keeps the kind it came as only where that was another than the source's own
            kind=each["kind"] if each["kind"] not in KINDS else "",
            received_at=datetime.fromisoformat(each["received_at"]),
            content_type=each["content_type"],
            query=tuple(each["query"].items()),
        )
        for each in _recent(name)
    ]


def _print_trials(requests: Sequence[Request], told: Sequence[Mapping[str, Any]]) -> None:
    if not told:
        click.echo("Nothing of it is in the journal.")
        return
    header = ("RECEIVED", "STATUS", "SEVERITY", "ALERTNAME", "HOST", "CLIENT", "FINGERPRINT", "TITLE")
    rows = [
        [f"{request.received_at:%Y-%m-%d %H:%M:%S}", *cells]
        for request, each in zip(requests, told, strict=True)
        for cells in _cells(each)
    ]
    print_table(header, rows)


def _cells(told: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for alert in told["alerts"]:
        yield (
            alert["status"],
            alert["severity"],
            alert["labels"]["alertname"],
            alert["host"] or "-",
            alert["client"] or "-",
            alert["fingerprint"],
            alert["annotations"].get("title", ""),
        )
    if told["parked"]:
        yield ("PARKED", *["-"] * 5, told["parked"])


def _trial(told: Mapping[str, Any]) -> Iterator[str]:
    if told["redacted"]:
        yield "Secrets in it were replaced by *** before it was read."
    if told["parked"]:
        yield f"PARKED: {one_line(told['parked'])}"
    for number, alert in enumerate(told["alerts"], start=1):
        yield f"Alert {number} of {len(told['alerts'])}, read as {told['kind']}"
        yield from (f"  {name.ljust(14)}{one_line(value)}" for name, value in _fields(alert) if value)


def _fields(alert: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    annotations = alert["annotations"]
    ignored = annotations.get("ignored")
    yield "status", alert["status"] + (f": {ignored}" if ignored else "")
    yield "severity", f"{alert['severity']}: {alert['severity_why']}"
    yield "fingerprint", f"{alert['fingerprint']}, of: {alert['fingerprint_of']}"
    yield "client", f"{alert['client'] or '-'}: {alert['client_how']}"
    yield "host", alert["host"] or "-"
    yield "starts", alert["starts_at"] or "-: when it is received"
    yield "ends", alert["ends_at"] or ""
    yield "expires after", alert["expires_after"]
    for name, value in alert["labels"].items():
        yield "label", f'{name}="{value}"'
    for name, value in annotations.items():
        yield "annotation", f"{name}: {value}"
    for route in alert["routes"] or ():
        yield "route", f"{route['route']}, board {route['board']}, group {labels(route['group'])}"


# --- names --------------------------------------------------------------------------------------------


def _settings(name: str) -> Settings | None:
    """Return the configuration; None: there is none, which a kind can do without."""
    path = config_path()
    if name in KINDS and not path.exists():
        return None
    return load_untested(path, os.environ)


def _source(settings: Settings | None, name: str) -> SourceBase | None:
    """Return the source of this name; None: it is a kind.

    Raises:
        click.UsageError: It is neither.
    """
    found = next((each for each in settings.sources if each.name == name), None) if settings else None
    if found is None and name not in KINDS:
        named = [each.name for each in settings.sources] if settings else []
        raise click.UsageError(
            f"there is no source or kind {name!r}; there are {', '.join([*named, *KINDS])}"
        )
    return found


def _bare(name: str) -> SourceBase:
    kind = KINDS[name]
    return kind.settings.model_validate({"name": name, "kind": name, "token": [{"env": "TOKEN"}]})
