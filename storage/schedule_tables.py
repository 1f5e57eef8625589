"""The table of schedules."""

from __future__ import annotations

from sqlalchemy import text

from storage.rows import Json, Key, MaybeJson, MaybeTime, MaybeWord, Row, Time, Word, index, table


class ScheduleRow(Row, table=True):
    """One schedule. An occurrence that began is a row of the inbox, under its own key; `queued` is NULL when empty."""

    __tablename__ = "schedule"
    id: Key
    tenant: Word
    owner: Word
    platform: Word
    bot_id: Word
    chat_id: Word
    thread_id: Word
    reply_to: Word
    within: Word
    is_group: bool
    request: Word
    language: Word
    rule: Json
    zone: Word
    misfire: Word
    overlap: Word
    grace_s: int
    deadline_s: int | None
    expires_s: int | None
    left: int | None
    until: MaybeTime
    created_at: Time
    next_at: MaybeTime
    due_at: MaybeTime
    queued: MaybeJson
    paused_at: MaybeTime
    ended_at: MaybeTime
    last_task: MaybeWord
    last_at: MaybeTime
    skipped_at: MaybeTime
    skipped: MaybeWord


SCHEDULE = table("schedule")

IS_AWAITED = text("due_at IS NOT NULL")

index("ix_schedule_due", IS_AWAITED, "due_at")
index("ix_schedule_owner", None, "tenant", "owner", "created_at")
