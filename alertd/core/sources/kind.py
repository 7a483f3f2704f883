"""What a module of this package has to offer to be a kind of source: one `KIND`, found by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from msgspec import structs

from alertd.core.alerts import Alert, Severity
from alertd.core.reading import salvage, trees
from alertd.core.reading.bodies import Body, Problem, Reading, Unreadable
from alertd.core.reading.events import Arrival, Event, SenderProfile, alert_of, compile_sender
from alertd.core.reading.redaction import Redaction
from alertd.core.reading.settings import SenderSettings, SourceBase
from alertd.core.reading.signatures import Scheme, Signing
from alertd.core.reading.signing import Signs
from alertd.core.reading.trees import Tree
from alertd.core.sources.sheets import Sheet


class Profile(Protocol):
    """The settings of one source, compiled."""

    @property
    def source(self) -> str:
        """Its name."""
        ...

    @property
    def redaction(self) -> Redaction:
        """What is blanked before anything is stored or read."""
        ...

    @property
    def expires_after(self) -> timedelta | None:
        """How long its alerts may be silent before they expire; None: for ever."""
        ...


class Reads(Protocol):
    """Reads a redacted request of a source into alerts."""

    def __call__(self, body: Body, profile: Any, *, received_at: datetime) -> Reading:
        """Read it.

        Raises:
            Unreadable: Nothing in it can be read: park it under the reason.
        """
        ...


class Tells(Protocol):
    """Tells what a redacted request says in its sender's words, before the source's settings are applied."""

    def __call__(self, body: Body, profile: Any, *, received_at: datetime) -> Mapping[int, Event]:
        """Return the events by their place in the request, from 0; what cannot be read is left out.

        Raises:
            Unreadable: Nothing in it can be read.
        """
        ...


def unsigned(settings: Any) -> Signing | None:
    """Say that a source's requests are not signed."""
    return None


class Kind(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A format that sources may have: its settings, how it is read, and what a person has to know of it."""

    settings: type[SourceBase]  # its field `kind` is a Literal of the kind's name
    compile_profile: Callable[[Any], Profile]
    read: Reads
    sheet: Sheet
    takes_queries: bool = False  # a query string without a body may be a delivery
    signing: Callable[[Any], Signing | None] = unsigned  # how a source's requests are signed, by its settings
    events: Tells | None = None  # for people who ask why a message was read as it was

    @property
    def name(self) -> str:
        """As written in `kind = "…"`."""
        return str(self.settings.model_fields["kind"].annotation.__args__[0])  # type: ignore[union-attr] # a Literal

    def signed(self, scheme: Scheme) -> Kind:
        """Return the kind with what its senders can show beside a token; its settings are some that sign."""

        def signing(settings: Signs) -> Signing | None:
            return settings.signing_by(scheme)

        return structs.replace(self, signing=signing)


S = TypeVar("S", bound=SenderSettings)


class Payload(msgspec.Struct, frozen=True):
    """A request as a tree, and as it came."""

    tree: Tree
    body: Body
    received_at: datetime


class _CompiledSender(msgspec.Struct, Generic[S], frozen=True, eq=False):
    settings: S
    profile: SenderProfile

    @property
    def source(self) -> str:
        return self.profile.source

    @property
    def redaction(self) -> Redaction:
        return self.profile.redaction

    @property
    def expires_after(self) -> timedelta | None:
        return self.profile.expires_after


def _whole(payload: Payload) -> Sequence[Tree]:
    """Return the items of a request: of most senders one."""
    return payload.tree if isinstance(payload.tree, list) else [payload.tree]


class _Form(msgspec.Struct, Generic[S], frozen=True, eq=False):
    """The form of a sender's requests: see `sender_kind`."""

    event: Callable[[dict[str, Tree], Payload, S], Event]
    fields: Sequence[str]
    split: Callable[[Payload], Sequence[Tree]]

    def events(self, body: Body, profile: _CompiledSender[S], *, received_at: datetime) -> dict[int, Event]:
        payload = Payload(_tree(body, self.fields), body, received_at)
        found: dict[int, Event] = {}
        for index, item in enumerate(self.split(payload)):
            with suppress(Unreadable):
                found[index] = self._said(item, payload, profile.settings)
        return found

    def read(self, body: Body, profile: _CompiledSender[S], *, received_at: datetime) -> Reading:
        payload = Payload(_tree(body, self.fields), body, received_at)
        alerts: list[Alert] = []
        problems: list[Problem] = []
        for index, item in enumerate(self.split(payload)):
            try:
                said = self._said(item, payload, profile.settings)
                alerts.append(alert_of(said, profile.profile, Arrival(body, received_at, index, item)))
            except Unreadable as exc:
                problems.append(Problem(index, exc.reason, exc.detail))
        return Reading(tuple(alerts), tuple(problems))

    def _said(self, item: Tree, payload: Payload, given: S) -> Event:
        if not isinstance(item, dict) or not item:
            raise Unreadable("shape", "the alert is not an object with fields")
        return self.event(item, payload, given)


def sender_kind(
    settings: type[S],
    event: Callable[[dict[str, Tree], Payload, S], Event],
    sheet: Sheet,
    *,
    severities: Mapping[str, Severity] = MappingProxyType({}),
    fields: Sequence[str] = (),
    split: Callable[[Payload], Sequence[Tree]] = _whole,
    takes_queries: bool = False,
) -> Kind:
    """Return the kind of a sender whose body is known.

    Args:
        settings: The model of its `[[sources]]`.
        event: Reads one item, an object with fields, of a request. It may raise `Unreadable`.
        sheet: For people.
        severities: What it means by its words, lower-case, where that is not what they mean elsewhere.
        fields: Names in the order of its template: a body whose quotes were not escaped is read by them.
        split: The items of a request, each one message; a list at the top is a batch even unsaid.
        takes_queries: Whether it may send all it has to say in the query string.
    """

    def compile_profile(given: S) -> _CompiledSender[S]:
        profile = compile_sender(
            given, severities=severities, clears=bool(sheet.clears), on_expiry=sheet.on_expiry
        )
        return _CompiledSender(given, profile)

    form = _Form(event, fields, split)
    return Kind(
        settings=settings,
        compile_profile=compile_profile,
        read=form.read,
        sheet=sheet,
        takes_queries=takes_queries,
        events=form.events,
    )


def _tree(body: Body, fields: Sequence[str]) -> Tree:
    try:
        return trees.tree_of(body)
    except Unreadable as exc:
        if exc.reason not in ("syntax", "encoding") or not fields:
            raise
        return trees.normalised(salvage.by_fields(body.raw, fields))
