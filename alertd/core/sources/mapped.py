"""The mapped source: JSON, XML, forms and query strings of any shape, read by configured paths."""

from __future__ import annotations

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
from alertd.core.reading.events import Arrival, Event, no_key
from alertd.core.reading.fields import FieldSettings, Reader, compile_field, first_of, text_of
from alertd.core.reading.instants import instant, strptime_pattern
from alertd.core.reading.paths import Path, Scope, compile_path
from alertd.core.reading.redaction import Redaction, redaction
from alertd.core.reading.settings import ClientRule, ClientSettings, compile_client, compile_number
from alertd.core.reading.trees import Tree
from alertd.core.severities import severity_of
from alertd.core.sources import mapped_names as usual
from alertd.core.sources.kind import Kind
from alertd.core.sources.mapped_settings import (
    INSTANT_FORMATS,
    IgnoreSettings,
    InstantSettings,
    MappedSettings,
    StatusSettings,
)
from alertd.core.sources.mapped_sheet import SHEET

DEFAULT_EXPIRY = timedelta(hours=24)  # of sources that cannot say that it is over
_LONGEST_NAME = 200  # characters of a problem key that stands in for a name


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
    pairs: Mapping[str, str]  # both events of a pair, in lower case → the one that began it
    alertname: Reader
    title: Reader
    description: Reader
    url: Reader
    host: Reader
    client: Client
    client_number: Client
    clients: Mapping[str, str]
    client_default: str
    severity: Reader
    severity_default: Severity
    status: Callable[[Scope], Said]
    starts_at: Callable[[Scope], datetime | None]
    ends_at: Callable[[Scope], datetime | None]
    labels: tuple[tuple[str, Reader], ...]
    ignores: tuple[tuple[str, Callable[[Scope], bool]], ...]  # what each looks at, for people
    expires_after: timedelta | None
    redaction: Redaction


