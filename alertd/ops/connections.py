"""Connections of operators. aiohttp's own error page and log line would repeat their Authorization header."""

from __future__ import annotations

from typing import Any

import structlog
from aiohttp import web

from alertd.ops.replies import reply_error

_log = structlog.get_logger("alertd.ops")

_LIMITS: dict[str, Any] = {
    "keepalive_timeout": 15.0,
    "lingering_time": 1.0,
    "auto_decompress": False,
    "max_line_size": 4096,
    "max_field_size": 8190,
    "max_headers": 64,
    "access_log": None,
}


class OperatorConnection(web.RequestHandler):
    """One connection of an operator."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        _message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is not HTTP, and our own faults, without a word of the request."""
        if request.writer.output_size > 0:
            raise ConnectionError("part of an answer has been sent")
        if status < 500:
            _log.info("admin.malformed", error=type(exc).__name__)
            reply = reply_error(400, "this is not well-formed HTTP/1.1")
        else:
            _log.error("admin.failed", error=type(exc).__name__)
            reply = reply_error(500, "alertd failed to answer; its log says where")
        reply.force_close()
        return reply

    def log_exception(self, *_args: Any, **kw: Any) -> None:
        """Say that something failed, by type alone."""
        _log.error("admin.failed", error=type(kw.get("exc_info")).__name__)


class OperatorServer(web.Server):
    """Makes connections of operators."""

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        return OperatorConnection(self, loop=self._loop, **_LIMITS)
