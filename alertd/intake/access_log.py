"""Our own access log: no path, query, header or body ever reaches it, since they may hold tokens."""

from __future__ import annotations

from typing import Literal

import structlog

from alertd.intake.metrics import Outcome

_log = structlog.get_logger("alertd.intake.access")

_KEPT = frozenset({Outcome.ACCEPTED, Outcome.PARKED, None})


class Exchange:
    """What is known of one request by the time it is answered."""

    __slots__ = ("began", "is_let_in", "is_turned_away", "outcome", "peer", "route", "size", "slot", "source")

    def __init__(self, began: float) -> None:
        self.began = began  # monotonic seconds
        self.route = "other"  # the template
        self.source = ""  # configured name; empty where it is not known
        self.slot = 0  # which of the source's tokens it showed
        self.peer = ""
        self.size = 0  # bytes of the body
        self.outcome: Outcome | None = None  # None: no delivery, nothing to count
        self.is_let_in = False  # it is known whose it is
        self.is_turned_away = False  # by the limit on failures: counted, but not worth a line each


class AccessLog:
    """Writes a line for requests, by the setting `access_log`."""

    def __init__(self, wanted: Literal["refusals", "all", "off"]) -> None:
        self._wanted = wanted

    def wants(self, exchange: Exchange) -> bool:
        """Whether this one gets a line."""
        if self._wanted == "all":
            return True
        is_refusal = exchange.outcome not in _KEPT and not exchange.is_turned_away
        return self._wanted == "refusals" and is_refusal

    def write(self, exchange: Exchange, status: int, now: float) -> None:
        """Write the line. `now` is in monotonic seconds."""
        _log.info(
            "intake.answered",
            route=exchange.route,
            source=exchange.source,
            peer=exchange.peer,
            status=status,
            outcome=exchange.outcome.value if exchange.outcome else "",
            bytes=exchange.size,
            ms=round((now - exchange.began) * 1000, 1),
        )
