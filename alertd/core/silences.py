"""Silences: one-off suppression of new tickets, with Alertmanager's rules for making and changing them.

A silence is never deleted: it expires, and is kept for a while as a record of who suppressed what.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from alertd.core.matchers import Labels, Matcher, Matchers, Predicate, predicate

QuietKind: TypeAlias = Literal["silence", "window", "interval", "inhibited"]

LONGEST_SAID = 200
MOST_REMEMBERED = 2048  # answers of one pattern


class SilenceRefused(ValueError):
    """The silence asked for is not possible. The text is what Alertmanager answers."""


class SilenceState(enum.StrEnum):
    """Where the clock stands between a silence's start and end."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


class Silence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is suppressed from `starts_at` until `ends_at`, who said so, and why."""

    id: str
    matchers: Matchers
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    updated_at: datetime
    annotations: dict[str, str] = {}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks of a silence, new or to be changed."""

    matchers: Matchers
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    annotations: dict[str, str] = {}


class Proposed(msgspec.Struct, frozen=True):
    """What is to be stored: the silence to answer with, and the one that it takes the place of."""

    silence: Silence
    replaced: Silence | None = None

    @property
    def silences(self) -> tuple[Silence, ...]:
        """All that is to be stored, together."""
        return (self.silence,) if self.replaced is None else (self.replaced, self.silence)


class Quiet(msgspec.Struct, frozen=True, omit_defaults=True):
    """What keeps a condition from getting a new ticket, and until when as far as is known."""

    by: tuple[str, ...]  # ids of silences; names of windows and intervals; keys of inhibiting alerts
    until: datetime | None  # None: until something else changes
    said: str = ""  # who silences it, and why: of the one that lasts longest
    kind: QuietKind = "silence"

    def lasts(self, now: datetime) -> bool:
        """Whether it is not over yet, as far as is known."""
        return self.until is None or self.until > now


def shown_id(id_: str) -> str:
    """Return what people know it by of one of `Quiet.by`: of an alert, its fingerprint."""
    return id_.partition("\x1f")[0]


def state_of(silence: Silence, now: datetime) -> SilenceState:
    """Return how the silence stands at `now`. It is over at its end, not after it."""
    if now >= silence.ends_at:
        return SilenceState.EXPIRED
    return SilenceState.PENDING if now < silence.starts_at else SilenceState.ACTIVE


def propose(existing: Silence | None, asked: Asked, *, now: datetime, new_id: str) -> Proposed:
    """Return what to store for a silence that is asked for.

    An existing one keeps its id where its matchers stay, and its start too once it has begun. Otherwise it
    expires, and a new one takes its place. A start in the past is moved to now.

    Args:
        existing: The silence to change; None: a new one.
        asked: As it should be.
        now: The present instant.
        new_id: Id of a silence that has to be new.

    Raises:
        SilenceRefused: It cannot be.
    """
    _check(asked, now)
    if existing is not None and _may_keep_id(existing, asked, now):
        return Proposed(_made(existing.id, asked, asked.starts_at, now))
    silence = _made(new_id, asked, max(asked.starts_at, now), now)
    if existing is None or state_of(existing, now) is SilenceState.EXPIRED:
        return Proposed(silence)
    return Proposed(silence, replaced=expired(existing, now))


def expired(silence: Silence, now: datetime) -> Silence:
    """Return the silence as it is once somebody has ended it. One that is over stays as it is."""
    match state_of(silence, now):
        case SilenceState.EXPIRED:
            return silence
        case SilenceState.PENDING:
            return replace(silence, starts_at=now, ends_at=now, updated_at=now)
        case _:
            return replace(silence, ends_at=now, updated_at=now)


