"""`[[windows]]`: what may be written, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field, model_validator

from alertd.core.matchers import MatchersSetting
from alertd.core.reading.zones import ZoneName
from alertd.core.settings import Duration, Section
from alertd.core.windows import Listed, Occurrence, Recurring, Window, occurrences

_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_MOST_LOOKED_AT = 60  # occurrences, in search of the shortest time between two


def _cron(expression: str) -> str:
    try:
        CronSim(expression, _ANY_DAY)
    except CronSimError as exc:
        raise ValueError(
            f'is not a cron expression: {str(exc).lower()}; it has five fields, such as "0 2 * * SUN"'
        ) from None
    return expression


def _lasting(duration: timedelta) -> timedelta:
    if not duration:
        raise ValueError("should be above 0")
    return duration


def _calendar(where: str) -> str:
    if "://" in where and not where.startswith("https://"):
        raise ValueError("should be a file, or an address that begins with https://")
    return where


class WindowSettings(Section):
    """`[[windows]]`: one of `cron`, `starts` and `ical` says when."""

    name: str = Field(min_length=1)
    matchers: MatchersSetting
    comment: str = ""
    cron: Annotated[str, AfterValidator(_cron)] | None = None
    duration: Annotated[Duration, AfterValidator(_lasting)] | None = None
    starts: datetime | None = None
    ends: datetime | None = None
    timezone: ZoneName = "UTC"
    ical: Annotated[str, AfterValidator(_calendar)] | None = None

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if sum(each is not None for each in (self.cron, self.starts, self.ical)) != 1:
            raise ValueError("should say when by exactly one of cron, starts and ical")
        if self.ical is not None and (self.duration is not None or self.ends is not None):
            raise ValueError("a calendar says itself how long; leave duration and ends out")
        if self.cron is not None and (self.duration is None or self.ends is not None):
            raise ValueError("cron says when it begins; say how long with duration, not with ends")
        if self.starts is not None and (self.duration is None) == (self.ends is None):
            raise ValueError("say how long with exactly one of ends and duration")
        if self.starts is not None and self.ends is not None and self._at(self.ends) <= self._at(self.starts):
            raise ValueError("ends before it starts")
        return self

    @model_validator(mode="after")
    def _matches_something(self) -> Self:
        if not self.matchers:
            raise ValueError("should have matchers; ['alertname=~\".+\"'] means every alert")
        return self

    def window(self, calendar: tuple[Occurrence, ...] = ()) -> Window:
        """Return it as it is asked.

        Args:
            calendar: What its calendar holds, the first to start first.
        """
        return Window(
            name=self.name, matchers=self.matchers, schedule=self._schedule(calendar), comment=self.comment
        )

    def warning(self) -> str:
        """Say what is allowed and hardly meant; empty: nothing is."""
        if self.cron is None or self.duration is None:
            return ""
        found = occurrences(Recurring(self.cron, self.duration, self.timezone), _ANY_DAY)
        starts = [each.starts_at for each in islice(found, _MOST_LOOKED_AT)]
        shortest = min((later - one for one, later in pairwise(starts)), default=None)
        if shortest is None or self.duration < shortest:
            return ""
        return f"window {self.name!r} begins again before it is over, so it never ends or ends late"

    def _schedule(self, calendar: tuple[Occurrence, ...]) -> Recurring | Listed:
        if self.cron is not None and self.duration is not None:
            return Recurring(self.cron, self.duration, self.timezone)
        if self.starts is None:
            return Listed(calendar)
        starts_at = self._at(self.starts)
        ends_at = self._at(self.ends) if self.ends is not None else starts_at + (self.duration or timedelta())
        return Listed((Occurrence(starts_at, ends_at),))

    def _at(self, when: datetime) -> datetime:
        """Return the instant; without an offset it is on the clock of `timezone`."""
        return (when if when.tzinfo else when.replace(tzinfo=ZoneInfo(self.timezone))).astimezone(UTC)
