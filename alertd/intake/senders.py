"""What intake needs to know of a source, and of the world behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from alertd.core.alerts import Alert
from alertd.core.sources import alertmanager_v2, kinds
from alertd.core.sources.alertmanager import AlertmanagerProfile
from alertd.core.sources.alertmanager_v2 import V2Reading
from alertd.core.sources.kinds import Profile, SourceSettings
from alertd.core.sources.mapped_settings import MappedSettings
from alertd.core.sources.reading import Body, Reading
from alertd.flows.crashes import CrashPoint, never
from alertd.flows.ports import Clock, Entry, Envelope, Journal

POSTED_KIND = "alertmanager_v2"  # of envelopes that came by POST /api/v2/alerts


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """One configured source. All its functions are pure.

    `read` raises `Unreadable` for a body that says nothing; `redact` and `redact_query` never raise and go
    first.
    """

    name: str
    kind: str
    digests: tuple[bytes, ...]  # SHA-256 of its live tokens, the current one first
    token_in_url: bool = False
    max_body: int | None = None  # bytes; None: as the server's
    takes_queries: bool = False  # a query string without a body may be a delivery
    redact: Callable[[bytes], bytes]
    redact_query: Callable[[Iterable[tuple[str, str]]], tuple[tuple[str, str], ...]]
    read: Callable[[Body, datetime], Reading]
    read_posted: Callable[[Body, datetime], V2Reading] | None = None  # Alertmanager's own list of alerts


def sender_of(
    settings: SourceSettings, profile: Profile, *, digests: tuple[bytes, ...], max_body: int | None = None
) -> Sender:
    """Return the sender that a `[[sources]]` table describes.

    Args:
        settings: The table.
        profile: What `kinds.compile_profile` made of it.
        digests: SHA-256 of its live tokens, in the order of `token`.
        max_body: In bytes; None: as the server's.
    """
    posted = _posted_reader(profile) if isinstance(profile, AlertmanagerProfile) else None
    return Sender(
        name=settings.name,
        kind=settings.kind,
        digests=digests,
        token_in_url=settings.token_in_url,
        max_body=max_body,
        takes_queries=isinstance(settings, MappedSettings),
        redact=lambda raw: kinds.redact(raw, profile),
        redact_query=lambda pairs: kinds.redact_query(pairs, profile),
        read=lambda body, at: kinds.read(body, profile, received_at=at),
        read_posted=posted,
    )


def _posted_reader(profile: AlertmanagerProfile) -> Callable[[Body, datetime], V2Reading]:
    def read(body: Body, at: datetime) -> V2Reading:
        return alertmanager_v2.read(body, profile, received_at=at)

    return read


def read_again(envelope: Envelope, sender: Sender) -> tuple[Alert, ...]:
    """Return the alerts of a stored envelope, as they were when it was taken in.

    Raises:
        Unreadable: Nothing in it can be read by the source as it is configured now.
    """
    body = Body(
        raw=envelope.body,
        content_type=envelope.content_type,
        query=tuple(envelope.params.items()),
        peer=envelope.peer,
    )
    if envelope.kind == POSTED_KIND and sender.read_posted is not None:
        return sender.read_posted(body, envelope.received_at).alerts
    return sender.read(body, envelope.received_at).alerts


class Handover(Protocol):
    """Takes over what has been committed."""

    def accept(self, entry: Entry, alerts: Sequence[Alert]) -> None:
        """Remember it for deciding. Never blocks, never raises."""
        ...


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """The world behind intake."""

    journal: Journal
    handover: Handover
    clock: Clock
    monotonic: Callable[[], float]  # seconds
    entropy: Callable[[int], bytes]  # as `os.urandom`
    not_ready: Callable[[], str | None]  # why this process should get no traffic; None: it should
    crash: CrashPoint = never
