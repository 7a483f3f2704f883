"""Lists of what came and went without a ticket, each a ticket of its own that is complete from the start.

A list is an incident of kind "summary", whose members are what it lists, so that the machinery of tickets
makes it once and only once. A *digest* is made daily for each company, of what cleared while its ticket had
to wait. *Missed* is one list of all that was over before its ticket could be made, as in an outage.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from alertd.core.clients import Customer
from alertd.core.digest_settings import DigestSettings
from alertd.core.identity import group_fingerprint
from alertd.core.incidents import Closed, Folded, Incident, Listed, Member, Silenced, Waiting, customer_of
from alertd.core.routes import Policy
from alertd.core.tallying import retally

Which: TypeAlias = Literal["digest", "missed"]

MOST_LISTED = 1000  # on one list; what ended first is left out, and counted
DIGEST = "(digest)"  # what stands for the route in a list's policy
MISSED = "(missed)"


class Listing(msgspec.Struct, frozen=True):
    """One incident that is to be put on a list."""

    key: str  # of the list
    name: str
    which: Which
    made_at: datetime
    incident: Incident


def which_list(before: Incident, after: Incident) -> Which | None:
    """Return the list that an incident belongs on after this change: it is over, and gets no ticket."""
    if _missing(before, after) is None:
        return None
    if isinstance(before.phase, Waiting):
        return "digest"
    return "missed" if after.policy.missed == "summary" else None


def owed(before: Incident, after: Incident) -> Incident:
    """Return what is over while its create is on its way: that ticket tells of it, or else a list."""
    over = _missing(before, after)
    return after if over is None else retally(replace(after, phase=replace(over, untold="create")), before)


def not_made(incident: Incident) -> Incident:
    """Return what was over when its create proved not to be applied: a list is to tell of it."""
    phase = incident.phase
    if not isinstance(phase, Closed) or phase.untold != "create":
        return incident
    return retally(replace(incident, phase=replace(phase, untold="list")), incident)


def listing(
    which: Which, incident: Incident, settings: DigestSettings | None, *, now: datetime
) -> Listing | None:
    """Return which list the incident is put on, and when that is made; None: digests are not configured.

    Args:
        which: As `which_list` says.
        incident: As it is when it is over.
        settings: `[digest]`.
        now: The present instant.
    """
    if which == "missed":
        made_at = now + incident.policy.note_interval  # or later: when nothing was added for so long
        return Listing(group_fingerprint(("missed",)), MISSED, which, made_at, incident)
    if settings is None:
        return None
    on, made_at = settings.next_at(now)
    key = group_fingerprint(("digest", on, _whose(incident)))
    return Listing(key, f"{DIGEST} {on}", which, made_at, incident)


def put_on(before: Incident | None, entry: Listing, *, board: str, now: datetime, is_sent: bool) -> Incident:
    """Return the list with this incident's alerts on it.

    Args:
        before: The list as it is; None: this is the first entry.
        entry: What to add.
        board: Where the list is filed if it is new.
        now: The present instant.
        is_sent: Its ticket may be on its way, with the text as it was before.
    """
    listed = _begun(entry, board, now) if before is None else before
    revision = listed.revision + 1
    members = dict(listed.members)
    for member in entry.incident.members.values():
        old = members.pop(member.key, None)
        members[member.key] = _entry(member, old, entry.incident.client, revision, now)
    left_out = max(len(members) - MOST_LISTED, 0)
    for key in list(members)[:left_out]:
        del members[key]
    customer = customer_of(entry.incident) if before is None else _shared(before, entry.incident)
    worst = min((member.severity for member in members.values()), key=lambda severity: severity.rank)
    after = replace(
        listed,
        members=members,
        revision=revision,
        customer=customer,
        client=customer.client,
        severity=worst,
        changes_left_out=listed.changes_left_out + left_out,
    )
    may_wait = entry.which == "missed" and after.ticket is None and not is_sent
    return replace(after, phase=Waiting(entry.made_at)) if may_wait else after


def due_at(listed: Incident) -> datetime | None:
    """Return when the list's ticket is to be made, or another for what has come after it."""
    match listed.phase:
        case Waiting(until):
            return until
        case Closed():
            calm = listed.policy.note_interval
            return max((_listed_at(member) + calm for member in _later(listed)), default=None)
        case _:
            return None


def tick(before: Incident, now: datetime) -> Incident:
    """Let time pass for a list."""
    due = due_at(before)
    if due is None or now < due:
        return before
    over = Closed(now, "cleared", now, wants_ticket=True)
    if isinstance(before.phase, Waiting):
        return replace(before, phase=over)
    return replace(
        before,
        generation=before.generation + 1,
        phase=over,
        opened_at=now,
        members={member.key: member for member in _later(before)},
        note_upto=0,
        noted_at=None,
        linked_at=None,
        changes=(),
        changes_left_out=0,
        ticket=None,
        completed=False,
        touched="",
        status_taken=False,
        foreign=False,
        previous=before.ticket,
    )


# --- parts --------------------------------------------------------------------------------------------


def _missing(before: Incident, after: Incident) -> Closed | None:
    """Return how it is over, where no ticket tells of it and none is to."""
    phase = after.phase
    told_elsewhere = isinstance(before.phase, Silenced | Folded)  # folded: in its storm's ticket
    told_before = isinstance(before.phase, Closed) and before.phase.untold != "list"
    if after.kind != "problem" or after.ticket is not None or told_elsewhere or told_before:
        return None
    if not isinstance(phase, Closed) or phase.wants_ticket or phase.untold:
        return None
    return phase if phase.how in ("cleared", "expired") else None


def _whose(incident: Incident) -> str:
    fixed = incident.policy.company
    return f"company {fixed}" if fixed is not None else f"client {incident.client.casefold()}"


def _begun(entry: Listing, board: str, now: datetime) -> Incident:
    """A list with nothing on it yet."""
    incident = entry.incident
    policy = Policy(
        route_name=entry.name,
        board=board,
        hold=timedelta(),
        reopen_within=timedelta(),
        close="always",
        note_interval=incident.policy.note_interval,
        missed="ticket",
        company=incident.policy.company if entry.which == "digest" else None,
        flapping=None,
    )
    return Incident(
        key=entry.key,
        kind="summary",
        policy=policy,
        group={},
        client=incident.client,
        phase=Waiting(entry.made_at),
        opened_at=now,
        members={},
        severity=incident.severity,
    )


def _entry(member: Member, old: Member | None, client: str, revision: int, now: datetime) -> Member:
    """The member as the list has it. One that came by several routes counts once."""
    times = 1
    if old is not None and old.listed is not None:
        times = old.listed.times + (old.since != member.since)
    return replace(member, listed=Listed(revision, now, client, times), turns=(), quiet=None)


def _shared(before: Incident, incident: Incident) -> Customer:
    """Whose the list is: of several companies' alerts, nobody's, so that it is the fallback's."""
    mine, theirs = customer_of(before), customer_of(incident)
    return mine if mine.client == theirs.client and mine.company_id == theirs.company_id else NOBODY


def _later(listed: Incident) -> list[Member]:
    """Return what was added after the ticket's text was written."""
    if listed.ticket is None:
        return []
    return [
        member
        for member in listed.members.values()
        if member.listed is not None and member.listed.revision > listed.note_upto
    ]


def _listed_at(member: Member) -> datetime:
    return member.listed.at if member.listed is not None else member.since


NOBODY = Customer(source="", client="")
