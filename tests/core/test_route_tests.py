"""`[[tests]]`: examples of where alerts go, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from alertd.core.alerts import Severity, Status
from alertd.core.boards import BoardSettings
from alertd.core.folding import Routing
from alertd.core.inhibiting import InhibitRule
from alertd.core.interval_settings import NamedIntervalSettings
from alertd.core.matchers import parse_matchers
from alertd.core.rehearsing import mismatches, reached
from alertd.core.replaying import Scene, imaginary_boards
from alertd.core.route_hours import RouteHours
from alertd.core.route_settings import RootRouteSettings
from alertd.core.route_tests import TestSettings, example
from alertd.core.routes import Route, build_tree
from alertd.core.storms import StormTerms
from alertd.core.windows import ActiveWindows, Recurring, Window

TREE = build_tree(
    RootRouteSettings.model_validate(
        {
            "board": "noc",
            "routes": [
                {"name": "page", "matchers": ['severity="critical"', 'host="fs01"']},
                {"name": "desk", "matchers": ['severity="warning"', 'host="fs01"']},
                {"name": "copy", "matchers": ['source="both"'], "continue": True},
                {
                    "name": "veeam",
                    "matchers": ['source=~"veeam|both"'],
                    "board": "backups",
                    "tags": ["backup"],
                },
                {
                    "name": "site",
                    "matchers": ['site!=""'],
                    "group_by": ["site"],
                    "group_wait": "1m",
                    "routes": [{"name": "far site", "matchers": ['site="far"'], "board": "backups"}],
                },
            ],
        }
    )
)


def walk(route: Route) -> Iterator[Route]:
    yield route
    for child in route.routes:
        yield from walk(child)


BOARDS = {
    "noc": BoardSettings.model_validate({"name": "noc", "queue": 1, "state_tags": {"firing": "fires"}}),
    "backups": BoardSettings.model_validate({"name": "backups", "queue": 2, "tags": ["alertd"]}),
}
MADE, PICKS = imaginary_boards(BOARDS.values())
ROUTING = Routing(TREE, {route.name: route.matched.policy for route in walk(TREE)})
SCENE = Scene(routing=ROUTING, boards=MADE, picks=PICKS)


def setting(expect: dict[str, Any], **given: Any) -> TestSettings:
    return TestSettings.model_validate({"name": "t", "expect": expect} | given)


def outcome(expect: dict[str, Any], scene: Scene = SCENE, **given: Any) -> list[str]:
    return [str(each) for each in mismatches(setting(expect, **given), scene, BOARDS)]


def test_as_expected() -> None:
    expect = {"board": "backups", "priority": "High", "tags": ["backup", "alertd"], "route": "veeam"}
    assert outcome(expect, alert={"source": "veeam", "severity": "high"}) == []


def test_every_mismatch_is_named() -> None:
    expect = {"board": "noc", "priority": 1, "tags": [], "routes": ["a"], "key": {}, "members": 2}
    expect |= {"state": "held", "window": "night", "pressure": "held", "tickets": 0, "calls": 9}
    assert outcome(expect, alert={"source": "veeam", "host": "a"}) == [
        "t: expected board noc, found backups",
        "t: expected priority 1, found Medium",
        "t: expected tags none, found alertd, backup",
        "t: expected routes a, found veeam",
        't: expected key none, found host="a"',
        "t: expected members 2, found 1",
        "t: expected state held, found open",
        "t: expected window night, found nothing",
        "t: expected pressure held, found sent",
        "t: expected tickets 0, found 1",
        "t: expected calls 9, found 3",
    ]


def test_all_routes_where_one_continues() -> None:
    expect = {"board": "noc", "routes": ["copy", "veeam"], "tickets": 2}
    assert outcome(expect, alert={"source": "both"}) == []


@pytest.mark.parametrize(
    ("severity", "route"), [({"severity": "crit"}, "page"), ({}, "desk"), ({"severity": "sev42"}, "desk")]
)
def test_routes_see_the_severity_that_intake_would_give(severity: dict[str, str], route: str) -> None:
    assert outcome({"route": route}, alert={"host": "fs01"} | severity) == []


def test_an_example_keeps_the_word_that_was_sent() -> None:
    alert = example({"source": "veeam", "severity": "crit"})
    assert (alert.severity, alert.source) == (Severity.CRITICAL, "veeam")
    assert alert.labels == {"source": "veeam", "severity": "critical", "sent_severity": "crit"}
    assert alert.sent_labels == {"source": "veeam", "severity": "crit"}
    assert example({"source": "veeam"}, cleared=True).status is Status.CLEARED


def test_what_fires_already_is_merged_with() -> None:
    expect = {"key": {"site": "x"}, "members": 2, "tickets": 1, "priority": "High", "state": "open"}
    given = {"firing": [{"site": "x", "host": "a"}], "alert": {"site": "x", "host": "b", "severity": "high"}}
    assert outcome(expect, **given) == []


def test_a_group_waits() -> None:
    assert outcome({"state": "waiting", "tickets": 0}, alert={"site": "x"}) == []
    assert outcome({"state": "open", "tickets": 1}, alert={"site": "x"}, wait="1m") == []


def test_alerts_come_one_after_the_other() -> None:
    lasting = [{"labels": {"host": "a"}}, {"labels": {"host": "a"}, "after": "10m", "cleared": True}]
    assert outcome({"state": "holding", "calls": 3}, alerts=lasting) == []
    # create, tag, untag, complete
    assert (
        outcome({"state": "closed", "tickets": 1, "calls": 4, "members": 1}, alerts=lasting, wait="5m") == []
    )


def test_a_clear_of_what_never_fired_belongs_nowhere() -> None:
    alerts = [{"labels": {"host": "fs01"}, "cleared": True}]
    assert (
        outcome({"state": "none", "members": 0, "key": {}, "route": "desk", "calls": 0}, alerts=alerts) == []
    )


def test_a_silence_holds_back() -> None:
    silences = [{"matchers": ['host="a"'], "ends_after": "1h"}, {"matchers": ['host="b"']}]
    expect = {"state": "silenced", "window": "silence 1", "tickets": 0, "pressure": "sent"}
    assert outcome(expect, alert={"host": "a"}, silences=silences) == []
    assert outcome({"state": "open", "window": ""}, alert={"host": "a"}, silences=silences, wait="1h") == []


@pytest.mark.parametrize(
    ("severity", "pressure", "expected"),
    [("warning", "red", "held"), ("critical", "red", "held"), ("warning", "orange", "sent")],
)
def test_pressure_holds_back(severity: str, pressure: str, expected: str) -> None:
    # of a critical one the ticket is made, and only its tag has to wait
    tickets = 0 if expected == "held" and severity == "warning" else 1
    given = {"alert": {"host": "a", "severity": severity}, "pressure": pressure}
    assert outcome({"pressure": expected, "tickets": tickets}, **given) == []


def test_completions_go_at_red() -> None:
    alerts = [
        {"labels": {"source": "veeam", "severity": "critical"}},
        {"labels": {"source": "veeam", "severity": "critical"}, "after": "1s", "cleared": True},
    ]
    expect = {"tickets": 1, "state": "closed", "pressure": "held", "calls": 2}
    assert outcome(expect, alerts=alerts, pressure="red", wait="1h") == []


@pytest.mark.parametrize(("pressure", "threshold"), [("green", 1), ("orange", 4), ("red", 10)])
def test_a_storm_folds(pressure: str, threshold: int) -> None:
    scene = replace(SCENE, storms=StormTerms(threshold=threshold))
    given = {"alerts": [{"labels": {"host": "a"}}, {"labels": {"host": "b"}}], "pressure": pressure}
    expect = {"state": "folded", "pressure": "folded", "tickets": 0 if pressure == "red" else 1}
    assert outcome(expect, scene, **given) == []
    after = {"pressure": "folded", "tickets": 0 if pressure == "red" else 2}
    assert outcome(after, scene, wait="1m", **given) == []
    critical = {"alerts": [{"labels": {"host": "a"}}, {"labels": {"host": "b", "severity": "critical"}}]}
    assert outcome({"state": "open"}, scene, pressure=pressure, **critical) == []


def test_a_window_holds_back_by_its_name_until_it_ends() -> None:
    schedule = Recurring("0 12 * * *", timedelta(hours=2), "UTC")
    windows = ActiveWindows(
        [Window(name="patch night", matchers=parse_matchers('host="a"'), schedule=schedule)]
    )
    scene = replace(SCENE, suppressions=windows)
    expect = {"state": "held", "window": "patch night", "tickets": 0}
    assert outcome(expect, scene, alert={"host": "a"}) == []
    assert outcome({"state": "open", "window": "", "tickets": 1}, scene, alert={"host": "a"}, wait="2h") == []
    assert outcome({"state": "open", "window": ""}, scene, alert={"host": "b"}) == []


def in_hours(**options: Any) -> Scene:
    """A scene whose root route has these options; the hours are those until eleven."""
    tree = build_tree(RootRouteSettings.model_validate({"board": "noc"} | options))
    interval = NamedIntervalSettings.model_validate(
        {"name": "hours", "time_intervals": [{"times": [{"start_time": "00:00", "end_time": "11:00"}]}]}
    )
    policies = {route.name: route.matched.policy for route in walk(tree)}
    routing = Routing(tree, policies, None, RouteHours({"hours": interval.intervals()}, policies.values()))
    return replace(SCENE, routing=routing)


def test_an_interval_holds_back_by_its_name() -> None:
    held = in_hours(hours="hours", outside={"hold": True})
    expect = {"state": "held", "window": "hours", "tickets": 0}
    assert outcome(expect, held, alert={"host": "a"}) == []
    assert outcome({"state": "open", "tickets": 1}, held, alert={"host": "a"}, wait="12h") == []
    active = {"name": "day", "matchers": ['host="a"'], "active_time_intervals": ["hours"]}
    assert outcome(expect, in_hours(routes=[active]), alert={"host": "a"}) == []


def test_outside_the_hours_another_board_and_priority() -> None:
    scene = in_hours(hours="hours", outside={"board": "backups", "priority_as": {"warning": "critical"}})
    expect = {"board": "backups", "priority": "Critical"}
    assert outcome(expect, scene, alert={"host": "a"}) == []
    waiting = in_hours(hours="hours", outside={"priority_as": {"warning": "critical"}}, group_wait="1m")
    expect = {"state": "waiting", "priority": "Critical"}
    assert outcome(expect, waiting, alert={"host": "a"}) == []


INHIBITING = replace(
    SCENE, inhibit=(InhibitRule("site", parse_matchers('host="a"'), parse_matchers('host="b"')),)
)


def test_what_could_be_inhibited_is_looked_at_when_it_has_waited() -> None:
    assert outcome({"state": "open", "tickets": 1}, INHIBITING, alert={"host": "b"}) == []
    assert outcome({"state": "waiting", "tickets": 0}, INHIBITING, alert={"host": "b"}, wait="0s") == []
    after = [{"labels": {"host": "b"}}, {"labels": {"host": "a"}, "after": "10s"}]
    assert outcome({"tickets": 1, "state": "open"}, INHIBITING, alerts=after) == []


def test_what_is_inhibited_names_what_does() -> None:
    given = {"firing": [{"host": "a"}], "alert": {"host": "b"}}
    expect = {"state": "inhibited", "window": "a: , by rule site", "tickets": 1}
    assert outcome(expect, INHIBITING, **given) == []


def test_the_time_is_a_wednesdays_noon_unless_said() -> None:
    assert setting({}, alert={"a": "b"}).at.strftime("%a %H:%M") == "Wed 12:00"
    assert setting({}, alert={"a": "b"}).wait is None


def test_which_routes_are_reached() -> None:
    tests = [setting({}, alert={"site": "far"}), setting({}, alerts=[{"labels": {"source": "both"}}])]
    assert reached(tests, TREE) == {"root", "site", "far site", "copy", "veeam"}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"alert": {"a": "1"}, "expect": {"queue": 1}}, r"expect\.queue"),
        ({"expect": {}}, "either alert or alerts"),
        ({"alert": {"a": "1"}, "alerts": [{"labels": {"a": "1"}}], "expect": {}}, "either alert or alerts"),
        ({"alert": {"a": "1"}, "silences": [{"matchers": []}], "expect": {}}, "silences"),
    ],
)
def test_refused(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        TestSettings.model_validate({"name": "t"} | given)
