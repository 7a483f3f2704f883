"""How one change moves an incident.

`decide` is total: a change that does not fit is ignored, since delivery repeats. Time enters only as `now`,
and `due_at` is the earliest instant at which Tick would change anything.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from alertd.core import (
    acknowledging,
    awaiting,
    digests,
    flapping,
    members,
    noting,
    outside_hours,
    quieting,
    storms,
    waiting,
)
from alertd.core.alerts import AlertKey
from alertd.core.clients import Customer
from alertd.core.held_back import HeldBack
from alertd.core.incidents import (
    Acknowledged,
    Change,
    Changed,
    Closed,
    Completed,
    CompletedByPerson,
    Counted,
    Dismissed,
    Ended,
    Expired,
    Fired,
    Folded,
    FoundForeign,
    Gone,
    Holding,
    How,
    Incident,
    Inhibiting,
    Linked,
    Member,
    Merged,
    Noted,
    Open,
    Promoted,
    Quieted,
    Rejoined,
    Renumbered,
    Reopened,
    ReopenRefused,
    Silenced,
    Tally,
    Tick,
    Touched,
    Updated,
    Waiting,
    What,
    WhyNew,
    may_complete,
    wants_missed,
)
from alertd.core.routes import Policy
from alertd.core.tallying import count, retally
from alertd.core.tickets import Ticket


def open_incident(
    key: str,
    fired: Fired,
    policy: Policy,
    *,
    group: dict[str, str],
    customer: Customer,
    receipt: str,
    now: datetime,
) -> Incident:
    """Begin an incident with its first firing condition."""
    member, begun = fired.member, waiting.begun(policy, (fired.member,), now)
    waits = awaiting.extended(begun, fired, policy, now)
    return Incident(
        key=key,
        policy=policy,
        group=group,
        client=customer.client,
        customer=customer,
        phase=waits or Open(),
        opened_at=now,
        members={member.key: member},
        severity=member.severity,
        receipt=receipt,
        tally=Tally(held=fired.messages) if waits else Tally(pending=fired.messages),
    )


def decide(before: Incident, change: Change, *, now: datetime) -> Incident:  # noqa: C901, PLR0911, PLR0912 - the table of changes
    """Fold one change into the incident. A change that does not fit is ignored, since delivery repeats."""
    match change:
        case Fired(member, messages):
            after = _fire(_weighed(before, member, now), member, now)
            return count(awaiting.follow(after, before=before, fired=change, now=now), messages)
        case Changed(member, messages):
            return count(awaiting.hurried(_change(before, member, now), member, now), messages)
        case Ended(key, at, expired, messages):
            return count(_end(before, key, at, expired, now), messages)
        case Updated(key, text, messages):
            return count(_update(before, key, text, now), messages)
        case Counted(messages):
            return count(before, messages)
        case Quieted(quiet_by_key):
            return quieting.with_quiet(before, quiet_by_key)
        case Inhibiting(held_back):
            return _hold_back(before, held_back, now)
        case Promoted(storm_ticket):
            return _promote(before, storm_ticket)
        case Tick():
            if before.kind == "summary":
                return digests.tick(before, now)
            return _tick(outside_hours.end(before, now), now)
        case Linked(ticket, revision):
            return _link(before, ticket, revision, now)
        case Noted(upto):
            return noting.forget_told(before, upto)
        case Completed():
            return replace(before, completed=True)
        case Reopened():
            return _taken_up_again(before)
        case FoundForeign():
            return _found_foreign(before, now)
        case Rejoined():
            return noting.note_now(noting.tell(before, "rejoined", None, now), now)
        case Touched(by, status):
            return _touch(before, by, status, now)
        case CompletedByPerson(lasting):
            return _person_completed(before, lasting, now)
        case Merged(survivor):
            return _merged(before, survivor, now)
        case Gone():
            return _gone(before, now)
        case ReopenRefused():
            return _reopen_refused(before, now)
        case Renumbered(generation):
            return replace(before, generation=max(generation, before.generation))
        case Dismissed():
            return _dismiss(before, now)
        case _:
            assert_never(change)


def due_at(incident: Incident) -> datetime | None:
    """Return the earliest instant at which Tick would change the incident, or None."""
    if incident.kind == "summary":
        return digests.due_at(incident)
    times: list[datetime] = []
    match incident.phase:
        case (
            Waiting(until)
            | Silenced(_, datetime() as until)
            | Holding(_, until)
            | Acknowledged(_, datetime() as until)
        ):
            times.append(until)
        case Closed(at, untold="list"):
            times.append(at)
        case _:
            pass
    limit_at = acknowledging.limit_at(incident)
    if limit_at is not None:
        times.append(limit_at)
    if incident.flapping is not None:
        times.append(incident.flapping.until)
    if noting.has_news(incident) or noting.is_shown_too_high(incident):
        times.append(noting.due_at(incident))
    if (hours_begin_at := outside_hours.due_at(incident)) is not None:
        times.append(hours_begin_at)
    storm_due_at = storms.due_at(incident.storm)
    if storm_due_at is not None and may_change_storm(incident):
        times.append(storm_due_at)
    return min(times, default=None)


def may_change_storm(incident: Incident) -> bool:
    """Whether time moves the storm: not once it is over; and what a person has closed is left to them."""
    if isinstance(incident.phase, Acknowledged):
        return incident.storm is not None and incident.storm.active
    return not isinstance(incident.phase, Closed)


def with_policy(incident: Incident, live: Policy) -> Incident:
    """Take over what stays live of a route: all but its name, board and company, frozen when it opened."""
    frozen = incident.policy
    policy = replace(live, route_name=frozen.route_name, board=frozen.board, company=frozen.company)
    return incident if policy == frozen else replace(incident, policy=policy)


# --- one function a change ----------------------------------------------------------------------------


def _fire(before: Incident, member: Member, now: datetime) -> Incident:
    match before.phase:
        case Closed() as phase:
            return _fire_after_close(before, phase, member, now)
        case Waiting() | Silenced() | Folded():
            return waiting.joined(members.seated(before, member), member, now)
        case Acknowledged() as phase:
            return replace(
                before, phase=replace(phase, until=None), members=members.with_member(before, member)
            )
        case Open():
            came_back = member.key in before.members
            if came_back and before.members[member.key].firing:
                return members.seated(before, member)
            return noting.tell(
                members.seated(before, member), "fired again" if came_back else "joined", member, now
            )
        case Holding() | Expired():
            back = replace(before, phase=Open())
            return noting.tell(members.seated(back, member), "fired again", member, now)
        case _:
            assert_never(before.phase)


def _fire_after_close(before: Incident, phase: Closed, member: Member, now: datetime) -> Incident:
    if before.ticket is None:
        return _start_over(before, phase, member, now)
    if before.completed:
        before = flapping.reopening(before, now)
    theirs = phase.how in ("person", "gone") or (before.completed and before.status_taken)
    firing = _firing_with(before, member)
    if theirs or (before.completed and now > phase.reopen_until):
        after = _next_generation(replace(before, members=firing), now)
        return replace(after, phase=waiting.begun(before.policy, firing.values(), now) or Open())
    back = replace(before, phase=Open(), members=firing, severity=members.worst_of(firing))
    told = noting.tell(back, "reopened" if before.completed else "fired again", member, now)
    return noting.note_at_once(told, now)


def _firing_with(before: Incident, member: Member) -> dict[AlertKey, Member]:
    """What fires now: this one, and whatever an operator's close has left firing."""
    return {key: other for key, other in members.with_member(before, member).items() if other.firing}


