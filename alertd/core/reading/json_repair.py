"""JSON that is not quite JSON, as templates without escaping make it."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from alertd.core.reading.bodies import Unreadable

# Possessive, so that text from outside cannot make the search slow.
_STRING = r'"(?:[^"\\]|\\.)*+\\?"?'
_FAULT = re.compile(
    rf"(?P<string>{_STRING})"
    r"|(?P<comma>,)(?=\s*+[}\]])"
    r"|(?P<empty>:)(?=\s*+[,}\]])"
    r"|(?P<constant>-?\b(?:NaN|Infinity)\b)",
    re.DOTALL,
)
_INSIDE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|(\\)|([\x00-\x1f])', re.DOTALL)
_LONGEST_INTEGER = 19  # digits; longer numbers are identifiers and stay text
_DECODE = msgspec.json.Decoder().decode


def decode(raw: bytes) -> Any:
    """Decode JSON, repaired if it must be.

    Repaired are raw control characters and lone back-slashes in strings, commas before a closing bracket,
    missing values (null), `NaN` and `Infinity` (null), lone surrogates and bytes that are not UTF-8 (read
    as Windows-1252, which contains Latin-1).

    Raises:
        Unreadable: It is not JSON all the same, or nested beyond reason.
    """
    try:
        return _DECODE(raw)
    except RecursionError:
        raise Unreadable("too_deep", "the JSON is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_repaired(_text(raw))


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _decode_repaired(text: str) -> Any:
    try:
        return json.loads(_FAULT.sub(_mended, text), parse_int=_integer)
    except RecursionError:
        raise Unreadable("too_deep", "the JSON is nested too deeply") from None
    except ValueError as exc:
        raise Unreadable("syntax", f"not JSON, even after repair: {exc}") from None


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else digits


def _mended(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "string":
            return _INSIDE.sub(_escaped, found[0])
        case "comma":
            return ""
        case "empty":
            return ":null"
        case _:
            return "null"


def _escaped(found: re.Match[str]) -> str:
    if found[1]:
        return "\\\\"
    return f"\\u{ord(found[2]):04x}" if found[2] else found[0]
