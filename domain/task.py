"""A task, its subtasks, and the closed sets of states and outcomes they move through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.answer import Answer
from domain.model import Usage
from domain.plan import Plan
from domain.texts import Language

Json = Any  # a value `json.loads` can return


class TaskState(StrEnum):
    """Where a task stands. The last three are final and carry an answer."""

    RECEIVED = "received"  # committed, no plan yet
    PLANNING = "planning"  # a planner holds it
    RUNNING = "running"  # subtasks are being worked on, or only the answer is missing
    WAITING = "waiting"  # nothing can move until a person approves or answers a question
    ANSWERED = "answered"  # done, or partly done with what failed said
    FAILED = "failed"
    CANCELLED = "cancelled"

    __hash__ = str.__hash__  # an Enum's own is Python code, and sets of states are asked all the time


class SubtaskState(StrEnum):
    """Where a subtask stands. The last five are final."""

    PENDING = "pending"  # waits for dependencies
    READY = "ready"  # dependencies done, not yet sent (or waits for `due_at`, or for approval)
    DISPATCHED = "dispatched"  # an attempt was recorded and is on its way to a worker
    RUNNING = "running"  # a worker holds a lease on it
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"  # its `when` rule, or a critical failure elsewhere, ruled it out
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # an external effect may or may not have happened

    __hash__ = str.__hash__


FINAL_TASK = frozenset({TaskState.ANSWERED, TaskState.FAILED, TaskState.CANCELLED})
FINAL = frozenset(
    {
        SubtaskState.SUCCEEDED,
        SubtaskState.FAILED,
        SubtaskState.SKIPPED,
        SubtaskState.CANCELLED,
        SubtaskState.UNKNOWN,
    }
)
IN_FLIGHT = frozenset({SubtaskState.DISPATCHED, SubtaskState.RUNNING})


class Outcome(StrEnum):
    """How one attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    HANDED_BACK = "handed_back"  # the worker gave it back unrun: costs no try
    LEASE_EXPIRED = "lease_expired"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose row it is. Every query takes one; nothing is visible outside it."""

    tenant: str
    owner: str  # "platform:user id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a bot can write: a chat, or one thread (forum topic) of it."""

    platform: str
    bot_id: str
    chat_id: str
    thread_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where the answer goes; fixed when the task is received. `reply_to` is the platform's id of the message that
    asked, `is_group` whether others read along there."""

    platform: str
    bot_id: str
    chat_id: str
    thread_id: str = ""
    reply_to: str = ""
    is_group: bool = False

    @property
    def place(self) -> Place:
        """The chat or thread, whatever was replied to."""
        return Place(platform=self.platform, bot_id=self.bot_id, chat_id=self.chat_id, thread_id=self.thread_id)


class UploadState(StrEnum):
    """Whether a file that came with a request is in the workspace."""

    PENDING = "pending"
    THERE = "there"
    LOST = "lost"  # it could not be fetched, and never will


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that came with a request. `ref` is what its platform fetches it by, `path` where it goes in the workspace
    (relative), `bytes` its size as announced."""

    ref: str
    name: str
    bytes: int = 0
    path: str = ""
    state: UploadState = UploadState.PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A time-limited right of one execution to one attempt."""

    exec_id: str
    worker: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an attempt or a task failed.

    `code` is a word for programs and the catalogue (`failure.<code>`); `message` is what the skill or the
    platform said, already free of secrets; `retryable` is whether the same call may work later.
    """

    code: str
    message: str = ""
    retryable: bool = False
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a skill found, as the wire's `findings` carry it."""

    severity: str
    message: str
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a successful attempt brought back. `files` are paths relative to the workspace; `usage` is what language
    models were asked for it."""

    summary: str
    output: Json = None
    findings: tuple[Finding, ...] = ()
    files: tuple[str, ...] = ()
    usage: tuple[Usage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A question that the planner asked, or an earlier request, and what was said to it. Nothing was asked (`said` is
    empty) when the person added to a request by themselves."""

    said: str
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtask:
    """Progress of one node of the plan.

    `attempt` is the fence: it grows with every dispatch. `failures` counts the tries that attempts cost;
    `handbacks` the attempts that came back. `due_at` is the one timer of the row: for READY not before, for
    DISPATCHED and RUNNING not after.
    """

    key: str
    state: SubtaskState = SubtaskState.PENDING
    agent: str | None = None
    attempt: int = 0
    failures: int = 0
    handbacks: int = 0
    approved: bool = False
    lease: Lease | None = None
    due_at: datetime | None = None
    dispatched_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    result: Result | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One ended try, kept as history; `skill` is what was tried."""

    key: str
    number: int
    agent: str
    worker: str | None
    exec_id: str | None
    started_at: datetime | None
    ended_at: datetime
    outcome: Outcome
    failure: Failure | None = None
    skill: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAway:
    """A plan waits for a language model. `cause` is why none answered, `asked` how often that was; it is given up when
    none has answered by `until`."""

    cause: str
    asked: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One request and all that is known about it: the whole state `progress.step` decides over.

    `settled_at` is set when no subtask can move any more (or planning failed): from then on only the
    answer is missing. `claimed_until` is the soft lease of the planner or the aggregator working on it, `claimed_by`
    the planner's name on it. The plan may grow until `planned_at` is set. `question` is what waits for the person's
    word, `dialogue` what was asked and answered before. While `model_away` the plan waits for a language model; nobody
    claims it before the next asking. `is_fresh` means that no kept plan or answer may be used. While
    `uploads` are pending the task is claimed by nobody until its deadline, so that nothing begins without its files.
    Nothing begins before `run_at`, read by its person in the time zone `zone`; if nothing has begun by `expires_at`,
    it is not wanted any more. `schedule_id` is the schedule that handed it in.
    """

    id: str
    scope: Scope
    route: Route
    request: str
    language: Language
    trace_id: str
    created_at: datetime
    deadline_at: datetime
    state: TaskState = TaskState.RECEIVED
    version: int = 0
    retry_of: str | None = None
    is_fresh: bool = False
    run_at: datetime | None = None
    zone: str | None = None
    expires_at: datetime | None = None
    schedule_id: str | None = None
    uploads: tuple[Upload, ...] = ()
    question: str | None = None
    dialogue: tuple[Exchange, ...] = ()
    plan: Plan | None = None
    subtasks: Mapping[str, Subtask] = field(default_factory=dict)
    failure: Failure | None = None
    claimed_until: datetime | None = None
    claimed_by: str | None = None
    model_away: ModelAway | None = None
    cancelled_at: datetime | None = None
    planned_at: datetime | None = None
    settled_at: datetime | None = None
    answered_at: datetime | None = None
    answer: Answer | None = None

    @property
    def begins_at(self) -> datetime:
        """From when on it is to be worked on."""
        return max(self.created_at, self.run_at or self.created_at)
