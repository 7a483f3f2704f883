"""`flapping` of a route: from how many changes on an alert flaps, and from when on it is stable again.

As in the classic network monitors, changes are weighed, newer ones more, and two thresholds keep the verdict
itself from flapping. Here the window is one of time, since nobody polls.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, Self, TypeAlias

import msgspec
from pydantic import Field, model_validator

from alertd.core.settings import Duration, Section

NEWEST_WEIGHT = 1.2
OLDEST_WEIGHT = 0.8
MOST_TURNS = 32  # instants kept of one alert: more say nothing that these do not

_STEP = timedelta(microseconds=1)


class FlapRule(msgspec.Struct, frozen=True, kw_only=True):
    """When an alert, or its ticket, changes too often to be followed change by change."""

    window: timedelta = timedelta(minutes=30)
    start: float = 6.0  # weighed changes in the window from which on it flaps
    stop: float = 3.0  # below so many it is stable again
    reopens: int = 3  # reopenings from which on its ticket flaps
    reopens_within: timedelta = timedelta(hours=24)
    stable_for: timedelta = timedelta(hours=2)  # without a change, after which such a ticket is stable again


class FlapSettings(Section):
    """`flapping = { … }` of a route. What is left out has its default."""

    window: Duration = Field(default=FlapRule().window, gt=timedelta())
    start: float = Field(default=FlapRule().start, ge=2, le=20, strict=False)
    stop: float = Field(default=FlapRule().stop, gt=0, strict=False)
    reopens: int = Field(default=FlapRule().reopens, ge=1, le=MOST_TURNS)
    reopens_within: Duration = FlapRule().reopens_within
    stable_for: Duration = FlapRule().stable_for

    @model_validator(mode="after")
    def _stops_below_its_start(self) -> Self:
        if self.stop >= self.start:
            raise ValueError("stop has to be less than start, or flapping would flap itself")
        return self


FlapSetting: TypeAlias = FlapSettings | Literal["off"]


def rule_of(setting: FlapSetting) -> FlapRule | None:
    """Return the rule that a route's `flapping` asks for; None: it is switched off."""
    return None if setting == "off" else FlapRule(**dict(setting))


def setting_of(rule: FlapRule | None) -> FlapSetting:
    """Return what one would write for this rule."""
    return "off" if rule is None else FlapSettings.model_validate(msgspec.structs.asdict(rule))


def score(turns: Sequence[datetime], rule: FlapRule, *, now: datetime) -> float:
    """Return the weighed changes: 1.2 for one of just now, down to 0.8 for one as old as the window."""
    ages = ((now - at) / rule.window for at in turns)
    return sum(NEWEST_WEIGHT - (NEWEST_WEIGHT - OLDEST_WEIGHT) * age for age in ages if age < 1)


def kept(turns: Sequence[datetime], rule: FlapRule, *, now: datetime) -> tuple[datetime, ...]:
    """Return the changes that still count, the newest of them if they are many."""
    return tuple(at for at in turns if now - at < rule.window)[-MOST_TURNS:]


def stable_at(turns: Sequence[datetime], rule: FlapRule, *, now: datetime) -> datetime:
    """Return when the score falls below `stop` if nothing changes any more.

    Between the instants at which a change leaves the window, the score falls on a straight line.
    """
    at = now
    for leaves_at in sorted(turn + rule.window for turn in turns):
        if leaves_at <= at:
            continue
        held = score(turns, rule, now=at)
        if held < rule.stop:
            return at
        counted = sum(turn + rule.window > at for turn in turns)
        fall = counted * (NEWEST_WEIGHT - OLDEST_WEIGHT)
        crossed = at + rule.window * ((held - rule.stop) / fall) + _STEP
        if crossed < leaves_at:
            return crossed
        at = leaves_at
    return at
