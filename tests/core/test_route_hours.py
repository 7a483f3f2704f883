"""Routes and the clock: what is held back, and what differs outside business hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from alertd.core import outside_hours
from alertd.core.alerts import Severity
from alertd.core.deciding import decide, due_at
from alertd.core.folding import Fold, Message, Routing
from alertd.core.incidents import Closed, Incident, Open, Silenced, Tick, state_of
from alertd.core.interval_settings import TimeIntervalSettings
from alertd.core.intervals import HORIZON, TimeInterval
from alertd.core.levels import desired
from alertd.core.outside import Outside
from alertd.core.route_hours import ALWAYS, RouteHours, rule_of
from alertd.core.route_settings import RootRouteSettings
from alertd.core.routes import Policy, build_tree
from alertd.core.silences import ActiveSilences, Quiet
from alertd.core.suppressions import Suppressions
from alertd.core.text import ticket_text
from tests.core.incident_samples import BOARD, alert, standing
from tests.core.test_quieting import silence

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)
NINE, FIVE = MONDAY + 9 * HOUR, MONDAY + 17 * HOUR


def interval(**given: Any) -> tuple[TimeInterval, ...]:
    return (TimeIntervalSettings.model_validate(given).interval(),)


OFFICE = interval(times=[{"start_time": "09:00", "end_time": "17:00"}], weekdays=["monday:friday"])
WEEKEND = interval(weekdays=["saturday", "sunday"])
INTERVALS = {"office": OFFICE, "weekend": WEEKEND, "always": interval(), "never": ()}


def policy(**options: Any) -> Policy:
    return Policy(route_name="root", board="noc", **options)


@pytest.mark.parametrize(
    ("options", "now", "by", "until"),
    [
        ({}, MONDAY, None, None),
        ({"mute_time_intervals": ("office",)}, NINE, ("office",), FIVE),
        ({"mute_time_intervals": ("office", "weekend")}, FIVE, None, None),
        ({"active_time_intervals": ("office",)}, FIVE, ("office",), NINE + 24 * HOUR),
        ({"active_time_intervals": ("office", "weekend")}, NINE, None, None),
        ({"active_time_intervals": ("office", "weekend")}, MONDAY, ("office", "weekend"), NINE),
        ({"active_time_intervals": ("always",)}, MONDAY, None, None),
        ({"mute_time_intervals": ("always",)}, MONDAY, ("always",), None),
        ({"active_time_intervals": ("never",)}, MONDAY, ("never",), None),
        ({"mute_time_intervals": ("gone",), "active_time_intervals": ("gone",)}, MONDAY, None, None),
        (
            {"mute_time_intervals": ("weekend",), "active_time_intervals": ("office",)},
            MONDAY,
            ("office",),
            NINE,
        ),
        ({"hours": "office", "outside": Outside(hold=True)}, MONDAY, ("office",), NINE),
        ({"hours": "office", "outside": Outside(hold=True)}, NINE, None, None),
        ({"hours": "office", "outside": Outside()}, MONDAY, None, None),
        ({"hours": "office"}, MONDAY, None, None),
        ({"outside": Outside(hold=True)}, MONDAY, None, None),
    ],
)
def test_what_holds_a_routes_tickets_back(
    options: dict[str, Any], now: datetime, by: tuple[str, ...] | None, until: datetime | None
) -> None:
    made = policy(**options)
    hours = RouteHours(INTERVALS, [made])
    for _ in range(2):  # the second time it is remembered
        found = hours.quiet_in(made, now)
        assert (found and (found.by, found.until, found.kind)) == (by and (by, until, "interval"))
        assert hours.muted_by(made, now) == (by or ())


def test_as_a_suppressor_it_says_when_it_begins_alone() -> None:
    mute = policy(mute_time_intervals=("office",))
    hours = RouteHours(INTERVALS, [mute, policy()])
    assert not hours
    assert hours.quiet({"a": "b"}, NINE) is None
    assert hours.next_start_at(MONDAY) == NINE
    assert hours.next_start_at(NINE) == FIVE
    assert ALWAYS.next_start_at(MONDAY) is None
    long_ago = hours.next_start_at(datetime.min.replace(tzinfo=UTC))
    assert long_ago is not None
    assert long_ago.year == 2000
    assert RouteHours(INTERVALS, [policy(mute_time_intervals=("always",))]).next_start_at(MONDAY) is None
    assert Suppressions(hours).next_start_at(MONDAY) == NINE


def test_rules_are_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alertd.core.route_hours._MOST_RULES", 1)
    hours = RouteHours(INTERVALS)
    for names in (("office",), ("weekend",)):
        made = policy(mute_time_intervals=names)
        assert rule_of(made) is not None
        hours.quiet_in(made, MONDAY)
    assert len(hours._standings) == 1


def test_when_the_hours_begin() -> None:
    outside = Outside(board="on-call")
    hours = RouteHours(INTERVALS)
    assert hours.outside_until(policy(hours="office", outside=outside), MONDAY) == NINE
    assert hours.outside_until(policy(hours="office", outside=outside), NINE) is None
    assert hours.outside_until(policy(hours="never", outside=outside), NINE) == NINE + HORIZON
    assert hours.outside_until(policy(hours="gone", outside=outside), MONDAY) is None
    assert hours.placed(policy(hours="office", outside=outside), MONDAY).board == "on-call"
    assert hours.placed(policy(hours="office", outside=outside), NINE).board == "noc"
    assert hours.placed(policy(hours="office", outside=Outside()), MONDAY).board == "noc"


class Books:
    """One route's incidents from batch to batch."""

    def __init__(self, *, silences: ActiveSilences | None = None, **options: Any) -> None:
        settings = RootRouteSettings.model_validate({"board": "noc"} | options)
        tree = build_tree(settings)
        policies = {"root": tree.matched.policy} | {each.name: each.matched.policy for each in tree.routes}
        self.routing = Routing(tree, policies, hours=RouteHours(INTERVALS, policies.values()))
        self.suppressions = Suppressions(silences or ActiveSilences(()), self.routing.hours)
        self.fold_ = Fold(self.routing, now=MONDAY)

    def fold(self, *alerts: Any, now: datetime, tick: bool = False) -> Incident:
        fold = Fold(self.routing, now=now, suppressions=self.suppressions)
        fold.conditions, fold.incidents = self.fold_.conditions, self.fold_.incidents
        fold.observe(Message(each, now, "r") for each in alerts)
        fold.decide()
        if tick:
            fold.tick(list(fold.incidents))
        self.fold_ = fold
        [incident] = fold.incidents.values()
        return incident


