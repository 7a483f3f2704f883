"""Instants on the wire: UTC text of one fixed width, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime


def to_wire(epoch_s: float) -> str:
    """Return seconds since 1970 (UTC) as `2026-03-05T20:55:15.363Z`."""
    at = datetime.fromtimestamp(epoch_s, UTC)
    return f"{at.year:04d}-{at:%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def normalise(text: str) -> str:
    """Return any ISO 8601 text in the wire form; without a zone it counts as UTC.

    Raises:
        ValueError: `text` is no ISO 8601 instant or date.
    """
    at = datetime.fromisoformat(text.strip())
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return to_wire(at.timestamp())


def whole_day(text: str) -> str:
    """Return the date in any ISO 8601 text as midnight in the wire form, whatever zone the text names.

    Raises:
        ValueError: `text` is no ISO 8601 instant or date.
    """
    return f"{datetime.fromisoformat(text.strip()).date().isoformat()}T00:00:00.000Z"


def ticket_day(epoch_s: float) -> str:
    """Return the `YYYYMMDD` part of a ticket number."""
    return f"{datetime.fromtimestamp(epoch_s, UTC):%Y%m%d}"


def fewest_digits(text: str | None) -> str | None:
    """Return an instant of the wire form without the zeros at the end of its fraction."""
    if text is None:
        return None
    return text.removesuffix("Z").rstrip("0").rstrip(".") + "Z" if "." in text else text
