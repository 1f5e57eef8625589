"""The wire as the version before plans grew defined it, word for word. Never changed: it stands for programs that run.

What programs of that version wrote is in `tests/data/wire/first.jsonl`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

VERSION = 1
STAR = "star"  # the control plane's name in `source` and `target`
SUCCESS = "success"


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class Upstream(_Wire):
    """What one dependency returned, handed down as data."""

    skill: str
    name: str = ""
    summary: str = ""
    output: Any = None
    findings: list[dict[str, Any]] = Field(default_factory=list)
    files: list[str] = Field(default_factory=list)
    state: str = "succeeded"
    error: str = ""


class Context(_Wire):
    """What a skill may need to know beyond its parameters."""

    request: str = ""
    language: Literal["en", "zh"] = "en"
    upstream: dict[str, Upstream] = Field(default_factory=dict)


class TaskContent(_Wire):
    """What to do: the skill's name, its parameters with references filled in, the context."""

    action: str
    params: dict[str, Any] = Field(default_factory=dict)
    context: Context = Field(default_factory=Context)


class TaskMetadata(_Wire):
    """Around the work. `timeout_s` is a duration: a worker's clock is never compared with ours."""

    created_at: datetime
    expire_at: datetime
    retry_count: int = 0
    max_retries: int = 0
    attempt: int = 1
    timeout_s: float = 60.0
    effect: Literal["none", "idempotent", "external"] = "none"
    traceparent: str | None = None
    v: int = VERSION


class TaskMessage(_Wire):
    """One attempt of one subtask, on its way to `queue.<target>`."""

    task_id: str
    type: Literal["task"] = "task"
    source: str = STAR
    target: str
    priority: Literal["high", "normal", "low"] = "normal"
    content: TaskContent
    metadata: TaskMetadata


class ErrorContent(_Wire):
    """Why an attempt failed; the error word itself is the message's `status`."""

    message: str = ""
    retryable: bool = False
    retry_after_s: float | None = None


class ResultContent(_Wire):
    """What an attempt brought back. A finding is any object; `severity`, `message` and `where` are shown."""

    summary: str = ""
    output: Any = None
    findings: list[Any] = Field(default_factory=list)
    files: list[str] = Field(default_factory=list)
    error: ErrorContent | None = None


class ResultMetadata(_Wire):
    """Which attempt it was, if the sender knows."""

    completed_at: datetime | None = None
    duration: float | None = None
    attempt: int | None = None
    exec_id: str | None = None
    worker: str | None = None
    traceparent: str | None = None


class ResultMessage(_Wire):
    """How an attempt ended: `status` is "success" or an error word."""

    task_id: str
    type: Literal["result"] = "result"
    source: str
    target: str = STAR
    status: str = Field(min_length=1, max_length=64)
    content: ResultContent = Field(default_factory=ResultContent)
    metadata: ResultMetadata = Field(default_factory=ResultMetadata)


class NoticeMetadata(_Wire):
    """Which execution a notice speaks of. `reason` of a handback: redelivered, draining, busy, declined."""

    attempt: int
    exec_id: str = ""
    worker: str = ""
    reason: str = ""
    traceparent: str | None = None


class Notice(_Wire):
    """What a worker says about an attempt before its result: it runs it, asks to, or gives it back unrun."""

    task_id: str
    type: Literal["started", "claim", "handback"]
    source: str
    target: str = STAR
    metadata: NoticeMetadata


class ParamEntry(_Wire):
    """A parameter as announced."""

    name: str
    type: str = "string"
    description: str = ""
    required: bool = False
    default: Any = None
    choices: list[str] = Field(default_factory=list)


class SkillEntry(_Wire):
    """A skill as announced."""

    name: str = Field(pattern=r"^[\w.-]{1,64}$")
    description: str = ""
    params: list[ParamEntry] = Field(default_factory=list, max_length=64)
    output_schema: dict[str, Any] = Field(default_factory=dict)
    effect: Literal["none", "idempotent", "external"] = "none"
    timeout_s: float = Field(default=60.0, gt=0, le=86_400)
    max_attempts: int = Field(default=3, ge=1, le=20)
    keywords: list[str] = Field(default_factory=list)
    examples: list[str] = Field(default_factory=list)
    open_params: bool = False


class Hello(_Wire):
    """A worker announces itself and its skills. A new `incarnation` of a worker means the old one is gone."""

    type: Literal["hello"] = "hello"
    agent: str
    worker: str
    incarnation: str = ""
    slots: int = Field(default=1, ge=0, le=100_000)
    skills: list[SkillEntry] = Field(default_factory=list, max_length=256)


class Holding(_Wire):
    """One lease a worker says it still works under."""

    task_id: str
    attempt: int
    exec_id: str


class Heartbeat(_Wire):
    """A sign of life, transient. `holding` extends leases; the seeds' listeners do not send it."""

    type: Literal["heartbeat"] = "heartbeat"
    agent: str
    status: str = "idle"
    current_task: str | None = None
    timestamp: datetime | None = None
    worker: str = ""
    incarnation: str = ""
    holding: list[Holding] = Field(default_factory=list, max_length=1024)


class Order(_Wire):
    """From the control plane to one worker: go ahead with an external effect, or stop an execution."""

    type: Literal["grant", "stop"]
    task_id: str
    exec_id: str


class Nudge(_Wire):
    """Something changed in the rows; look there. Losing one costs a sweep's delay."""

    kind: Literal["received", "planned", "changed", "settled", "answered"]
    task_id: str


Report = ResultMessage | Notice | Hello
"""What arrives in `queue.star`."""

REPORT: TypeAdapter[Report] = TypeAdapter(Annotated[Report, Field(discriminator="type")])
HEARTBEAT: TypeAdapter[Heartbeat] = TypeAdapter(Heartbeat)
TASK: TypeAdapter[TaskMessage] = TypeAdapter(TaskMessage)
ORDER: TypeAdapter[Order] = TypeAdapter(Order)
NUDGE: TypeAdapter[Nudge] = TypeAdapter(Nudge)
