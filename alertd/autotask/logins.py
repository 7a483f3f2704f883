"""Failed logins, remembered over restarts: after some of them an administrator has to unlock the user.

At most two in any rolling hour: the first, another one a quarter of an hour later, then one an hour. A
restart may try at once as long as that holds; a credential that has changed is a new one.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from datetime import datetime, timedelta

import msgspec

from alertd.autotask.credential import Credential
from alertd.autotask.memory import Memory
from alertd.flows.ports import Clock

FIRST_PAUSE = timedelta(minutes=15)
HOUR = timedelta(hours=1, seconds=5)  # Autotask counts at arrival, up to a connection later than we do
MOST_AN_HOUR = 2
_KEPT = 8
_KEY = "autotask.failed_logins"


class FailedLogins(msgspec.Struct, frozen=True):
    """Those with one credential, oldest first. `mark` tells it from another one, and no more."""

    salt: str
    mark: str
    failed_at: tuple[datetime, ...] = ()

    def and_at(self, now: datetime) -> FailedLogins:
        """Add one."""
        return msgspec.structs.replace(self, failed_at=(*self.failed_at, now)[-_KEPT:])

    def next_at(self) -> datetime:
        """Return when a process that was refused may try again by itself."""
        pause = FIRST_PAUSE if len(self.failed_at) < MOST_AN_HOUR else HOUR
        return self.failed_at[-1] + pause

    def earliest(self) -> datetime | None:
        """Return when another try is not one too many, whatever the reason for it; None: at once."""
        return self.failed_at[-MOST_AN_HOUR] + HOUR if len(self.failed_at) >= MOST_AN_HOUR else None


def mark_of(credential: Credential, salt: str) -> str:
    """Return a text that differs between credentials, and from which none can be found with any ease."""
    material = "\0".join(credential.headers().values()).encode()
    return hashlib.scrypt(material, salt=salt.encode(), n=2**13, r=8, p=1, dklen=6).hex()


class Logins:
    """The failed logins of the credential in use, since it last worked."""

    def __init__(self, memory: Memory, *, clock: Clock, chance: random.Random) -> None:
        self._memory = memory
        self._clock = clock
        self._chance = chance
        self._failed: FailedLogins | None = None
        self._known_for: Credential | None = None
        self._changing = asyncio.Lock()

    async def recall(self, credential: Credential) -> datetime | None:
        """Learn once what earlier runs knew; return until when the credential is to be held back."""
        if self._known_for is credential:
            return None
        async with self._changing:
            if self._known_for is credential:
                return None
            self._failed = await self._kept(credential)
            self._known_for = credential
        earliest = self._failed.earliest() if self._failed is not None else None
        return earliest if earliest is not None and self._clock.now() < earliest else None

    def next_at(self) -> datetime:
        """Return when to try again a credential that has just been refused."""
        return self._failed.next_at() if self._failed is not None else self._clock.now() + FIRST_PAUSE

    async def failed(self, credential: Credential) -> None:
        """Remember a failed login durably."""
        async with self._changing:
            if self._failed is None:
                salt = f"{self._chance.getrandbits(64):016x}"
                self._failed = FailedLogins(salt, mark_of(credential, salt))
            self._failed = self._failed.and_at(self._clock.now())
            await self._memory.set(_KEY, msgspec.json.encode(self._failed).decode())

    async def forget(self) -> None:
        """The credential works, or its refusals are explained: what failed before counts no more."""
        if self._failed is not None:
            self._failed = None
            await self._memory.set(_KEY, "")

    async def _kept(self, credential: Credential) -> FailedLogins | None:
        text = await self._memory.get(_KEY)
        try:
            kept = msgspec.json.decode(text or "null", type=FailedLogins | None)
        except (ValueError, RecursionError):
            return None
        if kept is None or not kept.failed_at:
            return None
        return kept if kept.mark == mark_of(credential, kept.salt) else None
