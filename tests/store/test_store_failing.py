"""When the database refuses: nobody is told of what is not on disk, and the rest goes on where it can."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection

from alertd.flows.errors import Conflict, StoreFailed
from alertd.flows.ports import Claim, Step
from alertd.store import runner as runner_module
from alertd.store import sqlite
from alertd.store.errors import DataDamaged
from alertd.store.opening import open_store
from alertd.store.runner import FIRST_PAUSE_S, LAST_PAUSE_S
from alertd.store.settings import StoreSettings
from alertd.store.store import Store
from tests.store.making import T0, FixedClock, envelope, first_seen, incident_write


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


class Sleeps:
    """Stands in for sleeping: notes how long, and lets a test act on it."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.then: Callable[[int], None] = lambda _: None
        self.never = False

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        if self.never:
            await asyncio.Event().wait()
        self.then(len(self.seconds))


@pytest.fixture
def sleeps() -> Sleeps:
    return Sleeps()


@pytest.fixture
async def store(
    tmp_path: Path, registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch, sleeps: Sleeps
) -> AsyncIterator[Store]:
    monkeypatch.setattr(sqlite, "LOCK_WAIT_MS", 30)
    settings = StoreSettings(
        url=f"sqlite:///{tmp_path / 'alertd.db'}", min_free=0, queue_bytes=10_000, queue_writes=50
    )
    async with open_store(settings, clock=FixedClock(), registry=registry, sleep=sleeps) as opened:
        yield opened


def error(code: int) -> Exception:
    made = sqlite.library().OperationalError("injected")
    made.sqlite_errorcode = code
    return made


