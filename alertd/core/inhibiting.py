"""Inhibition: which alerts keep which others quiet, with Alertmanager's rules, and which fire that may.

A rule's source fires, and its targets that have the same values of the `equal` labels make no new ticket. A
label that is missing is the same as an empty one. An alert that matches both sides of a rule is not
inhibited by alerts that also match both, and so never by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec

from alertd.core.alerts import AlertKey
from alertd.core.conditions import Condition
from alertd.core.matchers import Labels, Matchers, Predicate
from alertd.core.silences import LONGEST_SAID, Quiet, all_of

Slot: TypeAlias = tuple[int, tuple[str, ...]]  # number of the rule, values of its `equal` labels


class InhibitRule(msgspec.Struct, frozen=True):
    """One `[[inhibit]]`."""

    name: str
    source: Matchers
    target: Matchers
    equal: tuple[str, ...] = ()


class Seat(msgspec.Struct, frozen=True):
    """Where labels stand in a rule, on the side that was asked for."""

    slot: Slot
    two_sided: bool  # they match the rule's other side, too


class Source(msgspec.Struct, frozen=True):
    """An alert that inhibits others while it fires."""

    key: AlertKey
    fingerprint: str
    said: str  # what people call it
    incidents: tuple[str, ...] = ()  # keys of those it belongs to: what it holds back is told there


class InhibitRules:
    """The rules, found by exact labels first: labels that no rule is about cost a look-up each.

    Args:
        rules: As configured; of several that apply, the first counts.
    """

    def __init__(self, rules: Sequence[InhibitRule] = ()) -> None:
        self.rules = tuple(rules)
        self._sources = _Side(rule.source for rule in rules)
        self._targets = _Side(rule.target for rule in rules)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.rules)

    def is_target(self, labels: Labels) -> bool:
        """Whether anything could inhibit these labels."""
        return bool(self._targets.accepting(labels))

    def as_source(self, labels: Labels) -> tuple[Seat, ...]:
        """Return where an alert with these labels inhibits others."""
        return self._seats(self._sources, self._targets, labels)

    def as_target(self, labels: Labels) -> tuple[Seat, ...]:
        """Return where an alert with these labels may be inhibited, the first rule first."""
        return self._seats(self._targets, self._sources, labels)

    def _seats(self, side: _Side, other: _Side, labels: Labels) -> tuple[Seat, ...]:
        numbers = side.accepting(labels)
        return tuple(Seat(self._slot(n, labels), other.accepts(n, labels)) for n in numbers)

    def _slot(self, number: int, labels: Labels) -> Slot:
        return number, tuple(labels.get(name, "") for name in self.rules[number].equal)


class _Side:
    """The matchers of one side of all rules."""

    def __init__(self, every: Iterable[Matchers]) -> None:
        self._tests: list[Predicate] = []
        self._by_label: dict[tuple[str, str], list[int]] = {}
        self._others: list[int] = []
        for number, matchers in enumerate(every):
            self._tests.append(all_of(matchers))
            exact = next(((m.name, m.value) for m in matchers if m.operator == "=" and m.value), None)
            found = self._others if exact is None else self._by_label.setdefault(exact, [])
            found.append(number)

    def accepts(self, number: int, labels: Labels) -> bool:
        return self._tests[number](labels)

    def accepting(self, labels: Labels) -> list[int]:
        candidates = list(self._others)
        if self._by_label:
            for label in labels.items():
                candidates += self._by_label.get(label, ())
        return sorted(number for number in candidates if self._tests[number](labels))


class Table:
    """Which sources fire, by where they stand in the rules."""

    def __init__(self) -> None:
        # of each slot: those that match one side, and those that match both; the longest known first
        self._by_slot: dict[Slot, tuple[dict[AlertKey, Source], dict[AlertKey, Source]]] = {}
        self._seats: dict[AlertKey, tuple[Seat, ...]] = {}
        self._sources: dict[AlertKey, Source] = {}

    def __bool__(self) -> bool:
        """Whether any fires."""
        return bool(self._sources)

    def source(self, key: AlertKey) -> Source | None:
        """Return the source with this key, if it fires."""
        return self._sources.get(key)

    def put(self, source: Source, seats: tuple[Seat, ...]) -> bool:
        """Put it where it stands now; whether it stood otherwise before."""
        moved = self._seats.get(source.key, ()) != seats
        if moved:
            self.drop(source.key)
            self._seats[source.key] = seats
        self._sources[source.key] = source
        for seat in seats:
            self._by_slot.setdefault(seat.slot, ({}, {}))[seat.two_sided][source.key] = source
        return moved

    def drop(self, key: AlertKey) -> None:
        """Take it out; it fires no more."""
        self._sources.pop(key, None)
        for seat in self._seats.pop(key, ()):
            found = self._by_slot[seat.slot]
            found[seat.two_sided].pop(key, None)
            if not any(found):
                del self._by_slot[seat.slot]

    def first(self, seat: Seat) -> Source | None:
        """Return a source that inhibits a target that stands there."""
        one_side, both = self._by_slot.get(seat.slot, _NOBODY)
        found = next(iter(one_side.values()), None)
        return found if found is not None or seat.two_sided else next(iter(both.values()), None)


_NOBODY: tuple[dict[AlertKey, Source], dict[AlertKey, Source]] = ({}, {})


class Batch:
    """What inhibits within one batch of messages: what fires already, and what the batch has fire.

    So a target is inhibited by a source that comes with it, in whatever order. What stops firing counts when
    the batch is committed, since only then it is known whether its incident is over.
    """

    def __init__(self, rules: InhibitRules, table: Table) -> None:
        self.rules = rules
        self._table = table
        self._fresh = Table()

    def __bool__(self) -> bool:
        """Whether anything could be inhibited."""
        return bool(self.rules)

    def heard(self, condition: Condition) -> None:
        """Take note of a condition that has changed."""
        if self.rules and condition.firing and (seats := self.rules.as_source(condition.labels)):
            self._fresh.put(source_of(condition), seats)

    def is_target(self, labels: Labels) -> bool:
        """Whether anything could inhibit these labels."""
        return self.rules.is_target(labels)

    def quiet(self, labels: Labels, now: datetime) -> Quiet | None:
        """Return what inhibits these labels; None: nothing does. How long is never known."""
        del now
        for seat in self.rules.as_target(labels):
            found = self._table.first(seat) or self._fresh.first(seat)
            if found is not None:
                return _quiet_by(found, self.rules.rules[seat.slot[0]])
        return None

    def next_start_at(self, after: datetime) -> datetime | None:
        """Return None: nothing begins by the clock."""
        del after
        return None


def source_of(condition: Condition) -> Source:
    """Return the condition as one that inhibits others."""
    labels = condition.labels
    title = condition.annotations.get("title") or labels.get("alertname", "")
    host = labels.get("host", "")
    said = f"{host}: {title}" if host and host not in title else title
    return Source(condition.key, condition.fingerprint, said, condition.incidents)


def _quiet_by(source: Source, rule: InhibitRule) -> Quiet:
    said = " ".join(f"{source.said}, by rule {rule.name}".split())[:LONGEST_SAID]
    return Quiet((source.key,), None, said, "inhibited")
