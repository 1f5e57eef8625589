"""What can happen to a task, and what must be done about it: the two closed sets around `progress.step`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.answer import Answer
from domain.model import Usage
from domain.plan import Node, Plan, Repair
from domain.task import Attempt, Failure, Lease, Result, Subtask, Upload
from domain.texts import Language

# --- events: past tense, about the task as a whole ------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanningStarted:
    """The planner `by` took the task and holds it until `until`. From then on only what it says counts."""

    until: datetime
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanGrew:
    """Nodes that are certain, and safe to start, while the rest of the plan is still being written."""

    nodes: tuple[Node, ...]
    author: str
    at: datetime
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The plan is whole and validated. Nodes that are there already stay as they are; the others are added.

    `carried` are finished subtasks of an earlier task of the same plan (/retry).
    """

    plan: Plan
    at: datetime
    carried: Mapping[str, Subtask] = field(default_factory=dict)
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFailed:
    """No plan can be made, or none for the rest. A task with nodes already goes on with those."""

    failure: Failure
    at: datetime
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelGone:
    """The plan needs a language model, and none answers because of `cause`: one is asked again for `patience_s` seconds
    from the first time on, the next time not before `retry_after_s` have passed. Then planning ends with the `failure`.
    `jitter` in [0, 1) spreads the asking."""

    cause: str
    failure: Failure
    patience_s: float
    retry_after_s: float
    jitter: float
    at: datetime
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAsked:
    """The planner must know something first: the task waits for its person."""

    question: str
    at: datetime
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAnswered:
    """The person said it: the task is planned again, once the files that came along are there."""

    reply: str
    at: datetime
    uploads: tuple[Upload, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dissatisfied:
    """The aggregator found that the results do not do what was asked. A round of planning is taken if one is left."""

    why: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reworded:
    """The request reads differently now, before anything was begun: more of it came, or its person edited it. Nobody
    plans it before `until`."""

    request: str
    language: Language
    uploads: tuple[Upload, ...]
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Files of the request are in the workspace, or are lost; `uploads` are those that came in, as they stand now."""

    uploads: tuple[Upload, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amended:
    """The person wants more (or something else) of a task that is under way: the rest is planned anew, once the files
    that came along are there."""

    text: str
    at: datetime
    uploads: tuple[Upload, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDropped:
    """The person does not want this subtask any more."""

    key: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A person allowed subtasks that wait for it: those of `keys`, all that wait now for None."""

    at: datetime
    keys: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """A person refused subtasks that wait for approval. They never run."""

    keys: frozenset[str]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested:
    """The owner wants nothing more to start."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlinePassed:
    """The task's time is up."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """The time is over by which the task had to have begun to be of any use."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweringStarted:
    """An aggregator took the settled task and holds it until `until`."""

    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The answer was written. Only the first one counts."""

    answer: Answer
    at: datetime


# --- events about one attempt of one subtask ------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """An attempt is being sent to `agent`; without news by `due_at` it is taken for lost."""

    key: str
    agent: str
    at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A worker says it runs the attempt. The first execution to say so gets the lease."""

    key: str
    attempt: int
    lease: Lease
    at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A worker asks for the go-ahead of an external effect."""

    key: str
    attempt: int
    lease: Lease
    at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """The holder of a lease is alive."""

    key: str
    attempt: int
    lease: Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """A result came. `attempt` and `exec_id` are None from a listener that does not know them."""

    key: str
    attempt: int | None
    exec_id: str | None
    agent: str
    result: Result
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Divided:
    """An agent brought a plan instead of a result: checked nodes, named and bound as children of `key`
    (`domain.growth.children`). They run in its place; `result` is what it said about them, `repairs` what had to be
    changed in the plan."""

    key: str
    attempt: int | None
    exec_id: str | None
    agent: str
    nodes: tuple[Node, ...]
    result: Result
    at: datetime
    repairs: tuple[Repair, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The agent reported a failure. `jitter` in [0, 1) spreads the retry; `usage` is what it spent all the same."""

    key: str
    attempt: int | None
    exec_id: str | None
    agent: str
    failure: Failure
    at: datetime
    jitter: float
    usage: tuple[Usage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedBack:
    """The message came back unrun (redelivered, expired, draining). `counts` is False for what says nothing
    against the message itself, such as waiting too long in a queue."""

    key: str
    attempt: int | None
    exec_id: str | None
    at: datetime
    counts: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedOut:
    """`due_at` of an attempt passed."""

    key: str
    attempt: int
    at: datetime
    jitter: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseExpired:
    """The holder of a lease went silent."""

    key: str
    attempt: int
    at: datetime
    jitter: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderGone:
    """The worker that holds a lease is in another life by now: whatever ran in execution `exec_id` ended with it."""

    key: str
    attempt: int
    exec_id: str
    at: datetime
    jitter: float


Event = (
    PlanningStarted
    | PlanGrew
    | Planned
    | PlanFailed
    | ModelGone
    | QuestionAsked
    | QuestionAnswered
    | Dissatisfied
    | Reworded
    | Fetched
    | Amended
    | StepDropped
    | Approved
    | Denied
    | CancelRequested
    | DeadlinePassed
    | Expired
    | AnsweringStarted
    | Answered
    | Released
    | Started
    | Claimed
    | Beat
    | Succeeded
    | Divided
    | Failed
    | HandedBack
    | TimedOut
    | LeaseExpired
    | HolderGone
)

# --- effects: imperative, carried out by whoever applied the event --------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """Publish this attempt to its agent."""

    key: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAttempt:
    """Keep this ended attempt as history."""

    attempt: Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Tell the worker to go ahead with the external effect."""

    key: str
    agent: str
    lease: Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Tell the worker to stop: cancelled, or its lease is not (any more) the one that counts."""

    key: str
    agent: str
    lease: Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Nothing can move any more: have the answer written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replan:
    """Have the rest planned anew, or planned now that the person answered: wake the planner."""


Effect = Dispatch | RecordAttempt | Grant | Stop | Settle | Replan
