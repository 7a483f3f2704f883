"""History lines of what settling did, for `explain`."""

from __future__ import annotations

from datetime import datetime

from alertd.core.history import Happening
from alertd.core.incidents import Incident
from alertd.core.tickets import Known
from alertd.flows.ports import IncidentRow


def happenings(
    row: IncidentRow, known: Known, after: Incident, *, happening: str, at: datetime
) -> list[Happening]:
    """Return the lines for one recorded outcome. `happening` names the write, or is empty for a read."""
    told = []
    if happening:
        told.append((f"{happening} {_outcome(row.known, known)}", _detail(known)))
    if known.verified and not row.known.verified and known.ticket is not None:
        what = "linked" if known.foreign else "read back"
        told.append((what, {"ticket": known.ticket.number, "ticket_id": str(known.ticket.id)}))
    if after.touched and not row.incident.touched:
        told.append(("touched", {"by": after.touched}))
    if type(after.phase) is not type(row.incident.phase):
        told.append((type(after.phase).__name__.lower(), {}))
    return [Happening(at=at, what=what, incident_key=after.key, detail=detail) for what, detail in told]


def _outcome(before: Known, after: Known) -> str:
    if after.parked is not None and before.parked is None:
        return "refused"
    if len(after.refused) > len(before.refused):
        return "refused"
    if after.intent is not None:
        return "unclear"
    return "put off" if after.retry_at is not None and after.attempts > before.attempts else "done"


def _detail(known: Known) -> dict[str, str]:
    detail = {}
    if known.parked is not None:
        detail["reason"] = known.parked
    if known.retry_at is not None:
        detail["again_at"] = known.retry_at.isoformat(timespec="seconds")
    return detail
