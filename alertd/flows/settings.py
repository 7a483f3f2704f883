"""`[sync]` of the configuration: how the flows look at Autotask."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator

from alertd.core.settings import Duration, Section

_SHORTEST = timedelta(seconds=1)


def _not_too_often(value: timedelta) -> timedelta:
    if value < _SHORTEST:
        raise ValueError("should be at least 1s: each reading costs a call")
    return value


class SyncSettings(Section):
    """How often alertd reads back what people changed in Autotask."""

    every: Annotated[Duration, AfterValidator(_not_too_often)] = timedelta(seconds=60)