def _start_over(before: Incident, phase: Closed, member: Member, now: datetime) -> Incident:
    """No ticket stands yet, so this generation begins again.

    One may be on its way all the same, by a create that was sent before: revisions count on, so that what
    its description cannot know is told by a note. What is to have a ticket in any case has done its waiting.
    """
    firing = _firing_with(before, member)
    at_once = phase.wants_ticket or before.flapping is not None
    waits = None if at_once else waiting.begun(before.policy, firing.values(), now)
    begun = replace(
        before,
        phase=waits or Open(),
        opened_at=now,
        members=firing,
        severity=members.worst_of(firing),
        last_silence=None,
    )
    return retally(noting.tell(begun, "fired again", member, now), before)


def _next_generation(before: Incident, now: datetime, *, why: WhyNew = "back") -> Incident:
    """A new ticket, linked to the last one, for what fires now."""
    firing = members.firing_of(before)
    return replace(
        before,
        generation=before.generation + 1,
        phase=Open(),
        opened_at=now,
        members=firing,
        severity=members.worst_of(firing),
        revision=0,
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
        why_new=why,
        outlasted=before.outlasted + 1 if why == "outlasted" else 0,
        last_silence=None,
    )


def _recount(opened: Incident) -> Incident:
    """The message that fired again was merged into the old ticket: it waits for the new one instead."""
    tally = opened.tally
    if tally.merged == 0:
        return opened
    return count(replace(opened, tally=replace(tally, merged=tally.merged - 1)), 1)


