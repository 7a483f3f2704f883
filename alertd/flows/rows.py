"""From decisions to rows: the columns by which incidents and conditions are found again."""

from __future__ import annotations

from datetime import datetime

from alertd.core.conditions import Condition
from alertd.core.deciding import due_at
from alertd.core.incidents import Acknowledged, Closed, Incident, state_of
from alertd.core.levels import urgency
from alertd.core.tickets import Known
from alertd.flows.ports import ConditionRow, ConditionWrite, IncidentRow, IncidentWrite


def incident_write(
    row: IncidentRow, incident: Incident, known: Known, *, settle_at: datetime | None
) -> IncidentWrite:
    """Return the write that replaces `row` by these values."""
    return IncidentWrite(
        row=IncidentRow(incident, known, row.version, settle_at),
        due_at=due_at(incident),
        settle_at=settle_at,
        watched_ticket_id=_watched(incident, known),
        urgency=urgency(incident),
        fair_key=incident.client,
        state="parked" if known.parked is not None else state_of(incident),
        scope=incident.scope or None,
        wanted_at=incident.wanted_at,
        storm_key=incident.storm_key or None,
        severity=incident.severity.rank,
    )


def condition_write(row: ConditionRow | None, condition: Condition) -> ConditionWrite:
    """Return the write that replaces `row`, or makes it."""
    version = row.version if row is not None else 0
    return ConditionWrite(ConditionRow(condition, version), due_at=condition.expires_at)


def _watched(incident: Incident, known: Known) -> int | None:
    """The ticket the sync flow reads back: until it is complete, or as long as a person's close stands.

    And while a write to it is under way, since a ticket that is gone answers none.
    """
    if known.ticket is None or not known.verified:
        return None
    if isinstance(incident.phase, Acknowledged) or known.intent is not None:
        return known.ticket.id
    return None if isinstance(incident.phase, Closed) and incident.completed else known.ticket.id
