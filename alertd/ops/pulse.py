"""Signs of life of every loop, and of the store's thread: the watchdog is told only while all are fresh."""

from __future__ import annotations

from collections.abc import Callable


class Pulse:
    """Remembers when each named loop last turned.

    A loop that is not expected to turn often beats from its own timer; what matters is that it cannot
    beat while it is stuck. Beats may come from any thread.

    Args:
        monotonic: Returns seconds.
        held_up: Whether loops wait for something outside that a restart would not mend, such as room on the
            disk. Nobody is stale then.
    """

    def __init__(
        self, monotonic: Callable[[], float], *, held_up: Callable[[], bool] = lambda: False
    ) -> None:
        self._monotonic = monotonic
        self._held_up = held_up
        self._last: dict[str, float] = {}
        self._allowed: dict[str, float] = {}

    def expect(self, name: str, *, every_s: float) -> Callable[[], None]:
        """Expect a beat at least every so many seconds, and return what the loop calls to beat."""
        self._allowed[name] = every_s
        self._last[name] = self._monotonic()

        def beat() -> None:
            self._last[name] = self._monotonic()

        return beat

    def forget(self, name: str) -> None:
        """Expect no more of a loop that has ended as it should."""
        self._allowed.pop(name, None)
        self._last.pop(name, None)

    def stale(self) -> list[str]:
        """Return the names of loops that have not turned in time."""
        now = self._monotonic()
        if self._held_up():
            self._last = dict.fromkeys(self._last, now)  # each gets its whole time again afterwards
        return [name for name, allowed in list(self._allowed.items()) if now - self._last[name] > allowed]
