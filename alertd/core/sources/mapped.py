"""The mapped source: JSON, XML, forms and query strings of any shape, read by configured paths."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from alertd.core import identity
from alertd.core.alerts import Alert, Severity, Status
from alertd.core.matchers import compile_pattern
from alertd.core.reading import trees
from alertd.core.reading.bodies import Body, Problem, Reading, Unreadable, with_own
from alertd.core.reading.fields import FieldSettings, Reader, compile_field, first_of, text_of
from alertd.core.reading.instants import instant
from alertd.core.reading.paths import Path, Scope, compile_path
from alertd.core.reading.redaction import Redaction, redaction
from alertd.core.reading.settings import ClientRule, ClientSettings, compile_client
from alertd.core.reading.trees import Tree
from alertd.core.severities import severity_of
from alertd.core.sources.kind import Kind
from alertd.core.sources.mapped_settings import (
    IgnoreSettings,
    InstantSettings,
    MappedSettings,
    StatusSettings,
)
from alertd.core.sources.sheets import Sheet

DEFAULT_EXPIRY = timedelta(hours=24)  # of sources that cannot say that it is over
_LONGEST_NAME = 200  # characters of a problem key that stands in for a name

# Usual names, tried where a key is not configured: OnCall, GoAlert, Opsgenie, Keep, Alerta and their like.
_TITLES = ("title", "summary", "message", "subject", "text", "event")
_DESCRIPTIONS = ("description", "details", "body", "message", "text", "value")
_URLS = ("url", "link", "link_to_upstream_details", "alert_url", "details_url", "permalink")
_HOSTS = (
    *("host", "hostname", "host_name", "device", "device_name", "deviceName", "computer", "computer_name"),
    *("device.name", "host.name", "resource", "node", "server", "entity"),
)
_CLIENTS = (
    *("client", "client_name", "customer", "customer_name", "customerName", "company", "company_name"),
    *("companyName", "organization", "organization_name", "organizationName", "tenant"),
)
_NAMES = (
    *(
        "alertname",
        "alert_name",
        "alertName",
        "rule",
        "rule_name",
        "ruleName",
        "check",
        "check_name",
        "checkName",
    ),
    *("monitor_name", "monitorName", "event"),
)
_KEYS = ("dedup_key", "dedup", "alert_uid", "alias", "fingerprint", "incident_key")
_SEVERITIES = ("severity", "priority", "level", "urgency", "criticality")
_STATES = ("status", "state", "event_action", "action")
_STARTS = (
    "starts_at",
    "startsAt",
    "started_at",
    "timestamp",
    "created_at",
    "createdAt",
    "time",
    "lastReceived",
)

_FIRING_WORDS = (
    *(
        "firing",
        "fire",
        "fired",
        "alerting",
        "alert",
        "alarm",
        "problem",
        "open",
        "opened",
        "active",
        "activated",
    ),
    *("triggered", "trigger", "critical", "down", "new", "failed", "failing", "started", "created", "raised"),
)
_CLEARED_WORDS = (
    *(
        "cleared",
        "clear",
        "resolved",
        "resolve",
        "ok",
        "closed",
        "close",
        "recovered",
        "recovery",
        "up",
        "normal",
    ),
    *("inactive", "deactivated", "reset", "ended", "fixed", "healthy"),
)


class Said(NamedTuple):
    """What a message says of its condition, and in which word."""

    status: Status
    word: str = ""
    known: bool = True


Client: TypeAlias = Callable[[Scope, Mapping[str, str]], str]  # the labels so far beside the scope


class MappedProfile(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The settings of one source, compiled."""

    source: str
    split: Path | None
    key: Callable[[Scope], list[str]]
    pairs: Mapping[str, str]  # event that ends a problem → event that began it
    alertname: Reader
    title: Reader
    description: Reader
    url: Reader
    host: Reader
    client: Client
    client_default: str
    severity: Reader
    severity_default: Severity
    status: Callable[[Scope], Said]
    starts_at: Callable[[Scope], datetime | None]
    ends_at: Callable[[Scope], datetime | None]
    labels: tuple[tuple[str, Reader], ...]
    ignores: tuple[Callable[[Scope], bool], ...]
    expires_after: timedelta | None
    redaction: Redaction


def compile_profile(settings: MappedSettings) -> MappedProfile:
    """Compile the settings of a source once."""
    status, severity = settings.status, settings.severity
    return MappedProfile(
        source=settings.name,
        split=compile_path(settings.split) if settings.split else None,
        key=_key(settings.key),
        pairs={end: begin for begin, end in status.pairs.items()} if status else {},
        alertname=_field(settings.alertname, _NAMES),
        title=_field(settings.title, _TITLES),
        description=_field(settings.description, _DESCRIPTIONS),
        url=_field(settings.url, _URLS),
        host=_field(settings.host, _HOSTS),
        client=_client(settings),
        client_default=(settings.client.default if settings.client else None) or "",
        severity=_field(severity, _SEVERITIES),
        severity_default=Severity((severity.default if severity else None) or "warning"),
        status=_status(status) if status else _usual_status,
        starts_at=_instant(settings.starts_at, _STARTS),
        ends_at=_instant(settings.ends_at, ()),
        labels=tuple((name, compile_field(field)) for name, field in settings.labels.items()),
        ignores=tuple(_ignore(rule) for rule in settings.ignore),
        expires_after=_expiry(settings),
        redaction=redaction(settings.redact),
    )


