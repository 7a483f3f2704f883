"""Reading a body: never more than may be kept, never longer than it may take."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from aiohttp import StreamReader, hdrs, web

from alertd.intake.answers import Refused
from alertd.intake.metrics import Outcome


def announced_size(request: web.BaseRequest, limit: int) -> int:
    """Return how many bytes the body may take in memory: its length, or `limit` where it comes in chunks.

    Raises:
        Refused: Too large, encoded, or without a length that can be trusted. Nothing was read.
    """
    headers = request.headers
    encoding = headers.get(hdrs.CONTENT_ENCODING)
    if encoding is not None and encoding.strip().lower() not in {"", "identity"}:
        raise Refused(Outcome.ENCODED, 415, "send the body without Content-Encoding")
    length = headers.get(hdrs.CONTENT_LENGTH)
    if length is None:
        if hdrs.TRANSFER_ENCODING not in headers:
            raise Refused(Outcome.NO_LENGTH, 411, "send Content-Length, or Transfer-Encoding: chunked")
        return limit
    # aiohttp has answered 400 to anything but digits
    if int(length) > limit:
        raise _too_large(limit)
    return int(length)


async def read_body(request: web.BaseRequest, *, limit: int, timeout_s: float) -> bytes:
    """Return the body, of at most `limit` bytes.

    Raises:
        Refused: Too large, too slow, or broken on the wire.
    """
    if hdrs.EXPECT in request.headers:
        await _answer_expectation(request)
    stream = request.content
    try:
        if stream.is_eof():
            # it came with the headers, as most do: no timer is needed
            return _within(stream.read_nowait(), limit)
        async with asyncio.timeout(timeout_s):
            return await _read_all(stream, limit)
    except TimeoutError:
        raise Refused(Outcome.TOO_SLOW, 408, "the body took too long") from None
    except (web.RequestPayloadError, ConnectionError) as exc:
        raise Refused(Outcome.MALFORMED, 400, "the body's framing is broken") from exc


async def _read_all(stream: StreamReader, limit: int) -> bytes:
    chunks = []
    size = 0
    while chunk := await stream.readany():
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
    return b"".join(chunks)


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> Refused:
    return Refused(Outcome.TOO_LARGE, 413, f"the limit is {limit} bytes")


async def _answer_expectation(request: web.BaseRequest) -> None:
    if request.headers[hdrs.EXPECT].strip().lower() != "100-continue":
        raise Refused(Outcome.MALFORMED, HTTPStatus.EXPECTATION_FAILED, "only 100-continue can be expected")
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0
