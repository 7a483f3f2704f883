"""Routes and the clock: when a route makes no tickets, and what it wants outside its business hours.

This goes by the route of an incident and not by labels. An interval that today's configuration does not
have holds nothing back, so that incidents of a route that is gone are not kept for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeAlias

import msgspec

from alertd.core.intervals import HORIZON, TimeInterval, next_change_at
from alertd.core.matchers import Labels
from alertd.core.routes import Policy
from alertd.core.silences import Quiet

Intervals: TypeAlias = Mapping[str, tuple[TimeInterval, ...]]

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_MOST_RULES = 4096


class Rule(msgspec.Struct, frozen=True):
    """By which intervals a route holds tickets back: inside some, or outside all of others."""

    mute: tuple[str, ...]
    active: tuple[str, ...]
    hours: str

    @property
    def names(self) -> tuple[str, ...]:
        """All that it depends on."""
        return (*self.mute, *self.active, *([self.hours] if self.hours else []))


class Standing(msgspec.Struct, frozen=True):
    """Whether a rule holds tickets back, from one instant until just before another."""

    since: datetime
    until: datetime | None  # None: for years
    holds: bool


class RouteHours:
    """The time intervals of the configuration, and what they mean to its routes. Answers are remembered.

    As a suppressor it says when the next route begins to hold tickets back; no labels are quiet by it.

    Args:
        intervals: By name.
        policies: Of all routes in force.
    """

    def __init__(self, intervals: Intervals, policies: Iterable[Policy] = ()) -> None:
        self._intervals = intervals
        self.rules = {rule for policy in policies if (rule := rule_of(policy)) is not None}
        self._standings: dict[Rule, Standing] = {}

    def __bool__(self) -> bool:
        """Whether any labels are quiet by it: none are."""
        return False

    def quiet(self, labels: Labels, now: datetime) -> Quiet | None:
        """Return what keeps these labels quiet: nothing does."""
        return None

    def next_start_at(self, after: datetime) -> datetime | None:
        """Return when some route begins, or ceases, to hold tickets back."""
        since = max(after, EARLIEST)
        times = (self._standing(rule, since).until for rule in self.rules)
        return min((at for at in times if at is not None), default=None)

    def quiet_in(self, policy: Policy, now: datetime) -> Quiet | None:
        """Return what keeps this route's incidents from getting a new ticket now; None: nothing does."""
        rule = rule_of(policy)
        if rule is None:
            return None
        standing = self._standing(rule, now)
        if not standing.holds:
            return None
        by, said = self._held_by(rule, now)
        return Quiet(by, standing.until, said, "interval")

    def muted_by(self, policy: Policy, now: datetime) -> tuple[str, ...]:
        """Return the names of the intervals that keep this route from making new tickets now."""
        quiet = self.quiet_in(policy, now)
        return () if quiet is None else quiet.by

    def outside_until(self, policy: Policy, now: datetime) -> datetime | None:
        """Return when the route's hours begin, if they are not now; None: they are, or it has none."""
        if policy.outside is None or not policy.hours:
            return None
        outside = self._standing(Rule((), (), policy.hours), now)
        return (outside.until or now + HORIZON) if outside.holds else None

    def placed(self, policy: Policy, now: datetime) -> Policy:
        """Return the policy of an incident that opens now, with the board of this hour."""
        board = policy.outside.board if policy.outside is not None else None
        if board is None or self.outside_until(policy, now) is None:
            return policy
        return msgspec.structs.replace(policy, board=board)

    def holds(self, name: str, at: datetime) -> bool | None:
        """Whether `at` lies in the interval of this name; None: there is none."""
        intervals = self._intervals.get(name)
        return None if intervals is None else any(each.holds(at) for each in intervals)

    def _standing(self, rule: Rule, now: datetime) -> Standing:
        known = self._standings.get(rule)
        if known is not None and known.since <= now and (known.until is None or now < known.until):
            return known
        if len(self._standings) >= _MOST_RULES:
            self._standings.clear()
        asked = [each for name in rule.names for each in self._intervals.get(name, ())]
        change_at = next_change_at(asked, lambda at: bool(self._held_by(rule, at)[0]), now)
        found = self._standings[rule] = Standing(now, change_at, bool(self._held_by(rule, now)[0]))
        return found

    def _held_by(self, rule: Rule, at: datetime) -> tuple[tuple[str, ...], str]:
        """Return the names of the intervals that hold tickets back at that instant, and how."""
        muted = tuple(name for name in rule.mute if self.holds(name, at))
        if muted:
            return muted, ""
        known = [name for name in rule.active if self.holds(name, at) is not None]
        if known and not any(self.holds(name, at) for name in known):
            return tuple(known), OUTSIDE
        if rule.hours and self.holds(rule.hours, at) is False:
            return (rule.hours,), OUTSIDE
        return (), ""


OUTSIDE = "outside of it"
ALWAYS = RouteHours({})


def rule_of(policy: Policy) -> Rule | None:
    """Return by which intervals the route holds tickets back; None: by none."""
    hours = policy.hours if policy.outside is not None and policy.outside.hold else None
    rule = Rule(policy.mute_time_intervals, policy.active_time_intervals, hours or "")
    return rule if rule.names else None
