"""Instants as Alertmanager's API writes them."""

from __future__ import annotations

from datetime import datetime


def stamp(instant: datetime) -> str:
    """Return an aware UTC instant in RFC 3339: milliseconds, and Z."""
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
