"""What intake counts."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge

UNKNOWN_SOURCE = "(unknown)"  # no configured source can have this name


class Outcome(enum.StrEnum):
    """What became of a request; label `outcome` of `alertd_intake_requests_total`."""

    ACCEPTED = "accepted"
    PARKED = "parked"  # kept whole, of which something could not be read
    UNAUTHORIZED = "unauthorized"
    TOO_LARGE = "too_large"
    OVERLOAD = "overload"
    NO_LENGTH = "no_length"
    TOO_SLOW = "too_slow"
    ENCODED = "encoded"  # a content coding or type that is not undone here
    MALFORMED = "malformed"  # broken HTTP, or a path or method that is not served


class CalloutOutcome(enum.StrEnum):
    """What became of a call-out of Autotask; label `outcome` of `alertd_callouts_total`."""

    ACCEPTED = "accepted"  # its ticket is read soon, if it is one of ours
    REPEATED = "repeated"  # sent before
    IGNORED = "ignored"  # signed, and about no ticket
    UNREADABLE = "unreadable"  # signed, and no call-out
    UNAUTHORIZED = "unauthorized"  # not signed with our key
    DEACTIVATED = "deactivated"  # says that the webhook was switched off; nobody signs that


class SourceCounts:
    """The series of one source, looked up once."""

    def __init__(self, metrics: IntakeMetrics, source: str) -> None:
        self.requests = {outcome: metrics.requests.labels(source, outcome.value) for outcome in Outcome}
        self.received = metrics.received.labels(source)
        self._used_at: list[datetime | None] = [None, None]
        self._tokens: tuple[bytes, ...] = ()
        # read at scrapes only: there are far fewer of those than of requests
        metrics.last_seen.labels(source).set_function(lambda: max(self._used_s(0), self._used_s(1)))
        metrics.token_used.labels(source, "current").set_function(lambda: self._used_s(0))
        metrics.token_used.labels(source, "other").set_function(lambda: self._used_s(1))

    def expect(self, tokens: Sequence[bytes]) -> None:
        """Take over its tokens, as SHA-256, the current one first. When each was used stays with it."""
        used = dict(zip(self._tokens, self._used_at, strict=False))
        self._tokens = tuple(tokens)
        self._used_at = [used.get(token) for token in (*self._tokens, b"", b"")[:2]]

    def admitted(self, at: datetime, slot: int) -> None:
        """Note that one of its tokens was used."""
        self._used_at[slot] = at

    @property
    def used_at(self) -> tuple[datetime | None, datetime | None]:
        """When the current token and the other one were last used by this process; None: not yet."""
        current, other = self._used_at
        return current, other

    def _used_s(self, slot: int) -> float:
        at = self._used_at[slot]
        return 0.0 if at is None else at.timestamp()


class IntakeMetrics:
    """Built once in `app`, with that process's registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.received = Counter(
            "alertd_alerts_received_total",
            "Alert messages taken in, by source; each is on disk.",
            ["source"],
            registry=registry,
        )
        self.requests = Counter(
            "alertd_intake_requests_total",
            "Requests of senders, by source and by what became of them.",
            ["source", "outcome"],
            registry=registry,
        )
        self.last_seen = Gauge(
            "alertd_source_last_seen_timestamp_seconds",
            "When the source last authenticated; 0 before the first time.",
            ["source"],
            registry=registry,
        )
        self.token_used = Gauge(
            "alertd_source_token_last_used_timestamp_seconds",
            "When each of a source's tokens was last used, so that an old one can be retired knowingly.",
            ["source", "token"],
            registry=registry,
        )
        self.connections = Gauge(
            "alertd_intake_connections", "Connections of senders that are open.", registry=registry
        )
        self.callouts = Counter(
            "alertd_callouts_total",
            "Call-outs of Autotask's webhook, by what became of them.",
            ["outcome"],
            registry=registry,
        )
        for outcome in CalloutOutcome:
            self.callouts.labels(outcome.value)
        self._by_source: dict[str, SourceCounts] = {}
        self.unknown = {o: self.requests.labels(UNKNOWN_SOURCE, o.value) for o in Outcome}

    def expect(self, sources: Mapping[str, Sequence[bytes]]) -> None:
        """Make every series of these sources exist, at zero.

        Args:
            sources: Their tokens by name, as SHA-256, the current one first.
        """
        for source, tokens in sources.items():
            self.of(source).expect(tokens)

    def of(self, source: str) -> SourceCounts:
        """Return the series of a configured source."""
        counts = self._by_source.get(source)
        if counts is None:
            counts = self._by_source[source] = SourceCounts(self, source)
        return counts
