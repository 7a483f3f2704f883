"""Company names that a person may mean by another one."""

from __future__ import annotations

import pytest

from alertd.core.likeness import Candidates, words

COMPANIES = [
    (1, "Northwind Logistics B.V."),
    (2, "Acme Dental Group"),
    (3, "Acme Dental Supplies Ltd"),
    (4, "Müller & Söhne GmbH"),
    (5, "The Group"),
    (6, "Harper & Lowe LLP"),
    (7, "Northwind Logistics Ltd"),
    (8, "O'Hara Law"),
]
SEARCH = Candidates(COMPANIES)


@pytest.mark.parametrize(
    ("name", "best", "score"),
    [
        ("ACME, Dental", 2, 1.0),
        ("dental-acme", 2, 1.0),
        ("mueller sohne", 4, None),
        ("Muller und Sohne", 4, 1.0),
        ("Harper and Lowe", 6, 1.0),
        ("OHara Law Inc.", 8, 1.0),
        ("the group", 5, 1.0),
        ("Harper", 6, None),
        ("Acme Dentl", 2, None),
    ],
)
def test_the_likeliest_company(name: str, best: int, score: float | None) -> None:
    first = SEARCH.like(name)[0]
    assert first.company_id == best
    assert first.score == (score if score is not None else pytest.approx(0.72, abs=0.27))


def test_equal_names_are_all_told() -> None:
    assert [(each.company_id, each.score) for each in SEARCH.like("Northwind Logistics")] == [
        (1, 1.0),
        (7, 1.0),
    ]


@pytest.mark.parametrize("name", ["", "10001", "Zzyzx", "…"])
def test_nobody_is_like_a_stranger(name: str) -> None:
    assert SEARCH.like(name) == []


def test_no_more_than_asked_for() -> None:
    assert len(SEARCH.like("Acme Dental", most=1)) == 1


def test_words_that_say_little_count_where_there_are_no_others() -> None:
    assert words("The Company, Inc.") == ("company", "inc", "the")
