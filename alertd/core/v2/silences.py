"""Silences as `GET /api/v2/silences` and `/api/v2/silence/{id}` show them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from alertd.core.matchers import Matcher, Matchers
from alertd.core.silences import Silence, SilenceState, state_of
from alertd.core.v2.stamps import stamp

_ORDER = {SilenceState.ACTIVE: 0, SilenceState.PENDING: 1, SilenceState.EXPIRED: 2}


class ShownMatcher(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`matcher` of the API."""

    is_equal: bool
    is_regex: bool
    name: str
    value: str


class SilenceStatus(msgspec.Struct, frozen=True):
    """`silenceStatus` of the API."""

    state: str


class ShownSilence(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`gettableSilence` of the API."""

    id: str
    status: SilenceStatus
    updated_at: str
    annotations: dict[str, str]
    comment: str
    created_by: str
    ends_at: str
    matchers: tuple[ShownMatcher, ...]
    starts_at: str


def show_silence(silence: Silence, now: datetime) -> ShownSilence:
    """Return one silence as it stands now."""
    return ShownSilence(
        id=silence.id,
        status=SilenceStatus(state_of(silence, now).value),
        updated_at=stamp(silence.updated_at),
        annotations=silence.annotations,
        comment=silence.comment,
        created_by=silence.created_by,
        ends_at=stamp(silence.ends_at),
        matchers=tuple(map(_shown_matcher, silence.matchers)),
        starts_at=stamp(silence.starts_at),
    )


def show_silences(
    silences: Iterable[Silence], now: datetime, *, having: Matchers, states: frozenset[SilenceState]
) -> list[ShownSilence]:
    """Return the silences in these states that have all matchers of `having` among theirs.

    Active ones come first, the first to end before others; then pending ones, the first to start before
    others; then expired ones, the last that ended before others.
    """
    wanted = set(having)
    found = [
        silence
        for silence in silences
        if state_of(silence, now) in states and wanted <= set(silence.matchers)
    ]
    return [show_silence(each, now) for each in sorted(found, key=lambda each: _place(each, now))]


def _place(silence: Silence, now: datetime) -> tuple[int, float, str]:
    state = state_of(silence, now)
    match state:
        case SilenceState.ACTIVE:
            at = silence.ends_at.timestamp()
        case SilenceState.PENDING:
            at = silence.starts_at.timestamp()
        case _:
            at = -silence.ends_at.timestamp()
    return _ORDER[state], at, silence.id


def _shown_matcher(matcher: Matcher) -> ShownMatcher:
    return ShownMatcher(
        is_equal=matcher.is_equal, is_regex=matcher.is_regex, name=matcher.name, value=matcher.value
    )
