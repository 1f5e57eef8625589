"""Alembic's entry: runs the steps on the connection that `storage.schema` opened."""

from __future__ import annotations

from alembic import context

from storage.tables import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    transactional_ddl=True,  # SQLite as well: the engine begins transactions itself
    user_module_prefix="columns.",  # how a drafted step names our column types
)
with context.begin_transaction():
    context.run_migrations()
