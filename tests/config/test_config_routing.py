from __future__ import annotations

from alertd.config.loading import load_untested
from alertd.config.routing import run_tests, tree_of
from alertd.core.routes import match
from tests.config.conftest import ConfigFile


def test_a_sources_own_board_is_a_route_before_all_others(config: ConfigFile) -> None:
    config.replace('kind = "alertmanager"', 'kind = "alertmanager"\nboard = "field"')
    config.append("[[boards]]\nname = 'field'\nqueue = 6\n")
    (found,) = match(tree_of(config.load()), {"source": "prometheus"})
    assert found.policy.board == "field"
    assert found.policy.route_name == "source:prometheus"


def test_results_are_in_the_order_of_the_file(config: ConfigFile) -> None:
    config.append(
        "[[tests]]\nname = 'right'\nalert = { a = 'b' }\nexpect = { board = 'noc', priority = 'Medium' }\n"
        "[[tests]]\nname = 'wrong'\nalert = { severity = 'low' }\nexpect = { board = 'x', priority = 'P1' }\n"
    )
    config.path.write_text(config.text)
    right, wrong = run_tests(load_untested(config.path, {}))
    assert right.passed
    assert not wrong.passed
    assert [each.what for each in wrong.mismatches] == ["board", "priority"]
