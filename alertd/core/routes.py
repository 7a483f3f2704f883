"""Routes: the tree that decides which board an alert's ticket goes to, and with which policy.

Matching and inheritance are Alertmanager's; the options are ours. Routing is decided once per incident:
`Policy` is what is stored with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Literal, NewType, TypeAlias

import msgspec

from alertd.core import identity
from alertd.core.alerts import Alert, OnExpiry
from alertd.core.flapping_rules import FlapRule, rule_of, setting_of
from alertd.core.matchers import Labels, Matcher, Matchers, Predicate, predicate
from alertd.core.outside import Outside
from alertd.core.route_settings import (
    IMPLICIT_PREFIX,
    Close,
    Company,
    Missed,
    RootRouteSettings,
    RouteSettings,
    wait_by_severity,
)
from alertd.core.ticket_forms import BLANK, TicketForm, overridden

IncidentKey = NewType("IncidentKey", str)  # 26 lower-case base32 characters

_ALL = "..."
_INHERITED = (
    *("board", "group_wait", "hold", "reopen_within", "close"),
    *("on_expiry", "note_interval", "missed", "company", "acknowledge_limit", "inhibit_wait"),
)


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What a route wants for its incidents. Every value is concrete; nothing is inherited any more."""

    route_name: str
    board: str
    group_wait: timedelta = timedelta()
    inhibit_wait: timedelta = timedelta(seconds=15)  # for what a rule could inhibit; never what is critical
    hold: timedelta = timedelta(minutes=5)
    reopen_within: timedelta = timedelta(hours=24)
    close: Close = "untouched"
    acknowledge_limit: timedelta = timedelta(hours=24)  # zero: a person's completion has none
    on_expiry: OnExpiry | None = None  # None: as the source has it
    note_interval: timedelta = timedelta(minutes=15)
    missed: Missed = "summary"
    tags: tuple[str, ...] = ()  # beside the board's own
    company: Company | None = None  # fixed Autotask company, by id or exact name; None: the alert's client
    flapping: FlapRule | None = FlapRule()  # None: switched off
    wait_for: dict[str, timedelta] = {}  # by severity: how long it has to fire before it gets a ticket
    form: TicketForm = BLANK  # what its tickets have in place of the board's
    mute_time_intervals: tuple[str, ...] = ()  # no new tickets while one of these is
    active_time_intervals: tuple[str, ...] = ()  # no new tickets while none of these is
    hours: str | None = None  # the time interval that is its business hours
    outside: Outside | None = None  # what differs outside of them


class Matched(msgspec.Struct, frozen=True):
    """One route that takes an alert. `path` names the routes from the root to it."""

    policy: Policy
    group_by: tuple[str, ...]
    path: tuple[str, ...]


class Route(msgspec.Struct, frozen=True, eq=False):
    """One node of the tree, with all it inherits filled in."""

    name: str
    matchers: Matchers
    accepts: Predicate
    goes_on: bool  # `continue`: siblings after this one are tried too
    matched: Matched
    routes: tuple[Route, ...] = ()


def build_tree(settings: RootRouteSettings, source_boards: Mapping[str, str] | None = None) -> Route:
    """Return the tree that `settings` describe.

    Args:
        settings: `[route]` of the configuration.
        source_boards: Board by source, for the sources that name one. Each becomes a route `source:<name>`
            before the configured ones, inheriting the rest from the root.
    """
    implicit = [
        RouteSettings(
            name=f"{IMPLICIT_PREFIX}{source}", matchers=(Matcher("source", "=", source),), board=board
        )
        for source, board in (source_boards or {}).items()
    ]
    root = Policy(route_name=settings.name, board=settings.board)
    inherited = Matched(_overridden(root, settings), tuple(settings.group_by or ()), ())
    return _build(settings, inherited, (*implicit, *settings.routes))


def with_defaults(settings: RootRouteSettings) -> RootRouteSettings:
    """Return the root route's settings with its defaults filled in. What a child leaves out it inherits."""
    policy = build_tree(settings).matched.policy
    options = {name: getattr(policy, name) for name in _INHERITED}
    options["flapping"] = setting_of(policy.flapping)
    options["wait_for"] = dict(policy.wait_for)
    return settings.model_copy(update={**options, "tags": list(policy.tags)})


def _build(settings: RouteSettings, inherited: Matched, children: tuple[RouteSettings, ...]) -> Route:
    name = settings.name
    group_by = inherited.group_by if settings.group_by is None else tuple(settings.group_by)
    matched = Matched(_overridden(inherited.policy, settings), group_by, (*inherited.path, name))
    return Route(
        name=name,
        matchers=settings.matchers,
        accepts=predicate(settings.matchers),
        goes_on=settings.continue_,
        matched=matched,
        routes=tuple(_build(child, matched, tuple(child.routes)) for child in children),
    )


def _overridden(inherited: Policy, settings: RouteSettings) -> Policy:
    """Replace what the route itself sets. As in Alertmanager a child's list replaces its parent's."""
    own = {name: getattr(settings, name) for name in _INHERITED if getattr(settings, name) is not None}
    if settings.tags is not None:
        own["tags"] = tuple(settings.tags)
    if settings.flapping is not None:
        own["flapping"] = rule_of(settings.flapping)
    if settings.wait_for is not None:
        own["wait_for"] = wait_by_severity(settings.wait_for)
    if settings.hours is not None:
        own["hours"] = settings.hours
    if settings.outside is not None:
        own["outside"] = settings.outside.value()
    own["mute_time_intervals"] = tuple(settings.mute_time_intervals)  # as in Alertmanager not inherited
    own["active_time_intervals"] = tuple(settings.active_time_intervals)
    form = overridden(inherited.form, settings)
    return msgspec.structs.replace(inherited, **own, route_name=settings.name, form=form)


