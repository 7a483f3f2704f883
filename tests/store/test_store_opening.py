"""Opening: one owner, damage seen, places refused, readers beside the daemon."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from alertd.core.alerts import alert_key
from alertd.flows.errors import StoreFailed
from alertd.flows.ports import Step
from alertd.store import opening, sqlite
from alertd.store.errors import DataDamaged, StoreInUse, StoreUnsuitable
from alertd.store.opening import open_reader, open_store
from alertd.store.settings import StoreSettings
from tests.store.making import FixedClock, condition_write, envelope, first_seen, happening

CHILD = """
import asyncio, os, sys
from prometheus_client import CollectorRegistry
from alertd.store.opening import open_store
from alertd.store.settings import StoreSettings
from tests.store.making import FixedClock, envelope

def say(text):
    os.write(3, text.encode() + b"\\n")

async def main(path):
    settings = StoreSettings(url=f"sqlite:///{path}", min_free=0)
    async with open_store(settings, clock=FixedClock(), registry=CollectorRegistry()) as store:
        say("open")
        numbers = iter(range(10**9))
        async def produce():
            for number in numbers:
                await store.append(envelope(f"r{number}"))
                say(f"r{number}")
        await asyncio.gather(*(produce() for _ in range(32)))

asyncio.run(main(sys.argv[1]))
"""


class Child:
    """Another alertd, which appends without end and says what was acknowledged."""

    def __init__(self, path: Path) -> None:
        reading, writing = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD.replace("os.write(3", f"os.write({writing}"), str(path)],
            pass_fds=[writing],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.DEVNULL,
        )
        os.close(writing)
        self.said = os.fdopen(reading)
        assert self.said.readline() == "open\n"

    def kill(self) -> list[str]:
        """Kill it at once, and return all that it had acknowledged."""
        self.process.send_signal(signal.SIGKILL)
        acknowledged = [line.strip() for line in self.said.read().split("\n")[:-1]]
        self.process.wait()
        self.said.close()
        return acknowledged


def settings_for(path: Path) -> StoreSettings:
    return StoreSettings(url=f"sqlite:///{path}", min_free=0)


def opened(path: Path) -> object:
    return open_store(settings_for(path), clock=FixedClock(), registry=CollectorRegistry())


async def touch(path: Path) -> None:
    async with opened(path) as store:
        appended = await store.append(envelope("a"))
        await store.commit(first_seen("a", appended.journal_id))


@pytest.mark.parametrize("acks", [1, 300, 2500])
async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path, acks: int) -> None:
    path = tmp_path / "alertd.db"
    child = Child(path)
    first = [child.said.readline().strip() for _ in range(acks)]

    acknowledged = {*first, *child.kill()}

    async with opened(path) as store:
        missing = [receipt for receipt in acknowledged if await store.entry(receipt) is None]
        assert missing == []
        accounts = await store.accounts()
        assert accounts.accepted == accounts.undecided >= len(acknowledged)


async def test_a_second_owner_is_refused_until_the_first_dies(tmp_path: Path) -> None:
    path = tmp_path / "alertd.db"
    child = Child(path)

    with pytest.raises(StoreInUse, match=str(child.process.pid)) as refused:
        await touch(path)
    child.kill()

    assert refused.value.pid == child.process.pid
    await touch(path)


async def test_one_process_cannot_own_it_twice(tmp_path: Path) -> None:
    async with opened(tmp_path / "alertd.db"):
        with pytest.raises(StoreInUse) as refused:
            await touch(tmp_path / "alertd.db")

    assert refused.value.pid == os.getpid()


async def test_an_unreadable_pid_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "alertd.db"
    async with opened(path):
        (tmp_path / "alertd.db.lock").write_text("")
        with pytest.raises(StoreInUse) as refused:
            await touch(path)

    assert refused.value.pid is None


async def test_a_reader_sees_what_the_daemon_commits_and_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "alertd.db"
    async with opened(path) as store, open_reader(path) as reader:
        await store.append(envelope("a"))
        assert await reader.entry("a") is not None
        await store.append(envelope("b"))
        assert await reader.entry("b") is not None
        with pytest.raises(StoreFailed, match="readonly"):
            await reader._reads.run(lambda conn: conn.exec_driver_sql("DELETE FROM journal"))


async def test_a_reader_works_without_a_daemon(tmp_path: Path) -> None:
    await touch(tmp_path / "alertd.db")

    async with open_reader(tmp_path / "alertd.db") as reader:
        assert (await reader.accounts()).totals == {"pending": 1}


async def test_a_store_out_of_reach_is_named(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 300)
    with pytest.raises(StoreUnsuitable, match=r"x cannot be read: File name too long; .*the daemon's user"):
        async with open_reader(path):
            pass


async def test_a_reader_makes_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreUnsuitable, match="no store"):
        async with open_reader(tmp_path / "alertd.db"):
            pass

    assert os.listdir(tmp_path) == []


async def test_closing_leaves_one_file_and_the_lock(tmp_path: Path) -> None:
    await touch(tmp_path / "alertd.db")

    assert sorted(os.listdir(tmp_path)) == ["alertd.db", "alertd.db.lock"]
    assert (tmp_path / "alertd.db").stat().st_mode & 0o007 == 0


# --- damage -------------------------------------------------------------------------------------------


async def test_what_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "alertd.db"
    path.write_bytes(b"<html>login</html>" * 400)

    with pytest.raises(DataDamaged):
        await touch(path)
    with pytest.raises(DataDamaged):
        async with open_reader(path):
            pass

    assert path.read_bytes() == b"<html>login</html>" * 400


async def test_damaged_pages_are_seen_at_start(tmp_path: Path) -> None:
    path = tmp_path / "alertd.db"
    async with opened(path) as store:
        for number in range(300):
            await store.append(envelope(f"r{number}", body=b"x" * 900))
    damaged = bytearray(path.read_bytes())
    for page in range(60, len(damaged) // 4096, 7):
        damaged[page * 4096 : page * 4096 + 64] = os.urandom(64)
    path.write_bytes(damaged)

    with pytest.raises(DataDamaged):
        await touch(path)


@pytest.mark.parametrize(
    ("table", "column"), [("alerts", "doc"), ("incidents", "doc"), ("incidents", "known")]
)
@pytest.mark.parametrize("junk", [b"{", b"[]", b"\xff"])
async def test_a_document_that_cannot_be_read_is_never_dropped(
    tmp_path: Path, table: str, column: str, junk: bytes
) -> None:
    path = tmp_path / "alertd.db"
    await touch(path)
    other = sqlite3.connect(path)
    other.execute(f"UPDATE {table} SET {column} = ?", (junk,))
    other.commit()
    other.close()

    async with opened(path) as store:
        with pytest.raises(DataDamaged):
            await store.load([alert_key("prometheus", "a")], ["a"])


async def test_a_check_without_time_says_so(tmp_path: Path) -> None:
    path = tmp_path / "alertd.db"
    async with opened(path) as store:
        await store.commit(Step(conditions=[condition_write(f"c{number}") for number in range(5000)]))
    engine = sqlite.writer_engine(path, sqlite.library())
    with engine.connect() as conn:
        assert sqlite.quick_check(conn, seconds=60)
        assert not sqlite.quick_check(conn, seconds=-1)
        with conn.begin():
            conn.exec_driver_sql("SELECT count(*) FROM alerts").all()
    engine.dispose()


# --- places -------------------------------------------------------------------------------------------


async def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnsuitable, match="nowhere"):
        await touch(tmp_path / "nowhere" / "alertd.db")


async def test_a_directory_in_the_way_is_a_failure_to_open(tmp_path: Path) -> None:
    (tmp_path / "alertd.db").mkdir()

    with pytest.raises(StoreFailed):
        await touch(tmp_path / "alertd.db")


async def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"tmpfs / tmpfs rw 0 0\nnas:/x {tmp_path} nfs4 rw 0 0\n")
    monkeypatch.setattr(opening, "_MOUNTS", mounts)

    with pytest.raises(StoreUnsuitable, match="nfs4"):
        await touch(tmp_path / "alertd.db")


async def test_a_library_without_what_we_need_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = SimpleNamespace(sqlite_version="3.34.1", sqlite_version_info=(3, 34, 1))
    monkeypatch.setattr(sqlite, "library", lambda: old)

    with pytest.raises(StoreUnsuitable, match=r"3\.34\.1"):
        await touch(tmp_path / "alertd.db")


async def test_the_stdlib_library_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "library", lambda: sqlite3)

    await touch(tmp_path / "alertd.db")
    async with opened(tmp_path / "alertd.db") as store:
        await store.commit(Step(history=[happening("started")]))
        assert (await store.load([], ["a"])).incidents.keys() == {"a"}
