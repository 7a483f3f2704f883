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
from typing import Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from alertd.core import digest_text
from alertd.core.alerts import AlertKey
from alertd.core.boards import BoardSettings
from alertd.core.conditions import Condition
from alertd.core.deciding import due_at
from alertd.core.folding import Fold, Message, Routing
from alertd.core.ideal_desk import IdealDesk, Made, Pressure, Row
from alertd.core.incidents import Incident, IncidentKind
from alertd.core.inhibiting import InhibitRule, InhibitRules
from alertd.core.inhibition import Inhibition
from alertd.core.levels import known_for, urgency
from alertd.core.memory import Memory
from alertd.core.routes import Policy
from alertd.core.silences import NO_SILENCES
from alertd.core.stepping import step
from alertd.core.storms import NO_STORMS, PRESSURES, StormTerms, note_interval
from alertd.core.suppressions import Suppressor
from alertd.core.ticket_parts import Pick
from alertd.core.tickets import Board

_Whose: TypeAlias = Literal["alert", "incident", "note"]  # note: an incident's, that had to wait


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What decides what becomes of alerts. `suppressions` is whatever holds new tickets back."""

    routing: Routing
    boards: Mapping[str, Board]
    picks: Sequence[Pick]  # what the boards' ids stand for
    suppressions: Suppressor = NO_SILENCES
    inhibit: tuple[InhibitRule, ...] = ()
    storms: StormTerms = NO_STORMS  # its pressure is the replay's
    instance: str = "alertd"

    @property
    def vocabulary(self) -> frozenset[str]:
        """Every tag that the configuration can put on a ticket."""
        own = {tag for board in self.boards.values() for tag in (*board.tags, *board.state_tags.values())}
        return frozenset(own.union(*(policy.tags for policy in self.routing.policies.values())))

    def board(self, policy: Policy) -> Board:
        """Return the board as it is for the tickets of a route, which may have priorities of its own."""
        board, own = self.boards[policy.board], policy.form.priority
        if not own:
            return board
        ids = {severity: self.picks.index(pick) for severity, pick in own.items()}
        return replace(board, priority_by_severity=board.priority_by_severity | ids)


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One ticket as it would have been made and kept, at the end of the replay."""

    incident: str  # key
    kind: IncidentKind = "problem"
    generation: int
    opener: AlertKey  # of the alert that came first
    receipt: str
    title: str
    client: str
    route: str
    board: str
    priority: Pick
    tags: tuple[str, ...] = ()
    alerts: int = 1  # that it has told of; of a storm: incidents folded into it
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
        self._storms = replace(scene.storms, pressure=PRESSURES.index(pressure))
        self._desk = IdealDesk(
            instance=scene.instance,
            vocabulary=scene.vocabulary,
            pressure=pressure,
            note_interval=note_interval(self._storms),
        )
        self._memory = Memory()
        self._inhibition = Inhibition(InhibitRules(scene.inhibit))
        self._due: list[tuple[datetime, _Whose, str]] = []  # a heap
        self._read_back_at: set[datetime] = set()
        self._planned: dict[tuple[str, int], Planned] = {}

    # --- what happened --------------------------------------------------------------------------------

    @property
    def tickets(self) -> list[Planned]:
        """All tickets, in the order in which they were made."""
        return list(self._planned.values())

    @property
    def rows(self) -> Mapping[str, Row]:
        """All incidents, with what is known of their tickets, by key."""
        return self._memory.rows

    @property
    def read_backs(self) -> int:
        """How many queries read new tickets back: one for all that were made at one instant."""
        return len(self._read_back_at)

    def incidents_of(self, key: AlertKey) -> tuple[str, ...]:
        """Return the keys of the incidents of an alert, that of its first route first."""
        condition = self._memory.conditions.get(key)
        return condition.incidents if condition is not None else ()

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
            due = self._come(now)
            if due["alert"] or due["incident"]:
                fold = self._fold(map(AlertKey, due["alert"]), now)
                fold.expire(map(AlertKey, sorted(due["alert"])))
                self._decide(fold, sorted(due["incident"]), now)
            for key in sorted(due["note"] - due["incident"]):
                self._settle(key, self.rows[key], now)

    def _come(self, now: datetime) -> dict[_Whose, set[str]]:
        """Take from the heap what is due now; what has moved since is due later, or never."""
        found: dict[_Whose, set[str]] = {"alert": set(), "incident": set(), "note": set()}
        while self._due and self._due[0][0] <= now:
            _, whose, key = heapq.heappop(self._due)
            at = self._due_at(whose, key)
            if whose == "note" or (at is not None and at <= now):
                found[whose].add(key)
        return found

    def _due_at(self, whose: _Whose, key: str) -> datetime | None:
        if whose == "alert":
            return self._memory.conditions[AlertKey(key)].expires_at
        return due_at(self.rows[key].incident)

    def _fold(self, alert_keys: Iterable[AlertKey], now: datetime) -> Fold:
        fold = Fold(
            self._scene.routing,
            now=now,
            suppressions=self._scene.suppressions,
            inhibition=self._inhibition,
            storms=self._storms,
        )
        fold.conditions = self._memory.known(alert_keys)
        return fold

    def _decide(self, fold: Fold, ticked: Sequence[str], now: datetime) -> None:
        for need in step(fold, ticked):
            self._memory.give(fold, need)
        for alert_key in sorted(fold.changed_conditions):
            self._keep_condition(fold.conditions[alert_key])
        for key in sorted(fold.changed_incidents, key=lambda key: (urgency(fold.incidents[key]), key)):
            before = self.rows.get(key, Row(fold.incidents[key]))
            known = known_for(before.known, before=before.incident, after=fold.incidents[key])
            self._settle(key, replace(before, incident=fold.incidents[key], known=known), now)
        self._follow_inhibition(fold, now)

    def _follow_inhibition(self, fold: Fold, now: datetime) -> None:
        """Let what is released, and what tells of it, happen at once."""
        self._inhibition.told(fold.told_of_held)
        self._inhibition.commit(map(fold.conditions.__getitem__, fold.changed_conditions), fold.incidents)
        due = self._inhibition.take_due(len(self.rows), now)
        if due:
            self._decide(self._fold((), now), due, now)

    def _keep_condition(self, condition: Condition) -> None:
        self._memory.conditions[condition.key] = condition
        if condition.expires_at is not None:
            heapq.heappush(self._due, (condition.expires_at, "alert", condition.key))

    def _settle(self, key: str, row: Row, now: datetime) -> None:
        board = self._scene.board(row.incident.policy)
        for made in self._desk.settle(row, board, now):
            row = made.row
            if not row.withheld:
                self._book(made, now)
        self._memory.keep(key, row)
        at, note_at = due_at(row.incident), self._desk.due_at(row, board, now)
        if at is not None:
            heapq.heappush(self._due, (at, "incident", key))
        if note_at is not None:
            heapq.heappush(self._due, (note_at, "note", key))

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
            alerts=max(before.alerts, _alerts(incident)),
            completed_at=(before.completed_at or now) if incident.completed else None,
            calls=dict(calls),
        )

    def _begun(self, made: Made, now: datetime) -> Planned:
        incident = made.row.incident
        opener, first = next(iter(incident.members.items()))
        return Planned(
            incident=incident.key,
            kind=incident.kind,
            generation=incident.generation,
            opener=opener,
            receipt=incident.receipt,
            title=digest_text.title(incident) if incident.kind == "summary" else first.title,
            client=incident.client,
            route=incident.policy.route_name,
            board=incident.policy.board,
            priority=self._scene.picks[made.level.priority],
            created_at=now,
        )


def _alerts(incident: Incident) -> int:
    return len(incident.members) if incident.storm is None else incident.storm.folded


def imaginary_boards(
    boards: Iterable[BoardSettings], policies: Iterable[Policy] = ()
) -> tuple[dict[str, Board], tuple[Pick, ...]]:
    """Return the boards with ids that no tenant gave them, and what these ids stand for, in order.

    Picks that are written alike are one, whichever board or route they are of.
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
    for policy in policies:
        for pick in policy.form.priority.values():
            number(pick)
    return made, tuple(picks)
