"""Group commit: one thread owns the connection that writes, and everything that waits shares a transaction.

A turn takes what waits, runs each group of works in a savepoint inside one transaction, commits, and only
then tells the callers. What fails is rolled back alone; if the database itself refuses, the whole turn is.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

import structlog
from sqlalchemy import Connection

from alertd.flows.errors import StoreFailed
from alertd.store.errors import DataDamaged
from alertd.store.metrics import StoreMetrics

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - an item

Work: TypeAlias = Callable[[Connection, Sequence[I]], Sequence[T]]  # one result for each item, in order
Refusal: TypeAlias = StoreFailed | DataDamaged
Sleep: TypeAlias = Callable[[float], Awaitable[None]]  # seconds

MOST_IN_TURN = 256
BUSY_JOBS = 4  # in one turn: others are waiting in line to call
GATHER_S = 0.0005  # a third of what a turn takes then
IDLE_S = 1.0  # how long the thread sleeps at most, so that its beat shows that it lives
TIDY_AFTER_S = 5.0  # of rest
FIRST_PAUSE_S = 0.5  # until a write that was refused for now is tried again; doubled each time
LAST_PAUSE_S = 5.0

_log = structlog.get_logger()


class Database:
    """What the runner needs to know of the database under it."""

    def __init__(
        self,
        conn: Connection,
        *,
        refusal: Callable[[BaseException], Refusal | None],
        in_transaction: Callable[[Connection], bool],
        abandon: Callable[[Connection], None],
        tidy: Callable[[Connection], None],
    ) -> None:
        self.conn = conn
        self.refusal = refusal
        self.in_transaction = in_transaction
        self.abandon = abandon
        self.tidy = tidy


class _Job(Generic[I, T]):
    __slots__ = ("future", "item", "size", "work")

    def __init__(self, work: Work[I, T], item: I, size: int, future: asyncio.Future[T]) -> None:
        self.work = work
        self.item = item
        self.size = size
        self.future = future


_AnyJob: TypeAlias = _Job[Any, Any]
_Outcome: TypeAlias = tuple[_AnyJob, Any, BaseException | None]


class Runner:
    """Runs writes. Made, called and closed on one event loop; works run on its own thread.

    Args:
        database: The connection, used by nobody else from now on.
        metrics: Where turns are counted.
        most_waiting: Works offered beyond these are refused.
        most_bytes: The same for the sum of their sizes.
        sleep: Waits before a write that was refused for now is tried again.
    """

    def __init__(
        self,
        database: Database,
        *,
        metrics: StoreMetrics,
        most_waiting: int,
        most_bytes: int,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._db = database
        self._metrics = metrics
        self._most_waiting = most_waiting
        self._most_bytes = most_bytes
        self._sleep = sleep
        self._held_up = 0
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_AnyJob] = deque()
        self._waiting_bytes = 0
        self._bell = threading.Condition(threading.Lock())
        self._stopping = False
        self._failure: Refusal | None = None
        self._refusing = False
        self._failed: asyncio.Future[Refusal] = self._loop.create_future()
        self._beat_at = time.monotonic()
        self._wrote_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="alertd-store-writer", daemon=True)
        metrics.waiting.set_function(lambda: len(self._waiting))
        self._thread.start()

    # --- callers --------------------------------------------------------------------------------------

    async def run(self, function: Callable[[Connection], T]) -> T:
        """Run one function in a savepoint of its own and return its result once it is on disk.

        What is refused for now is tried again until it is taken: the full disk of an hour must cost
        nothing but that hour.

        Raises:
            StoreFailed: Nothing of it was kept, and nothing will be any more.
        """

        def work(conn: Connection, _items: Sequence[None]) -> Sequence[T]:
            return [function(conn)]

        return await self._insist(work, None)

    async def together(self, work: Work[I, T], item: I) -> T:
        """Run one item as `run` does; all that wait for the same `work` are given to it in one call.

        Raises:
            StoreFailed: Nothing of it was kept, and nothing will be any more.
        """
        return await self._insist(work, item)

    async def offer(self, work: Work[I, T], item: I, *, size: int) -> T:
        """Do as `together`, but once only, and not if too much waits already.

        Args:
            work: As in `together`.
            item: As in `together`.
            size: What the item weighs, in bytes.

        Raises:
            StoreFailed: Nothing of it was kept; with `full=True` for now.
        """
        if len(self._waiting) >= self._most_waiting or self._waiting_bytes + size > self._most_bytes:
            raise StoreFailed("too many writes wait for the disk", full=True)
        return await self._submit(work, item, size)

    async def _insist(self, work: Work[I, T], item: I) -> T:
        try:
            return await self._submit(work, item, 0)
        except StoreFailed as exc:
            if not exc.full:
                raise
        self._held_up += 1
        try:
            return await self._try_again(work, item)
        finally:
            self._held_up -= 1

    async def _try_again(self, work: Work[I, T], item: I) -> T:
        pause = FIRST_PAUSE_S
        while True:
            await self._sleep(pause)
            try:
                return await self._submit(work, item, 0)
            except StoreFailed as exc:
                if not exc.full:
                    raise
            pause = min(pause * 2, LAST_PAUSE_S)

    def is_held_up(self) -> bool:
        """Whether somebody waits for the database to take a write that it has refused for now."""
        return self._held_up > 0

    def _submit(self, work: Work[I, T], item: I, size: int) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self._loop.create_future()
        job = _Job(work, item, size, future)
        with self._bell:
            if self._failure is not None:
                raise StoreFailed(str(self._failure))
            if self._stopping:
                raise StoreFailed("the store is closed")
            self._waiting.append(job)
            self._waiting_bytes += size
            if len(self._waiting) == 1:
                self._bell.notify()
        return future

    async def wait_failed(self) -> Refusal:
        """Wait until the database has failed for good, and say how."""
        return await asyncio.shield(self._failed)

    def beat_age_s(self) -> float:
        """Return seconds since the thread last began a turn; more than a few: it hangs."""
        return time.monotonic() - self._beat_at

    async def close(self) -> None:
        """Finish what waits and end the thread. The connection is the caller's again."""
        with self._bell:
            self._stopping = True
            self._bell.notify()
        await asyncio.to_thread(self._thread.join)
        self._failed.cancel()

    # --- the thread -----------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            self._beat_at = time.monotonic()
            jobs = self._take()
            if jobs:
                self._turn(jobs)
                if len(jobs) >= BUSY_JOBS:
                    time.sleep(GATHER_S)  # noqa: TID251 - the thread's own; the next turn serves more callers
            elif self._stopping:
                return
            else:
                self._tidy()

    def _take(self) -> list[_AnyJob]:
        """Return what waits, or nothing after a while."""
        with self._bell:
            if not self._waiting and not self._stopping:
                self._bell.wait(IDLE_S)
            jobs = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_IN_TURN))]
            self._waiting_bytes -= sum(job.size for job in jobs)
        return [job for job in jobs if not job.future.cancelled()]

    def _turn(self, jobs: Sequence[_AnyJob]) -> None:
        began = time.perf_counter()
        try:
            outcomes = self._transact(jobs)
        except Exception as exc:  # noqa: BLE001 - whatever it is, every caller must hear of it
            refused = self._refused(exc)
            self._abandon()
            outcomes = [(job, None, refused) for job in jobs]
        else:
            self._metrics.commit_duration.observe(time.perf_counter() - began)
            self._wrote_at = self._beat_at
            self._accepted()
        self._tell(outcomes)

    def _transact(self, jobs: Sequence[_AnyJob]) -> list[_Outcome]:
        conn = self._db.conn
        groups: dict[Work[Any, Any], list[_AnyJob]] = {}
        for job in jobs:
            groups.setdefault(job.work, []).append(job)
        if self._failure is not None:
            raise self._failure
        with conn.begin():
            return [outcome for group in groups.values() for outcome in self._run_group(conn, group)]

    def _run_group(self, conn: Connection, jobs: Sequence[_AnyJob]) -> list[_Outcome]:
        try:
            conn.exec_driver_sql("SAVEPOINT work")
            results = jobs[0].work(conn, [job.item for job in jobs])
            conn.exec_driver_sql("RELEASE work")  # fails if the database has given up the transaction
        except Exception as exc:
            if self._db.refusal(exc) is not None or not self._db.in_transaction(conn):
                raise
            conn.exec_driver_sql("ROLLBACK TO work")
            conn.exec_driver_sql("RELEASE work")
            if len(jobs) == 1:
                return [(jobs[0], None, exc)]
            return [outcome for job in jobs for outcome in self._run_group(conn, [job])]
        return [(job, result, None) for job, result in zip(jobs, results, strict=True)]

    def _refused(self, exc: BaseException) -> StoreFailed:
        """Note what the database says; what a later write cannot mend is the end of its service."""
        self._metrics.write_failures.inc()
        refusal = self._db.refusal(exc)
        if refusal is None:
            refusal = (
                exc if isinstance(exc, StoreFailed | DataDamaged) else StoreFailed(f"cannot write: {exc}")
            )
        if isinstance(refusal, StoreFailed) and refusal.full:
            if not self._refusing:  # told once, however often it is tried
                _log.warning("store.write_refused", reason=str(refusal))
            self._refusing = True
            return refusal
        self._fail(refusal)
        return StoreFailed(str(refusal))

    def _accepted(self) -> None:
        if self._refusing:
            _log.info("store.writes_again")
        self._refusing = False

    def _abandon(self) -> None:
        """Undo what a refused commit has left open: the next one would bring it to disk after all."""
        try:
            self._db.abandon(self._db.conn)
        except Exception as exc:  # noqa: BLE001 - whatever it is, the connection cannot be trusted
            self._fail(StoreFailed(f"cannot undo a transaction: {exc}"))

    def _fail(self, failure: Refusal) -> None:
        if self._failure is not None:
            return
        self._failure = failure
        _log.critical("store.failed", reason=str(failure))
        self._call_soon(self._announce, failure)

    def _announce(self, failure: Refusal) -> None:
        if not self._failed.done():
            self._failed.set_result(failure)

    def _tell(self, outcomes: Sequence[_Outcome]) -> None:
        self._call_soon(_resolve, outcomes)

    def _call_soon(self, function: Callable[[Any], None], argument: object) -> None:
        """Go over to the event loop, once for all. If it is closed, nobody waits any more."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, argument)

    def _tidy(self) -> None:
        if (
            self._wrote_at is None
            or self._beat_at - self._wrote_at < TIDY_AFTER_S
            or self._failure is not None
        ):
            return
        self._wrote_at = None
        try:
            self._db.tidy(self._db.conn)
        except Exception as exc:  # noqa: BLE001 - the disk may have failed; the next caller must hear of it
            self._refused(exc)


def _resolve(outcomes: Sequence[_Outcome]) -> None:
    for job, result, exc in outcomes:
        if job.future.done():
            continue  # its caller was cancelled
        if exc is not None:
            job.future.set_exception(exc)
        else:
            job.future.set_result(result)
