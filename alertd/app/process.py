"""The operating system's side of the process: event loop, signals, exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import structlog

from alertd.app import demo
from alertd.app.clock import SystemClock
from alertd.app.daemon import Daemon
from alertd.app.live import bring_to_life
from alertd.app.reload import ReloadRefused
from alertd.config import secrets
from alertd.config.routing import route_warnings
from alertd.flows.beginning import OtherTenant
from alertd.flows.errors import CannotListen, StoreFailed
from alertd.ops import logs
from alertd.store.errors import DataDamaged, StoreError

GC_THRESHOLD = (20_000, 20, 20)  # a request makes some hundred objects, and next to none in a circle

_log = structlog.get_logger("alertd.app")


def run_daemon(config_path: Path) -> int:
    """Run until SIGTERM or SIGINT; SIGHUP reloads. Return 0.

    Raises:
        ConfigError, SecretMissing, StoreError, StoreFailed, OtherTenant, CannotListen: It cannot run, or
            not go on; the command line knows their exit codes.
    """
    logs.set_up()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)
    live = bring_to_life(config_path, os.environ)
    for warning in secrets.warnings(live.settings, os.environ):
        _log.warning("app.secret_warning", what=warning)
    for warning in route_warnings(live.settings):
        _log.warning("app.route_warning", what=warning)
    daemon = Daemon(live, config_path=config_path, environ=os.environ, clock=SystemClock())
    try:
        _run(_under_signals(daemon))
    except* (StoreError, StoreFailed, OtherTenant, CannotListen) as group:
        raise _first(group) from None
    return 0


def run_demo(*, once: bool, listen: str | None) -> int:
    """Run the demo until it is settled (`once`) or interrupted."""
    logs.set_up(level="error")
    with contextlib.suppress(KeyboardInterrupt):
        code: int = _run(demo.run(once=once, listen=listen))
        return code
    return 0


async def _under_signals(daemon: Daemon) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()
    reloads: set[asyncio.Task[None]] = set()

    def end() -> None:
        if stop.is_set() and main is not None:
            _log.warning("app.second_signal")
            main.cancel()  # whoever asks twice does not want to wait
        stop.set()

    def reload() -> None:
        task = loop.create_task(_reload(daemon), name="reload")
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    loop.add_signal_handler(signal.SIGHUP, reload)
    await daemon.run(stop)


async def _reload(daemon: Daemon) -> None:
    with contextlib.suppress(ReloadRefused):  # it has been logged, with all that is wrong
        await daemon.reload()


def _run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run the event loop: uvloop's where it is installed."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        uvloop = importlib.import_module("uvloop")
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the exception that ended it: damaged data before all else."""
    leaves: list[BaseException] = []
    waiting: list[BaseException] = [group]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions
        else:
            leaves.append(each)
    return next((each for each in leaves if isinstance(each, DataDamaged)), leaves[0])
