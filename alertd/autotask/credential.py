"""The credential, and the gate that closes when Autotask refuses it: retrying would lock the account."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import msgspec
import structlog

from alertd.autotask.texts import shown
from alertd.core.secret import Secret
from alertd.flows.errors import AuthRefused
from alertd.flows.ports import Clock

_log = structlog.get_logger(__name__)


def fits_header(value: str) -> bool:
    """Whether a header can carry it: it holds no line break or other control character."""
    return not any(ord(mark) < 32 or ord(mark) == 127 for mark in value)


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """What an API-only user signs in with. Values that cannot be a header are refused."""

    username: str
    secret: Secret
    integration_code: Secret

    def __post_init__(self) -> None:
        for name, value in (
            ("username", self.username),
            ("secret", self.secret.reveal()),
            ("integration_code", self.integration_code.reveal()),
        ):
            if not value or not fits_header(value):
                raise ValueError(
                    f"[autotask] {name} is empty or holds a control character such as a line break"
                )

    def headers(self) -> dict[str, str]:
        """Return the three headers every call but the zone look-up carries."""
        return {
            "ApiIntegrationCode": self.integration_code.reveal(),
            "UserName": self.username,
            "Secret": self.secret.reveal(),
        }


class Login:
    """Whether the credential may be used now.

    Unproven: calls go one at a time until one has succeeded. Suspect: one call was refused, and the zone
    is being asked whether it has moved. Refused: nobody calls, until the credential or the zone changes, or
    the time of the next try has come; then it is unproven.
    """

    def __init__(self, credential: Credential, clock: Clock) -> None:
        self.credential = credential
        self._clock = clock
        self.proven = False
        self.first = asyncio.Lock()
        self._decided = asyncio.Event()  # clear while suspect
        self._decided.set()
        self._refused = ""
        self._refused_since: datetime | None = None  # until it is proven again, by whatever way
        self._until = clock.now()

    @property
    def refused(self) -> bool:
        """Whether Autotask has refused the credential, and it is not yet time for another try."""
        return bool(self._refused) and self._clock.now() < self._until

    @property
    def suspected(self) -> bool:
        """Whether it is being found out if the zone has moved, or the credential is refused."""
        return not self._decided.is_set()

    def check(self) -> None:
        """Stop a caller while the credential is refused.

        Raises:
            AuthRefused: It is.
        """
        if self.refused:
            raise AuthRefused(
                f"{self._refused}; tried again at {self._until:%H:%M} UTC, or when it has changed"
            )

    async def admitted(self) -> None:
        """Hold a caller back while the credential is suspect.

        Raises:
            AuthRefused: It turned out to be refused.
        """
        while self.suspected and not self.refused:
            await self._decided.wait()
        self.check()

    def prove(self) -> timedelta:
        """Autotask has taken the credential. Return for how long it had been refused."""
        lasted = self._clock.now() - self._refused_since if self._refused_since else timedelta()
        self.proven, self._refused, self._refused_since = True, "", None
        return lasted

    def suspect(self) -> None:
        """Autotask has refused a call: hold all others back."""
        self._decided.clear()

    def clear(self) -> None:
        """The zone has moved: the refusal said nothing about the credential."""
        self._refused = ""
        self._decided.set()

    def refuse(self, why: str, *, until: datetime) -> None:
        """Stop every caller until an instant, when one may try."""
        self._refused_since = self._refused_since or self._clock.now()
        self._refused, self._until, self.proven = why, until, False
        self._decided.set()
        _log.error("autotask.credential_refused", why=shown(why))

    def change(self, credential: Credential) -> None:
        """Take another credential, or the same one on a person's word that it works again."""
        self.credential, self.proven = credential, False
        self.clear()
