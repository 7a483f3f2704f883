"""What vendors say of themselves, and their unit counts."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, SmallInteger, Text

revision = "0003"
down_revision = "0002"

_RowId = BigInteger().with_variant(Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables of vendors and of their counts."""
    op.create_table(
        "vendor_integrations",
        Column("source", Text, primary_key=True),
        Column("doc", LargeBinary, nullable=False),
    )
    for name in ("vendor_accounts", "vendor_services"):
        op.create_table(
            name,
            Column("source", Text, primary_key=True),
            Column("id", Text, primary_key=True),
            Column("doc", LargeBinary, nullable=False),
        )
    _create_counts()
    _create_levels()


def _create_counts() -> None:
    op.create_table(
        "usage_counts",
        Column("id", _RowId, primary_key=True),
        Column("source", Text, nullable=False),
        Column("account_id", Text, nullable=False),
        Column("service_id", Text, nullable=False),
        Column("count", Text, nullable=False),
        Column("received_at", BigInteger, nullable=False),
        Column("receipt", Text, nullable=False),
        Column("no_build", SmallInteger, nullable=False),
    )
    key = ["receipt", "account_id", "service_id"]
    op.create_index("usage_counts_receipt", "usage_counts", key, unique=True)
    op.create_index(
        "usage_counts_level", "usage_counts", ["source", "account_id", "service_id", "received_at"]
    )


def _create_levels() -> None:
    op.create_table(
        "usage_levels",
        Column("source", Text, primary_key=True),
        Column("account_id", Text, primary_key=True),
        Column("service_id", Text, primary_key=True),
        Column("count", Text, nullable=False),
        Column("received_at", BigInteger, nullable=False),
        Column("receipt", Text, nullable=False),
        Column("no_build", SmallInteger, nullable=False),
    )
