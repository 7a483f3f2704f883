from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import tomli

from alertd.cli import main
from alertd.config.faults import ConfigError
from alertd.config.importing.reading import Imported, read_alertmanager
from alertd.config.importing.translating import label_remarks, route_names
from alertd.config.importing.writing import as_configuration
from alertd.config.loading import load
from alertd.core.matchers import parse_matcher
from alertd.core.reading.bodies import Body
from alertd.core.route_settings import RootRouteSettings
from alertd.core.routes import Route, build_tree, match
from alertd.core.sources.alertmanager import AlertmanagerSettings, compile_profile
from alertd.core.sources.alertmanager import read as read_body
from tests.config.conftest import LEAST

NOW = datetime(2026, 11, 23, tzinfo=UTC)
WHOLE = """\
global:
  smtp_from: x
templates: ['a.tmpl']
route:
  receiver: triage
  group_interval: 5m
  repeat_interval: 3h
  routes:
    - &web
      match_re: {service: "web|api"}
      match: {env: 1}
      matchers: ['{team="a,b"}', "site!~\\"lab.*\\""]
      receiver: web
      group_by: ['...']
      group_wait: 1h30m
      continue: yes
      mute_time_intervals: [nights]
      colour: red
      routes:
      - match: {sev: page}
        receiver: pager
      - match: {sev: page}
    - <<: *web
      receiver: pager
      active_time_intervals: [office]
      routes:
receivers:
- name: triage
  slack_configs: [{channel: '#x', never_heard_of: {a: [b]}}]
- name: web
  pagerduty_configs: []
- name: pager
  made_up_configs: [{}]
mute_time_intervals:
- name: nights
  time_intervals:
  - times: [{start_time: 22:00, end_time: "24:00"}]
    weekdays: ['monday:friday', sunday]
    days_of_month: ['-3:-1']
    years: [2024]
time_intervals:
- name: office
  time_intervals: [{months: [may], location: Europe/Berlin, moon: full}]
inhibit_rules:
- source_match: {alertname: SiteDown}
  target_matchers: [kind=~"ping|http"]
  target_match_re: {site: .+}
  equal: [site, site]
- name: named
  source_matchers: [alertname=Down]
  target_match: {alertname: Slow}
"""
PLAIN = "route: {{receiver: a, routes: [{routes}]}}\nreceivers: [{{name: a}}, {{name: b}}]\n"


def read(text: str) -> Imported:
    return read_alertmanager(text, "am.yml")


def written(text: str) -> dict[str, object]:
    return tomli.loads(as_configuration(read(text), file="am.yml"))


def test_routes_and_boards() -> None:
    document = written(WHOLE)
    assert document["boards"] == [{"name": name, "queue": ""} for name in ("triage", "web", "pager")]
    matchers = ['env="1"', 'service=~"web|api"', 'team="a,b"', 'site!~"lab.*"']
    web, pager = document["route"].pop("routes")
    assert document["route"] == {
        "board": "triage",
        "group_by": [],  # Alertmanager's default is one group
        "group_wait": "30s",
        "note_interval": "5m",
    }
    below = web.pop("routes")
    assert web == {
        "name": "env=1, service=~web|api, team=a,b, site!~lab.*",
        "matchers": matchers,
        "board": "web",
        "continue": True,
        "group_by": ["..."],
        "group_wait": "1h30m",
        "mute_time_intervals": ["nights"],
    }
    assert [each["name"] for each in below] == [
        "env=1, service=~web|api, team=a,b, site!~lab.* / sev=page",
        "env=1, service=~web|api, team=a,b, site!~lab.* / sev=page (2)",
    ]
    assert (below[0]["board"], below[1].get("board")) == ("pager", None)
    assert (pager["name"], pager["board"], pager["active_time_intervals"]) == (
        f"{web['name']} (2)",
        "pager",
        ["office"],
    )


def test_the_configuration_takes_it_once_the_queues_are_filled_in(tmp_path: Path) -> None:
    routes = "{matchers: [team=db], receiver: b, continue: true, group_by: [site], group_interval: 1m}"
    made = as_configuration(read(PLAIN.format(routes=routes)), file="am.yml")
    config = tmp_path / "alertd.toml"
    config.write_text(LEAST.partition("[[boards]]")[0] + made)
    with pytest.raises(ConfigError, match=r"boards\.0\.queue: should be a Board ID"):
        load(config, {})
    config.write_text(config.read_text().replace('queue = ""', "queue = 5"))
    settings = load(config, {})
    assert [board.name for board in settings.boards] == ["a", "b"]
    assert [route.name for route in settings.route.walk()] == ["root", "team=db"]


