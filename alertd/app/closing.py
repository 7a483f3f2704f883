"""Closing an incident for an operator."""

from __future__ import annotations

from typing import Any

from alertd.app.assembly import Parts
from alertd.core.incidents import Incident


async def close_incident(parts: Parts, key: str) -> dict[str, Any] | None:
    """Close the incident and say what became of it; None: there is no such incident.

    Its ticket is completed as for an all-clear. What still fires makes no new ticket before it has cleared.
    """
    before = await _incident(parts, key)
    if before is None:
        return None
    await parts.decider.dismiss(key)
    after = await _incident(parts, key) or before
    ticket = after.ticket
    return {
        "incident": key,
        "closed": after.phase != before.phase,
        "ticket": (ticket.number or str(ticket.id)) if ticket is not None else "",
        "firing": sum(member.firing for member in after.members.values()),
    }


async def _incident(parts: Parts, key: str) -> Incident | None:
    row = (await parts.store.load((), (key,))).incidents.get(key)
    return row.incident if row is not None else None
