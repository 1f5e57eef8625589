"""The tables, as SQLModel classes. Rows never leave this package.

Every row names its tenant, and its owner where it has one. Times are `UtcTime`; texts from outside are `Words`;
columns of plain `Text` hold JSON.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from sqlalchemy import Text, bindparam, select, text
from sqlmodel import Field

from storage.columns import UtcTime, Words
from storage.rows import (
    Flag,
    Key,
    LateWord,
    MaybeJson,
    MaybeTime,
    MaybeWord,
    Row,
    RowNumber,
    TaskKey,
    TaskRef,
    Time,
    Word,
    index,
    table,
)


class TaskRow(Row, table=True):
    """One request. `version` grows with every change of it or of its subtasks; `dialogue` and `uploads` are NULL when
    empty. `is_fetching` is true while one of the uploads is pending."""

    __tablename__ = "task"
    id: Key
    tenant: Word
    owner: Word
    platform: Word
    bot_id: Word
    chat_id: Word
    request: Word
    language: Word
    trace_id: Word
    created_at: Time
    deadline_at: Time
    state: Word
    version: int
    retry_of: MaybeWord
    plan: MaybeJson
    plan_hash: MaybeWord
    failure: MaybeJson
    claimed_until: MaybeTime
    cancelled_at: MaybeTime
    planned_at: MaybeTime
    settled_at: MaybeTime
    answered_at: MaybeTime
    answer: MaybeJson
    is_fresh: Flag
    question: MaybeWord
    dialogue: MaybeJson
    claimed_by: MaybeWord
    thread_id: LateWord
    reply_to: LateWord
    is_group: Flag
    uploads: MaybeJson
    is_fetching: Flag
    run_at: MaybeTime
    zone: MaybeWord
    expires_at: MaybeTime
    schedule_id: MaybeWord
    model_away: MaybeJson


class SubtaskRow(Row, table=True):
    """Progress of one node. It is also the outbox: dispatched and `published_at` NULL means not confirmed."""

    __tablename__ = "subtask"
    task_id: TaskKey
    key: Key
    position: int
    tenant: Word
    owner: Word
    state: Word
    agent: MaybeWord
    attempt: int
    failures: int
    handbacks: int
    approved: bool
    lease_exec_id: MaybeWord
    lease_worker: MaybeWord
    lease_until: MaybeTime
    due_at: MaybeTime
    dispatched_at: MaybeTime
    published_at: MaybeTime
    started_at: MaybeTime
    finished_at: MaybeTime
    result: MaybeJson
    failure: MaybeJson


class AttemptRow(Row, table=True):
    """One ended try; only ever added. `seconds` is how long an agent worked, and only there when it succeeded: what is
    measured of a skill."""

    __tablename__ = "attempt"
    id: RowNumber = None
    task_id: TaskRef
    tenant: Word
    owner: Word
    key: Word
    number: int
    agent: Word
    worker: MaybeWord
    exec_id: MaybeWord
    started_at: MaybeTime
    ended_at: Time
    outcome: Word
    failure: MaybeJson
    skill: MaybeWord
    seconds: float | None


class DeliveryRow(Row, table=True):
    """What the chat has been shown of a task. `is_open` is false once there is nothing left to show; `created_at` is
    the task's."""

    __tablename__ = "delivery"
    task_id: TaskKey
    tenant: Word
    owner: Word
    platform: Word
    bot_id: Word
    created_at: Time
    platform_message_id: MaybeWord
    shown_version: int
    delivered_at: MaybeTime
    tries: int
    last_error: MaybeWord
    is_open: bool


class InboxRow(Row, table=True):
    """One update of a platform that was taken. `said` is NULL when it said nothing."""

    __tablename__ = "inbox"
    platform: Key
    bot_id: Key
    update_key: Key
    tenant: Word
    owner: MaybeWord
    task_id: Annotated[str, Field(index=True, sa_type=Words)]
    claimed_at: Time
    said: MaybeWord


class WorkerRow(Row, table=True):
    """One worker of one agent, by what it last said."""

    __tablename__ = "worker"
    tenant: Key
    agent: Key
    worker: Key
    incarnation: Word
    slots: int
    skills: Annotated[str, Field(sa_type=Text)]
    status: Word
    current_task: MaybeWord
    last_seen: Time


