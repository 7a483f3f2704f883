"""What Prometheus learns of our calls."""

from __future__ import annotations

import math
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from alertd.autotask.holding import Cause
from alertd.autotask.precedence import Precedence
from alertd.autotask.scheduler import Scheduler
from alertd.flows.ports import Clock

ENDPOINTS = (
    "ZoneInformation",
    "ThresholdInformation",
    "Tickets",
    "TicketNotes",
    "TimeEntries",
    "TicketTagAssociations",
    "Tags",
    "TagGroups",
    "Companies",
    "CompanyLocations",
    "Contacts",
    "ConfigurationItems",
    "TicketCategoryFieldDefaults",
    "ResourceRoleQueues",
    "Resources",
    "TicketWebhooks",
    "TicketWebhookFields",
    "TicketWebhookExcludedResources",
    "Contracts",
    "ContractServices",
    "ContractServiceUnits",
    "ContractServiceAdjustments",
    "ContractServiceBundles",
    "ContractServiceBundleUnits",
    "ContractServiceBundleAdjustments",
    "Services",
    "ServiceBundles",
    "Products",
)
OUTCOMES = ("ok", "unavailable", "throttled", "rejected", "unknown", "auth")
REFUSALS = ("threads", "threshold", "credential")
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class AutotaskMetrics:
    """Built once per registry; every known series exists from the start, at zero."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._count_calls(registry)
        self._show_budget(registry)
        self._show_holding(registry)

    def _count_calls(self, registry: CollectorRegistry) -> None:
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
        for endpoint in ENDPOINTS:
            for outcome in OUTCOMES:
                self.requests.labels(endpoint, outcome)

    def _show_budget(self, registry: CollectorRegistry) -> None:
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
        self.foreign = Gauge(
            "alertd_autotask_foreign_calls",
            "Calls of the rolling hour that other integrations of the tenant made, as last read.",
            registry=registry,
        )
        self.exhausted = Gauge(
            "alertd_autotask_budget_exhausted_seconds",
            "Seconds until alertd's own share is spent if calls go on as in the last 5 minutes; +Inf: never.",
            registry=registry,
        )
        self.exhausted.set(math.inf)

    def _show_holding(self, registry: CollectorRegistry) -> None:
        self.waiting = Gauge(
            "alertd_autotask_waiting_calls",
            "Calls that wait for a slot, or for the instant from which they may go.",
            ["class"],
            registry=registry,
        )
        self.circuit = Gauge(
            "alertd_autotask_circuit_state",
            "Whether calls to an endpoint go: 0 they do, 1 a probe is on its way, 2 none goes.",
            ["endpoint"],
            registry=registry,
        )
        self.refusals = Counter(
            "alertd_autotask_refusals_total",
            "Calls that Autotask refused for their number or for the credential.",
            ["cause"],
            registry=registry,
        )
        self.held = Counter(
            "alertd_autotask_held_calls_total",
            "Calls that alertd held back itself, by why.",
            ["cause"],
            registry=registry,
        )
        for cause in REFUSALS:
            self.refusals.labels(cause)
        for held in Cause:
            self.held.labels(held.value)

    def watch(self, scheduler: Scheduler, clock: Clock) -> None:
        """Read what changes with time alone from the scheduler whenever somebody asks."""
        self.exhausted.set_function(lambda: scheduler.exhausted_in(clock.now()))
        for each in Precedence:
            self.waiting.labels(each.name.lower()).set_function(
                partial(_waiting, scheduler=scheduler, clock=clock, precedence=each)
            )
        for endpoint in ENDPOINTS:
            self.circuit.labels(endpoint).set_function(partial(_circuit, scheduler, endpoint))


def _waiting(*, scheduler: Scheduler, clock: Clock, precedence: Precedence) -> float:
    return scheduler.waiting(clock.now())[precedence]


def _circuit(scheduler: Scheduler, endpoint: str) -> float:
    return scheduler.circuit(endpoint).value
