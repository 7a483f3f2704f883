"""One request of a sender, from its first line to the answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from aiohttp.http import HttpVersion10, HttpVersion11

from alertd.intake import alerta, alertmanager, goalert, gradient, opsgenie, own, pagerduty, victorops
from alertd.intake.access_log import AccessLog, Exchange
from alertd.intake.admission import Admission
from alertd.intake.answers import Answer, Answers, Refused
from alertd.intake.callouts import PATH as CALLOUT_PATH
from alertd.intake.callouts import CalloutDesk, Callouts
from alertd.intake.connections import SenderServer
from alertd.intake.delivery import Call, Deliveries
from alertd.intake.dialects import AlertmanagerDialect
from alertd.intake.doors import Doors, Reception, Visit
from alertd.intake.metrics import IntakeMetrics, Outcome
from alertd.intake.proving import Proving
from alertd.intake.requests import origin_form, read_query
from alertd.intake.senders import Sender, Surroundings
from alertd.intake.settings import ServerSettings
from alertd.intake.sns import SnsProof
from alertd.intake.status import PATHS, STATUS_PATH, StatusPages

_DIALECTS = (
    own.doors,
    alertmanager.doors,
    gradient.doors,
    pagerduty.doors,
    opsgenie.doors,
    victorops.doors,
    goalert.doors,
    alerta.doors,
)
_VERSIONS = (HttpVersion11, HttpVersion10)
_READS = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})


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
        self._sns = SnsProof(surroundings.fetch)
        proving = Proving(self._admission, self._deliveries, clock=surroundings.clock, sns=self._sns)
        reception = Reception(self._admission, self._deliveries, self._answers, proving, surroundings)
        self._doors = Doors(door for doors in _DIALECTS for door in doors(reception))
        self._callouts = None if callouts is None else self._door_of_autotask(callouts, settings)
        self._pages = StatusPages(surroundings, self._answers)
        self._access = AccessLog(settings.access_log)
        self._own_hosts = _own_hosts(settings)
        self._open = 0
        self._drained: asyncio.Event | None = None
        self.adopt(senders)

    def adopt(self, senders: Iterable[Sender]) -> None:
        """Serve these sources, and no others, from the next request on.

        Raises:
            ValueError: Two sources share a token, or one has none. Nothing has changed.
        """
        self._admission.adopt({sender.name: sender for sender in senders})

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

    async def take_posted(self, request: web.BaseRequest, sender: Sender) -> Answer:
        """Take alerts as `POST /api/v2/alerts` does, from somebody who has been let in by another door.

        Raises:
            Refused: They cannot be kept; nothing was.
        """
        exchange = Exchange(self._monotonic())
        exchange.route, exchange.source = alertmanager.PATH, sender.name
        exchange.peer = request.remote or ""
        call = Call(request, sender, AlertmanagerDialect(), read_query(""), exchange)
        try:
            answer = await self._deliveries.take(call)
        except Refused as refusal:
            exchange.outcome = refusal.outcome
            self._note(request, exchange, refusal.status)
            raise
        self._note(request, exchange, answer.status)
        return answer

    def problems(self) -> list[str]:
        """Return what a person has to do for a source to work: subscriptions that wait to be confirmed."""
        waiting = self._sns.waiting().items()
        return [f"{source}: {what}" for (source, _), what in waiting if self._admission.knows(source)]

    def tokens_used(self) -> dict[str, tuple[datetime | None, datetime | None]]:
        """Return when both tokens of each source that has two were last used: the current one, the other."""
        return {name: self._metrics.of(name).used_at for name in self._admission.rotating()}

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
        found = self._doors.find(path, request.method)
        if found is None:
            if path == CALLOUT_PATH and self._callouts is not None:
                return await self._callouts.take(request, exchange)
            return self._page(request, path, exchange)
        exchange.route = found.door.path
        visit = Visit(request, found.names, read_query(query_text), exchange)
        try:
            return await found.door.serve(visit)
        except Refused as refusal:
            if found.door.refuse is None:
                raise
            exchange.outcome = refusal.outcome
            return self._answers.refusal(refusal, found.door.refuse(refusal))

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
            raise Refused(Outcome.MALFORMED, 405, "send GET, HEAD", headers={hdrs.ALLOW: "GET, HEAD"})
        if path == STATUS_PATH:
            self._admission.admit(request, None, url_token=None, exchange=exchange)
        return self._pages.page(path)


def _own_hosts(settings: ServerSettings) -> frozenset[str]:
    own = {settings.listen.lower()}
    if settings.public_url is not None:
        own.add(urlsplit(settings.public_url).netloc.lower())
    return frozenset(own)
