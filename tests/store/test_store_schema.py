"""Migrations make exactly the tables that the code expects, in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection, text

from alertd.flows.ports import Step
from alertd.store import schema, sqlite
from alertd.store.errors import DataDamaged, SchemaTooNew, SchemaTooOld, StoreError
from alertd.store.opening import open_reader, open_store
from alertd.store.settings import StoreSettings
from alertd.store.tables import metadata
from tests.store.making import FixedClock


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[Connection]:
    engine = sqlite.writer_engine(tmp_path / "alertd.db", sqlite.library())
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def config(conn: Connection) -> Config:
    made = Config()
    made.set_main_option("script_location", "alertd.store:migrations")
    made.attributes["connection"] = conn
    return made


def definitions(conn: Connection) -> dict[str, str]:
    """Return the text of every table and index, in one spelling."""
    rows = conn.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    return {name: " ".join(sql.replace('"', "").split()) for name, sql in rows if "alembic" not in name}


def test_models_and_migrations_agree(conn: Connection, tmp_path: Path) -> None:
    with conn.begin():
        schema.migrate(conn)
        command.check(config(conn))
        migrated = definitions(conn)
    engine = sqlite.writer_engine(tmp_path / "models.db", sqlite.library())
    with engine.connect() as other, other.begin():
        metadata.create_all(other)
        modelled = definitions(other)
    engine.dispose()

    assert migrated == modelled


def test_the_code_names_every_revision(conn: Connection) -> None:
    scripts = ScriptDirectory.from_config(config(conn))

    assert tuple(script.revision for script in reversed(list(scripts.walk_revisions()))) == schema.REVISIONS


@pytest.mark.parametrize("revision", schema.REVISIONS[:-1])
def test_every_earlier_schema_comes_up_to_ours(conn: Connection, revision: str) -> None:
    with conn.begin():
        command.upgrade(config(conn), revision)
    with conn.begin(), pytest.raises(SchemaTooOld):
        schema.require_ours(conn)
    with conn.begin():
        assert not schema.migrate(conn)
        schema.require_ours(conn)


def _migrate(conn: Connection) -> None:
    with conn.begin():
        schema.migrate(conn)


def test_a_migration_that_fails_leaves_nothing(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(conn: Connection) -> None:
        metadata.create_all(conn)
        raise RuntimeError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(schema, "_upgrade", half)
        with pytest.raises(RuntimeError):
            _migrate(conn)

    with conn.begin():
        assert schema.revision_of(conn) is None
        assert schema.migrate(conn)


async def _open(path: Path) -> None:
    settings = StoreSettings(url=f"sqlite:///{path}", min_free=0)
    async with open_store(settings, clock=FixedClock(), registry=CollectorRegistry()) as store:
        await store.commit(Step())


def _change(path: Path, statement: str) -> None:
    other = sqlite3.connect(path)
    other.execute(statement)
    other.commit()
    other.close()


async def test_a_later_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "alertd.db"
    await _open(path)
    _change(path, "UPDATE alembic_version SET version_num = '0999'")

    with pytest.raises(SchemaTooNew, match="0999"):
        await _open(path)
    with pytest.raises(SchemaTooNew):
        async with open_reader(path):
            pass


async def test_an_empty_database_is_too_old_for_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "alertd.db"
    path.touch()

    with pytest.raises(SchemaTooOld):
        async with open_reader(path):
            pass


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("CREATE TABLE invoices (id INTEGER)", id="somebody else's"),
        pytest.param("CREATE TABLE alembic_version (version_num TEXT)", id="version lost"),
    ],
)
async def test_another_database_is_refused_and_left_alone(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "alertd.db"
    _change(path, statement)

    for opened in (_open(path), _read(path)):
        with pytest.raises((DataDamaged, StoreError)):
            await opened

    other = sqlite3.connect(path)
    assert other.execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,)
    other.close()


async def _read(path: Path) -> None:
    async with open_reader(path):
        pass
