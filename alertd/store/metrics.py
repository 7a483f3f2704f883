"""The store's metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class StoreMetrics:
    """Built once for each store, in the process's registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.commit_duration = Histogram(
            "alertd_journal_commit_duration_seconds",
            "Time from the begin of a write transaction until it is on disk.",
            buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
            registry=registry,
        )
        self.write_failures = Counter(
            "alertd_store_write_failures_total",
            "Write transactions that the database refused.",
            registry=registry,
        )
        self.waiting = Gauge(
            "alertd_store_waiting_writes", "Writes that wait for the next transaction.", registry=registry
        )
        self.log_bytes = Gauge(
            "alertd_store_log_bytes",
            "Size of the write-ahead log. It shrinks when nobody reads for long and there is rest.",
            registry=registry,
        )
        self.engine = Gauge(
            "alertd_store_info",
            "The database library in use. Always 1.",
            ["engine", "version"],
            registry=registry,
        )
