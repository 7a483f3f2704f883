"""Time zones in settings: where the clocks stand of senders that write times without one."""

from __future__ import annotations

from typing import Annotated, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone such as America/Toronto") from None
    return name


ZoneName: TypeAlias = Annotated[str, AfterValidator(_zone)]