def _change(before: Incident, member: Member, now: datetime) -> Incident:
    old = before.members.get(member.key)
    if old is None or not old.firing or old.severity is member.severity or isinstance(before.phase, Closed):
        return before
    member = replace(member, since=old.since, update=old.update)
    raised = member.severity.rank < before.severity.rank
    before = _weighed(before, member, now)
    match before.phase:
        case Acknowledged():
            return replace(before, members=members.with_member(before, member))
        case Waiting() | Silenced() | Folded():
            return waiting.followed(members.seated(before, member), now)
        case _:
            detail = f"{old.severity} to {member.severity}"
            what: What = "raised" if raised else "severity"
            return noting.tell(members.seated(before, member), what, member, now, detail=detail)


def _update(before: Incident, key: AlertKey, text: str, now: datetime) -> Incident:
    """Tell it with the next note, once. A ticket that is made later says it by itself."""
    member = before.members.get(key)
    if member is None or not member.firing or text in ("", member.update):
        return before
    updated = replace(member, update=text)
    after = replace(before, members=before.members | {key: updated})
    if not isinstance(before.phase, Open):
        return after
    return noting.tell(after, "updated", updated, now, detail=text)


def _end(before: Incident, key: AlertKey, at: datetime, expired: bool, now: datetime) -> Incident:
    member = before.members.get(key)
    if member is None or not (member.firing or member.expired > expired):
        return before
    ended = replace(member, ended_at=at, expired=expired)
    before = _weighed(before, ended, now)
    after = replace(before, members=members.with_member(before, ended))
    if isinstance(before.phase, Closed):
        return after  # an operator has closed it before
    if after.firing:
        if isinstance(before.phase, Waiting | Silenced | Folded | Acknowledged):
            return waiting.followed(after, now)
        return noting.tell(after, "expired" if expired else "cleared", ended, now)
    return _all_over(after, ended, now)


def _all_over(before: Incident, last: Member, now: datetime) -> Incident:
    any_expired = members.any_expired(before)
    match before.phase:
        case Waiting():
            return waiting.followed(before, now)  # one that flaps while its group waits is decided on then
        case Silenced() | Folded():
            return _close(before, "expired" if any_expired else "cleared", now)
        case Acknowledged() as phase:
            until = flapping.held_until(before, now)
            return _tick(replace(before, phase=replace(phase, until=until)), now)
        case Expired() if any_expired:
            return before
        case _ if any_expired and _stays_open(before):
            return noting.tell(
                replace(before, phase=Expired(now)), "expired" if last.expired else "cleared", last, now
            )
        case _:
            holding = Holding(now, flapping.held_until(before, now), expired=any_expired)
            return _tick(replace(before, phase=holding), now)


