"""Lists of what came and went without a ticket: daily digests, and what an outage made us miss."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from alertd.core import digests
from alertd.core.alerts import Alert, AlertKey, Severity
from alertd.core.conditions import Condition
from alertd.core.deciding import decide, due_at
from alertd.core.digest_settings import DigestSettings
from alertd.core.folding import Fold, Message, Routing
from alertd.core.incidents import Acknowledged, Closed, Completed, Incident, Linked, Tick, Waiting
from alertd.core.levels import desired
from alertd.core.route_settings import RootRouteSettings
from alertd.core.routes import build_tree
from alertd.core.text import resolution_text, ticket_text
from alertd.core.tickets import Ticket
from tests.core.incident_samples import BOARD, T0, TICKET, alert, at

DIGEST = DigestSettings(board="reports", at="07:00", timezone="America/Toronto")
AT_SEVEN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # in Toronto; T0 is ten at night before


class Books:
    """What is stored between batches."""

    def __init__(self, digest: DigestSettings | None = DIGEST, **route: Any) -> None:
        tree = build_tree(RootRouteSettings.model_validate({"board": "noc"} | route))
        policies = {each.name: each.matched.policy for each in (tree, *tree.routes)}
        self.routing = Routing(tree, policies, digest)
        self.conditions: dict[AlertKey, Condition] = {}
        self.incidents: dict[str, Incident] = {}
        self.totals: Counter[str] = Counter()
        self.told: list[str] = []

    def fold(self, *alerts: Alert, now: datetime = T0, sent: bool = False, list_sent: bool = False) -> None:
        fold = Fold(self.routing, now=now)
        fold.conditions = dict(self.conditions)
        fold.observe(Message(each, now, "r") for each in alerts)
        due = [key for key, held in self.incidents.items() if (when := due_at(held)) and when <= now]
        needed = {*fold.needed_incidents(), *due} & self.incidents.keys()
        fold.incidents = {key: self.incidents[key] for key in needed}
        fold.committed = {key: held.generation for key, held in fold.incidents.items() if sent}
        fold.decide()
        fold.tick(due)
        fold.incidents.update(
            {key: self.incidents[key] for key in fold.wanted_lists() & self.incidents.keys()}
        )
        fold.committed |= {held.key: held.generation for held in fold.incidents.values() if list_sent}
        fold.put_on_lists()
        self.conditions |= fold.conditions
        self.incidents |= fold.incidents
        self.totals.update(fold.totals)
        self.told += [each.what for each in fold.history]

    def blip(self, name: str = "a", *, now: datetime = T0, **changes: Any) -> None:
        """An alert fires and clears a second later, while its create (`sent`) or its list's is on its way."""
        sent = {which: changes.pop(which, False) for which in ("sent", "list_sent")}
        self.fold(alert(name, **changes), now=now)
        self.fold(alert(name, cleared=True, **changes), now=now + timedelta(seconds=1), **sent)
        self.fold(now=now + timedelta(seconds=1), **sent)

    def lists(self) -> list[Incident]:
        return [held for held in self.incidents.values() if held.kind == "summary"]

    def one(self) -> Incident:
        [found] = self.lists()
        return found

    def link(self, ticket: Ticket = TICKET) -> None:
        """The list's ticket is made, complete from the start."""
        held = self.one()
        linked = decide(held, Linked(ticket, held.revision), now=T0)
        self.incidents[held.key] = decide(linked, Completed(), now=T0)


def of(client: str, name: str = "a", **changes: Any) -> dict[str, Any]:
    labels = {**alert(name).labels, "client": client}
    return {"name": name, "labels": labels, "fingerprint": f"{client}-{name}"} | changes


# --- [digest] -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "on", "made_at"),
    [
        (T0, "2026-11-23", AT_SEVEN),
        (AT_SEVEN - timedelta(seconds=1), "2026-11-23", AT_SEVEN),
        (AT_SEVEN, "2026-11-24", AT_SEVEN + timedelta(days=1)),
        (datetime(2026, 3, 8, 0, tzinfo=UTC), "2026-03-08", datetime(2026, 3, 8, 11, tzinfo=UTC)),
    ],
    ids=["the evening before", "just before", "at the instant", "the night the clocks change"],
)
def test_the_next_digest(now: datetime, on: str, made_at: datetime) -> None:
    assert DIGEST.next_at(now) == (on, made_at)


