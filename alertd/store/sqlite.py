"""SQLite: which library, how connections are opened, and what its errors mean.

One read-write connection in the whole process, and only it checkpoints: versions before 3.51.3 can damage
the database when two connections write or checkpoint at the same instant (the WAL-reset bug).
"""

from __future__ import annotations

import importlib
import os
import sqlite3
import time
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool, StaticPool

from alertd.flows.errors import StoreFailed
from alertd.store.errors import DataDamaged

LOCK_WAIT_MS = 2000  # another program may hold the file this long; then the write is refused for now
WAL_LIMIT = 64 * 1024**2
CHECKPOINT_PAGES = 4000
READER_CACHE_KIB = 8 * 1024
CHECK_S = 3.0  # the check at start may take this long; the nightly one of a backup is complete

OLDEST = (3, 35, 0)  # RETURNING
_FIXED = (3, 51, 3)
_BACKPORTED: dict[tuple[int, ...], tuple[int, ...]] = {(3, 50): (3, 50, 7), (3, 44): (3, 44, 6)}

_BUSY = {5, 6}  # SQLITE_BUSY, SQLITE_LOCKED
_NO_SPACE = {13}  # SQLITE_FULL
_DAMAGED = {11, 26}  # SQLITE_CORRUPT, SQLITE_NOTADB
_FOR_NOW = {7, 8, 14}  # SQLITE_NOMEM, SQLITE_READONLY, SQLITE_CANTOPEN
_DISK = {10}  # SQLITE_IOERR
_PROGRESS_STEPS = 20_000


def library() -> ModuleType:
    """Return the newest SQLite there is: pysqlite3 brings its own, where it has a wheel."""
    try:
        module = importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return sqlite3
    return module


def has_wal_reset_bug(version: tuple[int, ...]) -> bool:
    """Whether this version of SQLite can damage a database that two connections write or checkpoint."""
    if version >= _FIXED:
        return False
    fixed = _BACKPORTED.get(version[:2])
    return fixed is None or version < fixed


# --- connections --------------------------------------------------------------------------------------


def writer_engine(path: Path, module: ModuleType) -> Engine:
    """Return an engine over the one connection that writes. Its transactions lock at their beginning."""

    def connect() -> Any:
        conn = _connect(module, path, "rwc", cached_statements=256)
        conn.execute("PRAGMA journal_mode=WAL")
        conn.execute("PRAGMA synchronous=FULL")
        conn.execute(f"PRAGMA journal_size_limit={WAL_LIMIT}")
        conn.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        return conn

    engine = create_engine("sqlite+pysqlite://", module=module, creator=connect, poolclass=StaticPool)
    _begin_with(engine, "BEGIN IMMEDIATE")
    return engine


def reader_engine(path: Path, module: ModuleType, *, connections: int) -> Engine:
    """Return an engine whose connections can only query; each transaction sees one moment."""

    def connect() -> Any:
        conn = _connect(module, path, "ro", cached_statements=256)
        conn.execute("PRAGMA query_only=1")
        conn.execute(f"PRAGMA cache_size=-{READER_CACHE_KIB}")
        return conn

    engine = create_engine(
        "sqlite+pysqlite://",
        module=module,
        creator=connect,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
    )
    _begin_with(engine, "BEGIN")
    return engine


def _connect(module: ModuleType, path: Path, mode: str, *, cached_statements: int) -> Any:
    conn = module.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True,
        isolation_level=None,  # the driver begins nothing by itself
        check_same_thread=False,  # opened by one thread, then owned by another; never used by two at once
        cached_statements=cached_statements,
    )
    conn.execute(f"PRAGMA busy_timeout={LOCK_WAIT_MS}")
    return conn


def _begin_with(engine: Engine, statement: str) -> None:
    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        conn.exec_driver_sql(statement)


def in_transaction(conn: Connection) -> bool:
    """Whether the database still holds our transaction: some errors end it as a whole."""
    return bool(_raw(conn).in_transaction)


