"""Which contract of its company a ticket is made under."""

from __future__ import annotations

from datetime import date

import pytest

from alertd.autotask.company_contracts import TicketContract, find_contracts

ROWS = (
    TicketContract(id=1, name="Managed Services", starts_on="2025-01-01", ends_on="2025-12-31"),
    TicketContract(
        id=2, name="Managed  services", default=True, starts_on="2026-01-01", ends_on="2026-12-31"
    ),
    TicketContract(id=3, name="Projects"),
)


@pytest.mark.parametrize(
    ("wanted", "on", "ids"),
    [
        ("managed services", date(2026, 1, 1), [2]),
        ("managed services", date(2025, 12, 31), [1]),
        ("managed services", date(2027, 1, 1), []),
        ("default", date(2026, 6, 1), [2]),
        (" Default ", date(2025, 6, 1), []),
        (3, date(1999, 1, 1), [3]),
        (1, date(2026, 6, 1), []),
        ("Unheard of", date(2026, 6, 1), []),
    ],
)
def test_it_runs_on_the_day_and_is_named(wanted: int | str, on: date, ids: list[int]) -> None:
    assert [each.id for each in find_contracts(ROWS, wanted, on=on)] == ids
