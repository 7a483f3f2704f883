"""Reading a request's line and headers: target, parameters, the sender's own delivery id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, urlsplit

from multidict import istr

from alertd.core.reading.bodies import clean
from alertd.intake.answers import Refused
from alertd.intake.metrics import Outcome

_CREDENTIALS = frozenset({"token"})
_MAX_DELIVERY_ID = 255

# The id, and the header without which one of that name is somebody else's and may never change:
# Standard Webhooks and Svix always send id and time stamp together.
_DELIVERY_HEADERS: tuple[tuple[istr, istr | None], ...] = (
    (istr("X-Alertd-Delivery"), None),
    (istr("webhook-id"), istr("webhook-timestamp")),
    (istr("svix-id"), istr("svix-timestamp")),
    (istr("x-amz-sns-message-id"), None),
    (istr("X-GitHub-Delivery"), None),
)


class Query(dict[str, str]):
    """The parameters of a target without credentials; of repeated ones the first. The token is apart."""

    token: str | None = None


_NO_QUERY = Query()


def read_query(text: str) -> Query:
    """Read what follows the question mark of a target."""
    if not text:
        return _NO_QUERY
    query = Query()
    for name, value in parse_qsl(text, keep_blank_values=True, errors="surrogateescape"):
        if name not in _CREDENTIALS:
            query.setdefault(clean(name), clean(value))
        elif query.token is None:
            query.token = value
    return query


def is_delivery(query: Query) -> bool:
    """Whether the query says more than who sends and for whom."""
    return any(name != "client" for name in query)


def delivery_id(headers: Mapping[str, str]) -> str | None:
    """Return the sender's own id of this delivery, which is the same when it is sent again."""
    for name, companion in _DELIVERY_HEADERS:
        value = headers.get(name)
        if value is not None and (companion is None or companion in headers):
            return value if value.isascii() and 0 < len(value) <= _MAX_DELIVERY_ID else None
    return None


def origin_form(target: str, own_hosts: Iterable[str]) -> str:
    """Return the path and query of a request target.

    Raises:
        Refused: It names a scheme and a host, and the host is not ours.
    """
    if target.startswith("/"):
        return target
    try:
        parts = urlsplit(target)
    except ValueError:
        raise Refused(Outcome.MALFORMED, 400, "the request target cannot be read") from None
    if parts.scheme not in {"http", "https"}:
        raise Refused(Outcome.MALFORMED, 404, "there is nothing here")
    if parts.netloc.lower() not in own_hosts:
        raise Refused(Outcome.MALFORMED, 421, "this host is not served here")
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
