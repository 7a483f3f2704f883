"""What Prometheus learns of our calls."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

ENDPOINTS = (
    "ZoneInformation",
    "ThresholdInformation",
    "Tickets",
    "TicketNotes",
    "TicketTagAssociations",
    "Tags",
    "TagGroups",
    "Companies",
    "ResourceRoleQueues",
)
OUTCOMES = ("ok", "unavailable", "throttled", "rejected", "unknown", "auth")
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class AutotaskMetrics:
    """Built once per registry; every known series exists from the start, at zero."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "alertd_autotask_requests_total",
            "HTTP requests to Autotask, by endpoint and by what to do next.",
            ["endpoint", "outcome"],
            registry=registry,
        )
        self.duration = Histogram(
            "alertd_autotask_request_duration_seconds",
            "Time from sending a request to Autotask until its answer was read.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.budget_remaining = Gauge(
            "alertd_autotask_budget_remaining",
            "Calls that alertd may still make in this rolling hour, of its own share.",
            registry=registry,
        )
        self.tenant_usage = Gauge(
            "alertd_autotask_tenant_usage_ratio",
            "Share of the tenant's hourly allowance that all integrations have used, as last read.",
            registry=registry,
        )
        self.pressure = Gauge(
            "alertd_pressure_level",
            "How hard the budget makes alertd fold: 0 green, 1 yellow, 2 orange, 3 red.",
            registry=registry,
        )
        for endpoint in ENDPOINTS:
            for outcome in OUTCOMES:
                self.requests.labels(endpoint, outcome)
