"""Going out because of what a sender has sent: one GET, bounded, to addresses that were checked before."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from typing import Protocol

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

MOST_BYTES = 64 * 1024
TOTAL_S = 6.0  # SNS itself gives up after 15 s
CONNECT_S = 3.0


class FetchFailed(Exception):
    """No usable answer. The text is for logs, and names neither path nor query."""


class Fetched(msgspec.Struct, frozen=True):
    """An answer, whatever its status. It is never a redirect that was followed."""

    status: int
    body: bytes


class Fetch(Protocol):
    """Asks for a document on the web."""

    async def get(self, url: str) -> Fetched:
        """GET `url`, an https address that has been checked, once.

        Raises:
            FetchFailed: It cannot be reached, is too slow, too large, or not where it should be.
        """
        ...


class NoFetch:
    """For processes that never go out."""

    async def get(self, url: str) -> Fetched:
        """Refuse.

        Raises:
            FetchFailed: Always.
        """
        raise FetchFailed(f"{URL(url).host} is not asked from here")


class PublicResolver(AbstractResolver):
    """Resolves names, and drops every address that is not a public one: the way into our own network."""

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the public addresses of `host`.

        Raises:
            OSError: It has none.
        """
        found = await self._resolver.resolve(host, port, family)
        public = [each for each in found if is_public(each["host"])]
        if not public:
            raise OSError(f"{host} has no public address")
        return public

    async def close(self) -> None:
        """Close what is behind it."""
        await self._resolver.close()


def is_public(address: str) -> bool:
    """Whether an address, as numbers, is on the public internet."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    return found.is_global and not found.is_multicast


class WebFetch:
    """Fetches over TLS with the system's certificates. Each is a session of its own: they are rare.

    Args:
        resolver: Makes what finds addresses; None: the system's, of which only public ones are used.
        tls: None: the system's certificates.
        total_s: For all of it, in seconds.
        most_bytes: What is larger is refused.
    """

    def __init__(
        self,
        *,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
        total_s: float = TOTAL_S,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._most_bytes = most_bytes
        self._resolver = resolver
        self._tls = tls
        self._timeout = aiohttp.ClientTimeout(total=total_s, connect=min(CONNECT_S, total_s))

    async def get(self, url: str) -> Fetched:
        """GET `url`; see `Fetch`.

        Raises:
            FetchFailed: As there.
        """
        try:
            async with (
                self._session() as session,
                session.get(URL(url, encoded=True), allow_redirects=False) as response,
            ):
                return Fetched(response.status, await _bounded(response, self._most_bytes))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as exc:
            # the text of an aiohttp error may hold the whole address, and that a token
            raise FetchFailed(f"{URL(url).host} cannot be asked: {type(exc).__name__}") from None

    def _session(self) -> aiohttp.ClientSession:
        resolver = self._resolver or PublicResolver(aiohttp.ThreadedResolver())
        connector = aiohttp.TCPConnector(resolver=resolver, ssl=self._tls or True, use_dns_cache=False)
        return aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"Accept-Encoding": "identity"},
            trust_env=False,
        )


async def _bounded(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_chunked(16 * 1024):
        body += piece
        if len(body) > most_bytes:
            raise FetchFailed(f"the answer of {response.url.host} is larger than {most_bytes} bytes")
    return bytes(body)


async def soon(fetch: Fetch, url: str, limit: asyncio.Semaphore) -> Fetched:
    """GET `url` if there is room at once.

    Raises:
        FetchFailed: There is not, or as `Fetch` says.
    """
    if limit.locked():
        raise FetchFailed("too many certificates are being fetched")
    async with limit:
        return await fetch.get(url)
