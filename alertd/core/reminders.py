"""Silences that somebody should look at again, because they are about to end, or have lasted for long.

A reminder is an alert of alertd's own: it fires while there is reason to, and clears by itself when the
silence is over, is prolonged, or keeps nothing quiet any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

import msgspec

from alertd.core.incidents import Incident, Silenced
from alertd.core.matchers import print_matchers
from alertd.core.silences import Silence, SilenceState, state_of

Why: TypeAlias = Literal["SilenceEnding", "SilenceLasting"]

ENDING: Final = "SilenceEnding"
LASTING: Final = "SilenceLasting"
_LONGEST_SAID = 300


class Reminder(msgspec.Struct, frozen=True):
    """One silence, why somebody should look at it, and what to say."""

    silence_id: str
    why: Why
    title: str
    description: str

    @property
    def labels(self) -> dict[str, str]:
        """Return the labels of its alert."""
        return {"alertname": self.why, "severity": "low", "silence": self.silence_id}


def reminders(
    silences: Iterable[Silence],
    incidents: Iterable[Incident],
    *,
    before: timedelta,
    after: timedelta,
    now: datetime,
) -> list[Reminder]:
    """Return what somebody should be reminded of now.

    Args:
        silences: All that are kept.
        incidents: Those that are silenced.
        before: How long before its end; a silence that is no longer than that needs no reminder. 0: never.
        after: How long it may last before it is asked about. 0: for ever.
        now: The present instant.
    """
    kept = kept_quiet(incidents)
    found = []
    for silence in silences:
        why = _why(silence, before, after, now) if kept.get(silence.id) else None
        if why is not None:
            found.append(_reminder(silence, why, kept[silence.id]))
    return found


def kept_quiet(incidents: Iterable[Incident]) -> Mapping[str, int]:
    """Return how many incidents each silence keeps from getting a ticket, by its id."""
    return Counter(
        id_
        for incident in incidents
        if isinstance(incident.phase, Silenced) and incident.phase.kind == "silence"
        for id_ in incident.phase.by
    )


def _why(silence: Silence, before: timedelta, after: timedelta, now: datetime) -> Why | None:
    if state_of(silence, now) is not SilenceState.ACTIVE:
        return None
    if silence.ends_at - silence.starts_at > before and silence.ends_at - now <= before:
        return ENDING
    return LASTING if after and now - silence.starts_at >= after else None


def _reminder(silence: Silence, why: Why, count: int) -> Reminder:
    ends = f"{silence.ends_at:%Y-%m-%d %H:%M} UTC"
    waiting = "1 incident waits" if count == 1 else f"{count} incidents wait"
    said = " ".join(f"{silence.created_by}: {silence.comment}".split())[:_LONGEST_SAID]
    title = f"Silence ends {ends}" if why == ENDING else f"Silence since {silence.starts_at:%Y-%m-%d}"
    return Reminder(
        silence.id,
        why,
        f"{title}: {waiting} for its end",
        f"Silence {silence.id} of {print_matchers(silence.matchers)} ({said}) ends {ends}. {waiting} for "
        "that, and what still fires then gets its ticket. Prolong it, or end it with: "
        f"alertd silence expire {silence.id}",
    )
