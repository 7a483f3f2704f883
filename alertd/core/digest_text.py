"""What lists of alerts say that came and went without a ticket."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from alertd.core.digests import MISSED
from alertd.core.incidents import Incident, Member


def title(incident: Incident) -> str:
    """Return the title of the list's ticket."""
    count = len(incident.members) + incident.changes_left_out
    alerts = f"{count} alert{'' if count == 1 else 's'}"
    if incident.policy.route_name == MISSED:
        return f"{alerts} began and ended before a ticket could be made"
    whose = f" at {incident.client}" if incident.client else ""
    return f"Daily digest: {alerts}{whose} cleared without a ticket"


def lines(incident: Incident) -> Iterator[str]:
    """Yield the lines of the list, in sections by customer, the worst alert first."""
    if incident.policy.route_name == MISSED:
        yield "Over before a ticket could be made, as while Autotask was out of reach. Nothing is left to do."
    else:
        yield "These cleared by themselves while their ticket had to wait (wait_for). Nothing is left to do."
    clients = sorted({_client(member) for member in incident.members.values()})
    for client in clients:
        yield from ("", f"{client or 'No customer named'}:")
        mine = [member for member in incident.members.values() if _client(member) == client]
        for member in sorted(mine, key=lambda each: (each.severity.rank, each.since)):
            yield f"- {_line(member)}"
    if incident.changes_left_out:
        yield f"and {incident.changes_left_out} more: alertd incidents list --all"


def _client(member: Member) -> str:
    return member.listed.client if member.listed is not None else ""


def _line(member: Member) -> str:
    where = f"{member.host}: " if member.host else ""
    times = member.listed.times if member.listed is not None else 1
    often = f", {times} times, last" if times > 1 else ","
    over = "" if member.ended_at is None else f" to {_instant(member.ended_at)}"
    how = " (not heard of again, not confirmed clear)" if member.expired else ""
    return f"{where}{member.title} [{member.severity}]{often} {_instant(member.since)}{over} UTC{how}"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
