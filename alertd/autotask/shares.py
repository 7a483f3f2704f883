"""What of our hour is open to a call: some is kept for what goes first, some for companies that had less."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec

from alertd.autotask.budget import RollingBudget
from alertd.autotask.holding import Cause
from alertd.autotask.precedence import Precedence

HEAVY_PERCENT = 5  # a company that has had more of the hour than this has had much
_FEWEST_HEAVY = 5
_FLOORS_END = 90  # percent of the hour; beyond it are critical creates alone


class Errand(msgspec.Struct, frozen=True):
    """One call as the scheduler sees it. The company is empty where a call serves many."""

    endpoint: str
    precedence: Precedence
    company: str = ""


class _Share(NamedTuple):
    """Percent of the hour that may be used when a call of the class goes."""

    upto: int
    upto_heavy: int  # for a company that has had much
    floor: float  # of the hour's calls, that the class has even where those before it use up the rest


_SHARES = {
    Precedence.CRITICAL_CREATE: _Share(100, 95, 0),
    Precedence.COMPLETE: _Share(88, 70, 0),
    Precedence.CREATE: _Share(85, 65, 0.5),
    Precedence.UPDATE: _Share(75, 60, 1),
    Precedence.SYNC: _Share(70, 60, 1),
    Precedence.BILLING: _Share(50, 40, 0.5),
}


class Limit(NamedTuple):
    """How many calls of the hour may have been made when one goes, and why not more."""

    calls: int
    cause: Cause


def limit_for(errand: Errand, budget: RollingBudget, now: datetime) -> Limit:
    """Return the limit that holds for a call now. Kept parts are rounded down: a tiny budget has none."""
    used, share = budget.used(now), _SHARES[errand.precedence]
    upto = _upto(budget.calls, share.upto)
    if _is_heavy(errand, budget):
        heavy = _upto(budget.calls, share.upto_heavy)
        return Limit(heavy, Cause.COMPANY if used < upto else _cause(used, budget))
    if budget.of_class(errand.precedence) < int(budget.calls * share.floor / 100):
        upto = max(upto, _upto(budget.calls, _FLOORS_END))
    return Limit(upto, _cause(used, budget))


def _is_heavy(errand: Errand, budget: RollingBudget) -> bool:
    much = max(_FEWEST_HEAVY, budget.calls * HEAVY_PERCENT // 100)
    return bool(errand.company) and budget.of_company(errand.company) >= much


def _cause(used: int, budget: RollingBudget) -> Cause:
    return Cause.BUDGET if used >= budget.calls else Cause.RESERVE


def _upto(calls: int, percent: int) -> int:
    return calls - calls * (100 - percent) // 100