def muted(**options: Any) -> dict[str, Any]:
    return {"routes": [{"name": "child", **options}]}


def test_a_muted_route_makes_its_ticket_afterwards() -> None:
    books = Books(**muted(mute_time_intervals=["office"]))
    held = books.fold(alert("a"), now=NINE)
    assert isinstance(held.phase, Silenced)
    assert (held.phase.kind, held.phase.by, held.phase.until) == ("interval", ("office",), FIVE)
    assert state_of(held) == "held"
    assert (held.tally.held, due_at(held)) == (1, FIVE)
    late = books.fold(now=FIVE, tick=True)
    assert isinstance(late.phase, Open)
    assert (late.tally.held, late.tally.pending) == (0, 1)
    assert "Held back by time interval office from 2026-11-23 09:00 UTC until 2026-11-23 17:00 UTC" in (
        ticket_text(late, reference="r").description
    )


def test_what_is_over_inside_is_counted() -> None:
    books = Books(**muted(mute_time_intervals=["office"]))
    books.fold(alert("a"), now=NINE)
    over = books.fold(alert("a", cleared=True), now=NINE + HOUR)
    assert isinstance(over.phase, Closed)
    assert over.tally.cleared_unticketed == 2
    assert not desired(over, BOARD, instance="alertd", vocabulary=frozenset()).ticket


def test_it_begins_for_what_is_about_to_get_its_ticket() -> None:
    books = Books(**muted(mute_time_intervals=["office"]))
    assert isinstance(books.fold(alert("a"), now=MONDAY).phase, Open)
    assert isinstance(books.fold(now=NINE, tick=True).phase, Silenced)


