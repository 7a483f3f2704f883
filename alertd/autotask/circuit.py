"""A circuit: after too many failures only a probe goes now and then, until one is answered."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from enum import IntEnum

SPAN = timedelta(seconds=60)
FEWEST_CALLS = 10
PROBE_EVERY = timedelta(seconds=30)


class CircuitState(IntEnum):
    """The value of `alertd_autotask_circuit_state`."""

    CLOSED = 0
    PROBING = 1
    OPEN = 2


class Circuit:
    """Opens when half of at least ten calls of a minute have failed."""

    def __init__(self) -> None:
        self._ended: deque[tuple[datetime, bool]] = deque()  # within SPAN, and whether it failed
        self._failed = 0
        self._opened_at: datetime | None = None
        self._probe_at: datetime | None = None  # when the next probe may go
        self._probing = False

    @property
    def state(self) -> CircuitState:
        """Whether calls go, a probe is on its way, or none goes."""
        if self._opened_at is None:
            return CircuitState.CLOSED
        return CircuitState.PROBING if self._probing else CircuitState.OPEN

    def held_until(self, now: datetime) -> datetime | None:
        """Return when the next call may go; None: now."""
        return self._probe_at if self._probe_at is not None and now < self._probe_at else None

    def began(self, now: datetime) -> None:
        """A call goes: where the circuit is open it is the probe, and no other goes for a while."""
        if self._opened_at is not None:
            self._probing, self._probe_at = True, now + PROBE_EVERY

    def ended(self, now: datetime, *, began_at: datetime, failed: bool) -> timedelta | None:
        """Take in how a call ended; return for how long the circuit was open if that closes it."""
        if self._opened_at is None:
            self._add(now, failed)
            return None
        if began_at < self._opened_at:
            return None  # it went before: that the server was ill then is known
        self._probing = False
        if failed:
            self._probe_at = now + PROBE_EVERY
            return None
        was_open = now - self._opened_at
        self._opened_at = self._probe_at = None
        return was_open

    def _add(self, now: datetime, failed: bool) -> None:
        self._ended.append((now, failed))
        self._failed += failed
        while self._ended[0][0] <= now - SPAN:
            self._failed -= self._ended.popleft()[1]
        if len(self._ended) >= FEWEST_CALLS and 2 * self._failed >= len(self._ended):
            self._opened_at, self._probe_at = now, now + PROBE_EVERY
            self._ended.clear()
            self._failed = 0
