"""The configured tree of routes, and the examples that it must satisfy."""

from __future__ import annotations

import msgspec

from alertd.config.settings import Settings
from alertd.core.route_tests import Mismatch, mismatches
from alertd.core.routes import Route, build_tree


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
    return build_tree(settings.route, boards)


def run_tests(settings: Settings) -> list[TestResult]:
    """Route the alerts of `[[tests]]` and compare; in the order of the file."""
    tree = tree_of(settings)
    boards = {board.name: board for board in settings.boards}
    return [TestResult(test.name, mismatches(test, tree, boards)) for test in settings.tests]
