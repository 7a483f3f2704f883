"""What the client would like to remember over a restart: where the tenant is, and who we are there."""

from __future__ import annotations

from typing import Protocol


class Memory(Protocol):
    """A few texts by key, kept durably. Losing them costs some calls and no more."""

    async def get(self, key: str) -> str | None:
        """Return the text last set under `key`."""
        ...

    async def set(self, key: str, value: str) -> None:
        """Keep `value` under `key`."""
        ...


class TransientMemory:
    """A memory for commands that run without a store: it ends with the process."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        """Return the text last set under `key`."""
        return self._texts.get(key)

    async def set(self, key: str, value: str) -> None:
        """Keep `value` under `key`."""
        self._texts[key] = value
