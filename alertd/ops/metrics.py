"""Gauges of the state, read from a snapshot at scrape time, and of the process."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from alertd import __version__
from alertd.ops.aliases import aliases
from alertd.ops.snapshot import DISPOSITIONS, INCIDENT_STATES, PARKED_REASONS, Snapshot

API_VERSION = "0.34.0"  # the Alertmanager whose API we speak; karma decides by it what it may ask
OTHER = "other"
_READABLE = "alertd_state_readable"


class StateMetrics(Collector):
    """Shows the newest snapshot. The admin API takes one for each scrape, so that no gauge is older."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None

    def show(self, snapshot: Snapshot | None) -> None:
        """Show this from now on; None: the state cannot be read, and nothing is better than what was."""
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        """Yield every gauge; label values come from closed sets."""
        now = self._snapshot
        yield GaugeMetricFamily(_READABLE, "Whether the state could be read.", value=float(now is not None))
        if now is None:
            return
        yield _by("alertd_alerts", "Accepted alert messages, by what became of them.", "state", now.alerts)
        yield _by("alertd_incidents", "Incidents that are not closed, by state.", "state", now.incidents)
        yield _by("alertd_parked", "What was set aside for a person, by reason.", "reason", now.parked)
        for name, (meaning, read) in _PLAIN.items():
            yield GaugeMetricFamily(name, meaning, value=float(read(now)))
        yield from aliases(now)

    def describe(self) -> Iterator[Metric]:
        """Yield the names without values: registering must not need a store."""
        for name in (_READABLE, *_CLOSED, *_PLAIN):
            yield GaugeMetricFamily(name, "")
        yield from aliases(Snapshot())


_CLOSED = {
    "alertd_alerts": DISPOSITIONS,
    "alertd_incidents": INCIDENT_STATES,
    "alertd_parked": PARKED_REASONS,
}

_PLAIN: Mapping[str, tuple[str, Callable[[Snapshot], float]]] = {
    "alertd_unsettled_incidents": (
        "Incidents whose ticket is not yet as it should be.",
        lambda now: now.unsettled_incidents,
    ),
    "alertd_oldest_unsettled_seconds": (
        "How long the oldest unsettled incident has been so. The one to page on.",
        lambda now: now.oldest_unsettled_s,
    ),
    "alertd_outcome_unknown": (
        "Operations that may have been applied and have not been found yet.",
        lambda now: now.outcome_unknown,
    ),
    "alertd_configuration_problems": (
        "Queues, statuses and the like that the configuration names and Autotask does not have.",
        lambda now: now.configuration_problems,
    ),
    "alertd_unaccounted_alerts": (
        "Accepted alert messages that no disposition counts. Anything but 0 is a fault in alertd.",
        lambda now: now.unaccounted_alerts,
    ),
}


def _by(name: str, meaning: str, label: str, values: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=[label])
    known = _CLOSED[name]
    for value in known:
        family.add_metric([value], values.get(value, 0))
    # what a newer store counts under a name that is not known here must not vanish from the sum
    rest = sum(count for value, count in values.items() if value not in known)
    if rest and OTHER not in known:
        family.add_metric([OTHER], rest)
    elif rest:
        family.samples = [
            sample._replace(value=sample.value + rest) if sample.labels[label] == OTHER else sample
            for sample in family.samples
        ]
    return family


class ProcessMetrics:
    """What is known of this process itself; set by `app`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        ProcessCollector(registry=registry)  # process_start_time_seconds among others, which rules read
        build = Gauge("alertd_build_info", "Version of this process.", ["version"], registry=registry)
        build.labels(__version__).set(1)
        alias = Gauge(
            "alertmanager_build_info",
            "The version of Alertmanager's API that is spoken here.",
            ["version", "branch"],
            registry=registry,
        )
        alias.labels(API_VERSION, "alertd").set(1)
        self._reloaded = [
            Gauge(f"{prefix}_config_last_reload_successful", meaning, registry=registry)
            for prefix, meaning in (
                ("alertd", "Whether the configuration on disk is the one in force."),
                ("alertmanager", "Alertmanager's name for the same."),
            )
        ]
        self._hash = Gauge(
            "alertmanager_config_hash", "A number that changes with the configuration.", registry=registry
        )
        for gauge in self._reloaded:
            gauge.set(1)

    def reloaded(self, *, well: bool) -> None:
        """Note how the last reload went. The start counts as one."""
        for gauge in self._reloaded:
            gauge.set(int(well))

    def configuration(self, text: bytes) -> None:
        """Note which configuration is in force."""
        # 48 bits are exact in the double that a gauge is
        self._hash.set(int.from_bytes(hashlib.sha256(text).digest()[:6], "big"))
