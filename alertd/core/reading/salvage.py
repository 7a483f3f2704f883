"""Bodies whose texts were pasted in without escaping, read by the names that they must have.

Templates of many senders put values between quotes as they are: a quote, a line end or a path inside a value
ends the text too early; in forms an ampersand does. Where the names are known, a value ends where the next
known name begins. What nobody escaped is not unescaped either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from alertd.core.reading import json_repair, trees
from alertd.core.reading.bodies import Unreadable, clean

# What encodes a form has no use for these bytes: they say that nothing was encoded.
_PLAIN = re.compile(rb"[\x00-\x20]")
_NO_FORM = (b"{", b"[", b'"', b"<", b"--")


def is_form(raw: bytes) -> bool:
    """Whether a body that is not empty can be nothing but a form."""
    text = trees.without_bom(raw).strip()
    return b"=" in text and not text.startswith(_NO_FORM)


def by_fields(raw: bytes, fields: Sequence[str]) -> dict[str, trees.Tree]:
    """Return a flat object, JSON or a form, by the names of its fields.

    A name counts where it occurs first: later it is part of a text.

    Args:
        raw: What is not JSON, even after repair, or a form.
        fields: The names that may occur in it.

    Raises:
        Unreadable: None of the names is in it, or it is UTF-16.
    """
    if is_form(raw):
        return dict(_form(trees.without_bom(raw).strip(), fields))
    return dict(_object(_document(raw), fields))


def _form(raw: bytes, fields: Sequence[str]) -> Iterator[tuple[str, trees.Tree]]:
    is_plain = _PLAIN.search(raw) is not None
    for name, value in _pieces(_form_starts(tuple(fields)), raw):
        yield name.decode(), clean(_text(value if is_plain else unquote_to_bytes(value.replace(b"+", b" "))))


def _object(text: str, fields: Sequence[str]) -> Iterator[tuple[str, trees.Tree]]:
    pieces = list(_pieces(_object_starts(tuple(fields)), text))
    for index, (name, value) in enumerate(pieces):
        yield name, _value(_without_end(value) if index == len(pieces) - 1 else value.strip())


@lru_cache(maxsize=256)
def _form_starts(fields: tuple[str, ...]) -> re.Pattern[bytes]:
    names = "|".join(re.escape(name) for name in fields)
    return re.compile(rf"(?:^|&)({names})=".encode())


@lru_cache(maxsize=256)
def _object_starts(fields: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(re.escape(name) for name in fields)
    return re.compile(rf'(?:^\s*+(?:\[\s*+)?\{{|,)\s*+"({names})"\s*+:\s*+')


def _pieces(starts: re.Pattern[Any], text: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each name and what stands between it and the next, in one pass over the text."""
    seen: dict[Any, re.Match[Any]] = {}
    for found in starts.finditer(text):
        seen.setdefault(found[1], found)
    if not seen:
        raise Unreadable("syntax", "neither JSON nor a form, and none of the expected fields is in it")
    places = list(seen.values())
    ends = [*(found.start() for found in places[1:]), len(text)]
    for found, end in zip(places, ends, strict=True):
        yield found[1], text[found.end() : end]


def _document(raw: bytes) -> str:
    """Return the text, taken out of a JSON string if somebody has put it there."""
    text = _text(trees.without_bom(raw)).strip()
    if not text.startswith('"'):
        return text
    try:
        inner = json_repair.decode(text.encode("utf-8", "replace"))
    except Unreadable:
        return text
    return inner.strip() if isinstance(inner, str) else text


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _without_end(text: str) -> str:
    text = text.rstrip().removesuffix("]").rstrip()
    return text.removesuffix("}").rstrip().removesuffix(",").rstrip()


def _value(text: str) -> trees.Tree:
    if text.startswith('"'):
        return clean(text[1:].removesuffix('"'))
    if text in {"", "null"}:
        return None
    try:
        return json_repair.decode(text.encode("utf-8", "replace"))
    except Unreadable:
        return clean(text)
