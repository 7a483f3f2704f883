"""Answers as Alertmanager gives them: documents, errors of two shapes, and the headers of both.

What its API layer refuses is an object with a code; what its handlers refuse is a JSON string.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from aiohttp import hdrs, web

from alertd.ops.replies import reply

REQUIRED = 602  # go-openapi's codes
WRONG_FORMAT = 601
TOO_FEW = 612

_ANY_PAGE = {hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*"}
_SIMPLE_METHODS = frozenset({"GET", "HEAD", "POST"})  # all that Alertmanager lets a page of another site use
_SIMPLE_HEADERS = frozenset({"accept", "content-type", "origin", "x-requested-with"})


class Problem(Exception):
    """A request that is refused: the status, and the body's document. `None`: no body."""

    def __init__(self, status: int, document: object, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.headers = headers or {}
        self.status = status
        self.document = document


def refused(status: int, message: str, *, code: int | None = None) -> Problem:
    """Return the refusal of the API layer. `code` is the status unless it is one of its own."""
    return Problem(status, {"code": code or status, "message": message})


def required(what: str) -> Problem:
    """Return the refusal of something that is not there."""
    return refused(422, f"{what} is required", code=REQUIRED)


def document(value: object, *, status: int = 200) -> web.Response:
    """Return `value` as JSON."""
    return body(msgspec.json.encode(value), status=status)


def body(raw: bytes, *, status: int = 200) -> web.Response:
    """Return JSON as it is; without a body there is no content type either."""
    response = reply(raw, status=status)
    if not raw:
        del response.headers[hdrs.CONTENT_TYPE]
    response.headers[hdrs.VARY] = hdrs.ORIGIN
    return response


def problem(found: Problem) -> web.Response:
    """Return the answer to a refused request."""
    raw = b"" if found.document is None else msgspec.json.encode(found.document)
    response = body(raw, status=found.status)
    response.headers.update(found.headers)
    return response


def wrong_method(method: str, allowed: Sequence[str]) -> web.Response:
    """Return the answer to a method that a path does not have."""
    response = problem(refused(405, f"method {method} is not allowed, but [{','.join(allowed)}] are"))
    response.headers[hdrs.ALLOW] = ",".join(allowed)
    return response


def shared_with_pages(request: web.BaseRequest, response: web.Response) -> web.Response:
    """Let pages of other sites read the answer, as Alertmanager does; it holds nothing without a token."""
    if hdrs.ORIGIN in request.headers:
        response.headers.update(_ANY_PAGE)
    return response


def preflight(request: web.BaseRequest) -> web.Response:
    """Answer a browser that asks what a page may send. A refusal is an answer that allows nothing."""
    response = body(b"")
    response.headers[hdrs.VARY] = ", ".join(
        (hdrs.ORIGIN, hdrs.ACCESS_CONTROL_REQUEST_METHOD, hdrs.ACCESS_CONTROL_REQUEST_HEADERS)
    )
    method = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_METHOD, "").upper()
    wanted = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, "")
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    if method not in _SIMPLE_METHODS or not {name.lower() for name in names} <= _SIMPLE_HEADERS:
        return response
    response.headers.update(_ANY_PAGE)
    response.headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = method
    if names:
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = ", ".join(name.title() for name in names)
    return response
