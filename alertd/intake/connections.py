"""Connections of senders: how many there may be, and what is said to those that do not speak HTTP.

aiohttp's own error page and log line repeat parts of a malformed request, the Authorization header among
them. Neither exists here.
"""

from __future__ import annotations

import asyncio
import ipaddress
import traceback
from collections import Counter
from typing import Any

import structlog
from aiohttp import web

from alertd.intake.answers import Answers, Refused, overloaded
from alertd.intake.metrics import IntakeMetrics, Outcome
from alertd.intake.peers import Proxies
from alertd.intake.settings import ServerSettings

_log = structlog.get_logger("alertd.intake")

_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)
_FRAMES = 6


class Lobby:
    """Counts open connections, in total and of each address that has not authenticated yet.

    Loopback and trusted proxies stand for many senders, so only the total binds them.
    """

    def __init__(self, settings: ServerSettings, metrics: IntakeMetrics) -> None:
        self._most = settings.max_connections
        self._most_unproven = settings.max_unproven_connections
        self._proxies = Proxies(settings.trusted_proxies)
        self._gauge = metrics.connections
        self._open = 0
        self._unproven: Counter[str] = Counter()

    def enter(self, address: str) -> bool:
        """Count a connection in; False if there is no place for it. `leave` must follow either way."""
        self._open += 1
        self._gauge.set(self._open)
        self._unproven[address] += 1
        if self._open > self._most:
            return False
        return self._unproven[address] <= self._most_unproven or self._stands_for_many(address)

    def prove(self, address: str) -> None:
        """Stop counting one of the address's connections against it."""
        self._unproven[address] -= 1
        if self._unproven[address] <= 0:
            del self._unproven[address]

    def leave(self, address: str, *, proven: bool) -> None:
        """Count a connection out."""
        self._open -= 1
        self._gauge.set(self._open)
        if not proven:
            self.prove(address)

    def _stands_for_many(self, address: str) -> bool:
        if not address or self._proxies.trusts(address):
            return True
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback


class SenderConnection(web.RequestHandler):
    """One connection of a sender."""

    __slots__ = ("_answers", "_lobby", "_metrics", "_proven", "address")

    def __init__(
        self, server: SenderServer, *, lobby: Lobby, answers: Answers, metrics: IntakeMetrics, **limits: Any
    ) -> None:
        super().__init__(server, **limits)
        self._lobby = lobby
        self._answers = answers
        self._metrics = metrics
        self.address = ""  # the other end's; empty for a Unix peer
        self._proven: tuple[str, str] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in, or say that there is no place."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        if not self._lobby.enter(self.address):
            self._metrics.unknown[Outcome.OVERLOAD].inc()
            if self.transport is not None:
                self.transport.write(_BUSY)
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give its place back."""
        super().connection_lost(exc)
        self._lobby.leave(self.address, proven=self._proven is not None)

    def proves(self, address: str, source: str) -> bool:
        """Note that the source's token was accepted on it; False if that was noted last time too."""
        if (address, source) == self._proven:
            return False
        if self._proven is None:
            self._lobby.prove(self.address)
        self._proven = (address, source)
        return True

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        _message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is not HTTP, and our own faults, without a word of the request.

        `_message` is the one that would repeat it.
        """
        if request.writer.output_size > 0:
            raise ConnectionError("part of an answer has been sent")
        if status < 500:
            refused = Refused(Outcome.MALFORMED, 400, "this is not well-formed HTTP/1.1")
            _log.info("intake.malformed", peer=self.address, error=type(exc).__name__)
        else:
            refused = overloaded("this request could not be served now")
            _log.error("intake.failed", peer=self.address, error=type(exc).__name__, where=_where(exc))
        self._metrics.unknown[refused.outcome].inc()
        return self._answers.refusal(refused)

    def log_exception(self, *_args: Any, **kw: Any) -> None:
        """Say that something failed, by type and place alone."""
        exc = kw.get("exc_info")
        fault = exc if isinstance(exc, BaseException) else None
        _log.error("intake.failed", peer=self.address, error=type(fault).__name__, where=_where(fault))


def _where(exc: BaseException | None) -> list[str]:
    """Return the innermost frames. The text of an exception may repeat what was sent; these cannot."""
    if exc is None:
        return []
    frames = traceback.extract_tb(exc.__traceback__)[-_FRAMES:]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]


class SenderServer(web.Server):
    """Makes connections with the limits that a listener on the open internet needs."""

    def __init__(
        self, intake: Any, settings: ServerSettings, *, answers: Answers, metrics: IntakeMetrics
    ) -> None:
        # a sender that vanishes must not cancel a commit
        super().__init__(intake, handler_cancellation=False)
        self._lobby = Lobby(settings, metrics)
        self._answers = answers
        self._metrics = metrics

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        return SenderConnection(
            self,
            lobby=self._lobby,
            answers=self._answers,
            metrics=self._metrics,
            loop=self._loop,
            keepalive_timeout=15.0,  # also the deadline of a first request's headers
            lingering_time=1.0,
            auto_decompress=False,
            max_line_size=4096,
            max_field_size=8190,
            max_headers=64,
            access_log=None,
        )
