"""The schema's revisions: which one a database has, and how it gets to ours."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

from alertd.store.errors import DataDamaged, SchemaTooNew, SchemaTooOld

REVISIONS = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0009",
)  # oldest first; a test compares them with the migrations


def revision_of(conn: Connection) -> str | None:
    """Return the database's revision; None: it is empty.

    Raises:
        DataDamaged: It holds something, but not a store of alertd's.
    """
    names = inspect(conn).get_table_names()
    if not names:
        return None
    found = (
        conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
        if _has_version(names)
        else None
    )
    if found is None:
        raise DataDamaged("the database holds other tables than alertd's, or has lost its schema's version")
    return str(found)


def _has_version(names: list[str]) -> bool:
    return "alembic_version" in names


def require_ours(conn: Connection) -> None:
    """Accept exactly the schema of this release.

    Raises:
        SchemaTooNew: A later release has written here.
        SchemaTooOld: The daemon of this release has not been started yet.
        DataDamaged: It holds something, but not a store of alertd's.
    """
    if _known_revision(conn) != REVISIONS[-1]:
        raise SchemaTooOld(
            "the store has the schema of an earlier release: start the daemon of this one once"
        )


def migrate(conn: Connection) -> bool:
    """Bring the schema to ours, inside the transaction that the caller has begun; whether it was empty.

    Raises:
        SchemaTooNew: A later release has written here.
        DataDamaged: It holds something, but not a store of alertd's.
    """
    found = _known_revision(conn)
    if found != REVISIONS[-1]:
        _upgrade(conn)
    return found is None


def _known_revision(conn: Connection) -> str | None:
    found = revision_of(conn)
    if found is not None and found not in REVISIONS:
        raise SchemaTooNew(
            f"the store has schema {found}, this alertd knows up to {REVISIONS[-1]}: "
            "upgrade alertd, or restore a backup from before"
        )
    return found


def _upgrade(conn: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - costs 0.2 s of every start, needed after upgrades only
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", "alertd.store:migrations")
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