def compile_profile(settings: MappedSettings) -> MappedProfile:
    """Compile the settings of a source once."""
    status, severity = settings.status, settings.severity
    return MappedProfile(
        source=settings.name,
        split=compile_path(settings.split) if settings.split else None,
        key=_key(settings.key),
        pairs=_beginnings(status.pairs) if status else {},
        alertname=_field(settings.alertname, usual.NAMES),
        title=_field(settings.title, usual.TITLES),
        description=_field(settings.description, usual.DESCRIPTIONS),
        url=_field(settings.url, usual.URLS),
        host=_field(settings.host, usual.HOSTS),
        client=_client(settings),
        client_number=_client_number(settings),
        clients=settings.clients,
        client_default=(settings.client.default if settings.client else None) or "",
        severity=_field(severity, usual.SEVERITIES),
        severity_default=Severity((severity.default if severity else None) or "warning"),
        status=_status(status) if status else _usual_status,
        starts_at=_instant(settings.starts_at, usual.STARTS),
        ends_at=_instant(settings.ends_at, ()),
        labels=tuple((name, compile_field(field)) for name, field in settings.labels.items()),
        ignores=tuple((_ignore_name(rule), _ignore(rule)) for rule in settings.ignore),
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
            alerts.append(_read_one(scope, profile, Arrival(body, received_at, index)))
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


def _read_one(scope: Scope, profile: MappedProfile, arrival: Arrival) -> Alert:
    if not isinstance(scope.item, dict) or not scope.item:
        raise Unreadable("shape", "the alert is not an object with fields")
    sent = _sent(scope, profile)
    said, key = profile.status(scope), _key_parts(scope, profile)
    ignored = _ignored(scope, profile, said)
    fingerprint = identity.key_fingerprint(profile.source, key or no_key(arrival))
    severity, unknown_severity = _severity(scope, profile, said)
    own = {
        "alertname": _alertname(scope, profile) or "/".join(filter(None, key))[:_LONGEST_NAME] or fingerprint,
        "severity": severity.value,
        "source": profile.source,
        "client": _client_of(scope, sent, profile, arrival.body),
        "client_id": sent.get("client_id") or profile.client_number(scope, sent),
        "host": profile.host(scope),
    }
    ours = {
        "unknown_severity": unknown_severity,
        "unknown_status": "" if said.known else said.word,
        "unkeyed": "" if key else "true",
        "ignored": ignored,
        "update": said.word if said.status is Status.UPDATED else "",
    }
    return Alert(
        source=profile.source,
        fingerprint=fingerprint,
        status=Status.IGNORED if ignored else said.status,
        severity=severity,
        labels=with_own(sent, own),
        annotations=_annotations(scope, profile, own["alertname"]) | {k: v for k, v in ours.items() if v},
        starts_at=profile.starts_at(scope),
        ends_at=profile.ends_at(scope) if said.status is Status.CLEARED else None,
        expires_after=profile.expires_after,
        sent_labels=sent,
    )


def events(body: Body, profile: MappedProfile, *, received_at: datetime) -> dict[int, Event]:
    """Return what each item of a request says, before severities and customers are given their names.

    Raises:
        Unreadable: Nothing in the body can be read.
    """
    scopes = enumerate(_split(trees.tree_of(body), profile.split))
    return {
        index: Event(
            key=tuple(_key_parts(scope, profile)),
            status=profile.status(scope).status,
            severity=profile.severity(scope),
            client=profile.client(scope, _sent(scope, profile)),
        )
        for index, scope in scopes
        if isinstance(scope.item, dict)
    }


def _sent(scope: Scope, profile: MappedProfile) -> dict[str, str]:
    return {name: text for name, reader in profile.labels if (text := reader(scope))}


def _ignored(scope: Scope, profile: MappedProfile, said: Said) -> str:
    """Return why the message never makes a ticket; empty: it may."""
    if said.status is Status.IGNORED:
        return f'status "{said.word}"' if said.word else "status"
    return next((name for name, test in profile.ignores if test(scope)), "")


def _client_of(scope: Scope, sent: Mapping[str, str], profile: MappedProfile, body: Body) -> str:
    """Return the customer: by the sender's number where the source's table has it, else by name."""
    number = sent.get("client_id", "")
    named = profile.clients.get(number) if number else None
    return named or profile.client(scope, sent) or body.client or profile.client_default or number


def _key_parts(scope: Scope, profile: MappedProfile) -> list[str]:
    """Return the key; with pairs, the event that began the problem stands for the one that ends it."""
    parts = profile.key(scope)
    if not profile.pairs or not any(parts):
        return parts if any(parts) else []
    return [profile.pairs.get(part.lower(), part) for part in (*parts, profile.status(scope).word)]


def _beginnings(pairs: Mapping[str, str]) -> dict[str, str]:
    """Return of each event, in lower case as states are compared, the one that begins its problem."""
    return {event.lower(): begin for begin, end in pairs.items() for event in (begin, end)}


def _alertname(scope: Scope, profile: MappedProfile) -> str:
    name = profile.alertname(scope)
    return profile.pairs.get(name.lower(), name)


def _severity(scope: Scope, profile: MappedProfile, said: Said) -> tuple[Severity, str]:
    """Return the severity, and the word for it if nobody knows it."""
    word = profile.severity(scope)
    if said.status is Status.CLEARED and word.lower() in usual.NORMAL:
        word = ""
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


_KEY_OF_SENDER, _RESOURCE, _EVENT = first_of(*usual.KEYS), first_of("resource"), first_of("event")
_ENVIRONMENT, _CUSTOMER, _ID = first_of("environment"), first_of("customer"), first_of("id")


def _usual_key(scope: Scope) -> list[str]:
    if key := _KEY_OF_SENDER(scope):
        return [key]
    if (resource := _RESOURCE(scope)) and (event := _EVENT(scope)):
        of_whom = [customer] if (customer := _CUSTOMER(scope)) else []
        return [_ENVIRONMENT(scope), resource, event, *of_whom]  # Alerta's identity
    return [_ID(scope)]


def _client(settings: MappedSettings) -> Client:
    rule, clients = settings.client, settings.clients
    if isinstance(rule, ClientSettings):
        return _client_by_label(compile_client(rule, clients), rule, settings)
    # The default is left to the end, after `?client=`.
    reader = compile_field(rule.model_copy(update={"default": None})) if rule else first_of(*usual.CLIENTS)

    def find(scope: Scope, labels: Mapping[str, str]) -> str:
        value = reader(scope) or labels.get("client", "")
        return clients.get(value, value)

    return find


def _client_number(settings: MappedSettings) -> Client:
    rule = settings.client if isinstance(settings.client, ClientSettings) else ClientSettings(default="-")
    return _client_by_label(compile_number(rule), rule, settings)


def _client_by_label(find: ClientRule, rule: ClientSettings, settings: MappedSettings) -> Client:
    """Return the rule for a label of the source's, or else a path."""
    named = (name for name in (rule.label, rule.lookup) if name and name not in settings.labels)
    paths = {name: compile_path(name) for name in named}

    def read_client(scope: Scope, labels: Mapping[str, str]) -> str:
        return find(lambda name: text_of(paths[name](scope)) if name in paths else labels.get(name, ""))

    return read_client


_USUAL = {
    **dict.fromkeys(usual.FIRING_WORDS, Status.FIRING),
    **dict.fromkeys(usual.CLEARED_WORDS, Status.CLEARED),
    **dict.fromkeys(usual.UPDATED_WORDS, Status.UPDATED),
}


def _status(settings: StatusSettings) -> Callable[[Scope], Said]:
    if settings.const is not None:
        constant = Said(Status(settings.const))
        return lambda scope: constant
    reader = compile_field(FieldSettings(path=settings.path, regex=settings.regex))
    meanings = _USUAL if settings.uses_usual_words else _meanings(settings)

    def read_status(scope: Scope) -> Said:
        word = reader(scope)
        status = meanings.get(word.lower())
        return Said(status or Status.FIRING, word, known=status is not None or not word)

    return read_status


def _meanings(settings: StatusSettings) -> dict[str, Status]:
    words = {
        Status.FIRING: (*settings.firing, *settings.pairs),
        Status.CLEARED: (*settings.cleared, *settings.pairs.values()),
        Status.UPDATED: tuple(settings.updated),
        Status.IGNORED: tuple(settings.ignored),
    }
    return {word.lower(): status for status, each in words.items() for word in each}


_STATE, _SEVERITY = first_of(*usual.STATES), first_of(*usual.SEVERITIES)


def _usual_status(scope: Scope) -> Said:
    """Guess. Nobody said that there is a state at all, so a word that is not known is no surprise."""
    word = _STATE(scope)
    if not word and (severity := _SEVERITY(scope)).lower() in usual.NORMAL:
        return Said(Status.CLEARED, severity)
    return Said(_USUAL.get(word.lower(), Status.FIRING), word)


def _instant(settings: InstantSettings | None, usual: tuple[str, ...]) -> Callable[[Scope], datetime | None]:
    if settings is not None and settings.template is not None:
        paths: list[Path] = [compile_field(FieldSettings(template=settings.template))]
    else:
        paths = [compile_path(path) for path in (settings.path or () if settings else usual)]
    formats = tuple(map(_pattern, settings.formats)) if settings else ()
    zone = ZoneInfo(settings.timezone if settings else "UTC")

    def read_instant(scope: Scope) -> datetime | None:
        found = (instant(path(scope), formats, zone) for path in paths)
        return next((each for each in found if each is not None), None)

    return read_instant


def _pattern(text: str) -> str:
    return text if text in INSTANT_FORMATS else strptime_pattern(text)


def _ignore_name(rule: IgnoreSettings) -> str:
    what = f'matches "{rule.regex}"' if rule.regex is not None else f"is one of {', '.join(rule.values)}"
    return f"ignore: {' or '.join(rule.path)} {what}"


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


KIND = Kind(
    settings=MappedSettings,
    compile_profile=compile_profile,
    read=read,
    sheet=SHEET,
    takes_queries=True,
    signing=MappedSettings.signed,
    events=events,
)
