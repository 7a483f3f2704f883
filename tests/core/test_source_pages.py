"""The pages of docs/sources are made from the sheets, and are as they were made."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from alertd.core.source_addresses import Address, address_of, filled, places_of, url_of
from alertd.core.source_pages import page, with_table
from alertd.core.sources.kinds import KINDS
from alertd.core.sources.sheets import Sheet, Template

DOCS = Path(__file__).parents[2] / "docs"
OWN = Address(base="https://a.example", source="net", token="t0k")


def sheet(**changes: object) -> Sheet:
    texts = dict.fromkeys(("product", "summary", "alertname", "title", "host", "client", "problem"), "x")
    return Sheet(**{**texts, "clears": "", **changes})  # type: ignore[arg-type]


def test_the_pages_are_those_of_the_sheets() -> None:
    """`make docs` writes them."""
    written = {path.stem: path.read_text() for path in (DOCS / "sources").glob("*.md")}
    assert written == {name: page(kind) for name, kind in KINDS.items()}
    listing = (DOCS / "sources.md").read_text()
    assert listing == with_table(listing, KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_a_page_has_address_and_token_in_it_and_no_placeholder_of_ours(name: str) -> None:
    text = page(KINDS[name], OWN)
    assert "https://a.example/" in text
    assert "{{url}}" not in text
    assert "{{token}}" not in text
    assert re.search(r"\n\n\n", text) is None


def test_a_token_is_in_the_address_where_there_is_no_other_place() -> None:
    only_url = sheet(tokens=("url",), steps=("Paste {{url}}",))
    assert filled("Paste {{url}}", only_url, OWN) == "Paste https://a.example/v1/alerts/net?token=t0k"
    said = sheet(tokens=("url",), templates=(Template(title="t", text="{{url}}?token={{token}}"),))
    assert filled("{{url}}?token={{token}}", said, OWN) == "https://a.example/v1/alerts/net?token=t0k"
    assert url_of(sheet(), OWN) == "https://a.example/v1/alerts/net"
    assert url_of(sheet(path="/victorops/{token}/x"), OWN) == "https://a.example/victorops/t0k/x"
    assert address_of(sheet(), base="http://h", source="s") == "http://h/v1/alerts/s"


def test_the_url_is_a_place_only_if_the_source_allows_it() -> None:
    assert places_of(sheet(tokens=("header", "url")), in_url=False) == ("header",)
    assert places_of(sheet(tokens=("header",)), in_url=True) == ("header", "url")


def test_a_source_that_takes_its_token_in_the_url_is_told_so() -> None:
    own = Address(base="https://a.example", source="am", token="t0k", in_url=True)
    assert "`https://a.example/v1/alerts/am?token=t0k`" in page(KINDS["alertmanager"], own)


def test_names_are_code_and_prose_is_not() -> None:
    labels = (("a, b", "both"), ("every name in `meta`", "its value"))
    text = page(replace(KINDS["auvik"], sheet=sheet(labels=labels)), OWN)
    assert "| `a`, `b` | both |" in text
    assert "| every name in `meta` | its value |" in text


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("gradient", "GRADIENT-TOKEN"),
        ("opsgenie", "Authorization: GenieKey"),
        ("alerta", "Authorization: Key"),
    ],
)
def test_a_page_names_the_header_that_the_kinds_clients_send(name: str, header: str) -> None:
    text = page(KINDS[name])
    assert f"The token is sent in a header: `{header}" in text
    assert "Bearer" not in text


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no"):
        with_table("# Sources\n", KINDS)


def test_a_page_of_a_sheet_that_says_little() -> None:
    text = page(replace(KINDS["auvik"], sheet=sheet()), OWN)
    assert "## Setting it up\n\nAddress: `https://a.example/v1/alerts/net`" in text
    assert "| Is over by | never: the alert expires |" in text
    assert "cannot tell" not in text
