"""Routes that no alert can reach: what is found, and that nothing is found that can be reached."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.core.matchers import parse_matchers
from alertd.core.route_settings import RootRouteSettings
from alertd.core.routes import Route, build_tree, match
from alertd.core.unreachable import contradiction, unreachable


def tree(*routes: dict[str, Any], sources: dict[str, str] | None = None) -> Route:
    return build_tree(RootRouteSettings.model_validate({"board": "noc", "routes": list(routes)}), sources)


def route(name: str, *matchers: str, below: tuple[dict[str, Any], ...] = (), **rest: Any) -> dict[str, Any]:
    return {"name": name, "matchers": list(matchers), "routes": list(below)} | rest


FINE = [
    pytest.param((route("a", "x=1"), route("b", "x=2")), id="another value"),
    pytest.param((route("a", "x=1"),), id="alone"),
    pytest.param((route("a", "x=1", **{"continue": True}), route("b", "x=1")), id="the first continues"),
    pytest.param((route("a", "x=1", "y=1"), route("b", "x=1")), id="the first asks more"),
    pytest.param((route("a", 'x=~"1|2"'), route("b", 'x=~"1|2|3"')), id="one word is left"),
    pytest.param((route("a", "x=1"), route("b", 'x=~"1|2"'), route("c", 'x=~"2|3"')), id="or another"),
    pytest.param((route("a", 'x=~"1.*"'), route("b", 'x=~"1."')), id="patterns are not compared"),
    pytest.param((route("a", "x=1", below=(route("b", 'x!="2"'),)),), id="below, and always"),
    pytest.param((route("a", 'x=""'), route("b", 'x!=""')), id="absent, and there"),
    pytest.param((route("a", 'x!="1"', 'x!~"1.*"'),), id="only exclusions"),
]


@pytest.mark.parametrize("routes", FINE)
def test_what_can_be_reached(routes: tuple[dict[str, Any], ...]) -> None:
    assert unreachable(tree(*routes)) == ()


FOUND = [
    pytest.param(
        (route("a"), route("b", "x=1")),
        "route b can never take an alert: a before it takes all of that and does not continue",
        id="the first takes everything",
    ),
    pytest.param(
        (route("a", "x=1"), route("b", "y=1", "x=1")),
        "route b can never take an alert: a before it takes all of that and does not continue",
        id="the same matcher and more",
    ),
    pytest.param(
        (route("a", 'x=~"1.*"'), route("b", 'x=~"12|13"')),
        "route b can never take an alert: a before it takes all of that and does not continue",
        id="all its words match",
    ),
    pytest.param(
        (route("a", 'x!="2"'), route("b", "x=1")),
        "route b can never take an alert: a before it takes all of that and does not continue",
        id="its value is not excluded",
    ),
    pytest.param(
        (route("a", "x=1"), route("b", "x=2"), route("c", 'x=~"1|2"')),
        "route c can never take an alert: a and b before it take all of that and do not continue",
        id="several take it all",
    ),
    pytest.param(
        (route("a", "x=1", 'x=~"2|3"'),),
        'route a can never take an alert: x="1" and x=~"2|3" exclude one another',
        id="no value is left",
    ),
    pytest.param(
        (route("a", "x=1", "x!=1"),),
        'route a can never take an alert: x="1" and x!="1" exclude one another',
        id="the value is excluded",
    ),
    pytest.param(
        (route("a", "x=1", below=(route("b", "x=2", below=(route("c"),)),)),),
        'route b can never take an alert: x="1" and x="2" exclude one another',
        id="against its parent, and told once for all below",
    ),
    pytest.param(
        (route("a", "x=1", below=(route("b", "x=1"), route("c", "y=1"))),),
        "route c can never take an alert: b before it takes all of that and does not continue",
        id="the parent's matcher counts for its children",
    ),
]


@pytest.mark.parametrize(("routes", "told"), FOUND)
def test_what_cannot_be_reached(routes: tuple[dict[str, Any], ...], told: str) -> None:
    assert [str(each) for each in unreachable(tree(*routes))] == [told]


def test_a_source_with_a_board_of_its_own_comes_first() -> None:
    [found] = unreachable(tree(route("a", "source=bell"), route("b", "x=1"), sources={"bell": "field"}))
    assert (found.route_name, found.reason.split(" before")[0]) == ("a", "source:bell")


def test_matchers_alone() -> None:
    assert contradiction(parse_matchers('a=1,a=~"1|2",b!=1')) == ""
    assert contradiction(()) == ""
    assert contradiction(parse_matchers('a=1,b=2,b!~"2"')) == 'b="2" and b!~"2" exclude one another'


MATCHERS = st.lists(
    st.tuples(
        st.sampled_from("xyz"),
        st.sampled_from(["=", "!=", "=~", "!~"]),
        st.sampled_from(["1", "2", "", "1|2", "2|", ".+", "1.*"]),
    ).map(lambda parts: f'{parts[0]}{parts[1]}"{parts[2]}"'),
    max_size=2,
)
BRANCH = st.recursive(
    st.fixed_dictionaries({"matchers": MATCHERS, "continue": st.booleans()}),
    lambda below: st.fixed_dictionaries(
        {"matchers": MATCHERS, "continue": st.booleans(), "routes": st.lists(below, max_size=3)}
    ),
    max_leaves=8,
)


def named(routes: list[dict[str, Any]], above: str = "r") -> list[dict[str, Any]]:
    return [
        each | {"name": f"{above}.{number}", "routes": named(each.get("routes", []), f"{above}.{number}")}
        for number, each in enumerate(routes)
    ]


@given(
    st.lists(BRANCH, max_size=4),
    st.lists(st.dictionaries(st.sampled_from("xyz"), st.sampled_from(["1", "2", "12", "3"])), max_size=30),
)
def test_what_is_found_is_never_entered(routes: list[dict[str, Any]], labels: list[dict[str, str]]) -> None:
    whole = tree(*named(routes))
    found = {each.route_name for each in unreachable(whole)}
    entered = {name for each in labels for matched in match(whole, each) for name in matched.path}
    assert not found & entered
