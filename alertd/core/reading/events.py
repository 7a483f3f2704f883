"""Events: what one message says in its sender's words, and the alert that a source makes of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec

from alertd.core import identity
from alertd.core.alerts import Alert, OnExpiry, Severity, Status
from alertd.core.reading.bodies import (
    MAX_FIELDS,
    MAX_KEY,
    Body,
    Unreadable,
    clean,
    with_own,
    without_port,
)
from alertd.core.reading.fields import text_of
from alertd.core.reading.paths import Path, Scope, compile_path
from alertd.core.reading.redaction import Redaction, redaction
from alertd.core.reading.settings import ClientRule, SenderSettings, compile_client, compile_number
from alertd.core.reading.trees import Tree
from alertd.core.severities import severity_of

DEFAULT_EXPIRY = timedelta(hours=24)  # of what nobody will ever say is over
LONGEST_NAME = 200  # characters of a problem key that stands in for a name


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a sender, before the settings of its source are applied. Empty text: it did not say.

    `key` is what identifies the problem (never the delivery), the same when it fires and when it clears. If
    all of it is empty the message stands alone: better two tickets than strangers' problems in one.
    """

    key: tuple[str, ...]
    status: Status
    alertname: str = ""  # of the rule, check or monitor; never a text that holds values
    title: str = ""
    description: str = ""
    url: str = ""
    host: str = ""
    client: str = ""  # the customer's name, as the sender has it
    client_id: str = ""  # the sender's own number for the customer: never one of Autotask's
    severity: str = ""  # the sender's word
    labels: Mapping[str, str] = {}  # everything else that identifies; empty values are left out
    annotations: Mapping[str, str] = {}  # everything else that describes
    unknown_status: str = ""  # a state that nobody knows: it counts as firing and is shown
    starts_at: datetime | None = None
    ends_at: datetime | None = None  # when it cleared
    late_for: timedelta | None = (
        None  # see `Alert`: for clocks that are set back, such as local time in autumn
    )
    is_one_shot: bool = False  # of this problem no end will be told, though others of its kind have one
    expires_after: timedelta | None = None  # by the sender's own word; None: as the source's settings say


