"""The table of bad inputs, for every kind: read or refused with a reason, soon, and nothing lost."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from pydantic import TypeAdapter

from alertd.core.reading.bodies import Body, Reading, Unreadable
from alertd.core.sources import kinds
from tests.core.test_sources_mutations import check
from tests.payloads import Case, cases

NOW = datetime(2026, 9, 1, tzinfo=UTC)
SETTINGS: TypeAdapter[Any] = TypeAdapter(kinds.SourceSettings)
LONGEST_S = 10.0  # ten times what the slowest takes on a busy machine; what is quadratic takes a minute
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;">]><l>&c;</l>'
)
EXTERNAL = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><l>&a;</l>'

BODIES = {
    "empty": b"",
    "spaces": b" \r\n\t ",
    "not JSON": b"hello",
    "truncated": b'{"alerts":[{"lab',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a BOM alone": b"\xef\xbb\xbf",
    "100,000 brackets": b"[" * 100_000,
    "100,000 objects": b'{"a":' * 100_000,
    "50,000 balanced brackets": b"[" * 25_000 + b"]" * 25_000,
    "5,000 digits": b'{"alerts": ' + b"9" * 5000 + b"}",
    "an empty object": b"{}",
    "a list of nothing useful": b'[null, 1, "a", [], {}]',
    "a list of lists": b"[[[{}]]]",
    "a text": b'"text"',
    "null": b"null",
    "a number": b"1e999",
    "10,000 keys": b"{" + b",".join(b'"k%d":1' % number for number in range(10_000)) + b"}",
    "10,000 fields of a form": b"&".join(b"k%d=1" % number for number in range(10_000)),
    "a key of 64 KB": b'{"' + b"k" * 65_536 + b'": 1}',
    "NaN": b'{"a": NaN, "b": -Infinity, "c": 1e999}',
    "XML bomb": BOMB,
    "XML with an external entity": EXTERNAL,
    "XML of another shape": b"<a><b c='1'>d</b></a>",
    "XML nested": b"<a>" * 5000 + b"</a>" * 5000,
    "multipart without parts": b"--b\r\n\r\n--b--",
    "random bytes": bytes(range(256)) * 8,
    "quotes": b'"' * 100_001,
    "braces in texts": b'{"a": "' + b'{"' * 50_000,
    "a form of ampersands": b"a=" + b"&" * 100_000,
    "a row of numbers": b'{"title": "t", "description": "' + b"1,1" * 85_000 + b'"}',
    "18,000 small items": b"[" + b",".join([b'{"a.b": 1}'] * 18_000) + b"]",
    "a pattern's nightmare": json.dumps({"msg": "a" * 100_000 + "!", "status": "[" * 100_000}).encode(),
}
ODD: list[Any] = [
    *(None, True, "", " ", 0, -1, 2**63, 10**40, 1e308, [], {}, [[]], [None], {"": ""}, [{"a": {"b": [1]}}]),
    *("a\0b", "\ud800", "\x1b[31m\r\n", "=HYPERLINK(1)", "{{7*7}}${x}%s", "x" * 40_000, "é" * 20_000),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z", "-1", "1e999", "NaN"),
    *('{"a": "b"', '{"a": {"b": ' + "[" * 40 + "]" * 40 + "}}", "https://", "https://u:p@/x", "[::1]:80"),
]


@cache
def compiled(kind: str, given: str) -> kinds.Compiled:
    base = {"name": "s", "kind": kind, "token": {"env": "T"}}
    return kinds.compile_profile(SETTINGS.validate_python(base | json.loads(given)))


def read(kind: str, raw: bytes, *, case: Case | None = None, content_type: str = "") -> Reading | Unreadable:
    """Read as intake does; nothing but Unreadable may come out of it."""
    profile = compiled(kind, json.dumps(case.settings if case else {}))
    began = time.perf_counter()
    query = tuple(parse_qsl(case.query, keep_blank_values=True)) if case else ()
    body = Body(raw=kinds.redact(raw, profile), content_type=content_type, query=query, peer="192.0.2.7")
    try:
        reading = kinds.read(body, profile, received_at=NOW)
    except Unreadable as exc:
        return exc
    finally:
        assert time.perf_counter() - began < LONGEST_S
    for alert in reading.alerts:
        check(alert)
    return reading


def fingerprints(said: Reading | Unreadable) -> list[str]:
    assert isinstance(said, Reading), said
    return [alert.fingerprint for alert in said.alerts]


def firing(kind: str) -> list[Case]:
    """The payloads of a kind that are read whole."""
    return [case for case in cases(kind) if case.raw.strip() and case.alerts and not case.unreadable]


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("kind", kinds.KINDS)
def test_bodies_that_say_nothing(kind: str, name: str) -> None:
    for content_type in ("", "application/x-www-form-urlencoded"):
        said = read(kind, BODIES[name], content_type=content_type)
        # nothing is answered as taken and then forgotten
        assert isinstance(said, Unreadable) or said.alerts or said.problems


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_what_is_only_wrapped_is_read_all_the_same(kind: str) -> None:
    for case in firing(kind):
        plain = fingerprints(read(kind, case.raw, case=case, content_type=case.content_type))
        wraps = [b"\xef\xbb\xbf" + case.raw, b"\r\n  " + case.raw + b"\n"]
        if is_json(case.raw):
            wraps.append(json.dumps(case.raw.decode()).encode())
            wraps.append(json.dumps(json.loads(case.raw), indent=1, ensure_ascii=False).encode())
        for raw in wraps:
            assert len(fingerprints(read(kind, raw, case=case, content_type=case.content_type))) == len(plain)


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_the_content_type_decides_nothing(kind: str) -> None:
    for case in firing(kind):
        plain = len(fingerprints(read(kind, case.raw, case=case, content_type=case.content_type)))
        for content_type in ("text/plain", "application/json", "nonsense//"):
            if is_json(case.raw):
                assert len(fingerprints(read(kind, case.raw, case=case, content_type=content_type))) == plain


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_json_wrapped_twice_is_refused_or_read(kind: str) -> None:
    for case in firing(kind):
        said = read(kind, json.dumps(json.dumps(case.raw.decode(errors="replace"))).encode(), case=case)
        assert isinstance(said, Unreadable) or said.alerts or said.problems


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_a_list_at_the_top(kind: str) -> None:
    for case in firing(kind):
        said = read(kind, b"[" + case.raw + b"," + case.raw + b"]", case=case)
        assert isinstance(said, Unreadable) or said.alerts or said.problems


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_bytes_of_another_code_page(kind: str) -> None:
    for case in firing(kind):
        if is_json(case.raw):
            raw = case.raw.replace(b': "', b': "\xe4\xfc ', 3)
            said = read(kind, raw, case=case)
            assert isinstance(said, Unreadable) or said.alerts or said.problems


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_duplicate_keys(kind: str) -> None:
    for case in firing(kind):
        if is_json(case.raw) and case.raw.lstrip().startswith(b"{"):
            inner = case.raw.strip()[1:-1]
            said = read(kind, b"{" + inner + b"," + inner + b"}", case=case)
            assert isinstance(said, Unreadable) or said.alerts or said.problems


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_a_form_instead_of_json(kind: str) -> None:
    for case in firing(kind):
        tree = json.loads(case.raw) if is_json(case.raw) else None
        if isinstance(tree, dict):
            pairs = {
                name: json.dumps(value) if isinstance(value, (dict, list)) else value
                for name, value in tree.items()
            }
            said = read(kind, urlencode(pairs).encode(), case=case)
            assert isinstance(said, Unreadable) or said.alerts or said.problems


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_odd_values_in_every_place(kind: str) -> None:
    """Each value of a payload in turn is something that nobody expects there."""
    for case in firing(kind)[:3]:
        if not is_json(case.raw):
            continue
        tree = json.loads(case.raw)
        for place in list(places(tree))[:25]:
            for odd in ODD:
                said = read(kind, json.dumps(replaced(tree, place, odd)).encode(), case=case)
                if isinstance(said, Reading) and not (said.alerts or said.problems):
                    assert isinstance(odd, list), (case.name, place, odd)


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_every_value_may_be_missing(kind: str) -> None:
    for case in firing(kind)[:3]:
        tree = json.loads(case.raw) if is_json(case.raw) else None
        for place in places(tree):
            said = read(kind, json.dumps(without(tree, place)).encode(), case=case)
            assert isinstance(said, Unreadable) or said.alerts or said.problems


def is_json(raw: bytes) -> bool:
    try:
        return isinstance(json.loads(raw), (dict, list))
    except ValueError:
        return False


def places(tree: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every value of a tree that is in an object."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield (*at, name)
            yield from places(value, (*at, name))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from places(value, (*at, index))


def replaced(tree: Any, place: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(tree)
    node = changed
    for step in place[:-1]:
        node = node[step]
    node[place[-1]] = value
    return changed


def without(tree: Any, place: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(tree)
    node = changed
    for step in place[:-1]:
        node = node[step]
    del node[place[-1]]
    return changed