def read(body: Body, profile: MappedProfile, *, received_at: datetime) -> Reading:
    """Read a request as the source's settings say.

    Args:
        body: The request.
        profile: What `compile_profile` made.
        received_at: When it came in; tells alerts apart that have no key.

    Raises:
        Unreadable: Nothing in the body can be read.
    """
    alerts: list[Alert] = []
    problems: list[Problem] = []
    for index, scope in enumerate(_split(trees.tree_of(body), profile.split)):
        try:
            alerts.append(_read_one(scope, profile, body, (received_at, index)))
        except Unreadable as exc:
            problems.append(Problem(index, exc.reason, exc.detail))
    return Reading(tuple(alerts), tuple(problems))


def _split(tree: Tree, split: Path | None) -> list[Scope]:
    """Return the scope of each alert. A list at the top is a batch even if nobody says so."""
    found = split(Scope(tree)) if split else tree
    if isinstance(found, list):
        return [Scope(item, (tree,)) for item in found]
    if not isinstance(found, dict):
        raise Unreadable("shape", "there is neither an object nor a list at the path that `split` names")
    return [Scope(found, (tree,) if split else ())]


def _read_one(scope: Scope, profile: MappedProfile, body: Body, place: tuple[datetime, int]) -> Alert:
    if not isinstance(scope.item, dict) or not scope.item:
        raise Unreadable("shape", "the alert is not an object with fields")
    sent = {name: text for name, reader in profile.labels if (text := reader(scope))}
    said, key = profile.status(scope), _key_parts(scope, profile)
    fingerprint = identity.key_fingerprint(profile.source, key or _no_key(body, place))
    severity, unknown_severity = _severity(scope, profile)
    own = {
        "alertname": _alertname(scope, profile) or "/".join(filter(None, key))[:_LONGEST_NAME] or fingerprint,
        "severity": severity.value,
        "source": profile.source,
        "client": profile.client(scope, sent) or body.client or profile.client_default,
        "host": profile.host(scope),
    }
    ours = {
        "unknown_severity": unknown_severity,
        "unknown_status": "" if said.known else said.word,
        "unkeyed": "" if key else "true",
    }
    return Alert(
        source=profile.source,
        fingerprint=fingerprint,
        status=Status.IGNORED if any(test(scope) for test in profile.ignores) else said.status,
        severity=severity,
        labels=with_own(sent, own),
        annotations=_annotations(scope, profile, own["alertname"]) | {k: v for k, v in ours.items() if v},
        starts_at=profile.starts_at(scope),
        ends_at=profile.ends_at(scope) if said.status is Status.CLEARED else None,
        expires_after=profile.expires_after,
        sent_labels=sent,
    )


def _key_parts(scope: Scope, profile: MappedProfile) -> list[str]:
    """Return the key; with pairs, the event that began the problem stands for the one that ends it."""
    parts = profile.key(scope)
    if not profile.pairs or not any(parts):
        return parts if any(parts) else []
    return [profile.pairs.get(part, part) for part in (*parts, profile.status(scope).word)]


def _no_key(body: Body, place: tuple[datetime, int]) -> tuple[str, ...]:
    """Return a key that no other message has: better two tickets than strangers' alerts in one."""
    received_at, index = place
    return ("", hashlib.sha256(body.raw).hexdigest(), received_at.isoformat(), str(index))


def _alertname(scope: Scope, profile: MappedProfile) -> str:
    name = profile.alertname(scope)
    return profile.pairs.get(name, name)


def _severity(scope: Scope, profile: MappedProfile) -> tuple[Severity, str]:
    """Return the severity, and the word for it if nobody knows it."""
    word = profile.severity(scope)
    found = severity_of(word) if word else profile.severity_default
    return (found, "") if found else (profile.severity_default, word)


def _annotations(scope: Scope, profile: MappedProfile, alertname: str) -> dict[str, str]:
    title = profile.title(scope) or alertname
    description = profile.description(scope)
    texts = {
        "title": title,
        "description": "" if description == title else description,
        "url": profile.url(scope),
    }
    return {name: text for name, text in texts.items() if text}


def _field(settings: FieldSettings | None, usual: tuple[str, ...]) -> Reader:
    return compile_field(settings) if settings else first_of(*usual)