def test_a_silence_that_ends_earlier_leaves_it_held() -> None:
    silences = ActiveSilences([silence('alertname=~".*"', start=MONDAY, end=NINE + HOUR)])
    books = Books(silences=silences, **muted(mute_time_intervals=["office"]))
    first = books.fold(alert("a"), now=MONDAY)
    assert state_of(first) == "silenced"
    then = books.fold(now=NINE + HOUR, tick=True)
    assert isinstance(then.phase, Silenced)
    assert (then.phase.kind, then.phase.until) == ("interval", FIVE)


def test_a_change_of_severity_asks_the_clock_too() -> None:
    books = Books(**muted(mute_time_intervals=["office"]))
    books.fold(alert("a", severity=Severity.WARNING), now=MONDAY)
    changed = books.fold(alert("a", severity=Severity.HIGH), now=NINE)
    [member] = changed.members.values()
    assert member.quiet == Quiet(("office",), FIVE, "", "interval")


HOURS = {"hours": "office", "outside": {"board": "on-call", "priority_as": {"warning": "info"}}}


def priority(incident: Incident) -> int:
    return desired(incident, BOARD, instance="alertd", vocabulary=frozenset()).priority


def test_outside_the_hours_another_board_and_priority_until_they_begin() -> None:
    books = Books(**HOURS)
    night = books.fold(alert("a", severity=Severity.WARNING), now=MONDAY)
    assert night.policy.board == "on-call"
    assert priority(night) == BOARD.priority_by_severity[Severity.INFO]
    assert due_at(night) == NINE
    [told] = [line for line in books.fold_.history if line.what == "opened"]
    assert told.detail["outside"] == "office"
    assert told.detail["board"] == "on-call"
    day = books.fold(now=NINE, tick=True)
    assert day.policy.board == "on-call"
    assert priority(day) == BOARD.priority_by_severity[Severity.WARNING]
    assert due_at(day) is None


def test_within_the_hours_nothing_differs_and_stays_so() -> None:
    books = Books(**HOURS)
    day = books.fold(alert("a", severity=Severity.WARNING), now=NINE)
    assert (day.policy.board, day.outside_until) == ("noc", None)
    assert priority(books.fold(now=FIVE, tick=True)) == BOARD.priority_by_severity[Severity.WARNING]


def test_severities_that_are_not_named_keep_their_priority() -> None:
    night = Books(**HOURS).fold(alert("a", severity=Severity.HIGH), now=MONDAY)
    assert priority(night) == BOARD.priority_by_severity[Severity.HIGH]
    gone = replace(night, policy=replace(night.policy, outside=None))
    assert priority(gone) == BOARD.priority_by_severity[Severity.HIGH]


def test_one_that_opens_anew_goes_by_the_hour() -> None:
    books = Books(**HOURS, hold="0s", missed="nothing")
    books.fold(alert("a"), now=MONDAY)
    over = books.fold(alert("a", cleared=True), now=MONDAY + HOUR)
    assert isinstance(over.phase, Closed)
    assert due_at(over) is None
    again = books.fold(alert("a"), now=NINE)
    assert (again.policy.board, again.outside_until) == ("noc", None)


def test_without_a_board_of_its_own_it_stays_where_it_was() -> None:
    books = Books(hours="office", outside={"priority_as": {"warning": "info"}}, hold="0s", missed="nothing")
    books.fold(alert("a"), now=NINE)
    books.fold(alert("a", cleared=True), now=NINE + HOUR)
    again = books.fold(alert("a"), now=FIVE)
    assert (again.policy.board, again.outside_until) == ("noc", NINE + 24 * HOUR)


def test_a_closed_one_waits_for_no_hours() -> None:
    night = replace(standing(), outside_until=NINE)
    assert outside_hours.due_at(night) == NINE
    assert decide(night, Tick(), now=NINE - HOUR).outside_until == NINE
    assert decide(night, Tick(), now=NINE).outside_until is None
    closed = replace(night, phase=Closed(MONDAY, "cleared", MONDAY))
    assert decide(closed, Tick(), now=NINE) == closed
