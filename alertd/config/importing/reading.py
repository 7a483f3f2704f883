"""What an alertmanager.yml says, as far as alertd has a counterpart; and what it has none for.

Source: Alertmanager's `config.go`, `route.go` and `timeinterval.go`. What Alertmanager would refuse because
it cannot mean anything is refused; a key nobody knows is told and left out, since it may be a newer one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, NoReturn, TypeVar

import msgspec

from alertd.config.faults import ConfigError, Fault
from alertd.config.importing.documents import Items, Node, Nothing, Table, Text, read_yaml
from alertd.core.matchers import Matcher, MatcherError, Matchers, Operator, parse_matchers

_Read = TypeVar("_Read")
_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
_UNIT_S = (365 * 86400, 7 * 86400, 86400, 3600, 60, 1, 0.001)
_LONGEST_S = 36_500 * 86400  # as our own durations
_TRUTHS = dict.fromkeys(("true", "yes", "on", "y"), True) | dict.fromkeys(("false", "no", "off", "n"), False)
_MAPPINGS: tuple[tuple[str, Operator], ...] = (("match", "="), ("match_re", "=~"))
_SPANS = ("weekdays", "days_of_month", "months", "years")


class ImportedRoute(msgspec.Struct, frozen=True, kw_only=True):
    """One route as written: what it leaves out is None or empty, and `line` is where it begins."""

    line: int
    receiver: str | None = None
    matchers: Matchers = ()
    goes_on: bool = False
    group_by: tuple[str, ...] | None = None
    group_wait: timedelta | None = None
    group_interval: timedelta | None = None
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    routes: tuple[ImportedRoute, ...] = ()


class ImportedReceiver(msgspec.Struct, frozen=True):
    """A receiver's name, and its kinds of integration such as `slack_configs`."""

    name: str
    integrations: tuple[str, ...]
    line: int


class ImportedInhibition(msgspec.Struct, frozen=True, kw_only=True):
    """One inhibition; `name` is empty where it has none."""

    name: str
    source: Matchers
    target: Matchers
    equal: tuple[str, ...]
    line: int


class ImportedInterval(msgspec.Struct, frozen=True):
    """A named list of intervals, each a table in Alertmanager's words with texts as written."""

    name: str
    intervals: tuple[dict[str, Any], ...]


class Remark(msgspec.Struct, frozen=True, order=True):
    """Something that has no counterpart, or another one than its name says. One sentence."""

    line: int
    key: str
    what: str


class Imported(msgspec.Struct, frozen=True):
    """All of an alertmanager.yml. `remarks` are in the order of the file."""

    route: ImportedRoute
    receivers: tuple[ImportedReceiver, ...]
    intervals: tuple[ImportedInterval, ...]
    inhibitions: tuple[ImportedInhibition, ...]
    remarks: tuple[Remark, ...]


def read_alertmanager(text: str, file: str) -> Imported:
    """Read the content of an alertmanager.yml.

    Raises:
        ConfigError: It is not YAML, or something in it cannot be understood. The first such place is told.
    """
    return _Reading(file).everything(read_yaml(text, file))


_WITHOUT_COUNTERPART = {
    "global": "alertd sends to Autotask alone, so no other service's settings are taken over",
    "templates": "templates of notifications are not taken over: see title_template of [[boards]]",
    "tracing": "alertd has no tracing",
    "storage": "storage is [store] of alertd",
}
_ROUTE_KEYS = {
    *("receiver", "matchers", "match", "match_re", "continue", "group_by", "group_wait", "group_interval"),
    *("mute_time_intervals", "active_time_intervals", "routes", "repeat_interval", "labels"),
}


