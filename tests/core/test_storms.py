"""Storms: what folds, what does not, how the parent follows, and how children come out again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from alertd.core.alerts import Alert, AlertKey, Severity
from alertd.core.conditions import Condition
from alertd.core.deciding import decide, due_at
from alertd.core.folding import Fold, Message, Routing
from alertd.core.incidents import (
    Acknowledged,
    Closed,
    CompletedByPerson,
    Dismissed,
    Folded,
    Holding,
    Incident,
    Linked,
    Open,
    Promoted,
    Silenced,
    Waiting,
    state_of,
)
from alertd.core.levels import desired, is_settled, urgency
from alertd.core.matchers import parse_matchers
from alertd.core.noting import tell_of_storm
from alertd.core.route_settings import RootRouteSettings
from alertd.core.routes import build_tree
from alertd.core.silences import ActiveSilences, Silence
from alertd.core.storm_settings import StormSettings
from alertd.core.storms import ORANGE, RED, YELLOW, StormTerms, group_of, note_interval, parent_key
from alertd.core.tickets import Known, Ticket
from tests.core.incident_samples import BOARD, T0, alert, at, opened

TERMS = StormTerms(threshold=4)
PARENT = parent_key("noc\x1fContoso")


class Books:
    """What is stored between batches; asked as the store is."""

    def __init__(self, terms: StormTerms = TERMS, **options: Any) -> None:
        tree = build_tree(RootRouteSettings.model_validate({"board": "noc", "group_by": ["host"]} | options))
        self.routing = Routing(tree, {"root": tree.matched.policy})
        self.terms = terms
        self.silences: list[Silence] = []
        self.conditions: dict[AlertKey, Condition] = {}
        self.incidents: dict[str, Incident] = {}
        self.totals: Counter[str] = Counter()
        self.committed: dict[str, int] = {}
        self.told: list[tuple[str, dict[str, str]]] = []

    def fold(
        self, *alerts: Alert, now: datetime = T0, tick: bool = False, dismissed: Sequence[str] = ()
    ) -> None:
        fold = Fold(self.routing, now=now, suppressions=ActiveSilences(self.silences), storms=self.terms)
        fold.conditions = dict(self.conditions)
        fold.observe(Message(each, now, f"r{number}") for number, each in enumerate(alerts))
        due = [key for key, each in self.incidents.items() if tick and is_due(each, now)]
        fold.dismiss(dismissed)
        needed = fold.needed_incidents() | set(due) | set(dismissed)
        fold.incidents = {key: held for key, held in self.incidents.items() if key in needed}
        self._load_storms(fold, due, now)
        fold.committed = self.committed
        fold.decide()
        fold.tick(due)
        self.conditions |= fold.conditions
        self.incidents |= fold.incidents
        self.told = [(line.what, line.detail) for line in fold.history]
        for name, change in fold.totals.items():
            self.totals[name] += change

    def _load_storms(self, fold: Fold, due: list[str], now: datetime) -> None:
        scopes = fold.scopes()
        for key in fold.parents(scopes) & self.incidents.keys():
            fold.incidents[key] = self.incidents[key]
        for key in filter(fold.storms.is_promoting, due):
            scopes.add(self.incidents[key].scope)
            fold.storms.promotable[key] = self.folded()
            fold.incidents |= {child: self.incidents[child] for child in fold.storms.to_promote()}
        times: dict[str, list[datetime]] = {}
        for each in self.incidents.values():
            if each.scope in scopes and each.wanted_at and each.wanted_at > fold.storms.counts_from:
                times.setdefault(each.scope, []).append(each.wanted_at)
        fold.storms.count(
            {scope: sorted(found)[-fold.storms.most_counted :] for scope, found in times.items()}
        )

    def pass_until(self, end: datetime) -> None:
        """Let time pass as the decide flow does: whenever something is due."""
        while True:
            due = [found for each in self.incidents.values() if (found := due_at(each)) is not None]
            if not due or min(due) > end:
                return
            self.fold(now=min(due), tick=True)

    def folded(self) -> list[str]:
        found = [each for each in self.incidents.values() if isinstance(each.phase, Folded)]
        newest = sorted(found, key=lambda each: each.wanted_at or T0, reverse=True)
        return [each.key for each in newest]

    def of(self, name: str) -> Incident:
        return next(each for each in self.incidents.values() if each.group == {"host": name})

    def apply(self, key: str, change: Any, now: datetime = T0) -> None:
        before = self.incidents[key]
        self.incidents[key] = after = decide(before, change, now=now)
        for name, moved in after.tally.minus(before.tally).items():
            self.totals[name] += moved

    @property
    def parent(self) -> Incident:
        return self.incidents[PARENT]

    @property
    def storm(self) -> Any:
        assert self.parent.storm is not None
        return self.parent.storm

    def nonzero(self) -> dict[str, int]:
        return {name: count for name, count in self.totals.items() if count}


def is_due(incident: Incident, now: datetime) -> bool:
    found = due_at(incident)
    return found is not None and found <= now


def many(count: int, *, start: int = 0, **changes: Any) -> list[Alert]:
    return [alert(f"h{number}", **changes) for number in range(start, start + count)]


def stormy(count: int = 6, **options: Any) -> Books:
    books = Books(**options)
    books.fold(*many(count))
    return books


def test_the_first_get_tickets_and_the_others_fold() -> None:
    books = stormy(6)

    assert [state_of(books.of(f"h{number}")) for number in range(6)] == ["opening"] * 4 + ["folded"] * 2
    assert books.of("h5").storm_key == PARENT
    assert books.parent.kind == "storm"
    assert books.parent.group == {"client": "Contoso"}
    assert books.parent.phase == Waiting(at(seconds=30))
    assert books.parent.tally == type(books.parent.tally)()
    assert (books.storm.arrived, books.storm.folded, books.storm.firing) == (6, 2, 2)
    assert books.nonzero() == {"pending": 4, "held": 2}
    assert ("folded", {"storm": PARENT}) in books.told


def test_what_is_folded_wants_no_ticket_and_its_parent_one() -> None:
    books = stormy()
    books.fold(now=at(seconds=30), tick=True)

    def wants(incident: Incident) -> bool:
        return desired(incident, BOARD, instance="alertd", vocabulary=frozenset()).ticket

    assert not wants(books.of("h5"))
    assert is_settled(books.of("h5"), Known())
    assert wants(books.parent)
    assert (urgency(books.of("h0")), urgency(books.parent)) == (2, 1)


def test_the_tags_of_a_parent_say_that_it_is_a_storm() -> None:
    books = stormy()
    tagged = type(BOARD)(
        **{name: getattr(BOARD, name) for name in BOARD.__struct_fields__}
        | {"state_tags": {"storm": "is a storm"}}
    )
    level = desired(books.parent, tagged, instance="alertd", vocabulary=frozenset())
    assert level.tags == {"alertd", "is a storm"}


def test_batches_count_together_within_the_window_alone() -> None:
    books = Books()
    for number in range(4):
        books.fold(*many(1, start=number), now=at(minutes=number * 2))
    assert books.folded() == []

    books.fold(*many(1, start=4), now=at(minutes=6))
    assert books.folded() == []  # the first is more than five minutes ago
    books.fold(*many(1, start=5), now=at(minutes=6))
    assert [books.incidents[key].group["host"] for key in books.folded()] == ["h5"]


def test_a_window_may_be_shorter_than_the_pace_of_promotions() -> None:
    books = Books(StormTerms(threshold=1, window=timedelta(seconds=10)))
    books.fold(*many(1))
    books.fold(*many(1, start=1), now=at(seconds=11))
    assert books.folded() == []


def test_threshold_0_turns_storms_off() -> None:
    books = stormy(40, terms=StormTerms(threshold=0, pressure=RED))
    assert books.folded() == []
    assert books.of("h0").scope == ""


def test_what_is_critical_counts_and_never_folds() -> None:
    books = Books()
    books.fold(*many(8, severity=Severity.CRITICAL))
    assert books.folded() == []
    books.fold(*many(1, start=8))
    assert len(books.folded()) == 1
    assert books.parent.severity is Severity.WARNING


def test_what_becomes_critical_gets_its_own_ticket_at_once() -> None:
    books = stormy()
    books.apply(PARENT, Linked(Ticket(7, "T7"), 9))
    books.fold(alert("h5", severity=Severity.CRITICAL))

    child = books.of("h5")
    assert (child.phase, child.storm_ticket) == (Open(), "T7")
    assert (books.storm.firing, books.storm.promoted) == (1, 1)
    assert books.nonzero() == {"pending": 5 + 1, "held": 1}  # the repeat counts, too


def test_the_parent_is_as_urgent_as_the_worst_in_it() -> None:
    books = stormy()
    assert books.parent.severity is Severity.WARNING
    books.fold(alert("h5", severity=Severity.HIGH))
    assert books.parent.severity is Severity.HIGH
    assert books.storm.firing_by_severity == {"high": 1, "warning": 1}

    books.fold(alert("h5", cleared=True), now=at(seconds=1))
    assert books.storm.severity is Severity.WARNING
    assert books.parent.severity is Severity.HIGH  # it falls with the next note


def test_what_has_a_ticket_on_its_way_never_folds() -> None:
    books = stormy(4)
    books.fold(alert("h0", cleared=True), now=at(seconds=1))
    books.fold(now=at(minutes=6), tick=True)
    assert isinstance(books.of("h0").phase, Closed)
    books.fold(*many(6, start=10), now=at(minutes=7))
    books.committed[books.of("h0").key] = 1
    books.fold(alert("h0"), now=at(minutes=7))
    assert isinstance(books.of("h0").phase, Open)


def test_other_boards_customers_and_sites_have_storms_of_their_own() -> None:
    terms = StormTerms(threshold=4, by=("client", "site"))
    labels = {"alertname": "DiskFull", "client": "Contoso", "source": "prometheus"}
    books = Books(terms)
    for site in ("east", "west"):
        books.fold(
            *[alert(f"{site}{n}", labels={**labels, "host": f"{site}{n}", "site": site}) for n in range(5)]
        )
    [east, west] = [each for each in books.incidents.values() if each.kind == "storm"]
    assert [each.group for each in (east, west)] == [
        {"client": "Contoso", "site": "east"},
        {"client": "Contoso", "site": "west"},
    ]
    assert east.scope == west.scope  # where promotions of the company are counted


def test_a_fixed_company_is_the_scope() -> None:
    books = stormy(5, company="Fabrikam")
    [parent] = [each for each in books.incidents.values() if each.kind == "storm"]
    assert parent.group == {"client": "Fabrikam"}
    assert group_of("noc\x1f") == {}


def test_what_clears_in_the_storm_is_counted_and_merged() -> None:
    books = stormy()
    books.fold(alert("h5", cleared=True), now=at(seconds=1))

    assert isinstance(books.of("h5").phase, Closed)
    assert (books.storm.cleared, books.storm.firing) == (1, 1)
    assert books.nonzero() == {"pending": 4, "merged": 2, "held": 1}

    books.fold(alert("h5"), now=at(seconds=2))
    assert isinstance(books.of("h5").phase, Folded)
    assert (books.storm.folded, books.storm.firing) == (3, 2)


def test_the_parent_is_completed_when_nothing_folded_fires() -> None:
    books = stormy()
    books.fold(now=at(seconds=30), tick=True)
    books.apply(PARENT, Linked(Ticket(7, "T7"), books.parent.revision))
    books.fold(*many(6, cleared=True), now=at(minutes=1))
    assert isinstance(books.parent.phase, Holding)

    books.fold(*many(1, start=9), now=at(minutes=2))  # the storm lasts
    assert books.parent.phase == Open()
    books.fold(alert("h9", cleared=True), now=at(minutes=3))
    books.pass_until(at(hours=1))
    assert isinstance(books.parent.phase, Closed)
    assert not books.folded()


def test_a_storm_that_is_over_before_its_ticket_is_made_is_told_all_the_same() -> None:
    books = Books()
    books.fold(*many(6), *many(6, cleared=True))
    books.fold(now=at(seconds=30), tick=True)
    assert isinstance(books.parent.phase, Closed)
    assert books.parent.phase.wants_ticket
    assert books.storm.cleared == 2


def test_the_next_note_tells_what_has_changed_since() -> None:
    books = stormy()
    books.fold(now=at(seconds=30), tick=True)
    books.apply(PARENT, Linked(Ticket(7, "T7"), books.parent.revision), now=at(seconds=31))
    assert due_at(books.parent) == books.storm.calm_at
    books.fold(*many(300, start=10), now=at(minutes=1))
    assert due_at(books.parent) == at(minutes=15, seconds=31)
    assert len(books.parent.changes) == 0  # however many join
    books.fold(now=at(minutes=15, seconds=31), tick=True)
    assert books.parent.note_upto == books.parent.revision


def test_calm_is_counted_from_when_too_few_arrive() -> None:
    books = stormy()
    assert books.storm.calm_at == at(minutes=5 + 15)  # the last of them count for five minutes
    books.fold(alert("h9", severity=Severity.CRITICAL), now=at(minutes=4))
    assert books.storm.calm_at == at(minutes=5 + 15)  # its next but one came with the others
    books.fold(*many(1, start=10), now=at(minutes=4))
    assert books.storm.calm_at == at(minutes=9 + 15)
    books.fold(*many(1, start=11), now=at(minutes=12))
    assert books.storm.calm_at == at(minutes=9 + 15)
    assert books.storm.active


def test_after_the_storm_what_fires_is_promoted_one_a_minute_the_newest_first() -> None:
    books = stormy(4)
    for number in range(4, 8):
        books.fold(*many(1, start=number), now=at(seconds=number))
    books.pass_until(at(minutes=20, seconds=30))
    assert not books.storm.active
    assert [name for name in ("h4", "h5", "h6", "h7") if books.of(name).phase == Open()] == ["h7"]
    books.pass_until(at(minutes=21, seconds=30))
    assert [name for name in ("h4", "h5", "h6", "h7") if books.of(name).phase == Open()] == ["h6", "h7"]
    books.pass_until(at(hours=2))

    assert books.folded() == []
    assert books.storm.promoted == 4
    assert isinstance(books.parent.phase, Closed)
    assert books.nonzero() == {"pending": 8}


def test_promotions_of_one_customer_are_a_minute_apart_on_all_boards() -> None:
    books = stormy()
    other = parent_key("backups\x1fContoso")
    books.pass_until(at(minutes=20))
    assert len(books.folded()) == 1
    books.incidents[other] = type(books.parent)(
        **{name: getattr(books.parent, name) for name in books.parent.__struct_fields__}
        | {"key": other, "wanted_at": at(minutes=20, seconds=40)}
    )
    books.pass_until(at(minutes=21, seconds=30))
    assert len(books.folded()) == 1


def test_what_is_promoted_asks_the_silences_first() -> None:
    books = stormy(5)
    books.silences.append(
        Silence(
            id="s1",
            matchers=parse_matchers('host="h4"'),
            starts_at=at(minutes=1),
            ends_at=at(hours=3),
            created_by="noc",
            comment="",
            updated_at=T0,
        )
    )
    books.pass_until(at(minutes=30))
    assert isinstance(books.of("h4").phase, Silenced)
    assert isinstance(books.parent.phase, Closed)
    books.pass_until(at(hours=4))
    assert books.of("h4").phase == Open()


@pytest.mark.parametrize("pressure", [ORANGE, RED])
def test_promotions_wait_for_the_pressure_to_fall(pressure: int) -> None:
    books = stormy()
    books.terms = StormTerms(threshold=4, pressure=pressure)
    books.pass_until(at(hours=1))
    assert len(books.folded()) == 2
    books.terms = TERMS
    books.pass_until(at(hours=2))
    assert books.folded() == []


def test_what_is_too_much_to_be_promoted_stays_until_it_is_few() -> None:
    books = stormy(40, terms=StormTerms(threshold=4, promote_at_most=5))
    books.pass_until(at(hours=1))
    assert (len(books.folded()), books.storm.active) == (36, False)

    books.fold(*many(35, cleared=True), now=at(hours=1))
    assert books.storm.promote_at == at(hours=1, minutes=15)  # they are just clearing
    books.pass_until(at(hours=1, minutes=14))
    assert len(books.folded()) == 5
    books.pass_until(at(hours=2))
    assert books.folded() == []


def test_a_storm_that_comes_back_goes_on_in_its_ticket() -> None:
    books = stormy(40, terms=StormTerms(threshold=4, promote_at_most=5))
    books.pass_until(at(hours=1))
    books.fold(*many(1, start=50), now=at(hours=1))
    assert isinstance(books.of("h50").phase, Open)  # calm: it gets its own
    books.fold(*many(5, start=60), now=at(hours=1))
    assert (books.storm.active, books.storm.folded) == (True, 38)


def test_a_second_storm_reopens_the_ticket_of_the_first() -> None:
    books = stormy()
    books.fold(now=at(seconds=30), tick=True)
    books.apply(PARENT, Linked(Ticket(7, "T7"), books.parent.revision))
    books.fold(*many(6, cleared=True), now=at(minutes=1))
    books.pass_until(at(hours=1))
    assert isinstance(books.parent.phase, Closed)

    books.fold(*many(6, start=20), now=at(hours=2))
    assert books.parent.phase == Open()
    assert (books.parent.generation, books.storm.folded, books.storm.arrived) == (1, 2, 6)


def test_who_closes_the_parent_acknowledges_what_is_in_it() -> None:
    books = stormy()
    books.fold(now=at(seconds=30), tick=True)
    books.apply(PARENT, Linked(Ticket(7, "T7"), books.parent.revision))
    books.apply(PARENT, CompletedByPerson(), now=at(minutes=1))
    books.fold(*many(1, start=9), now=at(minutes=2))  # joins quietly
    books.pass_until(at(hours=3))
    assert isinstance(books.parent.phase, Acknowledged)
    assert not books.storm.active
    assert len(books.folded()) == 3

    books.fold(*many(10, cleared=True), now=at(hours=3))
    books.pass_until(at(hours=4))
    assert isinstance(books.parent.phase, Closed)
    assert books.parent.phase.how == "person"


def test_who_dismisses_the_parent_leaves_the_children_quiet() -> None:
    books = stormy()
    books.apply(PARENT, Dismissed())
    books.pass_until(at(hours=3))
    assert len(books.folded()) == 2
    books.fold(alert("h5", cleared=True), now=at(hours=3))
    assert isinstance(books.parent.phase, Closed)


def test_under_pressure_less_is_enough() -> None:
    books = stormy(2, terms=StormTerms(threshold=4, pressure=ORANGE))
    assert len(books.folded()) == 1
    books = stormy(2, terms=StormTerms(threshold=4, pressure=RED))
    assert len(books.folded()) == 2
    assert ("folded", {"storm": PARENT, "pressure": "red"}) in books.told


def test_at_orange_what_comes_in_joins_what_is_folded() -> None:
    books = stormy()
    books.pass_until(at(minutes=20))
    books.terms = StormTerms(threshold=400, pressure=ORANGE)
    books.fold(*many(1, start=50), now=at(hours=1))
    assert isinstance(books.of("h50").phase, Folded)


def test_yellow_and_worse_keep_notes_apart() -> None:
    assert note_interval(StormTerms(pressure=YELLOW)) == timedelta(hours=1)
    assert note_interval(StormTerms()) == timedelta()


def test_arrivals_of_a_storm_that_is_calm_change_nothing() -> None:
    books = stormy(40, terms=StormTerms(threshold=4, promote_at_most=5))
    books.pass_until(at(hours=1))
    before = books.parent
    books.fold(*many(1, start=50), now=at(hours=1))
    assert books.parent == before


def test_counts_that_are_wrong_end_by_themselves() -> None:
    books = stormy()
    for key in books.folded():
        del books.incidents[key]
    books.pass_until(at(hours=1))
    assert books.storm.firing == 0
    assert isinstance(books.parent.phase, Closed)


def test_a_child_whose_parent_is_lost_goes_its_own_way() -> None:
    books = stormy()
    del books.incidents[PARENT]
    books.fold(alert("h5", cleared=True), now=at(seconds=1))
    assert isinstance(books.of("h5").phase, Closed)
    assert PARENT not in books.incidents


def test_a_ticket_that_comes_too_late_is_kept() -> None:
    books = stormy()
    late = decide(books.of("h5"), Linked(Ticket(9), 0), now=T0)
    assert (late.phase, late.ticket) == (Open(), Ticket(9))


def test_only_what_is_folded_is_promoted() -> None:
    incident = opened()
    assert decide(incident, Promoted(), now=T0) is incident
    assert tell_of_storm(incident, T0).revision == 1


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"threshold": -1}, "greater than or equal"),
        ({"window": "0s"}, "longer than 0s"),
        ({"by": ["site"]}, 'should name "client"'),
        ({"by": ["client", "client"]}, "twice"),
    ],
)
def test_settings_that_make_no_sense_are_refused(written: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        StormSettings.model_validate(written)


def test_settings_become_terms() -> None:
    assert StormTerms().gathering == timedelta(seconds=30)
    terms = StormSettings.model_validate({"by": ["client", "site"], "calm": "20m"}).terms(ORANGE)
    assert terms == StormTerms(
        10, timedelta(minutes=5), timedelta(minutes=20), ("client", "site"), 60, ORANGE
    )


def test_what_an_operator_closes_leaves_the_storm() -> None:
    books = Books()
    books.fold(*(alert(f"h{number}") for number in range(5)))
    before, child = books.storm, books.folded()[0]

    books.fold(dismissed=[child, "unknown"])

    assert books.storm.firing == before.firing - 1
    assert books.incidents[child].phase == Closed(T0, "operator", at(days=1))
    assert [what for what, _ in books.told] == ["closed by an operator"]
    books.fold(dismissed=[child])
    assert books.told == []
    assert books.storm.firing == before.firing - 1
