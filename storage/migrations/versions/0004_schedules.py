"""Schedules; tasks that begin later, expire, and know the schedule they came from; a person's time zone."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
NEW_IN_TASK: dict[str, Any] = {"run_at": TIME, "zone": sa.Text(), "expires_at": TIME, "schedule_id": sa.Text()}


def upgrade() -> None:
    for name, kind in NEW_IN_TASK.items():
        op.add_column("task", sa.Column(name, kind, nullable=True))
    op.add_column("person", sa.Column("zone", sa.Text(), nullable=True))
    _index("ix_task_delayed", "task", "run_at", "run_at IS NOT NULL AND settled_at IS NULL")
    _index("ix_task_expiring", "task", "expires_at", "expires_at IS NOT NULL AND settled_at IS NULL")
    op.create_table(
        "schedule",
        *_columns(sa.Text(), "id tenant owner platform bot_id chat_id thread_id reply_to within"),
        *_columns(sa.Boolean(), "is_group"),
        *_columns(sa.Text(), "request language rule zone misfire overlap"),
        *_columns(sa.Integer(), "grace_s"),
        *_columns(sa.Integer(), "deadline_s expires_s left", nullable=True),
        *_columns(TIME, "until", nullable=True),
        *_columns(TIME, "created_at"),
        *_columns(TIME, "next_at due_at", nullable=True),
        *_columns(sa.Text(), "queued", nullable=True),
        *_columns(TIME, "paused_at ended_at", nullable=True),
        *_columns(sa.Text(), "last_task", nullable=True),
        *_columns(TIME, "last_at skipped_at", nullable=True),
        *_columns(sa.Text(), "skipped", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_schedule"),
    )
    _index("ix_schedule_due", "schedule", "due_at", "due_at IS NOT NULL")
    _index("ix_schedule_owner", "schedule", "tenant owner created_at")


def downgrade() -> None:
    op.drop_table("schedule")
    for index in ("ix_task_expiring", "ix_task_delayed"):
        op.drop_index(index, "task")
    op.drop_column("person", "zone")
    for name in reversed(NEW_IN_TASK):
        op.drop_column("task", name)


def _columns(kind: sa.types.TypeEngine[Any], names: str, *, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=nullable) for name in names.split()]


def _index(name: str, table: str, columns: str, where: str | None = None) -> None:
    condition = sa.text(where) if where else None
    op.create_index(name, table, columns.split(), sqlite_where=condition, postgresql_where=condition)