def _key(settings: list[FieldSettings] | None) -> Callable[[Scope], list[str]]:
    if settings is None:
        return _usual_key
    readers = [compile_field(each) for each in settings]
    return lambda scope: [reader(scope) for reader in readers]


_KEY_OF_SENDER, _RESOURCE, _EVENT = first_of(*_KEYS), first_of("resource"), first_of("event")
_ENVIRONMENT, _ID = first_of("environment"), first_of("id")


def _usual_key(scope: Scope) -> list[str]:
    if key := _KEY_OF_SENDER(scope):
        return [key]
    if (resource := _RESOURCE(scope)) and (event := _EVENT(scope)):
        return [_ENVIRONMENT(scope), resource, event]  # Alerta's identity
    return [_ID(scope)]


def _client(settings: MappedSettings) -> Client:
    rule, clients = settings.client, settings.clients
    if isinstance(rule, ClientSettings):
        return _client_by_label(compile_client(rule, clients), rule.label or rule.lookup or "", settings)
    # The default is left to the end, after `?client=`.
    reader = compile_field(rule.model_copy(update={"default": None})) if rule else first_of(*_CLIENTS)

    def find(scope: Scope, labels: Mapping[str, str]) -> str:
        value = reader(scope) or labels.get("client", "")
        return clients.get(value, value)

    return find


def _client_by_label(find: ClientRule, name: str, settings: MappedSettings) -> Client:
    path = compile_path(name) if name and name not in settings.labels else None

    def read_client(scope: Scope, labels: Mapping[str, str]) -> str:
        return find(lambda label: text_of(path(scope)) if path else labels.get(label, ""))

    return read_client


def _status(settings: StatusSettings) -> Callable[[Scope], Said]:
    if settings.const is not None:
        constant = Said(Status(settings.const))
        return lambda scope: constant
    reader = compile_field(FieldSettings(path=settings.path))
    meanings = dict.fromkeys(_FIRING_WORDS, Status.FIRING) | dict.fromkeys(_CLEARED_WORDS, Status.CLEARED)
    if not settings.uses_usual_words:
        meanings = _meanings(settings)

    def read_status(scope: Scope) -> Said:
        word = reader(scope)
        status = meanings.get(word.lower())
        return Said(status or Status.FIRING, word, known=status is not None or not word)

    return read_status


def _meanings(settings: StatusSettings) -> dict[str, Status]:
    words = {
        Status.FIRING: (*settings.firing, *settings.pairs),
        Status.CLEARED: (*settings.cleared, *settings.pairs.values()),
        Status.IGNORED: tuple(settings.ignored),
    }
    return {word.lower(): status for status, each in words.items() for word in each}


_STATE = first_of(*_STATES)


def _usual_status(scope: Scope) -> Said:
    """Guess. Nobody said that there is a state at all, so a word that is not known is no surprise."""
    word = _STATE(scope)
    return Said(Status.CLEARED if word.lower() in _CLEARED_WORDS else Status.FIRING, word)


def _instant(settings: InstantSettings | None, usual: tuple[str, ...]) -> Callable[[Scope], datetime | None]:
    paths = [compile_path(path) for path in (settings.path if settings else usual)]
    formats = tuple(settings.formats) if settings else ()
    zone = ZoneInfo(settings.timezone if settings else "UTC")

    def read_instant(scope: Scope) -> datetime | None:
        found = (instant(path(scope), formats, zone) for path in paths)
        return next((each for each in found if each is not None), None)

    return read_instant


def _ignore(rule: IgnoreSettings) -> Callable[[Scope], bool]:
    reader = compile_field(FieldSettings(path=rule.path))
    if rule.regex is not None:
        search = compile_pattern(rule.regex).search
        return lambda scope: search(reader(scope)) is not None
    values = frozenset(value.lower() for value in rule.values)
    return lambda scope: reader(scope).lower() in values


def _expiry(settings: MappedSettings) -> timedelta | None:
    if settings.expire_after is not None:
        return settings.expire_after or None
    return None if settings.status and settings.status.can_clear else DEFAULT_EXPIRY


SHEET = Sheet(
    product="Anything else",
    summary="Reads JSON, XML, forms and query strings of any shape by configured paths.",
    alertname="key `alertname`, else the usual names, else the problem key",
    title="key `title`, else the usual names, else `alertname`",
    host="key `host`, else the usual names",
    client="key `client`, else the usual names",
    problem="source and the values of `key`",
    clears="if `status` can say so",
    tokens=("header", "basic", "url"),
    steps=(
        "Have the sender post to this address: {{url}}",
        "Where it can set a header, use `Authorization: Bearer {{token}}`; else set `token_in_url = true`.",
        "Send a message, and see with `alertd sources try` how it is read.",
    ),
)

KIND = Kind(
    settings=MappedSettings,
    compile_profile=compile_profile,
    read=read,
    sheet=SHEET,
    takes_queries=True,
    signing=MappedSettings.signed,
)
