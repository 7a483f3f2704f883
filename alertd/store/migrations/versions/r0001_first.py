"""The first schema."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, SmallInteger, Text, text

revision = "0001"
down_revision = None

_RowId = BigInteger().with_variant(Integer(), "sqlite")


def upgrade() -> None:
    """Make all tables."""
    _create_journal()
    _create_alerts()
    _create_incidents()
    _create_history()
    _create_calls()
    _create_totals()
    _create_memory()


def _when(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def _create_journal() -> None:
    op.create_table(
        "journal",
        Column("id", _RowId, primary_key=True),
        Column("receipt", Text, nullable=False),
        Column("source", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("received_at", BigInteger, nullable=False),
        Column("content_type", Text, nullable=False),
        Column("params", Text, nullable=False),
        Column("peer", Text, nullable=False),
        Column("delivery_id", Text),
        Column("messages", Integer, nullable=False),
        Column("parked", Text),
        Column("parked_messages", Integer, nullable=False),
        Column("decided", SmallInteger, nullable=False),
        Column("body", LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("journal_receipt", "journal", ["receipt"], unique=True)
    op.create_index(
        "journal_delivery",
        "journal",
        ["source", "delivery_id"],
        unique=True,
        **_when("delivery_id IS NOT NULL"),
    )
    op.create_index("journal_received_at", "journal", ["received_at"])
    op.create_index("journal_undecided", "journal", ["id", "messages"], **_when("decided = 0"))
    op.create_index("journal_parked", "journal", ["id"], **_when("parked IS NOT NULL"))


def _create_alerts() -> None:
    op.create_table(
        "alerts",
        Column("key", Text, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("due_at", BigInteger),
        Column("firing", SmallInteger, nullable=False),
        Column("source", Text, nullable=False),
        Column("fingerprint", Text, nullable=False),
        Column("seen_at", BigInteger, nullable=False),
        Column("doc", LargeBinary, nullable=False),
    )
    op.create_index("alerts_due_at", "alerts", ["due_at"], **_when("due_at IS NOT NULL"))
    op.create_index("alerts_firing", "alerts", ["firing"], **_when("firing = 1"))
    op.create_index("alerts_over", "alerts", ["seen_at", "key"], **_when("firing = 0"))


def _create_incidents() -> None:
    op.create_table(
        "incidents",
        Column("key", Text, primary_key=True),
        Column("owner", Text),
        Column("lease_until", BigInteger),
        Column("fence", BigInteger, nullable=False),
        Column("version", Integer, nullable=False),
        Column("generation", Integer, nullable=False),
        Column("state", Text, nullable=False),
        Column("board", Text, nullable=False),
        Column("route", Text, nullable=False),
        Column("reference", Text, nullable=False),
        Column("ticket_id", BigInteger),
        Column("ticket_number", Text),
        Column("ticket_created_at", BigInteger),
        Column("watched_ticket_id", BigInteger),
        Column("due_at", BigInteger),
        Column("settle_at", BigInteger),
        Column("urgency", SmallInteger, nullable=False),
        Column("fair_key", Text, nullable=False),
        Column("unsettled_since", BigInteger),
        Column("opened_at", BigInteger, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        Column("closed_at", BigInteger),
        Column("doc", LargeBinary, nullable=False),
        Column("known", LargeBinary, nullable=False),
    )
    op.create_index("incidents_state", "incidents", ["state", "opened_at", "key"])
    op.create_index("incidents_ticket_id", "incidents", ["ticket_id"], **_when("ticket_id IS NOT NULL"))
    op.create_index(
        "incidents_ticket_number", "incidents", ["ticket_number"], **_when("ticket_number IS NOT NULL")
    )
    op.create_index(
        "incidents_ticket_created_at",
        "incidents",
        ["ticket_created_at"],
        **_when("ticket_created_at IS NOT NULL"),
    )
    op.create_index(
        "incidents_watched",
        "incidents",
        ["watched_ticket_id", "key"],
        **_when("watched_ticket_id IS NOT NULL"),
    )
    op.create_index("incidents_due_at", "incidents", ["due_at"], **_when("due_at IS NOT NULL"))
    op.create_index(
        "incidents_settle_at", "incidents", ["settle_at", "lease_until"], **_when("settle_at IS NOT NULL")
    )
    op.create_index(
        "incidents_turns",
        "incidents",
        ["fair_key", "urgency", "unsettled_since", "key", "settle_at", "lease_until"],
        **_when("settle_at IS NOT NULL"),
    )
    op.create_index("incidents_owner", "incidents", ["owner"], **_when("owner IS NOT NULL"))


def _create_history() -> None:
    op.create_table(
        "history",
        Column("id", _RowId, primary_key=True),
        Column("at", BigInteger, nullable=False),
        Column("what", Text, nullable=False),
        Column("incident_key", Text, nullable=False),
        Column("alert_key", Text, nullable=False),
        Column("receipt", Text, nullable=False),
        Column("detail", Text, nullable=False),
    )
    op.create_index("history_at", "history", ["at"])
    op.create_index("history_incident_key", "history", ["incident_key"], **_when("incident_key <> ''"))
    op.create_index("history_receipt", "history", ["receipt"], **_when("receipt <> ''"))


def _create_calls() -> None:
    op.create_table(
        "calls",
        Column("id", _RowId, primary_key=True),
        Column("at", BigInteger, nullable=False),
        Column("endpoint", Text, nullable=False),
        Column("incident_key", Text, nullable=False),
    )
    op.create_index("calls_at", "calls", ["at"])
    op.create_index("calls_incident_key", "calls", ["incident_key"], **_when("incident_key <> ''"))


def _create_totals() -> None:
    op.create_table(
        "totals",
        Column("name", Text, primary_key=True),
        Column("value", BigInteger, nullable=False),
    )


def _create_memory() -> None:
    op.create_table(
        "memory",
        Column("name", Text, primary_key=True),
        Column("value", Text, nullable=False),
    )
