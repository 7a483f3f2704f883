"""What silences do to incidents: no new ticket meanwhile, everything counted, nothing else changed."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from alertd.core.alerts import Alert, AlertKey, Severity
from alertd.core.conditions import Condition
from alertd.core.deciding import decide, due_at
from alertd.core.folding import Fold, Message, Routing
from alertd.core.incidents import (
    Closed,
    Completed,
    CompletedByPerson,
    Dismissed,
    Gone,
    Holding,
    Incident,
    Linked,
    Open,
    Quieted,
    ReopenRefused,
    Silenced,
    Tick,
    Waiting,
    state_of,
)
from alertd.core.levels import desired
from alertd.core.matchers import parse_matchers
from alertd.core.quieting import is_out_of_date, wake
from alertd.core.route_settings import RootRouteSettings
from alertd.core.routes import build_tree
from alertd.core.silences import ActiveSilences, Quiet, Silence
from alertd.core.text import ticket_text
from alertd.core.tickets import Create, Intent, Known
from tests.core.incident_samples import BOARD, T0, TICKET, after, alert, at, ended, member, opened, standing

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
UNTIL = T0 + HOUR


def silence(
    matchers: str = 'host="a"', *, id_: str = "s1", start: datetime = T0, end: datetime = UNTIL
) -> Silence:
    return Silence(
        id=id_,
        matchers=parse_matchers(matchers),
        starts_at=start,
        ends_at=end,
        created_by="noc",
        comment="patching\nthe disks",
        updated_at=T0,
    )


class Books:
    """What is stored between batches, and the silences in force."""

    def __init__(self, *silences: Silence, **options: Any) -> None:
        tree = build_tree(
            RootRouteSettings.model_validate({"board": "noc", "group_by": ["client"]} | options)
        )
        self.routing = Routing(tree, {"root": tree.matched.policy})
        self.silences = silences
        self.conditions: dict[AlertKey, Condition] = {}
        self.incidents: dict[str, Incident] = {}
        self.totals: Counter[str] = Counter()
        self.committed: dict[str, int] = {}

    def fold(self, *alerts: Alert, now: datetime = T0, tick: bool = False, expire: bool = False) -> list[str]:
        fold = Fold(self.routing, now=now, suppressions=ActiveSilences(self.silences))
        keys = set(self.conditions) if expire else {each.key for each in alerts}
        fold.conditions = {key: held for key, held in self.conditions.items() if key in keys}
        if expire:
            fold.expire(list(fold.conditions))
        fold.observe(Message(each, now, f"r{number}") for number, each in enumerate(alerts))
        ticked = list(self.incidents) if tick else []
        needed = fold.needed_incidents() | set(ticked)
        fold.incidents = {key: held for key, held in self.incidents.items() if key in needed}
        fold.committed = self.committed
        fold.conditions.update({key: self.conditions[key] for key in fold.unheard(ticked)})
        fold.decide()
        fold.tick(ticked)
        self.conditions |= fold.conditions
        self.incidents |= fold.incidents
        for name, change in fold.totals.items():
            self.totals[name] += change
        return [line.what for line in fold.history]

    def one(self) -> Incident:
        [incident] = self.incidents.values()
        return incident

    def nonzero(self) -> dict[str, int]:
        return {name: count for name, count in self.totals.items() if count}

    def store(self, incident: Incident) -> None:
        self.incidents[incident.key] = incident


def wants_ticket(incident: Incident) -> bool:
    return desired(incident, BOARD, instance="alertd", vocabulary=frozenset()).ticket


def test_what_is_silenced_wants_no_ticket() -> None:
    books = Books(silence())
    told = books.fold(alert("a"), alert("a"))
    incident = books.one()

    assert incident.phase == Silenced(T0, UNTIL, ("s1",), "noc: patching the disks")
    assert state_of(incident) == "silenced"
    assert not wants_ticket(incident)
    assert due_at(incident) == UNTIL
    assert told == ["opened", "silenced"]
    assert books.nonzero() == {"silenced": 2}


def test_at_its_end_what_fires_wants_its_ticket_and_says_why_it_is_late() -> None:
    books = Books(silence())
    books.fold(alert("a"))
    told = books.fold(now=at(hours=1, minutes=2), tick=True)
    incident = books.one()

    assert isinstance(incident.phase, Open)
    assert wants_ticket(incident)
    assert incident.last_silence == Silenced(T0, UNTIL, ("s1",), "noc: patching the disks")
    assert told == ["silence over"]
    assert books.nonzero() == {"pending": 1}
    description = ticket_text(incident, reference="ref").description
    assert "Since: 2026-11-23 03:00 UTC\nSilenced by s1 (noc: patching the disks) from " in description


@pytest.mark.parametrize("expired", [False, True])
def test_what_is_over_in_silence_is_closed_without_a_ticket(expired: bool) -> None:
    books = Books(silence(end=T0 + DAY), missed="ticket")
    books.fold(alert("a", severity=Severity.CRITICAL, expires_after=HOUR))
    if expired:
        told = books.fold(now=at(hours=2), expire=True)
    else:
        told = books.fold(alert("a", cleared=True), now=at(minutes=5))
    incident = books.one()

    how = "expired" if expired else "cleared"
    assert isinstance(incident.phase, Closed)
    assert incident.phase.how == how
    assert not wants_ticket(incident)
    assert told == ["closed", how]
    assert books.nonzero() == ({"expired": 1} if expired else {"cleared_unticketed": 2})


def test_what_fires_again_after_the_silence_is_as_new() -> None:
    books = Books(silence())
    books.fold(alert("a"))
    books.fold(alert("a", cleared=True), now=at(minutes=5))
    books.fold(alert("a"), now=at(hours=2))

    assert isinstance(books.one().phase, Open)
    assert books.one().last_silence is None
    assert books.nonzero() == {"cleared_unticketed": 2, "pending": 1}


def test_all_that_fires_has_to_be_silenced() -> None:
    books = Books(silence())
    books.fold(alert("a"), alert("b"))

    assert isinstance(books.one().phase, Open)


def test_one_that_is_not_silenced_opens_the_incident() -> None:
    books = Books(silence())
    books.fold(alert("a"))
    told = books.fold(alert("b"), now=at(minutes=1))

    assert isinstance(books.one().phase, Open)
    assert told == ["silence over", "fired"]
    assert books.nonzero() == {"pending": 2}


def test_when_the_one_that_was_not_silenced_is_over_the_rest_is_silenced_again() -> None:
    books = Books(silence(), missed="nothing")
    books.fold(alert("a"), alert("b"))
    books.fold(alert("b", cleared=True), now=at(minutes=1))

    assert isinstance(books.one().phase, Silenced)
    assert books.nonzero() == {"silenced": 3}


@pytest.mark.parametrize("critical", [False, True])
def test_a_ticket_that_is_owed_all_the_same_is_made(critical: bool) -> None:
    books = Books(silence(), missed="nothing" if critical else "ticket")
    severity = Severity.CRITICAL if critical else Severity.WARNING
    books.fold(alert("a"), alert("b", severity=severity))
    books.fold(alert("b", cleared=True), now=at(minutes=1))

    assert wants_ticket(books.one())


def test_another_severity_may_match_no_silence() -> None:
    books = Books(silence('severity="warning"'))
    labels = alert("a").labels
    books.fold(alert("a", labels={**labels, "severity": "warning"}))
    assert isinstance(books.one().phase, Silenced)
    worse = {**labels, "severity": "critical"}
    books.fold(alert("a", labels=worse, severity=Severity.CRITICAL), now=at(minutes=1))

    assert isinstance(books.one().phase, Open)


def test_more_that_is_silenced_joins_in_silence() -> None:
    books = Books(silence('host=~"a|b"'))
    books.fold(alert("a"))
    books.fold(alert("b", severity=Severity.HIGH), now=at(minutes=1))
    books.fold(alert("a", cleared=True), now=at(minutes=2))
    incident = books.one()

    assert isinstance(incident.phase, Silenced)
    assert incident.phase.since == T0
    assert incident.severity is Severity.HIGH
    assert incident.changes == ()


def test_of_several_silences_the_first_to_end_is_when_to_ask_again() -> None:
    books = Books(silence('host="a"'), silence('host="b"', id_="s2", end=T0 + 2 * HOUR))
    books.fold(alert("a"), alert("b"))
    incident = books.one()

    assert incident.phase == Silenced(T0, UNTIL, ("s1", "s2"), "noc: patching the disks")


# --- changes of silences ------------------------------------------------------------------------------


def test_a_longer_silence_is_found_at_the_old_end() -> None:
    books = Books(silence())
    books.fold(alert("a"))
    books.silences = (silence(end=T0 + DAY),)
    told = books.fold(now=UNTIL, tick=True)

    assert books.one().phase == Silenced(T0, T0 + DAY, ("s1",), "noc: patching the disks")
    assert told == []


def test_a_message_after_the_old_end_asks_first() -> None:
    books = Books(silence())
    books.fold(alert("a"))
    books.silences = (silence(end=T0 + DAY),)
    books.fold(alert("a"), now=at(hours=2))

    assert due_at(books.one()) == T0 + DAY
    assert books.nonzero() == {"silenced": 2}


def test_a_silence_that_is_gone_ends_at_the_next_question() -> None:
    books = Books(silence())
    books.fold(alert("a"))
    books.silences = ()
    books.fold(now=at(minutes=5), tick=True)

    assert isinstance(books.one().phase, Open)
    assert books.one().last_silence == Silenced(T0, at(minutes=5), ("s1",), "noc: patching the disks")


def test_one_made_before_the_ticket_holds_it_back() -> None:
    books = Books()
    books.fold(alert("a"))
    books.silences = (silence(),)
    told = books.fold(now=at(minutes=1), tick=True)

    assert isinstance(books.one().phase, Silenced)
    assert told == ["silenced"]
    assert books.nonzero() == {"silenced": 1}


def test_a_ticket_that_may_be_on_its_way_is_not_held_back() -> None:
    books = Books()
    books.fold(alert("a"))
    books.silences = (silence(),)
    books.committed = dict.fromkeys(books.incidents, 1)
    books.fold(now=at(minutes=1), tick=True)
    assert isinstance(books.one().phase, Open)

    books.committed = {}  # it was refused, and another one would have to be sent
    books.fold(alert("a"), now=at(minutes=2))
    assert isinstance(books.one().phase, Silenced)


def test_a_group_that_waits_is_silenced_when_its_wait_is_over() -> None:
    books = Books(group_wait="30s")
    books.fold(alert("a"))
    books.silences = (silence(),)
    told = books.fold(now=at(seconds=30), tick=True)

    assert isinstance(books.one().phase, Silenced)
    assert told == ["silenced"]
    assert books.nonzero() == {"silenced": 1}


def test_what_has_a_ticket_is_left_as_it_is() -> None:
    books = Books()
    books.fold(alert("a"))
    books.store(decide(books.one(), Linked(TICKET, 0), now=T0))
    before = books.one()
    books.silences = (silence(),)
    books.fold(now=at(minutes=1), tick=True)
    assert books.one() == before

    books.fold(alert("a", cleared=True), now=at(minutes=2))
    assert isinstance(books.one().phase, Holding)


def test_a_condition_that_cannot_be_found_is_not_silenced() -> None:
    books = Books(silence())
    books.fold(alert("a"))
    fold = Fold(books.routing, now=at(minutes=1), suppressions=ActiveSilences(books.silences))
    fold.incidents = dict(books.incidents)
    fold.tick(list(books.incidents))

    assert isinstance(fold.incidents[books.one().key].phase, Open)


def test_what_an_operator_closed_and_fires_on_is_asked_about_when_it_opens_again() -> None:
    books = Books()
    books.fold(alert("b"))
    books.store(decide(books.one(), Dismissed(), now=T0))
    books.silences = (silence('host=~"a|b"'),)
    books.fold(alert("a"), now=at(minutes=1))

    assert isinstance(books.one().phase, Silenced)


def test_the_next_generation_is_held_back_though_the_last_one_has_its_ticket() -> None:
    books = Books(hold="0s", reopen_within="10m")
    books.fold(alert("a"))
    books.store(decide(books.one(), Linked(TICKET, 0), now=T0))
    books.fold(alert("a", cleared=True))
    books.store(decide(books.one(), Completed(), now=T0))
    books.silences = (silence(),)
    books.committed = dict.fromkeys(books.incidents, 1)
    books.fold(alert("a"), now=at(minutes=11))

    assert books.one().generation == 2
    assert isinstance(books.one().phase, Silenced)


def test_only_those_with_a_silence_to_ask_about_are_loaded() -> None:
    books = Books(silence())
    books.fold(alert("a"))
    fold = Fold(books.routing, now=at(minutes=1), suppressions=ActiveSilences(books.silences))
    fold.incidents = dict(books.incidents)

    assert fold.unheard() == set()
    assert fold.unheard(["gone", *books.incidents]) == {alert("a").key}
    assert Fold(books.routing, now=UNTIL).unheard(books.incidents) == set()


# --- what else may happen in silence ------------------------------------------------------------------


def silenced(**policy: Any) -> Incident:
    phase = Silenced(T0, UNTIL, ("s1",), "")
    quiet = Quiet(("s1",), UNTIL)
    return replace(opened(first=member(quiet=quiet), **policy), phase=phase)


def test_only_a_create_that_was_not_sent_can_be_held_back() -> None:
    intent = Intent(operation=Create("ref", 0), begun_at=T0)
    assert not Known().may_stand
    assert Known(intent=intent).may_stand
    assert Known(ticket=TICKET).may_stand


def test_time_alone_ends_it() -> None:
    assert after(silenced(), Tick(), now=UNTIL - timedelta(microseconds=1)) == silenced()
    assert isinstance(after(silenced(), Tick(), now=UNTIL).phase, Open)


def test_a_ticket_that_turns_up_ends_it() -> None:
    linked = after(silenced(), Linked(TICKET, 0))

    assert isinstance(linked.phase, Open)
    assert linked.tally.ticketed == 1


def test_an_operator_may_close_it() -> None:
    assert isinstance(after(silenced(), Dismissed()).phase, Closed)


def test_news_of_a_ticket_that_there_is_not_changes_little() -> None:
    assert after(silenced(), Gone(), ReopenRefused()) == silenced()
    assert after(silenced(), CompletedByPerson(), ended()).phase != silenced().phase


def test_waking_what_is_awake_changes_nothing() -> None:
    assert wake(opened(), T0) == opened()


def test_what_is_over_is_not_asked_about() -> None:
    over = after(silenced(), ended())
    assert after(over, Quieted({AlertKey("a"): None})) == over
    assert not is_out_of_date(over, T0 + DAY)


@pytest.mark.parametrize("lost", [Gone(), ReopenRefused()])
def test_a_new_ticket_for_one_that_is_gone_asks_the_silences_first(lost: Gone | ReopenRefused) -> None:
    again = after(standing(), lost, now=at(minutes=3))

    assert again.phase == Waiting(at(minutes=3))
    assert due_at(again) == at(minutes=3)
    assert again.previous == TICKET
