"""The parts of a running alertd, put together once, and what a reload does to each of them."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry

from alertd.app.calendars import EVERY as READ_CALENDARS_EVERY
from alertd.app.calendars import CalendarShelf
from alertd.app.clock import SystemClock
from alertd.app.company_maps import CompanyMaps
from alertd.app.company_moves import CompanyMoves
from alertd.app.live import Current, Live
from alertd.app.operations import Operations
from alertd.app.reminding import EVERY as REMIND_EVERY
from alertd.app.reminding import SilenceReminders
from alertd.app.shadowing import ShadowDesk, ShadowMetrics
from alertd.app.sources import read_stored
from alertd.app.windows import WindowBook
from alertd.autotask.desk import AutotaskDesk
from alertd.autotask.metrics import AutotaskMetrics
from alertd.autotask.pacing import Ended
from alertd.autotask.transport import Around
from alertd.autotask.webhooks import TicketWebhook
from alertd.core.alerts import Alert
from alertd.core.incidents import QUIET_STATES
from alertd.core.settling import Terms
from alertd.core.storms import StormTerms, note_interval
from alertd.core.suppressions import Suppressions
from alertd.flows.beating import beating, pause
from alertd.flows.beginning import Beginning
from alertd.flows.calling import Calls
from alertd.flows.crashes import CrashPoint
from alertd.flows.deciding import Decider
from alertd.flows.hooking import Hooking
from alertd.flows.inhibiting import Inhibitions
from alertd.flows.looking import Eyes
from alertd.flows.metrics import SettlingMetrics
from alertd.flows.operating import Hands
from alertd.flows.ports import Envelope, Loaded
from alertd.flows.sending import sending
from alertd.flows.settling import Settler
from alertd.flows.silencing import OPENING, SilenceBook
from alertd.flows.syncing import Syncer
from alertd.flows.world import World
from alertd.intake.app import Intake
from alertd.intake.callouts import CalloutDesk
from alertd.intake.fetching import WebFetch
from alertd.intake.metrics import IntakeMetrics
from alertd.intake.receipts import Receipts
from alertd.intake.senders import Surroundings
from alertd.store.happenings import Call as StoredCall
from alertd.store.store import Store

Beat = Callable[[], None]
Loop = Callable[[asyncio.Event, Beat], Awaitable[None]]
PURGE_EVERY = timedelta(hours=1)
MOST_ANSWERS = 10_000  # of calls that wait to be stored


class CallsByIncident:
    """The store's call log, with the incident that a call is made for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ended: list[StoredCall] = []

    async def recent(self, since: datetime) -> Sequence[datetime]:
        """Return when Autotask was called since then."""
        return await self._store.recent(since)

    async def record(self, at: datetime, endpoint: str) -> None:
        """Keep that a call is about to be sent."""
        whom = sending.get()
        await self._store.record(at, endpoint, whom.incident_key, whom.operation)

    def answered(self, at: datetime, ended: Ended) -> None:
        """Keep how a call for a single incident ended, for `keep_answers`."""
        whom = sending.get()
        if whom.incident_key and len(self._ended) < MOST_ANSWERS:
            said = (ended.outcome, ended.status, ended.answer)
            self._ended.append(StoredCall(at, ended.endpoint, whom.incident_key, whom.operation, *said))

    async def keep_answers(self) -> None:
        """Store what has been answered since it was done last."""
        ended, self._ended = self._ended, []
        if ended:
            await self._store.answer(ended)