class ProcessRow(Row, table=True):
    """One role a process of the control plane performs."""

    __tablename__ = "process"
    process_id: Key
    role: Key
    tenant: Word
    seen_at: Time


class AnswerCacheRow(Row, table=True):
    """One kept plan, answer or result of one user. `text` is NULL while the first one to ask, `holder`, has it made."""

    __tablename__ = "answer_cache"
    tenant: Key
    owner: Key
    key: Key
    kind: MaybeWord
    text: MaybeWord
    created_at: Time
    used_at: Time
    expires_at: Annotated[datetime, Field(index=True, sa_type=UtcTime)]
    hits: int
    bytes: int
    holder: MaybeWord
    held_until: MaybeTime


class LlmCallRow(Row, table=True):
    """One call to a language model; only ever added, and kept when its task is gone: what was spent stays spent."""

    __tablename__ = "llm_call"
    id: RowNumber = None
    tenant: Word
    owner: Word
    task_id: Annotated[str | None, Field(index=True, sa_type=Words)]
    purpose: Word
    skill: Word
    model: Word
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    cost: float
    seconds: float
    is_estimated: bool
    is_hit: bool
    failed: Word
    at: Time


TASK, SUBTASK, ATTEMPT, DELIVERY = table("task"), table("subtask"), table("attempt"), table("delivery")
INBOX, WORKER, PROCESS = table("inbox"), table("worker"), table("process")
ANSWER_CACHE, LLM_CALL = table("answer_cache"), table("llm_call")

# The columns that say whose row it is, of a row of the task whose id is given as `of_task`.
OWNER_OF_TASK = {
    name: select(TASK.c[name]).where(TASK.c.id == bindparam("of_task")).scalar_subquery()
    for name in ("tenant", "owner")
}

# Conditions with an index of their own: most rows are finished, and only the others are ever searched. Queries use
# the very same text, which is how SQLite finds out that such an index fits.
IS_READY = text("state = 'ready'")
IS_IN_FLIGHT = text("state IN ('dispatched', 'running')")
IS_LEASED = text("lease_until IS NOT NULL")
IS_UNSETTLED = text("settled_at IS NULL")
IS_UNPLANNED = text("state IN ('received', 'planning') AND settled_at IS NULL")
IS_POSTPONED = text("model_away IS NOT NULL AND state IN ('received', 'planning') AND settled_at IS NULL")
IS_UNANSWERED = text("settled_at IS NOT NULL AND answer IS NULL")
IS_ASKING = text("question IS NOT NULL")
IS_UNFINISHED = text("answered_at IS NULL")
IS_FETCHING = text("is_fetching AND settled_at IS NULL")
IS_DELAYED = text("run_at IS NOT NULL AND settled_at IS NULL")
IS_EXPIRING = text("expires_at IS NOT NULL AND settled_at IS NULL")
IS_MEASURED = text("seconds IS NOT NULL")
IS_OPEN = text("is_open")
IS_OF_AGENT = text("skill <> ''")

index("ix_task_owner", None, "tenant", "owner", "created_at")
index("ix_task_created_at", None, "created_at")
index("ix_task_unsettled", IS_UNSETTLED, "deadline_at")
index("ix_task_unplanned", IS_UNPLANNED, "created_at")
index("ix_task_postponed", IS_POSTPONED, "created_at")
index("ix_task_unanswered", IS_UNANSWERED, "created_at")
index("ix_task_asking", IS_ASKING, "tenant", "owner", "created_at")
index("ix_task_unfinished", IS_UNFINISHED, "tenant", "owner", "created_at")
index("ix_task_fetching", IS_FETCHING, "platform", "bot_id", "created_at")
index("ix_task_delayed", IS_DELAYED, "run_at")
index("ix_task_expiring", IS_EXPIRING, "expires_at")
index("ix_subtask_ready", IS_READY, "due_at")
index("ix_subtask_in_flight", IS_IN_FLIGHT, "due_at")
index("ix_subtask_leased", IS_LEASED, "lease_until")
index("ix_attempt_measured", IS_MEASURED, "ended_at")
index("ix_delivery_open", IS_OPEN, "platform", "bot_id", "created_at")
index("ix_answer_cache_used_at", None, "tenant", "used_at", "bytes")
index("ix_inbox_claimed_at", None, "claimed_at")
index("ix_llm_call_owner", None, "tenant", "owner", "at")
index("ix_llm_call_skill", IS_OF_AGENT, "at")
