"""What intake needs to know of a source, and of the world behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Protocol, cast

import msgspec

from alertd.core.alerts import Alert, AlertKey
from alertd.core.reading.bodies import Body, Reading
from alertd.core.reading.settings import SourceBase
from alertd.core.reading.signatures import Signing
from alertd.core.secret import Secret
from alertd.core.sources import alertmanager_v2, kinds
from alertd.core.sources.alertmanager import AlertmanagerProfile
from alertd.core.sources.alertmanager_v2 import V2Reading
from alertd.core.sources.gradient import GradientSettings
from alertd.core.sources.kinds import Compiled
from alertd.flows.crashes import CrashPoint, never
from alertd.flows.ports import Clock, ConditionRow, Entry, Envelope, Journal, Loaded, Vendors
from alertd.intake.fetching import Fetch, NoFetch

POSTED_KIND = "alertmanager_v2"  # of envelopes that came by POST /api/v2/alerts
POSTED_AS = "alertmanager"  # the kind whose settings apply to them


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
    signing: Signing | None = None  # what its requests show beside a token
    secrets: tuple[Secret, ...] = ()  # its live tokens in plain, only where they sign
    redact: Callable[[bytes], bytes]
    redact_query: Callable[[Iterable[tuple[str, str]]], tuple[tuple[str, str], ...]]
    read: Callable[[Body, datetime], Reading]  # as its own kind
    read_as: Callable[[str, Body, datetime], Reading]  # as another kind, where the path says what is spoken
    read_posted: Callable[[Body, datetime], V2Reading]  # Alertmanager's own list of alerts
    gradient: GradientSettings | None = None  # of a source that speaks Gradient's vendor API
    vendor_digests: tuple[bytes, ...] = ()  # SHA-256 of the first halves of its tokens, up to the colon


def sender_of(
    settings: SourceBase,
    compiled: Compiled,
    *,
    digests: tuple[bytes, ...],
    secrets: tuple[Secret, ...] = (),
    max_body: int | None = None,
    vendor_digests: tuple[bytes, ...] = (),
) -> Sender:
    """Return the sender that a `[[sources]]` table describes.

    Args:
        settings: The table.
        compiled: What `kinds.compile_profile` made of it.
        digests: SHA-256 of its live tokens, in the order of `token`.
        secrets: The tokens themselves; kept only if they sign.
        max_body: In bytes; None: as the server's.
        vendor_digests: SHA-256 of what comes before the colon in each of its tokens.
    """
    speaking = cache(partial(kinds.speaking, settings))
    signing = kinds.signing(settings)

    def read_posted(body: Body, at: datetime) -> V2Reading:
        profile = cast(AlertmanagerProfile, speaking(POSTED_AS).profile)
        return alertmanager_v2.read(body, profile, received_at=at)

    return Sender(
        name=settings.name,
        kind=settings.kind,
        digests=digests,
        token_in_url=settings.token_in_url,
        max_body=max_body,
        takes_queries=compiled.kind.takes_queries,
        signing=signing,
        secrets=secrets if signing is not None and signing.needs_secrets else (),
        redact=lambda raw: kinds.redact(raw, compiled),
        redact_query=lambda pairs: kinds.redact_query(pairs, compiled),
        read=lambda body, at: kinds.read(body, compiled, received_at=at),
        read_as=lambda kind, body, at: kinds.read(body, speaking(kind), received_at=at),
        read_posted=read_posted,
        gradient=settings if isinstance(settings, GradientSettings) else None,
        vendor_digests=vendor_digests,
    )


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
    if envelope.kind == POSTED_KIND:
        return sender.read_posted(body, envelope.received_at).alerts
    if envelope.kind != sender.kind and envelope.kind in kinds.KINDS:
        return sender.read_as(envelope.kind, body, envelope.received_at).alerts
    return sender.read(body, envelope.received_at).alerts


class Handover(Protocol):
    """Takes over what has been committed."""

    def accept(self, entry: Entry, alerts: Sequence[Alert]) -> None:
        """Remember it for deciding. Never blocks, never raises."""
        ...

    async def passed(self) -> None:
        """Wait until all that has been accepted by now is decided."""
        ...


class Standing(Protocol):
    """What is known of alerts that have been decided."""

    async def load(self, alert_keys: Iterable[AlertKey], incident_keys: Iterable[str]) -> Loaded:
        """Return what is stored under these keys."""
        ...

    async def firing_conditions(self, *, limit: int) -> Sequence[ConditionRow]:
        """Return what fires, of all sources."""
        ...


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """The world behind intake."""

    journal: Journal
    handover: Handover
    standing: Standing
    vendors: Vendors
    clock: Clock
    monotonic: Callable[[], float]  # seconds
    entropy: Callable[[int], bytes]  # as `os.urandom`
    not_ready: Callable[[], str | None]  # why this process should get no traffic; None: it should
    crash: CrashPoint = never
    fetch: Fetch = NoFetch()