def _raw(conn: Connection) -> Any:
    raw = conn.connection.dbapi_connection
    assert raw is not None  # noqa: S101 - it is connected while we hold it
    return raw


def abandon(conn: Connection) -> None:
    """Undo whatever is open. A refused COMMIT may leave the transaction as it was."""
    _raw(conn).rollback()


def checkpoint(conn: Connection) -> None:
    """Move the write-ahead log into the database and cut it to nothing, unless a reader is in the way."""
    raw = _raw(conn)
    raw.execute("PRAGMA busy_timeout=0")  # a reader may go on; we come again
    try:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        raw.execute(f"PRAGMA busy_timeout={LOCK_WAIT_MS}")


def log_bytes(path: Path) -> int:
    """Return the size of the write-ahead log beside this database."""
    log = path.with_name(path.name + "-wal")
    return log.stat().st_size if log.exists() else 0


def quick_check(conn: Connection, *, seconds: float = CHECK_S) -> bool:
    """Look for damage; whether there was time to look at everything.

    Raises:
        DataDamaged: There is some.
    """
    raw = _raw(conn)
    end = time.monotonic() + seconds
    raw.set_progress_handler(lambda: time.monotonic() > end, _PROGRESS_STEPS)
    try:
        [(verdict,)] = raw.execute("PRAGMA quick_check(1)").fetchall()
    except Exception as exc:
        if "interrupted" in str(exc):
            return False
        raise
    finally:
        raw.set_progress_handler(None, 0)
    if verdict != "ok":
        raise DataDamaged(f"the database is damaged: {verdict}; restore a backup")
    return True


# --- errors -------------------------------------------------------------------------------------------


def refusal(exc: BaseException) -> StoreFailed | DataDamaged | None:
    """Say what an exception means for the store; None: it concerns one statement alone.

    `StoreFailed` with `full=True`: refused for now. All else is the end of this store's service.
    """
    original = exc.orig if isinstance(exc, DBAPIError) else exc
    code = _primary_code(original)
    if code in _BUSY:
        return StoreFailed("another program has kept the database locked for 2 s", full=True)
    if code in _NO_SPACE:
        return StoreFailed("the disk is full", full=True)
    if code in _FOR_NOW:
        return StoreFailed(f"the database cannot be written just now: {original}", full=True)
    if code in _DAMAGED:
        return DataDamaged(f"the database is damaged: {original}; restore a backup")
    if code in _DISK:
        return StoreFailed(f"the disk has failed: {original}")
    return None


def _primary_code(original: BaseException | None) -> int | None:
    code = getattr(original, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None


# --- the place ----------------------------------------------------------------------------------------

_MIN_FREE_SHARE = 0.05
_MIN_FREE = 512 * 1024**2
_NETWORK = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "ceph",
    "glusterfs",
    "lustre",
    "afs",
    "ncpfs",
    "fuse.sshfs",
}


def network_file_system(path: Path, mounts: str) -> str | None:
    """Return the type of the network file system that holds `path`, or None.

    SQLite's locks and shared memory do not work over networks.

    Args:
        path: Absolute.
        mounts: Text in the form of /proc/self/mounts.
    """
    best, kind = "", ""
    for line in mounts.splitlines():
        _, point, type_, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        if len(point) >= len(best) and path.is_relative_to(point):
            best, kind = point, type_
    return kind if kind in _NETWORK or kind.startswith("fuse.gluster") else None


def lacks_space(directory: Path, min_free: int | None) -> str | None:
    """Say how little space is left where too little is; None: there is enough.

    Args:
        directory: On the disk in question.
        min_free: In bytes; None: 5 % of the disk, at least 512 MiB.
    """
    disk = os.statvfs(directory)
    free = disk.f_bavail * disk.f_frsize
    wanted = (
        max(int(disk.f_blocks * disk.f_frsize * _MIN_FREE_SHARE), _MIN_FREE) if min_free is None else min_free
    )
    return f"only {free // 1024**2} MiB free, {wanted // 1024**2} MiB are kept" if free < wanted else None
