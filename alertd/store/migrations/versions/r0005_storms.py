"""Where incidents count towards storms, and which ones are folded into a parent."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, SmallInteger, Text, text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns and their indexes. What is stored already belongs to no storm."""
    op.add_column("incidents", Column("scope", Text))
    op.add_column("incidents", Column("wanted_at", BigInteger))
    op.add_column("incidents", Column("storm_key", Text))
    op.add_column("incidents", Column("severity", SmallInteger))
    wanted, stormy = text("wanted_at IS NOT NULL"), text("storm_key IS NOT NULL")
    op.create_index(
        "incidents_wanted",
        "incidents",
        ["scope", "wanted_at"],
        sqlite_where=wanted,
        postgresql_where=wanted,
    )
    op.create_index(
        "incidents_storm",
        "incidents",
        ["storm_key", "state", "severity", "wanted_at", "key"],
        sqlite_where=stormy,
        postgresql_where=stormy,
    )
