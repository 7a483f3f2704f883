"""Times as senders write them, read into aware UTC instants."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"epoch_s": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000}
_NUMBER = re.compile(r"-?\d{1,20}(?:\.\d{1,20})?")
# A number of this size or more is in the next smaller unit; below the first it is no time at all (1973).
_SIZES = ((1e8, 0), (1e11, 1), (1e14, 1_000), (1e17, 1_000_000), (1e20, 1_000_000_000))


# Letters of Unicode's patterns, as Java, .NET and most senders' manuals write them; nine of one: any number.
_LETTERS = re.compile(r"'[^']*'|([A-Za-z])\1*")
_LETTERS_MEAN = (
    "yyyy %Y yy %y MMMM %B MMM %b MM %m M %m dd %d d %d EEEE %A EEE %a HH %H H %H hh %I h %I mm %M m %M "
    "ss %S s %S a %p tt %p T T K %z SSSSSSSSS %f fffffffff %f XXXXXXXXX %z ZZZZZZZZZ %z zzzzzzzzz %z"
)
_DIRECTIVES = dict(zip(_LETTERS_MEAN.split()[::2], _LETTERS_MEAN.split()[1::2], strict=True))


def strptime_pattern(text: str) -> str:
    """Return a pattern such as `yyyy.MM.dd HH:mm:ss` in the words of `strptime`, one in these as it is.

    Raises:
        ValueError: A letter in it means nothing.
    """
    if "%" in text:
        return text
    return _LETTERS.sub(_directive, text)


def _directive(found: re.Match[str]) -> str:
    letters = found[0]
    if letters.startswith("'"):
        return letters[1:-1]
    directive = _DIRECTIVES.get(letters) or _DIRECTIVES.get(letters[0] * 9)
    if directive is None:
        raise ValueError(f"{letters!r} is no part of a time")
    return directive


def instant(value: Any, formats: Sequence[str] = (), zone: tzinfo = UTC) -> datetime | None:
    """Return the instant that `value` stands for, or None if it is none or means "not yet" (year 1).

    Args:
        value: Text or number.
        formats: `rfc3339`, `epoch_s`, `epoch_ms`, `epoch_us` or patterns of `strptime`, tried in order.
            Without any: numbers by their size, text as RFC 3339 or ISO 8601.
        zone: Where clocks that name no zone stand.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    text = repr(value) if isinstance(value, float) else str(value).strip()
    for each in formats or ("guessed",):
        found = _read(text, each, zone)
        if found is not None:
            return found
    return None


def utc(value: datetime | None, zone: tzinfo = UTC) -> datetime | None:
    """Return `value` in UTC, or None where it means "not yet" or lies outside the calendar."""
    if value is None or value.year <= 1:
        return None
    if value.tzinfo is UTC:
        return value
    try:
        return (value.replace(tzinfo=zone) if value.tzinfo is None else value).astimezone(UTC)
    except OverflowError:
        return None


def _read(text: str, form: str, zone: tzinfo) -> datetime | None:
    if form in _UNITS:
        return _since_epoch(float(text), _UNITS[form]) if _NUMBER.fullmatch(text) else None
    if form == "guessed" and _NUMBER.fullmatch(text):
        return _by_size(float(text))
    try:
        if form in ("guessed", "rfc3339"):
            return utc(datetime.fromisoformat(text), zone)
        return utc(datetime.strptime(text, form), zone)  # noqa: DTZ007 - utc() supplies the zone
    except ValueError:
        return None


def _by_size(number: float) -> datetime | None:
    per_second = next((unit for limit, unit in _SIZES if abs(number) < limit), 0)
    return _since_epoch(number, per_second) if per_second else None


def _since_epoch(number: float, per_second: int) -> datetime | None:
    try:
        return utc(_EPOCH + timedelta(microseconds=round(number * 1_000_000 / per_second)))
    except OverflowError:
        return None
