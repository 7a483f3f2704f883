"""Whether a connection to the tenant can be made at all."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from alertd.flows.errors import Unavailable
from alertd.flows.ports import Clock

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(seconds=30)
_log = structlog.get_logger(__name__)


class Reach:
    """Remembers that no connection could be made, and how long to wait before the next try.

    The pause starts short and doubles; only a failure after its end lengthens it, so that many calls
    that fail at once are one failure.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pause = FIRST_PAUSE
        self._since: datetime | None = None
        self._until: datetime | None = None
        self._why = ""

    @property
    def doubted(self) -> bool:
        """Whether the last try to connect has failed, however long ago."""
        return self._until is not None

    def failed(self, why: str) -> None:
        """No connection could be made."""
        now = self._clock.now()
        if self._until is not None and now < self._until:
            return
        self._since = self._since or now
        self._pause = FIRST_PAUSE if self._until is None else min(2 * self._pause, LONGEST_PAUSE)
        self._until, self._why = now + self._pause, why

    def succeeded(self) -> timedelta:
        """A connection was made, whatever came of it. Return for how long none could be made before."""
        if self._since is None:
            return timedelta()
        lasted = self._clock.now() - self._since
        self._since = self._until = None
        _log.info("autotask.reached_again")
        return lasted

    def check(self) -> None:
        """Stop a caller until the pause is over.

        Raises:
            Unavailable: It is not.
        """
        if self._until is not None and self._clock.now() < self._until:
            raise self.unavailable()

    def unavailable(self) -> Unavailable:
        """Return the failure to tell: the same text for as long as the same trouble lasts."""
        return Unavailable(f"Autotask could not be reached: {self._why}")
