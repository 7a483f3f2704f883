"""Everything that can keep a condition from getting a new ticket, asked as one.

Each kind (silences, windows, inhibitions) answers by itself; what lasts longest is what the ticket waits for.
When that is over, or changes, all are asked anew.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from alertd.core.matchers import Labels
from alertd.core.silences import Quiet

_OPEN_END = datetime.max.replace(tzinfo=UTC)


class Suppressor(Protocol):
    """One kind of what keeps tickets back."""

    def __bool__(self) -> bool:
        """Whether there are any at all."""
        ...

    def quiet(self, labels: Labels, now: datetime) -> Quiet | None:
        """Return what keeps a condition with these labels quiet now; None: nothing does."""
        ...

    def next_start_at(self, after: datetime) -> datetime | None:
        """Return when the next one begins by the clock alone."""
        ...


class Suppressions:
    """Several kinds as one `Suppressor`."""

    def __init__(self, *kinds: Suppressor) -> None:
        self._kinds = kinds

    def __bool__(self) -> bool:
        """Whether there are any at all."""
        return any(self._kinds)

    def quiet(self, labels: Labels, now: datetime) -> Quiet | None:
        """Return what keeps these labels quiet for longest; None: nothing does."""
        return longest(*(kind.quiet(labels, now) for kind in self._kinds if kind))

    def next_start_at(self, after: datetime) -> datetime | None:
        """Return when the next of any kind begins by the clock alone."""
        starts = (kind.next_start_at(after) for kind in self._kinds)
        return min((at for at in starts if at is not None), default=None)


def longest(*quiets: Quiet | None) -> Quiet | None:
    """Return the one that lasts longest, the first of those that are alike; None: there is none."""
    return max((quiet for quiet in quiets if quiet is not None), key=_ends_at, default=None)


def _ends_at(quiet: Quiet) -> datetime:
    return quiet.until or _OPEN_END
