"""Tickets as levels: whose a field is, and the schedules that the rules rest on."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from alertd.core.tickets import (
    EARLIEST_ABSENCE,
    LOOK_AT,
    READ_BACK_AT,
    SEARCH_LAG,
    UNKNOWN_WINDOW,
    Change,
    Create,
    Field,
    Intent,
    Known,
    Ticket,
)
from tests.core.incident_samples import T0


@pytest.mark.parametrize(
    ("field", "ours"),
    [(Field(1, 1, 1), True), (Field(1, 8, 8), True), (Field(1, 1, 8), False), (Field(1, 8, 1), False)],
    ids=["as asked", "a workflow rule changed it at once", "somebody changed it", "somebody changed it back"],
)
def test_a_field_is_ours_while_it_reads_as_written(field: Field, ours: bool) -> None:
    assert field.ours is ours


def test_looks_after_a_create_come_as_the_design_says() -> None:
    assert [round(share * UNKNOWN_WINDOW.total_seconds()) for share in LOOK_AT] == [5, 15, 45, 120, 360]


def test_absence_is_never_believed_within_the_search_lag() -> None:
    assert UNKNOWN_WINDOW * EARLIEST_ABSENCE > SEARCH_LAG


def test_read_backs_reach_past_the_search_lag() -> None:
    assert READ_BACK_AT[0] == timedelta()
    assert READ_BACK_AT[-1] > SEARCH_LAG


def test_what_is_known_survives_storing() -> None:
    known = Known(
        ticket=Ticket(1, "T1"),
        intent=Intent(operation=Change(1, {"status": 5}, completes=True), begun_at=T0),
        fields={"status": Field(1, 1, 1)},
    )

    assert msgspec.json.decode(msgspec.json.encode(known), type=Known) == known


def test_a_create_stored_before_it_named_its_fields_can_be_read() -> None:
    stored = b'{"type": "Create", "reference": "r", "revision": 2}'

    assert msgspec.json.decode(stored, type=Create) == Create("r", 2, {})
