"""Waiting for what may inhibit: what a rule could inhibit gets no ticket before its source can have come."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from alertd.core import waiting
from alertd.core.alerts import Severity
from alertd.core.incidents import Closed, Fired, Incident, Member, Open, Waiting
from alertd.core.routes import Policy
from alertd.core.tallying import retally


def extended(begun: Waiting | None, fired: Fired, policy: Policy, now: datetime) -> Waiting | None:
    """Return the wait of what begins with this, so that its source can come; None: it does not wait."""
    until = now + policy.inhibit_wait
    if not fired.awaits_source or fired.member.severity is Severity.CRITICAL or until <= now:
        return begun
    if begun is None:
        return Waiting(until)
    collected_at = begun.collected_at and max(begun.collected_at, until)
    return replace(begun, until=max(begun.until, until), collected_at=collected_at)


def follow(after: Incident, *, before: Incident, fired: Fired, now: datetime) -> Incident:
    """Have what begins anew without a ticket wait, and end the wait of what has become critical.

    Args:
        after: As the firing has left it.
        before: As it was before.
        fired: What fires.
        now: The present instant.
    """
    if not isinstance(before.phase, Closed):
        return hurried(after, fired.member, now)
    owed = before.ticket is None and before.phase.wants_ticket  # it has done its waiting
    if after.ticket is not None or owed or not isinstance(after.phase, Open | Waiting):
        return after
    begun = after.phase if isinstance(after.phase, Waiting) else None
    waits = extended(begun, fired, after.policy, now)
    return after if waits is None or waits == begun else retally(replace(after, phase=waits), after)


def hurried(after: Incident, member: Member, now: datetime) -> Incident:
    """Wait no longer than for the group, and to see whether it clears, if it is critical."""
    phase = after.phase
    if not isinstance(phase, Waiting) or member.severity is not Severity.CRITICAL:
        return after
    group_until = max(after.opened_at + after.policy.group_wait, now)
    if phase.collected_at is None:
        return replace(after, phase=Waiting(min(phase.until, group_until)))
    collected_at = min(phase.collected_at, group_until)
    return waiting.followed(replace(after, phase=replace(phase, collected_at=collected_at)), now)
