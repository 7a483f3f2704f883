"""Durations, sizes and references to secrets, as written in a configuration."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alertd.core.settings import (
    Duration,
    SecretRef,
    Section,
    Size,
    format_duration,
    parse_duration,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("4h", 14_400),
        ("7d", 604_800),
        ("2w", 1_209_600),
        ("1h30m", 5400),
        ("250ms", 0.25),
        ("1.5h", 5400),
        ("0", 0),
        ("0s", 0),
        (timedelta(seconds=3), 3),
    ],
)
def test_a_duration_is_read(text: Any, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "5 m", "m", "-5m", "5y", 5, None, "1h 30m"])
def test_what_is_no_duration_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="should be a duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["36501d", "99999999999999999999d", "9" * 400 + "s", "1h" + "9" * 20 + "w"])
def test_a_duration_that_no_calendar_holds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is too long"):
        parse_duration(text)
    assert parse_duration("36500d") == timedelta(days=36_500)


@given(st.integers(min_value=0, max_value=10**12))
def test_a_duration_is_printed_so_that_it_can_be_read(milliseconds: int) -> None:
    span = timedelta(milliseconds=milliseconds)

    assert parse_duration(format_duration(span)) == span


@pytest.mark.parametrize(
    ("text", "size"), [("256KiB", 262_144), ("1MiB", 1_048_576), ("7B", 7), ("9", 9), (12, 12)]
)
def test_a_size_is_read(text: Any, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "KiB", "1KB", "-1", -1, True, None, "1.5MiB"])
def test_what_is_no_size_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="should be a size"):
        parse_size(text)


@pytest.mark.parametrize("place", ["file", "env", "credential"])
def test_a_reference_names_its_place(place: str) -> None:
    assert str(SecretRef.model_validate({place: "x"})) == f'{{ {place} = "x" }}'


@pytest.mark.parametrize("places", [{}, {"file": "a", "env": "b"}])
def test_a_reference_has_one_place(places: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="exactly one"):
        SecretRef.model_validate(places)


class Sample(Section):
    wait: Duration = timedelta(minutes=1)
    most: Size = 1


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Sample.model_validate({"wait": "5s", "wiat": "5s"})


def test_a_section_prints_durations_as_written() -> None:
    assert Sample.model_validate({"wait": "90s", "most": "2KiB"}).model_dump() == {
        "wait": "1m30s",
        "most": 2048,
    }
