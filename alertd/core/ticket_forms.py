"""What a route says of its tickets in place of its board: the board fills in the rest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from alertd.core.boards import BoardSettings
from alertd.core.route_settings import RouteSettings
from alertd.core.ticket_parts import PARTS, Pick

# who says the first of a pair without the second does not mean the second that belonged to another first
_DEPENDENT = {"issue": "sub_issue", "resource": "role"}


class TicketForm(msgspec.Struct, frozen=True, omit_defaults=True):
    """Options of a route that its board has too, as written, with all that the route inherits."""

    parts: Mapping[str, Pick] = {}  # by the option's name, one of PARTS
    priority: Mapping[str, Pick] = {}  # by severity
    due: Mapping[str, timedelta] = {}  # by severity
    udfs: Mapping[str, str] = {}  # template by the field's name


BLANK = TicketForm()


def overridden(inherited: TicketForm, settings: RouteSettings) -> TicketForm:
    """Return what holds at a route: its own options before those that it inherits; maps are merged."""
    own = {name: value for name in PARTS if (value := getattr(settings, name)) is not None}
    if not (own or settings.priority or settings.due or settings.udfs):
        return inherited
    return TicketForm(
        parts=_replaced(inherited.parts, own),
        priority=dict(inherited.priority) | dict(settings.priority.items()),
        due=dict(inherited.due) | dict(settings.due.items()),
        udfs=_merged(inherited.udfs, settings.udfs),
    )


def applied(board: BoardSettings, form: TicketForm) -> BoardSettings:
    """Return the board as it is for the tickets of a route with this form."""
    if form == BLANK:
        return board
    parts = _replaced({name: getattr(board, name) for name in PARTS}, form.parts)
    return board.model_copy(
        update={
            **dict.fromkeys(PARTS),
            **parts,
            "priority": {**board.priority, **form.priority},
            "due": {**board.due, **form.due},
            "udfs": _merged(board.udfs, form.udfs),
        }
    )


def shown(form: TicketForm) -> dict[str, object]:
    """Return the options that the form sets, by name, in the order of the documentation."""
    maps = {"priority": form.priority, "due": form.due, "udfs": form.udfs}
    return {**form.parts, **{name: dict(said) for name, said in maps.items() if said}}


def _replaced(before: Mapping[str, Pick], own: Mapping[str, Pick]) -> dict[str, Pick]:
    stale = {_DEPENDENT[name] for name in own if name in _DEPENDENT and before.get(name) != own[name]}
    return {**{name: value for name, value in before.items() if name not in stale}, **own}


def _merged(before: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Merge templates by the field's name, in which case does not count."""
    keys = {name.strip().casefold() for name in own}
    return {name: each for name, each in before.items() if name.strip().casefold() not in keys} | dict(own)
