"""From the configuration to the routes in force."""

from __future__ import annotations

from collections.abc import Iterator

from alertd.config.routing import tree_of
from alertd.config.settings import Settings
from alertd.core.folding import Routing
from alertd.core.routes import Route


def routing_of(settings: Settings) -> Routing:
    """Return the tree, with the routes that sources' own boards make, and its policies by name."""
    tree = tree_of(settings)
    return Routing(tree, {node.name: node.matched.policy for node in _walk(tree)})


def route_tags(routing: Routing) -> frozenset[str]:
    """Return every tag that routes put on tickets, beside the boards' own."""
    return frozenset(tag for policy in routing.policies.values() for tag in policy.tags)


def _walk(node: Route) -> Iterator[Route]:
    yield node
    for child in node.routes:
        yield from _walk(child)
