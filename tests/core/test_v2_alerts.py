"""What `GET /api/v2/alerts` and `/alerts/groups` show of conditions and incidents."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from alertd.core.alerts import Alert, Status
from alertd.core.incidents import Closed, Folded
from alertd.core.matchers import parse_matcher, predicate
from alertd.core.v2.alerts import (
    Situation,
    Undecided,
    Wanted,
    show_alerts,
    show_groups,
    shown_labels,
)
from tests.core.incident_samples import T0, alert, at
from tests.core.test_folding import Books, routing

LONG_WAIT = routing(group_wait="10m")
TWO_BOARDS = routing(
    {"name": "first", "continue": True, "matchers": ['host!=""'], "board": "desk"},
    {"name": "second", "matchers": ['host!=""']},
)


def situation(*alerts: Alert, rules: Any = None, **more: Any) -> Situation:
    """What there is after these alerts have been decided."""
    books = Books(rules) if rules is not None else Books()
    books.fold(*alerts)
    return Situation(
        now=T0,
        tree=books.rules.tree,
        conditions=[each for each in books.conditions.values() if each.firing],
        incidents=books.incidents,
        **more,
    )


def fingerprints(now: Situation, **wanted: Any) -> list[str]:
    return [each.fingerprint for each in show_alerts(now, Wanted(**wanted))]


def accepting(text: str) -> Any:
    return predicate([parse_matcher(text)])


def silences(host: str) -> Any:
    """Two active silences of one host."""
    return lambda labels: ["s1", "s2"] if labels["host"] == host else []


def test_an_alert_as_the_api_writes_it() -> None:
    fired = alert(
        annotations={"title": "Disk full", "url": "https://prom.example/graph"},
        starts_at=at(minutes=-1),
        expires_after=timedelta(hours=1),
    )
    assert msgspec.json.decode(msgspec.json.encode(show_alerts(situation(fired), Wanted()))) == [
        {
            "annotations": {"title": "Disk full", "url": "https://prom.example/graph"},
            "endsAt": "2026-11-23T04:00:00.000Z",
            "fingerprint": "a",
            "receivers": [{"name": "noc"}],
            "startsAt": "2026-11-23T02:59:00.000Z",
            "status": {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []},
            "updatedAt": "2026-11-23T03:00:00.000Z",
            "generatorURL": "https://prom.example/graph",
            "labels": {
                "alertname": "DiskFull",
                "client": "Contoso",
                "host": "a",
                "source": "prometheus",
            },
        }
    ]


def test_without_an_expiry_the_end_is_ahead_of_now() -> None:
    [shown] = show_alerts(situation(alert()), Wanted())
    assert shown.ends_at == "2026-11-23T03:05:00.000Z"


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "graph"])
def test_only_links_of_the_web_are_generator_urls(url: str) -> None:
    [shown] = show_alerts(situation(alert(annotations={"title": "t", "url": url})), Wanted())
    assert shown.generator_url is msgspec.UNSET


def test_alerts_come_by_fingerprint_and_cleared_ones_not_at_all() -> None:
    now = situation(alert("c"), alert("a"), alert("b"), alert("a", cleared=True))
    assert fingerprints(now) == ["b", "c"]


def test_one_whose_time_has_run_out_is_absent() -> None:
    now = situation(alert("a", expires_after=timedelta(minutes=1)), alert("b"))
    later = msgspec.structs.replace(now, now=at(minutes=1))
    assert fingerprints(later) == ["b"]
    assert len(show_groups(later, Wanted())) == 1


def test_labels_are_shown_as_sent_with_ours_beside_them() -> None:
    complete = {"severity": "warning", "sent_severity": "page", "source": "prom", "host": "", "x": "1"}
    assert shown_labels(complete, {"severity": "page", "x": "1"}) == {
        "severity": "page",
        "source": "prom",
        "x": "1",
    }
    assert shown_labels({"b": "1", "a": "2"}, {}) == {"a": "2", "b": "1"}


def test_filters_see_our_labels_and_those_that_are_shown() -> None:
    labels = {"alertname": "x", "severity": "warning", "sent_severity": "page", "host": "a"}
    now = situation(alert("a", labels=labels, sent_labels={"alertname": "x", "severity": "page"}))
    for text in ('severity="warning"', 'severity="page"', 'sent_severity="page"', 'host="a"'):
        assert fingerprints(now, accepts=accepting(text)) == ["a"], text
    assert fingerprints(now, accepts=accepting('severity="low"')) == []


def test_a_silenced_alert_names_its_silences() -> None:
    now = situation(alert("a"), alert("b"), silenced_by=silences("a"))
    [first, second] = show_alerts(now, Wanted())
    assert (first.status.state, first.status.silenced_by) == ("suppressed", ("s1", "s2"))
    assert (second.status.state, second.status.silenced_by) == ("active", ())
    assert fingerprints(now, silenced=False) == ["b"]
    assert fingerprints(now, active=False) == ["a"]


def test_an_alert_that_is_folded_is_muted_by_its_storm() -> None:
    now = situation(alert("a"))
    [key] = now.incidents
    folded = msgspec.structs.replace(now.incidents[key], phase=Folded(T0))
    [shown] = show_alerts(msgspec.structs.replace(now, incidents={key: folded}), Wanted())
    assert (shown.status.state, shown.status.muted_by) == ("suppressed", ("storm",))


def test_an_alert_whose_group_is_collected_is_muted_by_that() -> None:
    now = situation(alert("a"), rules=LONG_WAIT)
    [shown] = show_alerts(now, Wanted(active=False, muted=False))
    assert (shown.status.state, shown.status.muted_by) == ("suppressed", ("wait",))
    assert show_groups(now, Wanted(muted=False)) == []
    assert len(show_groups(now, Wanted())) == 1


def test_windows_and_time_intervals_mute() -> None:
    now = situation(
        alert("a"),
        alert("b"),
        in_windows=lambda labels: ["patches"] if labels["host"] == "a" else [],
        muted_by=lambda policy: ["nights"] if policy.route_name == "root" else [],
    )
    first, second = show_alerts(now, Wanted())
    assert (first.status.state, first.status.muted_by) == ("suppressed", ("patches", "nights"))
    assert (second.status.state, second.status.muted_by) == ("suppressed", ("nights",))


def test_receivers_are_the_boards_of_all_its_incidents() -> None:
    now = situation(alert("a"), rules=TWO_BOARDS)
    [shown] = show_alerts(now, Wanted())
    assert [each.name for each in shown.receivers] == ["desk", "noc"]
    assert fingerprints(now, accepts_receiver=accepting('name=~"d.*"')) == ["a"]
    assert fingerprints(now, accepts_receiver=accepting('name="desks"')) == []
    groups = show_groups(now, Wanted(accepts_receiver=accepting('name="desk"')))
    assert [each.receiver.name for each in groups] == ["desk"]
    assert [len(group.alerts[0].receivers) for group in groups] == [2]


def test_a_closed_incident_is_no_group() -> None:
    now = situation(alert("a"))
    [key] = now.incidents
    closed = msgspec.structs.replace(now.incidents[key], phase=Closed(T0, "operator", T0))
    now = msgspec.structs.replace(now, incidents={key: closed})
    assert show_groups(now, Wanted()) == []
    assert fingerprints(now) == ["a"]  # it fires all the same
    assert fingerprints(now, accepts_receiver=accepting('name="noc"')) == []


def test_undecided_alerts_are_unprocessed() -> None:
    waiting = [
        Undecided(alert("a"), T0),  # decided by now
        Undecided(alert("b", expires_after=timedelta(minutes=1)), T0),
        Undecided(alert("c"), T0),
        Undecided(alert("c", cleared=True), T0),
        Undecided(alert("d", status=Status.IGNORED), T0),
    ]
    now = situation(alert("a"), undecided=waiting)
    assert fingerprints(now) == ["a", "b"]
    assert fingerprints(now, unprocessed=False) == ["a"]
    assert fingerprints(now, accepts=accepting('host="b"')) == ["b"]
    [_, shown] = show_alerts(now, Wanted())
    assert (shown.status.state, shown.ends_at) == ("unprocessed", "2026-11-23T03:01:00.000Z")
    assert [each.name for each in shown.receivers] == ["noc"]


def test_groups_are_incidents_in_alertmanagers_order() -> None:
    rules = routing(group_by=["alertname", "host", "zone"])
    named = [("z", {}), ("b", {"zone": "1"}), ("a", {"zone": "1"}), ("a2", {"host": "a", "zone": "1"})]
    now = situation(
        *(alert(n, labels={"alertname": "x", "host": n, "source": "s", **more}) for n, more in named),
        alert("0", labels={"alertname": "x", "zone": "0", "source": "s"}),
        rules=rules,
    )
    shown = show_groups(now, Wanted())
    assert [[each.fingerprint for each in group.alerts] for group in shown] == [
        ["0"],
        ["z"],
        ["a", "a2"],
        ["b"],
    ]
    assert shown[2].labels == {"alertname": "x", "host": "a", "zone": "1"}
    assert shown[2].route_labels == {}
    assert [len(each.alerts) for each in show_groups(now, Wanted(accepts=accepting('host="a"')))] == [2]


def test_groups_leave_out_what_is_not_wanted() -> None:
    now = situation(alert("a"), alert("b"), silenced_by=silences("a"))
    assert [each.labels["host"] for each in show_groups(now, Wanted(silenced=False))] == ["b"]


def test_what_is_inhibited_is_suppressed_and_names_what_inhibits_it() -> None:
    now = situation(
        alert("a"), alert("b"), inhibited_by=lambda labels: ["b"] if labels["host"] == "a" else []
    )
    found = {each.fingerprint: each.status for each in show_alerts(now, Wanted())}
    assert (found["a"].state, found["a"].inhibited_by) == ("suppressed", ("b",))
    assert (found["b"].state, found["b"].inhibited_by) == ("active", ())
    assert fingerprints(now, inhibited=False) == ["b"]