class Fault:
    """Makes the database's next commits or statements fail."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self._dialect = store._runner._db.conn.dialect
        self._monkeypatch = monkeypatch

    def commits(self, code: int) -> None:
        def fail(_: object) -> None:
            raise error(code)

        self._monkeypatch.setattr(self._dialect, "do_commit", fail)

    def statements(self, code: int, marker: str, before: Callable[[Any], None] = lambda _: None) -> None:
        """Let every statement fail that contains `marker`."""
        true_execute, true_many = self._dialect.do_execute, self._dialect.do_executemany

        def execute(cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
            if marker in statement:
                before(cursor)
                raise error(code)
            true_execute(cursor, statement, parameters, context)

        def many(cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
            if marker in statement:
                before(cursor)
                raise error(code)
            true_many(cursor, statement, parameters, context)

        self._monkeypatch.setattr(self._dialect, "do_execute", execute)
        self._monkeypatch.setattr(self._dialect, "do_executemany", many)

    def over(self) -> None:
        self._monkeypatch.undo()


@pytest.fixture
def fault(store: Store) -> Iterator[Fault]:
    with pytest.MonkeyPatch.context() as patched:
        yield Fault(store, patched)


async def test_a_failed_disk_ends_all_writing(
    store: Store, fault: Fault, registry: CollectorRegistry
) -> None:
    await store.append(envelope("before"))
    waiting = asyncio.create_task(store.wait_failed())
    fault.commits(10)

    answers = await asyncio.gather(
        *(store.append(envelope(f"r{number}")) for number in range(5)), return_exceptions=True
    )
    fault.over()

    assert all(isinstance(answer, StoreFailed) and not answer.full for answer in answers)
    assert "disk has failed" in str(await waiting)
    with pytest.raises(StoreFailed, match="disk has failed"):
        await store.append(envelope("later"))
    with pytest.raises(StoreFailed):
        await store.commit(Step())
    assert await store.entry("before") is not None
    assert [await store.entry(f"r{number}") for number in range(5)] == [None] * 5
    assert registry.get_sample_value("alertd_store_write_failures_total") == 1


async def test_damage_is_told_apart_from_a_failed_disk(store: Store, fault: Fault) -> None:
    fault.statements(11, "INSERT INTO journal")

    with pytest.raises(StoreFailed):
        await store.append(envelope("a"))

    assert isinstance(await store.wait_failed(), DataDamaged)


@pytest.mark.parametrize("code", [5, 13, 8])
async def test_what_is_refused_for_now_may_succeed_later(store: Store, fault: Fault, code: int) -> None:
    fault.commits(code)
    with pytest.raises(StoreFailed) as refused:
        await store.append(envelope("a"))
    fault.over()

    assert refused.value.full
    assert (await store.append(envelope("b"))).duplicate is False
    assert (await store.accounts()).accepted == 1
    assert await store.entry("a") is None, "what was refused must not come to disk with the next commit"


WRITES: dict[str, Callable[[Store], Awaitable[object]]] = {
    "commit": lambda store: store.commit(Step(incidents=[incident_write("i")])),
    "claim": lambda store: store.claim(T0, limit=5, owner="me", lease=timedelta(minutes=1)),
    "release": lambda store: store.release(Claim("i", 1, T0)),
    "wake": lambda store: store.wake(T0),
    "record": lambda store: store.record(T0, "Tickets"),
    "set": lambda store: store.set("a", "b"),
    "purge": lambda store: store.purge(T0, keep_journal=timedelta(days=1)),
}


@pytest.mark.parametrize("code", [5, 13])
@pytest.mark.parametrize("name", WRITES)
async def test_what_must_be_written_waits_until_the_disk_takes_it(
    store: Store, fault: Fault, sleeps: Sleeps, name: str, code: int
) -> None:
    fault.commits(code)
    sleeps.then = lambda times: fault.over() if times == 3 else None

    await WRITES[name](store)

    assert sleeps.seconds == [FIRST_PAUSE_S, FIRST_PAUSE_S * 2, FIRST_PAUSE_S * 4]
    assert not store.is_held_up()


async def test_the_pause_grows_up_to_a_limit_and_the_trouble_is_told_once(
    store: Store, fault: Fault, sleeps: Sleeps
) -> None:
    held_up: list[bool] = []

    def then(times: int) -> None:
        held_up.append(store.is_held_up())
        if times == 9:
            fault.over()

    fault.commits(13)
    sleeps.then = then
    with structlog.testing.capture_logs() as logs:
        await store.set("a", "b")

    assert sleeps.seconds[-1] == LAST_PAUSE_S
    assert sleeps.seconds == sorted(sleeps.seconds)
    assert held_up == [True] * 9
    assert [line["event"] for line in logs] == ["store.write_refused", "store.writes_again"]
    assert await store.get("a") == "b"


async def test_who_waits_for_the_disk_hears_when_it_fails_for_good(
    store: Store, fault: Fault, sleeps: Sleeps
) -> None:
    fault.commits(13)
    sleeps.then = lambda _: fault.commits(10)

    with pytest.raises(StoreFailed, match="disk has failed"):
        await store.set("a", "b")

    assert not store.is_held_up()


async def test_who_gives_up_waiting_for_the_disk_holds_nothing_up(
    store: Store, fault: Fault, sleeps: Sleeps
) -> None:
    fault.commits(13)
    sleeps.never = True
    waiting = asyncio.create_task(store.set("a", "b"))
    while not sleeps.seconds:
        await asyncio.sleep(0)
    assert store.is_held_up()

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert not store.is_held_up()


async def test_a_conflict_is_no_reason_to_wait(store: Store, sleeps: Sleeps) -> None:
    with pytest.raises(Conflict):
        await store.commit(Step(incidents=[incident_write("i", version=7)]))

    assert sleeps.seconds == []


async def test_an_error_that_ends_the_transaction_acknowledges_nothing(store: Store, fault: Fault) -> None:
    """SQLite rolls everything back by itself on some errors; the next commit would then be of nothing."""

    def roll_back(cursor: Any) -> None:
        cursor.execute("ROLLBACK")

    fault.statements(1, "INSERT INTO history", before=roll_back)
    answers = await asyncio.gather(
        store.append(envelope("a")),
        store.commit(first_seen("x", 1)),
        store.append(envelope("b")),
        return_exceptions=True,
    )
    fault.over()

    kept = [await store.entry("a") is not None, await store.entry("b") is not None]
    assert [not isinstance(answers[index], Exception) for index in (0, 2)] == kept


async def test_a_transaction_that_ended_in_silence_acknowledges_nothing(store: Store) -> None:
    async with Hold(store):
        tasks = [
            asyncio.create_task(store.append(envelope("a"))),
            asyncio.create_task(store._runner.run(lambda conn: conn.exec_driver_sql("ROLLBACK").close())),
        ]
        await asyncio.sleep(0)
    answers = await asyncio.gather(*tasks, return_exceptions=True)

    assert [isinstance(answer, StoreFailed) for answer in answers] == [True, True]
    assert await store.entry("a") is None


async def test_a_function_that_fails_takes_nobody_with_it(store: Store) -> None:
    def broken(conn: Connection) -> None:
        conn.exec_driver_sql("DELETE FROM journal")
        raise ZeroDivisionError

    answers = await asyncio.gather(
        store.append(envelope("a")),
        store._runner.run(broken),
        store.commit(Step(incidents=[incident_write("i")])),
        return_exceptions=True,
    )

    assert isinstance(answers[1], ZeroDivisionError)
    assert await store.entry("a") is not None
    assert (await store.load([], ["i"])).incidents.keys() == {"i"}


async def test_a_lock_held_by_another_program_is_refused_for_now(store: Store, tmp_path: Path) -> None:
    other = sqlite.library().connect(tmp_path / "alertd.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreFailed, match="locked") as refused:
        await store.append(envelope("a"))
    other.execute("ROLLBACK")
    other.close()

    assert refused.value.full
    await store.append(envelope("a"))


# --- overload -----------------------------------------------------------------------------------------


class Hold:
    """Keeps the writing thread busy until released."""

    def __init__(self, store: Store) -> None:
        self._go = threading.Event()
        self._busy = threading.Event()
        self._task = asyncio.create_task(store._runner.run(self._wait))

    def _wait(self, _: Connection) -> None:
        self._busy.set()
        self._go.wait()

    async def __aenter__(self) -> None:
        await asyncio.to_thread(self._busy.wait)

    async def __aexit__(self, *_: object) -> None:
        self._go.set()
        await self._task


async def test_too_many_waiting_appends_are_refused_but_decisions_are_not(store: Store) -> None:
    async with Hold(store):
        appends = [asyncio.create_task(store.append(envelope(f"r{number}"))) for number in range(60)]
        step = asyncio.create_task(store.commit(Step(incidents=[incident_write("i")])))
        await asyncio.sleep(0)
    answers = await asyncio.gather(*appends, return_exceptions=True)
    await step

    refused = [answer for answer in answers if isinstance(answer, StoreFailed)]
    assert (len(refused), all(answer.full for answer in refused)) == (10, True)
    assert (await store.accounts()).accepted == 50
    await store.append(envelope("later"))


async def test_waiting_bodies_are_bounded_by_their_bytes(store: Store) -> None:
    async with Hold(store):
        appends = [
            asyncio.create_task(store.append(envelope(f"r{number}", body=b"x" * 4000))) for number in range(4)
        ]
        await asyncio.sleep(0)
    answers = await asyncio.gather(*appends, return_exceptions=True)

    assert [isinstance(answer, StoreFailed) for answer in answers] == [False, False, True, True]
    await store.append(envelope("later", body=b"x" * 4000))


async def test_a_caller_that_gives_up_disturbs_nobody(store: Store) -> None:
    async with Hold(store):
        task = asyncio.create_task(store.append(envelope("a")))
        other = asyncio.create_task(store.append(envelope("b")))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)

    assert (await other).receipt == "b"


async def test_many_callers_that_give_up_do_not_stop_the_thread(store: Store) -> None:
    async with Hold(store):
        tasks = [asyncio.create_task(store.record(T0, "Tickets")) for _ in range(300)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        last = asyncio.create_task(store.set("a", "b"))
        await asyncio.gather(*tasks, return_exceptions=True)

    await last


async def test_a_write_transaction_locks_at_its_beginning_and_syncs(store: Store, tmp_path: Path) -> None:
    """A read that turns into a write fails at once when somebody else was quicker, whatever the time-out."""

    def look(conn: Connection) -> list[object]:
        other = sqlite.library().connect(tmp_path / "alertd.db", isolation_level=None, timeout=0)
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite.library().OperationalError as exc:
            locked = str(exc)
        finally:
            other.close()
        wanted = ("journal_mode", "synchronous", "journal_size_limit")
        return [locked, *(conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted)]

    assert await store._runner.run(look) == ["database is locked", "wal", 2, 64 * 1024**2]


async def test_the_beat_shows_that_the_thread_turns(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.append(envelope("a"))
    assert store.beat_age_s() < 5

    async with Hold(store):
        monkeypatch.setattr(runner_module.time, "monotonic", lambda: store._runner._beat_at + 40)
        assert store.beat_age_s() == pytest.approx(40)


async def test_closing_finishes_what_waits(tmp_path: Path) -> None:
    settings = StoreSettings(url=f"sqlite:///{tmp_path / 'alertd.db'}", min_free=0)
    async with open_store(settings, clock=FixedClock(), registry=CollectorRegistry()) as store:
        tasks = [asyncio.create_task(store.append(envelope(f"r{number}"))) for number in range(600)]
        await asyncio.sleep(0)

    assert len({answer.journal_id for answer in await asyncio.gather(*tasks)}) == 600
    with pytest.raises(StoreFailed, match="closed"):
        await store.append(envelope("late"))


async def test_the_log_is_cut_when_there_is_rest(
    store: Store, registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        await store.append(envelope(f"r{number}", body=b"x" * 9000))
    tidied = threading.Event()

    def tidy(conn: Connection) -> None:
        sqlite.checkpoint(conn)
        tidied.set()

    assert (registry.get_sample_value("alertd_store_log_bytes") or 0) > 0
    monkeypatch.setattr(store._runner._db, "tidy", tidy)
    monkeypatch.setattr(runner_module, "TIDY_AFTER_S", 0.0)
    assert await asyncio.to_thread(tidied.wait, 20)

    assert registry.get_sample_value("alertd_store_log_bytes") == 0


async def test_metrics_exist_from_the_start(store: Store, registry: CollectorRegistry) -> None:
    assert registry.get_sample_value("alertd_store_write_failures_total") == 0
    assert registry.get_sample_value("alertd_store_waiting_writes") == 0
    version = sqlite.library().sqlite_version
    assert registry.get_sample_value("alertd_store_info", {"engine": "sqlite", "version": version}) == 1

    await store.append(envelope("a"))

    assert registry.get_sample_value("alertd_journal_commit_duration_seconds_count") == 1


# --- a full disk --------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode != 0:
        if os.environ.get("ALERTD_NO_SKIP") == "1":
            pytest.fail("a small disk cannot be mounted here: needs root and the right to mount")
        pytest.skip("a small disk cannot be mounted here: needs root and the right to mount")
    yield place
    subprocess.run(["umount", str(place)], check=True)


async def _fill(store: Store, acknowledged: list[str]) -> StoreFailed:
    for number in range(3000):
        try:
            appended = await store.append(envelope(f"r{number}", body=os.urandom(9000)))
        except StoreFailed as exc:
            return exc
        acknowledged.append(appended.receipt)
    raise AssertionError("the disk did not fill")


def _enlarge(place: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=40m", str(place)], check=True)


async def test_a_full_disk_refuses_and_recovers(small_disk: Path) -> None:
    settings = StoreSettings(url=f"sqlite:///{small_disk / 'alertd.db'}", min_free=0)
    sleeps = Sleeps()
    sleeps.then = lambda _: _enlarge(small_disk)
    async with open_store(settings, clock=FixedClock(), registry=CollectorRegistry(), sleep=sleeps) as store:
        acknowledged: list[str] = []
        refused = await _fill(store, acknowledged)
        assert (refused.full, str(refused)) == (True, "the disk is full")
        await store.commit(Step(incidents=[incident_write(f"i{number}") for number in range(3000)]))

        assert len(sleeps.seconds) >= 1
        await store.append(envelope("later"))
        assert [receipt for receipt in acknowledged if await store.entry(receipt) is None] == []

    async with open_store(settings, clock=FixedClock(), registry=CollectorRegistry()) as store:
        assert (await store.accounts()).accepted == len(acknowledged) + 1


async def test_nothing_new_is_accepted_before_the_disk_is_full(small_disk: Path) -> None:
    settings = StoreSettings(url=f"sqlite:///{small_disk / 'alertd.db'}", min_free=6 * 1024**2)
    async with open_store(settings, clock=FixedClock(), registry=CollectorRegistry()) as store:
        await store.append(envelope("a"))
        (small_disk / "ballast").write_bytes(b"x" * 3 * 1024**2)
        store._space._look_at = 0.0
        with pytest.raises(StoreFailed, match="nearly full"):
            await store.append(envelope("b"))
        await store.commit(first_seen("a", 1))

        (small_disk / "ballast").unlink()
        store._space._look_at = 0.0
        await store.append(envelope("b"))
