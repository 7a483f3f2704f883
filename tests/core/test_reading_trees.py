"""Bodies of any kind, read into one tree."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest

from alertd.core.reading.bodies import Body, Unreadable
from alertd.core.reading.trees import tree_of

FORM = "application/x-www-form-urlencoded"
MULTIPART = (
    b'--x1\r\nContent-Disposition: form-data; name="data"\r\nContent-Type: application/json\r\n\r\n'
    b'{"msg": "down"}\r\n--x1--\r\n'
)


def parts(**fields: str) -> bytes:
    body = "".join(f'--b\nContent-Disposition: form-data; name="{k}"\n\n{v}\n' for k, v in fields.items())
    return f"{body}--b--\n".encode()


@pytest.mark.parametrize(
    ("raw", "content_type", "tree"),
    [
        pytest.param(b'{"a": 1}', "text/plain", {"a": 1}, id="JSON, whatever the header says"),
        pytest.param(b' \n{"a": 1}', FORM, {"a": 1}, id="JSON sent as a form"),
        pytest.param(b"\xef\xbb\xbf[1]", "", [1], id="byte order mark"),
        pytest.param(b'"{\\"a\\": 1,}"', "", {"a": 1}, id="JSON in a string, unwrapped once, repaired"),
        pytest.param(b"a=1&b=x%20y&b=z", FORM, {"a": "1", "b": ["x y", "z"]}, id="form"),
        pytest.param(b"a=1&b=Down now", FORM, {"a": "1", "b": "Down now"}, id="form with raw spaces"),
        pytest.param(b"a=1", "", {"a": "1"}, id="form without a header"),
        pytest.param(b"a=%7B%22b%22%3A1%7D&c=%7Bx", FORM, {"a": {"b": 1}, "c": "{x"}, id="JSON in a field"),
        pytest.param(b"payload=%7B%22b%22%3A1%7D", FORM, {"b": 1}, id="envelope"),
        pytest.param(b"payload=x", FORM, {"payload": "x"}, id="no envelope"),
        pytest.param(
            MULTIPART, "multipart/form-data; boundary=x1", {"msg": "down"}, id="multipart, lone data"
        ),
        pytest.param(parts(a="1", b="[2]"), "", {"a": "1", "b": [2]}, id="multipart fields"),
        pytest.param(b"<a/>", "", {"#text": ""}, id="empty XML"),
        pytest.param(b"<a>x</a>", "", {"#text": "x"}, id="XML leaf"),
        pytest.param(
            b'<n:a xmlns:n="u" v="1"><n:b>x</n:b><c>1</c><c>2</c><d e="f">t</d></n:a>',
            "application/xml",
            {"@v": "1", "b": "x", "c": ["1", "2"], "d": {"@e": "f", "#text": "t"}},
            id="XML",
        ),
        pytest.param(b'{"a": "x\\u0000y\\ud800"}', "", {"a": "x\ufffdy\ufffd"}, id="NUL and lone surrogate"),
        pytest.param(b'{"a": 9223372036854775808}', "", {"a": "9223372036854775808"}, id="huge integer"),
        pytest.param(b'{"a": -9223372036854775808}', "", {"a": -(2**63)}, id="smallest integer"),
        pytest.param(b'{"a": 1e999, "b": 1.5}', "", {"a": None, "b": 1.5}, id="infinite"),
        pytest.param(b'{"a": "' + b"x" * 40_000 + b'"}', "", {"a": "x" * 32_768}, id="long value is cut"),
        pytest.param(b"[" * 32 + b"]" * 32, "", None, id="deepest"),
    ],
)
def test_tree(raw: bytes, content_type: str, tree: Any) -> None:
    found = tree_of(Body(raw=raw, content_type=content_type))
    assert tree is None or found == tree


def test_empty_body_means_the_query_string() -> None:
    query = (("token", "t"), ("client", "c"), ("msg", "x"), ("heartbeat", '{"status": 0}'))
    assert tree_of(Body(raw=b" \n", query=query)) == {"msg": "x", "heartbeat": {"status": 0}}


@pytest.mark.parametrize(
    ("raw", "content_type", "reason"),
    [
        (b"", "", "empty"),
        (b"\xef\xbb\xbf \n", "", "empty"),
        (b"\xff\xfe{\0}\0", "", "encoding"),
        (b"\xfe\xff\0{\0}", "", "encoding"),
        (b"a=\xff", FORM, "encoding"),
        (b"hello world", "text/plain", "syntax"),
        (b"a = b", "text/plain", "syntax"),
        (b"42", "application/json", "syntax"),
        (b'"just text"', "", "syntax"),
        (b'"42"', "", "shape"),
        (b'"\\"{}\\""', "", "shape"),
        (b"<a", "", "syntax"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "", "syntax"),
        (b'<?xml version="1.0" encoding="nonsense"?><a/>', "", "syntax"),
        (b"--b\nnothing here\n--b--", "", "syntax"),
        (b"--", "", "syntax"),
        (b"[" * 33 + b"]" * 33, "", "too_deep"),
        (b"<a>" * 33 + b"</a>" * 33, "", "too_deep"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "", "too_deep"),
        (b"{" + b",".join(b'"k%d":1' % n for n in range(201)) + b"}", "", "limits"),
        (b'{"' + b"k" * 257 + b'":1}', "", "limits"),
        (b"&".join(b"k%d=1" % n for n in range(201)), FORM, "limits"),
    ],
)
def test_unreadable(raw: bytes, content_type: str, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        tree_of(Body(raw=raw, content_type=content_type))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "raw",
    [
        b"<r>" + b"<a/>" * 60_000 + b"</r>",
        b"--b\n" * 60_000,
        b"[" + b"{}," * 80_000 + b"{}]",
        b"a=" + b"%41" * 80_000,
    ],
    ids=["xml", "multipart", "json", "form"],
)
def test_large_bodies_take_linear_time(raw: bytes) -> None:
    started = time.perf_counter()
    with contextlib.suppress(Unreadable):
        tree_of(Body(raw=raw, content_type=FORM))
    assert time.perf_counter() - started < 5  # 0.2 s measured
