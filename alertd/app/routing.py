"""What is asked of the routes in force."""

from __future__ import annotations

from alertd.config.routing import hours_of, routing_of
from alertd.core.folding import Routing

__all__ = ["hours_of", "route_tags", "routing_of"]


def route_tags(routing: Routing) -> frozenset[str]:
    """Return every tag that routes put on tickets, beside the boards' own."""
    return frozenset(tag for policy in routing.policies.values() for tag in policy.tags)
