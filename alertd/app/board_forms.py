"""What the tickets of boards and routes have, for a person: as configured, and Autotask's ids."""

from __future__ import annotations

from typing import Any

from alertd.autotask.board_forms import ResolvedForm
from alertd.core.boards import BoardSettings
from alertd.core.settings import format_duration
from alertd.core.ticket_parts import PARTS

_IDS = ("queue", "source", "category", "ticket_type", "issue", "sub_issue", "sla", "resource", "role")


def shown_form(form: ResolvedForm) -> dict[str, Any]:
    """Return what is configured, and what it is in the tenant: ids by the name of the option.

    Contract, contact and location have none before there is a company.
    """
    board = form.resolved.board
    ids = {} if board is None else {name: getattr(board, f"{name}_id") for name in _IDS}
    return {
        "board": form.board_name,
        "route": form.route_name,
        "fields": _configured(form.settings),
        "ids": {name: found for name, found in ids.items() if found is not None},
        "priorities": {} if board is None else dict(board.priority_by_severity),
        "problems": [problem.what for problem in form.resolved.problems],
    }


def _configured(settings: BoardSettings) -> dict[str, Any]:
    parts = {name: value for name in PARTS if (value := getattr(settings, name)) is not None}
    due = {str(severity): format_duration(after) for severity, after in settings.due.items()}
    return {**parts, **({"due": due} if due else {}), **({"udfs": settings.udfs} if settings.udfs else {})}
