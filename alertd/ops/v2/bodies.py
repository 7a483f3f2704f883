"""Reading a body: never more than a silence can need, and never for long."""

from __future__ import annotations

import asyncio

from aiohttp import web

from alertd.ops.v2.replies import refused

MOST_BYTES = 256 * 1024
READING_S = 10.0


async def read_body(request: web.BaseRequest) -> bytes:
    """Return the body.

    Raises:
        Problem: It is too large, or takes too long.
    """
    try:
        async with asyncio.timeout(READING_S):
            return await _read(request)
    except TimeoutError:
        raise refused(408, "the body took too long") from None


async def _read(request: web.BaseRequest) -> bytes:
    chunks = []
    size = 0
    while chunk := await request.content.readany():
        chunks.append(chunk)
        size += len(chunk)
        if size > MOST_BYTES:
            raise refused(413, f"the limit is {MOST_BYTES} bytes")
    return b"".join(chunks)
