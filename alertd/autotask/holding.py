"""What a call is told that may not go now: until when, and for which reason."""

from __future__ import annotations

import heapq
from collections import Counter
from datetime import datetime, timedelta
from enum import StrEnum

from alertd.autotask.precedence import Precedence
from alertd.flows.errors import Throttled


class Cause(StrEnum):
    """Why a call may not go now: the label of `alertd_autotask_held_calls_total`."""

    ALLOWANCE = "allowance"  # Autotask has refused the whole tenant
    BUDGET = "budget"  # our hour is spent
    RESERVE = "reserve"  # what is left of our hour is kept for what goes first
    COMPANY = "company"  # what is left is kept for companies that have had less
    PRESSURE = "pressure"  # the tenant's counter stands too high for this
    RAMP = "ramp"  # an outage has just ended
    CIRCUIT = "circuit"  # the endpoint does not answer
    THREADS = "threads"  # the endpoint had too many calls at once
    SLOT = "slot"  # other calls took all its time


class HeldUntil(Throttled):
    """Not before an instant, which the text names: it stays the same while one waits for it."""

    def __init__(self, until: datetime, *, now: datetime, why: str, cause: Cause = Cause.BUDGET) -> None:
        super().__init__(max(0.0, (until - now).total_seconds()), why)
        self.args = (f"{why}; again at {until:%H:%M:%S} UTC",)
        self.until = until
        self.cause = cause


class Told:
    """Who was told to come back, and when: so that the next one is told a later instant.

    Otherwise all who wait would come at the instant at which one call may go, and be sent away again.
    """

    def __init__(self) -> None:
        self._until: dict[tuple[Cause, Precedence], list[datetime]] = {}

    def ahead(self, cause: Cause, precedence: Precedence, now: datetime) -> int:
        """Return how many of this kind are still to come back."""
        waiting = self._until.get((cause, precedence))
        if not waiting:
            return 0
        while waiting and waiting[0] <= now:
            heapq.heappop(waiting)
        return len(waiting)

    def tell(self, held: HeldUntil, precedence: Precedence) -> None:
        """Remember one that was told."""
        heapq.heappush(self._until.setdefault((held.cause, precedence), []), held.until)

    def count(self, now: datetime) -> Counter[Precedence]:
        """Return how many are still to come back, by class."""
        found: Counter[Precedence] = Counter()
        for cause, precedence in list(self._until):
            found[precedence] += self.ahead(cause, precedence, now)
        return found


def spread(at: datetime, ahead: int, *, every: timedelta, most: timedelta) -> datetime:
    """Return an instant behind those who were told before, but not further behind than `most`."""
    return at + min(every * ahead, most)
