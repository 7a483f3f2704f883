"""The tree: matching, inheritance, explanation, groups and incident keys."""

from __future__ import annotations

import timeit
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.core import identity
from alertd.core.alerts import Alert, Severity, Status
from alertd.core.route_settings import RootRouteSettings
from alertd.core.routes import (
    Policy,
    Route,
    build_tree,
    explain,
    group_labels,
    incident_key,
    match,
    needs_problem_key,
    place,
    problem_key,
    with_defaults,
)


def tree(*routes: dict[str, Any], **options: Any) -> Route:
    return build_tree(RootRouteSettings.model_validate({"board": "noc", "routes": list(routes)} | options))


TREE = tree(
    {
        "name": "network",
        "matchers": ['team="network"'],
        "board": "net",
        "hold": "1m",
        "routes": [
            {"name": "lab", "matchers": ['site="lab"'], "close": "never"},
            {"name": "edge", "matchers": ['site=~"edge.*"'], "continue": True},
            {"name": "any edge", "matchers": ['site=~"edge.*"'], "group_by": []},
        ],
    },
    {"name": "audit", "matchers": ['severity="critical"'], "continue": True, "tags": ["audit"]},
    {"name": "on-call", "matchers": ['severity="critical"'], "board": "call"},
)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        pytest.param({}, ["root"], id="nothing matches: root"),
        pytest.param({"team": "network"}, ["network"], id="one level"),
        pytest.param({"team": "network", "site": "lab"}, ["lab"], id="deepest wins"),
        pytest.param({"team": "network", "severity": "critical"}, ["network"], id="first sibling wins"),
        pytest.param({"severity": "critical"}, ["audit", "on-call"], id="continue goes on to siblings"),
        pytest.param({"team": "network", "site": "edge1"}, ["edge", "any edge"], id="continue below"),
        pytest.param({"site": "lab"}, ["root"], id="a child is reached only through its parent"),
    ],
)
def test_match(labels: dict[str, str], names: list[str]) -> None:
    assert [found.policy.route_name for found in match(TREE, labels)] == names


def test_policy_of_the_root_is_the_documented_default() -> None:
    assert match(tree(), {})[0].policy == Policy(
        route_name="root",
        board="noc",
        group_wait=timedelta(0),
        hold=timedelta(minutes=5),
        reopen_within=timedelta(hours=24),
        close="untouched",
        on_expiry=None,
        note_interval=timedelta(minutes=15),
        missed="summary",
        tags=(),
        company=None,
    )


def test_defaults_are_filled_in_for_the_root_alone() -> None:
    root = RootRouteSettings.model_validate({"board": "noc", "hold": "1h", "routes": [{"name": "child"}]})
    filled = with_defaults(root)
    assert (filled.hold, filled.close, filled.tags) == (timedelta(hours=1), "untouched", [])
    assert filled.routes[0].hold is None
    assert build_tree(filled).matched == build_tree(root).matched


def test_options_are_inherited_and_overridden() -> None:
    options = {
        "group_wait": "10s",
        "reopen_within": "1h",
        "close": "always",
        "on_expiry": "close",
        "note_interval": "1h",
        "missed": "ticket",
        "company": "Contoso",
        "tags": ["a"],
    }
    child = {
        "name": "child",
        "matchers": ['a="1"'],
        "routes": [{"name": "leaf", "tags": [], "company": 7, "hold": "0s"}],
    }
    routes = tree(child, **options)
    leaf = match(routes, {"a": "1"})[0].policy
    assert leaf == Policy(
        route_name="leaf",
        board="noc",
        group_wait=timedelta(seconds=10),
        hold=timedelta(0),
        reopen_within=timedelta(hours=1),
        close="always",
        on_expiry="close",
        note_interval=timedelta(hours=1),
        missed="ticket",
        tags=(),
        company=7,
    )
    assert match(routes, {"a": "2"})[0].policy.tags == ("a",)


