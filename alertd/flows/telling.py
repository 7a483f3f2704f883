"""History lines of what settling did, for `explain`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from alertd.core.acknowledging import further_ticket
from alertd.core.history import Happening
from alertd.core.incidents import Acknowledged, Closed, Incident
from alertd.core.tickets import Known
from alertd.flows.ports import IncidentRow


class Deed(msgspec.Struct, frozen=True):
    """A write, by its name, and how what it sent had come about. Without a name it was a read."""

    name: str = ""
    detail: Mapping[str, str] = {}


A_READ = Deed()


def happenings(
    row: IncidentRow, known: Known, after: Incident, *, at: datetime, deed: Deed = A_READ
) -> list[Happening]:
    """Return the lines for one recorded outcome."""
    told: list[tuple[str, dict[str, str]]] = []
    if deed.name:
        told.append((f"{deed.name} {_outcome(row.known, known)}", {**deed.detail, **_detail(known)}))
    if known.verified and not row.known.verified and known.ticket is not None:
        what = "linked" if known.foreign else "read back"
        told.append((what, {"ticket": known.ticket.number, "ticket_id": str(known.ticket.id)}))
    if after.touched and not row.incident.touched:
        told.append(("touched", {"by": after.touched}))
    if type(after.phase) is not type(row.incident.phase):
        told.append((type(after.phase).__name__.lower(), _how(after)))
    if after.generation > row.incident.generation:
        told.append(("further ticket", further_ticket(after)))
    return [Happening(at=at, what=what, incident_key=after.key, detail=said) for what, said in told]


def _how(incident: Incident) -> dict[str, str]:
    return {"how": incident.phase.how} if isinstance(incident.phase, Acknowledged | Closed) else {}


def _outcome(before: Known, after: Known) -> str:
    if after.parked is not None and before.parked is None:
        return "refused"
    if after.repair is not None and before.repair is None:
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
    elif known.repair is not None:
        detail["reason"] = known.repair.reason
    if known.retry_at is not None:
        detail["again_at"] = known.retry_at.isoformat(timespec="seconds")
    return detail
