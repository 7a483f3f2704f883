"""Commands that ask Autotask without a daemon: which queues there are, and whether the configuration fits."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from prometheus_client import CollectorRegistry

from alertd.app.board_forms import shown_form
from alertd.app.clock import SystemClock
from alertd.app.company_maps import listed
from alertd.app.live import credential_of, plan_of
from alertd.app.operations import Inquiries
from alertd.app.routing import routing_of
from alertd.app.source_reports import recent, sources
from alertd.app.sources import read_stored
from alertd.app.state import status, take_snapshot
from alertd.app.windows import MOST_SHOWN, active_windows, next_rows, window_rows
from alertd.autotask.desk import AutotaskDesk
from alertd.autotask.memory import TransientMemory
from alertd.autotask.metrics import AutotaskMetrics
from alertd.autotask.pacing import TransientCallLog
from alertd.autotask.transport import Around
from alertd.config.settings import Settings
from alertd.core.clients import CompanyMap
from alertd.core.sources.kinds import compile_profile
from alertd.intake.senders import sender_of
from alertd.ops.silencing import shown_silences
from alertd.store.opening import open_reader
from alertd.store.store import Reader


def boards_report(settings: Settings) -> list[dict[str, Any]]:
    """Return every queue of the tenant, with the boards and routes that use it.

    Raises:
        PortError: Autotask cannot be asked, or refuses.
    """
    return asyncio.run(_boards(settings))


def check_online(settings: Settings) -> int:
    """Print what the configuration names and the tenant does not have; return 1 if there is any.

    Raises:
        PortError: Autotask cannot be asked, or refuses.
    """
    problems = asyncio.run(_problems(settings))
    for problem in problems:
        print(problem)  # noqa: T201 - the command's own output
    if not problems:
        print("Autotask has everything that the configuration names.")  # noqa: T201 - as above
    return 1 if problems else 0


@asynccontextmanager
async def offline_operations(settings: Settings) -> AsyncIterator[Offline]:
    """Open the store for questions, whether or not a daemon runs, and no secret: who asks may have none.

    Raises:
        StoreError: It cannot be read.
    """
    senders = {each.name: sender_of(each, compile_profile(each), digests=()) for each in settings.sources}
    routing = routing_of(settings)
    async with open_reader(settings.store.path) as reader:
        maps = CompanyMap(await reader.company_rows())
        inquiries = Inquiries(
            reader,
            read=lambda envelope: [maps.applied(alert) for alert in read_stored(envelope, senders)],
            routing=lambda: routing,
        )
        yield Offline(reader, inquiries, settings)


class Offline:
    """The daemon's answers, from its store alone."""

    def __init__(self, reader: Reader, inquiries: Inquiries, settings: Settings) -> None:
        self._reader = reader
        self._settings = settings
        self._inquiries = inquiries

    async def incidents(self, *, limit: int, states: list[str] | None = None) -> list[dict[str, Any]]:
        """Return incidents in these states (None: all but closed ones), newest first."""
        return await self._inquiries.incidents(limit=limit, states=states)

    async def parked(self, *, limit: int) -> list[dict[str, Any]]:
        """Return what is set aside for a person."""
        return await self._inquiries.parked(limit=limit)

    async def usage(self, source: str | None) -> list[dict[str, Any]]:
        """Return what vendors have counted."""
        return await self._inquiries.usage(source)

    async def explain(self, asked: str) -> dict[str, Any] | None:
        """Return all that is known of it."""
        return await self._inquiries.explain(asked)

    async def silences(self, *, states: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Return silences in these states (None: all that are not over), the first to end first."""
        return shown_silences(await self._reader.stored_silences(), states or (), SystemClock().now())

    async def windows(self) -> list[dict[str, Any]]:
        """Return each window, and which incidents it keeps waiting. Calendars are the daemon's alone."""
        held = await self._reader.incidents(states=["held"], limit=MOST_SHOWN)
        waiting = [each.incident for each in held]
        return window_rows(self._settings, active_windows(self._settings), waiting, SystemClock().now())

    async def next_windows(self, *, name: str | None, count: int) -> list[dict[str, Any]]:
        """Return when the windows are, or one of them. Calendars are the daemon's alone."""
        windows = active_windows(self._settings)
        return next_rows(self._settings, windows, SystemClock().now(), name=name, count=count)

    async def sources(self) -> list[dict[str, Any]]:
        """Return every configured source, with what the journal holds of it."""
        return await sources(self._reader, self._settings)

    async def recent(self, source: str) -> list[dict[str, Any]]:
        """Return the last requests of a source, the newest first."""
        return await recent(self._reader, source)

    async def company_map(self) -> list[dict[str, Any]]:
        """Return every row of the map of companies, those of the configuration too."""
        return listed(await self._reader.company_rows(), self._settings)

    async def status(self) -> dict[str, Any]:
        """Return how things stood when the store was last written."""
        snapshot = await take_snapshot(self._reader, now=SystemClock().now(), unclear=0)
        return status(snapshot, detail=lambda: {"running": False})


@asynccontextmanager
async def _desk(settings: Settings) -> AsyncIterator[AutotaskDesk]:
    desk = AutotaskDesk(
        settings.autotask,
        credential_of(settings, os.environ),
        plan=plan_of(settings, routing_of(settings)),
        around=Around(
            clock=SystemClock(),
            memory=TransientMemory(),
            call_log=TransientCallLog(),
            metrics=AutotaskMetrics(CollectorRegistry()),
            chance=random.Random(),  # noqa: S311 - spreads retries; nothing secret
        ),
    )
    try:
        yield desk
    finally:
        await desk.close()


async def _problems(settings: Settings) -> list[str]:
    async with _desk(settings) as desk:
        await desk.ready()
        return [str(problem) for problem in desk.problems()]


async def _boards(settings: Settings) -> list[dict[str, Any]]:
    async with _desk(settings) as desk:
        queues = await desk.boards_report()
        forms = [(each.board_name, shown_form(each)) for each in await desk.resolved_boards()]
    used = {board.name: str(board.queue).casefold() for board in settings.boards}
    policies = routing_of(settings).policies.values()
    report = []
    for queue in queues:
        boards = [name for name, wanted in used.items() if wanted in (str(queue.id), queue.label.casefold())]
        report.append(
            {
                "id": queue.id,
                "label": queue.label,
                "active": queue.active,
                "resources": queue.resources,
                "boards": boards,
                "tickets": [form for name, form in forms if name in boards],
                "routes": [policy.route_name for policy in policies if policy.board in boards],
            }
        )
    return report
