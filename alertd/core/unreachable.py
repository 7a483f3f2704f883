"""Routes that no alert can ever reach: a line of configuration that means nothing, and so mostly a mistake.

What is found is certain; not everything is found. It rests on what can be enumerated: labels that are equal
to a value, or match a pattern that only lists words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import msgspec

from alertd.core.matchers import Matcher, Matchers
from alertd.core.routes import Route

# By label the values that it can have; a label that is not there can have any.
_Possible: TypeAlias = Mapping[str, frozenset[str]]


class Unreachable(msgspec.Struct, frozen=True):
    """A route that takes nothing, and neither do the routes below it. `reason` is half a sentence."""

    route_name: str
    reason: str

    def __str__(self) -> str:
        return f"route {self.route_name} can never take an alert: {self.reason}"


def unreachable(tree: Route) -> tuple[Unreachable, ...]:
    """Return the routes that can never be entered, the topmost of each branch, in the order of the file."""
    return tuple(_below(tree, ()))


def contradiction(matchers: Matchers) -> str:
    """Return why no labels can meet all of `matchers`, as half a sentence; empty if some may."""
    for name, values in _possible(matchers).items():
        if not values:
            said = " and ".join(str(each) for each in matchers if each.name == name)
            return f"{said} exclude one another"
    return ""


def _below(route: Route, above: Matchers) -> Iterator[Unreachable]:
    """Look at the children of a route that can be entered. `above`: what all that gets there has met."""
    earlier: list[Route] = []
    for child in route.routes:
        known = (*above, *child.matchers)
        if reason := contradiction(known) or _taken_before(earlier, known):
            yield Unreachable(child.name, reason)
            continue
        yield from _below(child, known)
        if not child.goes_on:
            earlier.append(child)


def _taken_before(earlier: list[Route], known: Matchers) -> str:
    """Say which earlier routes together take all that meets `known`; empty if that is not certain."""
    possible = _possible(known)
    if all_by := _taking(earlier, known, possible):
        return f"{all_by} before it takes all of that and does not continue"
    for name, values in possible.items():
        takers = [_taking(earlier, known, {**possible, name: frozenset({value})}) for value in sorted(values)]
        if all(takers):
            names = " and ".join(dict.fromkeys(takers))
            return f"{names} before it take all of that and do not continue"
    return ""


def _taking(earlier: list[Route], known: Matchers, possible: _Possible) -> str:
    return next((each.name for each in earlier if _implied(each.matchers, known, possible)), "")


def _implied(matchers: Matchers, known: Matchers, possible: _Possible) -> bool:
    return all(each in known or _always(each, possible) for each in matchers)


def _always(matcher: Matcher, possible: _Possible) -> bool:
    values = possible.get(matcher.name)
    return values is not None and all(matcher.matches({matcher.name: value}) for value in values)


def _possible(matchers: Matchers) -> _Possible:
    """Return the values that labels can have under `matchers`, for the labels where they can be listed."""
    listed = {each.name: values for each in matchers if (values := each.listed) is not None}
    return {
        name: frozenset(
            value
            for value in values
            if all(each.matches({name: value}) for each in matchers if each.name == name)
        )
        for name, values in listed.items()
    }
