"""`[digest]`: where and when a list is filed of what came and went without a ticket."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from alertd.core.settings import Section

_DAY = timedelta(days=1)


def _time_of_day(text: str) -> str:
    try:
        at = time.fromisoformat(text)
    except ValueError:
        raise ValueError('should be a time of day such as "07:00"') from None
    if at.tzinfo is not None:
        raise ValueError("names a time zone: that is what timezone is for")
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError(f"{name!r} is no time zone; give one such as America/Toronto, or UTC") from None
    return name


class DigestSettings(Section):
    """`[digest]`. Without it, what cleared while it waited is in `alertd incidents` and `explain` only."""

    board: Annotated[str, Field(min_length=1)]
    at: Annotated[str, AfterValidator(_time_of_day)] = "07:00"
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"

    def next_at(self, now: datetime) -> tuple[str, datetime]:
        """Return the next digest after `now`: the date it bears, and when it is made."""
        zone, at = ZoneInfo(self.timezone), time.fromisoformat(self.at)
        on = now.astimezone(zone).date()
        while (made_at := datetime.combine(on, at, zone).astimezone(now.tzinfo)) <= now:
            on += _DAY
        return on.isoformat(), made_at
