"""For whom, and for what, a task is calling Autotask just now: pacing, the call log and crash points ask."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum
from typing import NamedTuple

from alertd.core.incidents import Incident
from alertd.core.tickets import (
    Adopt,
    Change,
    CheckTouched,
    Create,
    Intent,
    Look,
    Operation,
    Reread,
    Verify,
)


class Precedence(IntEnum):
    """Which call goes first where calls are scarce, by what it is for. Tickets have a priority."""

    CRITICAL_CREATE = 0
    COMPLETE = 1
    CREATE = 2  # and reopening
    UPDATE = 3  # tags, notes and other changes of tickets that stand
    SYNC = 4  # what people changed, metadata, directories
    BILLING = 5


class Sending(NamedTuple):
    """The incident, the operation's name, what goes first, and whose turn it is among companies.

    Key, operation and company are empty for calls that serve many. Without a precedence each call has its
    own.
    """

    incident_key: str = ""
    operation: str = ""
    precedence: Precedence | None = None
    company: str = ""


NOBODY = Sending()
sending: ContextVar[Sending] = ContextVar("sending", default=NOBODY)


@contextmanager
def serving(whom: Sending) -> Iterator[None]:
    """Make calls for somebody, and for nobody after."""
    before = sending.set(whom)
    try:
        yield
    finally:
        sending.reset(before)


def shared(askers: Collection[Sending]) -> Sending:
    """Return for whom a call is made that answers many: as urgent as the most urgent of them."""
    named = [each.precedence for each in askers if each.precedence is not None]
    companies = {each.company for each in askers}
    company = companies.pop() if len(companies) == 1 else ""
    return Sending(precedence=min(named, default=None), company=company)


def precedence_of(operation: Operation, incident: Incident, intent: Intent | None = None) -> Precedence:
    """Return the class of an operation; a look has that of the write, a read-back that of the create."""
    creating = Precedence.CRITICAL_CREATE if incident.severity.rank == 0 else Precedence.CREATE
    match operation:
        case Create() | Adopt() | Verify() | Reread():
            return creating
        case Look():
            return precedence_of(intent.operation, incident) if intent is not None else creating
        case CheckTouched() | Change(completes=True):
            return Precedence.COMPLETE
        case Change(fields=fields) if "status" in fields:
            return creating
        case _:
            return Precedence.UPDATE
