"""Comparing what two configurations make of the same alerts."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from alertd.core.alerts import alert_key
from alertd.core.comparing import Difference, compare, counted, counted_by_board
from alertd.core.replaying import Planned
from tests.core.incident_samples import at


def ticket(opener: str = "a", *, minute: int = 0, **changes: Any) -> Planned:
    values: dict[str, Any] = {
        "incident": f"i-{opener}",
        "generation": 1,
        "opener": alert_key("prometheus", opener),
        "receipt": "r",
        "title": f"Disk {opener}",
        "client": "Contoso",
        "route": "root",
        "board": "noc",
        "priority": "Medium",
        "created_at": at(minutes=minute),
        "calls": {"create": 1},
    }
    return Planned(**values | changes)


def test_the_same_is_no_difference() -> None:
    # another route, or another key, is none that anybody sees in Autotask
    assert compare([ticket()], [ticket(route="other", incident="x", receipt="r2")]) == []


def test_what_differs_is_named() -> None:
    before, after = (
        ticket(),
        ticket(board="field", priority="High", tags=("x",), calls={"create": 1, "tag": 1}),
    )
    assert compare([before], [after]) == [Difference(before, after, ("board", "priority", "tags", "calls"))]


def test_tickets_only_in_one_in_the_order_of_their_making() -> None:
    late, early = ticket("b", minute=5), ticket("c", minute=1)
    assert compare([late, ticket()], [ticket(), early]) == [
        Difference(None, early, ()),
        Difference(late, None, ()),
    ]


def test_the_second_ticket_of_an_alert_is_compared_with_the_second() -> None:
    first, second = ticket(), ticket(minute=9, generation=2)
    moved = ticket(minute=9, generation=2, board="field")
    assert compare([first, second], [first, moved]) == [Difference(second, moved, ("board",))]


def test_costs_in_sum_and_by_board() -> None:
    tickets = [ticket(calls={"create": 1, "note": 2}), ticket("b", board="field"), ticket("c")]
    assert counted(tickets).calls == {"create": 3, "note": 2}
    assert counted(tickets).total == 5
    assert {name: counts.tickets for name, counts in counted_by_board(tickets).items()} == {
        "field": 1,
        "noc": 2,
    }


def test_storms_of_one_customer_are_the_same_and_so_are_its_lists_of_one_day() -> None:
    storm = ticket("storm", kind="storm", title="Storm of alerts at Contoso")
    digest = ticket("a", kind="summary", route="(digest) 2026-11-24")
    assert compare([storm, ticket(), digest], [replace(digest, opener="z"), storm, ticket()]) == []
    others = [replace(storm, client="Fabrikam"), replace(digest, route="(missed)")]
    assert len(compare([storm, digest], others)) == 4
