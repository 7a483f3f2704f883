"""Alertmanager's names for what we count, so that its official rules and dashboards work unchanged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from alertd.ops.snapshot import SILENCE_STATES, Snapshot

INTEGRATION = "autotask"
_VERSION = "v2"
_REASON = "other"
_LATENCY = "alertmanager_notification_latency_seconds"
_LATENCY_MEANING = "Alertmanager's name for the time that calls to Autotask take."


def aliases(now: Snapshot) -> Iterator[Metric]:
    """Yield what the state says under Alertmanager's names."""
    alerts = {
        "active": now.active_alerts,
        "suppressed": now.suppressed_alerts,
        "unprocessed": now.unprocessed_alerts,
    }
    yield _gauges("alerts", "the conditions that fire", "state", alerts)
    silences = {state: now.silences.get(state, 0) for state in SILENCE_STATES}
    yield _gauges("silences", "the silences that are kept", "state", silences)
    yield _gauge("cluster_members", "the nodes that this one knows of, itself among them", 1)
    yield _gauge("cluster_failed_peers", "those that have failed", 0)
    by = {"version": _VERSION}
    yield _counter("alerts_received", "the alert messages that were accepted", by, now.accepted_alerts)
    yield _counter("alerts_invalid", "those that are parked", by, now.alerts.get("parked", 0))
    to = {"integration": INTEGRATION}
    attempts = now.operations_done + now.operations_failed
    yield _counter("notifications", "operations on tickets", to, attempts)
    why = {**to, "reason": _REASON}
    yield _counter("notifications_failed", "operations that failed", why, now.operations_failed)


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"alertmanager_{name}", f"Alertmanager's name for {what}.", value=value)


def _gauges(name: str, what: str, label: str, values: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(f"alertmanager_{name}", f"Alertmanager's name for {what}.", labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family


def _counter(name: str, what: str, labels: Mapping[str, str], value: float) -> Metric:
    family = CounterMetricFamily(
        f"alertmanager_{name}", f"Alertmanager's name for {what}.", labels=list(labels)
    )
    family.add_metric(list(labels.values()), value)
    return family


class LatencyAlias(Collector):
    """Shows one histogram of the registry under Alertmanager's name for how long notifications take.

    Args:
        registry: Where the histogram is, once somebody has registered it.
        histogram: Its name. Its labels are not shown.
    """

    def __init__(self, registry: CollectorRegistry, histogram: str) -> None:
        self._registry = registry
        self._names = [f"{histogram}{end}" for end in ("_bucket", "_sum", "_count")]

    def collect(self) -> Iterator[Metric]:
        """Yield it, if it is there."""
        for metric in self._registry.restricted_registry(self._names).collect():
            shown = HistogramMetricFamily(_LATENCY, _LATENCY_MEANING, labels=["integration"])
            for sample in metric.samples:
                end = sample.name.removeprefix(metric.name)
                if end in ("_bucket", "_sum", "_count"):
                    shown.add_sample(
                        f"{_LATENCY}{end}", {**sample.labels, "integration": INTEGRATION}, sample.value
                    )
            yield shown

    def describe(self) -> Iterator[Metric]:
        """Yield the name: what it is read from need not be there yet."""
        yield HistogramMetricFamily(_LATENCY, _LATENCY_MEANING)
