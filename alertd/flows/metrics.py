"""Metrics of the flows, built once in app.py. Every series exists from the start."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge

from alertd.core.tickets import Change, Create, Writing


class SettlingMetrics:
    """What the settle flow did."""

    def __init__(self, registry: CollectorRegistry, boards: Iterable[str]) -> None:
        self.created = Counter(
            "alertd_tickets_created_total",
            "Tickets made in Autotask, by board.",
            ["board"],
            registry=registry,
        )
        self.completed = Counter(
            "alertd_tickets_completed_total",
            "Tickets completed by alertd, by board.",
            ["board"],
            registry=registry,
        )
        self.duplicates = Counter(
            "alertd_duplicate_tickets_found_total",
            "Tickets found with a reference that another ticket carries. Should stay 0.",
            registry=registry,
        )
        self.desk_ready = Gauge(
            "alertd_autotask_ready",
            "Whether zone, credentials and metadata of Autotask are known and usable (1) or not (0).",
            registry=registry,
        )
        for board in boards:
            self.created.labels(board)
            self.completed.labels(board)

    def done(self, operation: Writing, board: str) -> None:
        """Count an operation that Autotask confirmed."""
        if isinstance(operation, Create):
            self.created.labels(board).inc()
        elif isinstance(operation, Change) and operation.completes:
            self.completed.labels(board).inc()
