"""Samples of tickets before there is an alert, and the labels that a ticket's templates see."""

from __future__ import annotations

import pytest

from alertd.core.route_settings import RootRouteSettings
from alertd.core.route_tests import example
from alertd.core.routes import build_tree, match
from alertd.core.text import BadTemplate, LacksLabel, check_template, rendered, ticket_text
from alertd.core.ticket_samples import AT, sample_incident
from tests.core.incident_samples import alert, at
from tests.core.test_folding import Books, routing

TREE = build_tree(RootRouteSettings(board="noc"))


def labelled(name: str, **labels: str) -> dict[str, str]:
    return {"alertname": "DiskFull", "client": "Contoso", "host": name, **labels}


def test_a_sample_is_what_the_alert_alone_would_open() -> None:
    each = example({"alertname": "DiskFull", "host": "fs02", "client": "Contoso", "team": "a"})
    (matched,) = match(TREE, each.labels)
    incident = sample_incident(each, matched)

    assert incident.group == {"alertname": "DiskFull", "client": "Contoso", "host": "fs02"}
    assert incident.opened_at == AT
    assert rendered("{{ title }} {{ labels.team }} {{ labels.host }}", incident) == "DiskFull a fs02"
    with pytest.raises(LacksLabel):
        rendered("{{ labels.site.upper() }}", incident)
    with pytest.raises(BadTemplate, match="division"):
        rendered("{{ 1 / 0 }}", incident)


def test_labels_may_be_there_when_alerts_come_and_other_names_may_not() -> None:
    check_template("{{ labels.team.split('/')[1] }}")
    with pytest.raises(BadTemplate, match="'nosuch' is undefined"):
        check_template("{{ labels.team }} {{ nosuch }}")


def test_templates_see_the_labels_that_all_alerts_have_in_common() -> None:
    books = Books(routing(group_by=["client"]))
    books.fold(alert("a", labels=labelled("a", team="disks", rack="1")))
    assert books.one().labels == labelled("a", team="disks", rack="1")
    books.fold(alert("b", labels=labelled("b", team="disks")), now=at(minutes=1))
    incident = books.one()

    assert incident.labels == {"alertname": "DiskFull", "client": "Contoso", "team": "disks"}
    said = ticket_text(
        incident, reference="alertd-x-g1", title_template="{{ labels.team }} {{ labels.client }}"
    )
    assert said.title == "disks Contoso"


def test_what_begins_anew_has_the_labels_of_what_fires_now() -> None:
    books = Books(routing(group_by=["client"], missed="nothing", hold="0s"))
    first = labelled("a", team="disks")
    books.fold(alert("a", labels=first))
    books.fold(alert("a", cleared=True, labels=first), now=at(minutes=1))
    books.fold(now=at(hours=1), tick=True)
    books.fold(alert("b", labels=labelled("b", team="nets")), now=at(hours=2))
    assert books.one().labels == labelled("b", team="nets")
