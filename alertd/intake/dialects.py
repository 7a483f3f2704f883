"""How each path reads a body and answers: our own, and Alertmanager's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec
import structlog
from msgspec import structs

from alertd.core.alerts import Alert
from alertd.core.reading.bodies import Body, Reading, Unreadable
from alertd.core.sources.alertmanager_v2 import V2Reading
from alertd.flows.ports import Appended
from alertd.intake.answers import Refused
from alertd.intake.metrics import Outcome
from alertd.intake.senders import POSTED_KIND, Sender

_INLINE_BYTES = 32 * 1024  # such a body is read in a few milliseconds; larger ones not on the event loop
_READING_S = 2.0
_MAX_REASON = 500
_KEPT_UNREAD = b'"the alerts could not be read; they are kept for a person to look at"'

_log = structlog.get_logger("alertd.intake")


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A body after reading, and what a dialect's original would say to it."""

    kind: str  # under which it can be read again
    alerts: tuple[Alert, ...] = ()
    messages: int = 1
    parked: str | None = None
    parked_messages: int = 0
    status: int = 202
    document: bytes | None = None  # None: the receipt is the answer


class Dialect(Protocol):
    """One way of sending alerts."""

    def check(self, content_type: str) -> None:
        """Refuse what the original refuses before reading the body.

        Raises:
            Refused: The content type is not spoken here.
        """
        ...

    async def take(self, sender: Sender, body: Body, at: datetime) -> Taken:
        """Read the body. Never raises for what is in it."""
        ...

    def answer(self, taken: Taken, appended: Appended) -> bytes:
        """Return the answer's body."""
        ...


class OwnDialect:
    """`/v1/alerts/{source}`: whatever it is, it is kept, and the answer is the receipt."""

    def check(self, content_type: str) -> None:
        """Take anything: what senders say about their bodies is a hint at best."""

    async def take(self, sender: Sender, body: Body, at: datetime) -> Taken:
        """Read the body by the source's kind."""
        reading = await bounded(sender, sender.read, body, at)
        return taken(sender.kind, reading) if not isinstance(reading, str) else parked(sender.kind, reading)

    def answer(self, taken: Taken, appended: Appended) -> bytes:
        """Return the receipt as JSON."""
        return b'{"receipt":"%b","accepted":%d,"parked":%d%b}' % (
            appended.receipt.encode(),
            taken.messages - taken.parked_messages,
            taken.parked_messages,
            b',"duplicate":true' if appended.duplicate else b"",
        )


class AlertmanagerDialect:
    """`POST /api/v2/alerts`: what can be read is stored, and the answer is what Alertmanager's would be."""

    def check(self, content_type: str) -> None:
        """Refuse all but JSON, as Alertmanager does."""
        if content_type.partition(";")[0].strip().lower() != "application/json":
            raise Refused(Outcome.ENCODED, 415, "send application/json")

    async def take(self, sender: Sender, body: Body, at: datetime) -> Taken:
        """Read the list of alerts."""
        posted = await bounded(sender, sender.read_posted, body, at)
        if isinstance(posted, str):
            return structs.replace(parked(POSTED_KIND, posted), status=400, document=_KEPT_UNREAD)
        if posted.status >= 400 and not posted.problems:
            whole = parked(POSTED_KIND, _refusal(posted.answer))
        else:
            whole = taken(POSTED_KIND, posted)
        return structs.replace(whole, status=posted.status, document=posted.answer)

    def answer(self, taken: Taken, appended: Appended) -> bytes:
        """Return what Alertmanager answers; nothing of ours is in it."""
        return taken.document or b""


def _refusal(answer: bytes) -> str:
    """Return why Alertmanager would take nothing of a body, from the answer it would give."""
    said = msgspec.json.decode(answer)
    return f"shape: {said['message'] if isinstance(said, dict) else said}"


def taken(kind: str, reading: Reading | V2Reading) -> Taken:
    """Return what was read, of which single items may be parked."""
    problems = reading.problems
    return Taken(
        kind=kind,
        alerts=reading.alerts,
        messages=len(reading.alerts) + len(problems),
        parked=f"{problems[0].reason}: {problems[0].detail}"[:_MAX_REASON] if problems else None,
        parked_messages=len(problems),
    )


def parked(kind: str, reason: str) -> Taken:
    """Return a body of which nothing could be read. It counts as one message."""
    return Taken(kind=kind, parked=reason[:_MAX_REASON], parked_messages=1)


_T = TypeVar("_T")


async def bounded(sender: Sender, read: Callable[[Body, datetime], _T], body: Body, at: datetime) -> _T | str:
    """Return what `read` returns, or why the body is parked."""
    try:
        if len(body.raw) <= _INLINE_BYTES:
            return read(body, at)
        async with asyncio.timeout(_READING_S):
            return await asyncio.to_thread(read, body, at)
    except Unreadable as exc:
        return str(exc)
    except TimeoutError:
        return f"too_slow: reading took longer than {_READING_S:g} s"
    except Exception as exc:  # noqa: BLE001 - a fault in a reader must not lose what it was reading
        # the type alone: the text of an exception may repeat what was sent
        _log.error("intake.reader_failed", source=sender.name, kind=sender.kind, error=type(exc).__name__)
        return f"failed: the reader of {sender.kind} failed with {type(exc).__name__}"
