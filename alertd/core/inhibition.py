"""Inhibition from batch to batch: what fires that inhibits, what it holds back, and whom a change concerns.

All of it follows from conditions and incidents as stored: it is built from those at start, and anew when the
rules change, so that nothing gets a ticket for a restart.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice

from alertd.core.alerts import AlertKey
from alertd.core.conditions import Condition
from alertd.core.deciding import due_at
from alertd.core.held_back import MOST_SHOWN, HeldAlert, HeldBack
from alertd.core.incidents import Closed, Expired, Incident, Silenced
from alertd.core.inhibiting import Batch, InhibitRules, Table, source_of
from alertd.core.matchers import Labels

Held = dict[AlertKey, dict[AlertKey, HeldAlert]]  # what one incident has held back, by what holds it back


class Inhibition:
    """Which alerts inhibit, and what they hold back. Make it from what is stored; then tell it each commit.

    A source that has cleared goes on inhibiting while its incident waits whether it comes back, so that a
    source that flaps does not release what it holds back with every flap.

    Args:
        rules: In force.
    """

    def __init__(self, rules: InhibitRules) -> None:
        self.rules = rules
        self.has_begun = False  # something inhibits that did not: whoever asks sets it back
        self._table = Table()
        self._lingering: dict[str, set[AlertKey]] = {}  # sources that are over, by incident that is not
        self._look_at: dict[str, datetime] = {}  # when to look at those incidents, whoever has moved them
        self._sources_by_parent: defaultdict[str, set[AlertKey]] = defaultdict(set)
        self._held_by_child: dict[str, Held] = {}
        self._children: defaultdict[AlertKey, set[str]] = defaultdict(set)  # by source
        self._over: Counter[str] = Counter()  # by parent: what is over and has not been told of yet
        self._told_soon: set[str] = set()  # parents whose next note tells of it anyway
        self._due: dict[str, None] = {}

    def __bool__(self) -> bool:
        """Whether any alert inhibits now."""
        return bool(self._table)

    def batch(self) -> Batch:
        """Return what inhibits, for one batch of messages."""
        return Batch(self.rules, self._table)

    def inhibited_by(self, labels: Labels) -> tuple[str, ...]:
        """Return the fingerprint of what inhibits these labels now, as Alertmanager does: of one of them."""
        for seat in self.rules.as_target(labels) if self._table else ():
            if (found := self._table.first(seat)) is not None:
                return (found.fingerprint,)
        return ()

    def restore(self, conditions: Iterable[Condition], incidents: Mapping[str, Incident]) -> None:
        """Take up what is stored: conditions, the longest firing first, and incidents as for `commit`."""
        for condition in conditions:
            seats = self.rules.as_source(condition.labels)
            waiting = [key for key in condition.incidents if _waits(key, incidents)]
            if not seats or not (condition.firing or waiting):
                continue
            self._begin(condition)
            self._table.put(source_of(condition), seats)
            for key in () if condition.firing else waiting:
                self._linger(condition.key, incidents[key])

    # --- what has been committed ----------------------------------------------------------------------

    def commit(self, conditions: Iterable[Condition], incidents: Mapping[str, Incident]) -> None:
        """Follow what has been stored.

        Args:
            conditions: Those that have changed.
            incidents: At least those that have changed, and those of the conditions; by key.
        """
        if not self.rules and not self._held_by_child:
            return
        for condition in conditions:
            self._follow(condition, incidents)
        for incident in incidents.values():
            self._hear(incident)

    def next_look_at(self) -> datetime | None:
        """Return when `take_due` has something to return by the clock alone."""
        return min(self._look_at.values(), default=None)

    def take_due(self, most: int, now: datetime) -> list[str]:
        """Return keys of incidents for which a Tick may change something now, and forget them."""
        for key in [key for key, at in self._look_at.items() if at <= now]:
            del self._look_at[key]
            self._due[key] = None
        keys = list(islice(self._due, most))
        for key in keys:
            del self._due[key]
        return keys

    def look_at(self, key: str) -> None:
        """Have `take_due` return this incident, which was silenced by no batch."""
        self._due[key] = None

    def _follow(self, condition: Condition, incidents: Mapping[str, Incident]) -> None:
        known = self._table.source(condition.key)
        if condition.firing:
            seats = self.rules.as_source(condition.labels)
            if seats:
                self._begin(condition)
                if self._table.put(source_of(condition), seats):
                    self.has_begun = True
                    self._ask(condition.key)
            elif known is not None:
                self._end(condition.key)
        elif known is not None:
            waiting = [key for key in known.incidents if _waits(key, incidents)]
            for key in waiting:
                self._linger(condition.key, incidents[key])
            if not waiting:
                self._end(condition.key)

    def _begin(self, condition: Condition) -> None:
        for key in condition.incidents:
            self._sources_by_parent[key].add(condition.key)
            self._stop_lingering(key, condition.key)

    def _linger(self, key: AlertKey, incident: Incident) -> None:
        self._lingering.setdefault(incident.key, set()).add(key)
        self._look_again(incident)

    def _look_again(self, incident: Incident) -> None:
        """Look at the incident when it is due: what people do to its ticket is stored by other flows."""
        self._look_at[incident.key] = (
            due_at(incident) or incident.opened_at
        )  # it is due where it may come back

    def _stop_lingering(self, incident_key: str, key: AlertKey) -> None:
        left = self._lingering.get(incident_key, set()) - {key}
        if left:
            self._lingering[incident_key] = left
        else:
            self._lingering.pop(incident_key, None)
            self._look_at.pop(incident_key, None)

    def _end(self, key: AlertKey) -> None:
        """It inhibits no more: what it holds back is asked about anew."""
        source = self._table.source(key)
        for parent in source.incidents if source is not None else ():
            self._stop_lingering(parent, key)
            left = self._sources_by_parent.get(parent, set()) - {key}
            self._sources_by_parent[parent] = left
            if not left:
                del self._sources_by_parent[parent]
                self._over.pop(parent, None)
                self._told_soon.discard(parent)
        self._table.drop(key)
        self._ask(key)

    def _ask(self, key: AlertKey) -> None:
        self._due.update(dict.fromkeys(sorted(self._children.get(key, ()))))

    # --- what is held back ----------------------------------------------------------------------------

    def _hear(self, incident: Incident) -> None:
        key = incident.key
        if key in self._lingering and _may_come_back(incident):
            self._look_again(incident)
        elif key in self._lingering:
            self._look_at.pop(key, None)
            for source in sorted(self._lingering.pop(key)):
                if not any(source in others for others in self._lingering.values()):
                    self._end(source)
        if key in self._sources_by_parent:
            told_soon = incident.ticket is not None and tells_of_held(incident)
            (self._told_soon.add if told_soon else self._told_soon.discard)(key)
        self._hold(incident)

    def _hold(self, incident: Incident) -> None:
        before = self._held_by_child.get(incident.key, {})
        after = _held(incident) if isinstance(incident.phase, Silenced) else {}
        if after == before:
            return
        for source in before.keys() | after.keys():
            self._count(incident, source, before.get(source, {}), after.get(source, {}))
        if after:
            self._held_by_child[incident.key] = after
        else:
            self._held_by_child.pop(incident.key, None)

    def _count(
        self,
        child: Incident,
        source: AlertKey,
        before: Mapping[AlertKey, HeldAlert],
        after: Mapping[AlertKey, HeldAlert],
    ) -> None:
        if after:
            self._children[source].add(child.key)
        else:
            self._children[source].discard(child.key)
            if not self._children[source]:
                del self._children[source]
        over = sum(key in child.members and not child.members[key].firing for key in before.keys() - after)
        known = self._table.source(source)
        if known is None and after:
            self._due[child.key] = None  # the source ended with the batch that the child came with
        for parent in known.incidents if known is not None else ():
            self._over[parent] += over
            if parent not in self._told_soon:
                self._due[parent] = None

    def held_back(self, parent: Incident) -> HeldBack | None:
        """Return what the incident's alerts hold back now, as its ticket is to tell; None: nothing new."""
        if parent.key not in self._sources_by_parent:
            return None
        alerts = [
            alert
            for source in sorted(self._sources_by_parent[parent.key])
            for child in self._children.get(source, ())
            for alert in self._held_by_child[child][source].values()
        ]
        shown = sorted(alerts, key=lambda each: (each.severity.rank, each.since, each.host, each.title))
        told = parent.held_back or HeldBack()
        over = told.over + self._over[parent.key]
        found = HeldBack(len(alerts), over, tuple(shown[:MOST_SHOWN]))
        return None if found == told else found

    def told(self, parents: Iterable[str]) -> None:
        """Forget what is over, since it has been committed with these incidents."""
        for key in parents:
            self._over.pop(key, None)


def tells_of_held(incident: Incident) -> bool:
    """Whether the next note tells of what the incident holds back."""
    return any(each.what == "held back" and each.revision > incident.note_upto for each in incident.changes)


def _waits(key: str, incidents: Mapping[str, Incident]) -> bool:
    return key in incidents and _may_come_back(incidents[key])


def _may_come_back(incident: Incident) -> bool:
    """Whether nothing of it fires, and it is not judged to be over."""
    if incident.firing or isinstance(incident.phase, Closed | Expired):
        return False
    return due_at(incident) is not None


def _held(incident: Incident) -> Held:
    found: Held = {}
    for member in incident.members.values():
        quiet = member.quiet
        if quiet is not None and quiet.kind == "inhibited" and member.firing:
            held = HeldAlert(member.title, member.severity, member.since, member.host)
            found.setdefault(AlertKey(quiet.by[0]), {})[member.key] = held
    return found
