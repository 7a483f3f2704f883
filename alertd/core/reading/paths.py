"""Paths into payloads: `device.name`, `items.0.id`, `^.companyName`, or JMESPath."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jmespath
from jmespath.exceptions import JMESPathError

from alertd.core.reading.trees import Tree


class Scope(NamedTuple):
    """Where a path starts: one item, and what it was split from (nearest first)."""

    item: Tree
    parents: tuple[Tree, ...] = ()


Path: TypeAlias = Callable[[Scope], Tree]

_SEGMENT = r"@?[\w #$:/\-]+"  # @name is an XML attribute, #text the text of an XML element
_DOTTED = re.compile(rf"{_SEGMENT}(?:\.{_SEGMENT})*")
_UP = re.compile(r"\^(?:\.|$)")


def compile_path(text: str) -> Path:
    """Return a function that follows `text` from a scope and yields what is there, or None.

    Names joined by dots are followed through objects; a number picks from a list; an object that has the
    whole text as one key answers at once. `^.` in front goes up to what the item was split from. All other
    text is JMESPath.

    Raises:
        ValueError: It is not a path.
    """
    if not text:
        raise ValueError("a path may not be empty")
    if up := _UP.match(text):
        return _from_parent(compile_path(text[up.end() :]) if text[up.end() :] else _item)
    if _DOTTED.fullmatch(text):
        return _single(text) if "." not in text else _dotted(text)
    return _jmespath(text)


def _item(scope: Scope) -> Tree:
    return scope.item


def _from_parent(rest: Path) -> Path:
    def follow(scope: Scope) -> Tree:
        return rest(Scope(scope.parents[0], scope.parents[1:])) if scope.parents else None

    return follow


def _single(name: str) -> Path:
    return lambda scope: _step(scope.item, name)


def _dotted(text: str) -> Path:
    names = text.split(".")

    def follow(scope: Scope) -> Tree:
        node = scope.item
        if isinstance(node, dict) and text in node:
            return node[text]
        for name in names:
            node = _step(node, name)
        return node

    return follow


def _step(node: Tree, name: str) -> Tree:
    if isinstance(node, dict):
        return node.get(name)
    if isinstance(node, list) and name.isdecimal() and len(name) < 9 and int(name) < len(node):
        return node[int(name)]
    return None


def _jmespath(text: str) -> Path:
    try:
        search: Callable[[Any], Any] = jmespath.compile(text).search
    except JMESPathError as exc:
        raise ValueError(f"{text!r} is not a path: {str(exc).splitlines()[0]}") from None
    _refuse_unknown_function(text, search)

    def follow(scope: Scope) -> Tree:
        try:
            return search(scope.item)
        except (JMESPathError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return None  # the payload does not have the shape that the expression expects

    return follow


def _refuse_unknown_function(text: str, search: Callable[[Any], Any]) -> None:
    """An unknown function passes `compile`; one run on nothing finds it."""
    try:
        search({})
    except jmespath.exceptions.UnknownFunctionError as exc:
        raise ValueError(f"{text!r} is not a path: {exc}") from None
    except JMESPathError:
        return
