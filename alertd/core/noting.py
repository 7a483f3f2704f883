"""What the next note has to tell, in as few lines as say it, and when it is due.

Changes that a note has been asked for stay as they are; later ones of the same alert are folded into one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from alertd.core import members
from alertd.core.flapping import NOTE_EVERY
from alertd.core.incidents import (
    Closed,
    Expired,
    Flapping,
    Happened,
    Holding,
    Incident,
    Member,
    Open,
    What,
    may_complete,
)

MOST_CHANGES = 100  # kept for the next note; beyond it they are counted, and the members tell the rest

_FLIPS: Final = ("cleared", "fired again", "reopened")
_SEVERITIES: Final = ("severity", "raised")


def added(before: Incident, happened: Happened) -> Incident:
    """Add a change for the next note, folded with what it undoes, repeats or goes on with."""
    if before.flapping is not None and happened.what in (*_FLIPS, *_SEVERITIES, "flapping"):
        happened, dropped = _still_flapping(before, happened, before.flapping)
    else:
        happened, dropped = _folded(before, happened)
    changes = (*(each for each in before.changes if each not in dropped), happened)
    left_out = before.changes_left_out + max(len(changes) - MOST_CHANGES, 0)
    return replace(
        before,
        revision=happened.revision,
        changes=changes[-MOST_CHANGES:],
        changes_left_out=left_out,
    )


def note_interval(incident: Incident) -> timedelta:
    """Return the least time between two notes: longer where all there is to say is that it still flaps."""
    interval = incident.policy.note_interval
    if incident.flapping is None or not incident.flapping.told:
        return interval
    only_that = all(each.what == "flapping" for each in _pending(incident))
    return max(interval, NOTE_EVERY) if only_that else interval


def tell_of_storm(before: Incident, now: datetime, *, what: What | None = None) -> Incident:
    """Have the next note of a storm's parent tell how it stands, and what happened beside that."""
    if what is not None:
        return tell(before, what, None, now)
    return replace(before, revision=before.revision + 1)


def tell(before: Incident, what: What, member: Member | None, now: datetime, *, detail: str = "") -> Incident:
    """Add a change for the next note; a ticket that is not made yet will speak of it by itself."""
    revision = before.revision + 1
    happened = Happened(
        revision,
        now,
        what,
        title=member.title if member is not None else "",
        host=member.host if member is not None else "",
        detail=detail,
        key=member.key if member is not None else "",
    )
    return added(before, happened)


def has_news(incident: Incident) -> bool:
    """Whether a note is due sometime. The resolution of a ticket that we complete says all there is."""
    if incident.ticket is None or incident.revision <= incident.note_upto:
        return False
    if isinstance(incident.phase, Holding) and may_complete(incident):
        return incident.flapping is not None
    if isinstance(incident.phase, Open | Holding | Expired):
        return True
    return is_all_clear(incident) and not may_complete(incident) and not incident.completed


def due_at(incident: Incident) -> datetime:
    """One note an interval; the first counts from the ticket's creation, whose text is as good as a note."""
    last_told_at = incident.noted_at or incident.linked_at or incident.opened_at
    return last_told_at + note_interval(incident)


def is_shown_too_high(incident: Incident) -> bool:
    """Whether the ticket shows a severity that nothing has any more: its description told of that before."""
    if incident.ticket is None or not isinstance(incident.phase, Open) or incident.flapping is not None:
        return False
    firing = members.firing_of(incident)
    return bool(firing) and members.worst_of(firing).rank > incident.severity.rank


def note_at_once(before: Incident, now: datetime) -> Incident:
    """Ask for a note without waiting, unless one was asked for within the interval: then that has to pass."""
    first = before.noted_at is None and has_news(before)
    return note_now(before, now) if first else note_if_due(before, now)


def note_if_due(before: Incident, now: datetime) -> Incident:
    """Ask for a note where one is due by now."""
    due = has_news(before) or is_shown_too_high(before)
    return note_now(before, now) if due and now >= due_at(before) else before


def note_now(before: Incident, now: datetime) -> Incident:
    """Ask for a note of all there is to tell, and show the severity of what fires now."""
    firing = members.firing_of(before)
    severity = members.worst_of(firing) if firing else before.severity
    flaps = before.flapping and replace(before.flapping, told=True)
    return replace(before, note_upto=before.revision, noted_at=now, severity=severity, flapping=flaps)


def forget_told(before: Incident, upto: int) -> Incident:
    """Drop the changes that the ticket tells of by now: those up to this revision."""
    left = tuple(happened for happened in before.changes if happened.revision > upto)
    older_are_told = len(left) < len(before.changes)
    return replace(before, changes=left, changes_left_out=0 if older_are_told else before.changes_left_out)


def is_all_clear(incident: Incident) -> bool:
    """Whether it is over because all of its alerts are."""
    return isinstance(incident.phase, Closed) and incident.phase.how in ("cleared", "expired")


def _still_flapping(
    before: Incident, happened: Happened, flapping: Flapping
) -> tuple[Happened, list[Happened]]:
    dropped = [each for each in _pending(before) if each.what in (*_FLIPS, *_SEVERITIES, "flapping")]
    told = Happened(happened.revision, happened.at, "flapping", detail=_counted(flapping))
    return told, dropped


def _counted(flapping: Flapping) -> str:
    since = _instant(flapping.since)
    if flapping.reopens:
        return f"its ticket was completed and needed again {flapping.reopens} times since {since}"
    return f"changed {flapping.changes} times since {since}"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _folded(before: Incident, happened: Happened) -> tuple[Happened, list[Happened]]:
    kinds = next((each for each in (_FLIPS, _SEVERITIES) if happened.what in each), ())
    same = [each for each in _pending(before) if each.key == happened.key and each.what in kinds]
    if not same or not happened.key:
        return happened, []
    times = happened.times + sum(each.times for each in same)
    return replace(happened, times=times, detail=_from_first(same[0].detail, happened.detail)), same


def _from_first(first: str, last: str) -> str:
    """Join "low to high" and "high to critical" to "low to critical"."""
    return f"{first.partition(' to ')[0]} to {last.rpartition(' to ')[2]}" if first and last else last


def _pending(incident: Incident) -> list[Happened]:
    return [each for each in incident.changes if each.revision > incident.note_upto]
