"""Secrets show themselves to nobody who does not ask for them by name."""

from __future__ import annotations

import hashlib
import json

import msgspec
import pytest

from alertd.core.secret import Secret

VALUE = "s3cret-value"


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(str(Secret(VALUE)), id="str"),
        pytest.param(repr(Secret(VALUE)), id="repr"),
        pytest.param(f"{Secret(VALUE)}", id="format"),
        pytest.param("%s" % Secret(VALUE), id="percent"),  # noqa: UP031 - the old way must not show it either
        pytest.param(repr({"token": Secret(VALUE)}), id="inside a dict"),
    ],
)
def test_it_prints_as_stars(shown: str) -> None:
    assert VALUE not in shown
    assert "***" in shown


def test_it_cannot_be_written_as_json() -> None:
    with pytest.raises(TypeError):
        json.dumps(Secret(VALUE))
    with pytest.raises(TypeError):
        msgspec.json.encode(Secret(VALUE))


def test_it_is_opened_by_name() -> None:
    assert Secret(VALUE).reveal() == VALUE
    assert Secret(VALUE).digest() == hashlib.sha256(VALUE.encode()).digest()


@pytest.mark.parametrize(
    ("candidate", "fits"),
    [
        (VALUE.encode(), True),
        (b"other", False),
        (b"", False),
        ("ünïcode".encode(), False),
        (b"\xff\x00", False),
    ],
)
def test_it_is_compared_as_bytes(candidate: bytes, fits: bool) -> None:
    assert Secret(VALUE).matches(candidate) is fits


def test_equal_values_are_equal_secrets() -> None:
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret("other")
    assert Secret(VALUE) != VALUE
    assert len({Secret(VALUE), Secret(VALUE)}) == 1
