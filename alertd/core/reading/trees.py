"""Bodies of any kind, read into one tree of objects, lists, texts and numbers.

The body decides, not its content type, since half of all senders lie about that: `{`, `[` and `"` begin
JSON, `<` XML, `--` multipart; the rest is a form, and an empty body means the query string.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, TypeAlias
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, ParseError  # what defusedxml returns and raises

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from alertd.core.reading import json_repair
from alertd.core.reading.bodies import MAX_DEPTH, MAX_FIELDS, MAX_KEY, Body, Unreadable, clean

Tree: TypeAlias = Any  # what JSON can hold: dict, list, str, int, float, bool, None

UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_SPACE = b" \t\r\n\v\f"
_OWN_PARAMETERS = ("client", "token")
_ENVELOPES = ("data", "payload")  # a lone field of this name holds the whole document
_LINES_OF_JSON = re.compile(rb"\{[^\r\n]*\}[ \t]*(?:\r?\n)+[ \t]*\{")
_PART_NAME = re.compile(rb'^content-disposition:[^\r\n]*?\bname="([^"\r\n]*)"', re.IGNORECASE | re.MULTILINE)


def tree_of(body: Body) -> Tree:
    """Return the body as a tree of bounded depth and size.

    Raises:
        Unreadable: It is empty, or nothing that can be read.
    """
    raw = without_bom(body.raw).strip(_SPACE)
    if not raw:
        return normalised(_from_query(body))
    match raw[:1]:
        case b"{" | b"[" | b'"':
            return normalised(_from_json(raw))
        case b"<":
            return normalised(_from_xml(raw))
        case _:
            return normalised(
                _from_multipart(raw) if raw[:2] == b"--" else _from_form(raw, body.content_type)
            )


def without_bom(raw: bytes) -> bytes:
    """Return `raw` without a UTF-8 byte order mark.

    Raises:
        Unreadable: It has that of UTF-16.
    """
    if raw.startswith(_UTF16_BOMS):
        raise Unreadable("encoding", "the body is UTF-16; only UTF-8 can be read")
    return raw.removeprefix(UTF8_BOM)


def normalised(tree: Tree, depth: int = 1) -> Tree:
    """Return the tree with every text cleaned and every number one that can be stored.

    Raises:
        Unreadable: It is deeper than MAX_DEPTH, or an object has too many or too long keys.
    """
    if isinstance(tree, str):
        return clean(tree)
    if isinstance(tree, dict):
        return _object(tree, depth)
    if isinstance(tree, list):
        _check_depth(depth)
        return [normalised(each, depth + 1) for each in tree]
    return _number(tree)


def _object(tree: dict[str, Tree], depth: int) -> Tree:
    _check_depth(depth)
    if len(tree) > MAX_FIELDS:
        raise Unreadable("limits", f"an object has {len(tree)} fields; {MAX_FIELDS} are the limit")
    if any(len(key) > MAX_KEY for key in tree):
        raise Unreadable("limits", f"a key is longer than {MAX_KEY} characters")
    return {clean(key): normalised(value, depth + 1) for key, value in tree.items()}


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Unreadable("too_deep", f"nested deeper than {MAX_DEPTH} levels")


def _number(value: Tree) -> Tree:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return value


def _from_json(raw: bytes) -> Tree:
    try:
        tree = json_repair.decode(raw)
    except Unreadable:
        if _LINES_OF_JSON.match(raw):
            raise Unreadable(
                "syntax", "several JSON documents, one a line; only one a request can be read, or a list"
            ) from None
        raise
    if isinstance(tree, str):  # a client that serialised twice; unwrapped once and no more
        tree = json_repair.decode(tree.encode("utf-8", "replace"))
    if not isinstance(tree, (dict, list)):
        raise Unreadable("shape", "the JSON is neither an object nor a list")
    return tree


def _from_query(body: Body) -> Tree:
    pairs = [(name, value) for name, value in body.query if name not in _OWN_PARAMETERS]
    if not pairs:
        raise Unreadable("empty", "the body is empty")
    return _from_pairs(pairs)


def _from_form(raw: bytes, content_type: str) -> Tree:
    said_form = "x-www-form-urlencoded" in content_type.lower()
    if b"=" not in raw or (not said_form and any(byte in raw for byte in _SPACE)):
        raise Unreadable("syntax", "neither JSON nor XML nor a form")
    try:
        text = raw.decode()
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except UnicodeDecodeError:
        raise Unreadable("encoding", "the form is not UTF-8") from None
    except ValueError:
        raise Unreadable("limits", f"the form has more than {MAX_FIELDS} fields") from None
    return _from_pairs(pairs)


def _from_multipart(raw: bytes) -> Tree:
    boundary = raw.split(b"\n", 1)[0].rstrip(b"\r")
    pairs: list[tuple[str, str]] = []
    for part in raw.split(boundary)[1:]:
        head, gap, content = part.replace(b"\r\n", b"\n").partition(b"\n\n")
        name = _PART_NAME.search(head)
        if gap and name:
            pairs.append(
                (name[1].decode(errors="replace"), content.removesuffix(b"\n").decode(errors="replace"))
            )
    if not pairs:
        raise Unreadable("syntax", "the multipart body has no named part")
    return _from_pairs(pairs)


def _from_pairs(pairs: Iterable[tuple[str, str]]) -> Tree:
    """Join fields into an object; one that holds JSON becomes what it holds."""
    tree = _joined((name, _field(text)) for name, text in pairs)
    only = next(iter(tree)) if len(tree) == 1 else ""
    return tree[only] if only in _ENVELOPES and isinstance(tree[only], (dict, list)) else tree


def _joined(pairs: Iterable[tuple[str, Tree]]) -> dict[str, Tree]:
    """Join pairs into an object; a name that repeats holds the list of its values."""
    groups: dict[str, list[Tree]] = {}
    for name, value in pairs:
        groups.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in groups.items()}


def _field(text: str) -> Tree:
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return json_repair.decode(text.encode("utf-8", "replace"))
    except Unreadable:
        return text


def _from_xml(raw: bytes) -> Tree:
    try:
        root = fromstring(raw, forbid_dtd=True)
    except DefusedXmlException:
        raise Unreadable("syntax", "XML with a document type or entities of its own is not read") from None
    except (ParseError, LookupError, ValueError) as exc:
        raise Unreadable("syntax", f"not XML that can be read: {exc}") from None
    content = _element(root, 1)
    return content if isinstance(content, dict) else {"#text": content}


def _element(element: Element, depth: int) -> Tree:
    """Return a leaf as its text, anything else as an object: attributes as `@name`, text as `#text`."""
    _check_depth(depth)
    text = (element.text or "").strip()
    if not len(element) and not element.attrib:
        return text
    attributes = {f"@{_local(name)}": value for name, value in element.attrib.items()}
    children = _joined((_local(child.tag), _element(child, depth + 1)) for child in element)
    return attributes | children | ({"#text": text} if text else {})


def _local(name: str) -> str:
    return name.rpartition("}")[2]
