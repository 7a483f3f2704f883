"""Fields of a mapped source: where a value comes from, and what is made of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from alertd.core.matchers import compile_pattern
from alertd.core.reading.bodies import clean
from alertd.core.reading.paths import Path, Scope, compile_path
from alertd.core.reading.trees import Tree
from alertd.core.settings import Section

Reader: TypeAlias = Callable[[Scope], str]  # empty text: there is no value

_SLOT = re.compile(r"\{([^{}]+)\}")


def _checked_path(text: str) -> str:
    compile_path(text)
    return text


def _checked_pattern(text: str) -> str:
    compile_pattern(text)
    return text


PathText = Annotated[str, AfterValidator(_checked_path)]
PatternText = Annotated[str, AfterValidator(_checked_pattern)]


def listed(value: Any) -> Any:
    """Return a lone value as a list of one, so that either may be written."""
    return value if isinstance(value, list) else [value]


PathList = Annotated[list[PathText], BeforeValidator(listed), Field(min_length=1)]


def _checked_template(text: str) -> str:
    for slot in _SLOT.findall(text):
        compile_path(slot)
    return text


TemplateText = Annotated[str, AfterValidator(_checked_template)]


class FieldSettings(Section):
    """Where one value comes from.

    Written short as a path or a list of paths, the first that holds something counts; or as a table with
    `path`, `const` or `template` (`"{device.name}: {rule}"`), and what is made of the value: `regex` (its
    first group, or all it finds), then `map`, and `default` where nothing is left.
    """

    path: PathList | None = None
    const: str | None = None
    template: TemplateText | None = None
    regex: PatternText | None = None
    map: dict[str, str] = Field(default_factory=dict)
    default: str | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        origins = [each for each in (self.path, self.const, self.template) if each is not None]
        if len(origins) > 1 or (not origins and self.default is None):
            raise ValueError('needs one of path = "…", const = "…", template = "…"')
        return self


def short_form(value: Any) -> Any:
    """Return a path, or a list of paths, as the table it stands for."""
    return {"path": value} if isinstance(value, (str, list)) else value


FieldSetting = Annotated[FieldSettings, BeforeValidator(short_form)]


def compile_field(settings: FieldSettings) -> Reader:
    """Return the function that reads the field from a scope."""
    found = _origin(settings)
    made = _made(settings)
    default = settings.default or ""
    if made is None:
        return (lambda scope: found(scope) or default) if default else found
    return lambda scope: made(found(scope)) or default


def first_of(*paths: str) -> Reader:
    """Return the function that reads the first of `paths` that holds text or a number.

    Objects and lists are passed over: the paths are guesses, and a guess that hits a structure was wrong.
    """
    compiled = [compile_path(path) for path in paths]

    def read(scope: Scope) -> str:
        for path in compiled:
            value = path(scope)
            if value is not None and not isinstance(value, (dict, list)) and (text := text_of(value)):
                return text
        return ""

    return read


def text_of(value: Tree) -> str:
    """Return a value of a payload as text: numbers without a needless `.0`, structures as sorted JSON."""
    match value:
        case str():
            return value.strip()
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case int() | float():
            return str(value)
        case list() if not any(isinstance(each, (dict, list)) for each in value):
            return clean(", ".join(filter(None, map(text_of, value))))
        case _:
            return (
                clean(json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")))
                if value
                else ""
            )


def _origin(settings: FieldSettings) -> Reader:
    if settings.path is not None:
        return _from_paths([compile_path(path) for path in settings.path])
    if settings.template is not None:
        return _from_template(settings.template)
    const = settings.const or ""
    return lambda scope: const


def _from_paths(paths: Sequence[Path]) -> Reader:
    if len(paths) == 1:
        only = paths[0]
        return lambda scope: text_of(only(scope))
    return lambda scope: next((text for path in paths if (text := text_of(path(scope)))), "")


def _from_template(template: str) -> Reader:
    """Join the texts and slots. A template none of whose slots holds anything yields nothing."""
    parts = _SLOT.split(template)
    slots = [compile_path(part) for part in parts[1::2]]

    def read(scope: Scope) -> str:
        values = [text_of(slot(scope)) for slot in slots]
        if slots and not any(values):
            return ""
        texts = [text for pair in zip(parts[::2], [*values, ""], strict=True) for text in pair]
        return clean("".join(texts).strip())

    return read


def _made(settings: FieldSettings) -> Callable[[str], str] | None:
    """Return what turns the value found into the value wanted; None if it stays as it is."""
    captured = capture(settings.regex) if settings.regex else None
    exact = settings.map
    folded = {key.lower(): value for key, value in exact.items()}
    if captured is None and not exact:
        return None

    def make(text: str) -> str:
        if captured is not None:
            text = captured(text)
        return exact.get(text, folded.get(text.lower(), text))

    return make


def capture(pattern: str) -> Callable[[str], str]:
    """Return the function that yields the first group of an RE2 pattern, or all it finds, or nothing."""
    search = compile_pattern(pattern).search

    def read(text: str) -> str:
        found = search(text)
        if found is None:
            return ""
        return (found[1] if found.re.groups else found[0]) or ""

    return read