def match(tree: Route, labels: Labels) -> tuple[Matched, ...]:
    """Return every route that takes an alert with `labels`: at least one, since the root takes all.

    Depth first, left to right. A route is entered only if its matchers accept; the first child that does
    and does not `continue` ends the search among its siblings; a route none of whose children accept is
    itself the result.
    """
    found: list[Matched] = []
    _collect(tree, labels, found)
    return tuple(found)


def _collect(route: Route, labels: Labels, found: list[Matched]) -> None:
    before = len(found)
    for child in route.routes:
        if child.accepts(labels):
            _collect(child, labels, found)
            if not child.goes_on:
                break
    if len(found) == before:
        found.append(route.matched)


Outcome: TypeAlias = Literal["taken", "passed on", "refused", "not reached"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an alert at one route.

    `taken`: the result, or one of them. `passed on`: it accepted, and a child took it. `refused`: its
    matchers do not accept. `not reached`: nobody asked it. `reason` is half a sentence.
    """

    route_name: str
    depth: int  # 0 for the root
    outcome: Outcome
    reason: str
    board: str


def explain(tree: Route, labels: Labels) -> tuple[Step, ...]:
    """Return one step for every route of the tree, in the order of the configuration."""
    return tuple(_explained(tree, labels, depth=0))


def _explained(route: Route, labels: Labels, *, depth: int) -> Iterator[Step]:
    taken_by = [child.name for child in route.routes if child.accepts(labels)]
    if taken_by:
        yield _step(route, depth, "passed on", f"its route {taken_by[0]} accepts")
    else:
        yield _step(route, depth, "taken", _why_taken(route))
    ended_by = ""
    for child in route.routes:
        if ended_by:
            yield from _unreached(child, depth + 1, f"{ended_by} took it and does not continue")
        elif not child.accepts(labels):
            yield _step(child, depth + 1, "refused", _why_refused(child, labels))
            yield from _children_unreached(child, depth + 1)
        else:
            yield from _explained(child, labels, depth=depth + 1)
            ended_by = "" if child.goes_on else child.name


def _why_taken(route: Route) -> str:
    own = "all its matchers accept" if route.matchers else "it accepts everything"
    return f"{own}, and none of its routes does" if route.routes else own


def _why_refused(route: Route, labels: Labels) -> str:
    refusing = next(each for each in route.matchers if not each.matches(labels))
    value = labels.get(refusing.name, "")
    return f"{refusing} does not accept " + (f'"{value}"' if value else "an absent label")


def _unreached(route: Route, depth: int, reason: str) -> Iterator[Step]:
    yield _step(route, depth, "not reached", reason)
    yield from _children_unreached(route, depth)


def _children_unreached(route: Route, depth: int) -> Iterator[Step]:
    for child in route.routes:
        yield from _unreached(child, depth + 1, f"{route.name} was not entered")


def _step(route: Route, depth: int, outcome: Outcome, reason: str) -> Step:
    board = route.matched.policy.board
    return Step(route_name=route.name, depth=depth, outcome=outcome, reason=reason, board=board)


def group_labels(matched: Matched, labels: Labels) -> dict[str, str]:
    """Return the labels that tell the groups of this route apart, sorted by name.

    A label that the alert does not have is left out. `...` groups by all labels.
    """
    names = labels if matched.group_by == (_ALL,) else matched.group_by
    return {name: labels[name] for name in sorted(names) if labels.get(name)}


def needs_problem_key(matched: Matched, group: Labels) -> bool:
    """Whether the group says nothing of where the problem is, though the route groups by that.

    Without client and host, strangers' alerts of one name would share a ticket: then the problem's own
    key joins. A route that groups by neither has decided so, and stays as it is.
    """
    if "client" in group or "host" in group:
        return False
    return "client" in matched.group_by or "host" in matched.group_by


def problem_key(alert: Alert) -> str:
    """Return what tells this problem from others of its source, without saying where it is.

    Alerts that come as labels: the rule's name, since their fingerprint also covers labels that vary
    (pod, mount point) and would open a ticket for each. All others: the fingerprint, which is made from
    the key fields that the source's settings name.
    """
    as_labels = alert.sent_labels and identity.fingerprint(alert.sent_labels) == alert.fingerprint
    what = alert.labels.get("alertname", "") if as_labels else alert.fingerprint
    return f"{alert.source}\x1f{what}"


def incident_key(route_name: str, group: Labels, problem: str = "") -> IncidentKey:
    """Return the identity of an incident: route, group and, where the group needs it, problem.

    Args:
        route_name: Name of the route that took the alert.
        group: What `group_labels` returned; the order does not matter.
        problem: What `problem_key` returned, if `needs_problem_key`; else empty.
    """
    pairs = (text for name in sorted(group) for text in (name, group[name]))
    return IncidentKey(identity.group_fingerprint((route_name, problem, *pairs)))


def place(matched: Matched, alert: Alert) -> tuple[IncidentKey, dict[str, str]]:
    """Return the incident that `alert` belongs to on this route: its key and its group labels."""
    group = group_labels(matched, alert.labels)
    problem = problem_key(alert) if needs_problem_key(matched, group) else ""
    return incident_key(matched.policy.route_name, group, problem), group
