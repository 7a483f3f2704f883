"""Paths of keys in a parsed file, such as ("sources", 0, "kind"). Numbers count from 0."""

from __future__ import annotations

from typing import Any, TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]


def dotted(path: KeyPath) -> str:
    """Return the path as it is printed: `sources.0.kind`."""
    return ".".join(map(str, path))


def has(node: Any, part: str | int) -> bool:
    """Whether `node` is a table with this key, or a list with this number."""
    if isinstance(node, dict):
        return part in node
    return isinstance(node, list) and isinstance(part, int) and part < len(node)


def holds(node: Any, path: KeyPath) -> bool:
    """Whether there is anything at `path`."""
    for part in path:
        if not has(node, part):
            return False
        node = node[part]
    return True
