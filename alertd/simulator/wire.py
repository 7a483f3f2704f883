"""What goes in and comes out of the model: requests, replies, and the error that becomes a reply."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

JSON = dict[str, Any]

_PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"


@dataclass(frozen=True, kw_only=True)
class SimRequest:
    """One HTTP request. Header names are lower-case; `origin` is scheme and host as the caller wrote them."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    origin: str = "http://simulator.invalid"
    url_length: int = 0


class Transport(enum.Enum):
    """What the socket does with a reply."""

    SEND = "send"
    DROP = "drop"
    HANG = "hang"
    CUT = "cut"


@dataclass(kw_only=True)
class SimReply:
    """One HTTP reply, and how (or whether) it travels.

    `delay_s` passes before the request is carried out; `slow_s` is what sending the body takes.
    """

    status: int
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    transport: Transport = Transport.SEND
    delay_s: float = 0.0
    slow_s: float = 0.0

    def json(self) -> Any:
        """Return the decoded body.

        Raises:
            msgspec.DecodeError: The body is not JSON.
        """
        return msgspec.json.decode(self.body)


class ApiError(Exception):
    """Ends the handling of a request with a reply that is not a success."""

    def __init__(self, reply: SimReply) -> None:
        super().__init__(f"{reply.status} {reply.body.decode(errors='replace')}")
        self.reply = reply


def ok(payload: object) -> SimReply:
    """Return 200 with a JSON body."""
    return SimReply(status=200, body=msgspec.json.encode(payload))


def errors(*texts: str, status: int = 500) -> SimReply:
    """Return the `{"errors": […]}` envelope that carries all business and validation errors."""
    return SimReply(status=status, body=msgspec.json.encode({"errors": list(texts)}))


def message(status: int, text: str) -> SimReply:
    """Return the `{"Message": …}` envelope of framework-level errors."""
    return SimReply(status=status, body=msgspec.json.encode({"Message": text}))


def html(status: int, title: str) -> SimReply:
    """Return a page as a proxy or IIS itself would answer."""
    return SimReply(status=status, body=_PAGE.format(title).encode(), content_type="text/html")


def text(status: int, body: str, content_type: str = "text/plain") -> SimReply:
    """Return a body that is taken as given."""
    return SimReply(status=status, body=body.encode(), content_type=content_type)


def refused(*texts: str) -> ApiError:
    """Return the error for a business rule or validation that failed."""
    return ApiError(errors(*texts))


def not_found(request: SimRequest) -> ApiError:
    """Return the error for a route that does not exist."""
    uri = f"{request.origin}{request.path}"
    return ApiError(message(404, f"No HTTP resource was found that matches the request URI '{uri}'."))


def wrong_verb(method: str) -> ApiError:
    """Return the error for a route that exists with other verbs."""
    return ApiError(message(405, f"The requested resource does not support http method '{method}'."))


def decode_body(raw: bytes, malformed_status: int) -> Any:
    """Return the JSON in a request body, or None when there is no body.

    Raises:
        ApiError: The body is not JSON.
    """
    if not raw.strip():
        return None
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError) as exc:
        raise ApiError(message(malformed_status, "The request is invalid.")) from exc
