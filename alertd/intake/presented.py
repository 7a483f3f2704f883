"""Where clients of other products put their tokens, and requests that have nothing but a path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aiohttp import hdrs, web

from alertd.intake.auth import presented_tokens, wire_bytes
from alertd.intake.requests import Query


class Presented(NamedTuple):
    """The tokens of a request, and what is left of its query without them."""

    tokens: Sequence[bytes]
    query: Query


def presented(
    request: web.BaseRequest,
    query: Query,
    *,
    scheme: str = "",
    headers: Sequence[str] = (),
    names: Sequence[str] = (),
) -> Presented:
    """Return the tokens in the order in which they count.

    Args:
        request: Bearer, Basic and X-Alertd-Token always count.
        query: Of the target.
        scheme: Of the Authorization header, beside Bearer and Basic.
        headers: Names of further headers.
        names: Names of parameters of the query in which the original takes a token. None of them is kept.
    """
    tokens = [*_by_scheme(request.headers, scheme), *presented_tokens(request.headers)]
    tokens += [wire_bytes(value) for name in headers if (value := request.headers.get(name))]
    shown = {**query, "token": query.token or ""}
    tokens += [wire_bytes(value) for name in names if (value := shown.get(name))]
    return Presented(tokens, _without(query, names))


def is_path_alone(request: web.BaseRequest) -> bool:
    """Whether the request announces no body."""
    headers = request.headers
    return hdrs.CONTENT_LENGTH not in headers and hdrs.TRANSFER_ENCODING not in headers


def _by_scheme(headers: Mapping[str, str], wanted: str) -> list[bytes]:
    scheme, _, rest = headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return [wire_bytes(rest.strip())] if wanted and scheme.lower() == wanted and rest.strip() else []


def _without(query: Query, names: Sequence[str]) -> Query:
    if not any(name in query for name in names):
        return query
    return Query({name: value for name, value in query.items() if name not in names})
