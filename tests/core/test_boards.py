"""`[[boards]]`."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from alertd.core.boards import BoardSettings


@pytest.mark.parametrize(
    ("written", "queue"),
    [
        (29683481, 29683481),
        (0, 0),
        ("29683481", 29683481),
        ("  Monitoring Alert ", "Monitoring Alert"),
        ("https://ww5.autotask.net/AdminSetup/Queue/EditQueue.aspx?objectId=29683481", 29683481),
        ("HTTPS://ww5.autotask.net/x?foo=3&ObjectID=8&bar=9", 8),
        ("https://ww5.autotask.net/Admin/queues/29683481/edit", 29683481),
        ("https://ww5.autotask.net/#/queues/5?queueId=6", 6),
        ("https://ww5.autotask.net/#/queues/5", 5),
    ],
)
def test_queue(written: Any, queue: int | str) -> None:
    assert BoardSettings.model_validate({"name": "noc", "queue": written}).queue == queue


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (-1, "not negative"),
        (True, "Board ID"),
        ("", "Board ID"),
        (2.5, "Board ID"),
        ("https://ww5.autotask.net/queues?objectId=new", "holds no queue id"),
    ],
)
def test_queue_refused(written: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        BoardSettings.model_validate({"name": "noc", "queue": written})


def test_defaults() -> None:
    board = BoardSettings.model_validate({"name": "noc", "queue": 1})
    assert board.priority == {
        "critical": "Critical",
        "high": "High",
        "warning": "Medium",
        "low": "Low",
        "info": "Low",
    }
    assert (board.status.new, board.status.done) == ("New", "Complete")
    assert (board.tags, board.state_tags, board.title_template, board.description_template) == (
        [],
        {},
        None,
        None,
    )


def test_priorities_that_are_not_named_keep_their_default() -> None:
    board = BoardSettings.model_validate({"name": "noc", "queue": 1, "priority": {"critical": 1}})
    assert (board.priority["critical"], board.priority["high"]) == (1, "High")


@pytest.mark.parametrize(
    "given",
    [
        {"priority": {"urgent": "High"}},
        {"state_tags": {"open": "x"}},
        {"status": {"open": "New"}},
        {"ticket_kind": "Alert"},
        {"sub_issue": "Disk"},
        {"name": ""},
    ],
)
def test_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BoardSettings.model_validate({"name": "noc", "queue": 1} | given)
