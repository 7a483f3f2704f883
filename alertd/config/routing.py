"""The configured tree of routes, and the examples that it must satisfy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import msgspec

from alertd.config.settings import Settings
from alertd.core.folding import Routing
from alertd.core.rehearsing import mismatches, reached
from alertd.core.replaying import Scene, imaginary_boards
from alertd.core.route_hours import RouteHours
from alertd.core.route_tests import Mismatch
from alertd.core.routes import Policy, Route, build_tree
from alertd.core.silences import NO_SILENCES
from alertd.core.storms import GREEN
from alertd.core.suppressions import Suppressions, Suppressor
from alertd.core.unreachable import unreachable
from alertd.core.window_settings import WindowSettings
from alertd.core.windows import ActiveWindows, Occurrence

Calendars: TypeAlias = Callable[[WindowSettings], tuple[Occurrence, ...]]


class TestResult(msgspec.Struct, frozen=True):
    """What became of one of `[[tests]]`."""

    __test__ = False  # pytest: this is none of yours

    test_name: str
    mismatches: tuple[Mismatch, ...]

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.mismatches


def tree_of(settings: Settings) -> Route:
    """Return the tree of routes, with those that the sources' own boards make."""
    boards = {source.name: source.board for source in settings.sources if source.board is not None}
    if settings.silences.remind_board is not None:
        boards["alertd"] = settings.silences.remind_board
    return build_tree(settings.route, boards)


def route_warnings(settings: Settings) -> list[str]:
    """Return a sentence for every route that no alert can ever reach; in the order of the file."""
    return [str(each) for each in unreachable(tree_of(settings))]


def routing_of(settings: Settings) -> Routing:
    """Return the tree, with the routes that sources' own boards make, and its policies by name."""
    tree = tree_of(settings)
    policies = {node.name: node.matched.policy for node in _walk(tree)}
    return Routing(tree, policies, settings.digest, hours_of(settings, policies.values()))


def hours_of(settings: Settings, policies: Iterable[Policy] = ()) -> RouteHours:
    """Return the time intervals, as routes with these policies ask them."""
    return RouteHours({each.name: each.intervals() for each in settings.time_intervals}, policies)


def scene_of(
    settings: Settings, *, suppressions: Suppressor = NO_SILENCES, calendars: Calendars = lambda window: ()
) -> Scene:
    """Return the configuration as tests and replays play it, without a tenant.

    Args:
        settings: The configuration.
        suppressions: What holds tickets back beside what the configuration itself names.
        calendars: What the calendar of a window holds.
    """
    routing = routing_of(settings)
    boards, picks = imaginary_boards(settings.boards, routing.policies.values())
    windows = ActiveWindows(each.window(calendars(each)) for each in settings.windows)
    return Scene(
        routing=routing,
        boards=boards,
        picks=picks,
        suppressions=Suppressions(suppressions, windows, routing.hours),
        inhibit=tuple(each.rule() for each in settings.inhibit),
        storms=settings.storm.terms(GREEN),
        instance=settings.instance,
    )


def run_tests(settings: Settings) -> list[TestResult]:
    """Rehearse `[[tests]]` and compare; in the order of the file."""
    scene = scene_of(settings)
    boards = {board.name: board for board in settings.boards}
    return [TestResult(test.name, mismatches(test, scene, boards)) for test in settings.tests]


class Coverage(msgspec.Struct, frozen=True):
    """Which routes the tests reach, each list in the order of the tree."""

    reached: list[str]
    missed: list[str]

    @property
    def percent(self) -> float:
        """Share of the routes that are reached, from 0 to 100."""
        return 100 * len(self.reached) / (len(self.reached) + len(self.missed))


def coverage(settings: Settings) -> Coverage:
    """Say which routes an alert of `[[tests]]` takes, or passes on its way to the one that takes it."""
    tree = tree_of(settings)
    names, found = [node.name for node in _walk(tree)], reached(settings.tests, tree)
    return Coverage([name for name in names if name in found], [name for name in names if name not in found])


def _walk(node: Route) -> Iterator[Route]:
    yield node
    for child in node.routes:
        yield from _walk(child)
