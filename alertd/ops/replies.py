"""What operators are answered: JSON and lines of text, never to be cached, framed or sniffed."""

from __future__ import annotations

import msgspec
from aiohttp import hdrs, web

_SAFE = {
    hdrs.CACHE_CONTROL: "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    hdrs.SERVER: "alertd",  # aiohttp names the versions of everything if nothing is said
}


def reply(body: bytes, *, status: int = 200, content_type: str = "application/json") -> web.Response:
    """Return a body as it is."""
    return web.Response(status=status, body=body, headers={**_SAFE, hdrs.CONTENT_TYPE: content_type})


def reply_json(document: object, *, status: int = 200) -> web.Response:
    """Return `document` as JSON."""
    return reply(msgspec.json.encode(document), status=status)


def reply_text(text: str, *, status: int = 200) -> web.Response:
    """Return a line of text."""
    return reply(f"{text}\n".encode(), status=status, content_type="text/plain; charset=utf-8")


def reply_error(status: int, why: str) -> web.Response:
    """Return one sentence that says what to do next."""
    return reply_json({"error": why}, status=status)
