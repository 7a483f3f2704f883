"""How many alerts a second the decide flow takes to the disk: first seen, and repeats."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from alertd.app.clock import SystemClock
from alertd.app.process import GC_THRESHOLD
from alertd.core.alerts import Alert, Severity, Status
from alertd.core.folding import Routing
from alertd.core.identity import fingerprint
from alertd.core.route_settings import RootRouteSettings
from alertd.core.routes import build_tree
from alertd.flows.deciding import BATCH_MESSAGES, Decider, Work
from alertd.flows.metrics import SettlingMetrics
from alertd.flows.ports import Entry, Envelope
from alertd.flows.world import World
from alertd.store.opening import open_store
from alertd.store.settings import StoreSettings
from alertd.store.store import Store

ALERTS = 20_000
ROUNDS = 3


async def decided_per_second() -> dict[str, list[float]]:
    """Return the figures of each round, by what was measured. Memory is collected as the daemon does."""
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)
    figures: dict[str, list[float]] = {"first-seen alerts decided": [], "repeated alerts decided": []}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="alertd-bench-", dir=Path(__file__).parent.parent) as folder:
            settings = StoreSettings(url=f"sqlite:///{folder}/alertd.db", min_free=0)
            clock = SystemClock()
            async with open_store(settings, clock=clock, registry=CollectorRegistry()) as store:
                decider = _decider(store, clock)
                for rounds in figures.values():  # the second time round the same alerts repeat
                    rounds.append(await _round(decider, store, clock))
    return figures


def _decider(store: Store, clock: SystemClock) -> Decider:
    tree = build_tree(RootRouteSettings.model_validate({"board": "noc"}))
    routing = Routing(tree, {"root": tree.matched.policy})
    desk: Any = None  # nothing is sent
    world = World(
        journal=store,
        state=store,
        desk=desk,
        clock=clock,
        metrics=SettlingMetrics(CollectorRegistry(), []),
        instance="bench",
        owner="bench",
        jitter=lambda: 0.5,
    )
    return Decider(world, routing=lambda: routing, read=lambda envelope: (), wake_settling=lambda: None)


async def _round(decider: Decider, store: Store, clock: SystemClock) -> float:
    works = await _journalled(store, clock)
    began = time.perf_counter()
    for start in range(0, len(works), BATCH_MESSAGES):
        await decider.decide(works[start : start + BATCH_MESSAGES])
    return len(works) / (time.perf_counter() - began)


async def _journalled(store: Store, clock: SystemClock) -> list[Work]:
    works = []
    for start in range(0, ALERTS, 512):
        alerts = [_alert(number) for number in range(start, min(start + 512, ALERTS))]
        envelopes = [_envelope(clock, time.perf_counter_ns() + number) for number in range(len(alerts))]
        appended = await asyncio.gather(*(store.append(envelope) for envelope in envelopes))
        for alert, envelope, row in zip(alerts, envelopes, appended, strict=True):
            works.append(Work(Entry(row.journal_id, envelope), [alert]))
    return works


def _envelope(clock: SystemClock, number: int) -> Envelope:
    return Envelope(
        receipt=f"{number:026}", source="bench", kind="alertmanager", received_at=clock.now(), body=b"x" * 500
    )


def _alert(number: int) -> Alert:
    sent = {
        "alertname": "DiskFull",
        "instance": f"srv{number}:9100",
        "customer": f"Customer {number % 200}",
        "job": "node",
        "severity": "warning",
    }
    return Alert(
        source="bench",
        fingerprint=fingerprint(sent),
        status=Status.FIRING,
        severity=Severity.WARNING,
        labels={**sent, "host": f"srv{number}", "client": sent["customer"], "source": "bench"},
        annotations={"title": "Disk D: is 96 % full"},
        sent_labels=sent,
    )
