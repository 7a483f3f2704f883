"""Alerts: one source's statements that a condition holds, or that it is over."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from typing import Literal, NewType, TypeAlias

import msgspec

OnExpiry: TypeAlias = Literal["note", "close"]
AlertKey = NewType("AlertKey", str)  # source and fingerprint: the identity of one condition at one source


def alert_key(source: str, fingerprint: str) -> AlertKey:
    """Return the identity of a condition. The fingerprint comes first, so that it can be searched by."""
    return AlertKey(f"{fingerprint}\x1f{source}")


class Severity(enum.StrEnum):
    """How bad it is, worst first. Autotask's priorities are configured on top of these."""

    CRITICAL = "critical"
    HIGH = "high"
    WARNING = "warning"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst; a smaller rank is more urgent."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Status(enum.StrEnum):
    """What one message says about its condition."""

    FIRING = "firing"
    CLEARED = "cleared"
    UPDATED = "updated"  # acknowledged, commented, …: neither fires nor clears; annotation `update` says what
    IGNORED = "ignored"  # tests, pings, heartbeats: acknowledged, shown, never a ticket


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One message of one source about one condition.

    `labels` are complete: the sender's own plus `alertname`, `severity`, `source`, and, where known,
    `client` and `host`. Where ours collides with a differing one that was sent, the sent value is kept
    as `sent_<name>`. `annotations` describe and never identify: `title`, `description`, `url`, ….
    """

    source: str
    fingerprint: str  # 16 hex digits over the labels as sent (Alertmanager's own for label alerts)
    status: Status
    severity: Severity
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    starts_at: datetime | None = None  # the source's clock; None: it did not say
    ends_at: datetime | None = None  # when it cleared, by the source's clock
    expires_after: timedelta | None = None  # silent for this long means expired, never cleared; None: never
    on_expiry: OnExpiry = "note"  # what becomes of its ticket then, where the route does not say
    late_for: timedelta | None = None  # so long after a clear, an older firing may be a late one; None: ever
    reporter: str = ""  # who says so, when several watch one condition (a Prometheus pair)
    sent_labels: dict[str, str] = {}  # labels exactly as sent, for projections

    @property
    def key(self) -> AlertKey:
        """Identity of the condition."""
        return alert_key(self.source, self.fingerprint)
