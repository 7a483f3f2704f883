"""Matchers: meaning, printing, settings."""

from __future__ import annotations

import contextlib
import timeit

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from alertd.core.matchers import (
    Matcher,
    MatcherError,
    Matchers,
    MatchersSetting,
    Operator,
    compile_pattern,
    parse_matcher,
    parse_matchers,
    predicate,
    print_matchers,
)
from alertd.core.settings import Section

LABELS = {"alertname": "DiskFull", "severity": "critical", "text": "line\nbreak", "city": "Zürich"}


@pytest.mark.parametrize(
    ("text", "accepts"),
    [
        ('severity="critical"', True),
        ('severity="Critical"', False),
        ('severity!="critical"', False),
        ('severity!="info"', True),
        ('severity=~"critical|high"', True),
        ('severity=~"crit"', False),
        ('severity=~"crit.*"', True),
        ('severity=~"c|[a-z]+"', True),
        ('severity!~"crit.*"', False),
        ('severity!~"high|low"', True),
        ('team=""', True),
        ('team!="a"', True),
        ('team=~""', True),
        ('team=~".+"', False),
        ('team!~".+"', True),
        ('severity=~"(?i)CRITICAL"', True),
        ('text=~"line.break"', False),
        ('text=~"(?s)line.break"', True),
        ('text=~"line"', False),
        ('city=~"Z.rich"', True),
        ('city=~"Z\\\\pLrich"', True),
    ],
)
def test_meaning(text: str, accepts: bool) -> None:
    assert parse_matcher(text).matches(LABELS) is accepts


def test_a_lone_surrogate_in_a_label_harms_nobody() -> None:
    assert parse_matcher('a=~".+"').matches({"a": "\ud800"})


def test_all_must_accept() -> None:
    both = parse_matchers('severity="critical",alertname=~"Disk.*",team=""')
    assert predicate(both)(LABELS)
    assert not predicate(both)(LABELS | {"team": "x"})
    assert predicate(both[:1])(LABELS)
    assert predicate(())({})


@pytest.mark.parametrize(
    ("operator", "is_equal", "is_regex"),
    [("=", True, False), ("!=", False, False), ("=~", True, True), ("!~", False, True)],
)
def test_operator_in_the_api_s_words(operator: Operator, is_equal: bool, is_regex: bool) -> None:
    matcher = Matcher("a", operator, "b")
    assert (matcher.is_equal, matcher.is_regex) == (is_equal, is_regex)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a="1", b=~"("', "'(' is not an RE2 pattern: missing ): ( (at character 8)"),
        ('a=~"(?=x)"', "'(?=x)' is not an RE2 pattern: invalid perl operator: (?= (at character 1)"),
        ('a!~"x)(y"', None),
        ('""="x"', "a label name may not be empty (at character 1)"),
    ],
)
def test_refused(text: str, message: str | None) -> None:
    if message is None:  # as in Alertmanager, the anchors go around whatever stands there
        assert parse_matcher(text).matches({"a": "z"})
        return
    with pytest.raises(MatcherError) as caught:
        parse_matchers(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["", '"a"=1,b=2', "{a=1}", "a=1}", '{a="1"'])
def test_exactly_one(text: str) -> None:
    with pytest.raises(MatcherError, match="one matcher"):
        parse_matcher(text)


def test_a_comma_belongs_to_the_value_of_the_one_matcher() -> None:
    assert parse_matcher("a=1,b=2") == Matcher("a", "=", "1,b=2")
    assert parse_matcher('"a b"=1,') == Matcher("a b", "=", "1")


@pytest.mark.parametrize("pattern", ["(", "\ud800", "a)(b"])
def test_compile_pattern_refuses(pattern: str) -> None:
    with pytest.raises(ValueError, match="is not an RE2 pattern"):
        compile_pattern(pattern)


def test_a_pattern_that_is_not_unicode() -> None:
    with pytest.raises(MatcherError, match="not valid Unicode"):
        Matcher("a", "=~", "\ud800.")


def test_a_pattern_that_only_the_anchors_break() -> None:
    with pytest.raises(MatcherError, match="is not an RE2 pattern"):
        Matcher("a", "=~", r"\Qa")  # a quotation that swallows the anchors' closing bracket


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
plain = st.builds(Matcher, texts.filter(bool), st.sampled_from(["=", "!="]), texts)
patterns = st.builds(
    Matcher, texts.filter(bool), st.sampled_from(["=~", "!~"]), st.sampled_from(["a|b", "x.*", "\\d"])
)


@given(st.lists(plain | patterns, max_size=4))
def test_what_is_printed_is_read_back(matchers: list[Matcher]) -> None:
    assert parse_matchers(print_matchers(matchers)) == tuple(matchers)


@given(plain | patterns)
@example(Matcher("\x1f0", "=", ""))  # Python would call that a space
@example(Matcher("\u20000", "=", "\u2000"))
def test_one_is_read_back_without_braces(matcher: Matcher) -> None:
    assert parse_matcher(str(matcher)) == matcher


@given(texts)
def test_no_text_does_worse_than_being_refused(text: str) -> None:
    with contextlib.suppress(MatcherError):
        parse_matchers(text)


def test_stored_and_read_back() -> None:
    matcher = parse_matcher('severity=~"c.*"')
    again = msgspec.json.decode(msgspec.json.encode(matcher), type=Matcher)
    assert again == matcher
    assert again.matches(LABELS)


class Example(Section):
    matchers: MatchersSetting = ()


def test_setting() -> None:
    example = Example.model_validate({"matchers": ['a="1",b="2"', 'c=~"x"', Matcher("d", "=", "4")]})
    assert example.model_dump()["matchers"] == ['a="1"', 'b="2"', 'c=~"x"', 'd="4"']


@pytest.mark.parametrize(
    ("value", "message"),
    [('a="1"', "should be a list"), ([1], "each matcher should be text"), (["a"], "expected =, !=")],
)
def test_setting_refused(value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Example.model_validate({"matchers": value})


def test_speed() -> None:
    matchers: Matchers = parse_matchers('severity="critical"')
    accepts = predicate(matchers)
    best = min(timeit.repeat(lambda: accepts(LABELS), number=1000, repeat=5)) / 1000
    assert best < 10e-6  # 0.1 µs measured; the promise is 1 µs