class Parts:
    """Everything that lives as long as the process."""

    def __init__(
        self,
        current: Current,
        *,
        store: Store,
        registry: CollectorRegistry,
        clock: SystemClock,
        crash: CrashPoint,
        not_ready: Callable[[], str | None],
    ) -> None:
        self.current = current
        self.store = store
        self.registry = registry
        self.clock = clock
        self.call_log = CallsByIncident(store)
        settings = current.live.settings
        chance = random.Random(secrets.randbits(64))  # noqa: S311 - spreads retries; nothing secret
        self.desk = self._make_desk(current.live, chance, crash)
        self.maps = CompanyMaps(
            store,
            self.desk,
            settings=lambda: current.live.settings,
            moves=CompanyMoves(store, self.desk, now=clock.now),
        )
        self.beginning = Beginning(desk=self.desk, state=store, memory=store)
        self.settling_metrics = SettlingMetrics(registry, [board.name for board in settings.boards])
        world = World(
            journal=store,
            state=store,
            desk=self.desk,
            clock=clock,
            metrics=self.settling_metrics,
            instance=settings.instance,
            owner=f"{socket.gethostname()}:{os.getpid()}",
            jitter=chance.random,
            crash=crash,
        )
        hands = Hands(world)
        eyes = Eyes(world, hands, window=settings.autotask.unknown_window)
        self.settler = Settler(
            world,
            hands=hands,
            eyes=eyes,
            terms=self._terms,
            begin=self.beginning.begin,
            silenced=self._fell_silent,
        )
        self.syncer = Syncer(world, settings.sync, wake_settling=self.settler.wake)
        self.calls = Calls(self.syncer, clock)
        self.hooking = self._make_hooking(current.live)
        self.inhibitions = Inhibitions(rules=lambda: current.live.inhibit, stored=self._stored_sources)
        self.decider = Decider(
            world,
            routing=lambda: current.live.routing,
            read=self._read,
            wake_settling=self.settler.wake,
            suppressions=lambda: Suppressions(
                self.silences.active, self.windows.active, current.live.routing.hours
            ),
            storms=self._storm_terms,
            named=self.maps.named,
            inhibitions=self.inhibitions,
        )
        self.silences = SilenceBook(store, now=clock.now, changed=self.decider.suppressions_changed)
        self.calendars = CalendarShelf(current, store, now=clock.now)
        self.windows = WindowBook(
            current, changed=self.decider.suppressions_changed, calendars=self.calendars.of
        )
        self.reminders = SilenceReminders(
            current,
            store,
            self.silences,
            accept=self.decider.accept,
            new_receipt=Receipts(os.urandom).new,
        )
        self.operations = Operations(
            store,
            read=lambda envelope: [self.maps.named(alert) for alert in self._read(envelope)],
            routing=lambda: current.live.routing,
            now=clock.now,
            wake_settling=self.settler.wake,
            pressure=self.desk.pressure,
        )
        self.intake = self._make_intake(crash, not_ready)

    def _fell_silent(self, incident_key: str) -> None:
        self.decider.silenced(incident_key)

    def _make_intake(self, crash: CrashPoint, not_ready: Callable[[], str | None]) -> Intake:
        live = self.current.live
        return Intake(
            live.settings.server,
            live.senders.values(),
            surroundings=Surroundings(
                journal=self.store,
                handover=self.decider,
                standing=self.store,
                vendors=self.store.vendors,
                clock=self.clock,
                monotonic=time.monotonic,
                entropy=os.urandom,
                not_ready=not_ready,
                crash=crash,
                fetch=WebFetch(),
            ),
            metrics=IntakeMetrics(self.registry),
            callouts=self._make_callout_desk(live),
        )

    def _make_hooking(self, live: Live) -> Hooking | None:
        if live.webhook is None:
            return None
        webhook = TicketWebhook(
            self.desk.client, live.webhook, memory=self.store, own_resource_id=self.desk.own_resource_id
        )
        return Hooking(webhook, self.clock, begun=lambda: self.beginning.begun)

    def _make_callout_desk(self, live: Live) -> CalloutDesk | None:
        if live.webhook is None or self.hooking is None:
            return None
        return CalloutDesk(
            secret=live.webhook.secret, changed=self.calls.changed, deactivated=self.hooking.doubt
        )

    def _make_desk(self, live: Live, chance: random.Random, crash: CrashPoint) -> AutotaskDesk:
        around = Around(
            clock=self.clock,
            memory=self.store,
            call_log=self.call_log,
            metrics=AutotaskMetrics(self.registry),
            chance=chance,
            answered=lambda: crash("settle.request_sent", sending.get().operation),
            may_write=live.settings.mode == "live",
        )
        told = (live.settings.autotask, live.credential)
        if around.may_write:
            return AutotaskDesk(*told, plan=live.plan, around=around)
        metrics = ShadowMetrics(self.registry)
        return ShadowDesk(*told, plan=live.plan, around=around, store=self.store, metrics=metrics)

    def loops(self) -> Sequence[tuple[str, Loop]]:
        """Return the loops by name. One that ends early, or fails, takes the process down."""
        always: tuple[tuple[str, Loop], ...] = (
            ("decide", self.decider.run),
            ("settle", self.settler.run),
            ("sync", self.syncer.run),
            ("upkeep", self._upkeep),
            ("store", self._watch_store),
        )
        if self.hooking is None:
            return always
        return (*always, ("callouts", self.calls.run), ("webhook", self.hooking.run))

    async def swap(self, live: Live) -> None:
        """Put a reloaded configuration in force. No timer is reset."""
        old, self.current.live = self.current.live, live
        self.intake.adopt(live.senders.values())
        if live.credential != old.credential:
            self.desk.credential_changed(live.credential)
        self.desk.adopt(live.plan)
        if live.inhibit != old.inhibit:
            self.decider.suppressions_changed((*OPENING, *QUIET_STATES))
        await self.calendars.load()
        self.windows.adopt(old)
        await self.store.wake(self.clock.now())  # what is desired may have changed with the boards
        self.settler.wake()

    def _storm_terms(self) -> StormTerms:
        return self.current.live.settings.storm.terms(self.desk.pressure())

    def _terms(self) -> Terms:
        return Terms(
            unknown_window=self.current.live.settings.autotask.unknown_window,
            adopt_first=self.beginning.adopt_first,
            mark=f"{self.current.live.mark[:16]} {self.desk.metadata_mark()}",
            unwatched_since=self.syncer.unwatched_since(),
            note_interval=note_interval(self._storm_terms()),
        )

    async def _stored_sources(self) -> Sequence[Loaded]:
        return (await self.store.firing(), await self.store.resting())

    def _read(self, envelope: Envelope) -> Sequence[Alert]:
        return read_stored(envelope, self.current.live.senders)

    async def _upkeep(self, stop: asyncio.Event, beat: Beat) -> None:
        """Remind of silences; read calendars; delete what is older than the configuration keeps."""
        due_at = read_at = remind_at = self.clock.now()
        while not stop.is_set():
            beat()
            await self.call_log.keep_answers()
            if self.clock.now() >= remind_at:
                await beating(self.reminders.remind(self.clock.now()), beat)
                remind_at = self.clock.now() + REMIND_EVERY
            if self.clock.now() >= read_at:
                if await beating(self.calendars.refresh(), beat):
                    self.windows.refresh()
                read_at = self.clock.now() + READ_CALENDARS_EVERY
            if self.clock.now() >= due_at:
                keep = self.current.live.settings.store.keep_journal
                await beating(self.store.purge(self.clock.now(), keep_journal=keep), beat)
                await self.silences.load()
                due_at = self.clock.now() + PURGE_EVERY
            await pause(stop, 1.0)
        await self.call_log.keep_answers()

    async def _watch_store(self, stop: asyncio.Event, beat: Beat) -> None:
        """End the process when the store has failed for good: nothing may be acknowledged any more."""
        failing = asyncio.ensure_future(self.store.wait_failed())
        try:
            while not stop.is_set() and not failing.done():
                if self.store.beat_age_s() < 5.0:
                    beat()
                await pause(stop, 1.0)
            if failing.done():
                raise failing.result()
        finally:
            failing.cancel()
