"""For whom a task is calling Autotask just now: so that the call log and crash points can tell."""

from __future__ import annotations

from contextvars import ContextVar
from typing import NamedTuple


class Sending(NamedTuple):
    """The incident, and the operation's name; both empty for calls that serve many."""

    incident_key: str = ""
    operation: str = ""


NOBODY = Sending()
sending: ContextVar[Sending] = ContextVar("sending", default=NOBODY)
