"""Objects whose texts were pasted into JSON without escaping, read by the names that they must have.

Templates of many senders put values between quotes as they are: a quote, a line end or a path inside a value
ends the text too early. Where the names are known, a value ends where the next known name begins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from alertd.core.reading.bodies import Unreadable, clean
from alertd.core.reading.trees import Tree

_END = re.compile(r"\s*+,?\s*+\}?\s*+$")


def by_fields(raw: bytes, fields: Sequence[str]) -> dict[str, Tree]:
    """Return the object as texts by name.

    Args:
        raw: What is not JSON, even after repair.
        fields: The names that may occur in it, of a flat object.

    Raises:
        Unreadable: None of the names is in it.
    """
    text = raw.decode("utf-8", errors="replace").strip()
    names = "|".join(re.escape(name) for name in fields)
    starts = list(re.finditer(rf'(?:^\s*+\{{|,)\s*+"({names})"\s*+:\s*+', text))
    if not starts:
        raise Unreadable("syntax", "not JSON, and none of the expected fields is in it")
    ends = [*(found.start() for found in starts[1:]), len(text)]
    found = {start[1]: _value(text[start.end() : end]) for start, end in zip(starts, ends, strict=True)}
    return {name: clean(value) for name, value in found.items()}


def _value(text: str) -> str:
    text = _END.sub("", text)
    if text.startswith('"'):
        text = text[1:].removesuffix('"')
        return text.replace('\\"', '"').replace("\\\\", "\\")
    return "" if text == "null" else text