class ActiveSilences:
    """Which silences match given labels. Made anew when one changes.

    Most silences name some label's exact value. They are found by it, so that an alert is compared only
    with those that may match: 200 silences cost little more than one. Patterns remember their answers.

    Args:
        silences: All that are kept; those that are over do no harm.
    """

    def __init__(self, silences: Iterable[Silence]) -> None:
        self._by_label: dict[tuple[str, str], list[tuple[Silence, Predicate]]] = {}
        self._others: list[tuple[Silence, Predicate]] = []
        self._starts: list[datetime] = []
        for silence in silences:
            self._add(silence)

    def _add(self, silence: Silence) -> None:
        entry = (silence, all_of(silence.matchers))
        exact = next(((m.name, m.value) for m in silence.matchers if m.operator == "=" and m.value), None)
        found = self._others if exact is None else self._by_label.setdefault(exact, [])
        found.append(entry)
        self._starts.append(silence.starts_at)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._starts)

    def matching(self, labels: Labels, now: datetime) -> list[Silence]:
        """Return the active silences that match, by id."""
        found = []
        for silence, matches in self._candidates(labels):
            if silence.starts_at <= now < silence.ends_at and matches(labels):
                found.append(silence)
        return sorted(found, key=lambda silence: silence.id)

    def quiet(self, labels: Labels, now: datetime) -> Quiet | None:
        """Return what silences these labels now, and until when; None: nothing does."""
        found = self.matching(labels, now)
        if not found:
            return None
        longest = max(found, key=lambda silence: silence.ends_at)
        return Quiet(tuple(silence.id for silence in found), longest.ends_at, _said(longest))

    def next_start_at(self, after: datetime) -> datetime | None:
        """Return when the next silence begins."""
        return min((at for at in self._starts if at > after), default=None)

    def _candidates(self, labels: Labels) -> Iterable[tuple[Silence, Predicate]]:
        yield from self._others
        if self._by_label:
            for label in labels.items():
                yield from self._by_label.get(label, ())


NO_SILENCES = ActiveSilences(())


# --- parts --------------------------------------------------------------------------------------------


def all_of(matchers: Matchers) -> Predicate:
    """Return one test for all of them, in which patterns remember their answers."""
    exact = predicate(each for each in matchers if not each.is_regex)
    patterns = [_remembering(each) for each in matchers if each.is_regex]
    return lambda labels: exact(labels) and all(matches(labels) for matches in patterns)


def _remembering(matcher: Matcher) -> Predicate:
    """Ask a pattern once a value: labels repeat, and RE2 takes twenty times as long as looking up."""
    answers: dict[str, bool] = {}

    def matches(labels: Labels) -> bool:
        value = labels.get(matcher.name, "")
        known = answers.get(value)
        if known is None:
            if len(answers) >= MOST_REMEMBERED:
                answers.clear()
            known = answers[value] = matcher.matches(labels)
        return known

    return matches


def _said(silence: Silence) -> str:
    """Who, and why, in one line that fits into a ticket."""
    said = ": ".join(part for part in (silence.created_by, silence.comment) if part)
    return " ".join(said.split())[:LONGEST_SAID]


def _check(asked: Asked, now: datetime) -> None:
    """Refuse what Alertmanager refuses, in its order and words."""
    if asked.starts_at >= asked.ends_at:
        raise SilenceRefused("Failed to create silence: start time must be before end time")
    if asked.ends_at < now:
        raise SilenceRefused("Failed to create silence: end time can't be in the past")
    if not asked.matchers:
        raise SilenceRefused("silence invalid: at least one matcher required")
    if all(each.is_equal and each.matches({}) for each in asked.matchers):
        raise SilenceRefused("silence invalid: at least one matcher must not match the empty string")


def _may_keep_id(existing: Silence, asked: Asked, now: datetime) -> bool:
    if existing.matchers != asked.matchers:
        return False
    match state_of(existing, now):
        case SilenceState.ACTIVE:
            return int(existing.starts_at.timestamp()) == int(asked.starts_at.timestamp())
        case SilenceState.PENDING:
            return asked.starts_at >= now
        case _:
            return False


def _made(id_: str, asked: Asked, starts_at: datetime, now: datetime) -> Silence:
    return Silence(
        id=id_,
        matchers=asked.matchers,
        starts_at=starts_at,
        ends_at=asked.ends_at,
        created_by=asked.created_by,
        comment=asked.comment,
        updated_at=now,
        annotations=asked.annotations,
    )
