"""`[store]` of the configuration."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from alertd.core.settings import Duration, Section, Size

_SQLITE = "sqlite:///"


def _supported_url(url: str) -> str:
    if url.startswith(("postgresql:", "postgres:", "postgresql+")):
        raise ValueError("PostgreSQL comes with a later release; use sqlite:////path/of/alertd.db")
    path = url.removeprefix(_SQLITE)
    if path == url or not path or path.startswith(":"):
        raise ValueError("should be sqlite:////path/of/alertd.db (three slashes and an absolute path)")
    if "?" in path or path.endswith("/"):
        raise ValueError("should name a file, without options")
    return url


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("should be longer than 0")
    return value


class StoreSettings(Section):
    """Where journal and state are kept, and for how long."""

    url: Annotated[str, AfterValidator(_supported_url)] = "sqlite:////var/lib/alertd/alertd.db"
    keep_journal: Annotated[Duration, AfterValidator(_positive)] = timedelta(days=30)
    min_free: Size | None = None  # below it nothing new is accepted; None: 5 % of the disk, at least 512 MiB
    queue_writes: int = Field(default=10_000, ge=1)  # requests that may wait for the disk; beyond them: 503
    queue_bytes: Size = 64 * 1024**2  # … and their bodies together

    @property
    def path(self) -> Path:
        """The database file."""
        return Path(self.url.removeprefix(_SQLITE))
