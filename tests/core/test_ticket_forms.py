"""What routes say of their tickets in place of their board: inherited, merged, no half of another pair."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from alertd.core.boards import BoardSettings
from alertd.core.route_settings import RootRouteSettings
from alertd.core.routes import build_tree, match
from alertd.core.ticket_forms import BLANK, TicketForm, applied, shown

BOARD: dict[str, Any] = {
    "name": "noc",
    "queue": "NOC",
    "issue": "Server",
    "sub_issue": "Disk",
    "resource": "Omar Haddad",
    "role": "Technician",
    "due": {"critical": "1h", "high": "4h"},
    "udfs": {"Alert Key": "{{ reference }}", "Team": "noc"},
}


def board(**more: Any) -> BoardSettings:
    return BoardSettings.model_validate(BOARD | more)


def form(root: dict[str, Any], *below: dict[str, Any]) -> TicketForm:
    """Return the form of the innermost of routes within routes."""
    inner: list[dict[str, Any]] = []
    for number, options in enumerate(reversed(below)):
        inner = [{"name": f"below {number}", "routes": inner, **options}]
    settings = RootRouteSettings.model_validate({"board": "noc", "routes": inner, **root})
    (found,) = match(build_tree(settings), {"alertname": "A"})
    return found.policy.form


def test_a_route_without_options_has_the_boards() -> None:
    assert form({}, {}) == BLANK
    assert applied(board(), BLANK) == board()


def test_options_are_inherited_down_the_tree_and_the_nearest_wins() -> None:
    found = form({"sla": "Gold", "issue": "Network"}, {"sla": "Standard"}, {"category": "Standard"})
    assert found.parts == {"sla": "Standard", "issue": "Network", "category": "Standard"}


def test_maps_are_merged() -> None:
    root = {"priority": {"warning": "High"}, "due": "2h", "udfs": {"Team": "a", "Site": "x"}}
    found = form(root, {"priority": {"low": 3}, "due": {"info": "1d"}, "udfs": {"team": "b"}})
    with_it = applied(board(), found)

    assert found.priority == {"warning": "High", "low": 3}
    assert with_it.priority["critical"] == "Critical"
    assert (with_it.priority["warning"], with_it.priority["low"]) == ("High", 3)
    assert (with_it.due["critical"], with_it.due["info"]) == (timedelta(hours=2), timedelta(days=1))
    assert with_it.udfs == {"Alert Key": "{{ reference }}", "Site": "x", "team": "b"}


@pytest.mark.parametrize(
    ("options", "pair"),
    [
        ({"issue": "Network"}, ("Network", None)),
        ({"issue": "Network", "sub_issue": "Switch"}, ("Network", "Switch")),
        ({"issue": "Server"}, ("Server", "Disk")),
        ({"sub_issue": "CPU"}, ("Server", "CPU")),
    ],
)
def test_a_sub_issue_never_stays_with_another_issue(
    options: dict[str, Any], pair: tuple[str, str | None]
) -> None:
    found = applied(board(), form({}, options))
    assert (found.issue, found.sub_issue) == pair


def test_a_role_never_stays_with_another_resource() -> None:
    assert applied(board(), form({"resource": "Jana Novak"})).role is None
    found = form({"resource": "Jana Novak", "role": "Senior"}, {"resource": 4})
    assert found.parts == {"resource": 4}


def test_what_is_set_is_shown_by_name() -> None:
    assert shown(form({"sla": "Gold", "due": {"low": "3d"}})) == {
        "sla": "Gold",
        "due": {"low": timedelta(days=3)},
    }


@pytest.mark.parametrize("due", ["0s", {"critical": "0s"}, {"urgent": "1h"}, 5])
def test_a_due_time_is_some_time_after(due: Any) -> None:
    with pytest.raises(ValidationError):
        board(due=due)


def test_one_due_time_is_meant_for_every_severity() -> None:
    assert set(board(due="4h").due.values()) == {timedelta(hours=4)}
    assert len(board(due="4h").due) == 5


def test_a_role_belongs_to_a_resource() -> None:
    with pytest.raises(ValidationError, match="a role is that of a resource: name that too"):
        BoardSettings.model_validate({"name": "noc", "queue": "NOC", "role": "Technician"})
