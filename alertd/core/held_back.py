"""What an incident's alerts hold back while they fire, as its ticket tells of it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from alertd.core.alerts import Severity

MOST_SHOWN = 40  # alerts that a ticket names; beyond it they are counted


class HeldAlert(msgspec.Struct, frozen=True, omit_defaults=True):
    """One alert that fires and gets no ticket, since another one explains it."""

    title: str
    severity: Severity
    since: datetime
    host: str = ""


class HeldBack(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many there are: all of them are counted, the first are named."""

    firing: int = 0
    over: int = 0  # those that were over before they would have got a ticket
    first: tuple[HeldAlert, ...] = ()
