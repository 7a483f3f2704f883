"""Storms: many new incidents of one customer become one ticket. Values and counts; no incident is moved here.

A **scope** is where incidents are counted together: a board, a company, and whatever `[storm] by` names
beside it. An **arrival** is an incident that begins to want a new ticket. See `core/storming.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec

from alertd.core.alerts import Severity
from alertd.core.identity import group_fingerprint
from alertd.core.matchers import Labels

CLIENT = "client"
GREEN, YELLOW, ORANGE, RED = 0, 1, 2, 3
PRESSURES = ("green", "yellow", "orange", "red")
MOST_GATHERING = timedelta(seconds=30)
PROMOTE_EVERY = timedelta(minutes=1)  # for one company, on all its boards
YELLOW_NOTES_EVERY = timedelta(minutes=60)  # from yellow on, whatever the route says

_SEPARATOR = "\x1f"
_PROMOTIONS = "\x1fpromoted"  # no board is called so


class StormTerms(msgspec.Struct, frozen=True):
    """Today's `[storm]`, and how scarce calls are just now."""

    threshold: int = 0  # 0: nothing is folded
    window: timedelta = timedelta(minutes=5)
    calm: timedelta = timedelta(minutes=15)
    by: tuple[str, ...] = (CLIENT,)
    promote_at_most: int = 60
    pressure: int = GREEN

    @property
    def limit(self) -> int:
        """How many of a scope get tickets of their own within the window."""
        if self.pressure >= RED:
            return 0
        return max(1, self.threshold // 4) if self.pressure == ORANGE else self.threshold

    @property
    def gathering(self) -> timedelta:
        """How long a parent's ticket waits, as it is worth more when it can say of how many it speaks."""
        return min(self.window / 10, MOST_GATHERING)

    @property
    def loud(self) -> int:
        """How many arrivals within the window keep a storm going."""
        return max(1, -(-self.threshold // 2))


NO_STORMS = StormTerms()


class Storm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a storm's parent knows of it. Which incidents they are is found by the parent's key."""

    began_at: datetime
    calm_at: datetime  # over then, if not enough arrive
    active: bool = True  # new incidents of the scope fold
    arrived: int = 0  # that wanted tickets since it began, with those before that brought it about
    folded: int = 0  # ever folded since it began, again counted anew
    cleared: int = 0  # of those: over, in whichever way
    promoted: int = 0  # of those: have tickets of their own to come, or did
    firing_by_severity: dict[str, int] = {}  # of those: still in it
    promote_at: datetime | None = None  # the next one; None: nothing is to be promoted yet
    promoted_at: datetime | None = None  # the last one

    @property
    def firing(self) -> int:
        """How many incidents are in it just now."""
        return sum(self.firing_by_severity.values())

    @property
    def severity(self) -> Severity | None:
        """The highest of what is in it; None: nothing is."""
        present = [Severity(name) for name, count in self.firing_by_severity.items() if count]
        return min(present, key=lambda severity: severity.rank, default=None)


def scope_of(*, board: str, company: str, labels: Labels, terms: StormTerms) -> str:
    """Return where an incident is counted.

    Args:
        board: Its board's name.
        company: Whose it is: the company's name, or what the sender calls it.
        labels: Of the alert that opened it; those that `[storm] by` names tell the company's scopes apart.
        terms: Today's.
    """
    parts = [f"{name}={labels.get(name, '')}" for name in terms.by if name != CLIENT]
    return _SEPARATOR.join([board, company, *parts])


@lru_cache(maxsize=4096)
def parent_key(scope: str) -> str:
    """Return the key of the scope's parent incident: the same for every storm there."""
    return group_fingerprint(("storm", scope))


def group_of(scope: str) -> dict[str, str]:
    """Return what the scope is about, as labels."""
    _, company, *parts = scope.split(_SEPARATOR)
    named = {CLIENT: company, **dict(part.split("=", 1) for part in parts)}
    return {name: value for name, value in named.items() if value}


def promotions_of(scope: str) -> str:
    """Return the scope in which the promotions of a company are counted, over all its boards."""
    return _SEPARATOR.join([_PROMOTIONS, scope.split(_SEPARATOR)[1]])


def counts_promotions(scope: str) -> bool:
    """Whether this is a scope in which promotions are counted."""
    return scope.startswith(_PROMOTIONS + _SEPARATOR)


def calm_at(arrivals: Sequence[datetime], now: datetime, terms: StormTerms) -> datetime | None:
    """Return when a storm is over if nothing more arrives; None: what has arrived keeps none going.

    Args:
        arrivals: Within the window, oldest first.
        now: The present instant.
        terms: Today's.
    """
    if len(arrivals) < terms.loud:
        return None
    return max(arrivals[-terms.loud] + terms.window, now) + terms.calm


def moved(counts: Mapping[str, int], changes: Mapping[str, int]) -> dict[str, int]:
    """Return the counts after these changes, without what is none any more."""
    both = {name: counts.get(name, 0) + changes.get(name, 0) for name in (*counts, *changes)}
    return {name: count for name, count in both.items() if count > 0}


def due_at(storm: Storm | None) -> datetime | None:
    """Return when time alone would next change the storm."""
    if storm is None:
        return None
    if storm.active:
        return storm.calm_at
    return storm.promote_at if storm.firing else None


def note_interval(terms: StormTerms) -> timedelta:
    """Return how far apart a ticket's notes are at least, whatever its route says."""
    return YELLOW_NOTES_EVERY if terms.pressure >= YELLOW else timedelta()
