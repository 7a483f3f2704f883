"""Metrics of the flows, built once in app.py. Every series exists from the start."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge

from alertd.core.incidents import Change, Completed
from alertd.core.tickets import Create, Known
from alertd.flows.ports import IncidentRow


class SettlingMetrics:
    """What the settle flow did. `done` and `failed` are the writes since the start that came off or not."""

    def __init__(self, registry: CollectorRegistry, boards: Iterable[str]) -> None:
        self.created = Counter(
            "alertd_tickets_created_total",
            "Tickets made in Autotask, by board.",
            ["board"],
            registry=registry,
        )
        self.repaired = Counter(
            "alertd_tickets_repaired_total",
            "Tickets that Autotask refused at first, and that were then made with less in them, by board.",
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
        self.done = 0
        self.failed = 0
        self._duplicates: set[int] = set()
        for board in boards:
            self.created.labels(board)
            self.repaired.labels(board)
            self.completed.labels(board)

    def recorded(self, before: IncidentRow, known: Known, changes: Collection[Change], *, board: str) -> None:
        """Count what an outcome that has just been committed says, whether an answer or a look told it.

        Args:
            before: The row as it was.
            known: What is known now.
            changes: What the incident was told.
            board: Where the ticket is.
        """
        intent = before.known.intent
        creating = intent is not None and isinstance(intent.operation, Create)
        if creating and before.known.ticket is None and known.ticket is not None:
            self.created.labels(board).inc()
            self.repaired.labels(board).inc(before.known.repair is not None)
        if Completed() in changes and not before.incident.completed:
            self.completed.labels(board).inc()

    def found_duplicates(self, ticket_ids: Collection[int]) -> bool:
        """Count tickets that carry the reference of an older one, each once; whether any is new."""
        new = set(ticket_ids) - self._duplicates
        self._duplicates |= new
        self.duplicates.inc(len(new))
        return bool(new)
