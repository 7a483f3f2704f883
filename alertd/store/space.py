"""Refusing new work before the disk is full: a full one cannot even delete."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from alertd.flows.errors import StoreFailed

CHECK_EVERY_S = 1.0

_log = structlog.get_logger()


class SpaceGuard:
    """Looks at the disk at most once a second.

    Args:
        lacking: Says how little space is left where too little is; None: enough.
        monotonic: Seconds of a clock that never jumps.
    """

    def __init__(
        self, lacking: Callable[[], str | None], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._lacking = lacking
        self._monotonic = monotonic
        self._look_at = 0.0
        self._why: str | None = None

    def require(self) -> None:
        """Return if there is space.

        Raises:
            StoreFailed: There is not, for now.
        """
        now = self._monotonic()
        if now >= self._look_at:
            self._look_at = now + CHECK_EVERY_S
            self._look()
        if self._why is not None:
            raise StoreFailed(f"the disk is nearly full: {self._why}", full=True)

    def _look(self) -> None:
        before = self._why
        try:
            self._why = self._lacking()
        except OSError as exc:
            self._why = f"its space cannot be read: {exc}"
        if (before is None) != (self._why is None):
            _log.warning("store.space", lacking=self._why)
