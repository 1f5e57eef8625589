"""The live progress message of a task, as a value; each platform draws it its own way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.ends import node_of, waits_for_approval
from domain.plan import Repair
from domain.task import FINAL, Failure, Subtask, SubtaskState, Task, TaskState
from domain.texts import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class CardLine:
    """One subtask. `seconds` runs while it runs; `retries` are the tries that failed so far."""

    key: str
    title: str
    skill: str
    agent: str | None
    state: SubtaskState
    seconds: float | None
    retries: int
    needs_approval: bool
    failure: Failure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The whole card. `revision` grows with every change, so that the newest one wins."""

    task_id: str
    request: str
    language: Language
    state: TaskState
    revision: int
    seconds: float
    done: int
    lines: tuple[CardLine, ...]
    repairs: tuple[Repair, ...]

    @property
    def total(self) -> int:
        """How many subtasks there are."""
        return len(self.lines)


def card_of(task: Task, now: datetime) -> Card:
    """The card to show for a task at `now`."""
    lines = tuple(_line(task, sub, now) for sub in task.subtasks.values())
    return Card(
        task_id=task.id,
        request=task.request,
        language=task.language,
        state=task.state,
        revision=task.version,
        seconds=((task.answered_at or now) - task.created_at).total_seconds(),
        done=sum(line.state in FINAL for line in lines),
        lines=lines,
        repairs=task.plan.repairs if task.plan else (),
    )


def _line(task: Task, sub: Subtask, now: datetime) -> CardLine:
    node = node_of(task, sub.key)
    begun = sub.started_at or sub.dispatched_at
    return CardLine(
        key=sub.key,
        title=node.title,
        skill=node.skill,
        agent=sub.agent,
        state=sub.state,
        seconds=((sub.finished_at or now) - begun).total_seconds() if begun else None,
        retries=sub.failures,
        needs_approval=waits_for_approval(task, sub),
        failure=sub.failure,
    )
