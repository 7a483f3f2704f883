"""Which company each source means by a customer."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table of the company map."""
    op.create_table(
        "company_map",
        Column("source", Text, primary_key=True),
        Column("sent_key", Text, primary_key=True),
        Column("sent", Text, nullable=False),
        Column("company_id", BigInteger, nullable=False),
        Column("company", Text, nullable=False),
        Column("set_at", BigInteger, nullable=False),
    )
