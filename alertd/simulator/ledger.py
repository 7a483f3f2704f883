"""The call ledger: what reached the simulator, what became of it, and the totals that tests assert on."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

import msgspec

from alertd.simulator.faults import Target
from alertd.simulator.wire import JSON, SimReply, SimRequest, Transport

_KEPT = 200_000


class Entry(msgspec.Struct, kw_only=True):
    """One call. `status` is null while it is in flight; `reply` is how the answer travelled."""

    number: int
    at: float
    method: str
    path: str
    endpoint: str
    user: str
    action: str
    in_flight: int = 0
    counted: bool = False
    status: int | None = None
    reply: str | None = None
    item_id: int | None = None
    delay_s: float = 0.0
    finished_at: float | None = None
    faults: list[str] = msgspec.field(default_factory=list)
    summary: str = ""
    fields: list[str] = msgspec.field(default_factory=list)


class Ledger:
    """Calls in order, the oldest dropped beyond a bound; totals are never dropped."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=_KEPT)
        self.totals: Counter[tuple[str, str]] = Counter()
        self.statuses: Counter[str] = Counter()
        self.actions: Counter[tuple[str, str]] = Counter()
        self.dropped = 0
        self._number = 0

    def open(self, request: SimRequest, target: Target, now: float) -> Entry:
        """Note a call that has arrived."""
        self._number += 1
        entry = Entry(
            number=self._number,
            at=now,
            method=request.method,
            path=request.path,
            endpoint=target.endpoint,
            action=target.action,
            user=target.user,
        )
        self.entries.append(entry)
        self.totals[target.endpoint, request.method] += 1
        return entry

    def admit(self, entry: Entry) -> None:
        """Count a call that was let in, by its action, such as `query`, `create` or `update`."""
        self.actions[entry.endpoint, entry.action] += 1

    def close(self, entry: Entry, reply: SimReply, now: float) -> None:
        """Note what became of a call. The status is what was answered or would have been."""
        entry.status, entry.reply, entry.finished_at = reply.status, reply.transport.value, now
        answered = reply.transport is Transport.SEND
        self.dropped += not answered
        self.statuses[str(reply.status) if answered else "none"] += 1

    def summary(self) -> JSON:
        """Return totals per endpoint by method and by action, and per status (`none`: not answered)."""
        return {
            "total": self._number,
            "totals": _nested(self.totals),
            "actions": _nested(self.actions),
            "statuses": dict(sorted(self.statuses.items())),
            "unanswered": self.dropped,
        }

    def clear(self) -> None:
        """Forget all calls and totals."""
        self.entries.clear()
        self.totals.clear()
        self.statuses.clear()
        self.actions.clear()
        self.dropped = self._number = 0


def _nested(counts: Counter[tuple[str, str]]) -> JSON:
    found: JSON = {}
    for (endpoint, name), count in sorted(counts.items()):
        found.setdefault(endpoint, {})[name] = count
    return found


def describe_body(entry: Entry, body: Any) -> None:
    """Put a summary of a query's filter, or the names of written fields, into an entry."""
    if not isinstance(body, dict):
        return
    conditions = next((value for key, value in body.items() if str(key).lower() == "filter"), None)
    if isinstance(conditions, list):
        entry.summary = "; ".join(_condition(each) for each in conditions[:20])[:1000]
    else:
        entry.fields = [str(name) for name in body][:100]


def _condition(each: Any) -> str:
    if not isinstance(each, dict):
        return str(each)[:50]
    if isinstance(each.get("items"), list):
        return f"{each.get('op')}({', '.join(_condition(item) for item in each['items'][:20])})"
    value = each.get("value")
    shown = f"[{len(value)} values]" if isinstance(value, list) and len(value) > 5 else value
    return f"{each.get('field')} {each.get('op')} {shown}"[:200]
