"""What every configuration section is made of: strict sections, durations, sizes, references to secrets."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, model_validator

_UNIT_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_LONGEST_S = 36_500 * 86400  # a date so far from today is one still
_SIZE = re.compile(r"(\d+)(B|KiB|MiB|GiB)?")
_SIZE_UNIT = {None: 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


def parse_duration(value: Any) -> timedelta:
    """Read a duration such as `"90s"`, `"15m"`, `"1h30m"`, `"7d"`; `"0"` is allowed too.

    Raises:
        ValueError: The text is not a duration, or one of more than a hundred years.
    """
    if isinstance(value, timedelta):
        return value
    if value == "0":
        return timedelta()
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise ValueError('should be a duration in quotes such as "90s", "15m", "4h" or "7d"')
    seconds = sum(float(number) * _UNIT_S[unit] for number, unit in _DURATION_PART.findall(value))
    if seconds > _LONGEST_S:
        raise ValueError("is too long; give 36500d at most")
    return timedelta(seconds=seconds)


def format_duration(value: timedelta) -> str:
    """Return the shortest text that `parse_duration` reads back as `value` (whole milliseconds)."""
    left = round(value.total_seconds() * 1000)
    if left == 0:
        return "0s"
    text = ""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        text += f"{count}{unit}" if count else ""
    return text


def parse_size(value: Any) -> int:
    """Read a size in bytes such as `"256KiB"` or a bare whole number.

    Raises:
        ValueError: The text is not a size.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('should be a size such as "256KiB" or "1MiB"')
    return int(match[1]) * _SIZE_UNIT[match[2]]


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration)]
Size = Annotated[int, BeforeValidator(parse_size)]


class Section(BaseModel):
    """A table of the configuration file: unknown keys are errors, values keep their types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)


class SecretRef(Section):
    """Where a secret is kept: exactly one of a file, an environment variable, a systemd credential."""

    file: str | None = None
    env: str | None = None
    credential: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if sum(place is not None for place in (self.file, self.env, self.credential)) != 1:
            raise ValueError('name exactly one of { file = "…" }, { env = "…" }, { credential = "…" }')
        return self

    def __str__(self) -> str:
        """Name the place, never the value."""
        name, value = next((n, v) for n, v in self.model_dump().items() if v is not None)
        return f'{{ {name} = "{value}" }}'
