"""Threads, files and words of requests; people, offers, previews, messages of ours, leaders and cursors."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IS_FETCHING = "is_fetching AND settled_at IS NULL"

NEW_TABLES = ("cursor", "leader", "post", "preview", "offer", "knock", "pairing", "known_chat", "person")
NEW_COLUMNS = {"inbox": "said", "task": "is_fetching uploads is_group reply_to thread_id"}


def upgrade() -> None:
    for name in ("thread_id", "reply_to"):
        op.add_column("task", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("task", _flag("is_group"))
    op.add_column("task", sa.Column("uploads", sa.Text(), nullable=True))
    op.add_column("task", _flag("is_fetching"))
    op.add_column("inbox", sa.Column("said", sa.Text(), nullable=True))
    _index("ix_task_unfinished", "task", "tenant owner created_at", "answered_at IS NULL")
    _index("ix_task_fetching", "task", "platform bot_id created_at", IS_FETCHING)
    _people()
    _offer()
    _preview()
    _post()
    _leader_and_cursor()


def downgrade() -> None:
    for table in NEW_TABLES:
        op.drop_table(table)
    for index in ("ix_task_fetching", "ix_task_unfinished"):
        op.drop_index(index, "task")
    for table, names in NEW_COLUMNS.items():
        for name in names.split():
            op.drop_column(table, name)


def _people() -> None:
    op.create_table(
        "person",
        *_columns(sa.Text(), "tenant platform user_id"),
        *_columns(sa.Text(), "role language", nullable=True),
        *_columns(TIME, "known_at"),
        sa.PrimaryKeyConstraint("tenant", "platform", "user_id", name="pk_person"),
    )
    op.create_table(
        "known_chat",
        *_columns(sa.Text(), "tenant platform chat_id let_in_by"),
        *_columns(TIME, "let_in_at"),
        sa.PrimaryKeyConstraint("tenant", "platform", "chat_id", name="pk_known_chat"),
    )
    op.create_table(
        "pairing",
        *_columns(sa.Text(), "tenant digest role"),
        *_columns(TIME, "expires_at"),
        *_columns(sa.Text(), "made_by"),
        sa.PrimaryKeyConstraint("tenant", "digest", name="pk_pairing"),
    )
    op.create_table(
        "knock",
        *_columns(ROW_NUMBER, "id"),
        *_columns(sa.Text(), "tenant platform user_id"),
        *_columns(TIME, "at"),
        sa.PrimaryKeyConstraint("id", name="pk_knock"),
    )
    _index("ix_pairing_expires_at", "pairing", "expires_at")
    _index("ix_knock_user", "knock", "tenant platform user_id at")
    _index("ix_knock_at", "knock", "at")


def _offer() -> None:
    op.create_table(
        "offer",
        *_columns(sa.Text(), "code tenant owner task_id key digest"),
        *_columns(TIME, "made_at expires_at"),
        *_columns(sa.Text(), "decided_by", nullable=True),
        *_columns(TIME, "decided_at", nullable=True),
        *_columns(sa.Boolean(), "is_allowed", nullable=True),
        sa.PrimaryKeyConstraint("code", name="pk_offer"),
        _of_task("offer"),
    )
    _index("ix_offer_task_id", "offer", "task_id")


def _preview() -> None:
    op.create_table(
        "preview",
        *_columns(sa.Text(), "tenant owner code platform bot_id chat_id thread_id reply_to"),
        *_columns(sa.Boolean(), "is_group"),
        *_columns(sa.Text(), "request language plan"),
        *_columns(TIME, "made_at expires_at"),
        *_columns(sa.Text(), "task_id", nullable=True),
        *_columns(sa.Text(), "message_id"),
        *_columns(sa.Text(), "uploads", nullable=True),
        sa.PrimaryKeyConstraint("tenant", "owner", "code", name="pk_preview"),
    )
    _index("ix_preview_expires_at", "preview", "expires_at")


def _post() -> None:
    op.create_table(
        "post",
        *_columns(sa.Text(), "task_id kind"),
        *_columns(sa.Integer(), "part"),
        *_columns(sa.Text(), "tenant owner platform bot_id chat_id thread_id nonce about"),
        *_columns(sa.Text(), "message_id", nullable=True),
        *_columns(sa.Boolean(), "is_filled"),
        sa.PrimaryKeyConstraint("task_id", "kind", "part", name="pk_post"),
        _of_task("post"),
    )
    _index("ix_post_message", "post", "platform bot_id chat_id message_id", "message_id IS NOT NULL")


def _leader_and_cursor() -> None:
    op.create_table(
        "leader",
        *_columns(sa.Text(), "tenant name holder"),
        *_columns(TIME, "held_until"),
        sa.PrimaryKeyConstraint("tenant", "name", name="pk_leader"),
    )
    op.create_table(
        "cursor",
        *_columns(sa.Text(), "tenant platform bot_id chat_id thread_id message_id"),
        sa.PrimaryKeyConstraint("tenant", "platform", "bot_id", "chat_id", "thread_id", name="pk_cursor"),
    )


def _columns(kind: sa.types.TypeEngine[Any], names: str, *, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=nullable) for name in names.split()]


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())


def _of_task(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=f"fk_{table}_task_id", ondelete="CASCADE")


def _index(name: str, table: str, columns: str, where: str | None = None) -> None:
    condition = sa.text(where) if where else None
    op.create_index(name, table, columns.split(), sqlite_where=condition, postgresql_where=condition)
