"""Folding alerts through a configuration in virtual time, against an Autotask that is always there.

What the daemon's loops do with a clock, a store and a tenant, `Replay` does with time as an argument: the
same `Fold`, the same `Tick` at the same instants, the same next operation. `[[tests]]` and `alertd replay`
are both this.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from alertd.core.alerts import AlertKey
from alertd.core.boards import BoardSettings
from alertd.core.conditions import Condition
from alertd.core.deciding import due_at
from alertd.core.folding import Fold, Message, Routing
from alertd.core.ideal_desk import IdealDesk, Made, Pressure, Row
from alertd.core.inhibiting import InhibitRule, InhibitRules
from alertd.core.inhibition import Inhibition
from alertd.core.silences import NO_SILENCES
from alertd.core.suppressions import Suppressor
from alertd.core.ticket_parts import Pick
from alertd.core.tickets import Board


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What decides what becomes of alerts. `suppressions` is whatever holds new tickets back."""

    routing: Routing
    boards: Mapping[str, Board]
    picks: Sequence[Pick]  # what the boards' ids stand for
    suppressions: Suppressor = NO_SILENCES
    inhibit: tuple[InhibitRule, ...] = ()
    instance: str = "alertd"

    @property
    def vocabulary(self) -> frozenset[str]:
        """Every tag that the configuration can put on a ticket."""
        own = {tag for board in self.boards.values() for tag in (*board.tags, *board.state_tags.values())}
        return frozenset(own.union(*(policy.tags for policy in self.routing.policies.values())))


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One ticket as it would have been made and kept, at the end of the replay."""

    incident: str  # key
    generation: int
    opener: AlertKey  # of the alert that came first
    receipt: str
    title: str
    client: str
    route: str
    board: str
    priority: Pick
    tags: tuple[str, ...] = ()
    alerts: int = 1  # that it has told of
    created_at: datetime
    completed_at: datetime | None = None
    calls: Mapping[str, int] = {}  # by name; read-backs are shared, and counted for all together


class Replay:
    """One configuration's course of events. Give it messages in the order of their times.

    Args:
        scene: The configuration.
        pressure: How much of the tenant's allowance is used, all the time.
    """

    def __init__(self, scene: Scene, *, pressure: Pressure = "green") -> None:
        self._scene = scene
        self._desk = IdealDesk(instance=scene.instance, vocabulary=scene.vocabulary, pressure=pressure)
        self._conditions: dict[AlertKey, Condition] = {}
        self._inhibition = Inhibition(InhibitRules(scene.inhibit))
        self._due: list[tuple[datetime, bool, str]] = []  # a heap; whether an incident's, and the key
        self._read_back_at: set[datetime] = set()
        self._planned: dict[tuple[str, int], Planned] = {}
        self.rows: dict[str, Row] = {}

    # --- what happened --------------------------------------------------------------------------------

    @property
    def tickets(self) -> list[Planned]:
        """All tickets, in the order in which they were made."""
        return list(self._planned.values())

    @property
    def read_backs(self) -> int:
        """How many queries read new tickets back: one for all that were made at one instant."""
        return len(self._read_back_at)

    def incidents_of(self, key: AlertKey) -> tuple[str, ...]:
        """Return the keys of the incidents of an alert, that of its first route first."""
        return self._conditions[key].incidents if key in self._conditions else ()

    # --- what happens ---------------------------------------------------------------------------------

    def take(self, messages: Sequence[Message], now: datetime) -> None:
        """Let time pass until `now`, then fold in what came in one request."""
        self.pass_time(now)
        fold = self._fold({message.alert.key for message in messages}, now)
        fold.observe(messages)
        self._decide(fold, (), now)

    def pass_time(self, until: datetime) -> None:
        """Let happen what time brings up to this instant, each at its own."""
        while self._due and self._due[0][0] <= until:
            now = self._due[0][0]
            alert_keys, incident_keys = self._come(now)
            if alert_keys or incident_keys:
                fold = self._fold(alert_keys, now)
                fold.expire(sorted(alert_keys))
                self._decide(fold, incident_keys, now)

    def _come(self, now: datetime) -> tuple[set[AlertKey], list[str]]:
        """Take from the heap what is due now; what has moved since is due later, or never."""
        alert_keys: set[AlertKey] = set()
        incident_keys: set[str] = set()
        while self._due and self._due[0][0] <= now:
            _, is_incident, key = heapq.heappop(self._due)
            if is_incident:
                at = due_at(self.rows[key].incident)
                incident_keys.update({key} if at is not None and at <= now else ())
            else:
                at = self._conditions[AlertKey(key)].expires_at
                alert_keys.update({AlertKey(key)} if at is not None and at <= now else ())
        return alert_keys, sorted(incident_keys)

    def _fold(self, alert_keys: Iterable[AlertKey], now: datetime) -> Fold:
        scene = self._scene
        fold = Fold(scene.routing, now=now, suppressions=scene.suppressions, inhibition=self._inhibition)
        fold.conditions = {key: self._conditions[key] for key in alert_keys if key in self._conditions}
        return fold

    def _decide(self, fold: Fold, ticked: Sequence[str], now: datetime) -> None:
        needed = fold.needed_incidents() | set(ticked)
        rows = {key: self.rows[key] for key in needed if key in self.rows}
        fold.incidents = {key: row.incident for key, row in rows.items()}
        fold.committed = {key: row.incident.generation for key, row in rows.items() if row.known.may_stand}
        for unheard in fold.unheard(ticked):
            fold.conditions[unheard] = self._conditions[unheard]
        fold.decide()
        fold.tick(ticked)
        for alert_key in sorted(fold.changed_conditions):
            self._keep_condition(fold.conditions[alert_key])
        for key in sorted(fold.changed_incidents):
            before = self.rows.get(key, Row(fold.incidents[key]))
            self._settle(key, replace(before, incident=fold.incidents[key]), now)
        self._follow_inhibition(fold, now)

    def _follow_inhibition(self, fold: Fold, now: datetime) -> None:
        """Let what is released, and what tells of it, happen at once."""
        self._inhibition.told(fold.told_of_held)
        self._inhibition.commit(map(fold.conditions.__getitem__, fold.changed_conditions), fold.incidents)
        due = self._inhibition.take_due(len(self.rows), now)
        if due:
            self._decide(self._fold((), now), due, now)

    def _keep_condition(self, condition: Condition) -> None:
        self._conditions[condition.key] = condition
        if condition.expires_at is not None:
            heapq.heappush(self._due, (condition.expires_at, False, condition.key))

    def _settle(self, key: str, row: Row, now: datetime) -> None:
        board = self._scene.boards[row.incident.policy.board]
        for made in self._desk.settle(row, board, now):
            row = made.row
            if not row.withheld:
                self._book(made, now)
        self.rows[key] = row
        at = due_at(row.incident)
        if at is not None:
            heapq.heappush(self._due, (at, True, key))

    def _book(self, made: Made, now: datetime) -> None:
        """Keep what the call changed in its ticket."""
        incident, level = made.row.incident, made.level
        key = (incident.key, incident.generation)
        before = self._planned.get(key) or self._begun(made, now)
        calls = Counter(before.calls)
        if made.name == "read back":
            self._read_back_at.add(now)
        else:
            calls[made.name] += 1
        self._planned[key] = replace(
            before,
            priority=self._scene.picks[level.priority],
            tags=tuple(sorted(made.row.known.tags)),
            alerts=max(before.alerts, len(incident.members)),
            completed_at=(before.completed_at or now) if incident.completed else None,
            calls=dict(calls),
        )

    def _begun(self, made: Made, now: datetime) -> Planned:
        incident = made.row.incident
        opener, first = next(iter(incident.members.items()))
        return Planned(
            incident=incident.key,
            generation=incident.generation,
            opener=opener,
            receipt=incident.receipt,
            title=first.title,
            client=incident.client,
            route=incident.policy.route_name,
            board=incident.policy.board,
            priority=self._scene.picks[made.level.priority],
            created_at=now,
        )


def imaginary_boards(boards: Iterable[BoardSettings]) -> tuple[dict[str, Board], tuple[Pick, ...]]:
    """Return the boards with ids that no tenant gave them, and what these ids stand for, in order.

    Picks that are written alike are one, whichever board they are of.
    """
    picks: dict[Pick, int] = {}

    def number(pick: Pick) -> int:
        return picks.setdefault(pick, len(picks))

    made = {
        board.name: Board(
            name=board.name,
            queue_id=number(board.queue),
            priority_by_severity={severity: number(pick) for severity, pick in board.priority.items()},
            status_new=number(board.status.new),
            status_done=number(board.status.done),
            tags=tuple(board.tags),
            state_tags=dict(board.state_tags.items()),
        )
        for board in boards
    }
    return made, tuple(picks)