def test_intervals_and_inhibitions() -> None:
    document = written(WHOLE)
    assert document["time_intervals"] == [
        {
            "name": "nights",
            "time_intervals": [
                {
                    "times": [{"start_time": "22:00", "end_time": "24:00"}],
                    "weekdays": ["monday:friday", "sunday"],
                    "days_of_month": ["-3:-1"],
                    "years": ["2024"],
                }
            ],
        },
        {"name": "office", "time_intervals": [{"months": ["may"], "location": "Europe/Berlin"}]},
    ]
    assert document["inhibit"] == [
        {
            "source_matchers": ['alertname="SiteDown"'],
            "target_matchers": ['site=~".+"', 'kind=~"ping|http"'],
            "equal": ["site"],
        },
        {
            "name": "named",
            "source_matchers": ['alertname="Down"'],
            "target_matchers": ['alertname="Slow"'],
        },
    ]


def test_what_has_no_counterpart_is_told_line_by_line() -> None:
    told = [f"{each.line}: {each.key}" for each in read(WHOLE).remarks]
    assert told == [
        "1: global",
        "3: templates",
        "6: route.group_interval",
        "7: route.repeat_interval",
        "18: route.routes.colour",
        "29: slack_configs",
        "30: receivers",  # an empty list of integrations notifies nobody
        "33: made_up_configs",
        "34: mute_time_intervals",
        "43: time_intervals.moon",
    ]


def test_a_board_that_is_there_is_kept() -> None:
    text = as_configuration(read(WHOLE), file="am.yml", boards_there={"web"})
    assert "# Board web is in the configuration already" in text
    assert [each["name"] for each in tomli.loads(text)["boards"]] == ["triage", "pager"]


def test_names_are_unique_and_do_not_move() -> None:
    route = "{{matchers: [{matcher}], receiver: b}}"
    before = [route.format(matcher=each) for each in ("x=1", "x=2")]
    after = [route.format(matcher=each) for each in ("y=1", "x=1", "x=2", "source=a")]
    names = [
        set(route_names(read(PLAIN.format(routes=", ".join(each))).route).values())
        for each in (before, after)
    ]
    assert names == [{"root", "x=1", "x=2"}, {"root", "y=1", "x=1", "x=2", "source=a"}]
    odd = PLAIN.format(routes="{matchers: ['root=\"\"']}, {}, {matchers: ['\"source:x\"=1']}, {receiver: b}")
    assert set(route_names(read(odd).route).values()) == {
        "root",
        "root=",
        "everything",
        "route source:x=1",
        "b",
    }


ROOT = "route: {{receiver: a, {also}}}\nreceivers: [{{name: a}}]\n"
REFUSED = [
    ("route: [", "am.yml:1: is not YAML"),
    ("a: 1\nb: \x01\n", "am.yml:2: is not YAML"),
    ("a: 1\na: 2\n", "am.yml:2: the key a is there twice"),
    ("[a]: 1\n", "am.yml:1: a key should be text"),
    ("a: &a [*a]\n", "am.yml:1: is nested too deeply, or repeats too much by aliases"),
    ("<<: 1\n", "am.yml:1: << should name a mapping, or several"),
    ("", "am.yml:1: the file: should be a mapping"),
    ("receivers: []", "am.yml:1: route: is missing, so this is no configuration of Alertmanager"),
    ("route: {}", "am.yml:1: route: the root route needs a receiver"),
    ("route: {receiver: x}", "am.yml:1: route.receiver: there is no receiver 'x'"),
    ("receivers: [{name: x}, {name: x}]", "am.yml:1: receivers: two receivers have the name 'x'"),
    ("receivers: [{}]", "am.yml:1: receivers: needs a name"),
    ("receivers: {}", "am.yml:1: receivers: should be a list"),
    ("\nroute: {receiver: [x]}", "am.yml:2: receiver: should be a text"),
    (
        PLAIN.format(routes="{\nmatchers: [a=~(]}"),
        "am.yml:2: route.routes.matchers: '(' is not an RE2 pattern: missing ): ( (at character 1)",
    ),
    (
        PLAIN.format(routes="{\nmatch_re: {a: '('}}"),
        "am.yml:2: route.routes: '(' is not an RE2 pattern: missing ): (",
    ),
    (PLAIN.format(routes="{matchers: x}"), "am.yml:1: matchers: should be a list of texts"),
    (PLAIN.format(routes="{continue: 3}"), "am.yml:1: continue: should be true or false"),
    (
        PLAIN.format(routes="{group_wait: 1 h}"),
        "am.yml:1: group_wait: '1 h' is no duration such as 30s, 5m or 1h30m",
    ),
    (PLAIN.format(routes="{group_wait: 101y}"), "am.yml:1: group_wait: is too long; give 36500d at most"),
    (PLAIN.format(routes="{group_by: [a, a]}"), "am.yml:1: route.routes.group_by: names a label twice"),
    (
        PLAIN.format(routes="{group_by: [a, ...]}"),
        'am.yml:1: route.routes.group_by: "..." means all labels and stands alone',
    ),
    (
        PLAIN.format(routes="{group_by: ['']}"),
        "am.yml:1: route.routes.group_by: a label name may not be empty",
    ),
    (ROOT.format(also="continue: true"), "am.yml:1: route: the root route has no siblings"),
    (ROOT.format(also="match: {a: b}"), "am.yml:1: route: the root route takes every alert"),
    (
        ROOT.format(also="mute_time_intervals: [b]"),
        "am.yml:1: route: the root route may have no time intervals",
    ),
]


