"""A delivery: read, redacted, understood, committed, handed over, answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec
import structlog
from aiohttp import hdrs, web

from alertd.core.reading.bodies import Body, clean
from alertd.core.reading.signatures import Verified
from alertd.flows.crashes import never
from alertd.flows.errors import StoreFailed
from alertd.flows.ports import Appended, Entry, Envelope
from alertd.intake.access_log import Exchange
from alertd.intake.answers import Answer, Answers, overloaded, unauthorized
from alertd.intake.bodies import announced_size, read_body
from alertd.intake.dialects import Dialect, Taken
from alertd.intake.metrics import IntakeMetrics, Outcome
from alertd.intake.receipts import Receipts
from alertd.intake.requests import Query, delivery_id, is_delivery
from alertd.intake.room import STRANGERS_BYTES, Room
from alertd.intake.senders import Sender, Surroundings
from alertd.intake.settings import ServerSettings

_log = structlog.get_logger("alertd.intake")


class Call(msgspec.Struct, frozen=True):
    """An admitted request.

    `said` is what the path says beside the query: it is kept with it, so that the body can be read again. It
    holds no token, and what it says counts, whatever the query says under the same name.
    `signed` is the signature that let it in; None: a token did.
    """

    request: web.BaseRequest
    sender: Sender
    dialect: Dialect
    query: Query
    exchange: Exchange
    said: tuple[tuple[str, str], ...] = ()
    signed: Verified | None = None


class Deliveries:
    """Takes what admitted senders deliver. No answer below 300 is given before the commit."""

    def __init__(
        self,
        settings: ServerSettings,
        *,
        surroundings: Surroundings,
        metrics: IntakeMetrics,
        answers: Answers,
    ) -> None:
        self._world = surroundings
        self._metrics = metrics
        self._max_body = settings.max_body
        self._body_timeout_s = settings.body_timeout.total_seconds()
        self._room = Room(surroundings.monotonic)
        self._doorstep = Room(surroundings.monotonic, most_bytes=STRANGERS_BYTES, behind=self._room)
        self._receipts = Receipts(surroundings.entropy)
        self._answers = answers

    async def take(self, call: Call) -> Answer:
        """Take the body, or the query where that is the delivery.

        Raises:
            Refused: It cannot be kept; nothing was.
        """
        async with self.content(call) as raw:
            return await self.keep(call, raw)

    @asynccontextmanager
    async def content(self, call: Call) -> AsyncIterator[bytes]:
        """Read the body of a request to a source; nothing where the query is the delivery.

        Raises:
            Refused: It cannot be read, or there is no room.
        """
        call.dialect.check(_content_type(call.request))
        if _is_query_alone(call):
            yield b""
            return
        async with self.body(call.request, call.exchange, limit=call.sender.max_body) as raw:
            yield raw

    @asynccontextmanager
    async def body(
        self, request: web.BaseRequest, exchange: Exchange, *, limit: int | None = None
    ) -> AsyncIterator[bytes]:
        """Read the body, of at most `limit` bytes (None: the server's), and hold room for it in the block.

        Raises:
            Refused: It cannot be read, or there is no room.
        """
        limit = limit or self._max_body
        size = announced_size(request, limit)
        room = self._room if exchange.is_let_in else self._doorstep
        room.take(size)
        try:
            raw = await read_body(request, limit=limit, timeout_s=self._body_timeout_s) if size else b""
            exchange.size = len(raw)
            yield raw
        finally:
            room.give_back(size)

    async def keep(self, call: Call, raw: bytes) -> Answer:
        """Redact, read and commit a body that has been read, and answer.

        Raises:
            Refused: It cannot be kept; nothing was.
        """
        at = self._world.clock.now()
        self._metrics.of(call.sender.name).admitted(at, call.exchange.slot)
        body = Body(
            raw=call.sender.redact(raw),
            content_type=_content_type(call.request),
            query=(*call.sender.redact_query(call.query.items()), *call.said) if call.query else call.said,
            peer=call.exchange.peer,
        )
        taken = await call.dialect.take(call.sender, body, at)
        envelope = self._envelope(call, body, taken, at)
        appended = await self._commit(envelope)
        if appended.duplicate and call.signed is not None:
            await self._expect_equal(appended.receipt, envelope, dict(call.said))
        if not appended.duplicate:
            self._world.handover.accept(Entry(appended.journal_id, envelope), taken.alerts)
        self._count(call.exchange, taken, appended)
        answer = self._answers.json(taken.status, call.dialect.answer(taken, appended), at)
        if self._world.crash is not never:
            await self._send_then_crash(answer, call.request)
        return answer

    async def keep_aside(self, call: Call, raw: bytes, *, kind: str) -> Appended:
        """Redact and commit a body that holds no alert, so that what rests on it can be traced to it.

        Raises:
            Refused: It cannot be kept; nothing was.
        """
        at = self._world.clock.now()
        self._metrics.of(call.sender.name).admitted(at, call.exchange.slot)
        body = Body(
            raw=call.sender.redact(raw),
            content_type=_content_type(call.request),
            query=(*call.sender.redact_query(call.query.items()), *call.said),
            peer=call.exchange.peer,
        )
        envelope = self._envelope(call, body, Taken(kind=kind, messages=0), at)
        appended = await self._commit(envelope)
        if not appended.duplicate:
            self._world.handover.accept(Entry(appended.journal_id, envelope), ())
        call.exchange.outcome = Outcome.ACCEPTED
        return appended

    def _envelope(self, call: Call, body: Body, taken: Taken, at: datetime) -> Envelope:
        return Envelope(
            receipt=self._receipts.new(at),
            source=call.sender.name,
            kind=taken.kind,
            received_at=at,
            body=body.raw,
            content_type=body.content_type,
            params=dict(body.query),
            peer=body.peer,
            delivery_id=_delivery_id(call),
            messages=taken.messages,
            parked=taken.parked,
            parked_messages=taken.parked_messages,
        )

    async def _commit(self, envelope: Envelope) -> Appended:
        self._world.crash("intake.before_commit", "")
        number = self._room.commit_begins()
        try:
            appended = await self._world.journal.append(envelope)
        except StoreFailed as exc:
            raise overloaded("the disk is full" if exc.full else "the store cannot be written") from exc
        finally:
            self._room.commit_ends(number)
        self._world.crash("intake.after_commit", "")
        return appended

    async def _expect_equal(self, receipt: str, envelope: Envelope, ours: Mapping[str, str]) -> None:
        """Refuse a delivery that bears the id of another: it is no repeat, and has not been kept."""
        try:
            first = await self._world.journal.entry(receipt)
        except StoreFailed as exc:
            raise overloaded("the store cannot be read") from exc
        if first is not None and _sent(first.envelope, ours) != _sent(envelope, ours):
            _log.warning("intake.delivery_id_reused", source=envelope.source, first=receipt)
            raise unauthorized()

    def _count(self, exchange: Exchange, taken: Taken, appended: Appended) -> None:
        exchange.outcome = Outcome.ACCEPTED if taken.parked is None else Outcome.PARKED
        if not appended.duplicate:
            self._metrics.of(exchange.source).received.inc(taken.messages)

    async def _send_then_crash(self, answer: Answer, request: web.BaseRequest) -> None:
        # aiohttp would send it after we have returned, which is too late to crash behind it
        await answer.prepare(request)
        self._world.crash("intake.after_answer", "")


def _sent(envelope: Envelope, ours: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
    """Return what the sender has sent, without the parameters that we have added."""
    return envelope.body, {name: value for name, value in envelope.params.items() if name not in ours}


def _delivery_id(call: Call) -> str | None:
    """Return the sender's id of it: the signed one, if there is one, since anybody can change a header."""
    signed = call.signed.delivery_id if call.signed is not None else None
    return signed or delivery_id(call.request.headers)


def _content_type(request: web.BaseRequest) -> str:
    # bytes that are no text come as surrogates, which no store takes
    return clean(request.headers.get(hdrs.CONTENT_TYPE, ""))


def _is_query_alone(call: Call) -> bool:
    """Whether the query is all there is: a GET, or a POST that announces no body."""
    if not call.sender.takes_queries or not is_delivery(call.query):
        return False
    headers = call.request.headers
    return hdrs.CONTENT_LENGTH not in headers and hdrs.TRANSFER_ENCODING not in headers
