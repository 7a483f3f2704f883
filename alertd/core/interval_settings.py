"""`[[time_intervals]]`: named times of the week, with Alertmanager's names and rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Self, TypeAlias

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from alertd.core.intervals import Span, TimeInterval
from alertd.core.reading.zones import ZoneName
from alertd.core.settings import Section

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_TIME = re.compile(r"(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")


def _range(text: Any, member: Callable[[str], int], what: str) -> Span:
    if isinstance(text, int) and not isinstance(text, bool):
        text = str(text)
    if not isinstance(text, str):
        raise ValueError(f"should be {what} or a range such as first:last, in quotes")  # noqa: TRY004 - pydantic's
    first, colon, last = text.lower().partition(":")
    begin = member(first.strip())
    span = Span(begin, member(last.strip()) if colon else begin)
    if span.begin > span.end and what != "a day of the month":
        raise ValueError(f"{text!r} ends before it begins")
    return span


def _weekday(text: str) -> int:
    return _named(text, WEEKDAYS, first=0, what="a weekday such as monday")


def _month(text: str) -> int:
    return _named(text, MONTHS, first=1, what="a month such as january, or 1 to 12")


def _named(text: str, names: tuple[str, ...], *, first: int, what: str) -> int:
    if text in names:
        return names.index(text) + first
    if text.isdecimal() and first <= int(text) < first + len(names):
        return int(text)
    raise ValueError(f"{text!r} is not {what}")


def _number(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,4}", text):
        raise ValueError(f"{text!r} is not a number")
    return int(text)


def _days(text: Any) -> Span:
    span = _range(text, _number, "a day of the month")
    for day in (span.begin, span.end):
        if day == 0 or abs(day) > 31:
            raise ValueError(f"{day} is not a day of the month: 1 to 31, or -1 to -31 from its end")
    if span.begin < 0 < span.end:
        raise ValueError("the last day must be negative where the first is")
    begin, end = (30 + day if day < 0 else day for day in (span.begin, span.end))
    if begin > end:
        raise ValueError(f"{text!r} ends before it begins")
    return span


def _minute(text: Any) -> int:
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{text!r} should be a time of day such as 09:00, or 24:00")
    return 1440 if found[1] is None else int(found[1]) * 60 + int(found[2])


def _shown(name: Callable[[int], str]) -> Callable[[Span], str]:
    return lambda span: name(span.begin) if span.begin == span.end else f"{name(span.begin)}:{name(span.end)}"


def _time_text(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


Minute: TypeAlias = Annotated[int, BeforeValidator(_minute), PlainSerializer(_time_text)]
Weekdays: TypeAlias = Annotated[
    Span,
    BeforeValidator(lambda text: _range(text, _weekday, "a weekday")),
    PlainSerializer(_shown(lambda day: WEEKDAYS[day])),
]
DaysOfMonth: TypeAlias = Annotated[Span, BeforeValidator(_days), PlainSerializer(_shown(str))]
Months: TypeAlias = Annotated[
    Span,
    BeforeValidator(lambda text: _range(text, _month, "a month")),
    PlainSerializer(_shown(lambda month: MONTHS[month - 1])),
]
Years: TypeAlias = Annotated[
    Span, BeforeValidator(lambda text: _range(text, _number, "a year")), PlainSerializer(_shown(str))
]


class TimesSettings(Section):
    """Times of the day: the first minute belongs to them, the last does not."""

    start_time: Minute
    end_time: Minute

    @model_validator(mode="after")
    def _is_not_empty(self) -> Self:
        if self.start_time >= self.end_time:
            raise ValueError("start_time should be earlier than end_time; a night is two entries")
        return self


class TimeIntervalSettings(Section):
    """What is left out does not matter; what is there has to fit."""

    times: list[TimesSettings] = Field(default_factory=list)
    weekdays: list[Weekdays] = Field(default_factory=list)
    days_of_month: list[DaysOfMonth] = Field(default_factory=list)
    months: list[Months] = Field(default_factory=list)
    years: list[Years] = Field(default_factory=list)
    location: ZoneName = "UTC"

    def interval(self) -> TimeInterval:
        """Return it as it is asked."""
        return TimeInterval(
            times=tuple(Span(each.start_time, each.end_time) for each in self.times),
            weekdays=tuple(self.weekdays),
            days_of_month=tuple(self.days_of_month),
            months=tuple(self.months),
            years=tuple(self.years),
            location=self.location,
        )

    def as_alertmanager(self) -> dict[str, Any]:
        """Return what is set, in the words of Alertmanager's configuration."""
        return self.model_dump(mode="json", exclude_defaults=True)


class NamedIntervalSettings(Section):
    """`[[time_intervals]]`: it is now where any of its entries is."""

    name: str = Field(min_length=1)
    time_intervals: list[TimeIntervalSettings]

    def intervals(self) -> tuple[TimeInterval, ...]:
        """Return its entries as they are asked."""
        return tuple(each.interval() for each in self.time_intervals)
