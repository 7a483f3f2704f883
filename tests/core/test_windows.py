"""Windows: when they are, over changes of the clock too, and what they hold back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from alertd.core.silences import Quiet
from alertd.core.suppressions import longest
from alertd.core.window_settings import WindowSettings
from alertd.core.windows import ActiveWindows, Listed, Occurrence, Recurring, Window, occurrences, standing

MINUTE = timedelta(minutes=1)
PATCHES = {
    "name": "patch night",
    "matchers": ['client="Contoso"'],
    "cron": "0 2 * * SUN",
    "duration": "3h",
    "timezone": "America/Toronto",
}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def window(**given_: Any) -> Window:
    return WindowSettings.model_validate(given_).window()


def once(name: str, matchers: str, start: str, end: str, **more: Any) -> Window:
    starts, ends = utc(start), utc(end)
    return window(name=name, matchers=[matchers], starts=starts, ends=ends, **more)


def spans(schedule: Recurring | Listed, after: str, count: int) -> list[tuple[str, str]]:
    found = zip(occurrences(schedule, utc(after)), range(count), strict=False)
    return [(f"{each.starts_at:%m-%dT%H:%M}", f"{each.ends_at:%m-%dT%H:%M}") for each, _ in found]


@pytest.mark.parametrize(
    ("cron", "duration", "after", "expected"),
    [
        # every Sunday at 02:00 in Toronto, which is an hour earlier in UTC once summer time is on
        (
            "0 2 * * SUN",
            "3h",
            "2026-02-28T00:00",
            [("03-01T07:00", "03-01T10:00"), ("03-08T07:00", "03-08T10:00"), ("03-15T06:00", "03-15T09:00")],
        ),
        # 02:30 is skipped: it begins when the clock goes on, and lasts as long as ever
        (
            "30 2 * * *",
            "1h",
            "2026-03-08T00:00",
            [("03-08T07:00", "03-08T08:00"), ("03-09T06:30", "03-09T07:30")],
        ),
        # 01:30 comes twice: it begins once, the first time
        (
            "30 1 * * *",
            "1h",
            "2026-11-01T00:00",
            [("11-01T05:30", "11-01T06:30"), ("11-02T06:30", "11-02T07:30")],
        ),
        # longer than a day, over the change of the clock: 30 elapsed hours
        ("0 20 * * SAT", "30h", "2026-03-07T00:00", [("03-08T01:00", "03-09T07:00")]),
    ],
)
def test_recurring(cron: str, duration: str, after: str, expected: list[tuple[str, str]]) -> None:
    made = window(**(PATCHES | {"cron": cron, "duration": duration}))
    assert spans(made.schedule, after, len(expected)) == expected


def test_a_start_belongs_to_it_and_an_end_does_not() -> None:
    schedule = window(**PATCHES).schedule
    assert standing(schedule, utc("2026-03-01T06:59:59.999")).occurrence is None
    begun = standing(schedule, utc("2026-03-01T07:00"))
    assert begun.occurrence == Occurrence(utc("2026-03-01T07:00"), utc("2026-03-01T10:00"))
    assert begun.until == utc("2026-03-01T10:00")
    over = standing(schedule, utc("2026-03-01T10:00"))
    assert (over.occurrence, over.until) == (None, utc("2026-03-08T07:00"))


def test_occurrences_that_overlap_go_on_into_one_another() -> None:
    schedule = window(**(PATCHES | {"cron": "0 * * * *", "duration": "90m"})).schedule
    now = utc("2026-03-01T07:15")
    while now < utc("2026-03-01T12:00"):
        found = standing(schedule, now)
        assert found.occurrence is not None
        assert found.until is not None
        assert now < found.until <= found.occurrence.ends_at
        now = found.until


def test_a_leap_day_is_found_years_ahead_and_back() -> None:
    schedule = window(**(PATCHES | {"cron": "0 0 29 2 *", "timezone": "UTC"})).schedule
    assert standing(schedule, utc("2026-03-01T00:00")).next_start_at == utc("2028-02-29T00:00")
    assert standing(schedule, utc("2028-02-29T01:00")).occurrence is not None


def test_before_all_time_the_first_is_long_ago() -> None:
    windows = ActiveWindows([window(**PATCHES)])
    found = windows.next_start_at(datetime.min.replace(tzinfo=UTC))
    assert found is not None
    assert found.year == 2000


# not Lord Howe Island, where cronsim loses a start on the day that the clock is set back by half an hour
ZONES = st.sampled_from(["America/Toronto", "Europe/Berlin", "America/St_Johns", "UTC"])
CRONS = st.sampled_from(
    ["30 2 * * *", "*/30 * * * *", "0 1 * * *", "15 1,2,3 * * *", "0 0 * * SUN", "0 */5 * * *"]
)
STARTS = st.sampled_from(
    ["2026-03-08T00:00", "2026-03-29T00:00", "2026-10-25T00:00", "2026-11-01T04:00", "2026-04-04T14:00"]
)


@settings(max_examples=60, deadline=None)
@given(cron=CRONS, zone=ZONES, start=STARTS, minutes=st.integers(1, 3000), offset=st.integers(0, 900))
def test_what_stands_is_what_a_walk_over_all_starts_finds(
    cron: str, zone: str, start: str, minutes: int, offset: int
) -> None:
    duration = minutes * MINUTE
    schedule = Recurring(cron, duration, zone)
    now = utc(start) + offset * MINUTE
    going_on = None
    for each in occurrences(schedule, now - timedelta(days=9)):
        if each.starts_at > now:
            break
        going_on = each if each.ends_at > now else None
    assert standing(schedule, now).occurrence == going_on


def test_a_single_one_on_the_clock_of_its_zone() -> None:
    starts = datetime.fromisoformat("2026-12-24T18:00")
    made = window(name="x", matchers=["a=b"], starts=starts, duration="6h", timezone="America/Toronto")
    assert spans(made.schedule, "2026-01-01T00:00", 2) == [("12-24T23:00", "12-25T05:00")]
    assert standing(made.schedule, utc("2027-01-01T00:00")).until is None
    assert spans(made.schedule, "2026-12-24T23:00", 1) == []


def test_what_it_holds_back() -> None:
    windows = ActiveWindows(
        [
            once("short", 'client="Contoso"', "2026-11-23T03:00", "2026-11-23T04:00", comment="disks"),
            once("long", 'client=~"Con.*"', "2026-11-23T03:00", "2026-11-23T05:00", comment="all"),
            once("other", 'client="Fabrikam"', "2026-11-23T03:00", "2026-11-23T05:00"),
        ]
    )
    assert windows
    assert not ActiveWindows()
    now = utc("2026-11-23T03:30")
    assert windows.quiet({"client": "Contoso"}, now) == Quiet(
        ("long", "short"), utc("2026-11-23T05:00"), "all", "window"
    )
    assert windows.quiet({"client": "Northwind"}, now) is None
    assert windows.quiet({}, now) is None
    late = utc("2026-11-23T04:30")
    assert windows.quiet({"client": "Contoso"}, late) == Quiet(
        ("long",), utc("2026-11-23T05:00"), "all", "window"
    )
    assert windows.quiet({"client": "Contoso"}, utc("2026-11-23T05:00")) is None
    assert windows.next_start_at(utc("2026-11-23T02:00")) == utc("2026-11-23T03:00")
    assert windows.next_start_at(now) is None
    assert ActiveWindows([once("b", 'a!="c"', "2026-11-23T03:00", "2026-11-23T05:00")]).quiet({"x": "y"}, now)


def test_what_a_calendar_calls_it_is_said() -> None:
    listed = Listed((Occurrence(utc("2026-11-23T03:00"), utc("2026-11-23T04:00"), "firmware"),))
    made = Window(name="cal", matchers=(), schedule=listed, comment="calendar")
    quiet = ActiveWindows([made]).quiet({}, utc("2026-11-23T03:00"))
    assert quiet is not None
    assert quiet.said == "firmware"


def test_the_present_one_and_those_to_come() -> None:
    made = window(**PATCHES)
    windows = ActiveWindows([made])
    now = utc("2026-03-01T08:00")
    assert [f"{each.starts_at:%m-%d}" for each in windows.upcoming(made, now, count=3)] == [
        "03-01",
        "03-08",
        "03-15",
    ]
    later = utc("2026-03-01T11:00")
    assert [f"{each.starts_at:%m-%d}" for each in windows.upcoming(made, later, count=1)] == ["03-08"]


def test_the_longest_counts() -> None:
    short, endless = Quiet(("a",), utc("2026-11-23T03:00")), Quiet(("b",), None)
    assert longest(short, None, endless) == endless
    assert longest(None) is None


STARTS_ = utc("2026-11-23T03:00")


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ({"cron": "0 2 * *", "duration": "3h"}, "is not a cron expression: wrong number of fields"),
        ({"cron": "61 2 * * *", "duration": "3h"}, "bad minute"),
        ({"cron": "0 2 31 2 *", "duration": "3h"}, "not a cron expression"),
        ({"cron": "0 2 * * *"}, "say how long with duration"),
        ({"cron": "0 2 * * *", "duration": "0s"}, "should be above 0"),
        ({"cron": "0 2 * * *", "duration": "3h", "starts": STARTS_}, "exactly one of cron, starts and ical"),
        ({"duration": "3h"}, "exactly one of cron, starts and ical"),
        ({"starts": STARTS_}, "exactly one of ends and duration"),
        ({"starts": STARTS_, "ends": STARTS_, "duration": "3h"}, "exactly one of ends and duration"),
        ({"starts": STARTS_, "ends": STARTS_}, "ends before it starts"),
        ({"ical": "http://example.com/a.ics"}, "begins with https://"),
        ({"ical": "a.ics", "duration": "3h"}, "a calendar says itself how long"),
        ({"ical": "a.ics", "matchers": []}, "should have matchers"),
        ({"ical": "a.ics", "timezone": "Mars/Olympus"}, "is not a time zone"),
    ],
)
def test_what_is_refused(given_: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        WindowSettings.model_validate({"name": "x", "matchers": ["a=b"]} | given_)


@pytest.mark.parametrize(
    ("cron", "duration", "warned"),
    [
        ("0 2 * * *", "23h", False),
        ("0 2 * * *", "24h", True),
        ("0 0 * * SAT,SUN", "25h", True),
        ("0 0 1 1 *", "1d", False),
    ],
)
def test_one_that_is_longer_than_its_period_is_warned_of(cron: str, duration: str, warned: bool) -> None:
    made = WindowSettings.model_validate(
        {"name": "x", "matchers": ["a=b"], "cron": cron, "duration": duration}
    )
    assert bool(made.warning()) is warned


def test_others_are_not_warned_of() -> None:
    made = WindowSettings.model_validate(
        {"name": "x", "matchers": ["a=b"], "ical": "https://example.com/a.ics"}
    )
    assert made.warning() == ""
    assert made.window((Occurrence(STARTS_, STARTS_ + MINUTE),)).schedule == Listed(
        (Occurrence(STARTS_, STARTS_ + MINUTE),)
    )
