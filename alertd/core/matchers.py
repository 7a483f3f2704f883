"""Matchers: conditions on labels, with Alertmanager's words and meaning.

`name="value"` and `name!="value"` compare; `name=~"pattern"` and `name!~"pattern"` match the whole value
against an RE2 pattern. A label that is absent is the same as an empty one.

As in Alertmanager the pattern is anchored as `^(?:pattern)$`, and `.` does not match a line break unless
the pattern says `(?s)`; Prometheus 3 differs there.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
import re2
from pydantic import BeforeValidator, PlainSerializer

from alertd.core import matcher_syntax
from alertd.core.matcher_syntax import MatcherError

__all__ = [
    "Labels",
    "Matcher",
    "MatcherError",
    "Matchers",
    "MatchersSetting",
    "Operator",
    "Predicate",
    "compile_pattern",
    "parse_matcher",
    "parse_matchers",
    "predicate",
    "print_matchers",
]

Labels: TypeAlias = Mapping[str, str]
Operator: TypeAlias = Literal["=", "!=", "=~", "!~"]
Predicate: TypeAlias = Callable[[Labels], bool]

_OPERATORS: dict[str, Operator] = {"=": "=", "!=": "!=", "=~": "=~", "!~": "!~"}

# Patterns that only list words, such as `critical|high`: a set answers forty times faster than RE2.
_WORDS = re.compile(r"[\w \-/:@#%&,;<>=!~'\"]*(?:\|[\w \-/:@#%&,;<>=!~'\"]*)*", re.ASCII)


def _quiet() -> Any:
    options = re2.Options()
    options.log_errors = False  # RE2 would write them to standard error itself
    return options


_QUIET = _quiet()


def compile_pattern(pattern: str) -> Any:
    """Compile an RE2 pattern as it stands, not anchored. The result has `search` and `fullmatch`.

    Raises:
        MatcherError: RE2 refuses the pattern; the message says why.
    """
    try:
        return re2.compile(pattern, _QUIET)
    except (re2.error, UnicodeEncodeError) as exc:
        why = exc.args[0]
        detail = why.decode(errors="replace") if isinstance(why, bytes) else "it is not valid Unicode"
        raise MatcherError(f"{pattern!r} is not an RE2 pattern: {detail}") from None


class Matcher(msgspec.Struct, frozen=True, dict=True):
    """One condition on one label. Compiled when made; equal if name, operator and value are.

    Raises:
        MatcherError: The name is empty, or the value is not a pattern RE2 takes.
    """

    name: str
    operator: Operator
    value: str

    def __post_init__(self) -> None:
        if not self.name:
            raise MatcherError("a label name may not be empty")
        self.__dict__["test"] = _test(self)

    @property
    def is_equal(self) -> bool:
        """Whether it accepts what equals or matches, rather than the rest."""
        return self.operator in ("=", "=~")

    @property
    def is_regex(self) -> bool:
        """Whether the value is a pattern."""
        return self.operator in ("=~", "!~")

    @property
    def listed(self) -> frozenset[str] | None:
        """The only values it accepts: its own, or the words that its pattern lists. None: any number."""
        if self.operator == "=":
            return frozenset({self.value})
        return _listed(self.value) if self.operator == "=~" else None

    def matches(self, labels: Labels) -> bool:
        """Whether `labels` meet the condition."""
        test: Predicate = self.__dict__["test"]
        return test(labels)

    def __str__(self) -> str:
        """Write it so that `parse_matcher` reads it back, and Alertmanager too."""
        name = matcher_syntax.quote(self.name) if matcher_syntax.needs_quotes(self.name) else self.name
        return f"{name}{self.operator}{matcher_syntax.quote(self.value)}"


Matchers: TypeAlias = tuple[Matcher, ...]


def parse_matchers(text: str) -> Matchers:
    """Read matchers separated by commas, in braces or not; empty text has none.

    Raises:
        MatcherError: One sentence saying what is wrong, and at which character.
    """
    return tuple(_matcher(term) for term in matcher_syntax.read(text))


def parse_matcher(text: str) -> Matcher:
    """Read exactly one matcher without braces, as in a `filter=` of the v2 API.

    As in Alertmanager a comma outside quotes is then part of the value, where the classic syntax fits.

    Raises:
        MatcherError: It is none, or more than one.
    """
    term = matcher_syntax.read_one(text)
    if term is None:
        raise MatcherError("expected one matcher, found none or several")
    return _matcher(term)


def print_matchers(matchers: Iterable[Matcher]) -> str:
    """Return the text in braces that `parse_matchers` reads back."""
    return "{" + ",".join(map(str, matchers)) + "}"


def predicate(matchers: Iterable[Matcher]) -> Predicate:
    """Return one fast test for all of `matchers` together; true where there are none."""
    tests: list[Predicate] = [each.__dict__["test"] for each in matchers]
    if not tests:
        return lambda labels: True
    return functools.reduce(_both, tests)


def _both(first: Predicate, second: Predicate) -> Predicate:
    return lambda labels: first(labels) and second(labels)


def _matcher(term: matcher_syntax.Term) -> Matcher:
    try:
        return Matcher(term.name, _OPERATORS[term.operator], term.value)
    except MatcherError as exc:
        raise MatcherError(f"{exc} (at character {term.at})") from None


def _test(matcher: Matcher) -> Predicate:
    name, value = matcher.name, matcher.value
    match matcher.operator:
        case "=":
            return lambda labels: labels.get(name, "") == value
        case "!=":
            return lambda labels: labels.get(name, "") != value
        case "=~":
            accepts = _whole_match(value)
            return lambda labels: accepts(labels.get(name, ""))
        case _:
            refuses = _whole_match(value)
            return lambda labels: not refuses(labels.get(name, ""))


def _listed(pattern: str) -> frozenset[str] | None:
    return frozenset(pattern.split("|")) if _WORDS.fullmatch(pattern) else None


def _whole_match(pattern: str) -> Callable[[str], bool]:
    words = _listed(pattern)
    if words is not None:
        return words.__contains__
    try:
        # Bytes in and out spare RE2's wrapper the counting of characters: a third of the time.
        search = re2.compile(f"^(?:{pattern})$".encode(), _QUIET).search
    except (re2.error, UnicodeEncodeError):
        compile_pattern(pattern)  # refuses with a message that shows the pattern as written
        raise MatcherError(f"{pattern!r} is not an RE2 pattern") from None
    return lambda value: search(value.encode("utf-8", "replace")) is not None


def _read_setting(value: Any) -> Matchers:
    """Read the list of texts in a configuration file; each may hold several matchers, all must match."""
    texts = value if isinstance(value, (list, tuple)) else None
    if texts is None:
        raise ValueError("""should be a list such as ['severity="critical"', 'client!=""']""")
    found: list[Matcher] = []
    for each in texts:
        found.extend(_read_one(each))
    return tuple(found)


def _read_one(value: Any) -> Matchers:
    if isinstance(value, Matcher):
        return (value,)
    text = value if isinstance(value, str) else None
    if text is None:
        raise ValueError("""each matcher should be text such as 'severity="critical"'""")
    return parse_matchers(text)


MatchersSetting = Annotated[
    Matchers,
    BeforeValidator(_read_setting),
    PlainSerializer(lambda matchers: [str(each) for each in matchers]),
]
