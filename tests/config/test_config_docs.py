"""docs/configuration.md and the example file know every key, and docs say the right defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import tomli
from pydantic.fields import FieldInfo

from alertd.config.schema import keys, models_in
from alertd.config.settings import Settings
from alertd.core.flapping_rules import FlapSettings
from alertd.core.reading.fields import FieldSettings
from alertd.core.reading.settings import ClientSettings
from alertd.core.settings import SecretRef, Section, parse_duration, parse_size
from alertd.core.sources.mapped_settings import InstantSettings

ROOT = Path(__file__).parents[2]
SHARED = {
    SecretRef: "secret",
    ClientSettings: "client",
    InstantSettings: "sources.starts_at",
    FlapSettings: "route.flapping",
}


def _walk(
    model: type[Section], path: str, seen: set[tuple[type[Section], str]]
) -> Iterator[tuple[str, FieldInfo]]:
    """Yield every key as the page names it: tables that occur in many places have a name of their own."""
    if (model, path) in seen:
        return
    seen.add((model, path))
    for key, field in keys(model).items():
        here = f"{path}.{key}".lstrip(".")
        yield here, field
        for below in models_in(field.annotation):
            shared = "field" if issubclass(below, FieldSettings) else SHARED.get(below, here)
            yield from _walk(below, shared.replace("route.routes.routes", "route.routes"), seen)


KEYS = list(_walk(Settings, "", set()))


def _rows() -> list[tuple[str, list[str]]]:
    """Return the rows of the page's tables, each with its key."""
    text = (ROOT / "docs" / "configuration.md").read_text()
    rows = [re.split(r"(?<!\\)\|", line) for line in text.splitlines() if line.startswith("| `")]
    return [(cells[1].strip().strip("`"), [cell.strip() for cell in cells[2:-1]]) for cells in rows]


ROWS = _rows()
DOCUMENTED = dict(ROWS)


def test_no_key_is_documented_twice() -> None:
    assert sorted(key for key, _ in ROWS) == sorted(DOCUMENTED)


def test_every_key_of_every_model_is_documented() -> None:
    assert {key for key, _ in KEYS} - DOCUMENTED.keys() == set()


def test_no_key_is_documented_that_does_not_exist() -> None:
    assert DOCUMENTED.keys() - {key for key, _ in KEYS} == set()


def test_every_key_has_meaning_type_default_and_example() -> None:
    assert [key for key, cells in DOCUMENTED.items() if len(cells) != 4 or not all(cells)] == []


@pytest.mark.parametrize(
    ("key", "field"), KEYS, ids=[f"{key}-{number}" for number, (key, _) in enumerate(KEYS)]
)
def test_the_documented_default_is_the_real_one(key: str, field: FieldInfo) -> None:
    said = DOCUMENTED[key][2].strip("`").strip('"')
    if field.is_required():
        assert said in ("required", "none") or key in ("sources.host", "sources.severity")
    elif isinstance(field.default, (timedelta, bool, int, str)):
        assert _as_default(field.default, said) == field.default


def _as_default(default: Any, said: str) -> Any:
    match default:
        case timedelta():
            return parse_duration(said)
        case bool():
            return said == "true"
        case int():
            return int(said) if said.isdecimal() else parse_size(said)
        case _:
            return said


def test_the_example_file_names_every_key() -> None:
    text = (ROOT / "config" / "alertd.example.toml").read_text()
    words = set(re.findall(r"[a-z_]+", text))
    names = {key.rpartition(".")[2] for key, _ in KEYS}
    assert names - words == set()


def test_the_examples_of_the_page_are_toml() -> None:
    for key, cells in DOCUMENTED.items():
        example = cells[3].strip("`")
        if example.startswith(('"', "[", "{", "'")) and not example.startswith(("[[", f"[{key}")):
            assert tomli.loads(f"x = {example}")
