"""Fields that may be of any type."""

from __future__ import annotations

from typing import Any

import pytest

from alertd.core.reading.objects import lines_of


@pytest.mark.parametrize(
    ("item", "lines"),
    [
        ({"a": 1, "b": {"c": [2]}, "d": None, "secret": "x"}, 'a: 1\nb: {"c":[2]}'),
        ("a text", "a text"),
        ([1, 2], "1, 2"),
        (None, ""),
    ],
)
def test_lines_of(item: Any, lines: str) -> None:
    assert lines_of(item, without=["secret"]) == lines
