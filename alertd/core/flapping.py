"""Flapping: what changes too often is not followed change by change; its ticket is held open.

Which changes count is kept with each member, so that twenty alerts that clear once are not taken for one
that clears twenty times; the verdict is the incident's.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from alertd.core.alerts import AlertKey, Severity
from alertd.core.flapping_rules import FlapRule, kept, score, stable_at
from alertd.core.incidents import Flapping, Incident, Member

NOTE_EVERY = timedelta(hours=1)  # at most one note in this time says no more than that it still flaps


def noticed(
    before: Incident, key: AlertKey, now: datetime, *, firing: bool, severity: Severity | None = None
) -> Incident:
    """Weigh what is about to happen to a member.

    Args:
        before: As it is before that.
        key: The member's; one that is new has not changed.
        now: The present instant.
        firing: Whether the member fires afterwards.
        severity: Its severity afterwards; None: as before.
    """
    rule, member = before.policy.flapping, before.members.get(key)
    if rule is None or member is None:
        return before
    if member.firing is firing and severity in (None, member.severity):
        return before
    turns = kept((*member.turns, now), rule, now=now)
    members = before.members | {key: replace(member, turns=turns)}
    return replace(before, members=members, flapping=_verdict(before, turns, rule, now))


def reopening(before: Incident, now: datetime) -> Incident:
    """Count that a ticket which we had completed is needed again."""
    rule = before.policy.flapping
    if rule is None:
        return before
    times = (*(at for at in before.reopened_at if now - at < rule.reopens_within), now)[-rule.reopens :]
    after = replace(before, reopened_at=times)
    if len(times) < rule.reopens:
        return after
    until, old = now + rule.stable_for, before.flapping
    if old is not None:
        return replace(after, flapping=replace(old, until=max(until, old.until), reopens=len(times)))
    return replace(after, flapping=Flapping(times[0], until, reopens=len(times)))


def held_until(incident: Incident, now: datetime) -> datetime:
    """Return until when it has to be clear to be over: for the route's hold, and until it is stable."""
    held = now + incident.policy.hold
    return held if incident.flapping is None else max(held, incident.flapping.until)


def turns_of(incident: Incident, member: Member) -> Member:
    """Return the member with the changes that are known of it: who tells of it anew does not know them."""
    old = incident.members.get(member.key)
    return replace(member, turns=old.turns) if old is not None and old.turns != member.turns else member


def _verdict(before: Incident, turns: tuple[datetime, ...], rule: FlapRule, now: datetime) -> Flapping | None:
    flapping = before.flapping
    if flapping is None:
        if score(turns, rule, now=now) < rule.start:
            return None
        return Flapping(turns[0], stable_at(turns, rule, now=now), changes=len(turns))
    until = max(flapping.until, stable_at(turns, rule, now=now))
    if flapping.reopens:
        until = max(until, now + rule.stable_for)
    return replace(flapping, until=until, changes=flapping.changes + 1)
