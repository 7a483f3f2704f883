"""Calendars as occurrences of windows."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from typing import Any

import pytest

from alertd.core.calendars import CalendarUnreadable, read_calendar

NOW = datetime(2026, 11, 1, 5, 0, tzinfo=UTC)


def calendar(*events: str) -> bytes:
    inner = "".join(
        f"BEGIN:VEVENT\nUID:{number}\n{event}\nEND:VEVENT\n" for number, event in enumerate(events)
    )
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//y//EN\n{inner}END:VCALENDAR\n".encode()


def spans(*events: str, zone: str = "America/Toronto") -> list[tuple[str, str]]:
    found = read_calendar(calendar(*events), zone=zone, now=NOW)
    return [(f"{each.starts_at:%m-%dT%H:%M}", f"{each.ends_at:%m-%dT%H:%M}") for each in found]


WEEKLY = """DTSTART;TZID=America/Toronto:20261025T000000
DTEND;TZID=America/Toronto:20261025T040000
RRULE:FREQ=WEEKLY;COUNT=5
EXDATE;TZID=America/Toronto:20261108T000000
SUMMARY:Patch
  night"""


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        # what is going on is in, the exception is not; 4 h on the wall are 5 that night
        (
            WEEKLY,
            [("11-01T04:00", "11-01T09:00"), ("11-15T05:00", "11-15T09:00"), ("11-22T05:00", "11-22T09:00")],
        ),
        ("DTSTART;VALUE=DATE:20261225", [("12-25T05:00", "12-26T05:00")]),
        ("DTSTART:20261201T090000\nDURATION:PT2H", [("12-01T14:00", "12-01T16:00")]),
        ("DTSTART:20261201T090000Z\nDURATION:PT2H", [("12-01T09:00", "12-01T11:00")]),
        ("DTSTART:20261201T090000Z\nDURATION:PT2H\nSTATUS:CANCELLED", []),
        ("DTSTART:20261201T090000Z\nDTEND:20261201T090000Z", []),
        ("DTSTART:20271225T090000Z\nDURATION:PT2H", []),
    ],
)
def test_events(event: str, expected: list[tuple[str, str]]) -> None:
    assert spans(event) == expected


def test_they_come_in_order_with_what_they_are_called() -> None:
    other = "DTSTART:20261102T090000Z\nDURATION:PT2H\nSUMMARY:Other"
    found = read_calendar(calendar(WEEKLY, other), zone="UTC", now=NOW)
    assert [each.said for each in found] == ["Patch night", "Other", "Patch night", "Patch night"]


def test_one_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alertd.core.calendars.MOST_OCCURRENCES", 20)
    assert len(spans("DTSTART:20261201T090000Z\nDURATION:PT1M\nRRULE:FREQ=HOURLY")) == 20


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"hello",
        b"\xff\xfe",
        calendar("DTSTART:xx"),
        calendar("DTSTART:20261201T090000Z\nRRULE:FREQ=FOO"),
    ],
)
def test_what_cannot_be_read_says_so(text: bytes) -> None:
    with pytest.raises(CalendarUnreadable, match=r"is no calendar that can be read: .+"):
        read_calendar(text, zone="UTC", now=NOW)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(CalendarUnreadable, match=r"requirements/calendar\.txt"):
        read_calendar(b"", zone="UTC", now=NOW)
