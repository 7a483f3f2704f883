"""`[store]` of the configuration."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from alertd.store.settings import StoreSettings


def test_defaults() -> None:
    settings = StoreSettings()

    assert settings.path == Path("/var/lib/alertd/alertd.db")
    assert (settings.keep_journal, settings.min_free) == (timedelta(days=30), None)


def test_values() -> None:
    settings = StoreSettings.model_validate(
        {"url": "sqlite:////srv/a b.db", "keep_journal": "7d", "min_free": "1GiB", "queue_bytes": "1MiB"}
    )

    assert (settings.path, settings.keep_journal) == (Path("/srv/a b.db"), timedelta(days=7))
    assert (settings.min_free, settings.queue_bytes) == (1024**3, 1024**2)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"url": "postgresql://alertd@db/alertd"}, "later release"),
        ({"url": "/var/lib/alertd.db"}, "sqlite:////"),
        ({"url": "sqlite://"}, "sqlite:////"),
        ({"url": "sqlite:///:memory:"}, "sqlite:////"),
        ({"url": "sqlite:////x.db?mode=ro"}, "without options"),
        ({"keep_journal": "0s"}, "longer than 0"),
        ({"keep_journal": 30}, "duration"),
        ({"queue_writes": 0}, "greater than"),
        ({"path": "x"}, "Extra inputs"),
    ],
)
def test_faults_are_named(values: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        StoreSettings.model_validate(values)
