"""The windows of a running alertd, and what is told of windows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from alertd.app.live import Current, Live
from alertd.config.settings import Settings
from alertd.core.incidents import QUIET_STATES, Incident, Silenced
from alertd.core.settings import format_duration
from alertd.core.window_settings import WindowSettings
from alertd.core.windows import ActiveWindows, Occurrence
from alertd.flows.silencing import OPENING

Document: TypeAlias = dict[str, Any]
Calendars: TypeAlias = Callable[[WindowSettings], tuple[Occurrence, ...]]
MOST_SHOWN = 1000


class WindowBook:
    """The windows in force.

    Args:
        current: Holds the configuration.
        changed: Is told in which states incidents may stand otherwise from now on.
        calendars: What the calendar of a window holds.
    """

    def __init__(
        self,
        current: Current,
        *,
        changed: Callable[[Sequence[str]], None],
        calendars: Calendars = lambda window: (),
    ) -> None:
        self._current = current
        self._changed = changed
        self._calendars = calendars
        self.active = active_windows(current.live.settings, calendars)

    def adopt(self, old: Live) -> None:
        """Put reloaded windows and time intervals in force. What stayed as it was goes on as it was."""
        new = self._current.live.settings
        same = old.settings.windows == new.windows and old.settings.time_intervals == new.time_intervals
        if not same or old.routing.policies != self._current.live.routing.policies:
            self.refresh()

    def refresh(self) -> None:
        """Make the windows anew, as their calendars say now, and ask about what waits for a ticket."""
        self.active = active_windows(self._current.live.settings, self._calendars)
        self._changed([*OPENING, *QUIET_STATES])


def active_windows(settings: Settings, calendars: Calendars = lambda window: ()) -> ActiveWindows:
    """Return the configured windows, as they are asked."""
    return ActiveWindows(each.window(calendars(each)) for each in settings.windows)


def window_rows(
    settings: Settings, windows: ActiveWindows, incidents: Iterable[Incident], now: datetime
) -> list[Document]:
    """Return each window with what it is now, what it will be next, and which incidents it keeps waiting."""
    waiting = list(incidents)
    made = {window.name: window for window in windows.windows}
    rows = []
    for each in settings.windows:
        present = windows.standing(made[each.name], now)
        rows.append(
            {
                "name": each.name,
                "state": "active" if present.occurrence is not None else "idle",
                "when": when(each),
                "timezone": each.timezone,
                "matchers": [str(matcher) for matcher in each.matchers],
                "comment": each.comment,
                "until": _at(present.occurrence.ends_at) if present.occurrence is not None else None,
                "next_start_at": _at(present.next_start_at),
                "holds": [incident.key for incident in waiting if is_held_by(each.name, incident)],
            }
        )
    return rows


def next_rows(
    settings: Settings, windows: ActiveWindows, now: datetime, *, name: str | None, count: int
) -> list[Document]:
    """Return the occurrences of all windows, or of one: present ones and those to come, by their start."""
    zones = {each.name: each.timezone for each in settings.windows}
    found = [
        (occurrence, window.name)
        for window in windows.windows
        if name in (None, window.name)
        for occurrence in windows.upcoming(window, now, count=count)
    ]
    return [_occurrence(each, window, zones[window], now) for each, window in sorted(found)[:count]]


def is_held_by(name: str, incident: Incident) -> bool:
    """Whether the window of this name keeps the incident's ticket back."""
    phase = incident.phase
    return isinstance(phase, Silenced) and phase.kind == "window" and name in phase.by


def when(window: WindowSettings) -> str:
    """Return in a few words when it is."""
    if window.cron is not None and window.duration is not None:
        return f"{window.cron} for {format_duration(window.duration)}"
    return "once" if window.starts is not None else f"calendar {window.ical}"


def _occurrence(each: Occurrence, name: str, zone: str, now: datetime) -> Document:
    local = ZoneInfo(zone)
    return {
        "name": name,
        "state": "active" if each.starts_at <= now else "to come",
        "starts_at": _at(each.starts_at),
        "ends_at": _at(each.ends_at),
        "local_starts_at": each.starts_at.astimezone(local).isoformat(timespec="seconds"),
        "local_ends_at": each.ends_at.astimezone(local).isoformat(timespec="seconds"),
        "timezone": zone,
        "said": each.said,
    }


def _at(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z") if instant is not None else None
