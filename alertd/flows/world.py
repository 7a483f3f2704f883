"""Everything the flows are given: the ports, and the few values that hold for the whole process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from alertd.flows.crashes import CrashPoint, never
from alertd.flows.metrics import SettlingMetrics
from alertd.flows.ports import Clock, Desk, Journal, State


@dataclass(frozen=True, kw_only=True)
class World:
    """One process's surroundings."""

    journal: Journal
    state: State
    desk: Desk
    clock: Clock
    metrics: SettlingMetrics
    instance: str  # makes the references of several alertds on one tenant differ
    owner: str  # this process, among those that share a store
    jitter: Callable[[], float]  # uniform in [0, 1)
    crash: CrashPoint = never