def _promote(before: Incident, storm_ticket: str) -> Incident:
    if not isinstance(before.phase, Folded):
        return before
    return retally(replace(before, phase=Open(), storm_ticket=storm_ticket), before)


def _tick(before: Incident, now: datetime) -> Incident:
    before = _stable_if_due(before, now)
    match before.phase:
        case Waiting(until) if now >= until and before.firing:
            return noting.note_if_due(retally(replace(before, phase=Open()), before), now)
        case Waiting(until) if now >= until:
            return _over_in_wait(before, now)
        case Silenced(_, datetime() as until) if now >= until:
            return quieting.wake(before, now)
        case Closed(at, untold="list") as phase if now >= at:
            return replace(before, phase=replace(phase, untold=""))
        case Holding(_, until, expired) if now >= until:
            return _close(before, "expired" if expired else "cleared", now)
        case Acknowledged(_, datetime() as until, how) if now >= until:
            return _close(before, "cleared" if how == "merged" else "person", now)
        case Acknowledged() if acknowledging.is_outlasted(before, now):
            return _asking_first(_next_generation(before, now, why="outlasted"), now)
        case _:
            return noting.note_if_due(before, now)


def _over_in_wait(before: Incident, now: datetime) -> Incident:
    """Nothing fires when the group's wait ends. What fell silent and is to have a ticket has it open."""
    if not members.any_expired(before):
        return _close(before, "cleared", now)
    if _stays_open(before) and wants_missed(before):
        return retally(replace(before, phase=Expired(now)), before)
    return _close(before, "expired", now)


def _close(before: Incident, how: How, now: datetime) -> Incident:
    missed = before.ticket is None and how in ("cleared", "expired") and wants_missed(before)
    closed = Closed(now, how, now + before.policy.reopen_within, wants_ticket=missed)
    return _tell_if_left_open(retally(replace(before, phase=closed, flapping=None), before), now)


def _tell_if_left_open(closed: Incident, now: datetime) -> Incident:
    """Say so where we may not complete the ticket. One that is on its way is told, too, once it stands."""
    if may_complete(closed) or not noting.is_all_clear(closed):
        return closed
    return noting.note_at_once(
        noting.tell(closed, "left open", None, now, detail=_why_left_open(closed)), now
    )


def _link(before: Incident, ticket: Ticket, revision: int, now: datetime) -> Incident:
    if before.ticket is not None:
        return replace(before, ticket=ticket)
    kept = isinstance(before.phase, Silenced | Folded)  # which comes too late
    phase = Open() if kept else before.phase
    linked = replace(
        before, phase=phase, ticket=ticket, note_upto=max(revision, before.note_upto), linked_at=now
    )
    waiting = before.tally.waiting
    placed = replace(
        before.tally,
        pending=0,
        held=0,
        silenced=0,
        inhibited=0,
        ticketed=before.tally.ticketed + min(waiting, 1),
        merged=before.tally.merged + max(waiting - 1, 0),
    )
    return noting.forget_told(replace(linked, tally=placed), revision)


def _hold_back(before: Incident, held_back: HeldBack, now: datetime) -> Incident:
    """Tell of it once, as it stands when the note is made."""
    if isinstance(before.phase, Closed) or held_back == before.held_back:
        return before
    others = tuple(each for each in before.changes if each.what != "held back")
    return noting.tell(replace(before, held_back=held_back, changes=others), "held back", None, now)


def _found_foreign(before: Incident, now: datetime) -> Incident:
    """Say in somebody else's ticket that we follow there; whether it is complete is not known yet."""
    return noting.note_now(
        noting.tell(replace(before, foreign=True, completed=False), "linked", None, now), now
    )


