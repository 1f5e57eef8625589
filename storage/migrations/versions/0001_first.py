"""The first schema."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _task()
    _subtask()
    _attempt()
    _delivery()
    _inbox()
    _registry()
    _answer_cache()


def downgrade() -> None:
    for table in ("answer_cache", "process", "worker", "inbox", "delivery", "attempt", "subtask", "task"):
        op.drop_table(table)


def _task() -> None:
    op.create_table(
        "task",
        *_columns(sa.Text(), "id tenant owner platform bot_id chat_id request language trace_id"),
        *_columns(TIME, "created_at deadline_at"),
        *_columns(sa.Text(), "state"),
        *_columns(sa.Integer(), "version"),
        *_columns(sa.Text(), "retry_of plan plan_hash failure", nullable=True),
        *_columns(TIME, "claimed_until cancelled_at planned_at settled_at answered_at", nullable=True),
        *_columns(sa.Text(), "answer", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_task"),
    )
    _index("ix_task_owner", "task", "tenant owner created_at")
    _index("ix_task_created_at", "task", "created_at")
    _index("ix_task_unsettled", "task", "deadline_at", "settled_at IS NULL")
    _index("ix_task_unplanned", "task", "created_at", "plan_hash IS NULL AND settled_at IS NULL")
    _index("ix_task_unanswered", "task", "created_at", "settled_at IS NOT NULL AND answer IS NULL")


def _subtask() -> None:
    op.create_table(
        "subtask",
        *_columns(sa.Text(), "task_id key"),
        *_columns(sa.Integer(), "position"),
        *_columns(sa.Text(), "tenant owner state"),
        *_columns(sa.Text(), "agent", nullable=True),
        *_columns(sa.Integer(), "attempt failures handbacks"),
        *_columns(sa.Boolean(), "approved"),
        *_columns(sa.Text(), "lease_exec_id lease_worker", nullable=True),
        *_columns(TIME, "lease_until due_at dispatched_at published_at started_at finished_at", nullable=True),
        *_columns(sa.Text(), "result failure", nullable=True),
        sa.PrimaryKeyConstraint("task_id", "key", name="pk_subtask"),
        _of_task("subtask"),
    )
    _index("ix_subtask_ready", "subtask", "due_at", "state = 'ready'")
    _index("ix_subtask_in_flight", "subtask", "due_at", "state IN ('dispatched', 'running')")
    _index("ix_subtask_leased", "subtask", "lease_until", "lease_until IS NOT NULL")


def _attempt() -> None:
    op.create_table(
        "attempt",
        *_columns(ROW_NUMBER, "id"),
        *_columns(sa.Text(), "task_id tenant owner key"),
        *_columns(sa.Integer(), "number"),
        *_columns(sa.Text(), "agent"),
        *_columns(sa.Text(), "worker exec_id", nullable=True),
        *_columns(TIME, "started_at", nullable=True),
        *_columns(TIME, "ended_at"),
        *_columns(sa.Text(), "outcome"),
        *_columns(sa.Text(), "failure", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_attempt"),
        _of_task("attempt"),
    )
    _index("ix_attempt_task_id", "attempt", "task_id")


def _delivery() -> None:
    op.create_table(
        "delivery",
        *_columns(sa.Text(), "task_id tenant owner platform bot_id"),
        *_columns(TIME, "created_at"),
        *_columns(sa.Text(), "platform_message_id", nullable=True),
        *_columns(sa.Integer(), "shown_version"),
        *_columns(TIME, "delivered_at", nullable=True),
        *_columns(sa.Integer(), "tries"),
        *_columns(sa.Text(), "last_error", nullable=True),
        *_columns(sa.Boolean(), "is_open"),
        sa.PrimaryKeyConstraint("task_id", name="pk_delivery"),
        _of_task("delivery"),
    )
    _index("ix_delivery_open", "delivery", "platform bot_id created_at", "is_open")


def _inbox() -> None:
    op.create_table(
        "inbox",
        *_columns(sa.Text(), "platform bot_id update_key tenant"),
        *_columns(sa.Text(), "owner", nullable=True),
        *_columns(sa.Text(), "task_id"),
        *_columns(TIME, "claimed_at"),
        sa.PrimaryKeyConstraint("platform", "bot_id", "update_key", name="pk_inbox"),
    )
    _index("ix_inbox_task_id", "inbox", "task_id")


def _registry() -> None:
    op.create_table(
        "worker",
        *_columns(sa.Text(), "tenant agent worker incarnation"),
        *_columns(sa.Integer(), "slots"),
        *_columns(sa.Text(), "skills status"),
        *_columns(sa.Text(), "current_task", nullable=True),
        *_columns(TIME, "last_seen"),
        sa.PrimaryKeyConstraint("tenant", "agent", "worker", name="pk_worker"),
    )
    op.create_table(
        "process",
        *_columns(sa.Text(), "process_id role tenant"),
        *_columns(TIME, "seen_at"),
        sa.PrimaryKeyConstraint("process_id", "role", name="pk_process"),
    )


def _answer_cache() -> None:
    op.create_table(
        "answer_cache",
        *_columns(sa.Text(), "tenant owner key text"),
        *_columns(TIME, "expires_at"),
        sa.PrimaryKeyConstraint("tenant", "owner", "key", name="pk_answer_cache"),
    )
    _index("ix_answer_cache_expires_at", "answer_cache", "expires_at")


def _columns(kind: sa.types.TypeEngine[Any], names: str, *, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=nullable) for name in names.split()]


def _of_task(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=f"fk_{table}_task_id", ondelete="CASCADE")


def _index(name: str, table: str, columns: str, where: str | None = None) -> None:
    condition = sa.text(where) if where else None
    op.create_index(name, table, columns.split(), sqlite_where=condition, postgresql_where=condition)
