"""What came of each call to Autotask."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "0009"
down_revision = "0005"


def upgrade() -> None:
    """Add what the call was for, and how it ended."""
    op.add_column("calls", Column("operation", Text))
    op.add_column("calls", Column("outcome", Text))
    op.add_column("calls", Column("status", Integer))
    op.add_column("calls", Column("answer", Text))