@pytest.mark.parametrize("wrong", [{"at": "7 o'clock"}, {"at": "07:00Z"}, {"timezone": "Mars/Base"}])
def test_settings_that_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        DigestSettings.model_validate({"board": "reports"} | wrong)


# --- digests ------------------------------------------------------------------------------------------


def test_what_clears_in_its_wait_is_in_the_companys_digest() -> None:
    books = Books(wait_for="2m")
    books.blip()

    digest = books.one()

    assert digest.phase == Waiting(AT_SEVEN)
    assert (digest.client, digest.policy.board, due_at(digest)) == ("Contoso", "reports", AT_SEVEN)
    assert "listed" in books.told
    assert books.totals["cleared_unticketed"] == 2


def test_each_company_has_its_own_and_each_day_another() -> None:
    books = Books(wait_for="2m")
    for client in ("Contoso", "Fabrikam"):
        books.blip(**of(client))
        books.blip(**of(client, "b"))
        books.blip(now=AT_SEVEN, **of(client, "c"))

    assert sorted((held.client, len(held.members)) for held in books.lists()) == [
        ("Contoso", 1),
        ("Contoso", 2),
        ("Fabrikam", 1),
        ("Fabrikam", 2),
    ]


def test_a_digest_is_born_complete_and_made_once() -> None:
    books = Books(wait_for="2m")
    books.blip()
    books.fold(now=AT_SEVEN)
    digest = books.one()

    level = desired(digest, BOARD, instance="alertd", vocabulary=frozenset())

    assert (level.ticket, level.done) == (True, True)
    books.link()
    assert due_at(books.one()) is None
    assert decide(books.one(), Tick(), now=at(days=9)) == books.one()


def test_a_digest_says_what_when_and_how_often() -> None:
    books = Books(wait_for="2m")
    for minute in range(0, 180, 60):
        books.blip(now=at(minutes=minute))
    books.blip("b", severity=Severity.HIGH)

    text = ticket_text(books.one(), reference="ref", title_template="{{ host }}", remarks=())

    assert text.title == "Daily digest: 2 alerts at Contoso cleared without a ticket"
    assert text.description.splitlines()[1:6] == [
        "",
        "Contoso:",
        "- b: Disk full on b [high], 2026-11-23 03:00 to 2026-11-23 03:00 UTC",
        "- a: Disk full on a [warning], 3 times, last 2026-11-23 05:00 to 2026-11-23 05:00 UTC",
        "",
    ]
    assert text.description.endswith("[ref: ref]")
    assert "Disk full on b" in resolution_text(books.one())


def test_without_digest_there_is_none() -> None:
    books = Books(None, wait_for="2m")
    books.blip()

    assert books.lists() == []


def test_two_routes_of_one_alert_list_it_once() -> None:
    routes = [{"name": "one", "continue": True, "wait_for": "1m"}, {"name": "two", "wait_for": "1m"}]
    books = Books(routes=routes)
    books.blip()

    [member] = books.one().members.values()

    assert member.listed is not None
    assert member.listed.times == 1


def test_a_fixed_company_has_the_digest() -> None:
    books = Books(wait_for="2m", company=7)
    for client in ("Contoso", "Fabrikam"):
        books.blip(**of(client))

    assert books.one().policy.company == 7
    assert ticket_text(books.one(), reference="r").title == "Daily digest: 2 alerts cleared without a ticket"


# --- missed -------------------------------------------------------------------------------------------


def missed(count: int = 3, **route: Any) -> Books:
    books = Books(hold="0s", **route)
    for number in range(count):
        books.blip(f"h{number}", now=at(minutes=number))
    return books


def test_what_was_over_before_its_ticket_is_on_one_list() -> None:
    books = missed()

    assert len(books.one().members) == 3
    assert due_at(books.one()) == at(minutes=17, seconds=1)
    assert books.totals["cleared_unticketed"] == 6
    assert books.totals["pending"] == 0


@pytest.mark.parametrize("policy", ["ticket", "nothing"])
def test_other_policies_list_nothing(policy: str) -> None:
    assert missed(missed=policy).lists() == []


@pytest.mark.parametrize("policy", ["summary", "nothing"])
def test_what_is_over_while_its_create_is_on_its_way_is_in_that_ticket_alone(policy: str) -> None:
    books = Books(hold="0s", missed=policy)
    books.blip(sent=True)
    [incident] = books.incidents.values()
    assert (books.totals["pending"], books.totals["cleared_unticketed"]) == (2, 0)

    assert due_at(incident) is None

    linked = decide(incident, Linked(TICKET, incident.revision), now=at(minutes=1))

    assert (linked.tally.ticketed, linked.tally.merged, linked.tally.pending) == (1, 1, 0)
    assert digests.not_made(linked).tally == linked.tally
    assert books.lists() == []


