"""`[sync]` of the configuration: how the flows look at Autotask."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator

from alertd.core.settings import Duration, Section
from alertd.core.tickets import BASELINE, SEARCH_LAG

_SHORTEST = timedelta(seconds=1)


def _not_too_often(value: timedelta) -> timedelta:
    if value < _SHORTEST:
        raise ValueError("should be at least 1s: each reading costs a call")
    return value


def _not_negative(value: timedelta) -> timedelta:
    if value < timedelta():
        raise ValueError("should not be negative")
    return value


class SyncSettings(Section):
    """How alertd reads back what people changed in Autotask.

    A read counts only if it began `search_lag` after our last write to the ticket; what changes within
    `baseline` of that write is the work of workflow rules, and nobody's touch.
    """

    every: Annotated[Duration, AfterValidator(_not_too_often)] = timedelta(seconds=60)
    search_lag: Annotated[Duration, AfterValidator(_not_negative)] = SEARCH_LAG
    baseline: Annotated[Duration, AfterValidator(_not_negative)] = BASELINE
