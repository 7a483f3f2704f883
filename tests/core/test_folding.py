"""Folding batches of alerts: which incidents they touch, and that each message is counted once."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.core.alerts import Alert, AlertKey, Severity, Status
from alertd.core.conditions import Condition
from alertd.core.deciding import decide
from alertd.core.folding import Fold, Message, Routing, member_of
from alertd.core.incidents import Acknowledged, Closed, Holding, Incident, Linked, Open, Waiting
from alertd.core.route_settings import RootRouteSettings
from alertd.core.routes import Policy, Route, build_tree
from tests.core.incident_samples import HOLD, T0, TICKET, alert, at


def policies(tree: Route) -> dict[str, Policy]:
    found = {tree.matched.policy.route_name: tree.matched.policy}
    for child in tree.routes:
        found |= policies(child)
    return found


def routing(*routes: dict[str, Any], **options: Any) -> Routing:
    tree = build_tree(RootRouteSettings.model_validate({"board": "noc", "routes": list(routes)} | options))
    return Routing(tree, policies(tree))


ROOT = routing()
TWICE = routing(
    {"name": "first", "continue": True, "matchers": ['host!=""'], "hold": "0s"},
    {"name": "second", "matchers": ['host!=""'], "hold": "1h"},
)
GONE = routing({"name": "third", "matchers": ['host!=""']})


class Books:
    """What is stored between batches."""

    def __init__(self, rules: Routing = ROOT) -> None:
        self.rules = rules
        self.conditions: dict[AlertKey, Condition] = {}
        self.incidents: dict[str, Incident] = {}
        self.totals: Counter[str] = Counter()

    def fold(self, *alerts: Alert, now: datetime = T0, silent: bool = False, tick: bool = False) -> Fold:
        fold = Fold(self.rules, now=now)
        keys = set(self.conditions) if silent else {each.key for each in alerts}
        fold.conditions = {key: held for key, held in self.conditions.items() if key in keys}
        if silent:
            fold.expire(list(fold.conditions))
        fold.observe(Message(each, now, f"r{number}") for number, each in enumerate(alerts))
        needed = fold.needed_incidents() | (set(self.incidents) if tick else set())
        fold.incidents = {key: held for key, held in self.incidents.items() if key in needed}
        fold.decide()
        if tick:
            fold.tick(list(fold.incidents))
        self.conditions |= fold.conditions
        self.incidents |= fold.incidents
        for name, change in fold.totals.items():
            self.totals[name] += change
        return fold

    def one(self) -> Incident:
        [incident] = self.incidents.values()
        return incident

    def phases(self) -> list[type]:
        return [type(incident.phase) for incident in self.incidents.values()]

    def nonzero(self) -> dict[str, int]:
        return {name: count for name, count in self.totals.items() if count}


def happened(fold: Fold) -> list[str]:
    return [line.what for line in fold.history]


# --- one alert ----------------------------------------------------------------------------------------


def test_the_first_alert_opens_an_incident() -> None:
    books = Books()
    fold = books.fold(alert())
    incident = books.one()

    assert incident.group == {"alertname": "DiskFull", "client": "Contoso", "host": "a"}
    assert (incident.client, incident.receipt, incident.policy.board) == ("Contoso", "r0", "noc")
    assert fold.changed_incidents == {incident.key}
    assert fold.changed_conditions == {alert().key}
    assert books.conditions[alert().key].incidents == (incident.key,)
    [line] = fold.history
    assert (line.what, line.receipt, line.detail) == ("opened", "r0", {"route": "root", "board": "noc"})


def test_a_member_tells_what_where_and_since_when() -> None:
    said = {"title": "Disk full", "description": "96 %", "url": "https://x"}
    books = Books()
    books.fold(alert(annotations=said, severity=Severity.HIGH, starts_at=at(minutes=-3)))
    [condition] = books.conditions.values()
    told = member_of(condition)

    assert (told.title, told.host, told.description, told.url) == ("Disk full", "a", "96 %", "https://x")
    assert (told.severity, told.since, told.key) == (Severity.HIGH, at(minutes=-3), alert().key)


def test_without_a_title_the_alerts_name_is_it() -> None:
    books = Books()
    books.fold(alert(annotations={}))

    assert [each.title for each in books.one().members.values()] == ["DiskFull"]


def test_repeats_change_only_the_count() -> None:
    books = Books()
    books.fold(alert())
    before = books.one()
    fold = books.fold(*[alert()] * 1000)

    assert happened(fold) == []
    assert books.one().tally.pending == before.tally.pending + 1000
    assert books.nonzero() == {"pending": 1001}


def test_clearing_and_firing_again_stay_with_the_incident() -> None:
    books = Books()
    books.fold(alert())
    fold = books.fold(alert(cleared=True), alert(), now=at(minutes=1))

    assert happened(fold) == ["cleared", "fired"]
    assert isinstance(books.one().phase, Open)
    assert books.nonzero() == {"pending": 3}


def test_a_whole_life_in_one_batch() -> None:
    books = Books()
    books.fold(alert(), alert(), alert(severity=Severity.HIGH), alert(cleared=True), alert(cleared=True))

    assert isinstance(books.one().phase, Holding)
    assert books.one().severity is Severity.HIGH
    assert books.nonzero() == {"pending": 5}


def test_a_change_of_severity_is_told() -> None:
    books = Books()
    books.fold(alert())

    assert happened(books.fold(alert(severity=Severity.HIGH))) == ["changed"]


def test_repeats_of_a_ticketed_alert_are_counted_without_its_incident() -> None:
    books = Books()
    books.fold(alert())
    books.incidents = {books.one().key: decide(books.one(), Linked(TICKET, 0), now=T0)}
    books.totals = Counter({"ticketed": 1})
    books.fold(alert())
    fold = books.fold(alert(), alert())

    assert fold.needed_incidents() == set()
    assert books.nonzero() == {"ticketed": 1, "merged": 3}


def test_tests_and_heartbeats_are_only_counted() -> None:
    books = Books()
    fold = books.fold(alert(status=Status.IGNORED))

    assert (books.incidents, fold.changed_conditions) == ({}, set())
    assert books.nonzero() == {"ignored": 1}


def test_clears_of_what_never_fired_are_counted_without_a_ticket() -> None:
    books = Books()
    fold = books.fold(alert(cleared=True), alert(cleared=True))

    assert (books.incidents, happened(fold)) == ({}, [])
    assert books.nonzero() == {"cleared_unticketed": 2}


def test_a_clear_whose_incident_is_forgotten_is_counted() -> None:
    books = Books()
    books.fold(alert())
    books.incidents.clear()
    books.fold(alert(cleared=True))

    assert books.totals["cleared_unticketed"] == 1


def test_a_repeat_whose_incident_is_forgotten_is_counted() -> None:
    books = Books()
    books.fold(alert())
    books.incidents.clear()
    books.fold(alert())

    assert books.totals["cleared_unticketed"] == 1


# --- time ---------------------------------------------------------------------------------------------


def test_silence_expires_and_counts_nothing() -> None:
    books = Books()
    books.fold(alert(expires_after=timedelta(hours=1)), alert("b"))
    fold = books.fold(now=at(hours=1), silent=True)

    assert happened(fold) == ["expired"]
    assert sum(books.totals.values()) == 2


def test_time_closes_and_tells_it() -> None:
    books = Books()
    books.fold(alert())
    books.fold(alert(cleared=True))
    early = books.fold(now=at(minutes=1), tick=True)
    late = books.fold(now=T0 + HOLD, tick=True)

    assert (happened(early), early.changed_incidents) == ([], set())
    assert happened(late) == ["closed"]
    assert books.phases() == [Closed]


def test_waiting_becomes_opening() -> None:
    books = Books(routing(group_wait="30s"))
    books.fold(alert())
    waiting = books.nonzero()
    fold = books.fold(now=at(seconds=30), tick=True)

    assert (waiting, books.nonzero()) == ({"held": 1}, {"pending": 1})
    assert happened(fold) == ["opening"]


# --- routes -------------------------------------------------------------------------------------------


def test_an_alert_on_two_routes_makes_two_incidents_and_counts_once() -> None:
    books = Books(TWICE)
    books.fold(alert())
    books.fold(alert())

    assert [each.policy.route_name for each in books.incidents.values()] == ["first", "second"]
    assert books.nonzero() == {"pending": 2}


def test_its_clear_reaches_both_and_counts_once() -> None:
    books = Books(TWICE)
    books.fold(alert())
    fold = books.fold(alert(cleared=True))

    assert happened(fold) == ["cleared", "cleared"]
    assert books.phases() == [Closed, Holding]
    assert books.nonzero() == {"cleared_unticketed": 2}


def test_firing_again_reaches_the_one_that_is_closed_beside_the_one_in_hold() -> None:
    books = Books(TWICE)
    books.fold(alert())
    books.fold(alert(cleared=True))
    fold = books.fold(alert(), now=at(minutes=1))

    assert books.phases() == [Open, Open]
    assert happened(fold) == ["fired", "fired"]
    assert len(books.conditions[alert().key].incidents) == 2
    assert sum(books.totals.values()) == 3


def test_new_routes_do_not_move_an_incident_that_lives() -> None:
    books = Books()
    books.fold(alert())
    books.fold(alert(cleared=True))
    books.rules = GONE
    books.fold(alert(), now=at(minutes=1))

    assert books.one().policy.route_name == "root"
    assert isinstance(books.one().phase, Open)


def test_new_routes_take_what_fires_after_its_incident_has_closed() -> None:
    books = Books(routing(hold="0s"))
    books.fold(alert())
    books.fold(alert(cleared=True))
    books.rules = GONE
    books.fold(alert(), now=at(minutes=1))

    assert books.phases() == [Closed, Open]
    assert len(books.conditions[alert().key].incidents) == 1


def test_a_clear_follows_the_ticket_whatever_todays_routes_say() -> None:
    books = Books()
    books.fold(alert())
    books.rules = GONE
    books.fold(alert(cleared=True))

    assert books.phases() == [Holding]


def test_the_live_policy_counts_and_the_board_is_frozen() -> None:
    books = Books()
    books.fold(alert())
    books.rules = routing(board="other", hold="1h")
    books.fold(alert(cleared=True))
    [incident] = books.incidents.values()

    assert incident.policy.board == "noc"
    assert incident.phase == Holding(T0, at(hours=1))


def test_a_removed_routes_incident_finishes_under_its_own_policy() -> None:
    books = Books(routing({"name": "gone", "matchers": ['host="a"'], "hold": "1h"}))
    books.fold(alert())
    books.rules = routing(hold="1m")
    books.fold(alert(cleared=True))

    assert books.one().phase == Holding(T0, at(hours=1))


def test_two_alerts_of_one_group_share_an_incident() -> None:
    books = Books(routing(group_by=["client"]))
    books.fold(alert("a"), alert("b"))

    assert len(books.one().members) == 2
    books.fold(alert("a", cleared=True))
    assert isinstance(books.one().phase, Open)
    books.fold(alert("b", cleared=True))
    assert isinstance(books.one().phase, Holding)


def test_waiting_collects() -> None:
    books = Books(routing(group_by=["client"], group_wait="30s"))
    fold = books.fold(alert("a"), alert("b"))

    assert happened(fold) == ["opened", "fired"]
    assert books.phases() == [Waiting]


# --- any batches --------------------------------------------------------------------------------------

NAMES = st.sampled_from("ab")
ALERTS = st.builds(
    lambda name, status, severity: alert(
        name, status=status, severity=severity, expires_after=timedelta(hours=2)
    ),
    NAMES,
    st.sampled_from(Status),
    st.sampled_from([Severity.WARNING, Severity.CRITICAL]),
)
RULES = st.sampled_from([ROOT, TWICE, GONE, routing(group_by=["client"], group_wait="1m", missed="nothing")])


@given(RULES, st.lists(st.tuples(st.lists(ALERTS, max_size=6), st.integers(0, 9000), RULES), max_size=6))
def test_every_message_has_one_disposition_however_they_are_batched(
    first: Routing, batches: list[tuple[list[Alert], int, Routing]]
) -> None:
    books, now, messages = Books(first), T0, 0
    for alerts, seconds, rules in batches:
        now += timedelta(seconds=seconds)
        books.fold(*alerts, now=now)
        books.fold(now=now, silent=True, tick=True)
        books.rules = rules
        messages += len(alerts)
        in_incidents = Counter[str]()
        for incident in books.incidents.values():
            in_incidents.update({n: getattr(incident.tally, n) for n in incident.tally.__struct_fields__})
        assert sum(books.totals.values()) == messages
        for name in ("pending", "held", "ticketed", "expired"):
            assert books.totals[name] == in_incidents[name]
        for name in ("merged", "cleared_unticketed"):  # some of these are counted without an incident
            assert books.totals[name] >= in_incidents[name]
        assert min(books.totals.values(), default=0) >= 0


@given(st.lists(ALERTS, max_size=12), st.data())
def test_one_batch_and_many_come_to_the_same(alerts: list[Alert], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(alerts)))
    whole, parts = Books(), Books()
    whole.fold(*alerts)
    parts.fold(*alerts[:cut])
    parts.fold(*alerts[cut:])

    assert [each.phase for each in whole.incidents.values()] == [
        each.phase for each in parts.incidents.values()
    ]
    assert whole.nonzero() == parts.nonzero()


@pytest.mark.parametrize("status", [Status.FIRING, Status.CLEARED], ids=["firing", "clear"])
def test_firing_conditions_have_a_live_incident(status: Status) -> None:
    books = Books()
    books.fold(alert(), alert(status=status))

    firing = books.conditions[alert().key].firing
    assert firing is (status is Status.FIRING)
    assert not isinstance(books.one().phase, Closed | Acknowledged)


def test_the_history_tells_that_it_flaps_and_that_it_is_stable() -> None:
    books = Books()
    told: list[str] = []
    for second in range(7):
        told += [
            each.what for each in books.fold(alert(cleared=second % 2 == 1), now=at(seconds=second)).history
        ]
    flapping = books.one().flapping
    assert flapping is not None

    over = books.fold(now=flapping.until, tick=True)

    assert told.count("flapping") == 1
    assert [each.what for each in over.history] == ["stable"]
