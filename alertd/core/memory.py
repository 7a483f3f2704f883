"""What a replay remembers between steps, and answers a step with as the daemon's store does."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice, takewhile
from typing import TypeAlias, assert_never

from alertd.core.alerts import AlertKey
from alertd.core.conditions import Condition
from alertd.core.folding import Fold
from alertd.core.ideal_desk import Row
from alertd.core.incidents import Folded
from alertd.core.stepping import Need, NeedArrivals, NeedConditions, NeedIncidents, NeedPromotable

# by place, then by incident: when it began to want a ticket, oldest first
_Index: TypeAlias = defaultdict[str, dict[str, datetime]]
_Place: TypeAlias = tuple[str, datetime | None]


class Memory:
    """Conditions, and incidents with what is known of their tickets, by key. Put into it by `keep` alone."""

    def __init__(self) -> None:
        self.conditions: dict[AlertKey, Condition] = {}
        self.rows: dict[str, Row] = {}
        self._wanted: _Index = defaultdict(dict)  # by scope
        self._folded: _Index = defaultdict(dict)  # by parent

    def known(self, keys: Iterable[AlertKey]) -> dict[AlertKey, Condition]:
        """Return the conditions that there are of these."""
        return {key: self.conditions[key] for key in keys if key in self.conditions}

    def keep(self, key: str, row: Row) -> None:
        """Remember the incident as it is now."""
        before = self.rows.get(key)
        self.rows[key] = row
        _move(self._wanted, key, _scope(before), _scope(row))
        _move(self._folded, key, _parent(before), _parent(row))

    def give(self, fold: Fold, need: Need) -> None:
        """Give the fold what a step needs."""
        match need:
            case NeedIncidents(keys):
                rows = {key: self.rows[key] for key in keys if key in self.rows}
                fold.incidents.update({key: row.incident for key, row in rows.items()})
                sent = {key: row.incident.generation for key, row in rows.items() if row.known.may_stand}
                fold.committed.update(sent)
            case NeedConditions(keys):
                fold.conditions.update(self.known(keys))
            case NeedPromotable(parent_key, most):
                fold.storms.promotable[parent_key] = self._newest_folded(parent_key, most)
            case NeedArrivals(scopes):
                since, most = fold.storms.counts_from, fold.storms.most_counted
                fold.storms.count({scope: self._newest_wanted(scope, since, most) for scope in scopes})
            case _:
                assert_never(need)

    def _newest_folded(self, parent_key: str, most: int) -> Sequence[str]:
        folded = self._folded[parent_key]
        return heapq.nsmallest(most, folded, key=lambda key: (-folded[key].timestamp(), key))

    def _newest_wanted(self, scope: str, since: datetime, most: int) -> list[datetime]:
        newest = takewhile(lambda at: at > since, reversed(self._wanted[scope].values()))
        return list(islice(newest, most))[::-1]


def _move(index: _Index, key: str, before: _Place, after: _Place) -> None:
    """Find it where it is now, as the last one to have come there."""
    if before == after:
        return
    index[before[0]].pop(key, None)
    if after[1] is not None:
        index[after[0]][key] = after[1]


def _scope(row: Row | None) -> _Place:
    """Where, and since when, the incident counts as one that wants a ticket; an empty name: nowhere."""
    if row is None or row.incident.wanted_at is None:
        return "", None
    return row.incident.scope, row.incident.wanted_at


def _parent(row: Row | None) -> _Place:
    """Into which parent it is folded; an empty name: into none."""
    if row is None or not isinstance(row.incident.phase, Folded):
        return "", None
    return row.incident.storm_key, row.incident.wanted_at
