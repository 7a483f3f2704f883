"""Companies under everything they may be called by."""

from __future__ import annotations

from typing import Any

import pytest

from alertd.autotask.directory import Directory, read_entries
from alertd.flows.ports import Company, CompanyMatch


def row(
    id_: int, name: str, *, parent: int | None = None, number: str = "", aliases: str = ""
) -> dict[str, Any]:
    udfs = [{"name": "Monitoring Name", "value": aliases or None}]
    return {
        "id": id_,
        "companyName": name,
        "companyNumber": number or None,
        "parentCompanyID": parent,
        "userDefinedFields": udfs,
    }


ROWS = [
    row(0, "Example MSP"),
    row(1, "Acme Dental", number="C-1", aliases="acme, acme-dental\r\nACME Ltd,, "),
    row(2, "Northwind / Partners", aliases="shared"),
    row(3, "Reception", parent=1),
    row(4, "Reception", parent=2, aliases="shared"),
    row(5, "Desk", parent=3),
    row(6, "Desk", parent=4),
    row(7, "Orphan", parent=99),
    row(8, "Ring A", parent=9),
    row(9, "Ring B", parent=8),
    row(10, "12"),
    {"id": 11, "companyName": " "},
]
DIRECTORY = Directory(read_entries(ROWS, alias_udf="Monitoring Name"))


@pytest.mark.parametrize(
    ("client", "company_id", "how"),
    [
        ("0", 0, "id"),
        ("acme DENTAL ", 1, "name"),
        ("northwind / partners", 2, "name"),
        ("c-1", 1, "number"),
        ("Acme-Dental", 1, "alias"),
        ("acme ltd", 1, "alias"),
        ("Acme Dental / Reception", 3, "parent and name"),
        ("acme dental/reception", 3, "parent and name"),
        ("Northwind/Partners/Reception", 4, "parent and name"),
        ("Acme Dental / Reception / Desk", 5, "parent and name"),
        ("Orphan", 7, "name"),
        ("Ring A / Ring B", 9, "parent and name"),
        ("12", 10, "name"),
    ],
)
def test_a_company_is_found_by(client: str, company_id: int, how: str) -> None:
    match = DIRECTORY.find(client)

    assert match.company is not None
    assert (match.company.id, match.how, match.candidates) == (company_id, how, ())


@pytest.mark.parametrize(
    ("client", "candidates"),
    [
        ("Reception", ("Acme Dental / Reception (3)", "Northwind / Partners / Reception (4)")),
        ("shared", ("Northwind / Partners (2)", "Northwind / Partners / Reception (4)")),
        (
            "Reception / Desk",
            ("Acme Dental / Reception / Desk (5)", "Northwind / Partners / Reception / Desk (6)"),
        ),
    ],
)
def test_several_are_told_and_none_is_chosen(client: str, candidates: tuple[str, ...]) -> None:
    assert DIRECTORY.find(client) == CompanyMatch(candidates=candidates)


@pytest.mark.parametrize(
    "client", ["Acm", "Acme Dental / Gone", "Acme Dental /", "/", "99", "²", "Gone / Orphan"]
)
def test_nothing_is_guessed(client: str) -> None:
    assert DIRECTORY.find(client) == CompanyMatch()


def test_without_the_field_there_are_no_aliases() -> None:
    assert Directory(read_entries(ROWS, alias_udf=None)).find("acme") == CompanyMatch()


def test_what_was_asked_for_alone_is_known_beside_the_rest() -> None:
    more = DIRECTORY.with_entries(read_entries([row(20, "New")], alias_udf=None))

    assert more.find("new").company == Company(20, "New")
    assert more.find("acme").company == Company(1, "Acme Dental")
