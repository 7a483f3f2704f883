"""Paths into payloads."""

from __future__ import annotations

from typing import Any

import pytest

from alertd.core.reading.paths import Scope, compile_path

ROOT = {"companyName": "Contoso", "events": []}
ITEM = {
    "device": {"id": 7, "name": "SRV1"},
    "tags": ["a", {"k": "v"}],
    "a.b": "literal",
    "@v": "1",
    "first name": "x",
    "n": 5,
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("n", 5),
        ("device.name", "SRV1"),
        ("device.nothing.at.all", None),
        ("tags.0", "a"),
        ("tags.1.k", "v"),
        ("tags.2", None),
        ("tags.x", None),
        ("tags.999999999999", None),
        ("n.x", None),
        ("a.b", "literal"),
        ("@v", "1"),
        ("first name", "x"),
        ("^.companyName", "Contoso"),
        ("^", ROOT),
        ("^.^.companyName", None),
        ("^.^", None),
        ("tags[1].k", "v"),
        ("device | name", "SRV1"),
        ("^.events[0] || 'none'", "none"),
        ("@", ITEM),
        ("length(tags)", 2),
        ("length(n)", None),
        ("max_by(tags, &k)", None),
        ("join(', ', keys(device))", "id, name"),
    ],
)
def test_follow(path: str, value: Any) -> None:
    assert compile_path(path)(Scope(ITEM, (ROOT,))) == value


def test_list_as_the_item() -> None:
    assert compile_path("0.a")(Scope([{"a": 1}])) == 1
    assert compile_path("a.b")(Scope([])) is None


@pytest.mark.parametrize("path", ["", "a[", "nonsense(a)", "a b[?", "^.a["])
def test_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        compile_path(path)
