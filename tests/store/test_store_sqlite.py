"""SQLite's versions, errors and places."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from alertd.flows.errors import StoreFailed
from alertd.store import sqlite
from alertd.store.errors import DataDamaged
from alertd.store.space import SpaceGuard


@pytest.mark.parametrize(
    ("version", "bad"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 4), False),
        ((4, 0, 0), False),
    ],
)
def test_versions_with_the_wal_reset_bug(version: tuple[int, int, int], bad: bool) -> None:
    assert sqlite.has_wal_reset_bug(version) is bad


def error(code: int) -> Exception:
    made = sqlite.library().OperationalError("message")
    made.sqlite_errorcode = code
    return made


@pytest.mark.parametrize(
    ("code", "full"),
    [
        pytest.param(5, True, id="locked"),
        pytest.param(517, True, id="locked, extended"),
        pytest.param(13, True, id="full"),
        pytest.param(8, True, id="read-only"),
        pytest.param(10, False, id="disk I/O error"),
        pytest.param(10 | (4 << 8), False, id="fsync failed"),
    ],
)
def test_errors_of_the_disk(code: int, full: bool) -> None:
    refusal = sqlite.refusal(error(code))

    assert isinstance(refusal, StoreFailed)
    assert refusal.full is full


@pytest.mark.parametrize("code", [11, 26, 267])
def test_errors_of_the_data(code: int) -> None:
    assert isinstance(sqlite.refusal(error(code)), DataDamaged)


@pytest.mark.parametrize("exc", [error(1), error(19), ValueError("ours")])
def test_other_errors_concern_one_statement(exc: Exception) -> None:
    assert sqlite.refusal(exc) is None


MOUNTS = """\
/dev/vda / ext4 rw 0 0
tmpfs /run tmpfs rw 0 0
nas:/alertd /var/lib/alertd nfs4 rw 0 0
/dev/vdb /var/lib/alertd/local xfs rw 0 0
//pc/share /mnt/my\\040share cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/other", None),
        ("/var/lib/alertd", "nfs4"),
        ("/var/lib/alertd/x", "nfs4"),
        ("/var/lib/alertd2", None),
        ("/var/lib/alertd/local", None),
        ("/mnt/my share/db", "cifs"),
    ],
)
def test_network_file_systems(path: str, kind: str | None) -> None:
    assert sqlite.network_file_system(Path(path), MOUNTS) == kind


def test_enough_space_is_silent(tmp_path: Path) -> None:
    assert sqlite.lacks_space(tmp_path, 0) is None
    assert sqlite.lacks_space(tmp_path, 1 << 60) is not None


@pytest.mark.parametrize(
    ("blocks", "free", "lacking"),
    [
        pytest.param(100 * 1024, 6 * 1024, False, id="6 % of 100 GiB"),
        pytest.param(100 * 1024, 4 * 1024, True, id="4 % of 100 GiB"),
        pytest.param(4 * 1024, 500, True, id="12 % of 4 GiB, but below 512 MiB"),
        pytest.param(4 * 1024, 513, False, id="513 MiB of 4 GiB"),
    ],
)
def test_the_default_is_5_percent_and_512_mib(
    monkeypatch: pytest.MonkeyPatch, blocks: int, free: int, lacking: bool
) -> None:
    disk = os.statvfs_result((1 << 20, 1 << 20, blocks, free, free, 0, 0, 0, 0, 255))
    monkeypatch.setattr(sqlite.os, "statvfs", lambda _: disk)

    assert (sqlite.lacks_space(Path("/"), None) is not None) is lacking


def test_the_guard_looks_once_a_second_and_recovers() -> None:
    answers = iter([None, "3 MiB free", None])
    looks: list[float] = []
    now = 100.0

    def lacking() -> str | None:
        looks.append(now)
        return next(answers)

    guard = SpaceGuard(lacking, monotonic=lambda: now)
    guard.require()
    now = 100.9
    guard.require()
    now = 101.0
    with pytest.raises(StoreFailed, match="3 MiB") as refused:
        guard.require()
    now = 101.5
    with pytest.raises(StoreFailed):
        guard.require()
    now = 102.1
    guard.require()

    assert looks == [100.0, 101.0, 102.1]
    assert refused.value.full


def test_a_disk_that_does_not_answer_has_no_space() -> None:
    def lacking() -> str | None:
        raise OSError("stale")

    with pytest.raises(StoreFailed, match="stale"):
        SpaceGuard(lacking).require()
