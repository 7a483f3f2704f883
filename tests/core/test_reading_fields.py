"""Fields: where a value comes from, and what is made of it."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ValidationError

from alertd.core.reading.fields import FieldSetting, compile_field, first_of, text_of
from alertd.core.reading.paths import Scope

ITEM = {
    "device": {"id": 7, "name": " SRV1 "},
    "rule": "door open",
    "empty": "",
    "spaces": "  ",
    "level": "High",
    "list": ["a", 1, None, ""],
    "mixed": [{"b": 1, "a": 2}],
    "yes": True,
    "half": 0.5,
    "whole": 3.0,
    "zero": 0,
}


class Example(BaseModel):
    field: Annotated[FieldSetting, "as in a source"]


def read(field: Any) -> str:
    return compile_field(Example.model_validate({"field": field}).field)(Scope(ITEM))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("device.name", "SRV1", id="path"),
        pytest.param("device.id", "7", id="number"),
        pytest.param("nothing", "", id="missing"),
        pytest.param("zero", "0", id="zero is a value"),
        pytest.param(["nothing", "empty", "spaces", "rule"], "door open", id="first that holds something"),
        pytest.param(["nothing", "empty"], "", id="none holds anything"),
        pytest.param({"path": "nothing", "default": "d"}, "d", id="default"),
        pytest.param({"path": "rule", "default": "d"}, "door open", id="default not needed"),
        pytest.param({"default": "d"}, "d", id="only a default"),
        pytest.param({"const": "c"}, "c", id="constant"),
        pytest.param({"path": "level", "map": {"high": "critical"}}, "critical", id="map, case aside"),
        pytest.param({"path": "level", "map": {"High": "1", "high": "2"}}, "1", id="map, exact first"),
        pytest.param({"path": "level", "map": {"low": "info"}}, "High", id="not in the map"),
        pytest.param({"path": "nothing", "map": {"": "none"}}, "none", id="map of nothing"),
        pytest.param({"path": "rule", "regex": "^(\\w+) "}, "door", id="first group"),
        pytest.param({"path": "rule", "regex": "o+"}, "oo", id="no group"),
        pytest.param({"path": "rule", "regex": "(x)|door"}, "", id="group that did not take part"),
        pytest.param({"path": "rule", "regex": "shut", "default": "d"}, "d", id="pattern not found"),
        pytest.param({"path": "rule", "regex": "o+", "map": {"oo": "x"}}, "x", id="pattern, then map"),
        pytest.param({"template": "{device.name}: {rule}!"}, "SRV1: door open!", id="template"),
        pytest.param({"template": "{nothing}: {rule}"}, ": door open", id="template with a gap"),
        pytest.param({"template": "on {nothing}", "default": "d"}, "d", id="template of nothing"),
        pytest.param({"template": "fixed"}, "fixed", id="template without slots"),
        pytest.param("list", "a, 1", id="list"),
        pytest.param("mixed", '[{"a":2,"b":1}]', id="structure"),
        pytest.param("device", '{"id":7,"name":" SRV1 "}', id="object"),
    ],
)
def test_read(field: Any, value: str) -> None:
    assert read(field) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (0.5, "0.5"),
        (3.0, "3"),
        (1e300, "1e+300"),
        (None, ""),
        ([], ""),
        ({}, ""),
        ([[]], "[[]]"),
    ],
)
def test_text_of(value: Any, text: str) -> None:
    assert text_of(value) == text


def test_first_of_passes_structures_over() -> None:
    assert first_of("nothing", "device", "list", "empty", "half")(Scope(ITEM)) == "0.5"
    assert first_of("nothing")(Scope(ITEM)) == ""


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({}, "needs one of path"),
        ({"path": "a", "const": "b"}, "needs one of path"),
        ({"path": []}, "at least 1"),
        ("a[", "not a path"),
        (["a", "b["], "not a path"),
        ({"template": "{a[}"}, "not a path"),
        ({"path": "a", "regex": "("}, "not an RE2 pattern"),
        ({"paths": "a"}, "not permitted"),
        (5, "FieldSettings"),
    ],
)
def test_refused(field: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Example.model_validate({"field": field})
