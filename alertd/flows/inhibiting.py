"""Inhibition in memory, as it follows from what is stored, and made anew when its rules change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from alertd.core.inhibiting import InhibitRule, InhibitRules
from alertd.core.inhibition import Inhibition
from alertd.flows.ports import Loaded


async def _nothing_stored() -> Sequence[Loaded]:
    return ()


class Inhibitions:
    """The inhibition in force.

    Args:
        rules: Tells today's rules.
        stored: Reads every condition that fires, and those that are over while their incidents are not, each
            with the incidents that they belong to.
    """

    def __init__(
        self,
        *,
        rules: Callable[[], Sequence[InhibitRule]] = tuple,
        stored: Callable[[], Awaitable[Sequence[Loaded]]] = _nothing_stored,
    ) -> None:
        self._rules = rules
        self._stored = stored
        self.current = Inhibition(InhibitRules())

    async def refresh(self) -> bool:
        """Make it anew from what is stored if the rules have changed; whether they had."""
        rules = tuple(self._rules())
        if rules == self.current.rules.rules:
            return False
        made = Inhibition(InhibitRules(rules))
        for loaded in await self._stored() if rules else ():
            conditions = [row.condition for row in loaded.conditions.values()]
            conditions.sort(key=lambda each: (each.started_at, each.key))
            made.restore(conditions, {key: row.incident for key, row in loaded.incidents.items()})
        self.current = made
        return True

    def take_begun(self) -> bool:
        """Whether something inhibits that did not when this was last asked."""
        begun, self.current.has_begun = self.current.has_begun, False
        return begun
