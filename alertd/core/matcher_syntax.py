"""How matchers are written: Alertmanager's UTF-8 syntax, and its classic syntax beside it.

Source: Alertmanager's parsers and their "fallback" mode (its default). Both readings are tried; where
both are possible and differ, the classic one wins, as it does there, so that a file copied from
Alertmanager means the same here. One thing is stricter: braces are both there or both absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# What Go's unicode.IsSpace accepts; Python's isspace also takes U+001C to U+001F.
_WIDE_SPACE = "".join(map(chr, range(0x2000, 0x200B)))
_SPACE = f"\t\n\v\f\r \x85\xa0\u1680{_WIDE_SPACE}\u2028\u2029\u202f\u205f\u3000"
_RESERVED = rf"{_SPACE}{{}}!=~,\\\"'`"
_TOKEN = re.compile(
    rf"(?P<space>[{_SPACE}]+)"
    r"|(?P<operator>=~|=|!=|!~)"
    r'|(?P<quoted>"(?:[^"\\]|\\.)*+")'
    r"|(?P<comma>,)"
    rf"|(?P<bare>[^{_RESERVED}]+)",
    re.DOTALL,
)
_CLASSIC = re.compile(
    r"[\t\n\f\r ]*([a-zA-Z_:][a-zA-Z0-9_:]*)[\t\n\f\r ]*(=~|=|!=|!~)[\t\n\f\r ]*(.*)", re.DOTALL
)
_CLASSIC_PART = re.compile(r'(?:[^",\\]|\\["\\]?|"(?:[^"\\]|\\.)*+(?:"|\\?$))*+', re.DOTALL)
_CLASSIC_ESCAPE = re.compile(r'\\([n"\\])')
_GO_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.?))",
    re.DOTALL,
)
_GO_LETTER = dict(zip('abfnrtv\\"', '\a\b\f\n\r\t\v\\"', strict=True))
_RESERVED_ANYWHERE = re.compile(rf"[{_RESERVED}]")


class MatcherError(ValueError):
    """Text that is not a matcher. The message is one sentence that names the position, counted from 1."""


class Term(NamedTuple):
    """One matcher as written: label name, operator, value with its escapes undone, where it starts."""

    name: str
    operator: str
    value: str
    at: int  # counted from 1


def read(text: str) -> tuple[Term, ...]:
    """Read `name op value, …`, in braces or not, the last comma optional.

    Raises:
        MatcherError: Neither the UTF-8 nor the classic syntax fits.
    """
    inner, offset = _without_braces(text)
    try:
        modern = tuple(_modern(inner, offset))
    except MatcherError:
        classic = _classic(inner, offset)
        if classic is None:
            raise
        return classic
    classic = _classic(inner, offset)
    return modern if classic is None else classic


def read_one(text: str) -> Term | None:
    """Read exactly one matcher, as Alertmanager reads a `filter=`: without braces.

    In the classic syntax commas are then part of the value. None: `text` is several, or none.

    Raises:
        MatcherError: There are braces around it, or one of them, or neither syntax fits.
    """
    inner = text.strip(_SPACE)
    if inner.startswith("{") or inner.endswith("}"):
        raise _error("expected one matcher without braces", 0)
    classic = _classic_term(0, text, 0)
    if classic is not None:
        return classic
    terms = tuple(_modern(text, 0))
    return terms[0] if len(terms) == 1 else None


def needs_quotes(name: str) -> bool:
    """Whether a label name can be written only in quotes."""
    return _RESERVED_ANYWHERE.search(name) is not None


def quote(text: str) -> str:
    """Return `text` in quotes so that both syntaxes read it back as it is."""
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    return f'"{escaped}"'


def _without_braces(text: str) -> tuple[str, int]:
    """Return what is inside the braces, and the position at which it starts."""
    inner = text.strip(_SPACE)
    start = text.find(inner)
    opens, closes = inner.startswith("{"), inner.endswith("}")
    if opens and not closes:
        raise _error("the opening brace is never closed", start)
    if closes and not opens:
        raise _error(
            "a closing brace has no opening one; a value that ends in } needs quotes", start + len(inner) - 1
        )
    return (inner[1:-1], start + 1) if opens else (inner, start)


def _error(what: str, position: int) -> MatcherError:
    return MatcherError(f"{what} (at character {position + 1})")


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def _tokens(text: str, offset: int) -> Iterator[_Token]:
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise _error(_why_no_token(text[position]), offset + position)
        if found.lastgroup != "space":
            yield _Token(found.lastgroup or "", found[0], offset + position)
        position = found.end()
    yield _Token("end", "the end", offset + position)


def _why_no_token(character: str) -> str:
    if character == '"':
        return "the quoted text never ends"
    return f"{character} is not allowed outside double quotes"


def _modern(text: str, offset: int) -> Iterator[Term]:
    tokens = _tokens(text, offset)
    token = next(tokens)
    while token.kind != "end":
        name = _text_of(token, "a label name")
        operator = next(tokens)
        if operator.kind != "operator":
            raise _error(f"expected =, !=, =~ or !~ after {token.text}, found {operator.text}", operator.at)
        value = _text_of(next(tokens), 'a value ("" for an empty one)')
        yield Term(name, operator.text, value, token.at + 1)
        token = next(tokens)
        if token.kind not in ("comma", "end"):
            raise _error(f"expected a comma between matchers, found {token.text}", token.at)
        if token.kind == "comma":
            token = next(tokens)


def _text_of(token: _Token, wanted: str) -> str:
    if token.kind == "bare":
        return token.text
    if token.kind != "quoted":
        raise _error(f"expected {wanted}, found {token.text}", token.at)
    if "\n" in token.text:
        raise _error(r"a line break inside quotes is written \n", token.at)
    return _unquoted(token)


def _unquoted(token: _Token) -> str:
    """Undo Go's escapes. They may spell bytes, so the result is checked to be UTF-8."""
    inner = token.text[1:-1]
    if "\\" not in inner:
        return inner
    raw, position = b"", 0
    for found in _GO_ESCAPE.finditer(inner):
        raw += _utf8(inner[position : found.start()]) + _go_escape(found, token.at + 1)
        position = found.end()
    try:
        return (raw + _utf8(inner[position:])).decode()
    except UnicodeDecodeError:
        raise _error(f"the escapes in {token.text} do not make valid UTF-8", token.at) from None


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _go_escape(found: re.Match[str], offset: int) -> bytes:
    letter, byte, short, long, octal, _ = found.groups()
    if letter:
        return _GO_LETTER[letter].encode()
    if byte or octal:
        return bytes([int(byte, 16) if byte else int(octal, 8)])
    code = int(short or long or "-1", 16)
    if not 0 <= code <= 0x10FFFF:
        raise _error(f"{found[0]} is not an escape; write \\\\ for a backslash", offset + found.start())
    return _utf8(chr(code))


