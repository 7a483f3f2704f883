"""`[route]`: what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from alertd.core.route_settings import RootRouteSettings


def test_an_empty_route_table_needs_only_a_board() -> None:
    settings = RootRouteSettings.model_validate({"board": "noc"})
    assert (settings.name, settings.group_by) == ("root", ["client", "host", "alertname"])


@pytest.mark.parametrize("group_by", [[], ["client"], ["..."]])
def test_group_by(group_by: list[str]) -> None:
    assert RootRouteSettings.model_validate({"board": "noc", "group_by": group_by}).group_by == group_by


def test_boards_that_are_mentioned() -> None:
    routes = [{"name": "a", "board": "x", "routes": [{"name": "b", "board": "y"}, {"name": "c"}]}]
    assert RootRouteSettings.model_validate({"board": "noc", "routes": routes}).boards() == {"noc", "x", "y"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "board\n  Field required"),
        ({"board": "noc", "matchers": ['a="1"']}, "may have no matchers"),
        ({"board": "noc", "continue": True}, "may not say continue"),
        ({"board": "noc", "mute_time_intervals": ["a"]}, "may have no mute_time_intervals"),
        ({"board": "noc", "active_time_intervals": ["a"]}, "no active_time_intervals"),
        ({"board": "noc", "routes": [{"matchers": []}]}, r"routes\.0\.name\n  Field required"),
        ({"board": "noc", "routes": [{"name": "a"}, {"name": "a"}]}, "two routes have the same name: a"),
        ({"board": "noc", "routes": [{"name": "a", "routes": [{"name": "root"}]}]}, "same name: root"),
        ({"board": "noc", "routes": [{"name": "source:x"}]}, "kept for sources: source:x"),
        ({"board": "noc", "group_by": ["a", "a"]}, "group_by\n.*names a label twice"),
        ({"board": "noc", "group_by": ["...", "a"]}, "group_by\n.*stands alone"),
        ({"board": "noc", "group_by": [""]}, "group_by\n.*may not be empty"),
        ({"board": "noc", "hold": 5}, "hold\n.*duration"),
        ({"board": "noc", "close": "maybe"}, "close\n.*'untouched', 'always' or 'never'"),
        (
            {"board": "noc", "routes": [{"name": "a", "matchers": ["x"]}]},
            r"routes\.0\.matchers\n.*expected =",
        ),
        ({"board": "noc", "repeat_interval": "4h"}, "repeat_interval\n.*not permitted"),
    ],
)
def test_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        RootRouteSettings.model_validate(given)
