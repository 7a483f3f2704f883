"""Incidents that open outside their route's business hours: their priority, until the hours begin."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from alertd.core.alerts import Severity
from alertd.core.incidents import Closed, Incident
from alertd.core.route_hours import RouteHours
from alertd.core.routes import Policy


def begin(opened: Incident, hours: RouteHours, *, now: datetime) -> Incident:
    """Put down whether it opens outside the hours of its route, and when these begin."""
    until = hours.outside_until(opened.policy, now)
    return opened if until == opened.outside_until else replace(opened, outside_until=until)


def begin_anew(again: Incident, live: Policy, hours: RouteHours, *, now: datetime) -> Incident:
    """Do as `begin` for one that opens again, for a ticket of its own: with the board of this hour."""
    if live.outside is None or live.outside.board is None:
        return begin(again, hours, now=now)
    policy = replace(again.policy, board=hours.placed(live, now).board)
    return begin(replace(again, policy=policy), hours, now=now)


def end(before: Incident, now: datetime) -> Incident:
    """Forget that it opened outside the hours, once these have begun."""
    begin_at = due_at(before)
    return before if begin_at is None or now < begin_at else replace(before, outside_until=None)


def due_at(incident: Incident) -> datetime | None:
    """Return when its priority changes by the clock."""
    return None if isinstance(incident.phase, Closed) else incident.outside_until


def severity_for_priority(incident: Incident) -> Severity:
    """Return the severity whose priority its ticket has."""
    if incident.outside_until is None or incident.policy.outside is None:
        return incident.severity
    return incident.policy.outside.priority_as.get(incident.severity, incident.severity)


def told(detail: dict[str, str], opened: Incident) -> dict[str, str]:
    """Add to what is told of its opening that it was outside the hours."""
    if opened.outside_until is None:
        return detail
    until = opened.outside_until.isoformat(timespec="seconds")
    return detail | {"outside": opened.policy.hours or "", "until": until}
