"""Replays: what a configuration would have made of what came in, by the daemon's own decisions."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from alertd.core.boards import BoardSettings
from alertd.core.digest_settings import DigestSettings
from alertd.core.folding import Message, Routing
from alertd.core.ideal_desk import Pressure, call_name
from alertd.core.inhibiting import InhibitRule
from alertd.core.matchers import parse_matchers
from alertd.core.replaying import Planned, Replay, Scene, imaginary_boards
from alertd.core.route_settings import RootRouteSettings
from alertd.core.routes import Route, build_tree
from alertd.core.storms import StormTerms
from alertd.core.tickets import Adopt, CheckTouched, Reread
from tests.core.incident_samples import alert, at

CALLS = {"create": 1, "tag": 1, "complete": 1}


def scene(**route: Any) -> Scene:
    board = BoardSettings.model_validate({"name": "noc", "queue": 7, "tags": ["alertd"]})
    tree = build_tree(RootRouteSettings.model_validate({"board": "noc", **route}))
    found = dict(policies(tree))
    boards, picks = imaginary_boards([board], found.values())
    return Scene(routing=Routing(tree, found), boards=boards, picks=picks)


def policies(route: Route) -> list[tuple[str, Any]]:
    return [(route.name, route.matched.policy), *(pair for child in route.routes for pair in policies(child))]


def played(*messages: Message, until: float = 24, **route: Any) -> Replay:
    replay = Replay(scene(**route))
    for message in messages:
        replay.take([message], message.received_at)
    replay.pass_time(at(hours=until))
    return replay


def said(name: str = "a", *, cleared: bool = False, severity: str = "", **when: float) -> Message:
    changes: dict[str, Any] = {"severity": type(alert().severity)(severity)} if severity else {}
    return Message(alert(name, cleared=cleared, **changes), at(**when), f"r-{name}")


def only(replay: Replay) -> Planned:
    (ticket,) = replay.tickets
    return ticket


def test_the_life_of_a_ticket() -> None:
    ticket = only(played(said(), said(cleared=True, minutes=20)))
    assert (ticket.created_at, ticket.completed_at) == (at(), at(minutes=25))
    assert (ticket.board, ticket.priority, ticket.tags) == ("noc", "Medium", ("alertd",))
    assert (ticket.title, ticket.client, ticket.route, ticket.receipt) == (
        "Disk full on a",
        "Contoso",
        "root",
        "r-a",
    )
    assert ticket.calls == CALLS


def test_completing_soon_after_a_write_costs_a_look_at_the_notes() -> None:
    ticket = only(played(said(), said(cleared=True, minutes=1), hold="0s"))
    assert ticket.calls == CALLS | {"check": 1}


def test_what_fires_again_is_reopened_and_noted() -> None:
    again = (said(minutes=30), said(cleared=True, hours=2))
    ticket = only(played(said(), said(cleared=True, minutes=20), *again))
    assert ticket.calls == {"create": 1, "tag": 1, "complete": 2, "check": 1, "change": 1, "note": 1}
    assert ticket.completed_at == at(hours=2, minutes=5)


def test_a_later_firing_is_a_ticket_of_its_own() -> None:
    replay = played(said(), said(cleared=True, minutes=20), said(hours=9), reopen_within="1h")
    assert [each.generation for each in replay.tickets] == [1, 2]
    assert replay.tickets[1].completed_at is None


def test_a_further_ticket_is_looked_for_and_then_created() -> None:
    replay = played(said(), said(cleared=True, minutes=20), said(hours=9), reopen_within="1h")
    assert replay.tickets[1].calls == {"check": 1, "create": 1, "tag": 1}


def test_severity_raises_the_priority() -> None:
    ticket = only(played(said(), said(severity="critical", minutes=20)))
    assert ticket.priority == "Critical"
    assert ticket.calls["change"] == 1


def test_over_before_the_ticket_is_born_complete() -> None:
    replay = played(said(severity="critical"), said(cleared=True, minutes=1), group_wait="5m")
    assert only(replay).calls == {"create": 1, "tag": 1}
    assert only(replay).completed_at == at(minutes=5)


def test_silence_expires_what_is_repeated_no_more() -> None:
    expiring = Message(alert(expires_after=timedelta(hours=1)), at(), "r1")
    again = Message(alert(expires_after=timedelta(hours=1)), at(minutes=30), "r2")
    ticket = only(played(expiring, again, on_expiry="close"))
    assert ticket.completed_at == at(hours=1, minutes=35)


def test_members_share_a_ticket_and_its_read_back() -> None:
    replay = Replay(scene(group_by=["client"]))
    replay.take([said("a"), said("b")], at())
    replay.take([said("c")], at(minutes=1))
    assert only(replay).alerts == 2  # as its calls have told: the note is not due yet
    replay.pass_time(at(minutes=20))
    assert only(replay).alerts == 3
    assert replay.read_backs == 1
    assert replay.incidents_of(alert("a").key) == replay.incidents_of(alert("c").key)
    assert replay.incidents_of(alert("z").key) == ()


def test_a_due_time_that_has_moved_on_does_nothing() -> None:
    replay = played(said(), said(cleared=True, minutes=1), said(minutes=2), said(cleared=True, minutes=9))
    assert only(replay).completed_at == at(minutes=14)


@pytest.mark.parametrize("operation", [Reread(1), CheckTouched(1), Adopt("r")])
def test_single_reads_are_checks(operation: Reread | CheckTouched | Adopt) -> None:
    assert call_name(operation) == "check"


def test_boards_that_write_a_pick_alike_mean_the_same() -> None:
    boards, picks = imaginary_boards(
        BoardSettings.model_validate({"name": name, "queue": 7}) for name in ("a", "b")
    )
    assert boards["a"].queue_id == boards["b"].queue_id
    assert picks[boards["a"].priority_by_severity["critical"]] == "Critical"


def test_what_is_inhibited_makes_its_ticket_when_it_is_released() -> None:
    rule = InhibitRule("r", parse_matchers('host="a"'), parse_matchers('host=~"b|c"'))
    replay = Replay(replace(scene(), inhibit=(rule,)))
    replay.take([said("b"), said("a"), said("c")], at())
    assert only(replay).title == "Disk full on a"
    replay.take([said("a", cleared=True), said("c", cleared=True)], at(minutes=1))
    replay.pass_time(at(minutes=10))
    assert [(each.title, each.created_at) for each in replay.tickets[1:]] == [
        ("Disk full on b", at(minutes=6))
    ]


def test_a_routes_own_priority_is_its_tickets() -> None:
    assert only(played(said(), priority={"warning": "P1"})).priority == "P1"
    raised = only(played(said(), said(severity="critical", minutes=20), priority={"warning": "P1"}))
    assert raised.priority == "Critical"  # the board's: the route says nothing of it


# --- storms ---------------------------------------------------------------------------------------------

STORM = StormTerms(threshold=2)


def stormy(hosts: str, *, pressure: Pressure = "green", **options: Any) -> Replay:
    """All come at once."""
    replay = Replay(replace(scene(**options), storms=STORM), pressure=pressure)
    for host in hosts:
        replay.take([said(host)], at())
    return replay


def test_the_rest_of_a_storm_shares_a_ticket_and_gets_its_own_when_it_is_calm() -> None:
    replay = stormy("abcd")
    replay.pass_time(at(minutes=1))
    own = [each for each in replay.tickets if each.kind == "problem"]
    (storm,) = (each for each in replay.tickets if each.kind == "storm")
    assert [each.title for each in own] == ["Disk full on a", "Disk full on b"]
    assert (storm.title, storm.client, storm.alerts) == ("Storm of alerts at Contoso", "Contoso", 2)
    assert storm.created_at == at(seconds=30)
    replay.pass_time(at(minutes=19))
    assert len(replay.tickets) == 3
    replay.pass_time(at(minutes=30))
    promoted = [each for each in replay.tickets if each.kind == "problem"][2:]
    assert {each.title for each in promoted} == {"Disk full on c", "Disk full on d"}
    assert promoted[1].created_at - promoted[0].created_at == timedelta(minutes=1)
    replay.pass_time(at(hours=1))
    assert next(each for each in replay.tickets if each.kind == "storm").completed_at is not None


def test_one_who_was_promoted_counts_no_second_time() -> None:
    replay = stormy("abc")
    replay.pass_time(at(minutes=40))
    assert len(replay.tickets) == 4
    replay.take([said("d", hours=1)], at(hours=1))
    replay.take([said("e", hours=1)], at(hours=1))
    assert [each.kind for each in replay.tickets][4:] == ["problem", "problem"]


def test_at_orange_fewer_make_a_storm_and_at_red_all_fold() -> None:
    assert [each.kind for each in stormy("ab", pressure="orange").tickets] == ["problem"]
    assert stormy("ab", pressure="red").tickets == []


@pytest.mark.parametrize(("pressure", "noted_after"), [("green", 15), ("yellow", 60)])
def test_from_yellow_on_notes_are_an_hour_apart(pressure: Pressure, noted_after: int) -> None:
    replay = Replay(scene(group_by=["client"]), pressure=pressure)
    replay.take([said("a")], at())
    replay.take([said("b")], at(minutes=1))
    replay.pass_time(at(minutes=noted_after, seconds=-1))
    assert "note" not in only(replay).calls
    replay.pass_time(at(minutes=noted_after))
    assert only(replay).calls["note"] == 1


def test_what_was_further_needed_is_kept_back_at_red() -> None:
    critical = [said(severity="critical"), said(cleared=True, minutes=20), said(severity="critical", hours=9)]
    replay = Replay(scene(reopen_within="1h"), pressure="red")
    for message in critical:
        replay.take([message], message.received_at)
    assert [each.calls for each in replay.tickets] == [
        {"create": 1, "complete": 1},
        {"check": 1, "create": 1},
    ]


# --- lists ----------------------------------------------------------------------------------------------


def test_what_cleared_while_it_waited_is_on_the_digest() -> None:
    before = scene(wait_for="10m")
    digest = DigestSettings(board="noc", at="07:00")
    replay = Replay(replace(before, routing=replace(before.routing, digest=digest)))
    replay.take([said("a"), said("b")], at())
    replay.take([said("a", cleared=True)], at(minutes=1))
    replay.take([said("b", cleared=True)], at(minutes=2))
    replay.pass_time(at(hours=24))
    ticket = only(replay)
    assert ticket.title == "Daily digest: 2 alerts at Contoso cleared without a ticket"
    assert (ticket.kind, ticket.alerts, ticket.board) == ("summary", 2, "noc")
    assert ticket.created_at == ticket.completed_at == at(hours=4)
    assert ticket.calls == {"create": 1, "tag": 1}


def test_without_a_digest_it_is_on_no_list() -> None:
    replay = played(said(), said(cleared=True, minutes=1), wait_for="10m")
    assert replay.tickets == []


def test_ten_thousand_messages_take_seconds() -> None:
    replay = Replay(scene())
    began = time.perf_counter()
    for number in range(10_000):
        message = said(f"h{number % 3000}", cleared=number % 7 == 6, seconds=number)
        replay.take([message], message.received_at)
    assert time.perf_counter() - began < 60  # about 2 s where nothing else runs
    assert len(replay.tickets) == 3000
