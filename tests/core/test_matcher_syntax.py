"""How matchers are written: both syntaxes, and what is refused."""

from __future__ import annotations

import pytest

from alertd.core.matcher_syntax import MatcherError, needs_quotes, quote, read


def terms(text: str) -> list[tuple[str, str, str]]:
    return [(term.name, term.operator, term.value) for term in read(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("{}", [], id="empty braces"),
        pytest.param("foo=bar", [("foo", "=", "bar")], id="bare"),
        pytest.param(' foo = "bar" ', [("foo", "=", "bar")], id="spaces around"),
        pytest.param('{foo="bar",}', [("foo", "=", "bar")], id="braces and a last comma"),
        pytest.param(
            "a=1,b!=2,c=~3,d!~4",
            [("a", "=", "1"), ("b", "!=", "2"), ("c", "=~", "3"), ("d", "!~", "4")],
            id="all operators",
        ),
        pytest.param('"a b"="c,d"', [("a b", "=", "c,d")], id="quoted name"),
        pytest.param("föö=bär", [("föö", "=", "bär")], id="UTF-8 bare name"),
        pytest.param('a=""', [("a", "=", "")], id="empty value in quotes"),
        pytest.param("a=", [("a", "=", "")], id="empty value, classic"),
        pytest.param("a=,b=c", [("a", "=", ""), ("b", "=", "c")], id="empty value before another, classic"),
        pytest.param('a=~"srv\\d+"', [("a", "=~", "srv\\d+")], id="back-slash that Go refuses, classic"),
        pytest.param('a=~"\\bx"', [("a", "=~", "\\bx")], id="both read it, classic wins"),
        pytest.param('a="x\\ny\\"z\\\\"', [("a", "=", 'x\ny"z\\')], id="escapes both know"),
        pytest.param('a="line\nbreak"', [("a", "=", "line\nbreak")], id="raw line break, classic"),
        pytest.param("a=b=c", [("a", "=", "b=c")], id="reserved character in a bare value, classic"),
        pytest.param("a='x'", [("a", "=", "'x'")], id="single quotes are part of the value, classic"),
        pytest.param(
            "a=x\\,b=y", [("a", "=", "x\\"), ("b", "=", "y")], id="a back-slash does not guard a comma"
        ),
        pytest.param(
            "a=x\\\\,b=y", [("a", "=", "x\\"), ("b", "=", "y")], id="escaped back-slash in a bare value"
        ),
        pytest.param('"é"="\\x41\\101\\u00e9\\U0001F600\\t"', [("é", "=", "AAé😀\t")], id="Go's escapes"),
        pytest.param('"é"="a\\"b"', [("é", "=", 'a"b')], id="escaped quote"),
        pytest.param('"é"="\\xc3\\xa9"', [("é", "=", "é")], id="bytes that make UTF-8"),
        pytest.param('a="b\\\\"', [("a", "=", "b\\")], id="escaped back-slash before the closing quote"),
    ],
)
def test_read(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{foo=bar", "the opening brace is never closed (at character 1)"),
        ("  {foo=bar", "the opening brace is never closed (at character 3)"),
        (
            "foo=bar}",
            "a closing brace has no opening one; a value that ends in } needs quotes (at character 8)",
        ),
        ("foo", "expected =, !=, =~ or !~ after foo, found the end (at character 4)"),
        ("foo bar", "expected =, !=, =~ or !~ after foo, found bar (at character 5)"),
        ('a="b', "the quoted text never ends (at character 3)"),
        ('{a="b}', "the quoted text never ends (at character 4)"),
        ('a="b"c', "expected a comma between matchers, found c (at character 6)"),
        ('a="b", {', "{ is not allowed outside double quotes (at character 8)"),
        ("=b", "expected a label name, found = (at character 1)"),
        (",", "expected a label name, found , (at character 1)"),
        ("a=b,,", "expected a label name, found , (at character 5)"),
        ('"é"=', 'expected a value ("" for an empty one), found the end (at character 5)'),
        ('"é"="\\q"', "\\q is not an escape; write \\\\ for a backslash (at character 6)"),
        ('"é"="\\U00110000"', "\\U00110000 is not an escape; write \\\\ for a backslash (at character 6)"),
        ('"é"="\\xff"', 'the escapes in "\\xff" do not make valid UTF-8 (at character 5)'),
        ('"é"="\\ud800"', 'the escapes in "\\ud800" do not make valid UTF-8 (at character 5)'),
        ('"é"="a\nb"', "a line break inside quotes is written \\n (at character 5)"),
        ('a="b"c"', "expected a comma between matchers, found c (at character 6)"),
        ('a=b"c"', 'expected a comma between matchers, found "c" (at character 4)'),
        ('a="', "the quoted text never ends (at character 3)"),
        ('a="\\', "the quoted text never ends (at character 3)"),
        ('é="a\\', "the quoted text never ends (at character 3)"),
        ('a="b\\"', "the quoted text never ends (at character 3)"),
    ],
)
def test_refused_with_position(text: str, message: str) -> None:
    with pytest.raises(MatcherError) as caught:
        read(text)
    assert str(caught.value) == message


def test_where_a_term_starts() -> None:
    assert [term.at for term in read('{a="1", b="2"}')] == [2, 9]
    assert [term.at for term in read("a=, b=")] == [1, 5]


def test_quote() -> None:
    assert quote('a\\b\n"c"') == '"a\\\\b\\n\\"c\\""'


@pytest.mark.parametrize(
    ("name", "needed"), [("föö.bar", False), ("a b", True), ("a=b", True), ("a\u00a0b", True)]
)
def test_needs_quotes(name: str, needed: bool) -> None:
    assert needs_quotes(name) is needed
