"""Our share of the tenant's rolling hour: one time stamp per call, and who has had how many."""

from __future__ import annotations

import bisect
import math
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from alertd.autotask.precedence import Precedence

WINDOW = timedelta(hours=1, seconds=5)  # Autotask counts at arrival, up to a connection later than we do
TIMEFRAME = timedelta(hours=1)
K = TypeVar("K")
_COMPACT = 4096  # of the calls that count no more, before the list is shortened


class Spent(NamedTuple):
    """One call that was made. What another run made has neither class nor company."""

    at: datetime
    precedence: Precedence | None = None
    company: str = ""


class RollingBudget:
    """At most `calls` in every rolling hour, exactly. Every question costs O(log n) at most, amortised."""

    def __init__(self, calls: int) -> None:
        self.calls = calls
        self._sent: list[Spent] = []
        self._first = 0  # those before it count no more
        self._by_class: Counter[Precedence | None] = Counter()
        self._by_company: Counter[str] = Counter()

    def restore(self, sent: Iterable[datetime]) -> None:
        """Count calls made before this process began."""
        before = [Spent(at) for at in sent]
        self._sent = sorted((*self._sent[self._first :], *before), key=_instant)
        self._first = 0
        self._by_class[None] += len(before)
        self._by_company[""] += len(before)

    def used(self, now: datetime) -> int:
        """Return how many calls count now."""
        self._settle(now)
        return len(self._sent) - self._first

    def remaining(self, now: datetime) -> int:
        """Return how many calls may be made at once."""
        return max(0, self.calls - self.used(now))

    def of_class(self, precedence: Precedence) -> int:
        """Return how many calls of this class counted when last asked."""
        return self._by_class[precedence]

    def of_company(self, company: str) -> int:
        """Return how many calls for this company counted when last asked."""
        return self._by_company[company]

    def since(self, at: datetime) -> int:
        """Return how many calls were made at or after an instant that is not long past."""
        return len(self._sent) - bisect.bisect_left(self._sent, at, lo=self._first, key=_instant)

    def wait(self, now: datetime, *, limit: int | None = None, ahead: int = 0) -> timedelta:
        """Return how long until fewer than `limit` calls count; zero: that is so now.

        Args:
            now: Present instant.
            limit: Default: the whole budget.
            ahead: How many others wait for the same, and go first.
        """
        over = self.used(now) - (self.calls if limit is None else limit)
        if over < 0:
            return timedelta()
        last = len(self._sent) - 1
        if last < self._first:
            return WINDOW  # nothing is ever to be had of this limit
        return self._sent[min(self._first + over + ahead, last)].at + WINDOW - now

    def spend(self, now: datetime, precedence: Precedence | None = None, company: str = "") -> Spent:
        """Count one call."""
        self._settle(now)
        spent = Spent(now, precedence, company)
        self._sent.append(spent)
        self._count(spent, 1)
        return spent

    def give_back(self, spent: Spent) -> None:
        """Count a call no more, since it never left. One that is not found stays counted."""
        index = bisect.bisect_left(self._sent, spent.at, lo=self._first, key=_instant)
        while index < len(self._sent) and self._sent[index].at == spent.at:
            if self._sent[index] == spent:
                del self._sent[index]
                self._count(spent, -1)
                return
            index += 1

    def exhausted_in(self, now: datetime, *, a_second: float) -> float:
        """Return after how many seconds the budget is spent if calls go on at a rate; infinite: never.

        Walks over the hour's calls, so it is for whoever asks now and then.
        """
        used, left_s = self.used(now), 0.0
        if used >= self.calls or a_second <= 0:
            return 0.0 if used >= self.calls else math.inf
        for gone, spent in enumerate(self._sent[self._first :]):
            next_s = (spent.at + WINDOW - now).total_seconds()
            full_s = (self.calls - used + gone) / a_second
            if full_s <= next_s:
                return max(left_s, full_s)
            left_s = next_s
        full_s = self.calls / a_second
        return full_s if full_s <= WINDOW.total_seconds() else math.inf

    def _count(self, spent: Spent, by: int) -> None:
        _add(self._by_class, spent.precedence, by)
        _add(self._by_company, spent.company, by)

    def _settle(self, now: datetime) -> None:
        while self._first < len(self._sent) and self._sent[self._first].at + WINDOW <= now:
            self._count(self._sent[self._first], -1)
            self._first += 1
        if self._first >= _COMPACT:
            del self._sent[: self._first]
            self._first = 0
        # a clock that was set back must not lock us out for longer than an hour
        index = len(self._sent) - 1
        while index >= self._first and self._sent[index].at > now:
            self._sent[index] = self._sent[index]._replace(at=now)
            index -= 1


def _instant(spent: Spent) -> datetime:
    return spent.at


def _add(counter: Counter[K], key: K, by: int) -> None:
    counter[key] += by
    if counter[key] <= 0:
        del counter[key]
