"""Alembic's entry: runs the steps on the connection that `storage.schema` opened."""

from __future__ import annotations

from alembic import context

from storage.rows import Row


def _stepped(ctx: object, step: object, heads: object, run_args: object) -> None:
    """A step is done, in the transaction of all of them."""
    if after_step := context.config.attributes.get("after_step"):
        after_step()


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    transactional_ddl=True,  # SQLite as well: the engine begins transactions itself
    user_module_prefix="columns.",  # how a drafted step names our column types
    on_version_apply=_stepped,
)
with context.begin_transaction():
    context.run_migrations()
