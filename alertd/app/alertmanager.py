"""What Alertmanager's API on the admin listener asks of this process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from aiohttp import web

from alertd.app.assembly import Parts
from alertd.app.sources import api_sender
from alertd.core.v2.alerts import Situation, Wanted, show_alerts
from alertd.core.v2.configuration import configuration
from alertd.intake.answers import Refused
from alertd.ops.v2.desk import Taken
from alertd.ops.v2.replies import Problem

WAIT_S: Final = 2.0  # for deciding what had been accepted when somebody asks


class AlertmanagerDesk:
    """`alertd.ops.v2.desk.Desk` over the parts of this process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._started_at = parts.clock.now()

    @property
    def started_at(self) -> datetime:
        """When this process began."""
        return self._started_at

    def boards(self) -> Sequence[str]:
        """Return the names of all boards, as configured."""
        return [board.name for board in self._parts.current.live.settings.boards]

    def configuration(self) -> str:
        """Return the routes as an Alertmanager configuration."""
        live = self._parts.current.live
        intervals = {
            each.name: [entry.as_alertmanager() for entry in each.time_intervals]
            for each in live.settings.time_intervals
        }
        return configuration(live.routing.tree, self.boards(), inhibit=live.inhibit, intervals=intervals)

    async def situation(self) -> Situation:
        """Return what there is to show, once what had been accepted before is decided, or 2 s later."""
        parts = self._parts
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAIT_S):
                await parts.decider.passed()
        return await look(parts)

    async def take(self, request: web.BaseRequest) -> Taken:
        """Take posted alerts for the source `api`.

        Raises:
            Problem: They cannot be kept; nothing was.
        """
        try:
            answer = await self._parts.intake.take_posted(request, api_sender())
        except Refused as exc:
            raise Problem(exc.status, {"code": exc.status, "message": exc.why}, headers=exc.headers) from None
        return Taken(answer.status, answer.content)


async def look(parts: Parts) -> Situation:
    """Return what there is to show just now."""
    undecided = parts.decider.undecided()  # before the state: what is decided meanwhile is in both
    loaded = await parts.store.firing()
    now = parts.clock.now()
    silences, windows = parts.silences.active, parts.windows.active
    routing = parts.current.live.routing
    return Situation(
        now=now,
        tree=routing.tree,
        conditions=[row.condition for row in loaded.conditions.values()],
        incidents={key: row.incident for key, row in loaded.incidents.items()},
        undecided=undecided,
        silenced_by=lambda labels: [found.id for found in silences.matching(labels, now)],
        inhibited_by=parts.inhibitions.current.inhibited_by,
        in_windows=lambda labels: [window.name for window, _ in windows.matching(labels, now)],
        muted_by=lambda policy: routing.hours.muted_by(routing.policies.get(policy.route_name, policy), now),
    )


async def suppressed_alerts(parts: Parts) -> int:
    """Return how many alerts that fire are suppressed. Where nothing can suppress any none is read."""
    states = await parts.store.counts_by_state()
    quiet = parts.silences.active or parts.windows.active or parts.current.live.routing.hours.rules
    if not (quiet or parts.inhibitions.current or states.get("waiting")):
        return 0
    situation = await look(parts)
    shown = await asyncio.to_thread(show_alerts, situation, Wanted(active=False, unprocessed=False))
    return len(shown)
