"""What was read from an alertmanager.yml as tables of our configuration."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from alertd.config.importing.reading import Imported, ImportedInhibition, ImportedReceiver, ImportedRoute
from alertd.config.importing.translating import NameByPlace, as_sent, route_names
from alertd.config.showing import as_toml
from alertd.core.matchers import Matchers
from alertd.core.settings import format_duration

_GROUP_WAIT = "30s"  # Alertmanager's default; ours is not to wait
_FILL_IN = (
    'FILL IN the queue: its Board ID, its label, or the address of its "Edit Queue" page (`alertd boards`)'
)


def as_configuration(imported: Imported, *, file: str, boards_there: Collection[str] = ()) -> str:
    """Return TOML: boards, routes, time intervals and inhibitions.

    Args:
        imported: What was read.
        file: What the first line names as its origin.
        boards_there: Boards that the configuration has already: they are not written again.
    """
    parts = [_head(file), *(_board(each, boards_there) for each in imported.receivers)]
    parts.append(as_toml({"route": _route(imported.route, (), route_names(imported.route))}))
    intervals = [{"name": each.name, "time_intervals": list(each.intervals)} for each in imported.intervals]
    if intervals:
        parts.append(as_toml({"time_intervals": intervals}))
    if imported.inhibitions:
        parts.append(as_toml({"inhibit": list(map(_inhibition, imported.inhibitions))}))
    return "\n".join(parts)


def _head(file: str) -> str:
    return (
        f"# Made by `alertd import-alertmanager` from {_one_line(file)}.\n"
        "# Put these tables into alertd.toml in place of its own, fill in the queues, and run\n"
        "# `alertd config check` and `alertd routes show`.\n"
    )


def _board(receiver: ImportedReceiver, there: Collection[str]) -> str:
    if receiver.name in there:
        return f"# Board {_one_line(receiver.name)} is in the configuration already and stays as it is.\n"
    silent = (
        ""
        if receiver.integrations
        else "# In Alertmanager this receiver notifies nobody; a board makes tickets.\n"
    )
    return f"# {_FILL_IN}\n{silent}{as_toml({'boards': [{'name': receiver.name, 'queue': ''}]})}"


def _one_line(text: str) -> str:
    """Return `text` so that a comment can hold it."""
    return "".join(each if each.isprintable() else "?" for each in text)


def _route(route: ImportedRoute, place: tuple[int, ...], names: NameByPlace) -> dict[str, Any]:
    table: dict[str, Any] = dict(_identity(route, place, names))
    if route.group_by is not None or not place:
        table["group_by"] = list(route.group_by or ())
    if route.group_wait is not None or not place:
        table["group_wait"] = _GROUP_WAIT if route.group_wait is None else format_duration(route.group_wait)
    if route.group_interval is not None:
        table["note_interval"] = format_duration(route.group_interval)
    for key in ("mute_time_intervals", "active_time_intervals"):
        if intervals := getattr(route, key):
            table[key] = list(intervals)
    if route.routes:
        table["routes"] = [
            _route(child, (*place, number), names) for number, child in enumerate(route.routes)
        ]
    return table


def _identity(route: ImportedRoute, place: tuple[int, ...], names: NameByPlace) -> Iterator[tuple[str, Any]]:
    if place:
        yield "name", names[place]
    if route.matchers:
        yield "matchers", _texts(route.matchers)
    if route.receiver is not None:
        yield "board", route.receiver
    if route.goes_on:
        yield "continue", True


def _texts(matchers: Matchers) -> list[str]:
    return [str(each) for each in as_sent(matchers)]


def _inhibition(rule: ImportedInhibition) -> dict[str, Any]:
    table: dict[str, Any] = {"name": rule.name} if rule.name else {}
    table["source_matchers"] = _texts(rule.source)
    table["target_matchers"] = _texts(rule.target)
    return table | ({"equal": list(dict.fromkeys(rule.equal))} if rule.equal else {})
