"""One look at the whole state, for metrics, `alertd status` and readiness detail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from alertd import __version__
from alertd.ops.snapshot import PARKED_REASONS, Snapshot
from alertd.store.store import Reader


async def take_snapshot(reader: Reader, *, now: datetime, unclear: int) -> Snapshot:
    """Read the state.

    Args:
        reader: Of the store.
        now: For ages.
        unclear: Operations whose outcome is unknown just now.
    """
    accounts = await reader.accounts()
    alerts = Counter(accounts.totals)
    alerts["pending"] += accounts.undecided
    states = await reader.counts_by_state()
    unsettled = await reader.unsettled()
    parked = Counter[str]()
    for reason, count in (await reader.parked_by_reason()).items():
        parked[reason if reason in PARKED_REASONS else "other"] += count
    parked["incident"] += states.get("parked", 0)
    age = (now - unsettled.oldest_since).total_seconds() if unsettled.oldest_since is not None else 0.0
    return Snapshot(
        accepted_alerts=accounts.accepted,
        alerts=alerts,
        incidents=states,
        unsettled_incidents=unsettled.count,
        oldest_unsettled_s=max(age, 0.0),
        outcome_unknown=unclear,
        parked=parked,
        unaccounted_alerts=accounts.unaccounted,
        active_alerts=await reader.count_firing(),
    )


def status(snapshot: Snapshot, *, detail: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return how alertd is, for people."""
    return {
        "version": __version__,
        "accepted_messages": snapshot.accepted_alerts,
        "alerts": {name: count for name, count in snapshot.alerts.items() if count},
        "incidents": {name: count for name, count in snapshot.incidents.items() if count},
        "unsettled": snapshot.unsettled_incidents,
        "oldest_unsettled_s": round(snapshot.oldest_unsettled_s, 1),
        "outcome_unknown": snapshot.outcome_unknown,
        "parked": {name: count for name, count in snapshot.parked.items() if count},
        "unaccounted": snapshot.unaccounted_alerts,
        **detail(),
    }
