"""Call-outs of Autotask's webhooks: their signature, and the little that is read of them.

A call-out only says that a ticket is worth reading. What else it claims is never used, so that one that is
lost, doubled, late or forged can do no harm.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable

import msgspec

from alertd.core.secret import Secret

_SCHEME = "sha1="
_TICKET = "ticket"
_DEACTIVATED = "deactivated"
_MOST_TEXT = 100  # characters of what is kept to recognise a repeat
# An unclosed string ends with the body: no place is ever looked at twice, whatever a stranger sends.
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_ESCAPED = re.compile(r"""\\"|\\u[0-9a-fA-F]{4}|\\.|[&<>'`+]|[^\x00-\x7f]""", re.DOTALL)


class NoCallout(Exception):
    """The body is no call-out."""


class Callout(msgspec.Struct, frozen=True):
    """One event as Autotask tells it. `guid` and `sequence` together are the same when it is sent again."""

    action: str  # create, update, delete, deactivated; in lower case
    ticket_id: int | None  # None: it is about something else
    guid: str = ""
    sequence: int | None = None

    @property
    def is_deactivation(self) -> bool:
        """Whether Autotask says that it has switched the webhook off. Such a call-out is never signed."""
        return self.action == _DEACTIVATED


class _Event(msgspec.Struct, frozen=True, rename="pascal"):
    action: str
    entity_type: str | None = None
    id: int | None = None
    guid: str | None = None
    sequence_number: int | None = None


_decoder = msgspec.json.Decoder(_Event, strict=False)


def sign(body: bytes, secret: Secret) -> str:
    """Return the `X-Hook-Signature` that Autotask gives a body: over its escaped form."""
    return _SCHEME + base64.b64encode(_mac(escaped(body), secret)).decode()


def is_signed(body: bytes, signature: str, secret: Secret) -> bool:
    """Whether the header is the body's signature: over the bytes as they came, or over their escaped form.

    It is not known how the escapes that a body has already, of control characters say, are spelt in what is
    signed: respelt in upper case and left as they came will both do. All are always computed, and compared
    in constant time.
    """
    if not signature.startswith(_SCHEME) or not signature.isascii():
        return False
    given = signature.removeprefix(_SCHEME).strip().encode()
    forms = (body, escaped(body), _rewritten(body, _left))
    same = [hmac.compare_digest(given, base64.b64encode(_mac(form, secret))) for form in forms]
    return any(same)


def escaped(body: bytes) -> bytes:
    r"""Return the same JSON as Autotask writes it before it signs.

    Inside texts `& < > '`, the backtick, `+`, an escaped double quote and all that is not ASCII are
    `\uXXXX` in upper case. The value that the body stands for stays the same, but for spelling. A body
    that is no UTF-8 is returned as it is.
    """
    return _rewritten(body, _written)


def read_callout(body: bytes) -> Callout:
    """Read a call-out's body.

    Raises:
        NoCallout: It is none.
    """
    try:
        event = _decoder.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        raise NoCallout("the body is no call-out of Autotask") from None
    about_ticket = (event.entity_type or "").lower() == _TICKET
    return Callout(
        action=event.action[:_MOST_TEXT].lower(),
        ticket_id=event.id if about_ticket else None,
        guid=(event.guid or "")[:_MOST_TEXT],
        sequence=event.sequence_number,
    )


def _mac(body: bytes, secret: Secret) -> bytes:
    return hmac.digest(secret.reveal().encode(), body, hashlib.sha1)


def _rewritten(body: bytes, write: Callable[[re.Match[str]], str]) -> bytes:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body
    return _STRING.sub(lambda string: _ESCAPED.sub(write, string[0]), text).encode()


def _left(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith("\\u") else _written(found)


def _written(found: re.Match[str]) -> str:
    mark = found[0]
    if mark == '\\"':
        return "\\u0022"
    if mark.startswith("\\"):
        return f"\\u{mark[2:].upper()}" if mark.startswith("\\u") and len(mark) == 6 else mark
    pairs = mark.encode("utf-16-be")
    return "".join(f"\\u{pairs[at] << 8 | pairs[at + 1]:04X}" for at in range(0, len(pairs), 2))
