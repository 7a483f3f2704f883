"""Calendars: what the events of an iCalendar text are, as occurrences of a window.

The libraries are an extra, since only windows with `ical` need them; they compute and do no I/O.
"""

from __future__ import annotations

import importlib
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from alertd.core.windows import Occurrence

AHEAD = timedelta(days=400)
MOST_OCCURRENCES = 5000  # a calendar that says more is cut off there, and read again before it runs out
MOST_SAID = 100
NEEDED = "calendars need the packages of requirements/calendar.txt: see docs/operations.md"


class CalendarUnreadable(ValueError):
    """It is no calendar, or holds something that cannot be understood. The text says what, in one line."""


def read_calendar(text: bytes, *, zone: str, now: datetime) -> tuple[Occurrence, ...]:
    """Return what is going on at `now` or comes within 400 days, the first to start first.

    Args:
        text: An iCalendar document. Recurring events, exceptions, zones and days are understood; events that
            are cancelled are left out.
        zone: Whose clock whole days, and times without a zone, go by.
        now: The present instant.

    Raises:
        CalendarUnreadable: It cannot be read, or the packages for it are not installed.
    """
    try:
        icalendar = importlib.import_module("icalendar")
        recurring = importlib.import_module("recurring_ical_events")
    except ModuleNotFoundError:
        raise CalendarUnreadable(NEEDED) from None
    try:
        calendar = icalendar.Calendar.from_ical(text)
        events = islice(recurring.of(calendar).after(now), MOST_OCCURRENCES)
        coming = takewhile(
            lambda each: each.starts_at < now + AHEAD, (_occurrence(each, zone) for each in events)
        )
        found = [each for each in coming if each is not _CANCELLED]
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as exc:
        said = " ".join(str(exc).split())[:MOST_SAID] or type(exc).__name__
        raise CalendarUnreadable(f"is no calendar that can be read: {said}") from exc
    return tuple(sorted(each for each in found if each.starts_at < each.ends_at))


_CANCELLED = Occurrence(datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC))


def _occurrence(event: Any, zone: str) -> Occurrence:
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return _CANCELLED
    said = " ".join(str(event.get("SUMMARY", "")).split())[:MOST_SAID]
    return Occurrence(_instant(event.start, zone), _instant(event.end, zone), said)


def _instant(at: date | datetime, zone: str) -> datetime:
    local = at if isinstance(at, datetime) else datetime.combine(at, time())
    return (local if local.tzinfo else local.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
