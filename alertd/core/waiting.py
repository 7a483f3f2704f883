"""Waiting before the first ticket: for others of the group, and for what may be over by itself.

`group_wait` is Alertmanager's: it is over at once for what began longer ago than that.
`wait_for` counts from an alert's own firing, by its severity; the ticket is due as soon as one alert of the
incident has fired for as long as it has to. What flaps waits no longer: that is a problem of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from alertd.core.incidents import Incident, Member, Waiting
from alertd.core.routes import Policy


def begun(policy: Policy, members: Iterable[Member], now: datetime) -> Waiting | None:
    """Return the wait of what begins now with these members; None: its ticket is due at once."""
    firing = tuple(members)
    began_before = any(_is_collected(policy, member, now) for member in firing)
    collected_at = now if began_before else now + policy.group_wait
    if not policy.wait_for:
        return Waiting(collected_at) if collected_at > now else None
    until = max(collected_at, _ripe_at(policy, firing))
    return Waiting(until, collected_at) if until > now else None


def joined(after: Incident, member: Member, now: datetime) -> Incident:
    """Return the incident with its wait as it is now that `member` fires, too."""
    phase = after.phase
    if isinstance(phase, Waiting) and _is_collected(after.policy, member, now):
        if phase.collected_at is None:
            return replace(after, phase=Waiting(min(phase.until, now)))
        after = replace(after, phase=replace(phase, collected_at=min(phase.collected_at, now)))
    return followed(after, now)


def followed(after: Incident, now: datetime) -> Incident:
    """Return the incident with its wait as what fires now asks for it."""
    phase = after.phase
    if not isinstance(phase, Waiting) or phase.collected_at is None:
        return after
    firing = [member for member in after.members.values() if member.firing]
    ripe_at = now if after.flapping is not None or not firing else _ripe_at(after.policy, firing)
    return replace(after, phase=replace(phase, until=max(phase.collected_at, ripe_at)))


def _is_collected(policy: Policy, member: Member, now: datetime) -> bool:
    """Whether its group waits for no others, since it began longer ago than it would wait."""
    return now - member.since >= policy.group_wait


def _ripe_at(policy: Policy, members: Iterable[Member]) -> datetime:
    waits = policy.wait_for
    return min(member.since + waits.get(member.severity.value, timedelta()) for member in members)
