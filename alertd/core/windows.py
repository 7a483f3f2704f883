"""Windows: recurring, or single, maintenance that holds new tickets back until it is over.

A window is a schedule, which yields occurrences, and the matchers that say whose tickets wait. What an
occurrence's length means is elapsed time: three hours are three hours, whatever the clock does in them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TypeAlias
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim

from alertd.core.matchers import Labels, Matchers, Predicate, predicate
from alertd.core.silences import Quiet

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


class Occurrence(msgspec.Struct, frozen=True, order=True):
    """One time that a window is. It is over at its end, not after it."""

    starts_at: datetime
    ends_at: datetime
    said: str = ""  # what a calendar calls it


class Recurring(msgspec.Struct, frozen=True):
    """Begins when the expression says, on the clock of its zone; each lasts as long."""

    cron: str
    duration: timedelta
    zone: str


class Listed(msgspec.Struct, frozen=True):
    """Each occurrence by itself, the first to start first."""

    occurrences: tuple[Occurrence, ...]


Schedule: TypeAlias = Recurring | Listed


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What holds back the tickets of which alerts, and when."""

    name: str
    matchers: Matchers
    schedule: Schedule
    comment: str = ""


class Standing(msgspec.Struct, frozen=True):
    """Which occurrence counts from one instant until just before another; None: none does."""

    since: datetime
    until: datetime | None  # None: for ever
    occurrence: Occurrence | None
    next_start_at: datetime | None


def occurrences(schedule: Schedule, after: datetime) -> Iterator[Occurrence]:
    """Yield what starts later than `after`, the first to start first."""
    since = max(after, EARLIEST)
    if isinstance(schedule, Listed):
        starts = [each.starts_at for each in schedule.occurrences]
        yield from schedule.occurrences[bisect_right(starts, since) :]
        return
    found = CronSim(schedule.cron, since.astimezone(ZoneInfo(schedule.zone)))
    yield from (Occurrence(at, at + schedule.duration) for at in (start.astimezone(UTC) for start in found))


def standing(schedule: Schedule, now: datetime) -> Standing:
    """Return what holds at `now`, and for how long that is the answer.

    Of occurrences that overlap the one that ends last counts.
    """
    going_on = _going_on(schedule, now)
    upcoming = next(occurrences(schedule, now), None)
    next_start_at = upcoming.starts_at if upcoming is not None else None
    edges = [
        at for at in (next_start_at, going_on.ends_at if going_on is not None else None) if at is not None
    ]
    return Standing(now, min(edges, default=None), going_on, next_start_at)


def _going_on(schedule: Schedule, now: datetime) -> Occurrence | None:
    if isinstance(schedule, Listed):
        found = [each for each in schedule.occurrences if each.starts_at <= now]
    else:
        last = _last_start_at(schedule, now)
        found = [] if last is None else [Occurrence(last, last + schedule.duration)]
    return max((each for each in found if now < each.ends_at), key=lambda each: each.ends_at, default=None)


def _last_start_at(schedule: Recurring, now: datetime) -> datetime | None:
    """Return the last start that is not after `now`; cronsim's own steps leave `now` itself out."""
    minute = now.replace(second=0, microsecond=0)
    first = next(occurrences(schedule, minute - _MINUTE), None)
    if first is not None and first.starts_at <= now:
        return first.starts_at
    back = CronSim(schedule.cron, minute.astimezone(ZoneInfo(schedule.zone)), reverse=True)
    found = next(back, None)
    return None if found is None else found.astimezone(UTC)


class ActiveWindows:
    """Which windows hold given labels back: a `Suppressor`. Made anew when the configuration changes.

    Windows are found by a label's exact value where they name one, and each remembers the present
    occurrence, so that an alert costs little however many windows there are.
    """

    def __init__(self, windows: Iterable[Window] = ()) -> None:
        self.windows = tuple(windows)
        self._by_label: dict[tuple[str, str], list[tuple[Window, Predicate]]] = {}
        self._others: list[tuple[Window, Predicate]] = []
        self._standings: dict[str, Standing] = {}
        for window in self.windows:
            exact = next(((m.name, m.value) for m in window.matchers if m.operator == "=" and m.value), None)
            found = self._others if exact is None else self._by_label.setdefault(exact, [])
            found.append((window, predicate(window.matchers)))

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.windows)

    def matching(self, labels: Labels, now: datetime) -> list[tuple[Window, Occurrence]]:
        """Return the windows that hold these labels back now, by name."""
        found = []
        for window, accepts in self._candidates(labels):
            occurrence = self.standing(window, now).occurrence
            if occurrence is not None and accepts(labels):
                found.append((window, occurrence))
        return sorted(found, key=lambda pair: pair[0].name)

    def quiet(self, labels: Labels, now: datetime) -> Quiet | None:
        """Return what holds these labels back now, and until when; None: nothing does."""
        found = self.matching(labels, now)
        if not found:
            return None
        window, longest = max(found, key=lambda pair: pair[1].ends_at)
        by = tuple(each.name for each, _ in found)
        return Quiet(by, longest.ends_at, longest.said or window.comment, "window")

    def next_start_at(self, after: datetime) -> datetime | None:
        """Return when the next window begins."""
        since = max(after, EARLIEST)
        times = (self.standing(window, since).next_start_at for window in self.windows)
        return min((at for at in times if at is not None), default=None)

    def standing(self, window: Window, now: datetime) -> Standing:
        """Return what of the window is now."""
        known = self._standings.get(window.name)
        if known is not None and known.since <= now and (known.until is None or now < known.until):
            return known
        found = self._standings[window.name] = standing(window.schedule, now)
        return found

    def upcoming(self, window: Window, now: datetime, *, count: int) -> list[Occurrence]:
        """Return the present occurrence, if any, and those to come: so many together."""
        present = self.standing(window, now).occurrence
        first = [present] if present is not None else []
        return [*first, *islice(occurrences(window.schedule, now), count - len(first))]

    def _candidates(self, labels: Labels) -> Iterator[tuple[Window, Predicate]]:
        yield from self._others
        if self._by_label:
            for label in labels.items():
                yield from self._by_label.get(label, ())