class _Reading:
    """One file: its name for faults, and the remarks so far."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._remarks: set[Remark] = set()  # what an alias repeats is told once

    def everything(self, root: Node) -> Imported:
        top = self._table(root, "the file")
        receivers = tuple(self._receivers(top))
        if "route" not in top.values:
            self._refuse(top.line, "route", "is missing, so this is no configuration of Alertmanager")
        route = self._root(top, {each.name for each in receivers})
        intervals = tuple(self._intervals(top))
        inhibitions = tuple(self._inhibitions(top))
        for key, line in top.lines.items():
            if key in _WITHOUT_COUNTERPART:
                self._remark(line, key, _WITHOUT_COUNTERPART[key])
            elif key not in ("route", "receivers", "inhibit_rules", "time_intervals", "mute_time_intervals"):
                self._remark(line, key, "is not known here and is left out")
        return Imported(route, receivers, intervals, inhibitions, tuple(sorted(self._remarks)))

    # --- receivers

    def _receivers(self, top: Table) -> Iterator[ImportedReceiver]:
        seen: set[str] = set()
        for table in self._tables(top, "receivers"):
            name = self._name(table, "receivers")
            if name in seen:
                self._refuse(table.line, "receivers", f"two receivers have the name {name!r}")
            seen.add(name)
            kinds = [key for key, value in table.values.items() if key != "name" and _is_something(value)]
            for kind in kinds:
                what = f"of receiver {name!r} is left out: its board in Autotask takes the alerts"
                self._remark(table.lines[kind], kind, what)
            if not kinds:
                what = f"{name!r} notifies nobody in Alertmanager; here its board makes tickets"
                self._remark(table.line, "receivers", what)
            yield ImportedReceiver(name, tuple(kinds), table.line)

    # --- routes

    def _root(self, top: Table, receivers: set[str]) -> ImportedRoute:
        line = top.lines["route"]
        root = self._route(self._table(top.values["route"], "route"), "route", receivers)
        if root.receiver is None:
            self._refuse(line, "route", "the root route needs a receiver")
        if root.matchers:
            self._refuse(line, "route", "the root route takes every alert, so it may have no matchers")
        if root.goes_on:
            self._refuse(line, "route", "the root route has no siblings, so it may not say continue")
        if root.mute_time_intervals or root.active_time_intervals:
            self._refuse(line, "route", "the root route may have no time intervals")
        return root

    def _route(self, table: Table, key: str, receivers: set[str]) -> ImportedRoute:
        receiver = self._optional(table, "receiver", self._text)
        if receiver is not None and receiver not in receivers:
            self._refuse(table.lines["receiver"], f"{key}.receiver", f"there is no receiver {receiver!r}")
        self._tell_of_route(table, key)
        return ImportedRoute(
            line=table.line,
            receiver=receiver or None,
            matchers=self._matchers(table, key, ""),
            goes_on=self._optional(table, "continue", self._truth) or False,
            group_by=self._group_by(table, key),
            group_wait=self._optional(table, "group_wait", self._duration),
            group_interval=self._optional(table, "group_interval", self._duration),
            mute_time_intervals=self._optional(table, "mute_time_intervals", self._texts) or (),
            active_time_intervals=self._optional(table, "active_time_intervals", self._texts) or (),
            routes=tuple(
                self._route(child, f"{key}.routes", receivers) for child in self._tables(table, "routes")
            ),
        )

    def _tell_of_route(self, table: Table, key: str) -> None:
        for name, line in table.lines.items():
            if name == "repeat_interval":
                what = "has no counterpart: a ticket that stands is not told of again"
            elif name == "group_interval":
                what = "is taken over as note_interval: at most one note to a ticket in this time"
            elif name == "labels":
                what = "labels of routes have no counterpart: see tags of [[route.routes]]"
            elif name not in _ROUTE_KEYS:
                what = "is not known here and is left out"
            else:
                continue
            self._remark(line, f"{key}.{name}", what)

    def _group_by(self, table: Table, key: str) -> tuple[str, ...] | None:
        names = self._optional(table, "group_by", self._texts)
        if names is None:
            return None
        line = table.lines["group_by"]
        if len(set(names)) < len(names):
            self._refuse(line, f"{key}.group_by", "names a label twice")
        if "..." in names and len(names) > 1:
            self._refuse(line, f"{key}.group_by", '"..." means all labels and stands alone')
        if "" in names:
            self._refuse(line, f"{key}.group_by", "a label name may not be empty")
        return names

    def _matchers(self, table: Table, key: str, prefix: str) -> Matchers:
        """Return what `match`, `match_re` and `matchers` say, or the same with a prefix, all together."""
        found: list[Matcher] = []
        for name, operator in _MAPPINGS:
            pairs = self._optional(table, prefix + name, self._pairs) or {}
            for label, (value, line) in pairs.items():
                found += self._parsed(partial(_one_matcher, label, operator, value), line, key)
        for text, line in self._optional(table, f"{prefix}matchers", self._lined_texts) or ():
            found += self._parsed(partial(parse_matchers, text), line, f"{key}.{prefix}matchers")
        return tuple(found)

    def _parsed(self, parse: Callable[[], Matchers], line: int, key: str) -> Matchers:
        try:
            return parse()
        except MatcherError as exc:
            self._refuse(line, key, str(exc))

    # --- inhibitions and intervals

    def _inhibitions(self, top: Table) -> Iterator[ImportedInhibition]:
        for table in self._tables(top, "inhibit_rules"):
            yield ImportedInhibition(
                name=self._optional(table, "name", self._text) or "",
                source=self._matchers(table, "inhibit_rules", "source_"),
                target=self._matchers(table, "inhibit_rules", "target_"),
                equal=self._optional(table, "equal", self._texts) or (),
                line=table.line,
            )

    def _intervals(self, top: Table) -> Iterator[ImportedInterval]:
        for key in ("mute_time_intervals", "time_intervals"):
            if key in top.lines and key == "mute_time_intervals":
                self._remark(
                    top.lines[key], key, "is Alertmanager's old name of time_intervals; taken over so"
                )
            for table in self._tables(top, key):
                intervals = tuple(map(self._interval, self._tables(table, "time_intervals")))
                yield ImportedInterval(self._name(table, key), intervals)

    def _interval(self, table: Table) -> dict[str, Any]:
        interval: dict[str, Any] = {}
        times = [
            {key: self._text(value, key) for key, value in each.values.items()}
            for each in self._tables(table, "times")
        ]
        if times:
            interval["times"] = times
        for key in _SPANS:
            if spans := self._optional(table, key, self._texts):
                interval[key] = list(spans)
        if location := self._optional(table, "location", self._text):
            interval["location"] = location
        for key, line in table.lines.items():
            if key not in (*_SPANS, "times", "location"):
                self._remark(line, f"time_intervals.{key}", "is not known here and is left out")
        return interval

    # --- values

    def _optional(self, table: Table, key: str, read: Callable[[Node, str], _Read]) -> _Read | None:
        node = table.values.get(key)
        return None if node is None or isinstance(node, Nothing) else read(node, key)

    def _name(self, table: Table, key: str) -> str:
        name = self._optional(table, "name", self._text)
        return name or self._refuse(table.line, key, "needs a name")

    def _text(self, node: Node, key: str) -> str:
        if isinstance(node, Nothing):
            return ""
        return node.value if isinstance(node, Text) else self._refuse(node.line, key, "should be a text")

    def _texts(self, node: Node, key: str) -> tuple[str, ...]:
        return tuple(text for text, _ in self._lined_texts(node, key))

    def _lined_texts(self, node: Node, key: str) -> tuple[tuple[str, int], ...]:
        if not isinstance(node, Items):
            self._refuse(node.line, key, "should be a list of texts")
        return tuple((self._text(each, key), each.line) for each in node.values)

    def _pairs(self, node: Node, key: str) -> dict[str, tuple[str, int]]:
        table = self._table(node, key)
        return {name: (self._text(value, key), table.lines[name]) for name, value in table.values.items()}

    def _truth(self, node: Node, key: str) -> bool:
        truth = _TRUTHS.get(self._text(node, key).lower())
        return self._refuse(node.line, key, "should be true or false") if truth is None else truth

    def _duration(self, node: Node, key: str) -> timedelta:
        text = self._text(node, key)
        found = _DURATION.fullmatch(text) if text else None
        if text != "0" and (found is None or not any(found.groups())):
            self._refuse(node.line, key, f"{text!r} is no duration such as 30s, 5m or 1h30m")
        seconds = (
            sum(int(n or 0) * unit for n, unit in zip(found.groups(), _UNIT_S, strict=True)) if found else 0
        )
        if seconds > _LONGEST_S:
            self._refuse(node.line, key, "is too long; give 36500d at most")
        return timedelta(seconds=seconds)

    def _table(self, node: Node, key: str) -> Table:
        return node if isinstance(node, Table) else self._refuse(node.line, key, "should be a mapping")

    def _tables(self, table: Table, key: str) -> Iterator[Table]:
        """Yield the mappings of a list; a key that is not there has none."""
        node = table.values.get(key)
        if node is None or isinstance(node, Nothing):
            return
        if not isinstance(node, Items):
            self._refuse(node.line, key, "should be a list")
        for each in node.values:
            yield self._table(each, key)

    def _remark(self, line: int, key: str, what: str) -> None:
        self._remarks.add(Remark(line, key, what))

    def _refuse(self, line: int, key: str, problem: str) -> NoReturn:
        raise ConfigError([Fault(self._file, line, key, problem)])


def _one_matcher(name: str, operator: Operator, value: str) -> Matchers:
    return (Matcher(name, operator, value),)


def _is_something(node: Node) -> bool:
    """Whether a receiver's key has a value: an empty list of integrations sends nothing."""
    return not isinstance(node, Nothing) and not (isinstance(node, Items) and not node.values)
