"""Time intervals: named times of the week, month and year, with Alertmanager's exact meaning.

An interval is asked for an instant, and for the next instant at which its answer changes. It thinks on the
clock of its location, so a time that the clock skips is skipped, and one that it shows twice comes twice.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

HORIZON = timedelta(days=366 * 9)  # two leap days may be eight years apart
_DAY = timedelta(days=1)
_LAST_MINUTE = 1440


class Span(msgspec.Struct, frozen=True):
    """Two numbers and all between them."""

    begin: int
    end: int

    def __contains__(self, number: int) -> bool:
        """Whether the number lies between them, or is one of them."""
        return self.begin <= number <= self.end


class TimeInterval(msgspec.Struct, frozen=True, kw_only=True):
    """What all has to fit; of each, one of what is listed, and anything where nothing is."""

    times: tuple[Span, ...] = ()  # minutes of the day; the end does not belong to it
    weekdays: tuple[Span, ...] = ()  # 0: Sunday
    days_of_month: tuple[Span, ...] = ()  # negative: from the month's end
    months: tuple[Span, ...] = ()
    years: tuple[Span, ...] = ()
    location: str = "UTC"

    def holds(self, at: datetime) -> bool:
        """Whether `at` lies in it."""
        local = at.astimezone(ZoneInfo(self.location))
        minute = local.hour * 60 + local.minute
        in_time = not self.times or any(each.begin <= minute < each.end for each in self.times)
        return in_time and self.fits(local.date())

    def fits(self, day: date) -> bool:
        """Whether the day does, whatever the time."""
        return (
            _is_in(day.isoweekday() % 7, self.weekdays)
            and _is_in(day.month, self.months)
            and _is_in(day.year, self.years)
            and (not self.days_of_month or any(_is_day(day, each) for each in self.days_of_month))
        )


def next_change_at(
    intervals: Iterable[TimeInterval], answer: Callable[[datetime], object], after: datetime
) -> datetime | None:
    """Return the first instant after `after` at which `answer` is another.

    Args:
        intervals: All that the answer depends on.
        answer: Asked at every instant at which one of them may begin or end.
        after: From when on; the answer then is the one to differ from.

    Returns:
        None: it stays as it is for at least nine years.
    """
    asked = tuple(intervals)
    now = answer(after)
    day = after.replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(HORIZON // _DAY):
        start = day + number * _DAY
        edges = {at for each in asked for at in _edges(each, start) if at > after}
        for at in sorted(edges):
            if answer(at) != now:
                return at
    return None


def _edges(interval: TimeInterval, start: datetime) -> Iterator[datetime]:
    """Yield every instant of the 24 h from `start` on at which the interval may begin or end."""
    zone = ZoneInfo(interval.location)
    first, last = start.astimezone(zone), (start + _DAY).astimezone(zone)
    if first.utcoffset() != last.utcoffset():
        yield _clock_change(start, zone)
    for day in {first.date(), last.date()}:
        fits = interval.fits(day)
        if fits != interval.fits(day - _DAY):
            yield from _instants(day, 0, zone)
        if fits:
            for minute in {edge for each in interval.times for edge in (each.begin, each.end)}:
                yield from _instants(day, minute, zone)


def _instants(day: date, minute: int, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield when the clock shows this time: twice where it is set back."""
    midnight = day + _DAY if minute == _LAST_MINUTE else day
    local = datetime.combine(midnight, time(minute // 60 % 24, minute % 60), zone)
    yield local.astimezone(UTC)
    yield local.replace(fold=1).astimezone(UTC)


def _clock_change(start: datetime, zone: ZoneInfo) -> datetime:
    """Return the second within the 24 h from `start` on at which the zone's clock is changed."""
    before, after = 0, int(_DAY.total_seconds())
    offset = start.astimezone(zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if (start + timedelta(seconds=middle)).astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return start + timedelta(seconds=after)


def _is_in(number: int, spans: tuple[Span, ...]) -> bool:
    return not spans or any(number in each for each in spans)


def _is_day(day: date, days: Span) -> bool:
    length = monthrange(day.year, day.month)[1]
    begin, end = (length + each + 1 if each < 0 else each for each in (days.begin, days.end))
    return begin <= length and max(begin, -length) <= day.day <= min(end, length)
