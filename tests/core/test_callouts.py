"""Call-outs: Autotask's signature over odd characters, and the little that is read."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alertd.core.callouts import Callout, NoCallout, escaped, is_signed, read_callout, sign
from alertd.core.secret import Secret

SECRET = Secret("callout-secret-0123456789")
ODD = st.text(st.sampled_from("&<>'\"`+\\/é漢🙂\u2028\u0000\n a1{}:,\x7f"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ODD,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ODD, inner, max_size=4),
    max_leaves=20,
)


def written(value: Any, *, ascii_only: bool = False, **more: Any) -> bytes:
    return json.dumps(value, ensure_ascii=ascii_only, **more).encode()


def mac(body: bytes) -> str:
    digest = hmac.new(b"callout-secret-0123456789", body, hashlib.sha1).digest()
    return "sha1=" + base64.b64encode(digest).decode()


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        ('{"a":"Tom & Jerry"}', '{"a":"Tom \\u0026 Jerry"}'),
        ("""{"a":"<b>it's `x`</b>"}""", '{"a":"\\u003Cb\\u003Eit\\u0027s \\u0060x\\u0060\\u003C/b\\u003E"}'),
        (r'{"a":"say \"no\""}', r'{"a":"say \u0022no\u0022"}'),
        (r'{"a":"C:\\"}', r'{"a":"C:\\"}'),
        (r'{"a":"\\\""}', r'{"a":"\\\u0022"}'),
        ('{"a":"+1 555","n":1e+5}', '{"a":"\\u002B1 555","n":1e+5}'),
        ('{"a":"Zürich 漢 🙂"}', '{"a":"Z\\u00FCrich \\u6F22 \\uD83D\\uDE42"}'),
        (r'{"a":"\u00e9\n\/"}', r'{"a":"\u00E9\n\/"}'),
        ('{"é":"unclosed é', '{"\\u00E9":"unclosed \\u00E9'),
        ('{"a":"unclosed \\', '{"a":"unclosed \\'),
    ],
)
def test_the_form_that_is_signed(raw: str, form: str) -> None:
    assert escaped(raw.encode()) == form.encode()


@given(VALUES)
@example({"a": '\\"&'})
def test_escaping_changes_no_value_and_leaves_only_ascii(value: Any) -> None:
    form = escaped(written(value))
    assert json.loads(form) == value
    assert form.isascii()
    assert not set(b"&<>'`") & set(form)
    assert escaped(form) == form


@given(VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_what_is_signed_is_recognised_however_the_body_was_written(
    value: Any, ascii_only: bool, indent: int | None
) -> None:
    body = written(value, ascii_only=ascii_only, indent=indent)
    assert is_signed(body, sign(body, SECRET), SECRET)
    assert is_signed(body, mac(body), SECRET)


@pytest.mark.parametrize("form", [r'{"a":"\u001f \u0026"}', r'{"a":"\u001F \u0026"}'])
def test_escapes_that_a_body_has_already_may_be_signed_as_they_came(form: str) -> None:
    assert is_signed(rb'{"a":"\u001f &"}', mac(form.encode()), SECRET)


@given(VALUES, VALUES)
def test_another_value_has_another_signature(one: Any, other: Any) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert same or not is_signed(written(other), sign(written(one), SECRET), SECRET)


@given(st.binary())
def test_any_bytes_can_be_signed_and_no_other_secret_passes(body: bytes) -> None:
    assert is_signed(body, sign(body, SECRET), SECRET)
    assert not is_signed(body, sign(body, Secret("another")), SECRET)


@pytest.mark.parametrize("signature", ["", "sha1=", "sha1=é", "sha256=AAAA", "sha1=AAAA", "AAAA"])
def test_no_signature_is_none(signature: str) -> None:
    assert not is_signed(b"{}", signature, SECRET)


def test_the_bare_digest_without_its_scheme_is_refused() -> None:
    assert not is_signed(b"{}", sign(b"{}", SECRET).removeprefix("sha1="), SECRET)


@pytest.mark.parametrize("body", [b'"' * 262_144, b'{"a":"' + b'\\"' * 131_072, b"\\" * 262_144])
def test_a_body_made_to_be_slow_is_not(body: bytes) -> None:
    began = time.perf_counter()
    escaped(body)
    assert time.perf_counter() - began < 5.0  # quadratic would take minutes


def test_reading_a_ticket_event() -> None:
    body = written(
        {
            "Action": "Update",
            "Guid": "0f0e",
            "EntityType": "Ticket",
            "Id": 101,
            "Fields": {"Status": "Complete"},
            "EventTime": "2026-03-05T09:12:44Z",
            "SequenceNumber": 42,
            "PersonID": 29682886,
        }
    )
    assert read_callout(body) == Callout("update", 101, "0f0e", 42)


def test_reading_a_deactivation_and_another_entity() -> None:
    assert read_callout(b'{"Action":"Deactivated"}').is_deactivation
    assert read_callout(b'{"Action":"Update","EntityType":"Account","Id":7}').ticket_id is None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"\xff", b'{"Action":7}', b'{"Action":"Update","Id":[]}', b"[" * 100_000]
)
def test_what_is_no_callout(body: bytes) -> None:
    with pytest.raises(NoCallout):
        read_callout(body)


@given(st.binary() | VALUES.map(written))
def test_reading_never_fails_otherwise(body: bytes) -> None:
    try:
        read_callout(body)
    except NoCallout:
        return
