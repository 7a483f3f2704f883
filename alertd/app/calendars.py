"""The calendars of windows: read at intervals, and the last good copy kept, over restarts too."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import msgspec
import structlog

from alertd.app.live import Current
from alertd.config.settings import Settings
from alertd.core.calendars import CalendarUnreadable, read_calendar
from alertd.core.window_settings import WindowSettings
from alertd.core.windows import Occurrence
from alertd.intake.fetching import Fetch, FetchFailed, WebFetch
from alertd.store.store import Reader, Store

EVERY = timedelta(minutes=5)
MOST_BYTES = 8 * 1024 * 1024
TOTAL_S = 20.0
_OK = 200

_log = structlog.get_logger("alertd.app")


class Held(msgspec.Struct, frozen=True):
    """The last good copy of a calendar."""

    text: bytes
    occurrences: tuple[Occurrence, ...]


def calendar_fetch() -> Fetch:
    """Return what fetches calendars: they are the operator's own choice, so they may be in our network."""
    return WebFetch(resolver=aiohttp.ThreadedResolver(), total_s=TOTAL_S, most_bytes=MOST_BYTES)


class CalendarShelf:
    """What the calendars of the windows hold. One that cannot be read stays as it was.

    Args:
        current: Holds the configuration.
        store: Remembers the last good copies.
        now: Tells the present instant.
        fetch: Asks for those on the web.
    """

    def __init__(
        self, current: Current, store: Store, *, now: Callable[[], datetime], fetch: Fetch | None = None
    ) -> None:
        self._current = current
        self._store = store
        self._now = now
        self._fetch = fetch or calendar_fetch()
        self._held: dict[str, Held] = {}  # by place and zone
        self._problems: dict[str, str] = {}

    def of(self, window: WindowSettings) -> tuple[Occurrence, ...]:
        """Return what the calendar of this window holds, as far as is known."""
        held = self._held.get(_key(window))
        return held.occurrences if held is not None else ()

    def problems(self) -> list[str]:
        """Return which calendars cannot be read, and why."""
        keys = {_key(each): each.name for each in self._windows()}
        return [
            f"calendar of window {keys[key]!r}: {why}; {self._what_counts(key)}"
            for key, why in sorted(self._problems.items())
            if key in keys
        ]

    async def load(self) -> None:
        """Take the stored copies of calendars that are not held yet; read those that were never stored."""
        for window in self._windows():
            if _key(window) in self._held:
                continue
            stored = await self._store.get(_key(window))
            if stored is None or not await self._take(window, stored.encode()):
                await self._read(window)

    async def refresh(self) -> bool:
        """Read all of them anew; whether any is other than it was."""
        before = dict(self._held)
        for window in self._windows():
            await self._read(window)
        return any(
            held.occurrences != before[key].occurrences if key in before else True
            for key, held in self._held.items()
        )

    def _windows(self) -> Iterator[WindowSettings]:
        return (each for each in self._current.live.settings.windows if each.ical is not None)

    async def _read(self, window: WindowSettings) -> None:
        key = _key(window)
        try:
            text = await self._text(window.ical or "")
        except (FetchFailed, OSError) as exc:
            self._trouble(key, exc.strerror or type(exc).__name__ if isinstance(exc, OSError) else str(exc))
            return
        before = self._held.get(key)
        if not await self._take(window, text):
            return
        self._problems.pop(key, None)
        if before is None or before.text != text:
            await self._store.set(key, text.decode("utf-8", "replace"))

    async def _take(self, window: WindowSettings, text: bytes) -> bool:
        """Hold what the text says; whether it could be read."""
        key = _key(window)
        try:
            found = await asyncio.to_thread(read_calendar, text, zone=window.timezone, now=self._now())
        except CalendarUnreadable as exc:
            self._trouble(key, str(exc))
            return False
        self._held[key] = Held(text, found)
        return True

    async def _text(self, place: str) -> bytes:
        if "://" not in place:
            return await asyncio.to_thread(_bounded, Path(place))
        answer = await self._fetch.get(place)
        if answer.status != _OK:
            raise FetchFailed(f"the server answered with {answer.status}")
        return answer.body

    def _trouble(self, key: str, why: str) -> None:
        if self._problems.get(key) != why:
            _log.warning("app.calendar_unread", calendar=key, why=why)
        self._problems[key] = why

    def _what_counts(self, key: str) -> str:
        return (
            "the last good copy counts" if key in self._held else "until it can be read the window is never"
        )


async def stored_calendars(
    settings: Settings, reader: Reader, now: datetime
) -> Callable[[WindowSettings], tuple[Occurrence, ...]]:
    """Return what the windows' calendars hold from `now` on, by the last good copies; nothing without one."""
    found: dict[str, tuple[Occurrence, ...]] = {}
    for window in (each for each in settings.windows if each.ical is not None):
        text = await reader.get(_key(window))
        with contextlib.suppress(CalendarUnreadable):
            found[_key(window)] = read_calendar((text or "").encode(), zone=window.timezone, now=now)
    return lambda window: found.get(_key(window), ())


def _bounded(path: Path) -> bytes:
    with path.open("rb") as file:
        text = file.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise FetchFailed(f"it is larger than {MOST_BYTES} bytes")
    return text


def _key(window: WindowSettings) -> str:
    return f"calendar {window.timezone} {window.ical}"
