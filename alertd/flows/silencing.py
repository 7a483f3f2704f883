"""Silences in memory: where whoever asks finds them, and where a change of them begins to count."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from alertd.core.incidents import QUIET_STATES
from alertd.core.silences import NO_SILENCES, ActiveSilences, Silence, state_of
from alertd.core.silences import SilenceState as State

OPENING = ("opening", "parked")  # states of incidents that a silence may keep from getting a ticket


class SilenceStore(Protocol):
    """What silences are kept in."""

    async def stored_silences(self) -> Sequence[Silence]:
        """Return every silence that is kept, by id."""
        ...

    async def store_silences(self, kept: Sequence[Silence]) -> None:
        """Store these, each in place of the one with its id, in one durable transaction."""
        ...


class SilenceBook:
    """`alertd.flows.ports.Silences` over a store. Call `load` before anything else.

    Args:
        store: Keeps them.
        now: Tells the present instant.
        changed: Is told in which states incidents may stand otherwise from now on.
    """

    def __init__(
        self,
        store: SilenceStore,
        *,
        now: Callable[[], datetime],
        changed: Callable[[Sequence[str]], None],
    ) -> None:
        self._store = store
        self._now = now
        self._changed = changed
        self._silences: dict[str, Silence] = {}
        self._writing = asyncio.Lock()
        self.active = NO_SILENCES  # those that are over are left out

    async def load(self) -> None:
        """Read what is stored: at start, and after some have been purged."""
        async with self._writing:
            self._take({each.id: each for each in await self._store.stored_silences()})

    def silences(self) -> Sequence[Silence]:
        """Return them all, by id."""
        return list(self._silences.values())

    def silence(self, silence_id: str) -> Silence | None:
        """Return the one with this id."""
        return self._silences.get(silence_id)

    async def keep(self, *silences: Silence) -> None:
        """Store these, all or none, each in place of the one with its id; then have them take effect.

        Raises:
            StoreFailed: None was stored.
        """
        async with self._writing:
            await self._store.store_silences(silences)
            states = QUIET_STATES if any(map(self._may_end, silences)) else ()
            self._take(self._silences | {each.id: each for each in silences})
        self._changed([*OPENING, *states])

    def _may_end(self, new: Silence) -> bool:
        """Whether something that is silenced may be so no more. A longer silence is found when it matters."""
        old = self._silences.get(new.id)
        if old is None or state_of(old, self._now()) is State.EXPIRED:
            return False
        return new.ends_at < old.ends_at or new.starts_at > old.starts_at or new.matchers != old.matchers

    def _take(self, silences: dict[str, Silence]) -> None:
        now = self._now()
        self._silences = dict(sorted(silences.items()))
        self.active = ActiveSilences(
            each for each in self._silences.values() if state_of(each, now) is not State.EXPIRED
        )
