"""Inhibition from batch to batch: no ticket for what is explained, told by what explains it, and released."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from alertd.core.alerts import Alert, AlertKey, Severity
from alertd.core.awaiting import extended
from alertd.core.conditions import Condition
from alertd.core.deciding import decide, due_at
from alertd.core.folding import Fold, Message, Routing
from alertd.core.held_back import MOST_SHOWN, HeldAlert, HeldBack
from alertd.core.incidents import (
    Closed,
    Dismissed,
    Fired,
    Holding,
    Incident,
    Inhibiting,
    Linked,
    Open,
    Waiting,
    state_of,
)
from alertd.core.inhibiting import InhibitRule, InhibitRules
from alertd.core.inhibition import Inhibition, tells_of_held
from alertd.core.matchers import parse_matchers
from alertd.core.route_settings import RootRouteSettings
from alertd.core.routes import Policy, build_tree
from alertd.core.silences import ActiveSilences, Quiet, Silence
from alertd.core.text import note_text, resolution_text, ticket_text
from tests.core.incident_samples import T0, TICKET, alert, at, member, opened, standing

RULE = InhibitRule("site", parse_matchers('level="site"'), parse_matchers('level="host"'), ("client",))
CHAIN = InhibitRule("host", parse_matchers('level="host"'), parse_matchers('level="disk"'), ("client",))


def site(name: str = "s", *, cleared: bool = False, **changes: Any) -> Alert:
    return a(name, "site", cleared=cleared, **changes)


def host(name: str = "h", *, cleared: bool = False, **changes: Any) -> Alert:
    return a(name, "host", cleared=cleared, **changes)


def a(name: str, level: str, *, cleared: bool = False, **changes: Any) -> Alert:
    severity = changes.pop("severity", Severity.WARNING)
    labels = {"host": name, "client": "c", "level": level, "source": "prometheus", "severity": severity.value}
    labels |= changes.pop("labels", {})
    return alert(name, cleared=cleared, labels=labels, severity=severity, **changes)


class Books:
    """What the flow keeps between batches."""

    def __init__(self, *rules: InhibitRule, silences: tuple[Silence, ...] = (), **options: Any) -> None:
        values = {"board": "noc", "group_by": ["host"], "inhibit_wait": "0s"} | options
        tree = build_tree(RootRouteSettings.model_validate(values))
        routes = [tree.matched.policy, *(each.matched.policy for each in tree.routes)]
        self.routing = Routing(tree, {each.route_name: each for each in routes})
        self.inhibition = Inhibition(InhibitRules(rules or (RULE,)))
        self.silences = silences
        self.conditions: dict[AlertKey, Condition] = {}
        self.incidents: dict[str, Incident] = {}
        self.totals: Counter[str] = Counter()

    def fold(self, *alerts: Alert, now: datetime = T0, ticked: list[str] | None = None) -> list[str]:
        """One batch; then all that it concerns, as the flow has it."""
        told = self._step(alerts, now=now, ticked=ticked or [])
        while due := self.inhibition.take_due(500, now):
            told += self._step((), now=now, ticked=due)
        return told

    def _step(self, alerts: tuple[Alert, ...], *, now: datetime, ticked: list[str]) -> list[str]:
        fold = Fold(
            self.routing, now=now, suppressions=ActiveSilences(self.silences), inhibition=self.inhibition
        )
        keys = {each.key for each in alerts}
        fold.conditions = {key: held for key, held in self.conditions.items() if key in keys}
        fold.observe(Message(each, now, "r") for each in alerts)
        needed = fold.needed_incidents() | set(ticked)
        fold.incidents = {key: held for key, held in self.incidents.items() if key in needed}
        fold.conditions.update({key: self.conditions[key] for key in fold.unheard(ticked)})
        fold.decide()
        fold.tick(ticked)
        self.conditions |= fold.conditions
        self.incidents |= fold.incidents
        self.totals.update(fold.totals)
        self.inhibition.told(fold.told_of_held)
        self.inhibition.commit([fold.conditions[key] for key in fold.changed_conditions], fold.incidents)
        return [line.what for line in fold.history]

    def tick(self, now: datetime) -> list[str]:
        return self.fold(now=now, ticked=sorted(self.incidents))

    def restart(self, *rules: InhibitRule) -> None:
        """All that is known from the store alone."""
        self.inhibition = Inhibition(InhibitRules(rules or self.inhibition.rules.rules))
        self.inhibition.restore(self.conditions.values(), self.incidents)
        assert not self.inhibition.has_begun

    def of(self, name: str) -> Incident:
        return next(each for each in self.incidents.values() if each.group["host"] == name)

    def states(self) -> dict[str, str]:
        return {each.group["host"]: state_of(each) for each in self.incidents.values()}

    def link(self, name: str) -> None:
        incident = self.of(name)
        self.incidents[incident.key] = decide(incident, Linked(TICKET, incident.revision), now=T0)

    def nonzero(self) -> dict[str, int]:
        return {name: count for name, count in self.totals.items() if count}


@pytest.mark.parametrize("alerts", [(site(), host()), (host(), site())])
def test_in_one_batch_the_order_does_not_matter(alerts: tuple[Alert, ...]) -> None:
    books = Books()
    books.fold(*alerts)
    assert books.states() == {"s": "opening", "h": "inhibited"}
    assert due_at(books.of("h")) is None
    assert books.nonzero() == {"pending": 1, "inhibited": 1}
    assert books.inhibition.inhibited_by(host().labels) == ("s",)
    assert books.inhibition.inhibited_by(site().labels) == ()


def test_it_is_released_when_the_hold_of_the_source_is_over_and_says_why_it_is_late() -> None:
    books = Books()
    books.fold(site(), host())
    books.link("s")
    books.fold(site(cleared=True), now=at(minutes=1))
    assert isinstance(books.of("s").phase, Holding)
    books.fold(host("h2"), now=at(minutes=2))
    assert books.states() == {"s": "holding", "h": "inhibited", "h2": "inhibited"}
    told = books.tick(at(minutes=7))
    assert books.states() == {"s": "closed", "h": "opening", "h2": "opening"}
    assert told.count("inhibited no more") == 2
    assert not books.inhibition
    description = ticket_text(books.of("h"), reference="ref").description
    assert "Inhibited by Disk full on s, by rule site from 2026-11-23 03:00 UTC until" in description


def test_a_source_that_comes_back_in_its_hold_releases_nothing() -> None:
    books = Books()
    books.fold(site(), host())
    for minute in range(1, 9, 2):
        books.fold(site(cleared=True), now=at(minutes=minute))
        books.fold(site(), now=at(minutes=minute + 1))
    books.tick(at(minutes=30))
    assert books.states() == {"s": "opening", "h": "inhibited"}


def test_without_a_hold_it_is_released_at_once_even_what_came_with_the_clear() -> None:
    books = Books(hold="0s")
    books.fold(site(), host())
    books.fold(site(cleared=True), host("h2"), now=at(minutes=1))
    assert books.states() == {"s": "closed", "h": "opening", "h2": "opening"}


def test_what_is_over_meanwhile_never_gets_a_ticket_and_is_counted() -> None:
    books = Books(missed="ticket")
    books.fold(site(), host(), host("h2"))
    books.link("s")
    books.tick(at(minutes=16))
    books.fold(host(cleared=True), now=at(minutes=17))
    books.fold(site(cleared=True), now=at(minutes=18))
    books.tick(at(minutes=23))
    parent, child = books.of("s"), books.of("h")
    assert isinstance(child.phase, Closed)
    assert not child.phase.wants_ticket
    assert books.totals["cleared_unticketed"] == 2
    assert books.totals["inhibited"] == 0
    assert parent.held_back is not None
    assert (parent.held_back.firing, parent.held_back.over) == (1, 1)
    said = resolution_text(parent)
    assert "Held back while this fired: 1 alert, looked at anew since it is over; 1 more were over" in said


def test_the_parent_tells_of_them_in_its_description_then_once_a_note() -> None:
    books = Books()
    books.fold(site(), host())
    assert "Held back while this fires: 1 alert\n- h: Disk full on h [warning], firing since" in (
        ticket_text(books.of("s"), reference="ref").description
    )
    books.link("s")
    assert not tells_of_held(books.of("s"))
    books.fold(host("h2"), now=at(minutes=1))
    parent = books.of("s")
    assert tells_of_held(parent)
    books.fold(*(host(f"i{n}") for n in range(60)), now=at(minutes=2))
    assert books.of("s") == parent  # it tells of them soon anyway
    books.tick(at(minutes=16))
    parent = books.of("s")
    assert parent.note_upto == parent.revision
    _, note = note_text(parent, after=1, upto=parent.revision)
    assert "Held back while this fires: 62 alerts\n" in note
    assert "and 22 more" in note
    assert note.count("- i") + note.count("- h") == MOST_SHOWN
    books.tick(at(minutes=50))
    assert books.of("s").note_upto == parent.note_upto
    books.fold(host("late"), now=at(minutes=51))
    assert books.of("s").noted_at == at(minutes=51)


def test_a_source_that_has_no_ticket_itself_inhibits_all_the_same() -> None:
    books = Books(RULE, CHAIN, group_wait="1m")
    books.fold(site(), host(), a("d", "disk"))
    books.tick(at(minutes=1))
    assert books.states() == {"s": "opening", "h": "inhibited", "d": "inhibited"}
    held = books.of("h").held_back
    assert held is not None
    assert [each.host for each in held.first] == ["d"]


def test_one_that_an_operator_has_closed_goes_on_inhibiting_while_it_fires() -> None:
    books = Books()
    books.fold(site(), host())
    parent = books.of("s")
    books.incidents[parent.key] = decide(parent, Dismissed(), now=T0)
    books.fold(host("h2"), now=at(minutes=1))
    books.tick(at(minutes=9))
    assert books.states() == {"s": "closed", "h": "inhibited", "h2": "inhibited"}
    books.fold(site(cleared=True), now=at(minutes=10))
    assert books.states() == {"s": "closed", "h": "opening", "h2": "opening"}


def test_another_source_takes_over() -> None:
    books = Books(hold="0s")
    books.fold(site(), site("s2"), host())
    assert books.of("h").members[host().key].quiet == Quiet(
        (site().key,), None, "Disk full on s, by rule site", "inhibited"
    )
    books.fold(site(cleared=True), now=at(minutes=1))
    assert books.states() == {"s": "closed", "s2": "opening", "h": "inhibited"}
    assert books.inhibition.inhibited_by(host().labels) == ("s2",)
    held = books.of("s2").held_back
    assert held is not None
    assert held.firing == 1


def test_the_pair_that_watches_a_source_has_to_agree() -> None:
    books = Books(hold="0s")
    books.fold(site(reporter="p1"), site(reporter="p2"), host())
    books.fold(site(reporter="p1", cleared=True), now=at(minutes=1))
    assert books.states()["h"] == "inhibited"
    books.fold(site(reporter="p2", cleared=True), now=at(minutes=2))
    assert books.states()["h"] == "opening"


def test_a_source_that_is_another_by_its_labels_inhibits_others() -> None:
    critical = InhibitRule("c", parse_matchers('severity="high",level="site"'), RULE.target)
    books = Books(critical)
    books.fold(site(severity=Severity.HIGH), host())
    assert books.states()["h"] == "inhibited"
    books.fold(site(severity=Severity.LOW), now=at(minutes=1))
    assert books.states()["h"] == "opening"
    books.fold(site(severity=Severity.HIGH), now=at(minutes=2))
    assert books.inhibition.has_begun
    books.tick(at(minutes=2))
    assert books.states()["h"] == "inhibited"  # no create was sent yet


def test_in_a_group_where_others_fire_a_source_has_no_hold() -> None:
    books = Books(group_by=["client"])
    books.fold(site(), a("x", "none"), host())
    incident = next(iter(books.incidents.values()))
    assert state_of(incident) == "opening"  # one group: what is inhibited joins what is not
    books.fold(site(cleared=True), now=at(minutes=1))
    assert not books.inhibition


def test_two_sources_in_one_incident_wait_together_and_go_on_alone() -> None:
    books = Books(group_by=["level"])
    books.fold(site(), site("s2"), host())
    books.fold(site(cleared=True), site("s2", cleared=True), now=at(minutes=1))
    books.fold(site(), now=at(minutes=2))
    assert sorted(map(state_of, books.incidents.values())) == ["inhibited", "opening"]
    assert books.inhibition.inhibited_by(host().labels) == ("s",)
    books.fold(site(cleared=True), now=at(minutes=3))
    books.tick(at(minutes=8))
    assert sorted(map(state_of, books.incidents.values())) == ["closed", "opening"]


def test_an_incident_that_others_have_closed_is_looked_at_when_it_was_due() -> None:
    books = Books()
    books.fold(site(), host())
    books.fold(site(cleared=True), now=at(minutes=1))
    assert books.inhibition.next_look_at() == at(minutes=6)
    parent = books.of("s")
    books.incidents[parent.key] = replace(parent, phase=Closed(at(minutes=2), "gone", at(hours=1)))
    books.fold(now=at(minutes=5))
    assert books.states()["h"] == "inhibited"
    books.fold(now=at(minutes=6))
    assert books.states()["h"] == "opening"
    assert books.inhibition.next_look_at() is None


def test_without_rules_nothing_is_kept() -> None:
    books = Books()
    books.inhibition = Inhibition(InhibitRules())
    books.fold(site(), host())
    assert books.states() == {"s": "opening", "h": "opening"}


def test_only_what_stands_where_a_source_fires_is_inhibited() -> None:
    books = Books()
    books.fold(site())
    assert books.inhibition.inhibited_by({"level": "host", "client": "x"}) == ()


def test_a_child_that_joins_others_with_a_ticket_to_come_is_not_held_back() -> None:
    books = Books(group_by=["client", "host"])
    books.fold(site(), host(), a("h-2", "none", labels={"host": "h"}))
    assert books.states() == {"s": "opening", "h": "opening"}
    assert books.of("s").held_back is None


def test_two_routes_have_two_parents() -> None:
    routes = [{"name": "all", "matchers": ['level="site"'], "continue": True, "hold": "1h"}, {"name": "rest"}]
    books = Books(routes=routes)
    books.fold(site(), host())
    parents = [each for each in books.incidents.values() if each.group["host"] == "s"]
    assert [each.held_back is not None and each.held_back.firing for each in parents] == [1, 1]
    books.fold(site(cleared=True), now=at(minutes=1))
    books.tick(at(minutes=10))
    assert books.states()["h"] == "inhibited"  # the other parent still waits whether it comes back
    books.tick(at(minutes=70))
    assert books.states()["h"] == "opening"


def test_a_silence_beside_it_goes_on_when_it_ends() -> None:
    silence = Silence(
        id="s1",
        matchers=parse_matchers('host="h"'),
        starts_at=T0,
        ends_at=at(hours=2),
        created_by="noc",
        comment="",
        updated_at=T0,
    )
    books = Books(silences=(silence,), hold="0s")
    books.fold(site(), host())
    assert books.states()["h"] == "inhibited"
    books.fold(site(cleared=True), now=at(minutes=1))
    assert books.states()["h"] == "silenced"
    assert books.nonzero()["silenced"] == 1
    books.silences = ()
    books.tick(at(hours=2))
    assert books.states()["h"] == "opening"


def test_a_restart_knows_what_fires_what_lingers_and_what_is_held_back() -> None:
    books = Books()
    books.fold(site(), host())
    books.link("s")
    books.restart()
    assert books.tick(at(minutes=1)) == []
    books.fold(site(cleared=True), now=at(minutes=2))
    books.restart()
    books.tick(at(minutes=3))
    books.fold(host("h2"), now=at(minutes=3))
    assert books.states() == {"s": "holding", "h": "inhibited", "h2": "inhibited"}
    books.tick(at(minutes=8))
    assert books.states() == {"s": "closed", "h": "opening", "h2": "opening"}
    books.restart()
    assert not books.inhibition


def test_a_rule_that_is_removed_releases_its_children() -> None:
    books = Books()
    books.fold(site(), host())
    books.restart(CHAIN)
    books.tick(at(minutes=1))
    assert books.states()["h"] == "opening"


# --- inhibit_wait -------------------------------------------------------------------------------------


def test_what_could_be_inhibited_waits_for_its_source() -> None:
    books = Books(inhibit_wait="15s")
    books.fold(host(), site("other", labels={"client": "x"}))
    assert books.of("h").phase == Waiting(at(seconds=15))
    assert books.states()["other"] == "opening"
    books.fold(site(), now=at(seconds=10))
    books.tick(at(seconds=15))
    assert books.states() == {"h": "inhibited", "other": "opening", "s": "opening"}


def test_the_wait_ends_with_a_ticket_or_with_the_clear() -> None:
    books = Books(inhibit_wait="15s")
    books.fold(host(), host("h2"))
    books.fold(host(cleared=True), now=at(seconds=10))
    books.tick(at(seconds=15))
    assert books.states() == {"h": "closed", "h2": "opening"}
    books.fold(site(), now=at(seconds=20))
    assert books.of("h2").members[host("h2").key].quiet is None


def test_what_is_critical_never_waits() -> None:
    books = Books(inhibit_wait="15s", group_wait="5s")
    books.fold(host(severity=Severity.CRITICAL), host("h2"), host("h3"))
    assert books.of("h").phase == Waiting(at(seconds=5))
    assert books.of("h2").phase == Waiting(at(seconds=15))
    books.fold(host("h2", severity=Severity.CRITICAL), now=at(seconds=2))
    assert books.of("h2").phase == Waiting(at(seconds=5))
    books.fold(host("h3", severity=Severity.CRITICAL), now=at(seconds=9))
    assert books.of("h3").phase == Waiting(at(seconds=9))


def test_it_waits_beside_the_other_waits() -> None:
    books = Books(inhibit_wait="15s", group_wait="5s", wait_for={"warning": "1m", "low": "10s"})
    books.fold(host(), host("h2", severity=Severity.LOW), a("x", "none"))
    assert books.of("h").phase == Waiting(at(minutes=1), at(seconds=15))
    assert books.of("h2").phase == Waiting(at(seconds=15), at(seconds=15))
    assert books.of("x").phase == Waiting(at(minutes=1), at(seconds=5))
    books.fold(host("h2", severity=Severity.CRITICAL), now=at(seconds=6))
    assert books.of("h2").phase == Waiting(at(seconds=6), at(seconds=6))
    books.fold(a("x", "none", severity=Severity.CRITICAL), now=at(seconds=2))
    assert books.of("x").phase == Waiting(at(seconds=5), at(seconds=5))


@pytest.mark.parametrize(("group_wait", "until"), [("0s", 15), ("30s", 30)])
def test_what_fires_again_waits_again(group_wait: str, until: int) -> None:
    books = Books(inhibit_wait="15s", group_wait=group_wait, missed="nothing")
    books.fold(host())
    books.fold(host(cleared=True), now=at(minutes=1))
    books.tick(at(minutes=1))
    books.tick(at(minutes=10))
    assert books.states() == {"h": "closed"}
    books.fold(host(), now=at(minutes=20))
    assert books.of("h").phase == Waiting(at(minutes=20, seconds=until))
    assert books.totals["held"] == 1


def test_a_new_ticket_for_what_had_one_waits_too_and_a_ticket_that_is_reopened_does_not() -> None:
    fired = Fired(member(), awaits_source=True)
    closed = Closed(T0, "person", at(hours=1))
    theirs = replace(standing(inhibit_wait=timedelta(seconds=15)), phase=closed, completed=True)
    assert decide(theirs, fired, now=at(minutes=1)).phase == Waiting(at(minutes=1, seconds=15))
    critical = Fired(member(severity=Severity.CRITICAL), awaits_source=True)
    assert decide(theirs, critical, now=at(minutes=1)).phase == Open()
    ours = replace(theirs, phase=Closed(T0, "cleared", at(hours=1)))
    assert decide(ours, fired, now=at(minutes=1)).phase == Open()
    no_wait = replace(theirs, policy=replace(theirs.policy, inhibit_wait=timedelta()))
    assert decide(no_wait, fired, now=at(minutes=1)).phase == Open()


def test_what_is_owed_a_ticket_has_done_its_waiting() -> None:
    owed = replace(opened(), phase=Closed(T0, "cleared", at(hours=1), wants_ticket=True))
    assert decide(owed, Fired(member(), awaits_source=True), now=T0).phase == Open()


def test_the_longer_wait_counts() -> None:
    policy = Policy(route_name="root", board="noc", inhibit_wait=timedelta(seconds=15))
    longer = Waiting(at(minutes=1))
    assert extended(longer, Fired(member(), awaits_source=True), policy, T0) == longer
    assert extended(None, Fired(member()), policy, T0) is None


# --- what a parent tells ------------------------------------------------------------------------------


def test_what_is_held_back_by_one_that_is_over_or_told_already_is_no_news() -> None:
    held = HeldBack(1, 0, (HeldAlert("Disk", Severity.LOW, T0),))
    incident = decide(standing(), Inhibiting(held), now=T0)
    assert decide(incident, Inhibiting(held), now=T0) is incident
    again = decide(incident, Inhibiting(HeldBack(2)), now=T0)
    assert [(each.what, each.revision) for each in again.changes] == [("held back", 2)]
    closed = replace(incident, phase=Closed(T0, "cleared", T0))
    assert decide(closed, Inhibiting(HeldBack(2)), now=T0) is closed
    assert "- Disk [low], firing since" in ticket_text(incident, reference="r").description


def test_what_another_flow_silenced_is_looked_at_once() -> None:
    inhibition = Inhibition(InhibitRules([RULE]))
    inhibition.look_at("i1")
    assert inhibition.take_due(500, T0) == ["i1"]
    assert inhibition.take_due(500, T0) == []
