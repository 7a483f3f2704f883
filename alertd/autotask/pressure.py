"""How much of the tenant's allowance is used, by all integrations and by us, and what may still go."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from alertd.autotask.budget import TIMEFRAME
from alertd.autotask.precedence import Precedence

USAGE_EVERY = timedelta(minutes=2)
YELLOW, ORANGE, RED = 1, 2, 3
_LEVELS = (0.5, 0.75, 0.9)  # yellow, orange, red: shares of the allowance
_CALM = 0.05  # a level is left only this far below its threshold, so that it does not flutter

# How many of a class may have gone in the rolling hour for another to go, in percent of our budget, by
# level. A class that is not named goes freely.
_MOST_PERCENT: dict[int, dict[Precedence, float]] = {
    YELLOW: {Precedence.UPDATE: 10, Precedence.BILLING: 0.5},
    ORANGE: {Precedence.UPDATE: 2, Precedence.SYNC: 2, Precedence.BILLING: 0},
    RED: {Precedence.CREATE: 0, Precedence.UPDATE: 0, Precedence.SYNC: 0, Precedence.BILLING: 0},
}


class Usage(msgspec.Struct, frozen=True):
    """The tenant's counter as last read: calls of all integrations in the rolling hour, and the allowance."""

    calls: int
    allowance: int

    @property
    def ratio(self) -> float:
        """Share of the allowance that is used."""
        return self.calls / self.allowance


def pressure_level(usage: float, *, before: int) -> int:
    """Return 0 green, 1 yellow, 2 orange or 3 red for a share of the allowance, given the level before."""
    risen = sum(usage >= at for at in _LEVELS)
    held = sum(usage >= at - _CALM for at in _LEVELS)
    return max(risen, min(before, held))


class Tenant:
    """The tenant's use: what others have used, as last read, and what we have used, as we know now."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.foreign = 0
        self._read_at: datetime | None = None
        self._level = 0

    def read(self, usage: Usage, *, ours: int, at: datetime) -> None:
        """Take in the counter, of which so many calls are ours."""
        self.usage, self._read_at = usage, at
        self.foreign = max(0, usage.calls - ours)

    def share(self, ours: int, *, now: datetime) -> float:
        """Return the used share of the allowance with so many calls of ours in the rolling hour.

        What others had used an hour ago counts no more, whether the counter could be read since or not.
        """
        if self.usage is None or self._read_at is None:
            return 0.0
        foreign = self.foreign if abs(now - self._read_at) < TIMEFRAME else 0
        return (foreign + ours) / self.usage.allowance

    def level(self, ours: int, *, now: datetime) -> int:
        """Return 0 green to 3 red with so many calls of ours in the rolling hour."""
        self._level = pressure_level(self.share(ours, now=now), before=self._level)
        return self._level

    def next_reading(self, now: datetime) -> datetime:
        """Return when the counter is known anew."""
        return max((self._read_at or now) + USAGE_EVERY, now) + timedelta(seconds=2)


def most_of_class(precedence: Precedence, level: int, calls: int) -> int | None:
    """Return how many calls of a class a level allows an hour, of a budget of `calls`; None: any number."""
    percent = _MOST_PERCENT.get(level, {}).get(precedence)
    if percent is None:
        return None
    return max(1, int(calls * percent / 100)) if percent else 0