@pytest.mark.parametrize(("text", "told"), REFUSED, ids=[told for _, told in REFUSED])
def test_refused_in_one_line(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)


def test_many_aliases_end() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(ConfigError, match="aliases"):
        read("\n".join(lines))


def test_nested_without_end() -> None:
    with pytest.raises(ConfigError, match="too deeply"):
        read("[" * 5000)


def test_a_null_an_empty_list_and_a_zero() -> None:
    routes = "{receiver: , group_by: [], matchers: , group_wait: 0, group_interval: 1w1d, routes: }"
    [route] = written(PLAIN.format(routes=routes))["route"]["routes"]
    assert route == {"name": "everything", "group_by": [], "group_wait": "0s", "note_interval": "8d"}


# --- labels whose values are others here --------------------------------------------------------------


def seen(**labels: str) -> dict[str, str]:
    """Return the labels that our routes see of an alert that Alertmanager would see with `labels`."""
    settings = {"name": "prom", "kind": "alertmanager", "token": {"env": "T"}}
    body = json.dumps(
        {"version": "4", "alerts": [{"status": "firing", "labels": labels, "startsAt": str(NOW)}]}
    )
    profile = compile_profile(AlertmanagerSettings.model_validate(settings))
    (alert,) = read_body(Body(raw=body.encode()), profile, received_at=NOW).alerts
    return alert.labels


def routed(matcher: str) -> Route:
    text = PLAIN.format(routes=f"{{matchers: ['{matcher}'], receiver: b}}")
    return build_tree(RootRouteSettings.model_validate(written(text)["route"]))


@pytest.mark.parametrize(
    ("matcher", "remark"),
    [
        ("severity=page", "now asks label sent_severity"),
        ("severity!~page|error", "now asks label sent_severity"),
        ("severity=critical", ""),
        ("severity=~critical|warning", ""),
        ("severity=~critical|page", "may accept other alerts"),
        ("severity=~crit.*", "may accept other alerts"),
        ('severity=""', "may accept other alerts"),
        ("source=x", "now asks label sent_source"),
        ('source=""', "may accept other alerts"),
        ("client=x", "may accept other alerts"),
        ("host=~x.*", "may accept other alerts"),
        ("team=page", ""),
    ],
)
def test_labels_that_we_fill_in(matcher: str, remark: str) -> None:
    found = label_remarks(read(PLAIN.format(routes=f"{{matchers: ['{matcher}']}}")))
    assert [remark in each.what for each in found] == ([True] if remark else [])


@pytest.mark.parametrize("matcher", ["severity=page", "severity!=page", "severity=~page|error"])
@pytest.mark.parametrize("severity", ["page", "error", "high", "info"])
def test_a_severity_means_what_was_sent(matcher: str, severity: str) -> None:
    [taken] = match(routed(matcher), seen(alertname="A", severity=severity))
    accepts = parse_matcher(matcher).matches({"severity": severity})
    assert taken.policy.board == ("b" if accepts else "a")


# --- the command --------------------------------------------------------------------------------------


def test_the_command_prints_and_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "am.yml", tmp_path / "new.toml"
    file.write_text(WHOLE)
    nowhere = ["--config", str(tmp_path / "none.toml"), "import-alertmanager", str(file)]
    assert main(nowhere) == 0
    printed = capsys.readouterr()
    assert tomli.loads(printed.out)["route"]["board"] == "triage"
    assert printed.err.splitlines()[0].startswith(f"{file}:1: global: ")
    assert main([*nowhere, "--out", str(out)]) == 0
    assert (capsys.readouterr().out, out.read_text()) == ("", printed.out)
    assert main([*nowhere, "--out", str(out)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main([*nowhere, "--out", str(tmp_path / "no" / "new.toml")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    file.write_text("route: [")
    assert main(nowhere) == 2
    assert capsys.readouterr().err.startswith(f"{file}:1: is not YAML")


def test_the_command_keeps_the_boards_of_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, config = tmp_path / "am.yml", tmp_path / "alertd.toml"
    file.write_text(WHOLE)
    config.write_text("[[boards]]\nname = 'web'\nqueue = 5\n[[boards]]\nqueue = 6\n")
    assert main(["--config", str(config), "import-alertmanager", str(file)]) == 0
    assert [each["name"] for each in tomli.loads(capsys.readouterr().out)["boards"]] == ["triage", "pager"]
