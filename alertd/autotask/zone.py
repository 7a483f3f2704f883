"""Where the tenant lives: asked without a credential, remembered, and asked again when it has moved."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeAlias
from urllib.parse import quote

import msgspec
import structlog

from alertd.autotask.answers import Payload
from alertd.autotask.hosts import may_receive_credential
from alertd.autotask.memory import Memory
from alertd.autotask.texts import shown
from alertd.flows.errors import PortError, Unavailable
from alertd.flows.ports import Clock

ASK_AGAIN = timedelta(minutes=1)  # an outage must not double itself by asking for the zone at each failure
REMEMBERED = "autotask.zone"  # name in the memory
_log = structlog.get_logger(__name__)

Fetch: TypeAlias = Callable[[str], Awaitable[Payload | PortError]]


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """The tenant's zone as Autotask names it. Both URLs end in a slash and are used verbatim."""

    url: str
    web_url: str
    name: str
    tenant_id: int

    @property
    def api(self) -> str:
        """Base of every route."""
        return f"{self.url}V1.0/"


class _Remembered(msgspec.Struct, frozen=True):
    asked: str
    zone: Zone


def remembered_web_url(text: str | None) -> str:
    """Return where people reach the tenant, of what the memory has under `REMEMBERED`; empty: not known."""
    kept = _read_remembered(text)
    return kept.zone.web_url if kept is not None else ""


def _read_remembered(text: str | None) -> _Remembered | None:
    try:
        return msgspec.json.decode(text or "null", type=_Remembered | None)
    except (ValueError, RecursionError):
        return None


def read_zone(payload: Payload, *, zone_url: str) -> Zone | PortError:
    """Read a zone look-up's answer; a host that may not have our credential is an error."""
    url, web_url = payload.get("url"), payload.get("webUrl")
    tenant_id = payload.get("ci")
    if not isinstance(url, str) or not isinstance(tenant_id, int):
        return Unavailable("the zone look-up answered without url and ci")
    if not may_receive_credential(url, zone_url=zone_url):
        return Unavailable(f"the zone look-up named {url[:100]!r}, which is no zone host of Autotask")
    return Zone(
        url=url if url.endswith("/") else f"{url}/",
        web_url=web_url if isinstance(web_url, str) else "",
        name=str(payload.get("zoneName", "")),
        tenant_id=tenant_id,
    )


class Zones:
    """The zone in force for one user name."""

    def __init__(self, *, zone_url: str, fetch: Fetch, memory: Memory, clock: Clock) -> None:
        self._zone_url = zone_url
        self._fetch = fetch
        self._memory = memory
        self._clock = clock
        self._zone: Zone | None = None
        self._renewed_at: datetime | None = None
        self._asking = asyncio.Lock()

    async def current(self, username: str) -> Zone:
        """Return the zone: as known, as remembered from the last run, or as Autotask now says.

        Raises:
            Unavailable: It cannot be had now; perhaps the user name is wrong.
        """
        if self._zone is not None:
            return self._zone
        async with self._asking:
            if self._zone is None:
                self._zone = await self._remembered(username) or await self._ask(username)
            return self._zone

    async def renewed(self, stale: Zone, username: str) -> Zone | None:
        """Ask again, since `stale` did not answer as it should. None: not moved, or asked just now."""
        async with self._asking:
            if self._zone is not None and self._zone.url != stale.url:
                return self._zone
            if self._renewed_at is not None and self._clock.now() - self._renewed_at < ASK_AGAIN:
                return None
            self._renewed_at = self._clock.now()
            try:
                zone = await self._ask(username)
            except PortError as exc:
                _log.warning("autotask.zone_unknown", error=shown(exc))
                return None
            self._zone = zone
            return zone if zone.url != stale.url else None

    def forget(self) -> None:
        """The user has changed: ask anew, and soon."""
        self._zone = self._renewed_at = None

    async def _remembered(self, username: str) -> Zone | None:
        kept = _read_remembered(await self._memory.get(REMEMBERED))
        if kept is None or kept.asked != self._question(username):
            return None
        return kept.zone if may_receive_credential(kept.zone.url, zone_url=self._zone_url) else None

    async def _ask(self, username: str) -> Zone:
        question = self._question(username)
        payload = await self._fetch(question)
        if isinstance(payload, PortError):
            raise Unavailable(
                f"Autotask names no zone for this user: {payload}. If Autotask can be reached, and this "
                "stays, the username is wrong"
            ) from payload
        zone = read_zone(payload, zone_url=self._zone_url)
        if isinstance(zone, PortError):
            raise zone
        _log.info("autotask.zone_resolved", url=zone.url, zone=zone.name, tenant_id=zone.tenant_id)
        await self._memory.set(REMEMBERED, msgspec.json.encode(_Remembered(question, zone)).decode())
        return zone

    def _question(self, username: str) -> str:
        return f"{self._zone_url}/v1.0/zoneInformation?user={quote(username, safe='')}"
