"""The tables, as SQLModel classes. Rows never leave this package.

Every row names its tenant, and its owner where it has one. Times are `UtcTime`; texts from outside are `Words`;
columns of plain `Text` hold JSON.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from sqlalchemy import BigInteger, Index, Integer, MetaData, Table, Text, TextClause, false, text
from sqlmodel import Field, SQLModel

from storage.columns import UtcTime, Words

TENANT = "main"  # of rows that belong to the installation rather than to a user

Key = Annotated[str, Field(sa_type=Words, primary_key=True)]
Word = Annotated[str, Field(sa_type=Words)]
MaybeWord = Annotated[str | None, Field(sa_type=Words)]
MaybeJson = Annotated[str | None, Field(sa_type=Text)]
Flag = Annotated[bool, Field(sa_column_kwargs={"server_default": false()})]  # for programs that do not know it yet
Time = Annotated[datetime, Field(sa_type=UtcTime)]
MaybeTime = Annotated[datetime | None, Field(sa_type=UtcTime)]
TaskKey = Annotated[str, Field(sa_type=Words, primary_key=True, foreign_key="task.id", ondelete="CASCADE")]
TaskRef = Annotated[str, Field(sa_type=Words, index=True, foreign_key="task.id", ondelete="CASCADE")]
RowNumber = Annotated[int | None, Field(primary_key=True, sa_type=BigInteger().with_variant(Integer, "sqlite"))]


class Row(SQLModel):
    """What all tables share: one catalogue of names, the same on every database."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
        }
    )


class TaskRow(Row, table=True):
    """One request. `version` grows with every change of it or of its subtasks; `dialogue` is NULL when empty."""

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
    """One update of a platform that was taken."""

    __tablename__ = "inbox"
    platform: Key
    bot_id: Key
    update_key: Key
    tenant: Word
    owner: MaybeWord
    task_id: Annotated[str, Field(index=True, sa_type=Words)]
    claimed_at: Time


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


def _table(name: str) -> Table:
    return Row.metadata.tables[name]


TASK, SUBTASK, ATTEMPT, DELIVERY = _table("task"), _table("subtask"), _table("attempt"), _table("delivery")
INBOX, WORKER, PROCESS = _table("inbox"), _table("worker"), _table("process")
ANSWER_CACHE, LLM_CALL = _table("answer_cache"), _table("llm_call")

# Conditions with an index of their own: most rows are finished, and only the others are ever searched. Queries use
# the very same text, which is how SQLite finds out that such an index fits.
IS_READY = text("state = 'ready'")
IS_IN_FLIGHT = text("state IN ('dispatched', 'running')")
IS_LEASED = text("lease_until IS NOT NULL")
IS_UNSETTLED = text("settled_at IS NULL")
IS_UNPLANNED = text("state IN ('received', 'planning') AND settled_at IS NULL")
IS_UNANSWERED = text("settled_at IS NOT NULL AND answer IS NULL")
IS_ASKING = text("question IS NOT NULL")
IS_MEASURED = text("seconds IS NOT NULL")
IS_OPEN = text("is_open")
IS_OF_AGENT = text("skill <> ''")


def _index(name: str, condition: TextClause | None, *columns: str) -> None:
    table = next(table for table in Row.metadata.sorted_tables if name.startswith(f"ix_{table.name}_"))
    Index(name, *(table.c[column] for column in columns), sqlite_where=condition, postgresql_where=condition)


_index("ix_task_owner", None, "tenant", "owner", "created_at")
_index("ix_task_created_at", None, "created_at")
_index("ix_task_unsettled", IS_UNSETTLED, "deadline_at")
_index("ix_task_unplanned", IS_UNPLANNED, "created_at")
_index("ix_task_unanswered", IS_UNANSWERED, "created_at")
_index("ix_task_asking", IS_ASKING, "tenant", "owner", "created_at")
_index("ix_subtask_ready", IS_READY, "due_at")
_index("ix_subtask_in_flight", IS_IN_FLIGHT, "due_at")
_index("ix_subtask_leased", IS_LEASED, "lease_until")
_index("ix_attempt_measured", IS_MEASURED, "ended_at")
_index("ix_delivery_open", IS_OPEN, "platform", "bot_id", "created_at")
_index("ix_answer_cache_used_at", None, "tenant", "used_at", "bytes")
_index("ix_llm_call_owner", None, "tenant", "owner", "at")
_index("ix_llm_call_skill", IS_OF_AGENT, "at")
