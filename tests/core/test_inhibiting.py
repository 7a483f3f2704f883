"""Rules of inhibition: who inhibits whom, with Alertmanager's meaning, and how a batch sees it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from alertd.core.alerts import Alert
from alertd.core.conditions import Condition, observe
from alertd.core.inhibit_settings import InhibitSettings
from alertd.core.inhibiting import Batch, InhibitRule, InhibitRules, Table, source_of
from alertd.core.matchers import parse_matchers
from alertd.core.silences import shown_id
from tests.core.incident_samples import T0, alert


def rule(source: str, target: str, *equal: str, name: str = "r") -> InhibitRule:
    return InhibitRule(name, parse_matchers(source), parse_matchers(target), equal)


def condition(name: str, labels: dict[str, str], **changes: object) -> Condition:
    values = {"fingerprint": name, "labels": labels, **changes}
    return observe(None, alert(**values), received_at=T0, receipt="r")[0]


def batch(*rules: InhibitRule, firing: dict[str, dict[str, str]]) -> Batch:
    made = Batch(InhibitRules(rules), Table())
    for name, labels in firing.items():
        made.heard(condition(name, labels))
    return made


SITE = rule('alertname="SiteDown"', 'severity=~"warning|low"', "client", "site", name="site down")
DOWN = {"alertname": "SiteDown", "client": "c", "site": "x", "severity": "high", "host": "fw1"}


@pytest.mark.parametrize(
    ("target", "inhibited"),
    [
        ({"client": "c", "site": "x", "severity": "warning"}, True),
        ({"client": "c", "site": "x", "severity": "low"}, True),
        ({"client": "c", "site": "x", "severity": "high"}, False),
        ({"client": "c", "site": "y", "severity": "low"}, False),
        ({"client": "c", "severity": "low"}, False),
    ],
)
def test_both_sides_and_the_equal_labels_decide(target: dict[str, str], inhibited: bool) -> None:
    quiet = batch(SITE, firing={"down": DOWN}).quiet(target, T0)
    assert (quiet is not None) is inhibited
    if quiet is not None:
        assert (quiet.kind, quiet.until) == ("inhibited", None)
        assert [shown_id(each) for each in quiet.by] == ["down"]
        assert quiet.said == "fw1: Disk full on a, by rule site down"


def test_a_missing_label_is_the_same_as_an_empty_one() -> None:
    firing = {"down": {"alertname": "SiteDown", "client": ""}}
    assert batch(SITE, firing=firing).quiet({"severity": "low", "site": ""}, T0) is not None


def test_what_matches_both_sides_is_not_inhibited_by_what_also_does() -> None:
    both = rule('severity=~"critical|warning"', 'severity="warning"', "host")
    one = {"severity": "warning", "host": "a"}
    assert batch(both, firing={"w1": one}).quiet(one, T0) is None  # least of all by itself
    assert batch(both, firing={"w1": one, "w2": one}).quiet(one, T0) is None
    quiet = batch(both, firing={"w1": one, "c": {**one, "severity": "critical"}}).quiet(one, T0)
    assert quiet is not None
    assert shown_id(quiet.by[0]) == "c"


def test_what_matches_both_sides_inhibits_what_is_a_target_alone() -> None:
    chain = rule('level=~"1|2"', 'level=~"2|3"')
    made = batch(chain, firing={"two": {"level": "2"}})
    assert made.quiet({"level": "3"}, T0) is not None
    assert made.quiet({"level": "2"}, T0) is None
    assert made.quiet({"level": "1"}, T0) is None


def test_the_first_rule_that_applies_counts() -> None:
    first, second = rule('a="1"', 't="1"', name="first"), rule('b=~"1"', 't="1"', name="second")
    made = batch(second, first, firing={"x": {"a": "1"}, "y": {"b": "1"}})
    quiet = made.quiet({"t": "1"}, T0)
    assert quiet is not None
    assert shown_id(quiet.by[0]) == "y"
    assert quiet.said.endswith("by rule second")


def test_a_batch_without_rules_asks_nothing() -> None:
    made = batch(firing={"down": DOWN})
    assert not made
    assert made.quiet({"severity": "low"}, T0) is None
    assert not made.is_target({"severity": "low"})
    assert made.next_start_at(T0) is None
    assert batch(SITE, firing={}).is_target({"severity": "low"})


def test_what_does_not_fire_does_not_inhibit() -> None:
    made = batch(SITE, firing={})
    over: Alert = alert(cleared=True, labels=DOWN)
    made.heard(observe(None, over, received_at=T0, receipt="r")[0])
    assert made.quiet({"client": "c", "site": "x", "severity": "low"}, T0) is None


def test_the_table_forgets_who_moves_or_leaves() -> None:
    rules, table = InhibitRules([SITE]), Table()
    down = condition("down", DOWN)
    here, there = rules.as_source(DOWN), rules.as_source({**DOWN, "site": "y"})
    assert table.put(source_of(down), here)
    assert not table.put(source_of(down), here)
    assert table.put(source_of(down), there)
    assert table.first(here[0]) is None
    assert table.first(there[0]) == source_of(down)
    assert table
    other = condition("other", {**DOWN, "site": "y"})
    table.put(source_of(other), there)
    table.drop(down.key)
    assert table.first(there[0]) == source_of(other)
    assert table.source(down.key) is None
    table.drop(other.key)
    table.drop(other.key)
    assert not table


def test_a_source_is_called_by_host_and_title_without_saying_the_host_twice() -> None:
    assert source_of(condition("x", DOWN, annotations={"title": "fw1 is down"})).said == "fw1 is down"
    assert source_of(condition("x", {"alertname": "Down"}, annotations={})).said == "Down"


def test_settings_make_a_rule_with_a_name_of_its_own_or_of_its_matchers() -> None:
    given = {"source_matchers": ['a="1"'], "target_matchers": ['b="2"'], "equal": ["c"]}
    made = InhibitSettings.model_validate(given).rule()
    assert made == rule('a="1"', 'b="2"', "c", name='{a="1"} over {b="2"}')
    assert InhibitSettings.model_validate({**given, "name": "n"}).rule().name == "n"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source_matchers": []}, "at least one matcher"),
        ({"target_matchers": []}, "at least one matcher"),
        ({"target_matchers": None}, "should be a list"),
        ({"equal": ["a", "a"]}, "twice"),
        ({"equal": [""]}, "empty"),
        ({"sources": []}, "Extra inputs"),
    ],
)
def test_settings_that_are_refused(changes: dict[str, object], said: str) -> None:
    given = {"source_matchers": ['a="1"'], "target_matchers": ['b="2"']}
    with pytest.raises(ValidationError, match=said):
        InhibitSettings.model_validate(given | changes)
