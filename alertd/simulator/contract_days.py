"""Billing periods of a contract and what holds on each day of it: dates and numbers, and no rows."""

from __future__ import annotations

import calendar
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

DAY = timedelta(days=1)
MONTHS = {2: 1, 3: 3, 4: 6, 5: 12}
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Period:
    """One billing period, both ends inclusive. `days` are those of a whole one: the last may be cut."""

    start: date
    end: date
    days: int


@dataclass(frozen=True)
class Level:
    """What holds from a day on: units, price and cost of one unit for a whole period."""

    start: date
    units: int
    price: Decimal
    cost: Decimal


@dataclass(frozen=True)
class Stretch:
    """A part of one period on which one level holds; `share` is its part of a whole period."""

    start: date
    end: date
    level: Level
    share: Decimal

    def extended(self, rate: Decimal) -> float:
        """Return units times rate for these days, in whole cents."""
        return float((self.level.units * rate * self.share).quantize(CENT, ROUND_HALF_UP))


def add_months(day: date, months: int) -> date:
    """Return the same day of a later (or earlier) month, or its last day where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def periods(start: date, end: date, months: int) -> Iterator[Period]:
    """Iterate over the periods of so many months from `start` to `end`; 0 months: one period in all."""
    if months == 0:
        yield Period(start, end, (end - start).days + 1)
        return
    for number in itertools.count():
        first = add_months(start, number * months)
        if first > end:
            return
        following = add_months(start, (number + 1) * months)
        yield Period(first, min(following - DAY, end), (following - first).days)


def stretches(periods: Iterable[Period], levels: list[Level]) -> Iterator[Stretch]:
    """Iterate over the stretches of all periods; before the first level there are none.

    Args:
        periods: In order.
        levels: In order of their start, each holding until the next.
    """
    for period in periods:
        inside = {level.start for level in levels if period.start < level.start <= period.end}
        cuts = [*sorted({period.start, *inside}), period.end + DAY]
        for start, following in itertools.pairwise(cuts):
            holding = level_on(levels, start)
            if holding is not None:
                share = Decimal((following - start).days) / Decimal(period.days)
                yield Stretch(start, following - DAY, holding, share)


def level_on(levels: list[Level], day: date) -> Level | None:
    """Return the level that holds on a day, or None before the first."""
    return next((level for level in reversed(levels) if level.start <= day), None)


def cut(levels: list[Level], day: date) -> list[Level]:
    """Return the same levels with one that starts on `day`, unless nothing holds on that day."""
    holding = level_on(levels, day)
    if holding is None or holding.start == day:
        return levels
    return sorted([*levels, replace(holding, start=day)], key=lambda level: level.start)


def changed_from(
    levels: list[Level], day: date, change: int, *, price: Decimal | None = None, cost: Decimal | None = None
) -> list[Level]:
    """Return the levels with so many units more, and another price or cost, from `day` on."""
    return [
        level
        if level.start < day
        else Level(
            start=level.start,
            units=level.units + change,
            price=level.price if price is None else price,
            cost=level.cost if cost is None else cost,
        )
        for level in cut(levels, day)
    ]


def to_day(text: str) -> date:
    """Return the date of an instant in the wire form."""
    return date.fromisoformat(text[:10])


def day_to_wire(day: date) -> str:
    """Return a date as the API shows it."""
    return f"{day.isoformat()}T00:00:00.000Z"
