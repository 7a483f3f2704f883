"""Time intervals: Alertmanager's rules, and the next change against a walk minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from alertd.core.interval_settings import MONTHS, WEEKDAYS, NamedIntervalSettings, TimeIntervalSettings
from alertd.core.intervals import TimeInterval, next_change_at

MINUTE = timedelta(minutes=1)


def interval(**given: Any) -> TimeInterval:
    return TimeIntervalSettings.model_validate(given).interval()


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def times(start: str, end: str) -> list[dict[str, str]]:
    return [{"start_time": start, "end_time": end}]


@pytest.mark.parametrize(
    ("given_", "at", "holds"),
    [
        ({}, "2026-11-23T12:00", True),
        ({"times": times("09:00", "17:00")}, "2026-11-23T09:00", True),
        ({"times": times("09:00", "17:00")}, "2026-11-23T08:59:59.999", False),
        ({"times": times("09:00", "17:00")}, "2026-11-23T16:59:59", True),
        ({"times": times("09:00", "17:00")}, "2026-11-23T17:00", False),
        ({"times": times("22:00", "24:00")}, "2026-11-23T23:59:59", True),
        ({"times": times("00:00", "24:00")}, "2026-11-23T00:00", True),
        ({"weekdays": ["monday:friday"]}, "2026-11-23T12:00", True),
        ({"weekdays": ["Monday:Friday"]}, "2026-11-22T12:00", False),
        ({"weekdays": ["sunday", "saturday"]}, "2026-11-22T12:00", True),
        ({"weekdays": ["0"]}, "2026-11-22T12:00", True),
        ({"days_of_month": ["23"]}, "2026-11-23T12:00", True),
        ({"days_of_month": ["-1"]}, "2026-11-30T12:00", True),
        ({"days_of_month": ["-1"]}, "2026-11-29T12:00", False),
        ({"days_of_month": ["-3:-1"]}, "2028-02-27T12:00", True),
        ({"days_of_month": ["28:31"]}, "2026-02-28T12:00", True),
        ({"days_of_month": ["29:31"]}, "2026-02-28T12:00", False),
        ({"days_of_month": ["-31:-1"]}, "2026-02-01T12:00", True),
        ({"days_of_month": ["1:-1"]}, "2026-02-28T12:00", True),
        ({"months": ["december", "11"]}, "2026-11-23T12:00", True),
        ({"months": ["january:march"]}, "2026-11-23T12:00", False),
        ({"years": ["2026:2027"]}, "2027-01-01T00:00", True),
        ({"years": [2025]}, "2026-01-01T00:00", False),
        ({"times": times("09:00", "17:00"), "weekdays": ["sunday"]}, "2026-11-23T12:00", False),
        ({"times": times("09:00", "17:00"), "location": "America/Toronto"}, "2026-11-23T13:59", False),
        ({"times": times("09:00", "17:00"), "location": "America/Toronto"}, "2026-11-23T14:00", True),
        ({"weekdays": ["sunday"], "location": "Pacific/Auckland"}, "2026-11-21T12:00", True),
    ],
)
def test_what_lies_in_it(given_: dict[str, Any], at: str, holds: bool) -> None:
    assert interval(**given_).holds(utc(at)) is holds


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ({"times": times("17:00", "09:00")}, "a night is two entries"),
        ({"times": times("24:00", "24:00")}, "earlier than end_time"),
        ({"times": times("9:00", "17:00")}, "should be a time of day"),
        ({"times": times("09:60", "17:00")}, "should be a time of day"),
        ({"times": [{"start_time": 9, "end_time": "17:00"}]}, "should be a time of day"),
        ({"weekdays": ["friday:monday"]}, "ends before it begins"),
        ({"weekdays": ["mon"]}, "is not a weekday"),
        ({"weekdays": ["7"]}, "is not a weekday"),
        ({"weekdays": [True]}, "should be a weekday"),
        ({"days_of_month": ["0"]}, "is not a day of the month"),
        ({"days_of_month": ["32"]}, "is not a day of the month"),
        ({"days_of_month": ["-5:5"]}, "must be negative"),
        ({"days_of_month": ["10:5"]}, "ends before it begins"),
        ({"days_of_month": ["20:-25"]}, "ends before it begins"),
        ({"days_of_month": ["first"]}, "is not a number"),
        ({"months": ["13"]}, "is not a month"),
        ({"years": ["2027:2026"]}, "ends before it begins"),
        ({"location": "Mars/Olympus"}, "is not a time zone"),
        ({"tiems": []}, "not permitted"),
    ],
)
def test_what_is_refused(given_: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        interval(**given_)


def test_it_is_written_as_it_was_given() -> None:
    given_ = {
        "times": times("22:00", "24:00"),
        "weekdays": ["monday:friday", "sunday"],
        "days_of_month": ["-3:-1"],
        "months": ["january", "march:may"],
        "years": ["2026:2027"],
        "location": "Europe/Berlin",
    }
    named = NamedIntervalSettings.model_validate({"name": "nights", "time_intervals": [given_]})
    assert named.model_dump(mode="json")["time_intervals"] == [given_]
    assert named.intervals() == (interval(**given_),)
    assert named.time_intervals[0].as_alertmanager() == given_
    assert TimeIntervalSettings().as_alertmanager() == {}


@pytest.mark.parametrize(
    ("given_", "after", "change"),
    [
        ({"times": times("09:00", "17:00")}, "2026-11-23T03:00", "2026-11-23T09:00"),
        ({"times": times("09:00", "17:00")}, "2026-11-23T09:00", "2026-11-23T17:00"),
        ({"times": times("22:00", "24:00")}, "2026-11-23T23:00", "2026-11-24T00:00"),
        ({"times": times("00:00", "24:00"), "weekdays": ["monday:friday"]}, "2026-11-23T23:00", "2026-11-28"),
        ({"days_of_month": ["29"], "months": ["2"]}, "2026-11-23T00:00", "2028-02-29"),
        ({"days_of_month": ["29"], "months": ["2"], "years": ["2000:2099"]}, "2096-03-01", None),
        ({}, "2026-11-23T03:00", None),
        ({"years": ["2020"]}, "2026-11-23T03:00", None),
        # the clock skips from 02:00 to 03:00: what was to begin at 02:30 begins then
        (
            {"times": times("02:30", "05:00"), "location": "America/Toronto"},
            "2026-03-08T00:00",
            "2026-03-08T07:00",
        ),
        # what lies in the skipped hour alone is not there on that day
        (
            {"times": times("02:10", "02:50"), "location": "America/Toronto"},
            "2026-03-08T00:00",
            "2026-03-09T06:10",
        ),
        # the clock shows 01:00 to 02:00 twice: it is over at 01:30, comes back at 01:00, is over again
        (
            {"times": times("00:00", "01:30"), "location": "America/Toronto"},
            "2026-11-01T05:30",
            "2026-11-01T06:00",
        ),
        (
            {"times": times("00:00", "01:30"), "location": "America/Toronto"},
            "2026-11-01T06:00",
            "2026-11-01T06:30",
        ),
    ],
)
def test_the_next_change(given_: dict[str, Any], after: str, change: str | None) -> None:
    one = interval(**given_)
    assert next_change_at([one], one.holds, utc(after)) == (utc(change) if change else None)


CLOCK = st.integers(0, 1439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
ZONES = ["UTC", "America/Toronto", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"]
INTERVALS = st.fixed_dictionaries(
    {},
    optional={
        "times": st.tuples(CLOCK, CLOCK)
        .filter(lambda pair: pair[0] < pair[1])
        .map(lambda pair: times(*pair)),
        "weekdays": st.lists(st.sampled_from(WEEKDAYS), max_size=2),
        "days_of_month": st.lists(st.integers(-31, 31).filter(bool).map(str), max_size=2),
        "months": st.lists(st.sampled_from(MONTHS), max_size=1),
        "location": st.sampled_from(ZONES),
    },
)
# around the changes of the clock, and the ends of months
STARTS = st.sampled_from(
    ["2026-03-07T18:00", "2026-03-28T20:00", "2026-10-31T20:00", "2026-10-24T21:00", "2026-04-04T09:00"]
)


@settings(max_examples=60, deadline=None)
@given(specs=st.lists(INTERVALS, min_size=1, max_size=2), start=STARTS, offset=st.integers(0, 600))
def test_the_next_change_is_what_a_walk_finds(specs: list[dict[str, Any]], start: str, offset: int) -> None:
    asked = [interval(**each) for each in specs]
    after = utc(start) + offset * MINUTE

    def answer(at: datetime) -> bool:
        return any(each.holds(at) for each in asked)

    found = next_change_at(asked, answer, after)
    walked = (after + number * MINUTE for number in range(1, 24 * 60))
    change = next((at for at in walked if answer(at) != answer(after)), None)
    if change is not None:
        assert found == change
    else:
        assert found is None or found >= after + timedelta(days=1)


def test_seconds_do_not_move_it() -> None:
    one = interval(times=times("09:00", "17:00"), location="Europe/Berlin")
    after = datetime(2026, 11, 23, 9, 0, 30, 500, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    assert next_change_at([one], one.holds, after) == utc("2026-11-23T16:00")
