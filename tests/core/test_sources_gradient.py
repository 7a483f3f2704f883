"""What of a text is its problem, and what of a message says nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from alertd.core.reading.bodies import Body, Problem
from alertd.core.sources import kinds
from alertd.core.sources.gradient import without_values

NOW = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Disk 93% full", "Disk #% full"),
        ("Disk  93.5 %  full", "Disk # % full"),
        ("1,532 GB of 2TB used", "# GB of #TB used"),
        ("since 2026-11-23T07:15:00.123Z", "since #"),
        ("at 11/23/2026 7:15:00 PM", "at # #"),
        ("on 23.11.2026 at 07:15 UTC", "on # at #"),
        ("not seen for 5 days", "not seen for # days"),
        ("3 failed jobs, 12 errors", "3 failed jobs, # errors"),
    ],
)
def test_times_and_amounts_are_left_out(text: str, left: str) -> None:
    assert without_values(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "SRV-02 is offline",
        "Port 443 is closed",
        "10.1.23.5 does not answer",
        "Device 3f0d6f0e-3b0e-4f6e-9c5a-6f2f3f5e9f10 is gone",
        "Serial 5CG1234567",
        "Windows 11 24H2",
        "srv2.example.com",
    ],
)
def test_names_stay(text: str) -> None:
    assert without_values(text) == text


def _read(raw: bytes) -> tuple[Problem, ...]:
    table = {"name": "g", "kind": "gradient", "token": {"env": "T"}}
    compiled = kinds.compile_profile(kinds.KINDS["gradient"].settings.model_validate(table))
    return kinds.read(Body(raw=raw), compiled, received_at=NOW).problems


@pytest.mark.parametrize("raw", [b'{"priority": 1}', b'{"title": "", "alertId": null}'])
def test_a_message_that_says_nothing_is_set_aside(raw: bytes) -> None:
    [problem] = _read(raw)
    assert problem.reason == "shape"


@pytest.mark.parametrize("raw", [b'{"description": "Down"}', b'{"alertId": 7}'])
def test_a_message_that_says_little_is_taken(raw: bytes) -> None:
    assert _read(raw) == ()