@pytest.mark.parametrize(("policy", "lists"), [("summary", 1), ("nothing", 0)])
def test_what_is_over_while_its_create_is_on_its_way_is_listed_when_that_fails(
    policy: str, lists: int
) -> None:
    books = Books(hold="0s", missed=policy)
    books.blip(sent=True)
    [incident] = books.incidents.values()

    failed = digests.not_made(incident)
    books.incidents[incident.key] = failed
    assert (failed.tally.pending, failed.tally.cleared_unticketed) == (0, 2)
    assert due_at(failed) == at(seconds=1)
    assert decide(failed, Tick(), now=at(seconds=0)) == failed
    books.fold(now=at(minutes=1))

    assert due_at(books.incidents[incident.key]) is None
    assert len(books.lists()) == lists
    books.fold(now=at(hours=2))
    books.fold(now=at(hours=4))
    assert sum(len(each.members) for each in books.lists()) == lists


def test_what_fires_again_before_it_is_listed_is_not() -> None:
    books = Books(hold="0s")
    books.blip(sent=True)
    [incident] = books.incidents.values()
    books.incidents[incident.key] = digests.not_made(incident)

    books.fold(alert("a"), now=at(minutes=1))
    books.fold(now=at(minutes=2))

    assert books.lists() == []


def test_a_critical_one_has_a_ticket_of_its_own() -> None:
    books = Books(hold="0s")
    books.blip(severity=Severity.CRITICAL)

    [incident] = books.incidents.values()

    assert isinstance(incident.phase, Closed)
    assert incident.phase.wants_ticket


def test_several_companies_share_it_in_sections_and_it_is_nobodys() -> None:
    books = Books(None, hold="0s")
    books.blip(**of("Fabrikam"))
    books.blip(**of("Contoso", "b"))
    books.blip(**of("", "c"))

    text = ticket_text(books.one(), reference="r")

    assert (books.one().client, books.one().policy.board) == ("", "noc")
    assert text.title == "3 alerts began and ended before a ticket could be made"
    assert [line for line in text.description.splitlines() if line.endswith(":")] == [
        "No customer named:",
        "Contoso:",
        "Fabrikam:",
    ]


def test_while_its_ticket_cannot_be_made_more_may_come() -> None:
    books = missed()
    books.fold(now=at(hours=1))
    assert isinstance(books.one().phase, Closed)

    books.blip("late", now=at(hours=1, minutes=1))

    assert books.one().phase == Waiting(at(hours=1, minutes=16, seconds=1))
    assert (books.one().generation, len(books.one().members)) == (1, 4)


def test_what_comes_after_its_ticket_is_on_the_next_list() -> None:
    books = missed()
    books.fold(now=at(hours=1))
    books.link()
    books.blip("late", now=at(hours=2))
    assert due_at(books.one()) == at(hours=2, minutes=15, seconds=1)

    books.fold(now=at(hours=3))

    assert (books.one().generation, books.one().previous, books.one().ticket) == (2, TICKET, None)
    assert len(books.one().members) == 1
    assert isinstance(books.one().phase, Closed)


def test_what_comes_while_its_create_is_on_its_way_is_on_the_next_list() -> None:
    books = missed()
    books.fold(now=at(hours=1))
    before = books.one()
    books.blip("late", now=at(hours=1, minutes=1), list_sent=True)
    assert isinstance(books.one().phase, Closed)

    linked = decide(books.one(), Linked(TICKET, before.revision), now=at(hours=1, minutes=2))
    assert due_at(linked) == at(hours=1, minutes=16, seconds=1)

    assert len(decide(linked, Tick(), now=at(hours=2)).members) == 1


def test_a_list_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "MOST_LISTED", 2)
    books = missed(5)

    assert len(books.one().members) == 2
    text = ticket_text(books.one(), reference="r")
    assert text.title.startswith("5 alerts began")
    assert "and 3 more" in text.description


def test_a_list_that_somebody_works_on_is_left_alone() -> None:
    books = missed()
    odd = replace(books.one(), phase=Acknowledged(T0))

    assert due_at(odd) is None
    assert decide(odd, Tick(), now=at(days=1)) == odd
