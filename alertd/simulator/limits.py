"""The shared request threshold, the latency it injects, and the three threads per endpoint."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

TIMEFRAME_S = 3600.0
UPLOAD_FRAME_S = 300.0


@dataclass
class Threshold:
    """Requests of the last 60 minutes; `others` is the share of the tenant's other integrations."""

    others: int = 0
    _times: deque[float] = field(default_factory=deque)

    def add(self, now: float) -> None:
        """Count one request."""
        self._times.append(now)

    def own(self, now: float) -> int:
        """Return how many counted requests lie within the timeframe."""
        while self._times and self._times[0] <= now - TIMEFRAME_S:
            self._times.popleft()
        return len(self._times)

    def used(self, now: float) -> int:
        """Return the rolling count of all integrations together."""
        return self.own(now) + self.others


def injected_latency_s(used: int, limit: int) -> float:
    """Return 0, 0.5 or 1 second: none below half of the threshold, full from three quarters."""
    share = used / limit if limit else 1.0
    if share < 0.5:
        return 0.0
    return 0.5 if share < 0.75 else 1.0


@dataclass
class Threads:
    """Requests in flight per (integration code, endpoint). A slot may linger after the response."""

    high_water: dict[str, int] = field(default_factory=dict)
    _busy: dict[tuple[str, str], int] = field(default_factory=dict)
    _lingering: dict[tuple[str, str], deque[float]] = field(default_factory=dict)

    def enter(self, key: tuple[str, str], now: float) -> int:
        """Take a slot and return how many are taken now, this one included."""
        lingering = self._lingering.get(key)
        while lingering and lingering[0] <= now:
            lingering.popleft()
        self._busy[key] = self._busy.get(key, 0) + 1
        taken = self._busy[key] + (len(lingering) if lingering else 0)
        self.high_water[key[1]] = max(self.high_water.get(key[1], 0), taken)
        return taken

    def leave(self, key: tuple[str, str], *, free_at: float, now: float) -> None:
        """Give a slot back; it counts until `free_at`."""
        self._busy[key] -= 1
        if free_at > now:
            self._lingering.setdefault(key, deque()).append(free_at)


@dataclass
class Uploads:
    """Bytes attached within five minutes. Once there were too many, nothing can be attached for five more."""

    refused_until: float = 0.0
    _taken: deque[tuple[float, int]] = field(default_factory=deque)

    def take(self, size: int, now: float, limit: int) -> bool:
        """Count a file and return True, or return False if it may not be attached."""
        while self._taken and self._taken[0][0] <= now - UPLOAD_FRAME_S:
            self._taken.popleft()
        if now < self.refused_until:
            return False
        if size + sum(each for _, each in self._taken) > limit:
            self.refused_until = now + UPLOAD_FRAME_S
            return False
        self._taken.append((now, size))
        return True
