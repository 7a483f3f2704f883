"""Alertmanager's words as ours: route names, and labels that alertd fills in itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from alertd.config.importing.reading import Imported, ImportedRoute, Remark
from alertd.core.alerts import Severity
from alertd.core.matchers import Matcher, Matchers
from alertd.core.route_settings import IMPLICIT_PREFIX

NameByPlace: TypeAlias = Mapping[tuple[int, ...], str]

ROOT = "root"
_LONGEST_NAME = 80
_MAY_DIFFER = "may accept other alerts than in Alertmanager: label"
_OF_SEVERITY = (
    "severity is critical, high, warning, low or info here; another word that was sent is sent_severity"
)
_OUR_SEVERITIES = frozenset(Severity)
_SPECIAL = frozenset("\\.+*?()[]{}^$")


def route_names(root: ImportedRoute) -> NameByPlace:
    """Return a unique name for each route by its place: the numbers of the children that lead to it.

    A route is named for its matchers, or else for its receiver; where two would be named alike each takes the
    name of its parent before its own, and then a number. So a name changes only with the route itself.
    """
    own = {place: _own_name(route) for place, route in _placed(root)}
    own[()] = ROOT
    counts = Counter(own.values())
    names: dict[tuple[int, ...], str] = {}
    taken = {name for name, count in counts.items() if count == 1}
    for place, name in own.items():
        alone = counts[name] == 1 or not place
        names[place] = name if alone else _free(_longer(names, place, name), taken)
        taken.add(names[place])
    return names


def _placed(
    route: ImportedRoute, place: tuple[int, ...] = ()
) -> Iterator[tuple[tuple[int, ...], ImportedRoute]]:
    yield place, route
    for number, child in enumerate(route.routes):
        yield from _placed(child, (*place, number))


def _own_name(route: ImportedRoute) -> str:
    said = ", ".join(f"{each.name}{each.operator}{each.value}" for each in route.matchers)
    name = " ".join((said or route.receiver or "everything").split())[:_LONGEST_NAME]
    return f"route {name}" if name.startswith(IMPLICIT_PREFIX) else name or "unnamed"


def _longer(names: NameByPlace, place: tuple[int, ...], name: str) -> str:
    return f"{names[place[:-1]]} / {name}" if len(place) > 1 else name


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    return free


def as_sent(matchers: Matchers) -> Matchers:
    """Return matchers that mean the labels as Alertmanager saw them.

    Label `severity` holds one of five words here, and a word that is none of them is kept as `sent_severity`;
    label `source` is the name of the source here, and another value that was sent is `sent_source`.
    """
    return tuple(Matcher(_sent_name(each), each.operator, each.value) for each in matchers)


def _sent_name(matcher: Matcher) -> str:
    if matcher.name == "source" and matcher.value:
        return "sent_source"
    words = _words(matcher)
    if matcher.name == "severity" and words and not words & _OUR_SEVERITIES:
        return "sent_severity"
    return matcher.name


def _words(matcher: Matcher) -> frozenset[str]:
    """Return all values that it names; none where it is a pattern of another kind, or names the empty one."""
    words = frozenset(matcher.value.split("|") if matcher.is_regex else [matcher.value])
    unclear = "" in words or (matcher.is_regex and any(_SPECIAL & set(word) for word in words))
    return frozenset() if unclear else words


def label_remarks(imported: Imported) -> list[Remark]:
    """Return what a person should look at: matchers on labels whose values are others here."""
    found = [
        Remark(line, "matchers", what)
        for line, matchers in _all_matchers(imported)
        for matcher in matchers
        if (what := _label_remark(matcher))
    ]
    return list(dict.fromkeys(found))


def _all_matchers(imported: Imported) -> Iterator[tuple[int, Matchers]]:
    for _, route in _placed(imported.route):
        yield route.line, route.matchers
    for rule in imported.inhibitions:
        yield rule.line, (*rule.source, *rule.target)


def _label_remark(matcher: Matcher) -> str:
    name = matcher.name
    if _sent_name(matcher) != name:
        return f"{matcher} now asks label {_sent_name(matcher)}, which holds what was sent"
    if name == "severity":
        words = _words(matcher)
        return "" if words and words <= _OUR_SEVERITIES else f"{matcher} {_MAY_DIFFER} {_OF_SEVERITY}"
    if name in ("client", "host", "source"):
        return (
            f"{matcher} {_MAY_DIFFER} {name} is filled in here; a sent value that was changed is sent_{name}"
        )
    return ""
