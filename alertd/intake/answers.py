"""Answers to senders, as bytes: the one that is sent all day, and refusals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus

import msgspec
from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpVersion11
from multidict import istr

from alertd.flows.ports import Clock
from alertd.intake.metrics import Outcome

RETRY_AFTER_S = 5
JSON = "application/json"
_NO_CONTENT = 204  # says nothing of a length
_CLOSE = b"Connection: close\r\n"


class Refused(Exception):
    """A request that is not kept.

    Args:
        outcome: What is counted.
        status: HTTP status to answer.
        why: One sentence for the sender's log. Never repeats anything of the request.
        headers: Beside the usual ones.
    """

    def __init__(
        self, outcome: Outcome, status: int, why: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(why)
        self.outcome = outcome
        self.status = status
        self.why = why
        self.headers = headers or {}


def overloaded(why: str) -> Refused:
    """Return the refusal that every sender repeats: 503, never 429."""
    return Refused(Outcome.OVERLOAD, 503, why, headers={hdrs.RETRY_AFTER: str(RETRY_AFTER_S)})


def unauthorized() -> Refused:
    """Return the refusal of whoever cannot show whose they are: always the same one.

    Basic is named too, since some senders (Amazon SNS) send what is in their URL only after such an answer.
    """
    challenge = 'Bearer realm="alertd", Basic realm="alertd"'
    why = "unknown source, or wrong token or signature"
    return Refused(Outcome.UNAUTHORIZED, 401, why, headers={hdrs.WWW_AUTHENTICATE: challenge})


class Answer(web.StreamResponse):
    """An answer whose bytes are complete, status line and all; one write sends it.

    aiohttp's own response takes longer for its headers than a whole delivery takes here, and names
    the versions of everything in them.
    """

    def __init__(self, status: int, head: bytes, body: bytes, *, is_last: bool = False) -> None:
        super().__init__(status=status)
        self._head = head
        self._content = body
        self._is_last = is_last
        self._is_sent = False

    @property
    def keep_alive(self) -> bool:
        """Whether the connection may be used again."""
        return not self._is_last

    @property
    def content(self) -> bytes:
        """The body."""
        return self._content

    def end_connection(self) -> None:
        """Make it the last answer on its connection."""
        self._is_last = True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send it all, once.

        Raises:
            ConnectionResetError: The sender has gone.
        """
        if self._is_sent:
            return None
        self._is_sent = True
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("the sender has gone")
        if not request.keep_alive or request.version != HttpVersion11:
            self._is_last = True
        content = b"" if request.method == hdrs.METH_HEAD else self._content
        length = b"" if self.status == _NO_CONTENT else b"Content-Length: %d\r\n" % len(self._content)
        transport.write(b"%b%b%b\r\n%b" % (self._head, _CLOSE if self._is_last else b"", length, content))
        await request.writer.drain()
        return None

    async def write_eof(self, _data: bytes = b"") -> None:
        """Do nothing: `prepare` has sent it all."""


class Answers:
    """Makes answers. Their heads are made once a second, for the sake of the Date."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second = -1
        self._heads: dict[int, bytes] = {}

    def json(self, status: int, body: bytes, at: datetime | None = None) -> Answer:
        """Return a body that is JSON already, or empty. `at` is now, where the caller has just looked."""
        at = at or self._clock.now()
        second = int(at.timestamp())
        if second != self._second:
            self._second = second
            self._heads.clear()
        head = self._heads.get(status)
        if head is None:
            headers = {hdrs.DATE: format_datetime(at, usegmt=True), hdrs.CONTENT_TYPE: JSON}
            head = self._heads[status] = _head(status, headers)
        return Answer(status, head, body)

    def text(self, status: int, text: str) -> Answer:
        """Return a line of text."""
        headers = {
            hdrs.DATE: format_datetime(self._clock.now(), usegmt=True),
            hdrs.CONTENT_TYPE: "text/plain",
        }
        if status == 503:
            headers[hdrs.RETRY_AFTER] = str(RETRY_AFTER_S)
        return Answer(status, _head(status, headers), f"{text}\n".encode())

    def refusal(self, refused: Refused, body: bytes | None = None) -> Answer:
        """Return a refusal, in a dialect's words if `body` has them.

        The connection ends with it, since an unread body may follow.
        """
        headers = {hdrs.DATE: format_datetime(self._clock.now(), usegmt=True), hdrs.CONTENT_TYPE: JSON}
        head = _head(refused.status, headers | dict(refused.headers))
        if body is None:
            body = msgspec.json.encode({"error": refused.why})
        return Answer(refused.status, head, body, is_last=True)


def _head(status: int, headers: Mapping[str, str] | Mapping[istr, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"{hdrs.CACHE_CONTROL}: no-store"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "".join(f"{line}\r\n" for line in lines).encode()
