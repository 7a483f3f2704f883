"""A token in the body, as some senders put it there, read before anything is redacted."""

from __future__ import annotations

from alertd.core.reading import trees
from alertd.core.reading.bodies import Body, Unreadable
from alertd.intake.auth import wire_bytes


def secrets_in(raw: bytes, field: str) -> list[bytes]:
    """Return what the field holds, in each item of the body that has it filled; empty texts count as absent.

    A body that cannot be read holds none: its token is elsewhere, or nowhere.
    """
    if field.encode() not in raw:
        return []
    try:
        tree = trees.tree_of(Body(raw=raw))
    except Unreadable:
        return []
    items = tree if isinstance(tree, list) else [tree]
    values = [item.get(field) for item in items if isinstance(item, dict)]
    return [wire_bytes(value) if isinstance(value, str) else b"?" for value in values if value]
