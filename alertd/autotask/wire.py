"""One HTTP exchange: bounded in time and size, never redirected, and its end told as a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, TypeAlias

import aiohttp
import msgspec

from alertd.core.secret import Secret

CONNECTIONS = (
    24  # never the limit: `Gate` holds the calls back, and waiting for a connection counts as time-out
)
KEEP_ALIVE_S = 15.0  # shorter than any server's, so that a write rarely meets a connection just closed


def _nothing() -> None:
    """Nobody waits for the moment."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent, and the limits of its answer."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    most: int  # bytes of answer, after inflation
    connect_s: float
    total_s: float
    answered: Callable[[], None] = _nothing  # called when an answer begins to come in


class Answer(msgspec.Struct, frozen=True):
    """Autotask answered. An error's body may be cut short; a success's is whole."""

    status: int
    body: bytes = b""
    retry_after: str = ""


class NotSent(msgspec.Struct, frozen=True):
    """The request never left: no such name, no connection, no TLS."""

    why: str


class Lost(msgspec.Struct, frozen=True):
    """The request may have arrived, and no usable answer came back."""

    why: str


Reply: TypeAlias = Answer | NotSent | Lost


def _named(exc: BaseException) -> str:
    # the text of an aiohttp error may hold the request; only a failed connection's says something we need
    detail = f": {exc}" if isinstance(exc, aiohttp.ClientConnectorError) else ""
    return f"{type(exc).__name__}{detail}"[:256]


async def _read(response: aiohttp.ClientResponse, most: int) -> tuple[bytes, str]:
    """Return the body as far as it can be had, and why there is no more of it."""
    body = bytearray()
    try:
        async for piece in response.content.iter_chunked(65536):
            body += piece
            if len(body) > most:
                return bytes(body[:most]), f"the answer is larger than {most} bytes"
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as exc:
        return bytes(body), _named(exc)
    return bytes(body), ""


async def _answered(response: aiohttp.ClientResponse, most: int) -> Reply:
    body, broken = await _read(response, most)
    if broken:
        response.close()
        if response.status < 400:
            return Lost(broken)
    return Answer(response.status, body, response.headers.get("Retry-After", ""))


class _Trip:
    """One request's way: whether any of it has left. aiohttp repeats some on a fresh connection."""

    left = False


async def _leaving(_: aiohttp.ClientSession, context: SimpleNamespace, __: Any) -> None:
    context.trace_request_ctx.left = True


def _trips() -> aiohttp.TraceConfig:
    trips = aiohttp.TraceConfig()
    trips.on_request_headers_sent.append(_leaving)
    return trips


class Wire:
    """One client session. `close` it at the end."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._hidden: list[Secret] = []

    def hide(self, secret: Secret) -> None:
        """Blank a secret that is sent in a body out of errors: they may quote it, and are logged."""
        self._hidden.append(secret)

    async def exchange(self, request: Request) -> Reply:
        """Send the request once and return how it ended. Only cancellation is raised."""
        trip = _Trip()
        try:
            async with self._open().request(
                request.method,
                request.url,
                headers=request.headers,
                data=request.body,
                allow_redirects=False,
                trace_request_ctx=trip,
                timeout=aiohttp.ClientTimeout(
                    total=request.total_s, connect=request.connect_s, sock_connect=request.connect_s
                ),
            ) as response:
                request.answered()
                return self._without_secrets(await _answered(response, request.most))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as exc:
            return Lost(_named(exc)) if trip.left else NotSent(_named(exc))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as exc:
            return Lost(_named(exc))

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _without_secrets(self, reply: Reply) -> Reply:
        if not isinstance(reply, Answer) or reply.status < 400:
            return reply
        body = reply.body
        for secret in self._hidden:
            body = body.replace(secret.reveal().encode(), b"***")
        return reply if body == reply.body else msgspec.structs.replace(reply, body=body)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=CONNECTIONS, limit_per_host=0, keepalive_timeout=KEEP_ALIVE_S
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                trace_configs=[_trips()],
                trust_env=False,
            )
        return self._session
