"""Shadow mode: tickets that are planned and never made, and what becomes of them when it ends.

A planned ticket has a negative id, which no tenant gives, so it can never be taken for a real one.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal, TypeAlias

from msgspec.structs import replace

from alertd.core.incidents import Closed, Incident, Waiting
from alertd.core.tickets import Known, Ticket

Mode: TypeAlias = Literal["live", "shadow"]


def planned_ticket(reference: str) -> Ticket:
    """Return the ticket that a create with this reference would have made: the same each time."""
    number = int.from_bytes(hashlib.sha256(reference.encode()).digest()[:6], "big") + 1
    return Ticket(-number, f"planned-{number}")


def is_planned(ticket: Ticket | None) -> bool:
    """Whether it stands in no tenant."""
    return ticket is not None and ticket.id < 0


def is_real(incident: Incident, known: Known) -> bool:
    """Whether a real ticket stands for it, stood before, or may stand since a create was committed to."""
    tickets = [each for each in (incident.ticket, incident.previous, known.ticket) if each is not None]
    if tickets:
        return not all(map(is_planned, tickets))
    return known.may_stand


def leave(incident: Incident, known: Known, now: datetime) -> tuple[Incident, Known]:
    """Return the incident and what is known of it as the live mode takes them over: without any ticket.

    What fires is to get a real one. What is over is closed, and nothing more is made of it. What has no
    planned ticket yet goes on as it is.
    """
    if isinstance(incident.phase, Closed):
        return replace(_without_ticket(incident), phase=replace(incident.phase, wants_ticket=False)), Known()
    if incident.ticket is None and known.ticket is None:
        return replace(incident, previous=None), Known()
    if not incident.firing:
        return replace(_without_ticket(incident), phase=Closed(now, "shadowed", now)), Known()
    firing = {key: member for key, member in incident.members.items() if member.firing}
    severity = min((member.severity for member in firing.values()), key=lambda each: each.rank)
    begun = replace(
        _without_ticket(incident), phase=Waiting(now), opened_at=now, members=firing, severity=severity
    )
    return begun, Known()


def _without_ticket(incident: Incident) -> Incident:
    return replace(
        incident,
        revision=0,
        note_upto=0,
        noted_at=None,
        linked_at=None,
        changes=(),
        changes_left_out=0,
        ticket=None,
        previous=None,
        completed=False,
        touched="",
        status_taken=False,
        foreign=False,
    )
