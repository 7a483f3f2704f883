"""Free fields beside a message: short values become labels, long ones text for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from alertd.core.reading.bodies import MAX_KEY
from alertd.core.reading.fields import text_of
from alertd.core.reading.trees import Tree

MOST_LABELS = 100
LONGEST_LABEL = 256  # characters of a value that routes may want to match
_LONGEST_TEXT = 4_000


class Details(NamedTuple):
    """What a sender put beside its own fields."""

    labels: Mapping[str, str]
    text: str  # for people: what is too long for a label, one `name: value` after the other


def split_details(fields: Mapping[str, Tree]) -> Details:
    """Return short values as labels, and what is longer, has several lines or is one too many as text."""
    labels: dict[str, str] = {}
    texts: list[str] = []
    for name, value in fields.items():
        text = text_of(value)
        if not text:
            continue
        if _is_label(name, value, text) and len(labels) < MOST_LABELS:
            labels[name] = text
        else:
            texts.append(f"{name}: {text[:_LONGEST_TEXT]}")
    return Details(labels, "\n".join(texts))


def _is_label(name: str, value: Tree, text: str) -> bool:
    is_short = len(text) <= LONGEST_LABEL and "\n" not in text
    return bool(name) and len(name) <= MAX_KEY and is_short and not isinstance(value, dict)
