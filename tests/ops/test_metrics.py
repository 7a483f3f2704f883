"""Gauges of the state and of the process."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from alertd.ops.aliases import LatencyAlias
from alertd.ops.metrics import ProcessMetrics, StateMetrics
from alertd.ops.snapshot import DISPOSITIONS, INCIDENT_STATES, PARKED_REASONS, SILENCE_STATES, Snapshot


def shown(snapshot: Snapshot | None) -> CollectorRegistry:
    registry = CollectorRegistry()
    state = StateMetrics()
    registry.register(state)
    state.show(snapshot)
    return registry


@pytest.mark.parametrize(
    ("metric", "label", "values"),
    [
        ("alertd_alerts", "state", DISPOSITIONS),
        ("alertd_incidents", "state", INCIDENT_STATES),
        ("alertd_parked", "reason", PARKED_REASONS),
    ],
)
def test_every_series_exists_from_the_start(metric: str, label: str, values: tuple[str, ...]) -> None:
    registry = shown(Snapshot())

    assert [registry.get_sample_value(metric, {label: value}) for value in values] == [0.0] * len(values)


def test_what_is_not_known_here_is_counted_as_other() -> None:
    registry = shown(Snapshot(parked={"new_reason": 2, "other": 1, "syntax": 4}, alerts={"new": 3}))

    assert registry.get_sample_value("alertd_parked", {"reason": "other"}) == 3
    assert registry.get_sample_value("alertd_parked", {"reason": "syntax"}) == 4
    assert registry.get_sample_value("alertd_alerts", {"state": "other"}) == 3


def test_the_plain_gauges() -> None:
    registry = shown(
        Snapshot(
            unsettled_incidents=1,
            oldest_unsettled_s=2.5,
            outcome_unknown=3,
            unaccounted_alerts=4,
            configuration_problems=5,
        )
    )

    assert registry.get_sample_value("alertd_unsettled_incidents") == 1
    assert registry.get_sample_value("alertd_oldest_unsettled_seconds") == 2.5
    assert registry.get_sample_value("alertd_outcome_unknown") == 3
    assert registry.get_sample_value("alertd_unaccounted_alerts") == 4
    assert registry.get_sample_value("alertd_configuration_problems") == 5


def test_alertmanagers_names() -> None:
    registry = shown(Snapshot(active_alerts=5, suppressed_alerts=6, operations_done=7, operations_failed=1))

    assert registry.get_sample_value("alertmanager_alerts", {"state": "active"}) == 5
    assert registry.get_sample_value("alertmanager_alerts", {"state": "suppressed"}) == 6
    done = {"integration": "autotask"}
    assert registry.get_sample_value("alertmanager_notifications_total", done) == 8
    failed = {"integration": "autotask", "reason": "other"}
    assert registry.get_sample_value("alertmanager_notifications_failed_total", failed) == 1


def test_what_the_official_rules_and_dashboard_read_is_there() -> None:
    registry = shown(
        Snapshot(
            accepted_alerts=9, alerts={"parked": 2}, silences={"active": 3, "other": 1}, unprocessed_alerts=4
        )
    )
    ProcessMetrics(registry)
    durations = Histogram("calls_seconds", "", ["endpoint"], buckets=[1, 2], registry=registry)
    registry.register(LatencyAlias(registry, "calls_seconds"))
    durations.labels("Tickets").observe(1.5)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"alertmanager_{name}", labels)

    assert value("alerts", state="unprocessed") == 4
    assert [value("silences", state=state) for state in SILENCE_STATES] == [3, 0, 0]
    assert value("alerts_received_total", version="v2") == 9
    assert value("alerts_invalid_total", version="v2") == 2
    assert (value("cluster_members"), value("cluster_failed_peers")) == (1, 0)
    to = {"integration": "autotask", "endpoint": "Tickets"}
    assert value("notification_latency_seconds_bucket", le="1.0", **to) == 0
    assert value("notification_latency_seconds_bucket", le="+Inf", **to) == 1
    assert value("notification_latency_seconds_count", **to) == 1
    assert value("notification_latency_seconds_sum", **to) == 1.5
    assert value("config_last_reload_successful") == 1
    assert (registry.get_sample_value("process_start_time_seconds") or 0) > 0


def test_the_latency_is_missing_where_nobody_measures_it() -> None:
    registry = CollectorRegistry()
    registry.register(LatencyAlias(registry, "calls_seconds"))
    assert list(registry.collect()) == []


def test_a_state_that_cannot_be_read_is_not_made_up() -> None:
    text = generate_latest(shown(None)).decode()

    assert "alertd_state_readable 0.0" in text
    assert "alertd_unsettled_incidents" not in text


def test_names_are_taken_before_there_is_a_state() -> None:
    registry = CollectorRegistry()
    registry.register(StateMetrics())
    with pytest.raises(ValueError, match="Duplicated"):
        registry.register(StateMetrics())


def test_the_process() -> None:
    registry = CollectorRegistry()
    process = ProcessMetrics(registry)
    assert registry.get_sample_value("alertd_build_info", {"version": "0.1.0"}) == 1
    assert registry.get_sample_value("alertd_config_last_reload_successful") == 1
    assert (
        registry.get_sample_value("alertmanager_build_info", {"version": "0.34.0", "branch": "alertd"}) == 1
    )

    process.reloaded(well=False)
    process.configuration(b"one")
    first = registry.get_sample_value("alertmanager_config_hash")
    process.configuration(b"two")

    assert registry.get_sample_value("alertd_config_last_reload_successful") == 0
    assert registry.get_sample_value("alertmanager_config_last_reload_successful") == 0
    assert registry.get_sample_value("alertmanager_config_hash") != first
