"""Fields of a payload that may be of any type, or not there: read as what is wanted, else as nothing."""

from __future__ import annotations

from collections.abc import Iterable

from alertd.core.reading.fields import text_of
from alertd.core.reading.trees import Tree

_LONGEST_LINE = 2_000  # characters of one value among those that are listed


def text_in(item: Tree, *names: str) -> str:
    """Return the first of the fields `names` of an object that holds text or a number; empty: none does.

    Structures are passed over: where text is expected they are somebody else's field of the same name.
    """
    if not isinstance(item, dict):
        return ""
    values = (item.get(name) for name in names)
    return next(
        (text for value in values if not isinstance(value, (dict, list)) and (text := text_of(value))), ""
    )


def object_in(item: Tree, name: str) -> dict[str, Tree]:
    """Return the object in field `name` of an object; empty: there is none."""
    value = item.get(name) if isinstance(item, dict) else None
    return value if isinstance(value, dict) else {}


def list_in(item: Tree, name: str) -> list[Tree]:
    """Return the list in field `name` of an object; a lone value is a list of one."""
    value = item.get(name) if isinstance(item, dict) else None
    if isinstance(value, list):
        return value
    return [] if value in (None, "") else [value]


def texts_in(item: Tree, name: str) -> list[str]:
    """Return the texts in the list in field `name` of an object, without empty ones."""
    return [
        text for each in list_in(item, name) if not isinstance(each, (dict, list)) and (text := text_of(each))
    ]


def lines_of(item: Tree, without: Iterable[str] = ()) -> str:
    """Return the fields of an object for people: one `name: value` a line, structures as JSON."""
    if not isinstance(item, dict):
        return text_of(item)
    left_out = frozenset(without)
    lines = ((name, text_of(value)) for name, value in item.items() if name not in left_out)
    return "\n".join(f"{name}: {text[:_LONGEST_LINE]}" for name, text in lines if text)


def paragraphs(*texts: str) -> str:
    """Return the texts one below the other, without empty ones and repetitions."""
    return "\n\n".join(dict.fromkeys(text for each in texts if (text := each.strip())))
