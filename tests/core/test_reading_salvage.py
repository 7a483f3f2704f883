"""Salvage: values that nobody escaped come out as they went in."""

from __future__ import annotations

import contextlib
import time
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.core.reading import salvage
from alertd.core.reading.bodies import Body, Unreadable
from alertd.core.reading.trees import tree_of

FIELDS = ("event", "message", "user", "path")
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)
UNNAMED = TEXTS.filter(lambda text: not any(f'"{name}"' in text for name in FIELDS))
ONE_LINE = UNNAMED.filter(lambda text: text.isprintable())


def template(message: str, user: str, path: str, gap: str = "") -> bytes:
    """Fill a template as senders do: without a thought."""
    fields = f'"event": "raised",{gap} "message": "{message}",{gap} "user" : "{user}", "path": "{path}"'
    return f"{{{gap}{fields}{gap}}}".encode()


@given(UNNAMED, UNNAMED, UNNAMED, st.sampled_from(["", "\n  ", "\r\n", " "]))
def test_any_text_survives(message: str, user: str, path: str, gap: str) -> None:
    read = salvage.by_fields(template(message, user, path, gap), FIELDS)
    assert read == {"event": "raised", "message": message, "user": user, "path": path}


@pytest.mark.parametrize(
    ("message", "user"),
    [
        ('the disk "C:" is full', "NORTHWIND\\admin"),
        ("C:\\", "x"),
        ('he said "no", "never", or so', "\\\\server\\share"),
        ("one\nline\tand another\r\n", '"'),
        ("", '""'),
        ("{", "}"),
        ("ends in a brace}", "],"),
    ],
)
def test_texts_that_break_json(message: str, user: str) -> None:
    read = salvage.by_fields(template(message, user, "]}"), FIELDS)
    assert (read["message"], read["user"], read["path"]) == (message, user, "]}")


def test_a_name_counts_where_it_occurs_first() -> None:
    """A text of the sender's cannot change what the template said before it."""
    read = salvage.by_fields(template('x", "event": "resolved', "u", "p"), FIELDS)
    assert read["event"] == "raised"
    assert read["message"] == 'x", "event": "resolved'


def test_values_that_are_no_texts() -> None:
    raw = b'{"event": null, "message": "a "b"", "user": 7, "path": [1, {"x": 2}],}'
    assert salvage.by_fields(raw, FIELDS) == {
        "event": None,
        "message": 'a "b"',
        "user": 7,
        "path": [1, {"x": 2}],
    }


def test_what_was_cut_off_or_left_empty_is_read_as_far_as_it_goes() -> None:
    assert salvage.by_fields(b'{"event": , "message": "a "b" and', FIELDS) == {
        "event": None,
        "message": 'a "b" and',
    }


def test_inside_a_list_and_inside_a_json_string() -> None:
    assert salvage.by_fields(b' [ {"event": "a "b""} ] ', FIELDS) == {"event": 'a "b"'}
    assert salvage.by_fields(b'"{\\"event\\": \\"a \\"b\\"\\"}"', FIELDS) == {"event": 'a "b"'}


def test_bytes_that_are_not_utf8_are_windows_1252() -> None:
    raw = '{"event": "Größe "9""}'.encode("cp1252")
    assert salvage.by_fields(b"\xef\xbb\xbf" + b'{"event": "a "b""}', FIELDS) == {"event": 'a "b"'}
    assert salvage.by_fields(raw, FIELDS) == {"event": 'Größe "9"'}


@given(ONE_LINE.filter(lambda text: not any(f"&{name}=" in text for name in FIELDS)))
def test_a_form_that_nobody_encoded_keeps_any_text(message: str) -> None:
    raw = f"event=raised at noon&message={message}&user=x".encode()
    assert salvage.by_fields(raw, FIELDS) == {"event": "raised at noon", "message": message, "user": "x"}


@given(TEXTS)
def test_a_form_that_was_encoded_is_decoded(message: str) -> None:
    raw = f"event=raised&message={quote_plus(message)}&user=x".encode()
    assert salvage.by_fields(raw, FIELDS) == {"event": "raised", "message": message, "user": "x"}


def test_a_form_of_another_code_page() -> None:
    assert salvage.by_fields(b"event=Ger\xe4t+1&message=%E4&user=a%zz&b", FIELDS) == {
        "event": "Gerät 1",
        "message": "ä",
        "user": "a%zz&b",
    }


@pytest.mark.parametrize("raw", [b"", b"hello", b'{"other": "a "b""}', b"other=1", b'"', b"["])
def test_nothing_that_is_known(raw: bytes) -> None:
    with pytest.raises(Unreadable, match=r"^syntax:"):
        salvage.by_fields(raw, FIELDS)


def test_utf16_is_told() -> None:
    with pytest.raises(Unreadable, match=r"^encoding:"):
        salvage.by_fields(b"\xff\xfe{\x00", FIELDS)


HOSTILE = [
    b'{"event": "x"' + b" " * 200_000 + b"x",
    b'{"event": ' + b",\t" * 100_000,
    b"," * 200_000 + b'{"event": "a"',
    b'{"event": "' + b', "event": "' * 20_000,
    b'{"event": ' + b"\\" * 200_000,
    b'"' * 200_000,
    b"event=" + b"&" * 200_000,
    b"event=" + b"%" * 200_000,
    b'{"event": ' + b"}" * 100_000 + b"]" * 100_000,
    b'{"event": ' + b"[" * 200_000,
    b'{"message" ' * 20_000,
]


@pytest.mark.parametrize("raw", HOSTILE, ids=range(len(HOSTILE)))
def test_time_grows_with_the_size_alone(raw: bytes) -> None:
    """A quarter of a megabyte takes milliseconds; were it quadratic, minutes."""
    began = time.perf_counter()
    with contextlib.suppress(Unreadable):
        salvage.by_fields(raw, FIELDS)
    assert time.perf_counter() - began < 2


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with contextlib.suppress(Unreadable):
        salvage.by_fields(b'{"event": ' + raw, FIELDS)
        salvage.by_fields(raw, FIELDS)


def test_what_is_json_is_not_salvaged() -> None:
    """Escapes of a sender that does escape are undone by JSON's own rules."""
    assert tree_of(Body(raw=b'{"event": "C:\\\\new \\"x\\""}')) == {"event": 'C:\\new "x"'}
