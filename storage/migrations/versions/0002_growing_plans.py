"""Plans that grow, questions and dialogues; what skills took; kept results of every kind; the books of model calls."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What an older program beside this one misses, and why that is no loss.
CONTRACT = {
    "answer_cache.bytes is necessary": "an older program keeps no text, as if its cache were full",
    "answer_cache.created_at is necessary": "the same",
    "answer_cache.hits is necessary": "the same",
    "answer_cache.used_at is necessary": "the same",
}

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WAS_UNPLANNED = "plan_hash IS NULL AND settled_at IS NULL"
IS_UNPLANNED = "state IN ('received', 'planning') AND settled_at IS NULL"


def upgrade() -> None:
    _add("task", sa.Column("is_fresh", sa.Boolean(), nullable=False, server_default=sa.false()))
    _add("task", *_columns(sa.Text(), "question dialogue claimed_by", nullable=True))
    _add("attempt", *_columns(sa.Text(), "skill", nullable=True), *_columns(sa.Float(), "seconds", nullable=True))
    op.drop_index("ix_task_unplanned", "task")
    _index("ix_task_unplanned", "task", "created_at", IS_UNPLANNED)
    _index("ix_task_asking", "task", "tenant owner created_at", "question IS NOT NULL")
    _index("ix_attempt_measured", "attempt", "ended_at", "seconds IS NOT NULL")
    op.drop_table("answer_cache")  # nothing that was kept under the old keys would ever be found again
    _answer_cache()
    _llm_call()


def downgrade() -> None:
    op.drop_table("llm_call")
    op.drop_table("answer_cache")
    for index, table in (("attempt_measured", "attempt"), ("task_asking", "task"), ("task_unplanned", "task")):
        op.drop_index(f"ix_{index}", table)
    _index("ix_task_unplanned", "task", "created_at", WAS_UNPLANNED)
    for table, names in (("attempt", "seconds skill"), ("task", "claimed_by dialogue question is_fresh")):
        for name in names.split():
            op.drop_column(table, name)
    op.create_table(
        "answer_cache",
        *_columns(sa.Text(), "tenant owner key text"),
        *_columns(TIME, "expires_at"),
        sa.PrimaryKeyConstraint("tenant", "owner", "key", name="pk_answer_cache"),
    )
    _index("ix_answer_cache_expires_at", "answer_cache", "expires_at")


def _answer_cache() -> None:
    op.create_table(
        "answer_cache",
        *_columns(sa.Text(), "tenant owner key"),
        *_columns(sa.Text(), "kind text", nullable=True),
        *_columns(TIME, "created_at used_at expires_at"),
        *_columns(sa.Integer(), "hits bytes"),
        *_columns(sa.Text(), "holder", nullable=True),
        *_columns(TIME, "held_until", nullable=True),
        sa.PrimaryKeyConstraint("tenant", "owner", "key", name="pk_answer_cache"),
    )
    _index("ix_answer_cache_expires_at", "answer_cache", "expires_at")
    _index("ix_answer_cache_used_at", "answer_cache", "tenant used_at bytes")


def _llm_call() -> None:
    op.create_table(
        "llm_call",
        *_columns(ROW_NUMBER, "id"),
        *_columns(sa.Text(), "tenant owner"),
        *_columns(sa.Text(), "task_id", nullable=True),
        *_columns(sa.Text(), "purpose skill model"),
        *_columns(sa.Integer(), "prompt_tokens completion_tokens cached_tokens"),
        *_columns(sa.Float(), "cost seconds"),
        *_columns(sa.Boolean(), "is_estimated is_hit"),
        *_columns(sa.Text(), "failed"),
        *_columns(TIME, "at"),
        sa.PrimaryKeyConstraint("id", name="pk_llm_call"),
    )
    _index("ix_llm_call_task_id", "llm_call", "task_id")
    _index("ix_llm_call_owner", "llm_call", "tenant owner at")
    _index("ix_llm_call_skill", "llm_call", "at", "skill <> ''")


def _columns(kind: sa.types.TypeEngine[Any], names: str, *, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=nullable) for name in names.split()]


def _add(table: str, *columns: sa.Column[Any]) -> None:
    for column in columns:
        op.add_column(table, column)


def _index(name: str, table: str, columns: str, where: str | None = None) -> None:
    condition = sa.text(where) if where else None
    op.create_index(name, table, columns.split(), sqlite_where=condition, postgresql_where=condition)
