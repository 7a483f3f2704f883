"""The tables, as the migrations make them; a test compares the two.

Instants are microseconds since 1970 UTC, flags 0 or 1, documents JSON (see `encoding`). Foreign keys are
left out on purpose: rows of different tables end their lives at different times.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    literal_column,
    text,
)

metadata = MetaData()

# SQLite numbers rows by itself only in a column that is exactly INTEGER
_RowId = BigInteger().with_variant(Integer(), "sqlite")


def _when(condition: str) -> dict[str, Any]:
    """Return the options of a partial index; both databases know them."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


journal = Table(
    "journal",
    metadata,
    Column("id", _RowId, primary_key=True, autoincrement=True),
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
    Column("body", LargeBinary, nullable=False),  # last, so that the others are read without it
    Index("journal_receipt", "receipt", unique=True),
    Index("journal_delivery", "source", "delivery_id", unique=True, **_when("delivery_id IS NOT NULL")),
    Index("journal_received_at", "received_at"),
    Index("journal_undecided", "id", "messages", **_when("decided = 0")),
    Index("journal_parked", "id", **_when("parked IS NOT NULL")),
    sqlite_autoincrement=True,  # an id is never given twice, even after the newest row was purged
)

# spelled with literals: a partial index is used only where the condition is recognised
UNDECIDED = journal.c.decided == literal_column("0")
DECIDED = journal.c.decided == literal_column("1")

alerts = Table(
    "alerts",
    metadata,
    Column("key", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("due_at", BigInteger),
    Column("firing", SmallInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("doc", LargeBinary, nullable=False),
    Index("alerts_due_at", "due_at", **_when("due_at IS NOT NULL")),
    Index("alerts_firing", "firing", **_when("firing = 1")),
    Index("alerts_over", "seen_at", "key", **_when("firing = 0")),  # those that retention looks at
)

FIRING = alerts.c.firing == literal_column("1")
OVER = alerts.c.firing == literal_column("0")

incidents = Table(
    "incidents",
    metadata,
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
    Column("ticket_created_at", BigInteger),  # of a ticket that is verified as ours and not gone
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
    Column("scope", Text),
    Column("wanted_at", BigInteger),
    Column("storm_key", Text),
    Column("severity", SmallInteger),
    Index("incidents_state", "state", "opened_at", "key"),
    Index("incidents_ticket_id", "ticket_id", **_when("ticket_id IS NOT NULL")),
    Index("incidents_ticket_number", "ticket_number", **_when("ticket_number IS NOT NULL")),
    Index("incidents_ticket_created_at", "ticket_created_at", **_when("ticket_created_at IS NOT NULL")),
    Index("incidents_watched", "watched_ticket_id", "key", **_when("watched_ticket_id IS NOT NULL")),
    Index("incidents_due_at", "due_at", **_when("due_at IS NOT NULL")),
    Index("incidents_settle_at", "settle_at", "lease_until", **_when("settle_at IS NOT NULL")),
    # in the order in which companies take turns, with all that choosing needs
    Index(
        "incidents_turns",
        *("fair_key", "urgency", "unsettled_since", "key", "settle_at", "lease_until"),
        **_when("settle_at IS NOT NULL"),
    ),
    Index("incidents_wanted", "scope", "wanted_at", **_when("wanted_at IS NOT NULL")),
    Index(
        "incidents_storm",
        *("storm_key", "state", "severity", "wanted_at", "key"),
        **_when("storm_key IS NOT NULL"),
    ),
    Index("incidents_owner", "owner", **_when("owner IS NOT NULL")),
)

silences = Table(
    "silences",
    metadata,
    Column("id", Text, primary_key=True),
    Column("ends_at", BigInteger, nullable=False),
    Column("doc", LargeBinary, nullable=False),
    Index("silences_ends_at", "ends_at"),
)

history = Table(
    "history",
    metadata,
    Column("id", _RowId, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("what", Text, nullable=False),
    Column("incident_key", Text, nullable=False),
    Column("alert_key", Text, nullable=False),
    Column("receipt", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index("history_at", "at"),
    Index("history_incident_key", "incident_key", **_when("incident_key <> ''")),
    Index("history_receipt", "receipt", **_when("receipt <> ''")),
)

calls = Table(
    "calls",
    metadata,
    Column("id", _RowId, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("incident_key", Text, nullable=False),
    Column("operation", Text),
    Column("outcome", Text),
    Column("status", Integer),
    Column("answer", Text),
    Index("calls_at", "at"),
    Index("calls_incident_key", "incident_key", **_when("incident_key <> ''")),
)

totals = Table(
    "totals",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

memory = Table(
    "memory",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

vendor_integrations = Table(
    "vendor_integrations",
    metadata,
    Column("source", Text, primary_key=True),
    Column("doc", LargeBinary, nullable=False),
)

vendor_accounts = Table(
    "vendor_accounts",
    metadata,
    Column("source", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("doc", LargeBinary, nullable=False),
)

vendor_services = Table(
    "vendor_services",
    metadata,
    Column("source", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("doc", LargeBinary, nullable=False),
)

usage_counts = Table(  # every count that ever came; `count` is the decimal text as sent
    "usage_counts",
    metadata,
    Column("id", _RowId, primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("service_id", Text, nullable=False),
    Column("count", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("receipt", Text, nullable=False),
    Column("no_build", SmallInteger, nullable=False),
    Index("usage_counts_receipt", "receipt", "account_id", "service_id", unique=True),
    Index("usage_counts_level", "source", "account_id", "service_id", "received_at"),
)

usage_levels = Table(  # the newest of each account and service
    "usage_levels",
    metadata,
    Column("source", Text, primary_key=True),
    Column("account_id", Text, primary_key=True),
    Column("service_id", Text, primary_key=True),
    Column("count", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("receipt", Text, nullable=False),
    Column("no_build", SmallInteger, nullable=False),
)

company_map = Table(
    "company_map",
    metadata,
    Column("source", Text, primary_key=True),
    Column("sent_key", Text, primary_key=True),  # what was sent, as it is compared
    Column("sent", Text, nullable=False),
    Column("company_id", BigInteger, nullable=False),
    Column("company", Text, nullable=False),
    Column("set_at", BigInteger, nullable=False),
)
