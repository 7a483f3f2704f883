"""The routes as an Alertmanager configuration."""

from __future__ import annotations

from alertd.core.inhibiting import InhibitRule
from alertd.core.matchers import parse_matchers
from alertd.core.route_settings import RootRouteSettings
from alertd.core.routes import build_tree
from alertd.core.v2.configuration import configuration

EXPECTED = """\
route:
  receiver: "noc"
  group_by: ["client", "host", "alertname"]
  group_wait: 0s
  group_interval: 15m
  repeat_interval: 8760h
  routes:
  - receiver: "desk"
    group_by: ["client", "host", "alertname"]
    matchers: ["source=\\"doorbell\\""]
    continue: false
    group_wait: 0s
    group_interval: 15m
    repeat_interval: 8760h
  - receiver: "backups"
    group_by: ["..."]
    matchers: ["source=~\\"veeam|\\\\\\\\d\\"","client!=\\"a \\\\\\"b\\\\\\"\\""]
    continue: true
    group_wait: 30s
    group_interval: 1s
    repeat_interval: 8760h
    routes:
    - receiver: "backups"
      group_by: []
      continue: false
      group_wait: 30s
      group_interval: 1s
      repeat_interval: 8760h
receivers:
- name: "noc"
- name: "backups: \\"new\\""
"""


def test_the_tree_with_what_its_routes_inherit() -> None:
    settings = RootRouteSettings.model_validate(
        {
            "board": "noc",
            "routes": [
                {
                    "name": "backups",
                    "board": "backups",
                    "matchers": [r'source=~"veeam|\\d"', r'client!="a \"b\""'],
                    "continue": True,
                    "group_by": ["..."],
                    "group_wait": "30s",
                    "note_interval": "0s",
                    "routes": [{"name": "all of one", "group_by": []}],
                }
            ],
        }
    )
    tree = build_tree(settings, {"doorbell": "desk"})
    assert configuration(tree, ["noc", 'backups: "new"']) == EXPECTED.replace('\\"","client', '\\"", "client')


def test_the_rules_of_inhibition() -> None:
    tree = build_tree(RootRouteSettings.model_validate({"board": "noc"}))
    rule = InhibitRule("site", parse_matchers('a="1"'), parse_matchers('b=~"x|y",c!=""'), ("client", "site"))
    text = configuration(tree, ["noc"], inhibit=[rule])
    assert text.endswith(
        """\
inhibit_rules:
- {source_matchers: ["a=\\"1\\""], target_matchers: ["b=~\\"x|y\\"", "c!=\\"\\""], equal: ["client", "site"]}
"""
    )


def test_time_intervals_and_the_routes_that_go_by_them() -> None:
    child = {"name": "c", "mute_time_intervals": ["nights"], "active_time_intervals": ["office"]}
    tree = build_tree(RootRouteSettings.model_validate({"board": "noc", "routes": [child]}))
    entry = {"weekdays": ["monday:friday"]}
    said = configuration(tree, ["noc"], intervals={"nights": [entry, {}], "office": []})
    assert '    mute_time_intervals: ["nights"]\n    active_time_intervals: ["office"]\n' in said
    assert said.endswith(
        'time_intervals:\n- name: "nights"\n  time_intervals: [{"weekdays":["monday:friday"]},{}]\n'
        '- name: "office"\n  time_intervals: []\n'
    )
