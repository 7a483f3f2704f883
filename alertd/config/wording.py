"""From pydantic's errors to faults that an engineer can act on: the place in the file, and a sentence."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from pydantic import ValidationError

from alertd.config.paths import KeyPath, has
from alertd.config.schema import known_keys
from alertd.config.settings import NAME, Settings
from alertd.core.settings import SecretRef

Problem: TypeAlias = tuple[KeyPath, str]
Context: TypeAlias = Mapping[str, Any]

_LATER = {"billing", "notify"}  # tables that this release does not have
_TABLES = {"admin", "autotask", "boards", "digest", "route", "server", "storm", "store", "sync"}
_LISTS = {"boards", "sources", "tests"}

_WRITTEN_HERE = (
    "a secret is not written into this file; put it into a file of its own and say "
    '{ file = "/etc/alertd/…" }, or { env = "NAME" }, or { credential = "NAME" }'
)
_NAME = "should begin with a letter or digit, and have only letters, digits, '.', '_' and '-' (at most 63)"


def problems(error: ValidationError, data: Any, at: KeyPath = ()) -> Iterator[Problem]:
    """Yield every problem as (path in the file, sentence); several for one path are joined.

    Args:
        error: What pydantic found.
        data: The file, parsed, as pydantic saw it.
        at: Where in the file `data` is.
    """
    said: dict[KeyPath, dict[str, None]] = {}
    for path, sentence in _each(error, data, at):
        said.setdefault(path, {})[sentence] = None
    for path, sentences in said.items():
        yield path, _joined(list(sentences))


def _each(error: ValidationError, data: Any, at: KeyPath) -> Iterator[Problem]:
    for detail in error.errors(include_url=False):
        context = detail.get("ctx", {})
        path = _path_in_file(detail["loc"], data, missing=detail["type"] == "missing")
        cause = context.get("error")
        if isinstance(cause, ValidationError):  # a validator that itself validated a table
            yield from _each(cause, functools.reduce(lambda node, part: node[part], path, data), (*at, *path))
        elif detail["loc"] and detail["loc"][-1] == "[key]":
            yield (*at, *path), f"unknown key; {context.get('expected', 'another')} is possible"
        else:
            yield _worded(detail["type"], (*at, *path), context, detail)


def _worded(kind: str, path: KeyPath, context: Context, detail: Mapping[str, Any]) -> Problem:
    match kind:
        case "extra_forbidden":
            return path, _unknown(path)
        case "missing":
            return path, _missing(path)
        case "union_tag_invalid" | "union_tag_not_found":
            return (*path, "kind"), _kind(context, detail)
        case _:
            return path, _SENTENCES.get(kind, _plain)(context, detail)


def _path_in_file(loc: Iterable[str | int], data: Any, *, missing: bool) -> KeyPath:
    """Return the path without what pydantic adds: tags of unions, numbers where one value stands alone."""
    path: list[str | int] = []
    node, parts = data, list(loc)
    for part in parts:
        if has(node, part):
            node = node[part]
            path.append(part)
    if missing and isinstance(node, dict):
        path.append(parts[-1])
    return tuple(path)


def _joined(sentences: list[str]) -> str:
    """Join what the arms of a union said: `should be a whole number, or text in quotes`."""
    if all(each.startswith("should be ") for each in sentences):
        return ", or ".join([sentences[0], *(each.removeprefix("should be ") for each in sentences[1:])])
    return "; ".join(sentences)


# --- sentences ----------------------------------------------------------------------------------------


def _unknown(path: KeyPath) -> str:
    key = str(path[-1])
    if path == (key,) and key in _LATER:
        return "unknown key: this table comes with a later release"
    known = known_keys(Settings, path[:-1])
    if key in known:
        return "this key is for another kind of source" if path[0] == "sources" else "not possible here"
    close = difflib.get_close_matches(key, known, n=1)
    if close:
        return f"unknown key; did you mean {close[0]}?"
    return f"unknown key; there are {', '.join(sorted(known))}" if known else "unknown key"


def _missing(path: KeyPath) -> str:
    key = str(path[-1])
    if path == (key,) and key in _TABLES:
        return f"the table {f'[[{key}]]' if key in _LISTS else f'[{key}]'} is missing"
    return "is missing"


def _kind(context: Context, detail: Mapping[str, Any]) -> str:
    kinds = str(context.get("expected_tags") or "'alertmanager', 'mapped'")
    given = f", not {context['tag']!r}" if "tag" in context else ""
    said = "should be" if given else "is missing; it is"
    return f"{said} one of {kinds}{given}"


def _table(context: Context, detail: Mapping[str, Any]) -> str:
    if context.get("class_name") == SecretRef.__name__:
        return _WRITTEN_HERE
    return "should be a table"


def _pattern(context: Context, detail: Mapping[str, Any]) -> str:
    return _NAME if context["pattern"] == NAME else f"should match {context['pattern']}"


def _too_short(context: Context, detail: Mapping[str, Any]) -> str:
    least = context["min_length"]
    return "may not be empty" if least == 1 else f"needs at least {least}"


def _plain(context: Context, detail: Mapping[str, Any]) -> str:
    message = str(detail["msg"])
    for prefix in ("Value error, ", "Assertion failed, "):
        message = message.removeprefix(prefix)
    return message.replace("Input should be", "should be")


def _says(template: str) -> Callable[[Context, Mapping[str, Any]], str]:
    return lambda context, detail: template.format(**context, value=detail["input"])


_SENTENCES: Mapping[str, Callable[[Context, Mapping[str, Any]], str]] = {
    "string_type": _says("should be text in quotes"),
    "int_type": _says("should be a whole number"),
    "int_from_float": _says("should be a whole number"),
    "bool_type": _says("should be true or false"),
    "list_type": _says("should be a list"),
    "tuple_type": _says("should be a list"),
    "dict_type": _says("should be a table"),
    "model_type": _table,
    "model_attributes_type": _table,
    "literal_error": _says("should be {expected}, not {value!r}"),
    "greater_than": _says("should be above {gt}"),
    "greater_than_equal": _says("should be at least {ge}"),
    "less_than": _says("should be below {lt}"),
    "less_than_equal": _says("should be at most {le}"),
    "too_short": _too_short,
    "string_too_short": _too_short,
    "too_long": _says("has room for {max_length} at most"),
    "string_too_long": _says("should have at most {max_length} characters"),
    "string_pattern_mismatch": _pattern,
}
