"""Templates tried at load on samples of every source and on the tests, and what routes say by halves."""

from __future__ import annotations

from pathlib import Path

import pytest

from alertd.config.faults import ConfigError
from alertd.config.loading import load, notes
from alertd.config.ticket_checks import samples
from alertd.core.sources.kinds import KINDS

HEAD = """\
[autotask]
username = "u"
secret = { env = "A" }
integration_code = { env = "B" }
[[sources]]
name = "prometheus"
kind = "alertmanager"
token = { env = "C" }
"""


def told(tmp_path: Path, text: str) -> tuple[list[str], list[str]]:
    """Return the faults and the notes, each as a line without the file's name."""
    path = tmp_path / "alertd.toml"
    path.write_text(HEAD + text)
    try:
        settings = load(path, {})
    except ConfigError as exc:
        return [str(each).removeprefix(f"{path}:") for each in exc.faults], []
    return [], [str(each).removeprefix(f"{path}:") for each in notes(path, settings)]


def board(**templates: str) -> str:
    lines = "".join(f"{name} = '''{text}'''\n" for name, text in templates.items())
    return f'[[boards]]\nname = "noc"\nqueue = "NOC"\n{lines}[route]\nboard = "noc"\n'


@pytest.mark.parametrize("name", ["title_template", "description_template"])
def test_a_template_that_fails_on_a_sources_sample_refuses_the_file(tmp_path: Path, name: str) -> None:
    template = "{% if labels.source == 'prometheus' %}{{ title.split('/')[9] }}{% endif %}"
    (fault,), _ = told(tmp_path, board(**{name: template}))
    assert fault.startswith(
        f"12: boards.0.{name}: the template fails on the sample alert of source 'prometheus'"
    )
    assert "(alertmanager): list object has no element 9" in fault


def test_a_template_is_tried_on_the_alerts_of_the_tests(tmp_path: Path) -> None:
    template = "{{ 1 // (labels.disks | default(1) | int) }}"
    test = (
        '[[tests]]\nname = "no disks"\nalert = { alertname = "X", disks = "0" }\nexpect = { board = "noc" }\n'
    )
    (fault,), _ = told(tmp_path, board(title_template=template) + test)
    assert "boards.0.title_template: the template fails on the alert of test 'no disks': " in fault


def test_a_template_is_tried_where_it_stands_and_only_on_what_comes_there(tmp_path: Path) -> None:
    routes = """
[[route.routes]]
name = "never"
matchers = ['alertname="NoSampleIsCalledSo"']
title_template = "{{ title.split('/')[9] if labels.alertname == 'NoSampleIsCalledSo' }}"
[[route.routes]]
name = "disks"
matchers = ['source="prometheus"']
udfs = { "Alert Key" = "{{ title.split('/')[labels.source | length] if labels.source == 'prometheus' }}" }
"""
    (fault,), _ = told(tmp_path, board() + routes)
    assert fault.startswith("22: route.routes.1.udfs.Alert Key: the template fails on the sample alert of")


def test_a_label_that_a_sample_lacks_is_noted(tmp_path: Path) -> None:
    text = board(title_template="{{ labels.team.split('/')[1] }}: {{ title }}")
    faults, (note,) = told(tmp_path, text)
    assert faults == []
    assert note.startswith(
        "12: boards.0.title_template: the sample alert of source 'prometheus' (alertmanager)"
    )
    assert "lacks a label that the template wants; of such alerts they get the built-in text" in note


def test_a_title_that_is_cut_is_noted(tmp_path: Path) -> None:
    faults, (note,) = told(tmp_path, board(title_template="{{ 'x' * 300 }}"))
    assert faults == []
    assert note.endswith("(alertmanager) has 300 characters; all after 255 is cut")


@pytest.mark.parametrize(
    ("routes", "fault"),
    [
        (
            'sub_issue = "Disk"\n',
            "14: route.sub_issue: belongs to issue: name that too, here or",
        ),
        ('role = "Technician"\n', "14: route.role: belongs to resource"),
        (
            '[[route.routes]]\nname = "a"\nsub_issue = "Disk"\n',
            "16: route.routes.0.sub_issue: belongs to issue",
        ),
    ],
)
def test_a_half_without_its_whole_is_refused(tmp_path: Path, routes: str, fault: str) -> None:
    (found,), _ = told(tmp_path, board() + routes)
    assert found.startswith(fault)


def test_a_half_may_have_its_whole_from_above(tmp_path: Path) -> None:
    routes = 'issue = "Server"\nresource = 4\n[[route.routes]]\nname = "a"\nsub_issue = "Disk"\nrole = 8\n'
    assert told(tmp_path, board() + routes) == ([], [])


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_source_has_a_sample_that_it_reads(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "alertd.toml"
    path.write_text(HEAD.replace('"alertmanager"', f'"{kind}"').replace("[[sources]]", _more(kind)) + board())
    settings = load(path, {})
    found = list(samples(settings))

    assert found
    assert all(each.alert.labels.get("alertname") for each in found)
    assert {each.alert.source for each in found} == {"prometheus"}
    made_up = found[0].alert.labels["alertname"] == "SampleAlert"
    assert made_up == (kind == "mapped")


def _more(kind: str) -> str:
    mapped = 'key = ["id"]\ntitle = "id"\n' if kind == "mapped" else ""
    return f"[[sources]]\n{mapped}"


def test_a_name_that_there_is_not_is_told_even_beside_a_label_that_is_not_there(tmp_path: Path) -> None:
    (fault,), _ = told(tmp_path, board(title_template="{{ labels.team }}: {{ nosuch }}"))
    assert fault == "12: boards.0.title_template: the template does not work: 'nosuch' is undefined"
