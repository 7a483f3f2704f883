"""What must be known before anything is sent: whose tenant it is, and what this store may have forgotten."""

from __future__ import annotations

from typing import Protocol

import structlog

from alertd.flows.ports import Desk, State

_TENANT = "tenant"
_EPOCH = "epoch"
_CLEAN = "clean"  # every ticket of ours that stands in the tenant is known here
_FORGETFUL = "forgetful"  # some did: look for each incident's before its first create

CANARIES = 5

_log = structlog.get_logger()


class OtherTenant(Exception):
    """The store belongs to another tenant than the one the credential opens."""


class Memory(Protocol):
    """A few texts by name, kept durably."""

    async def get(self, name: str) -> str | None:
        """Return the text last set under `name`."""
        ...

    async def set(self, name: str, value: str) -> None:
        """Keep `value` under `name`."""
        ...


class Beginning:
    """Asks once per process; the answers that must not change are kept in the store."""

    def __init__(self, *, desk: Desk, state: State, memory: Memory) -> None:
        self._desk = desk
        self._state = state
        self._memory = memory
        self.adopt_first = True  # until it is known better
        self.begun = False  # whether it is known that this is our tenant

    async def begin(self) -> None:
        """Compare the tenant with the store's, and find out whether the store may have forgotten tickets.

        Raises:
            OtherTenant: They differ.
            PortError: Autotask cannot be asked now.
        """
        await self._same_tenant()
        epoch = await self._memory.get(_EPOCH)
        if epoch != _FORGETFUL and await self._is_forgetful():
            epoch = _FORGETFUL
        await self._memory.set(_EPOCH, epoch or _CLEAN)
        self.adopt_first = epoch == _FORGETFUL
        self.begun = True
        _log.info("beginning.epoch", epoch=epoch or _CLEAN)

    async def _is_forgetful(self) -> bool:
        """Whether tickets of ours stand that this store does not know: it is new, or an older copy."""
        newest = max((canary.ticket_id for canary in await self._state.canaries(limit=CANARIES)), default=0)
        return await self._desk.knows_our_tickets(after=newest)

    async def _same_tenant(self) -> None:
        tenant = str(await self._desk.tenant_id())
        known = await self._memory.get(_TENANT)
        if known is None:
            await self._memory.set(_TENANT, tenant)
        elif known != tenant:
            raise OtherTenant(
                f"this store belongs to Autotask tenant {known}, but the credential opens tenant {tenant};"
                " use a store of its own for each tenant"
            )
