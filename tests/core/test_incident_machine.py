"""Any order of alerts, time, faults, people and crashes: one ticket, nobody overwritten, and it drains."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from alertd.core.alerts import Severity, Status
from alertd.core.deciding import decide, due_at
from alertd.core.folding import Routing
from alertd.core.incidents import (
    Acknowledged,
    Closed,
    Folded,
    Incident,
    Open,
    Silenced,
    Tick,
    may_complete,
)
from alertd.core.inhibiting import InhibitRule, InhibitRules
from alertd.core.inhibition import Inhibition
from alertd.core.matchers import parse_matchers
from alertd.core.observing import NoteView
from alertd.core.route_settings import RootRouteSettings
from alertd.core.routes import build_tree
from alertd.core.settling import Settled, next_operation
from alertd.core.silences import Silence, expired
from alertd.core.storms import GREEN, ORANGE, RED, YELLOW, StormTerms, note_interval
from tests.core.autotask_model import DONE, NEW, PERSON, WONT_FIX, WORKFLOW, Ticket
from tests.core.incident_samples import alert
from tests.core.shell_model import Row, Shell, is_folded

NAMES = st.sampled_from("abc")
SEVERITIES = st.sampled_from([Severity.CRITICAL, Severity.WARNING, Severity.INFO])
SECONDS = st.sampled_from([1, 6, 20, 45, 61, 130, 310, 920, 4000])
POLICIES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "group_wait": st.sampled_from(["0s", "30s"]),
        "inhibit_wait": st.sampled_from(["0s", "15s"]),
        "hold": st.sampled_from(["0s", "5m"]),
        "wait_for": st.sampled_from(["0s", {"warning": "2m"}]),
        "close": st.sampled_from(["untouched", "always", "never"]),
        "on_expiry": st.sampled_from(["note", "close"]),
        "missed": st.sampled_from(["ticket", "summary", "nothing"]),
        "reopen_within": st.sampled_from(["10m", "24h"]),
        "acknowledge_limit": st.sampled_from(["0s", "30m", "24h"]),
    }
)
SECOND = {"name": "second", "matchers": ['host="a"'], "continue": True, "hold": "1m"}


INHIBITING = InhibitRule("a", parse_matchers('host="a"'), parse_matchers('host=~"b|c"'), ("client",))


def routing(policy: dict[str, Any], *, two_routes: bool) -> Routing:
    """All alerts in one group; "a" on a second route, too, if there is one."""
    routes = [SECOND, {"name": "rest"}] if two_routes else []
    tree = build_tree(
        RootRouteSettings.model_validate({"board": "noc", "group_by": ["client"], "routes": routes} | policy)
    )
    found = [tree.matched.policy, *(route.matched.policy for route in tree.routes)]
    return Routing(tree, {each.route_name: each for each in found})


def counted(incident: Incident) -> int:
    return sum(getattr(incident.tally, name) for name in incident.tally.__struct_fields__)


class IncidentMachine(RuleBasedStateMachine):
    """The pure core against a tiny Autotask."""

    @initialize(
        policy=POLICIES,
        two_routes=st.booleans(),
        lag=st.sampled_from([0, 3, 29]),
        refused=st.booleans(),
        silenced_s=st.sampled_from([0, 45, 4000]),
        inhibits=st.booleans(),
        threshold=st.sampled_from([0, 0, 1, 2]),
    )
    def begin(
        self,
        policy: dict[str, Any],
        two_routes: bool,
        lag: int,
        refused: bool,
        silenced_s: int,
        inhibits: bool,
        threshold: int,
    ) -> None:
        self.two_routes = two_routes
        apart = inhibits or threshold  # else who inhibits shares the ticket, and there is one incident
        self.own = {"group_by": ["client", "host"]} if apart else {}
        self.shell = Shell(routing(policy | self.own, two_routes=two_routes))
        self.shell.inhibition = Inhibition(InhibitRules([INHIBITING] if inhibits else []))
        self.shell.storms = StormTerms(threshold=threshold)
        self.desk = self.shell.desk
        self.desk.lag = timedelta(seconds=lag)
        self.desk.reopening_refused = refused
        if silenced_s:
            self.silence('host=~"a|b"', 0, silenced_s, dies=False)

    # --- senders --------------------------------------------------------------------------------------

    @rule(name=NAMES, severity=SEVERITIES, reporter=st.sampled_from(["", "p2"]), silent=st.booleans())
    def fire(self, name: str, severity: Severity, reporter: str, silent: bool) -> None:
        expires_after = timedelta(hours=1) if silent else None
        labels = {**alert(name).labels, "severity": severity.value}
        self.shell.post(
            alert(name, severity=severity, labels=labels, reporter=reporter, expires_after=expires_after)
        )

    @rule(name=NAMES, reporter=st.sampled_from(["", "p2"]))
    def clear(self, name: str, reporter: str) -> None:
        self.shell.post(alert(name, cleared=True, reporter=reporter))

    @rule(name=NAMES)
    def flap(self, name: str) -> None:
        self.shell.post(*[alert(name), alert(name, cleared=True)] * 3, alert(name))

    @rule(name=NAMES, text=st.sampled_from(["acknowledged", "picked up", ""]))
    def update(self, name: str, text: str) -> None:
        before = {
            key: type(row.incident.phase)
            for key, row in self.shell.rows.items()
            if (due := due_at(row.incident)) is None or due > self.shell.now
        }
        self.shell.post(alert(name, status=Status.UPDATED, annotations={"update": text}))
        for key, phase in before.items():
            after = type(self.shell.rows[key].incident.phase)
            assert after is phase or {after, phase} == {Open, Silenced}  # a silence ended, or counts by now

    # --- silences -------------------------------------------------------------------------------------

    @rule(
        matchers=st.sampled_from(['host="a"', 'host=~"a|b"', 'host!=""', 'severity="warning"', 'host!="c"']),
        begins_s=st.sampled_from([0, 0, 0, 30, 300]),
        lasts_s=SECONDS,
        dies=st.booleans(),
    )
    def silence(self, matchers: str, begins_s: int, lasts_s: int, dies: bool) -> None:
        starts_at = self.shell.now + timedelta(seconds=begins_s)
        made = Silence(
            id=f"s{len(self.shell.silences)}",
            matchers=parse_matchers(matchers),
            starts_at=starts_at,
            ends_at=starts_at + timedelta(seconds=lasts_s),
            created_by="noc",
            comment="",
            updated_at=self.shell.now,
        )
        self.shell.keep(made, dies=dies)

    @rule(name=NAMES, severity=SEVERITIES, begins_s=st.sampled_from([0, 1]), lasts_s=SECONDS)
    def fire_in_silence(self, name: str, severity: Severity, begins_s: int, lasts_s: int) -> None:
        self.silence(f'host="{name}"', begins_s, lasts_s, dies=False)
        self.fire(name, severity, "", silent=False)

    @precondition(lambda self: self.shell.silences)
    @rule(data=st.data(), lasts_s=SECONDS, dies=st.booleans())
    def silence_is_changed(self, data: st.DataObject, lasts_s: int, dies: bool) -> None:
        found = self.shell.silences[data.draw(st.sampled_from(sorted(self.shell.silences)))]
        if self.shell.now < found.ends_at:
            ends_at = max(self.shell.now, found.starts_at) + timedelta(seconds=lasts_s)
            self.shell.keep(replace(found, ends_at=ends_at), dies=dies)

    @precondition(lambda self: self.shell.silences)
    @rule(data=st.data(), dies=st.booleans())
    def silence_is_expired(self, data: st.DataObject, dies: bool) -> None:
        found = self.shell.silences[data.draw(st.sampled_from(sorted(self.shell.silences)))]
        self.shell.keep(expired(found, self.shell.now), dies=dies)

    # --- time and the shell ---------------------------------------------------------------------------

    @rule(seconds=SECONDS)
    def wait(self, seconds: int) -> None:
        self.desk.pass_time(timedelta(seconds=seconds))

    @rule()
    def work(self) -> None:
        self.shell.tick()
        self.shell.settle_all()

    @rule()
    def send_and_wait_for_replies(self) -> None:
        self.shell.settle_all(hold_replies=True)

    @rule()
    def replies(self) -> None:
        self.shell.replies()

    @rule()
    def sync(self) -> None:
        self.shell.sync()

    @rule()
    def crash(self) -> None:
        self.shell.restart()

    @rule(seconds=SECONDS)
    def live_on(self, seconds: int) -> None:
        """Everything as in normal running, for a while."""
        end = self.shell.now + timedelta(seconds=seconds)
        while self.shell.now < end:
            self.work()
            self.shell.sync()
            self.desk.pass_time(min(timedelta(seconds=60), end - self.shell.now))

    # --- faults ---------------------------------------------------------------------------------------

    @rule(
        fault=st.sampled_from(
            ["lost before", "lost after", "lost, late", "unavailable", "rejected", "invalid"]
        )
    )
    def fault(self, fault: Any) -> None:
        self.desk.fault = fault

    @precondition(lambda self: not self.shell.terms.adopt_first)
    @rule()
    def rights_come_and_go(self) -> None:
        self.desk.blind = not self.desk.blind

    @rule()
    def duplicate_handling(self) -> None:
        self.desk.answer_with = self.desk.put("foreign", {"status": 8, "priority": 1, "queue": 5})

    @rule(mark=st.sampled_from(["m1", "m2"]))
    def new_terms(self, mark: str) -> None:
        self.shell.terms = replace(self.shell.terms, mark=mark)
        self.wake()

    @rule(policy=POLICIES)
    def new_policy(self, policy: dict[str, Any]) -> None:
        self.shell.routing = routing(policy | self.own, two_routes=self.two_routes)

    @rule(level=st.sampled_from([GREEN, YELLOW, ORANGE, RED]))
    def pressure(self, level: int) -> None:
        self.shell.storms = replace(self.shell.storms, pressure=level)
        self.shell.terms = replace(self.shell.terms, note_interval=note_interval(self.shell.storms))

    @rule()
    def the_store_is_lost(self) -> None:
        self.heal()
        self.desk.pass_time(timedelta(minutes=2))
        self.shell.conditions.clear()
        self.shell.inhibition = Inhibition(self.shell.inhibition.rules)
        self.shell.rows.clear()
        self.shell.totals.clear()
        self.desk.forget()  # what alertd once knew to be a person's it cannot know any more
        self.shell.messages = 0
        self.shell.terms = replace(self.shell.terms, adopt_first=True)

    # --- people ---------------------------------------------------------------------------------------

    def some_ticket(self, data: st.DataObject) -> Ticket:
        return self.desk.tickets[data.draw(st.sampled_from(list(self.desk.tickets)[1:]), label="ticket")]

    @precondition(lambda self: len(self.desk.tickets) > 1)
    @rule(
        data=st.data(),
        fields=st.sampled_from(
            [
                {},
                {"status": 8},
                {"status": DONE},
                {"status": WONT_FIX},
                {"status": NEW},
                {"priority": 1},
                {"queue": 5},
            ]
        ),
    )
    def person(self, data: st.DataObject, fields: dict[str, int]) -> None:
        self.some_ticket(data).act(PERSON, self.desk.now, **fields)

    @precondition(lambda self: len(self.desk.tickets) > 1)
    @rule(data=st.data(), fields=st.sampled_from([{"status": 8}, {"priority": 1}, {"queue": 5}]), name=NAMES)
    def person_is_seen_before_it_gets_worse(
        self, data: st.DataObject, fields: dict[str, int], name: str
    ) -> None:
        self.live_on(200)
        self.some_ticket(data).act(PERSON, self.desk.now, **fields)
        self.live_on(61)
        self.shell.post(alert(name, severity=Severity.CRITICAL))
        self.work()

    @precondition(lambda self: len(self.desk.tickets) > 1)
    @rule(data=st.data(), as_time=st.booleans())
    def person_works_on_it(self, data: st.DataObject, as_time: bool) -> None:
        ticket = self.some_ticket(data)
        ticket.act(PERSON, self.desk.now)
        if as_time:
            ticket.entered |= {PERSON}
        else:
            ticket.notes.append(NoteView(title="hello", note_type=1, creator_id=PERSON))
        ticket.person_noted_at = self.desk.now

    @precondition(lambda self: len(self.desk.tickets) > 1)
    @rule(data=st.data())
    def person_takes_it(self, data: st.DataObject) -> None:
        ticket = self.some_ticket(data)
        ticket.act(PERSON, self.desk.now)
        ticket.assignee = PERSON

    @precondition(lambda self: len(self.desk.tickets) > 1)
    @rule(data=st.data(), is_seen=st.booleans())
    def person_merges_it(self, data: st.DataObject, is_seen: bool) -> None:
        """Into a ticket of their own, be it that alertd has seen all before."""
        if is_seen:
            self.live_on(200)
        ticket = self.some_ticket(data)
        if ticket.reference == "foreign" or ticket.gone:
            return
        ticket.merged_into = self.desk.put("foreign", {"status": 8, "priority": 1, "queue": 5})
        ticket.act(PERSON, self.desk.now, status=DONE)

    @precondition(lambda self: len(self.desk.tickets) > 1)
    @rule(data=st.data(), status=st.sampled_from([8, DONE]))
    def workflow(self, data: st.DataObject, status: int) -> None:
        self.some_ticket(data).act(WORKFLOW, self.desk.now, status=status)

    @precondition(lambda self: len(self.desk.tickets) > 1)
    @rule(data=st.data())
    def deleted(self, data: st.DataObject) -> None:
        ticket = self.some_ticket(data)
        known = [row.known for row in self.shell.rows.values()]
        if any(each.verified and each.ticket and each.ticket.id == ticket.id for each in known):
            ticket.gone = True

    @precondition(lambda self: self.shell.rows)
    @rule(data=st.data())
    def dismissed(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.shell.rows)))
        self.shell.dismiss(key)

    # --- what must always hold ------------------------------------------------------------------------

    @invariant()
    def every_message_is_accounted_for(self) -> None:
        assert sum(self.shell.totals.values()) == self.shell.messages
        assert min(self.shell.totals.values(), default=0) >= 0
        in_incidents = sum(counted(row.incident) for row in self.shell.rows.values())
        assert in_incidents <= self.shell.messages

    @invariant()
    def what_is_silenced_is_counted_as_silenced(self) -> None:
        for row in self.shell.rows.values():
            tally = row.incident.tally
            if isinstance(row.incident.phase, Silenced):
                assert tally.pending == tally.held == 0
                assert row.incident.ticket is None
            else:
                assert tally.silenced == tally.inhibited == 0

    @invariant()
    def a_storm_knows_what_is_in_it(self) -> None:
        for key, row in self.shell.rows.items():
            if row.incident.storm is not None:
                folded = [child for child in self.shell.rows.values() if is_folded(child.incident, key)]
                counted = Counter(child.incident.severity.value for child in folded)
                assert row.incident.storm.firing_by_severity == counted

    @invariant()
    def time_before_due_at_changes_nothing(self) -> None:
        for row in self.shell.rows.values():
            due = due_at(row.incident)
            if due is None or due > self.shell.now:
                before = (
                    self.shell.now + timedelta(days=99) if due is None else due - timedelta(microseconds=1)
                )
                assert decide(row.incident, Tick(), now=before) == row.incident

    # --- rest -----------------------------------------------------------------------------------------

    def heal(self) -> None:
        self.desk.fault = None
        self.desk.blind = False
        self.pressure(GREEN)
        self.shell.replies()
        self.shell.terms = replace(self.shell.terms, mark=self.shell.terms.mark + "'")
        self.wake()

    def wake(self) -> None:
        for row in self.shell.rows.values():
            row.settle_at = self.shell.now

    def run_dry(self, end: timedelta) -> None:
        """Go from one due instant to the next, with a sync at each."""
        until = self.shell.now + end
        while self.shell.now < until:
            self.work()
            self.shell.sync()
            self.work()
            next_at = min(self.shell.next_at() or until, self.shell.now + timedelta(minutes=31))
            self.desk.pass_time(max(next_at - self.shell.now, timedelta(seconds=31)))
        self.work()

    @rule()
    def rest(self) -> None:
        """Without faults, everything that fires has an open ticket, or somebody who said he knows."""
        self.heal()
        self.run_dry(timedelta(hours=3))
        for condition in self.shell.conditions.values():
            if condition.firing:
                assert condition.incidents
                assert all(self.is_cared_for(self.shell.rows[key]) for key in condition.incidents)

    def is_cared_for(self, row: Row) -> bool:
        incident = row.incident
        if row.known.parked is not None:
            return True
        if isinstance(incident.phase, Silenced):
            return self.shell.lies_in_silence(incident)
        if isinstance(incident.phase, Folded):
            return self.is_cared_for(self.shell.rows[incident.storm_key])
        match incident.phase:
            case Acknowledged() | Closed(how="operator" | "gone" | "person"):
                return True
            case Closed():
                return False
        ticket = self.desk.tickets.get(incident.ticket.id) if incident.ticket is not None else None
        return ticket is not None and not ticket.gone and ticket.fields["status"] != DONE

    def teardown(self) -> None:
        if not hasattr(self, "shell"):
            return
        self.heal()
        for name in "abc":
            self.shell.post(*(alert(name, cleared=True, reporter=reporter) for reporter in ("", "p2")))
        self.run_dry(timedelta(hours=6))
        for row in self.shell.rows.values():
            self.assert_at_rest(row.incident, row.known.foreign)
            level = self.shell._job(row).level
            step = next_operation(level, row.known, now=self.shell.now, terms=self.shell.terms)
            assert isinstance(step, Settled), step

    def assert_at_rest(self, incident: Incident, foreign: bool) -> None:
        assert isinstance(incident.phase, Closed)
        assert due_at(incident) is None
        assert incident.tally.waiting == 0
        ours_to_close = incident.phase.how in ("cleared", "expired", "operator") and may_complete(incident)
        if incident.ticket is not None and ours_to_close and not foreign:
            assert incident.completed
            assert self.desk.tickets[incident.ticket.id].fields["status"] in (DONE, WONT_FIX, 8, NEW)


QUICK = settings(
    max_examples=150,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

TestIncidentMachine = IncidentMachine.TestCase
TestIncidentMachine.settings = QUICK


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_incident_machine_at_length() -> None:
    run_state_machine_as_test(
        IncidentMachine, settings=settings(QUICK, max_examples=5000, stateful_step_count=40)
    )
