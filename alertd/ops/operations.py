"""What operators can ask and do; `app` fulfils it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from alertd.ops.snapshot import Snapshot

JsonObject = Mapping[str, Any]


class NotReloaded(Exception):
    """The configuration on disk is not the one in force. The text says why, secrets excepted."""


class Operations(Protocol):
    """Everything the admin API serves. Answers are what JSON can say."""

    def not_ready(self) -> str | None:
        """Return why this process should get no traffic; None: it should."""
        ...

    def unhealthy(self) -> str | None:
        """Return what is stuck in this process; None: nothing."""
        ...

    def problems(self) -> Sequence[str]:
        """Return what the configuration names and the tenant does not have, a line each; known so far."""
        ...

    async def reload(self) -> None:
        """Read the configuration again and put it in force.

        Raises:
            NotReloaded: Nothing has changed.
        """
        ...

    async def snapshot(self) -> Snapshot:
        """Return the state that the gauges show."""
        ...

    async def status(self) -> JsonObject:
        """Return how alertd is, for people and `alertd status`."""
        ...

    async def incidents(self, *, limit: int, states: Sequence[str] | None = None) -> Sequence[JsonObject]:
        """Return incidents in these states (None: all but closed ones), newest first."""
        ...

    async def explain(self, subject: str) -> JsonObject | None:
        """Return all that happened to a receipt, fingerprint, incident or ticket number. None: unknown."""
        ...

    async def parked(self, *, limit: int) -> Sequence[JsonObject]:
        """Return what was set aside for a person, newest first."""
        ...
