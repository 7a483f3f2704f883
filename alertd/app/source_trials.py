"""How a request would be read by a source: field by field, with the reason for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from alertd.app.operations import Document
from alertd.core.alerts import Alert
from alertd.core.folding import Routing
from alertd.core.identity import fingerprint
from alertd.core.reading.bodies import Body, Problem, Unreadable
from alertd.core.reading.events import Event
from alertd.core.reading.settings import SourceBase
from alertd.core.routes import match, place
from alertd.core.settings import format_duration
from alertd.core.severities import KNOWN
from alertd.core.sources import kinds
from alertd.intake.senders import POSTED_AS, POSTED_KIND, sender_of


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came in, or as it was kept."""

    raw: bytes
    received_at: datetime
    kind: str = ""  # under which it was kept; empty: the source's own
    content_type: str = ""
    query: tuple[tuple[str, str], ...] = ()


def tried(settings: SourceBase, request: Request, *, routing: Routing | None = None) -> Document:
    """Return how the source reads the request; nothing is stored or sent.

    Args:
        settings: The source's.
        request: What it is given to read.
        routing: Tells where the alerts would go; None: there is no configuration.
    """
    kind = _kind(settings, request)
    compiled = kinds.compile_profile(settings)
    body = Body(
        raw=kinds.redact(request.raw, compiled),
        content_type=request.content_type,
        query=kinds.redact_query(request.query, compiled),
        peer="192.0.2.1",  # of documentation: nobody has sent it
    )
    told = {"kind": kind, "redacted": body.raw != request.raw or body.query != request.query}
    try:
        alerts, problems = _read(settings, kind, body, request.received_at)
        events = _events(settings, kind, body, request.received_at)
    except Unreadable as exc:
        return {**told, "parked": str(exc), "alerts": []}
    unread = {problem.index for problem in problems}
    places = (index for index in range(len(alerts) + len(problems)) if index not in unread)
    shown = [
        _Told(settings, alert, events.get(index), body).document(routing)
        for index, alert in zip(places, alerts, strict=True)
    ]
    parked = [f"item {each.index + 1}: {each.reason}: {each.detail}" for each in problems]
    return {**told, "parked": "; ".join(parked), "alerts": shown}


def _kind(settings: SourceBase, request: Request) -> str:
    if request.kind:
        return request.kind
    begins = request.raw.lstrip()[:1]
    return POSTED_KIND if settings.kind == POSTED_AS and begins == b"[" else settings.kind


def _read(
    settings: SourceBase, kind: str, body: Body, at: datetime
) -> tuple[tuple[Alert, ...], tuple[Problem, ...]]:
    sender = sender_of(settings, kinds.compile_profile(settings), digests=())
    if kind == POSTED_KIND:
        posted = sender.read_posted(body, at)
        return posted.alerts, posted.problems
    reading = sender.read_as(kind, body, at)
    return reading.alerts, reading.problems


def _events(settings: SourceBase, kind: str, body: Body, at: datetime) -> Mapping[int, Event]:
    if kind not in kinds.KINDS:
        return {}
    compiled = kinds.speaking(settings, kind)
    tell = compiled.kind.events
    return tell(body, compiled.profile, received_at=at) if tell is not None else {}


class _Told(msgspec.Struct, frozen=True):
    """One alert, and what it was made of."""

    settings: SourceBase
    alert: Alert
    event: Event | None
    body: Body

    def document(self, routing: Routing | None) -> Document:
        alert = self.alert
        return {
            "status": alert.status.value,
            "severity": alert.severity.value,
            "severity_why": self.severity_why(),
            "fingerprint": alert.fingerprint,
            "fingerprint_of": self.fingerprint_of(),
            "client": alert.labels.get("client", ""),
            "client_how": self.client_how(),
            "host": alert.labels.get("host", ""),
            "labels": alert.labels,
            "annotations": alert.annotations,
            "starts_at": _at(alert.starts_at),
            "ends_at": _at(alert.ends_at),
            "expires_after": _lasting(alert.expires_after),
            "routes": list(_routes(alert, routing)) if routing is not None else None,
        }

    def severity_why(self) -> str:
        word = self.severity_word().strip()
        own = getattr(self.settings, "severities", {})
        if not word:
            return "the sender names none: the default of the source"
        if "unknown_severity" in self.alert.annotations:
            return f'"{word}" is a word that nobody knows'
        if word.lower() in own:
            return f'"{word}", by severities of the source'
        by = "the usual words" if KNOWN.get(word.lower()) is self.alert.severity else "the words of this kind"
        return f'"{word}", by {by}'

    def severity_word(self) -> str:
        if self.event is not None:
            return self.event.severity
        return self.alert.annotations.get("unknown_severity", "") or self.alert.sent_labels.get(
            "severity", ""
        )

    def fingerprint_of(self) -> str:
        if self.alert.annotations.get("unkeyed"):
            return "nothing that names the problem: this message stands alone"
        if self.event is not None:
            return ", ".join(filter(None, self.event.key))
        if self.alert.fingerprint == fingerprint(self.alert.sent_labels):
            return "all labels as sent"
        return kinds.KINDS[self.settings.kind].sheet.problem

    def client_how(self) -> str:
        client = self.alert.labels.get("client", "")
        if not client:
            return "nobody names one: its tickets go to the fallback company"
        return next((how for value, how in self.ways() if value and value == client), "as the settings say")

    def ways(self) -> Iterator[tuple[str, str]]:
        """Yield each value that `client` may have come from, and what that is called."""
        clients, rule = self.settings.clients, getattr(self.settings, "client", None)
        number = self.alert.labels.get("client_id", "")
        sent = [number, self.event.client if self.event else "", self.alert.sent_labels.get("client", "")]
        yield from (
            (clients[each], f'"{each}", by clients of the source') for each in sent if each in clients
        )
        yield from ((each, f'"{key}", by clients of the source') for key, each in clients.items())
        if rule is not None:
            named = getattr(rule, "label", None) or getattr(rule, "lookup", None)
            if named:
                yield self.alert.sent_labels.get(named, ""), f"label {named}"
        yield number, "the sender's own number: alertd map companies set says whose it is"
        yield from ((each, "as sent") for each in sent[1:])
        yield self.body.client, "client= of the address"
        yield getattr(rule, "default", None) or "", "the default of the source"


def _routes(alert: Alert, routing: Routing | None) -> Iterator[Document]:
    if routing is None:
        return
    for matched in match(routing.tree, alert.labels):
        _, group = place(matched, alert)
        yield {"route": matched.policy.route_name, "board": matched.policy.board, "group": group}


def _lasting(duration: timedelta | None) -> str:
    return format_duration(duration) if duration is not None else "never"


def _at(instant: datetime | None) -> str | None:
    return instant.isoformat().replace("+00:00", "Z") if instant is not None else None
