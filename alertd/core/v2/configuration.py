"""Our routes as an Alertmanager configuration, for `config.original` of `GET /api/v2/status`.

Alertmanager's own loader reads it in amtool, so there is nothing in it that it does not know: routes by
board, and receivers by name alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType

import msgspec

from alertd.core.inhibiting import InhibitRule
from alertd.core.routes import Route
from alertd.core.settings import format_duration

NOTHING: Mapping[str, Iterable[Mapping[str, object]]] = MappingProxyType({})
REPEAT_INTERVAL = "8760h"  # a ticket that stands is not told of again
_LEAST_INTERVAL = timedelta(seconds=1)  # Alertmanager refuses 0


def configuration(
    tree: Route,
    boards: Iterable[str],
    *,
    inhibit: Iterable[InhibitRule] = (),
    intervals: Mapping[str, Iterable[Mapping[str, object]]] = NOTHING,
) -> str:
    """Return the routes, boards, inhibitions and time intervals as YAML.

    Args:
        tree: The routes in force, those that sources' own boards make among them.
        boards: Names of all boards.
        inhibit: The rules of inhibition; their names are left out, which Alertmanager knows since 0.30.
        intervals: Entries of each time interval by its name, in Alertmanager's words.
    """
    lines = ["route:", *_indented(_route(tree, is_root=True)), "receivers:"]
    lines += [f"- name: {_text(board)}" for board in boards]
    rules = [_rule(rule) for rule in inhibit]
    lines += ["inhibit_rules:", *rules] if rules else []
    if intervals:
        lines.append("time_intervals:")
    for name, entries in intervals.items():
        listed = msgspec.json.encode(list(entries)).decode()  # as JSON, which YAML reads
        lines += [f"- name: {_text(name)}", f"  time_intervals: {listed}"]
    return "".join(f"{line}\n" for line in lines)


def _route(route: Route, *, is_root: bool = False) -> Iterator[str]:
    policy = route.matched.policy
    yield f"receiver: {_text(policy.board)}"
    yield f"group_by: {_texts(route.matched.group_by)}"
    if route.matchers:
        yield f"matchers: {_texts(map(str, route.matchers))}"
    if not is_root:
        yield f"continue: {'true' if route.goes_on else 'false'}"
    if policy.mute_time_intervals:
        yield f"mute_time_intervals: {_texts(policy.mute_time_intervals)}"
    if policy.active_time_intervals:
        yield f"active_time_intervals: {_texts(policy.active_time_intervals)}"
    yield f"group_wait: {format_duration(policy.group_wait)}"
    yield f"group_interval: {format_duration(max(policy.note_interval, _LEAST_INTERVAL))}"
    yield f"repeat_interval: {REPEAT_INTERVAL}"
    if route.routes:
        yield "routes:"
    for child in route.routes:
        first, *rest = _route(child)
        yield f"- {first}"
        yield from _indented(rest)


def _rule(rule: InhibitRule) -> str:
    sides = {"source_matchers": map(str, rule.source), "target_matchers": map(str, rule.target)}
    said = [f"{name}: {_texts(texts)}" for name, texts in {**sides, "equal": rule.equal}.items()]
    return f"- {{{', '.join(said)}}}"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _text(value: str) -> str:
    """Write a text as JSON does, which YAML reads, whatever is in it."""
    return msgspec.json.encode(value).decode()


def _texts(values: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"
