"""`POST /v1/autotask/callout`: what Autotask's webhook says, signed by our own key.

Nothing of it is stored, since nothing rests on it: a ticket that it names is read soon, and the sync flow
reads every ticket anyhow.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from aiohttp import hdrs, web
from multidict import istr

from alertd.core.callouts import Callout, NoCallout, is_signed, read_callout
from alertd.core.secret import Secret
from alertd.intake.access_log import Exchange
from alertd.intake.admission import Admission
from alertd.intake.answers import Answer, Answers, Refused
from alertd.intake.bodies import announced_size, read_body
from alertd.intake.metrics import CalloutOutcome, IntakeMetrics, Outcome
from alertd.intake.room import Room
from alertd.intake.settings import ServerSettings

PATH = "/v1/autotask/callout"
DOOR = "(autotask)"  # stands where sources have their names; none can have this one
MOST_REMEMBERED = 4096
MOST_BYTES = 16 * 1024 * 1024  # of bodies at one time
_SIGNATURE = istr("X-Hook-Signature")


class CalloutDesk(msgspec.Struct, frozen=True, kw_only=True):
    """Who listens to call-outs. Both functions return at once and never raise."""

    secret: Secret
    changed: Callable[[int], None]  # a ticket, by its id
    deactivated: Callable[[], None]  # somebody says that the webhook was switched off


class Callouts:
    """Answers call-outs."""

    def __init__(
        self,
        desk: CalloutDesk,
        settings: ServerSettings,
        *,
        admission: Admission,
        metrics: IntakeMetrics,
        answers: Answers,
        monotonic: Callable[[], float],
    ) -> None:
        self._desk = desk
        self._max_body = settings.max_body
        self._body_timeout_s = settings.body_timeout.total_seconds()
        self._admission = admission
        self._counts = {outcome: metrics.callouts.labels(outcome.value) for outcome in CalloutOutcome}
        self._answers = answers
        self._room = Room(monotonic, most_bytes=MOST_BYTES)
        self._seen: dict[tuple[str, int], None] = {}

    async def take(self, request: web.BaseRequest, exchange: Exchange) -> Answer:
        """Take one call-out.

        Raises:
            Refused: It is not signed by us, or cannot be read at all.
        """
        exchange.route = PATH
        if request.method != hdrs.METH_POST:
            raise Refused(Outcome.MALFORMED, 405, "send POST", headers={hdrs.ALLOW: "POST"})
        self._admission.let_try(request, DOOR, exchange)
        body = await self._body(request, exchange)
        outcome = self._heard(body, request, exchange)
        self._counts[outcome].inc()
        if outcome is CalloutOutcome.UNAUTHORIZED:
            raise self._admission.failed(exchange)
        return self._answers.json(200, b"{}")

    async def _body(self, request: web.BaseRequest, exchange: Exchange) -> bytes:
        size = announced_size(request, self._max_body)
        self._room.take(size)
        try:
            body = await read_body(request, limit=self._max_body, timeout_s=self._body_timeout_s)
        finally:
            self._room.give_back(size)
        exchange.size = len(body)
        return body

    def _heard(self, body: bytes, request: web.BaseRequest, exchange: Exchange) -> CalloutOutcome:
        signed = is_signed(body, request.headers.get(_SIGNATURE, ""), self._desk.secret)
        if signed:
            self._admission.passed(request, DOOR, exchange)
        try:
            callout = read_callout(body)
        except NoCallout:
            return CalloutOutcome.UNREADABLE if signed else CalloutOutcome.UNAUTHORIZED
        if callout.is_deactivation:  # Autotask signs all but this, so anybody may have sent it
            self._desk.deactivated()
            return CalloutOutcome.DEACTIVATED
        return self._acted_on(callout) if signed else CalloutOutcome.UNAUTHORIZED

    def _acted_on(self, callout: Callout) -> CalloutOutcome:
        if callout.ticket_id is None:
            return CalloutOutcome.IGNORED
        if self._is_repeat(callout):
            return CalloutOutcome.REPEATED
        self._desk.changed(callout.ticket_id)
        return CalloutOutcome.ACCEPTED

    def _is_repeat(self, callout: Callout) -> bool:
        """Whether it was sent before. Their order does not matter: the ticket is read as it is then."""
        if not callout.guid or callout.sequence is None:
            return False
        event = (callout.guid, callout.sequence)
        if event in self._seen:
            return True
        if len(self._seen) >= MOST_REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._seen[event] = None
        return False