def _classic(text: str, offset: int) -> tuple[Term, ...] | None:
    """Read as Alertmanager did before UTF-8 names; None where that syntax does not fit."""
    terms: list[Term] = []
    parts = list(_classic_parts(text))
    if not parts[-1][1].strip(_SPACE):
        parts.pop()  # the last comma is optional
    for at, part in parts:
        term = _classic_term(at, part, offset)
        if term is None:
            return None
        terms.append(term)
    return tuple(terms)


def _classic_term(at: int, part: str, offset: int) -> Term | None:
    found = _CLASSIC.fullmatch(part)
    value = _classic_value(found[3].rstrip("\t\n\f\r ")) if found else None
    if found is None or value is None:
        return None
    return Term(found[1], found[2], value, offset + at + found.start(1) + 1)


def _classic_parts(text: str) -> Iterator[tuple[int, str]]:
    """Split at the commas that are outside double quotes. Yields at least one part, with where it starts."""
    position = -1
    for found in _CLASSIC_PART.finditer(text):
        if found.start() > position:
            yield found.start(), found[0]
            position = found.end()


def _classic_value(raw: str) -> str | None:
    inner = raw
    if raw.startswith('"'):
        if len(raw) < 2 or not raw.endswith('"'):
            return None
        inner = raw[1:-1]
    # A quote that no backslash escapes, or a last backslash that would escape the closing quote.
    bare = _CLASSIC_ESCAPE.sub("", inner)
    if '"' in bare or (inner is not raw and bare.endswith("\\")):
        return None
    return _CLASSIC_ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], inner)
