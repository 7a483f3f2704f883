"""JSON that is not quite JSON."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest

from alertd.core.reading.bodies import Unreadable
from alertd.core.reading.json_repair import decode


@pytest.mark.parametrize(
    ("raw", "tree"),
    [
        pytest.param(b'{"a": [1, 2.5, true, null, "x"]}', {"a": [1, 2.5, True, None, "x"]}, id="sound"),
        pytest.param(
            b'{"a": "line\nbreak\tand tab"}', {"a": "line\nbreak\tand tab"}, id="raw control characters"
        ),
        pytest.param(b'{"a": "C:\\Users\\x"}', {"a": "C:\\Users\\x"}, id="Windows path"),
        pytest.param(b'{"a": "\\u12"}', {"a": "\\u12"}, id="half an escape"),
        pytest.param(b'{"a": "q\\"\\\\\\n",}', {"a": 'q"\\\n'}, id="sound escapes stay"),
        pytest.param(b'{"a": [1, 2, ], }', {"a": [1, 2]}, id="trailing commas"),
        pytest.param(b'{"a": , "b": }', {"a": None, "b": None}, id="missing values"),
        pytest.param(
            b'{"a": NaN, "b": -Infinity, "c": Infinity}', {"a": None, "b": None, "c": None}, id="not a number"
        ),
        pytest.param(b'{"a": "NaN, ,}",}', {"a": "NaN, ,}"}, id="texts that look like faults"),
        pytest.param(b'{"a": "\\ud800"}', {"a": "\ud800"}, id="lone surrogate"),
        pytest.param(b'{"a": "Z\xfcrich"}', {"a": "Zürich"}, id="Latin-1"),
        pytest.param(b'{"a": 1e999}', {"a": float("inf")}, id="number out of range"),
        pytest.param(b'{"a": ' + b"7" * 6000 + b"}", {"a": "7" * 6000}, id="endless integer"),
        pytest.param(b'{"a": 5,}', {"a": 5}, id="short integer in repaired JSON"),
    ],
)
def test_decode(raw: bytes, tree: Any) -> None:
    assert decode(raw) == tree


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"a": "b', "syntax"),
        (b'{"a": "say "hello""}', "syntax"),
        (b"{a: 1}", "syntax"),
        (b'"\\', "syntax"),
        (b"[" * 5000 + b"]" * 5000, "too_deep"),
        (b"[NaN," + b"[" * 5000 + b"]" * 5001, "too_deep"),
        (b"[" * 5000 + b",]" + b"]" * 5000, "too_deep"),
    ],
)
def test_beyond_repair(raw: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        decode(raw)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "unit", [b'"\\', b'"', b"\\", b", ", b":  ", b"{", b'{"', b'"a"', b"-", b"NaN", b'\\"', b',"'], ids=repr
)
def test_repair_takes_linear_time(unit: bytes) -> None:
    raw = (unit * 262_144)[:262_144]
    started = time.perf_counter()
    with contextlib.suppress(Unreadable):
        decode(b"{" + raw)
    assert time.perf_counter() - started < 5  # 0.1 s measured; quadratic would be minutes
