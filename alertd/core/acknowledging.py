"""A person's word on a ticket whose problem still stands: completed, won't fix, merged, taken up again.

`core/deciding.py` says when these are asked; here is what they make of the incident's phase.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from alertd.core.incidents import Acknowledged, Holding, HowTaken, Incident, Open


def limit_at(incident: Incident) -> datetime | None:
    """Return when a person's completion is too old to go by, while a condition still holds; None: never.

    Only a completed ticket needs that: nobody looks at it any more. One that was merged away has a
    survivor, and "won't fix" is meant to last. The limit is the route's as it is now.
    """
    phase, limit = incident.phase, incident.policy.acknowledge_limit
    if not isinstance(phase, Acknowledged) or phase.until is not None or limit <= timedelta():
        return None
    return phase.since + limit if phase.how == "completed" and incident.firing else None


def is_outlasted(incident: Incident, now: datetime) -> bool:
    """Whether the problem has outlasted the person's completion."""
    at = limit_at(incident)
    return at is not None and now >= at


def take(incident: Incident, how: HowTaken, now: datetime) -> Incident:
    """Leave a problem that is not over, or not for long enough, to the person who has said so.

    What has been said for good is not made less by a later completion.
    """
    match incident.phase:
        case Acknowledged(how="wont fix"):
            return incident
        case Acknowledged(since, until, how=before) if before == how:
            return replace(incident, phase=Acknowledged(since, until, how))
        case Acknowledged(until=until) | Holding(until=until):
            return replace(incident, phase=Acknowledged(now, until, how))
        case _ if incident.firing:
            return replace(incident, phase=Acknowledged(now, how=how))
        case _:
            return incident  # its sources fell silent


def further_ticket(incident: Incident) -> dict[str, str]:
    """Return why there is to be a further ticket for the same problem."""
    detail = {"why": incident.why_new, "generation": str(incident.generation)}
    if incident.previous is not None:
        detail["follows"] = incident.previous.number or str(incident.previous.id)
    return detail


def what_comes_next(incident: Incident) -> str:
    """Say in one sentence what becomes of what a person has taken off alertd's hands."""
    phase = incident.phase
    if not isinstance(phase, Acknowledged):
        return ""
    said = _SAYS[phase.how].format(since=phase.since.isoformat(timespec="seconds"))
    if phase.until is not None:
        return f"{said}; all clear since, and closed at {phase.until.isoformat(timespec='seconds')}"
    at = limit_at(incident)
    if at is None:
        return f"{said}; alertd waits for the all-clear"
    count = f", after {incident.outlasted} before it that did not last" if incident.outlasted else ""
    return (
        f"{said}{count}; if it still fires at {at.isoformat(timespec='seconds')} it gets a new, linked ticket"
    )


_SAYS: dict[HowTaken, str] = {
    "completed": "a person completed the ticket while it fires (seen {since})",
    "wont fix": "a person says that it will not be fixed (seen {since})",
    "merged": "a person merged the ticket into this one (seen {since}), which alertd only notes",
}


def take_up_again(incident: Incident) -> Incident:
    """The ticket is open again, by us or by a person: it is followed as before."""
    standing = replace(incident, completed=False)
    match incident.phase:
        case Acknowledged(since, datetime() as until):
            expired = any(member.expired for member in incident.members.values())
            return replace(standing, phase=Holding(since, until, expired=expired))
        case Acknowledged():
            return replace(standing, phase=Open())
        case _:
            return standing