class SenderProfile(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The settings that all sources of known bodies share, compiled.

    Args:
        severities: The kind's own words, then what the source's settings say instead, by lower-case word.
        expires_after: Of alerts of a kind that clears; `one_shot_expires_after` of the others.
    """

    source: str
    client: ClientRule
    client_number: ClientRule
    clients_by_id: Mapping[str, str]
    client_default: str
    severities: Mapping[str, Severity]
    severity: Severity
    expires_after: timedelta | None
    one_shot_expires_after: timedelta | None
    on_expiry: OnExpiry
    redaction: Redaction


class Arrival(msgspec.Struct, frozen=True):
    """The request that an event came in: it names the client where the sender cannot."""

    body: Body
    received_at: datetime
    index: int  # of the event among those of the request, from 0
    item: Tree = None  # what the event was read from


def compile_sender(
    settings: SenderSettings,
    *,
    severities: Mapping[str, Severity],
    clears: bool,
    on_expiry: OnExpiry = "note",
) -> SenderProfile:
    """Compile the settings of a source once.

    Args:
        settings: The source's.
        severities: What this kind means by its words, by lower-case word, where it differs from others.
        clears: Whether this kind says when it is over.
        on_expiry: What becomes of its tickets when it falls silent, where neither route nor source says.
    """
    given = settings.expire_after
    one_shot = (given or None) if given is not None else DEFAULT_EXPIRY
    return SenderProfile(
        source=settings.name,
        client=compile_client(settings.client, settings.clients),
        client_number=compile_number(settings.client),
        clients_by_id=settings.clients if settings.client is None else {},
        client_default=(settings.client.default if settings.client else None) or "",
        severities={
            **severities,
            **{word: Severity(name) for word, name in settings.severities.items()},
        },
        severity=Severity(settings.severity),
        expires_after=(given or None) if clears else one_shot,
        one_shot_expires_after=one_shot,
        on_expiry=settings.on_expiry or on_expiry,
        redaction=redaction(settings.redact),
    )


def alert_of(event: Event, profile: SenderProfile, arrival: Arrival) -> Alert:
    """Return the alert that an event of this source is.

    Raises:
        Unreadable: It has too many or too long labels.
    """
    labels = {**event.labels, "client_id": event.client_id}
    sent = {clean(name): text for name, value in labels.items() if (text := clean(value.strip()))}
    if len(sent) > MAX_FIELDS or any(len(name) > MAX_KEY for name in sent):
        raise Unreadable("limits", f"more than {MAX_FIELDS} labels, or one with a longer name than {MAX_KEY}")
    read = _reader(event, sent, arrival.item)
    key = [clean(part.strip()) for part in event.key]
    is_keyed = any(key)
    fingerprint = identity.key_fingerprint(profile.source, key if is_keyed else no_key(arrival))
    severity, unknown_severity = _severity(event.severity, profile)
    own = {
        "alertname": clean(event.alertname.strip())
        or "/".join(filter(None, key))[:LONGEST_NAME]
        or fingerprint,
        "severity": severity.value,
        "source": profile.source,
        "client": _client(sent, profile, arrival.body, read),
        "client_id": sent.get("client_id") or profile.client_number(read),
        "host": without_port(clean(event.host.strip())),
    }
    ours = {
        "unknown_severity": unknown_severity,
        "unknown_status": event.unknown_status,
        "unkeyed": "" if is_keyed else "true",
    }
    return Alert(
        source=profile.source,
        fingerprint=fingerprint,
        status=event.status,
        severity=severity,
        labels=with_own(sent, own),
        annotations=_annotations(event, own["alertname"]) | {k: clean(v) for k, v in ours.items() if v},
        starts_at=event.starts_at,
        ends_at=event.ends_at if event.status is Status.CLEARED else None,
        expires_after=event.expires_after or _expiry(event, profile),
        late_for=event.late_for,
        on_expiry=profile.on_expiry,
        sent_labels=sent,
    )


def _expiry(event: Event, profile: SenderProfile) -> timedelta | None:
    return profile.one_shot_expires_after if event.is_one_shot else profile.expires_after


def no_key(arrival: Arrival) -> tuple[str, ...]:
    """Return a key that no other message has."""
    return ("", _digest(arrival.body.raw), arrival.received_at.isoformat(), str(arrival.index))


@lru_cache(maxsize=1)  # a batch asks for each of its items
def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _severity(word: str, profile: SenderProfile) -> tuple[Severity, str]:
    """Return the severity, and the word for it if nobody knows it."""
    if not word.strip():
        return profile.severity, ""
    found = severity_of(word, profile.severities)
    return (found, "") if found else (Severity.WARNING, word.strip())


def _reader(event: Event, sent: Mapping[str, str], item: Tree) -> Callable[[str], str]:
    """Return what finds what `client` of the settings names: a label, else a path into what was sent."""

    def read(name: str) -> str:
        if found := sent.get(name):
            return found
        return clean(event.client.strip()) if name == "client" else clean(text_of(_path(name)(Scope(item))))

    return read


@lru_cache(maxsize=256)
def _path(name: str) -> Path:
    try:
        return compile_path(name)
    except ValueError:
        return lambda scope: None  # the name of a label that is no path


def _client(sent: Mapping[str, str], profile: SenderProfile, body: Body, read: Callable[[str], str]) -> str:
    """Return the customer: by number where the source's table has it, else by name, else the bare number."""
    number = sent.get("client_id", "")
    by_id = profile.clients_by_id.get(number) if number else None
    return by_id or profile.client(read) or body.client or profile.client_default or number


def _annotations(event: Event, alertname: str) -> dict[str, str]:
    title = event.title.strip() or alertname
    description = event.description.strip()
    texts = {
        **event.annotations,
        "title": title,
        "description": "" if description == title else description,
        "url": event.url.strip(),
    }
    return {clean(name): clean(text) for name, text in texts.items() if text}