def test_group_by_is_inherited_and_an_empty_list_overrides() -> None:
    found = match(TREE, {"team": "network", "site": "edge1"})
    assert [each.group_by for each in found] == [("client", "host", "alertname"), ()]
    assert found[0].path == ("root", "network", "edge")


def test_a_source_s_board_is_the_first_route() -> None:
    settings = RootRouteSettings.model_validate(
        {"board": "noc", "hold": "1m", "routes": [{"name": "all", "board": "other"}]}
    )
    routes = build_tree(settings, {"veeam": "backups"})
    policy = match(routes, {"source": "veeam"})[0].policy
    assert (policy.route_name, policy.board, policy.hold) == ("source:veeam", "backups", timedelta(minutes=1))
    assert match(routes, {"source": "x"})[0].policy.board == "other"


def reference_match(route: Route, labels: dict[str, str]) -> list[str]:
    """Alertmanager's algorithm, as its documentation tells it."""
    if not all(matcher.matches(labels) for matcher in route.matchers):
        return []
    found: list[str] = []
    for child in route.routes:
        matches = reference_match(child, labels)
        found += matches
        if matches and not child.goes_on:
            break
    return found or [route.name]


@st.composite
def trees(draw: st.DrawFn, depth: int = 0, prefix: str = "r") -> dict[str, Any]:
    count = draw(st.integers(0, 3)) if depth < 3 else 0
    matchers = draw(st.lists(st.sampled_from(['a="1"', 'b!="1"', 'c=~"1|2"', 'a!~"2.*"']), max_size=2))
    return {
        "name": prefix,
        "matchers": matchers,
        "continue": draw(st.booleans()),
        "routes": [draw(trees(depth + 1, f"{prefix}.{index}")) for index in range(count)],
    }


labels_like = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["1", "2", "3"]))


@given(st.lists(trees(), max_size=3), labels_like)
def test_same_as_alertmanager_s_algorithm(routes: list[dict[str, Any]], labels: dict[str, str]) -> None:
    named = [route | {"name": f"{index}{route['name']}"} for index, route in enumerate(routes)]
    for index, route in enumerate(named):
        route["routes"] = [_renamed(child, str(index)) for child in route["routes"]]
    built = tree(*named)
    found = [each.policy.route_name for each in match(built, labels)]
    assert found == reference_match(built, labels)
    assert [step.route_name for step in explain(built, labels) if step.outcome == "taken"] == found


def _renamed(route: dict[str, Any], prefix: str) -> dict[str, Any]:
    children = [_renamed(child, prefix) for child in route["routes"]]
    return route | {"name": prefix + route["name"], "routes": children}


def told(labels: dict[str, str]) -> list[tuple[str, int, str, str]]:
    return [(step.route_name, step.depth, step.outcome, step.reason) for step in explain(TREE, labels)]


def test_explain_every_route() -> None:
    assert told({"team": "network", "site": "lab"}) == [
        ("root", 0, "passed on", "its route network accepts"),
        ("network", 1, "passed on", "its route lab accepts"),
        ("lab", 2, "taken", "all its matchers accept"),
        ("edge", 2, "not reached", "lab took it and does not continue"),
        ("any edge", 2, "not reached", "lab took it and does not continue"),
        ("audit", 1, "not reached", "network took it and does not continue"),
        ("on-call", 1, "not reached", "network took it and does not continue"),
    ]


def test_explain_refusals() -> None:
    assert told({"severity": "low"}) == [
        ("root", 0, "taken", "it accepts everything, and none of its routes does"),
        ("network", 1, "refused", 'team="network" does not accept an absent label'),
        ("lab", 2, "not reached", "network was not entered"),
        ("edge", 2, "not reached", "network was not entered"),
        ("any edge", 2, "not reached", "network was not entered"),
        ("audit", 1, "refused", 'severity="critical" does not accept "low"'),
        ("on-call", 1, "refused", 'severity="critical" does not accept "low"'),
    ]


