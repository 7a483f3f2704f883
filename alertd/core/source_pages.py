"""The pages of docs/sources, made of the sheets: one for each kind, and the table of all of them.

`make docs` writes them; `alertd sources show` prints the same pages with a source's address and token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from alertd.core.settings import format_duration
from alertd.core.source_addresses import Address, filled, url_of
from alertd.core.sources.kind import Kind
from alertd.core.sources.kinds import compile_profile
from alertd.core.sources.sheets import Sheet, Template

BEGIN, END = "<!-- kinds: begin -->", "<!-- kinds: end -->"
_EXAMPLE = Address()
_PLACES = {
    "header": "a header: {header}",
    "basic": "HTTP Basic: any user name, the token as password",
    "url": "the address: `?token=TOKEN`, if the source says `token_in_url = true`",
    "path": "a part of the path",
    "body": "a field of the body",
    "signature": "a signature, made with the secret",
}


def default_expiry(kind: Kind) -> str:
    """Return how long an alert of this kind lives unrepeated where nothing else is configured."""
    given = {"name": "name", "kind": kind.name, "token": [{"env": "TOKEN"}]}
    expires_after = compile_profile(kind.settings.model_validate(given)).profile.expires_after
    return format_duration(expires_after) if expires_after is not None else "never"


def table(kinds: Mapping[str, Kind]) -> str:
    """Return the rows that say what each kind makes of its alerts, as Markdown."""
    header = (
        "Kind",
        "`alertname`",
        "`title`",
        "`host`",
        "`client`",
        "One problem is",
        "Clears by",
        "Expires",
    )
    rows = [_table_row(name, kind) for name, kind in kinds.items()]
    return "\n".join([_row(header), _row(["---"] * len(header)), *map(_row, rows)])


def _table_row(name: str, kind: Kind) -> Sequence[str]:
    sheet = kind.sheet
    return (
        f"[`{name}`](sources/{name}.md)",
        sheet.alertname,
        sheet.title,
        sheet.host,
        sheet.client,
        sheet.problem,
        sheet.clears or "it never does",
        default_expiry(kind),
    )


def with_table(page: str, kinds: Mapping[str, Kind]) -> str:
    """Return docs/sources.md with its table made anew.

    Raises:
        ValueError: The marks between which the table stands are not there.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"there is no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{table(kinds)}\n{END}{after}"


def page(kind: Kind, address: Address = _EXAMPLE) -> str:
    """Return the page of a kind as Markdown.

    Args:
        kind: Whose.
        address: What stands in it for the address and the token.
    """
    return "\n".join(_page(kind, address)) + "\n"


def _page(kind: Kind, address: Address) -> Iterator[str]:
    sheet = kind.sheet
    yield f"# {sheet.product}"
    yield ""
    yield f'`kind = "{kind.name}"`. {sheet.summary}'
    yield from _steps(sheet, address)
    for template in sheet.templates:
        yield from _template(template, sheet, address)
    yield from _section("What is read", ("Of the alert", "Is"), _facts(kind))
    yield from _section("Severities", ("Sent", "Becomes"), sheet.severities)
    yield from _section("States", ("Sent", "Means"), sheet.states)
    yield from _section("Labels", ("Label", "Holds"), _coded(sheet.labels))
    yield from _section("Keys of its own", ("Key", "Means"), _coded(sheet.keys))
    yield from _notes(sheet)


def _steps(sheet: Sheet, address: Address) -> Iterator[str]:
    yield ""
    yield "## Setting it up"
    yield ""
    for number, step in enumerate(sheet.steps, start=1):
        yield f"{number}. {filled(step, sheet, address)}"
    if sheet.steps:
        yield ""
    yield f"Address: `{url_of(sheet, address)}`"
    yield ""
    places = "; or in ".join(_PLACES[place] for place in sheet.tokens)
    yield f"The token is sent in {places.replace('{header}', sheet.header)}."
    if address.in_url and "?token=" not in url_of(sheet, address):
        yield f"This source also takes it in the address: `{url_of(sheet, address)}?token={address.token}`"


def _template(template: Template, sheet: Sheet, address: Address) -> Iterator[str]:
    yield ""
    yield f"### {filled(template.title, sheet, address)}"
    yield ""
    yield f"```{template.language}"
    yield filled(template.text, sheet, address).strip("\n")
    yield "```"


def _facts(kind: Kind) -> Iterator[tuple[str, str]]:
    sheet = kind.sheet
    yield from (("`alertname`", sheet.alertname), ("`title`", sheet.title), ("`host`", sheet.host))
    yield from (("`client`", sheet.client), ("One problem is", sheet.problem))
    yield "Is over by", sheet.clears or "never: the alert expires"
    yield "`expire_after` by default", default_expiry(kind)


def _section(
    title: str, header: Sequence[str], rows: Iterator[tuple[str, str]] | Sequence[tuple[str, str]]
) -> Iterator[str]:
    listed = list(rows)
    if listed:
        yield from ("", f"## {title}", "", _row(header), _row(["---"] * len(header)))
        yield from map(_row, listed)


def _coded(rows: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Return rows whose names are set as code; one row may be about several. Prose stays as it is."""
    for names, what in rows:
        several = names.split(", ")
        is_prose = any(" " in each for each in several)
        yield names if is_prose else ", ".join(f"`{each}`" for each in several), what


def _notes(sheet: Sheet) -> Iterator[str]:
    if sheet.notes:
        yield from ("", "## What it can and cannot tell", "")
        yield from (f"- {note}" for note in sheet.notes)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
