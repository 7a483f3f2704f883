"""The pause after a failure to learn what has to be known before anything else."""

from __future__ import annotations

from datetime import timedelta

from alertd.autotask.answers import Unreached
from alertd.flows.errors import PortError, Throttled
from alertd.flows.ports import Clock

FIRST_PAUSE = timedelta(seconds=5)
LAST_PAUSE = timedelta(minutes=1)


class FirstTries:
    """Spaces them out: whoever waits for the tenant asks every few seconds, and each try costs calls."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pause = FIRST_PAUSE
        self._again_at = clock.now()
        self._failure: PortError | None = None

    def check(self) -> None:
        """Say once more what failed, while the pause after it lasts.

        Raises:
            PortError: The last failure.
        """
        if self._failure is not None and self._clock.now() < self._again_at:
            raise self._failure.with_traceback(None)

    def failed(self, failure: PortError) -> None:
        """Begin a pause, each twice as long as the last. What costs no call to find out again needs none."""
        if isinstance(failure, Unreached | Throttled):
            return
        self._failure, self._again_at = failure, self._clock.now() + self._pause
        self._pause = min(self._pause * 2, LAST_PAUSE)
