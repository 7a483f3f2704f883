"""What goes into reading a request, and what comes out of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from alertd.core.alerts import Alert

MAX_DEPTH = 32  # objects and lists inside one another
MAX_FIELDS = 200  # of one object
MAX_KEY = 256  # characters
MAX_VALUE = 32 * 1024  # bytes as UTF-8; what is longer is cut

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL and SQLite refuse or truncate these
_PORT = re.compile(r"\[([^\]]+)\](?::\d+)?|([^:]+):\d+")

Reason: TypeAlias = Literal["empty", "encoding", "syntax", "too_deep", "limits", "shape"]


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came in, undone of any content encoding and already redacted.

    `query` holds the parameters of the URL in order, without the token. `peer` is the sender's address.
    """

    raw: bytes
    content_type: str = ""
    query: tuple[tuple[str, str], ...] = ()
    peer: str = ""

    @property
    def client(self) -> str:
        """`?client=`, which names the customer where the sender cannot; empty if absent."""
        return next((clean(value) for name, value in self.query if name == "client"), "")


class Problem(msgspec.Struct, frozen=True):
    """One item of a batch that could not be read. Its neighbours are not touched by it."""

    index: int  # counted from 0
    reason: Reason
    detail: str


class Reading(msgspec.Struct, frozen=True):
    """What a request said."""

    alerts: tuple[Alert, ...] = ()
    problems: tuple[Problem, ...] = ()


class Unreadable(Exception):
    """A body, or one item of it, that says nothing we understand. It is parked under `reason`."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason
        self.detail = detail


def clean(text: str) -> str:
    """Return `text` as it may be stored: no NUL, no lone surrogate, at most MAX_VALUE bytes."""
    if "\0" in text or not text.isascii():
        text = _UNSTORABLE.sub("\ufffd", text)
    if len(text) > MAX_VALUE // 4:
        text = text.encode()[:MAX_VALUE].decode(errors="ignore")
    return text


def with_own(sent: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Return the complete labels: the sent ones and ours; what ours displaces is kept as `sent_<name>`."""
    labels = dict(sent)
    for name, value in own.items():
        if not value:
            continue
        before = sent.get(name)
        if before is not None and before != value:
            labels[f"sent_{name}"] = before
        labels[name] = value
    return labels


def without_port(host: str) -> str:
    """Return the host of `host:port`, `[v6]:port` or a URL; anything else as it is."""
    if "://" in host:
        host = host_of(host) or host
    found = _PORT.fullmatch(host)
    return (found[1] or found[2]) if found else host


def host_of(url: str) -> str:
    """Return host and port of a URL, without user and password; empty if it has none."""
    _, scheme, rest = url.partition("://")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0] if scheme else ""
    return authority.rpartition("@")[2]
