"""One step of deciding: what it has to be given, in which order, and what it then does.

The daemon's decide flow, which reads a store, and replays, which remember, both follow this.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TypeAlias

import msgspec

from alertd.core.alerts import AlertKey
from alertd.core.folding import Fold

MOST_CANDIDATES = 5  # for one promotion


class NeedIncidents(msgspec.Struct, frozen=True):
    """What is stored of these keys belongs into `incidents`; and into `committed`, if a create was sent."""

    keys: Collection[str]


class NeedConditions(msgspec.Struct, frozen=True):
    """Those of these keys belong into `conditions`."""

    keys: Collection[AlertKey]


class NeedPromotable(msgspec.Struct, frozen=True):
    """The newest that are folded into this parent belong into `storms.promotable`: not more than `most`."""

    parent_key: str
    most: int


class NeedArrivals(msgspec.Struct, frozen=True):
    """When incidents in these scopes began to want a ticket: give it to `storms.count`."""

    scopes: Collection[str]


Need: TypeAlias = NeedIncidents | NeedConditions | NeedPromotable | NeedArrivals


def step(fold: Fold, ticked: Sequence[str]) -> Iterator[Need]:
    """Decide what the fold has observed and let time pass; yield what the fold has to be given meanwhile.

    Args:
        fold: With the conditions of its alerts, and whatever was observed or has expired.
        ticked: Keys of the incidents for which time passes. Those that are not stored are left out.
    """
    if needed := fold.needed_incidents() | set(ticked):
        yield NeedIncidents(needed)
    yield from _storms(fold, ticked)
    if unheard := fold.unheard([*ticked, *sorted(fold.storms.to_promote())]):
        yield NeedConditions(unheard)
    fold.decide()
    fold.tick(key for key in ticked if key in fold.incidents)
    if lists := fold.wanted_lists():
        yield NeedIncidents(lists)
    fold.put_on_lists()


def _storms(fold: Fold, ticked: Sequence[str]) -> Iterator[Need]:
    """The parents, what has arrived of late, and what may be promoted now."""
    storms, scopes = fold.storms, fold.scopes()
    if parents := fold.parents(scopes) - fold.incidents.keys():
        yield NeedIncidents(parents)
    for key in filter(storms.is_promoting, ticked):
        scopes.add(fold.incidents[key].scope)
        yield NeedPromotable(key, MOST_CANDIDATES)
    if candidates := storms.to_promote() - fold.incidents.keys():
        yield NeedIncidents(candidates)
    if scopes:
        yield NeedArrivals(scopes)
