"""What no package can check alone: names that must exist or be unique, templates, listeners.

The checks read the parsed file and not the validated settings, so that they speak up even where other
faults keep the settings from being made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from alertd.autotask.callout_settings import is_callout_url
from alertd.config.paths import KeyPath
from alertd.config.wording import Problem
from alertd.core.calendars import NEEDED
from alertd.core.settings import Section
from alertd.core.text import BadTemplate, check_template
from alertd.intake.settings import ServerSettings
from alertd.ops.settings import AdminSettings

_RESERVED_SOURCES = {
    "api": "alerts that are posted to the admin API",
    "alertd": "alertd's own alerts, such as reminders of silences",
}
_TEMPLATES = {"title_template", "description_template"}


def problems(data: dict[str, Any]) -> Iterator[Problem]:
    """Yield every problem between tables as (path in the file, sentence)."""
    yield from _unknown_boards(data)
    yield from _repeated_names(data, "boards", "board")
    yield from _repeated_names(data, "sources", "source")
    yield from _repeated_names(data, "tests", "test")
    yield from _repeated_names(data, "inhibit", "inhibition")
    yield from _repeated_names(data, "windows", "window")
    yield from _repeated_names(data, "time_intervals", "time interval")
    yield from _unknown_intervals(data)
    yield from _calendars_without_their_extra(data)
    yield from _reserved_sources(data)
    yield from _shared_tokens(data)
    yield from _bad_templates(data)
    yield from _one_listener_twice(data)
    yield from _no_way_for_callouts(data)


def _walk(node: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Yield every value that is no table and no list, with its path."""
    if isinstance(node, (dict, list)):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _walk(value, (*path, key))
    else:
        yield path, node


def _tables(data: dict[str, Any], key: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the well-formed elements of an array of tables, with their numbers."""
    rows = data.get(key)
    for number, row in enumerate(rows if isinstance(rows, list) else ()):
        if isinstance(row, dict):
            yield number, row


def _unknown_boards(data: dict[str, Any]) -> Iterator[Problem]:
    names = {name for _, row in _tables(data, "boards") if isinstance(name := row.get("name"), str)}
    if "boards" not in data:
        return
    for path, value in _walk(data):
        if _mentions_a_board(path) and isinstance(value, str) and value not in names:
            yield path, f"there is no board {value!r}; there are {', '.join(sorted(names)) or 'none'}"


def _mentions_a_board(path: KeyPath) -> bool:
    match path:
        case ("autotask", "fallback_board") | ("sources", int(), "board"):
            return True
        case ("digest", "board") | ("silences", "remind_board"):
            return True
        case ("route", *between, "outside", "board") | ("route", *between, "board"):
            return all(part == "routes" or isinstance(part, int) for part in between)
        case _:
            return False


def _calendars_without_their_extra(data: dict[str, Any]) -> Iterator[Problem]:
    if find_spec("icalendar") is not None and find_spec("recurring_ical_events") is not None:
        return
    for number, row in _tables(data, "windows"):
        if "ical" in row:
            yield ("windows", number, "ical"), NEEDED


def _unknown_intervals(data: dict[str, Any]) -> Iterator[Problem]:
    names = {name for _, row in _tables(data, "time_intervals") if isinstance(name := row.get("name"), str)}
    for path, value in _walk({"route": data.get("route")}):
        if _mentions_an_interval(path) and isinstance(value, str) and value not in names:
            there = ", ".join(sorted(names)) or "none"
            yield path, f"there is no time interval {value!r} in [[time_intervals]]; there are {there}"


def _mentions_an_interval(path: KeyPath) -> bool:
    match path:
        case (*_, "hours"):
            return True
        case (*_, "mute_time_intervals" | "active_time_intervals", int()):
            return True
        case _:
            return False


def _repeated_names(data: dict[str, Any], key: str, what: str) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for number, row in _tables(data, key):
        name = row.get("name")
        if isinstance(name, str) and first.setdefault(name, number) != number:
            yield (key, number, "name"), f"another {what} has the name {name!r} already"


def _reserved_sources(data: dict[str, Any]) -> Iterator[Problem]:
    for number, row in _tables(data, "sources"):
        name = row.get("name")
        if isinstance(name, str) and name in _RESERVED_SOURCES:
            yield ("sources", number, "name"), f"{name!r} is kept for {_RESERVED_SOURCES[name]}"


def _shared_tokens(data: dict[str, Any]) -> Iterator[Problem]:
    """Two sources may not have one token, since a token is what tells them apart."""
    admin = data.get("admin")
    owners = {_reference(admin.get("token") if isinstance(admin, dict) else None): "[admin]"}
    for number, row in _tables(data, "sources"):
        name = str(row.get("name", f"sources.{number}"))
        tokens = row.get("token")
        references = map(_reference, tokens if isinstance(tokens, list) else [tokens])
        for owner in (owners.setdefault(reference, name) for reference in references if reference):
            if owner != name:
                yield ("sources", number, "token"), f"{owner} has the same token"


def _reference(token: Any) -> str:
    return json.dumps(token, sort_keys=True, default=str) if isinstance(token, dict) else ""


def _bad_templates(data: dict[str, Any]) -> Iterator[Problem]:
    for place, row in _with_templates(data):
        fields = row.get("udfs")
        templates: list[tuple[KeyPath, Any]] = [((key,), row[key]) for key in sorted(_TEMPLATES & row.keys())]
        templates += (
            [(("udfs", name), each) for name, each in fields.items()] if isinstance(fields, dict) else []
        )
        for path, template in templates:
            if isinstance(template, str) and (why := _template_fault(template)):
                yield (*place, *path), f"the template does not work: {why}"


def _with_templates(data: dict[str, Any]) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    """Yield every board and every route, with its place."""
    yield from ((("boards", number), row) for number, row in _tables(data, "boards"))
    root = data.get("route")
    left: list[tuple[KeyPath, dict[str, Any]]] = [(("route",), root)] if isinstance(root, dict) else []
    while left:
        path, route = left.pop()
        yield path, route
        left += [((*path, "routes", number), row) for number, row in _tables(route, "routes")]


def _template_fault(template: str) -> str:
    try:
        check_template(template)
    except BadTemplate as exc:
        return str(exc)
    return ""


def _one_listener_twice(data: dict[str, Any]) -> Iterator[Problem]:
    """Two listeners on one port could not both start. Port 0 is a new one each time."""
    server = _listen(data, "server", ServerSettings)
    if server == _listen(data, "admin", AdminSettings) and not server.endswith(":0"):
        yield ("admin", "listen"), f"[server] listens on {server} already; name another port"


def _no_way_for_callouts(data: dict[str, Any]) -> Iterator[Problem]:
    """Autotask has to be told where it reaches us."""
    autotask, server = data.get("autotask"), data.get("server")
    callouts = autotask.get("callouts") if isinstance(autotask, dict) else None
    if not isinstance(callouts, dict) or "url" in callouts:
        return
    public = server.get("public_url") if isinstance(server, dict) else None
    path = ("autotask", "callouts")
    if public is None:
        yield path, "say how Autotask reaches alertd: public_url in [server], or url here"
    elif isinstance(public, str) and not is_callout_url(public):
        yield path, "Autotask calls https only, and [server] public_url is none; say url here"


def _listen(data: dict[str, Any], key: str, model: type[Section]) -> str:
    table = data.get(key)
    given = table.get("listen") if isinstance(table, dict) else None
    return str(given or model.model_fields["listen"].default)
