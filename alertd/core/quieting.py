"""Keeping an incident quiet: no ticket is made while everything that fires is silenced.

Only a ticket that does not exist is held back. Who asks what silences the conditions, and when, is
`core/folding.py`; the members remember the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from alertd.core.alerts import AlertKey
from alertd.core.incidents import Closed, Folded, Incident, Open, Silenced, Waiting, wants_missed
from alertd.core.silences import Quiet
from alertd.core.tallying import retally


def with_quiet(incident: Incident, quiet_by_key: Mapping[AlertKey, Quiet | None]) -> Incident:
    """Put down what silences those of the conditions that fire."""
    members = {
        key: replace(member, quiet=quiet_by_key[key]) if member.firing and key in quiet_by_key else member
        for key, member in incident.members.items()
    }
    return replace(incident, members=members)


def follow(after: Incident, *, before: Incident, now: datetime, may_begin: bool) -> Incident:
    """Begin, go on with or end the incident's silence, by what its members say silences them.

    Args:
        after: As a change has left it.
        before: As it was before that change.
        now: The present instant.
        may_begin: No create has been committed to, so that a ticket can still be held back.
    """
    if after.ticket is not None or not isinstance(after.phase, Open | Silenced):
        return after
    silenced = _silenced(after, now)
    if isinstance(after.phase, Silenced):
        if silenced is None:
            return wake(after, now)
        quiet = replace(after, phase=replace(silenced, since=after.phase.since))
        return retally(quiet, after) if silenced.kind != after.phase.kind else quiet
    if silenced is None or not may_begin or _is_owed(after, before):
        return after
    return retally(replace(after, phase=silenced), after)


def wake(before: Incident, now: datetime) -> Incident:
    """End the silence: what fires gets its ticket, which says why it comes so late."""
    if not isinstance(before.phase, Silenced):
        return before
    until = before.phase.until
    over = replace(before.phase, until=now if until is None else min(until, now))
    return retally(replace(before, phase=Open(), last_silence=over), before)


def may_be_silenced(incident: Incident) -> bool:
    """Whether what silences its conditions matters to it."""
    if incident.kind == "storm":  # which has no condition of its own
        return False
    return incident.ticket is None and isinstance(incident.phase, Waiting | Open | Silenced | Folded)


def is_out_of_date(incident: Incident, now: datetime) -> bool:
    """Whether what the members say silences them may be so no more, and may matter.

    Of a closed incident nobody has asked since; if it opens again, what fires still opens with it.
    """
    if isinstance(incident.phase, Closed):
        return incident.firing and incident.kind != "storm"
    if not may_be_silenced(incident) or isinstance(incident.phase, Waiting | Folded):
        return False
    return any(
        member.firing and member.quiet is not None and not member.quiet.lasts(now)
        for member in incident.members.values()
    )


def _silenced(incident: Incident, now: datetime) -> Silenced | None:
    """Return the silence that lies over all that fires; None: something is not silenced."""
    firing = [member.quiet for member in incident.members.values() if member.firing]
    quiets = [quiet for quiet in firing if quiet is not None and quiet.lasts(now)]
    if not quiets or len(quiets) < len(firing):
        return None
    first_over = min(quiets, key=lambda quiet: (quiet.until is None, quiet.until or now))
    ids = sorted({id_ for quiet in quiets if quiet.kind == first_over.kind for id_ in quiet.by})
    return Silenced(now, first_over.until, tuple(ids), first_over.said, first_over.kind)


def _is_owed(after: Incident, before: Incident) -> bool:
    """Whether something that was not silenced is over and has its ticket to come all the same."""
    return wants_missed(before) and any(
        member.ended_at is not None and (member.quiet is None or not member.quiet.lasts(member.ended_at))
        for member in after.members.values()
    )
