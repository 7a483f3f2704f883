"""The life of the process: the order in which it starts, serves, reloads and ends."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, MutableMapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry

from alertd.app.admin import ProcessOperations
from alertd.app.assembly import Loop, Parts
from alertd.app.clock import SystemClock
from alertd.app.crashing import crash_point
from alertd.app.live import Current, Live
from alertd.app.reload import ReloadRefused, reload
from alertd.app.shadowing import take_up
from alertd.config.faults import ConfigError, Fault
from alertd.config.routing import route_warnings
from alertd.config.secrets import resolve
from alertd.intake import listening
from alertd.ops import admin
from alertd.ops.metrics import ProcessMetrics
from alertd.ops.notify import keep_alive, notifier, watchdog_interval_s
from alertd.ops.pulse import Pulse
from alertd.store.opening import open_store

GRACE_S = 60.0  # for calls under way; shorter than systemd's TimeoutStopSec
STUCK_S = 30.0  # every loop beats at least once a second; a call to Autotask never holds one up

_log = structlog.get_logger("alertd.app")


class LoopEnded(RuntimeError):
    """A loop that should run for ever has ended."""


class Daemon:
    """One alertd. Await `run` once."""

    def __init__(
        self, live: Live, *, config_path: Path, environ: MutableMapping[str, str], clock: SystemClock
    ) -> None:
        self._current = Current(live)
        self._config_path = config_path
        self._environ = environ
        self._clock = clock
        self._crash = crash_point(environ)
        self._pulse = Pulse(time.monotonic, held_up=self._is_held_up)
        self._notifier = notifier(environ, time.monotonic)
        self._started = asyncio.Event()
        self._stopping = False
        self._parts: Parts | None = None
        self._config_metrics: ProcessMetrics | None = None
        self._reloading = asyncio.Lock()
        self.intake_addresses: Sequence[str] = ()
        self._operations: ProcessOperations | None = None

    async def wait_started(self) -> None:
        """Wait until requests are taken."""
        await self._started.wait()

    @property
    def parts(self) -> Parts:
        """What it is made of, once started."""
        if self._parts is None:
            raise RuntimeError("the daemon is not running")
        return self._parts

    @property
    def operations(self) -> ProcessOperations:
        """What operators may ask and do, once started."""
        if self._operations is None:
            raise RuntimeError("the daemon is not running")
        return self._operations

    # --- life -----------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Start, serve until `stop` is set or something fails for good, and end.

        Raises:
            ConfigError: It says of a customer what the store's map says too.
            StoreError, StoreFailed: The store cannot be used.
            ModeRefused: It holds real tickets, and the mode is shadow.
            OtherTenant: It belongs to another tenant; in an exception group, as all that fails later.
            CannotListen: An address cannot be bound; in such a group too.
        """
        settings = self._current.live.settings
        registry = CollectorRegistry()
        async with open_store(
            settings.store, clock=self._clock, registry=registry, instance=settings.instance
        ) as store:
            self._parts = parts = Parts(
                self._current,
                store=store,
                registry=registry,
                clock=self._clock,
                crash=self._crash,
                not_ready=self._not_ready,
            )
            self._config_metrics = ProcessMetrics(registry)
            self._config_metrics.configuration(self._current.live.mark.encode())
            await self._load_maps(parts)
            try:
                await take_up(settings.mode, store, self._clock.now())
                await parts.silences.load()
                await parts.calendars.load()
                parts.windows.refresh()
                await parts.decider.recover()
                await self._serve(parts, stop)
            finally:
                await parts.desk.close()

    async def _load_maps(self, parts: Parts) -> None:
        await parts.maps.load()
        if found := parts.maps.conflicts(self._current.live.settings):
            await parts.desk.close()
            raise ConfigError(Fault(str(self._config_path), 0, "", each) for each in found)

    async def _serve(self, parts: Parts, stop: asyncio.Event) -> None:
        ending = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._loop(*loop, ending), name=loop[0]) for loop in parts.loops()]
            watching = group.create_task(self._watchdog(ending), name="watchdog")
            async with self._listening(parts):
                self._started.set()
                self._notifier.ready("taking alerts")
                _log.info("app.started", intake=list(self.intake_addresses))
                await stop.wait()
                self._stopping = True
                self._notifier.stopping()
                _log.info("app.stopping")
            ending.set()
            await _within_grace(tasks)
            watching.cancel()
        _log.info("app.stopped")

    @asynccontextmanager
    async def _listening(self, parts: Parts) -> AsyncIterator[None]:
        settings = self._current.live.settings
        self._operations = operations = ProcessOperations(
            parts, pulse=self._pulse, reload=self.reload, not_ready=self._not_ready
        )
        token = resolve(settings.admin.token, self._environ) if settings.admin.token is not None else None
        desk_of_operators = admin.Admin(
            settings.admin,
            operations,
            registry=parts.registry,
            token=token,
            more=operations.routes(),
        )
        inherited = listening.inherited_sockets(self._environ, os.getpid())
        async with AsyncExitStack() as stack:
            operators = await stack.enter_async_context(admin.serving(desk_of_operators, settings.admin))
            self.intake_addresses = await stack.enter_async_context(
                listening.serving(parts.intake, settings.server, inherited=inherited)
            )
            _log.info("app.listening", admin=operators)
            yield

    async def _loop(self, name: str, run: Loop, ending: asyncio.Event) -> None:
        await run(ending, self._pulse.expect(name, every_s=STUCK_S))
        self._pulse.forget(name)
        if not ending.is_set():
            raise LoopEnded(name)

    async def _watchdog(self, ending: asyncio.Event) -> None:
        every_s = watchdog_interval_s(self._environ, os.getpid())
        if every_s is not None:
            await keep_alive(
                ending,
                notifier=self._notifier,
                pulse=self._pulse,
                every_s=every_s,
                monotonic=time.monotonic,
            )

    def _is_held_up(self) -> bool:
        return self._parts is not None and self._parts.store.is_held_up()

    def _not_ready(self) -> str | None:
        if not self._started.is_set():
            return "starting"
        return "stopping" if self._stopping else None

    # --- reload ---------------------------------------------------------------------------------------

    async def reload(self) -> None:
        """Take the configuration file again.

        Raises:
            ReloadRefused: It was not taken; the old one is in force.
        """
        async with self._reloading:
            self._notifier.reloading()
            well = False
            try:
                live = await reload(
                    self._current.live, self.parts.desk, path=self._config_path, environ=self._environ
                )
                if found := self.parts.maps.conflicts(live.settings):
                    raise ReloadRefused("\n".join(found))  # noqa: TRY301 - refused as all else is
                await self.parts.swap(live)
                well = True
            except ReloadRefused as exc:
                _log.error("app.reload_refused", why=str(exc))
                raise
            finally:
                if self._config_metrics is not None:
                    self._config_metrics.reloaded(well=well)
                    self._config_metrics.configuration(self._current.live.mark.encode())
                self._notifier.ready("taking alerts")
            _log.info("app.reloaded")
            for warning in route_warnings(live.settings):
                _log.warning("app.route_warning", what=warning)


async def _within_grace(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Let the loops finish what they hold; name and cut off the ones that take too long."""
    _, late = await asyncio.wait(tasks, timeout=GRACE_S)
    for task in late:
        _log.warning("app.loop_cut_off", loop=task.get_name())
        task.cancel("grace period over")
