"""The members of an incident: which fire, how bad that is, and which are remembered."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from alertd.core import flapping
from alertd.core.alerts import AlertKey, Severity
from alertd.core.incidents import Incident, Member

MOST_ENDED_MEMBERS: Final = 200


def seated(before: Incident, member: Member) -> Incident:
    """Put the member in, and raise the shown severity at once where it is worse."""
    worse = member.severity.rank < before.severity.rank
    severity = member.severity if worse else before.severity
    return replace(before, members=with_member(before, member), severity=severity)


def firing_of(incident: Incident) -> dict[AlertKey, Member]:
    """Return the members that fire, by their keys."""
    return {key: member for key, member in incident.members.items() if member.firing}


def worst_of(members: dict[AlertKey, Member]) -> Severity:
    """Return the worst severity of members, of which there is one at least."""
    return min((member.severity for member in members.values()), key=lambda severity: severity.rank)


def any_expired(incident: Incident) -> bool:
    """Whether any member fell silent rather than was told to be over."""
    return any(member.expired for member in incident.members.values())


def with_member(incident: Incident, member: Member) -> dict[AlertKey, Member]:
    """Return the members with this one as it is now, last in line.

    Beyond what a ticket can tell of, those that ended first are forgotten; one that fires never is.
    """
    member = flapping.turns_of(incident, member)
    members = dict(incident.members)
    members.pop(member.key, None)
    members[member.key] = member
    if not member.firing and len(members) > MOST_ENDED_MEMBERS:
        ended = [key for key, other in members.items() if not other.firing]
        for key in ended[:-MOST_ENDED_MEMBERS]:
            del members[key]
    return members
