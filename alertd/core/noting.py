"""What the next note has to tell, in as few lines as say it.

Changes that a note has been asked for stay as they are; later ones of the same alert are folded into one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from alertd.core.flapping import NOTE_EVERY
from alertd.core.incidents import Flapping, Happened, Incident

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
