"""One request of a sender, from its first line to the answer."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

import msgspec
from aiohttp import hdrs, web
from aiohttp.http import HttpVersion10, HttpVersion11

from alertd.intake.access_log import AccessLog, Exchange
from alertd.intake.admission import Admission
from alertd.intake.answers import Answer, Answers, Refused
from alertd.intake.callouts import PATH as CALLOUT_PATH
from alertd.intake.callouts import CalloutDesk, Callouts
from alertd.intake.connections import SenderServer
from alertd.intake.delivery import Call, Deliveries
from alertd.intake.dialects import AlertmanagerDialect, Dialect, OwnDialect
from alertd.intake.metrics import IntakeMetrics, Outcome
from alertd.intake.requests import is_delivery, origin_form, read_query
from alertd.intake.senders import Sender, Surroundings
from alertd.intake.settings import ServerSettings
from alertd.intake.status import PATHS, STATUS_PATH, StatusPages

OWN_PATH = "/v1/alerts/"
ALERTMANAGER_PATH = "/api/v2/alerts"
_SOURCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_VERSIONS = (HttpVersion11, HttpVersion10)
_READS = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})


class Door(msgspec.Struct, frozen=True):
    """A path that takes alerts: how they are spoken there, and of which source, if the path names one."""

    route: str  # the template, for logs
    dialect: Dialect
    source: str | None


_OWN = OwnDialect()
_ALERTMANAGER = Door(ALERTMANAGER_PATH, AlertmanagerDialect(), None)


def _own_door(source: str) -> Door:
    return Door(OWN_PATH + "{source}", _OWN, source)


class Intake:
    """Answers the requests of senders. Call it with a request; `adopt` gives it other sources.

    Args:
        settings: `[server]`.
        senders: The configured sources.
        surroundings: The world behind it.
        metrics: Built once for the process.
        callouts: Who listens to Autotask's call-outs; None: nobody does, and their path is not served.
    """

    def __init__(
        self,
        settings: ServerSettings,
        senders: Iterable[Sender],
        *,
        surroundings: Surroundings,
        metrics: IntakeMetrics,
        callouts: CalloutDesk | None = None,
    ) -> None:
        self._metrics = metrics
        self._monotonic = surroundings.monotonic
        self._admission = Admission(settings.trusted_proxies, surroundings=surroundings, metrics=metrics)
        self._answers = Answers(surroundings.clock)
        self._deliveries = Deliveries(
            settings, surroundings=surroundings, metrics=metrics, answers=self._answers
        )
        self._callouts = None if callouts is None else self._door_of_autotask(callouts, settings)
        self._pages = StatusPages(surroundings, self._answers)
        self._access = AccessLog(settings.access_log)
        self._own_hosts = _own_hosts(settings)
        self._doors: Mapping[str, Door] = {}
        self._open = 0
        self._drained: asyncio.Event | None = None
        self.adopt(senders)

    def adopt(self, senders: Iterable[Sender]) -> None:
        """Serve these sources, and no others, from the next request on.

        Raises:
            ValueError: Two sources share a token, or one has none. Nothing has changed.
        """
        by_name = {sender.name: sender for sender in senders}
        self._admission.adopt(by_name)
        self._doors = {OWN_PATH + name: _own_door(name) for name in by_name} | {
            ALERTMANAGER_PATH: _ALERTMANAGER
        }

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        exchange = Exchange(self._monotonic())
        self._open += 1
        try:
            answer = await self._respond(request, exchange)
        except Refused as refusal:
            exchange.outcome = refusal.outcome
            answer = self._answers.refusal(refusal)
        finally:
            self._open -= 1
            if self._drained is not None and self._open == 0:
                self._drained.set()
        if self._drained is not None:
            answer.end_connection()
        self._note(request, exchange, answer.status)
        return answer

    def server(self, settings: ServerSettings) -> SenderServer:
        """Return what makes connections for a listener."""
        return SenderServer(self, settings, answers=self._answers, metrics=self._metrics)

    async def drain(self, timeout_s: float) -> None:
        """Wait until no request is open; answers given meanwhile are the last on their connections."""
        self._drained = asyncio.Event()
        if self._open:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._drained.wait()

    def _note(self, request: web.BaseRequest, exchange: Exchange, status: int) -> None:
        if exchange.outcome is not None:
            source = exchange.source
            counts = self._metrics.of(source).requests if source else self._metrics.unknown
            counts[exchange.outcome].inc()
        if self._access.wants(exchange):
            exchange.peer = exchange.peer or self._admission.peer_of(request)
            self._access.write(exchange, status, self._monotonic())

    async def _respond(self, request: web.BaseRequest, exchange: Exchange) -> Answer:
        if request.version not in _VERSIONS:
            raise Refused(Outcome.MALFORMED, 505, "speak HTTP/1.1")
        path, _, query_text = origin_form(request.raw_path, self._own_hosts).partition("?")
        door = self._doors.get(path) or _unknown_door(path)
        if door is None:
            if path == CALLOUT_PATH and self._callouts is not None:
                return await self._callouts.take(request, exchange)
            return self._page(request, path, exchange)
        exchange.route = door.route
        query = read_query(query_text)
        is_post = request.method == hdrs.METH_POST
        if not is_post and not (request.method == hdrs.METH_GET and door.source and is_delivery(query)):
            raise _wrong_method("POST")
        sender = self._admission.admit(request, door.source, url_token=query.token, exchange=exchange)
        if not is_post and not sender.takes_queries:
            raise _wrong_method("POST")
        return await self._deliveries.take(Call(request, sender, door.dialect, query, exchange))

    def _door_of_autotask(self, desk: CalloutDesk, settings: ServerSettings) -> Callouts:
        return Callouts(
            desk,
            settings,
            admission=self._admission,
            metrics=self._metrics,
            answers=self._answers,
            monotonic=self._monotonic,
        )

    def _page(self, request: web.BaseRequest, path: str, exchange: Exchange) -> Answer:
        if path not in PATHS:
            raise Refused(Outcome.MALFORMED, 404, "there is nothing here")
        exchange.route = path
        if request.method not in _READS:
            raise _wrong_method("GET, HEAD")
        if path == STATUS_PATH:
            self._admission.admit(request, None, url_token=None, exchange=exchange)
        return self._pages.page(path)


def _unknown_door(path: str) -> Door | None:
    """Return the door of a source that is not configured: from outside it looks like any other."""
    name = path.removeprefix(OWN_PATH)
    return _own_door(name) if name != path and _SOURCE_NAME.fullmatch(name) else None


def _wrong_method(allowed: str) -> Refused:
    return Refused(Outcome.MALFORMED, 405, f"send {allowed}", headers={hdrs.ALLOW: allowed})


def _own_hosts(settings: ServerSettings) -> frozenset[str]:
    own = {settings.listen.lower()}
    if settings.public_url is not None:
        own.add(urlsplit(settings.public_url).netloc.lower())
    return frozenset(own)
