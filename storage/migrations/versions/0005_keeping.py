"""Dead letters; old updates can be found by their time."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "dead_letter",
        *_columns(sa.Text(), "id tenant"),
        *_columns(TIME, "at last_at"),
        *_columns(sa.Text(), "agent reason"),
        *_columns(sa.Text(), "subtask", nullable=True),
        *_columns(sa.Integer(), "attempt", nullable=True),
        *_columns(sa.Text(), "detail body"),
        *_columns(sa.Integer(), "seen"),
        *_columns(sa.Text(), "fate"),
        sa.PrimaryKeyConstraint("id", name="pk_dead_letter"),
    )
    op.create_index("ix_dead_letter_last_at", "dead_letter", ["last_at"])
    op.create_index("ix_dead_letter_fate", "dead_letter", ["fate", "last_at"])
    op.create_index("ix_inbox_claimed_at", "inbox", ["claimed_at"])


def downgrade() -> None:
    op.drop_index("ix_inbox_claimed_at", "inbox")
    op.drop_table("dead_letter")


def _columns(kind: sa.types.TypeEngine[Any], names: str, *, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=nullable) for name in names.split()]