def _touch(before: Incident, by: str, status: bool, now: datetime) -> Incident:
    if before.touched and (before.status_taken or not status):
        return before
    after = replace(before, touched=before.touched or by, status_taken=before.status_taken or status)
    if before.completed or not may_complete(before):
        return after
    return _tell_if_left_open(after, now)


def _person_completed(before: Incident, lasting: bool, now: datetime) -> Incident:
    done = replace(before, completed=True)
    match before.phase:
        case Closed():
            return replace(done, phase=replace(before.phase, how="person"))  # so it is never ours to reopen
        case phase if before.firing or isinstance(phase, Acknowledged | Holding):
            return acknowledging.take(done, "wont fix" if lasting else "completed", now)
        case _:
            return _close(done, "person", now)


def _merged(before: Incident, survivor: Ticket, now: datetime) -> Incident:
    """Follow in the ticket that is left, as in any that was there before; a person has it in hand."""
    if before.ticket is None or isinstance(before.phase, Closed):
        return before
    there = replace(before, ticket=survivor, touched=before.touched or "somebody merged it")
    return acknowledging.take(_found_foreign(there, now), "merged", now)


def _taken_up_again(before: Incident) -> Incident:
    again = acknowledging.take_up_again(before)
    firing = members.firing_of(again)
    taken = isinstance(before.phase, Acknowledged) and firing
    return replace(again, severity=members.worst_of(firing)) if taken else again


def _gone(before: Incident, now: datetime) -> Incident:
    if before.ticket is None:
        return before
    match before.phase:
        case Closed():
            return replace(before, completed=True, phase=replace(before.phase, how="gone"))
        case Acknowledged(how="wont fix"):
            return _close(before, "gone", now)
        case _ if before.firing:
            return _asking_first(_next_generation(before, now, why="gone"), now)
        case _:
            return _close(before, "gone", now)


def _reopen_refused(before: Incident, now: datetime) -> Incident:
    """A new ticket for what fires; what is over by now has nothing left to reopen for."""
    if before.ticket is None or isinstance(before.phase, Acknowledged | Closed):
        return before
    if not before.firing:
        return _close(before, "gone", now)
    return _recount(_asking_first(_next_generation(before, now, why="refused"), now))


def _asking_first(opened: Incident, now: datetime) -> Incident:
    """Wait for the next Tick: silences were not asked about while there was a ticket."""
    return replace(opened, phase=Waiting(now))


def _dismiss(before: Incident, now: datetime) -> Incident:
    """Close it for the operator; of what is closed already, give up the ticket that was still wanted."""
    match before.phase:
        case Closed(wants_ticket=wants) if before.ticket is not None or not wants:
            return before
        case Acknowledged():
            return _close(before, "person", now)  # the ticket stays theirs
        case _:
            return _close(before, "operator", now)


def _weighed(before: Incident, member: Member, now: datetime) -> Incident:
    """Weigh what is about to happen to a member; that it flaps is noted at once."""
    after = flapping.noticed(before, member.key, now, firing=member.firing, severity=member.severity)
    if after.flapping is None or before.flapping is not None or isinstance(after.phase, Closed):
        return after
    return noting.note_at_once(noting.tell(after, "flapping", None, now), now)


def _stable_if_due(before: Incident, now: datetime) -> Incident:
    if before.flapping is None or now < before.flapping.until:
        return before
    after = replace(before, flapping=None)
    return noting.tell(after, "stable", None, now) if isinstance(before.phase, Open | Expired) else after


# --- parts --------------------------------------------------------------------------------------------


def _why_left_open(incident: Incident) -> str:
    if incident.foreign:
        return "the ticket was there before the alert"
    return incident.touched or "this route's tickets are completed by people"


def _stays_open(incident: Incident) -> bool:
    """Whether the ticket stays open though alerts fell silent: by the route, else by their sources."""
    if incident.policy.on_expiry is not None:
        return incident.policy.on_expiry == "note"
    return any(member.expired and member.on_expiry == "note" for member in incident.members.values())
