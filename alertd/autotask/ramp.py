"""After an outage calls come back by and by: what has just risen is not to be overrun by what piled up."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from alertd.autotask.precedence import Precedence

AFTER = timedelta(minutes=5)  # a shorter outage needs none
LASTS = timedelta(minutes=10)
FIRST_RATE = 0.25  # of the budget's even rate; it rises to all of it
_HOUR_S = 3600.0
# Which part of what may have gone by now is open to each class: the rest is for those before it.
_PART = {
    Precedence.CRITICAL_CREATE: 1.0,
    Precedence.COMPLETE: 0.9,
    Precedence.CREATE: 0.8,
    Precedence.UPDATE: 0.6,
    Precedence.SYNC: 0.6,
    Precedence.BILLING: 0.3,
}


class Ramp:
    """Lets 25 % of the hourly rate go at first and all of it ten minutes later."""

    def __init__(self, calls_per_hour: int) -> None:
        self._rate = calls_per_hour / _HOUR_S
        self._at_once = max(2.0, 15.0 * self._rate)
        self._began_at: datetime | None = None
        self._gone = 0

    def begin(self, now: datetime) -> None:
        """An outage has ended."""
        self._began_at, self._gone = now, 0

    def is_on(self, now: datetime) -> bool:
        """Whether calls are still held down."""
        return self._began_at is not None and now < self._began_at + LASTS

    def spend(self) -> None:
        """Count one call."""
        self._gone += 1

    def held_until(self, now: datetime, precedence: Precedence, *, ahead: int = 0) -> datetime | None:
        """Return when a call of this class may go, with `ahead` others before it; None: now."""
        if self._began_at is None or not self.is_on(now):
            return None
        wanted = (self._gone + 1) / _PART[precedence]
        if wanted <= self._allowed(now - self._began_at):
            return None
        return min(self._began_at + self._reached((self._gone + 1 + ahead) / _PART[precedence]), self._end())

    def _end(self) -> datetime:
        assert self._began_at is not None  # noqa: S101 - narrows for mypy; the caller asked
        return self._began_at + LASTS

    def _allowed(self, since: timedelta) -> float:
        """How many calls may have gone by then: the integral of a rate that rises evenly."""
        s, rise = since.total_seconds(), (1 - FIRST_RATE) / (2 * LASTS.total_seconds())
        return self._at_once + self._rate * (FIRST_RATE * s + rise * s * s)

    def _reached(self, calls: float) -> timedelta:
        """When so many may have gone: the inverse of `_allowed`."""
        rise = (1 - FIRST_RATE) / (2 * LASTS.total_seconds())
        even = max(0.0, calls - self._at_once) / self._rate
        s = (math.sqrt(FIRST_RATE**2 + 4 * rise * even) - FIRST_RATE) / (2 * rise)
        return timedelta(seconds=s + 0.001)
