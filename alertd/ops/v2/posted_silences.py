"""Silences as clients post them, refused where and as Alertmanager refuses them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from alertd.core.matchers import Matcher, MatcherError, Operator
from alertd.core.silences import Asked
from alertd.ops.v2.replies import TOO_FEW, Problem, refused, required

_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)  # what Alertmanager takes an empty text for
_OPERATORS: dict[tuple[bool, bool], Operator] = {  # by isEqual, isRegex
    (True, False): "=",
    (False, False): "!=",
    (True, True): "=~",
    (False, True): "!~",
}


class PostedMatcher(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`matcher` of the API, as it came."""

    name: str | None = None
    value: str | None = None
    is_regex: bool | None = None
    is_equal: bool | None = None  # clients older than 0.22 do not know it


class PostedSilence(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`postableSilence` of the API, as it came."""

    id: str | None = None
    matchers: list[PostedMatcher | None] | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    created_by: str | None = None
    comment: str | None = None
    annotations: dict[str, str | None] | None = None


_DECODE = msgspec.json.Decoder(PostedSilence | None).decode


def read_silence(raw: bytes) -> tuple[str, Asked]:
    """Return the id of the silence that is to be changed, empty for a new one, and how it should be.

    Raises:
        Problem: It cannot be read, or something is missing.
    """
    if not raw.strip():
        raise required("silence in body")
    try:
        # like Go's decoder: bytes that are not UTF-8 are replaced, not refused
        posted = _DECODE(raw.decode(errors="replace")) or PostedSilence()
    except (msgspec.MsgspecError, RecursionError) as exc:
        raise _unreadable(exc) from None
    for missing in _missing(posted):
        raise missing
    asked = Asked(
        matchers=tuple(_matcher(index, each) for index, each in enumerate(posted.matchers or ())),
        starts_at=_instant(posted.starts_at),
        ends_at=_instant(posted.ends_at),
        created_by=_clean(posted.created_by),
        comment=_clean(posted.comment),
        annotations={_clean(name): _clean(text) for name, text in (posted.annotations or {}).items()},
    )
    return posted.id or "", asked


def _missing(posted: PostedSilence) -> Iterator[Problem]:
    """Yield what is required and not there, in the order in which Alertmanager looks."""
    if posted.comment is None:
        yield required("comment in body")
    if posted.created_by is None:
        yield required("createdBy in body")
    if posted.ends_at is None:
        yield required("endsAt in body")
    if posted.matchers is None:
        yield required("matchers in body")
    elif not posted.matchers:
        yield refused(422, "matchers in body should have at least 1 items", code=TOO_FEW)
    for index, each in enumerate(posted.matchers or ()):
        yield from _missing_of_matcher(f"matchers.{index}", each)
    if posted.starts_at is None:
        yield required("startsAt in body")


def _missing_of_matcher(place: str, matcher: PostedMatcher | None) -> Iterator[Problem]:
    if matcher is None:
        yield required(f"{place} in body")
        return
    members = {"isRegex": matcher.is_regex, "name": matcher.name, "value": matcher.value}
    yield from (required(f"{place}.{name} in body") for name, value in members.items() if value is None)


def _matcher(index: int, posted: PostedMatcher | None) -> Matcher:
    if posted is None:
        raise required(f"matchers.{index} in body")
    operator = _OPERATORS[posted.is_equal is not False, bool(posted.is_regex)]
    try:
        return Matcher(_clean(posted.name), operator, _clean(posted.value))
    except MatcherError as exc:
        raise Problem(400, f"silence invalid: invalid label matcher {index}: {exc}") from None


def _instant(text: str | None) -> datetime:
    if not text:
        return _NO_TIME
    try:
        instant = msgspec.convert(text, datetime)
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (msgspec.MsgspecError, ValueError, OverflowError) as exc:
        raise _unreadable(exc) from None


def _unreadable(exc: Exception) -> Problem:
    return refused(400, f'parsing silence body from "" failed, because {exc}')


def _clean(text: str | None) -> str:
    """Return text that every store takes: no NUL, and no half of a surrogate pair."""
    return (text or "").replace("\0", "\ufffd").encode("utf-8", "replace").decode()
