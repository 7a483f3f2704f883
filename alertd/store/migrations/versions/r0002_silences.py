"""Silences."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table of silences."""
    op.create_table(
        "silences",
        Column("id", Text, primary_key=True),
        Column("ends_at", BigInteger, nullable=False),
        Column("doc", LargeBinary, nullable=False),
    )
    op.create_index("silences_ends_at", "silences", ["ends_at"])
