"""Run by alembic. The connection comes from the caller, who has begun the transaction and will commit it."""

from __future__ import annotations

from alembic import context

from alertd.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
