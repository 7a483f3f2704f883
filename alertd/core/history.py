"""The history that `explain` tells, line by line."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One line: what happened to an alert or an incident, when, and because of which receipt."""

    at: datetime
    what: str  # from a closed set, see docs/explain.md
    incident_key: str = ""
    alert_key: str = ""
    receipt: str = ""
    detail: dict[str, str] = {}