@pytest.mark.parametrize(
    ("group_by", "labels", "group"),
    [
        (["client", "host"], {"client": "A", "host": "h", "x": "1"}, {"client": "A", "host": "h"}),
        (["client", "host"], {"client": "A", "host": ""}, {"client": "A"}),
        (["client", "host"], {"x": "1"}, {}),
        (["..."], {"b": "2", "a": "1"}, {"a": "1", "b": "2"}),
        ([], {"a": "1"}, {}),
    ],
)
def test_group_labels(group_by: list[str], labels: dict[str, str], group: dict[str, str]) -> None:
    matched = match(tree(group_by=group_by), labels)[0]
    assert group_labels(matched, labels) == group


@pytest.mark.parametrize(
    ("group_by", "labels", "needed"),
    [
        pytest.param(["client", "host", "alertname"], {"alertname": "A"}, True, id="neither is known"),
        pytest.param(["client", "host", "alertname"], {"host": "h"}, False, id="the host is known"),
        pytest.param(["client", "alertname"], {"host": "h"}, True, id="the host is known but not grouped by"),
        pytest.param(["alertname"], {"alertname": "A"}, False, id="the route does not ask for a place"),
        pytest.param([], {}, False, id="one group on purpose"),
        pytest.param(["..."], {"alertname": "A"}, False, id="all labels"),
    ],
)
def test_needs_problem_key(group_by: list[str], labels: dict[str, str], needed: bool) -> None:
    matched = match(tree(group_by=group_by), labels)[0]
    assert needs_problem_key(matched, group_labels(matched, labels)) is needed


def alert(
    labels: dict[str, str], *, sent: dict[str, str] | None = None, fingerprint: str = "f" * 16
) -> Alert:
    return Alert(
        source="prom",
        fingerprint=identity.fingerprint(sent) if sent else fingerprint,
        status=Status.FIRING,
        severity=Severity.HIGH,
        labels=labels,
        sent_labels=sent or {},
    )


def test_problem_key_of_labels_is_the_rule() -> None:
    one = alert({"alertname": "PodDown"}, sent={"alertname": "PodDown", "pod": "a"})
    two = alert({"alertname": "PodDown"}, sent={"alertname": "PodDown", "pod": "b"})
    assert problem_key(one) == problem_key(two) == "prom\x1fPodDown"


def test_problem_key_of_all_others_is_their_fingerprint() -> None:
    assert problem_key(alert({"alertname": "check"}, fingerprint="0" * 16)) == "prom\x1f" + "0" * 16


def test_incident_key_does_not_depend_on_order() -> None:
    assert incident_key("r", {"a": "1", "b": "2"}) == incident_key("r", {"b": "2", "a": "1"})


def test_incident_keys_differ() -> None:
    keys = {
        incident_key("r", {"a": "1"}),
        incident_key("s", {"a": "1"}),
        incident_key("r", {"a": "2"}),
        incident_key("r", {"a": "1"}, "p"),
        incident_key("r", {"a": "1", "b": ""}),
    }
    assert len(keys) == 5


def test_place() -> None:
    matched = match(tree(), {})[0]
    stranger = alert({"alertname": "check"}, fingerprint="1" * 16)
    other = alert({"alertname": "check"}, fingerprint="2" * 16)
    assert place(matched, stranger)[0] != place(matched, other)[0]
    known = [alert({"alertname": "check", "host": "h"}, fingerprint=digit * 16) for digit in "12"]
    assert place(matched, known[0]) == place(matched, known[1])


def test_speed() -> None:
    routes = tree(*({"name": f"r{n}", "matchers": [f'client="c{n}"', 'severity="high"']} for n in range(30)))
    labels = {"client": "c29", "severity": "high", "alertname": "A"}
    best = min(timeit.repeat(lambda: match(routes, labels), number=200, repeat=5)) / 200
    assert best < 200e-6  # about 4 µs measured; the promise is 20 µs
