"""Opening and closing the store."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection

from alertd.flows.errors import StoreFailed
from alertd.flows.ports import Clock
from alertd.store import claims, schema, sqlite
from alertd.store.errors import StoreError, StoreUnsuitable
from alertd.store.lock import owned
from alertd.store.metrics import StoreMetrics
from alertd.store.reads import CONNECTIONS, Reads
from alertd.store.runner import Database, Runner, Sleep
from alertd.store.settings import StoreSettings
from alertd.store.space import SpaceGuard
from alertd.store.store import Reader, Store

_MODE = 0o640  # what customers' machines say is not everybody's
_MOUNTS = Path("/proc/self/mounts")

_log = structlog.get_logger()


@asynccontextmanager
async def open_store(
    settings: StoreSettings,
    *,
    clock: Clock,
    registry: CollectorRegistry,
    instance: str = "alertd",
    sleep: Sleep = asyncio.sleep,
) -> AsyncIterator[Store]:
    """Own the store while the context lasts: lock it, check it, bring its schema up to date, free old leases.

    Args:
        settings: `[store]` of the configuration.
        clock: Stamps changes.
        registry: Where the store's metrics go.
        instance: Configured name of this alertd, part of every reference.
        sleep: Waits so many seconds before a write that was refused for now is tried again.

    Raises:
        StoreInUse: Another alertd owns it.
        DataDamaged: It cannot be read; nothing was changed.
        SchemaTooNew: A later release has written to it.
        StoreUnsuitable: Its place cannot hold a database.
        StoreFailed: It cannot be written.
    """
    metrics = StoreMetrics(registry)
    with ExitStack() as stack:
        conn, is_new = await asyncio.to_thread(_open, settings.path, stack)
        metrics.engine.labels("sqlite", sqlite.library().sqlite_version).set(1)
        metrics.log_bytes.set_function(partial(sqlite.log_bytes, settings.path))
        runner = Runner(
            Database(
                conn,
                refusal=sqlite.refusal,
                in_transaction=sqlite.in_transaction,
                abandon=sqlite.abandon,
                tidy=sqlite.checkpoint,
            ),
            metrics=metrics,
            most_waiting=settings.queue_writes,
            most_bytes=settings.queue_bytes,
            sleep=sleep,
        )
        reads = _reads(settings.path)
        space = SpaceGuard(partial(sqlite.lacks_space, settings.path.absolute().parent, settings.min_free))
        try:
            yield Store(reads, runner, space=space, clock=clock, instance=instance, is_new=is_new)
        finally:
            await reads.close()
            await runner.close()
            await asyncio.to_thread(_leave, conn)


@asynccontextmanager
async def open_reader(path: Path) -> AsyncIterator[Reader]:
    """Read a store, whether or not a daemon runs. Nothing is locked, migrated or written.

    Raises:
        StoreUnsuitable: There is none at `path`.
        SchemaTooNew: A later release has written to it.
        SchemaTooOld: This release's daemon has not brought it up to date yet.
        DataDamaged: It cannot be read.
        StoreFailed: It cannot be read just now.
    """
    reads = await asyncio.to_thread(_existing, path)
    try:
        await reads.run(schema.require_ours)
        yield Reader(reads)
    finally:
        await reads.close()


def _reads(path: Path) -> Reads:
    engine = sqlite.reader_engine(path, sqlite.library(), connections=CONNECTIONS)
    return Reads(engine, refusal=sqlite.refusal)


def _existing(path: Path) -> Reads:
    try:
        exists = path.is_file()
    except OSError as exc:  # most often a directory that this user may not enter
        why = f"the store {path} cannot be read: {exc.strerror}"
        raise StoreUnsuitable(f"{why}; ask as the daemon's user, or name another file") from exc
    if not exists:
        raise StoreUnsuitable(f"there is no store at {path}: start the daemon once, or name another file")
    return _reads(path)


def _open(path: Path, stack: ExitStack) -> tuple[Connection, bool]:
    """Return the writing connection to a store that is ready, and whether it is new."""
    try:
        _require_library()
        _require_place(path)
        stack.enter_context(owned(path))
        _create(path)
        return _connect(path, stack)
    except StoreError:
        raise
    except OSError as exc:
        raise StoreFailed(f"cannot open the store {path}: {exc.strerror or exc}") from exc
    except Exception as exc:
        refusal = sqlite.refusal(exc)
        if refusal is None:
            raise
        raise refusal from exc


def _require_library() -> None:
    module = sqlite.library()
    if module.sqlite_version_info < sqlite.OLDEST:
        raise StoreUnsuitable(f"SQLite {module.sqlite_version} is too old: 3.35 or newer is needed")


def _require_place(path: Path) -> None:
    directory = path.absolute().parent
    if not directory.is_dir():
        raise StoreUnsuitable(f"the directory {directory} for the store does not exist: create it")
    mounts = _MOUNTS.read_text("utf-8", "replace") if _MOUNTS.exists() else ""
    network = sqlite.network_file_system(directory.resolve(), mounts)
    if network is not None:
        raise StoreUnsuitable(f"{directory} is on a network file system ({network}), where SQLite loses data")


def _create(path: Path) -> None:
    """Make the file, readable for its owner and group; what SQLite puts beside it follows its mode."""
    if path.exists():
        return
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE))
    directory = os.open(path.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _connect(path: Path, stack: ExitStack) -> tuple[Connection, bool]:
    module = sqlite.library()
    engine = sqlite.writer_engine(path, module)
    stack.callback(engine.dispose)
    conn = stack.enter_context(engine.connect())
    complete = sqlite.quick_check(conn)
    with conn.begin():
        is_new = schema.migrate(conn)
        freed = claims.free_all(conn)
    if sqlite.has_wal_reset_bug(module.sqlite_version_info):
        _log.warning("store.sqlite_outdated", version=module.sqlite_version, wanted="3.51.3")
    _log.info(
        "store.opened",
        path=str(path),
        sqlite=module.sqlite_version,
        new=is_new,
        checked="wholly" if complete else "in part",
        leases_freed=freed,
    )
    return conn, is_new


def _leave(conn: Connection) -> None:
    try:
        sqlite.checkpoint(conn)
    except Exception as exc:  # noqa: BLE001 - all that was promised is on disk already
        _log.warning("store.checkpoint_failed", reason=str(exc))
