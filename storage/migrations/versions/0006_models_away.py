"""A plan can wait for a language model that does not answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

IS_POSTPONED = sa.text("model_away IS NOT NULL AND state IN ('received', 'planning') AND settled_at IS NULL")


def upgrade() -> None:
    op.add_column("task", sa.Column("model_away", sa.Text(), nullable=True))
    op.create_index(
        "ix_task_postponed",
        "task",
        ["created_at"],
        sqlite_where=IS_POSTPONED,
        postgresql_where=IS_POSTPONED,
    )


def downgrade() -> None:
    op.drop_index("ix_task_postponed", "task")
    op.drop_column("task", "model_away")
