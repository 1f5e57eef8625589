"""The live progress message of a task, as a value; each platform draws it its own way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from domain.approval import Offer
from domain.ends import plan_of, waits_for_approval
from domain.growth import nesting
from domain.plan import Node, Repair
from domain.task import FINAL, FINAL_TASK, Failure, Subtask, SubtaskState, Task, TaskState
from domain.texts import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class CardLine:
    """One subtask. `seconds` runs while it runs; `retries` are the tries that failed so far.

    `depth` is how far below what was planned it lies, `round` how often the task had been planned anew before it. Of
    one that waits for children `total` says how many there are and `done` how many of them have ended.
    """

    key: str
    title: str
    skill: str
    agent: str | None
    state: SubtaskState
    seconds: float | None
    retries: int
    needs_approval: bool
    failure: Failure | None
    depth: int = 0
    round: int = 0
    done: int = 0
    total: int = 0
    waits_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What is known about a task beside its own rows.

    Args:
        left_s: seconds until it will probably be over, from what its skills took before; None when nobody can say.
        ahead: tasks that are planned before this one, while it waits for the planner.
        cost: US dollars its model calls took so far; None when no price is known.
        offers: what its person may allow or refuse now.
        absent: agents it needs that nobody performs at the moment.
    """

    left_s: float | None = None
    ahead: int | None = None
    cost: float | None = None
    offers: tuple[Offer, ...] = ()
    absent: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """A language model that does not answer, because of `cause`, and is asked again for `left_s` seconds at most."""

    cause: str
    left_s: float


NOTHING_KNOWN = Around()
_ACHIEVED = frozenset({SubtaskState.SUCCEEDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The whole card. `revision` grows with every change, so that the newest one wins.

    The lines are in the order of the plan, children right behind their parent. `done` of them have ended; once the
    task is over, have succeeded. `is_planning` means that there will be
    more of them. `rounds` has an entry per time it was planned anew: what was missed, empty after a critical failure;
    `rounds_left` says how often that can happen yet.
    `starts_at` is when it will begin, in its person's time zone; None if it has, or could.
    `model` is what the plan waits for. `question` waits for its person's word; `draft` is the beginning of an answer
    that is being written.
    """

    task_id: str
    request: str
    language: Language
    state: TaskState
    revision: int
    seconds: float
    done: int
    lines: tuple[CardLine, ...]
    repairs: tuple[Repair, ...]
    is_planning: bool = False
    rounds: tuple[str, ...] = ()
    rounds_left: int = 0
    model: Awaited | None = None
    question: str | None = None
    draft: str = ""
    around: Around = NOTHING_KNOWN
    starts_at: datetime | None = None

    @property
    def total(self) -> int:
        """How many subtasks there are."""
        return len(self.lines)


def card_of(task: Task, now: datetime, draft: str = "", around: Around = NOTHING_KNOWN) -> Card:
    """The card to show for a task at `now`; `draft` is what was heard of its answer, `around` what else is known."""
    lines = tuple(_line(task, node, now) for node in _tree(task))
    return Card(
        task_id=task.id,
        request=task.request,
        language=task.language,
        state=task.state,
        revision=task.version,
        seconds=max(0.0, ((task.answered_at or now) - task.begins_at).total_seconds()),
        starts_at=_starts_at(task, now),
        done=sum(line.state in (_ACHIEVED if task.state in FINAL_TASK else FINAL) for line in lines),
        lines=lines,
        repairs=task.plan.repairs if task.plan else (),
        is_planning=task.state is TaskState.PLANNING,
        rounds=task.plan.misses if task.plan else (),
        rounds_left=task.plan.rounds_left if task.plan else 0,
        model=awaited(task, now),
        question=task.question,
        draft=draft,
        around=around,
    )


def awaited(task: Task, now: datetime) -> Awaited | None:
    """The model that its plan waits for at `now`, if it does."""
    away = task.model_away
    return Awaited(cause=away.cause, left_s=max(0.0, (away.until - now).total_seconds())) if away else None


def _starts_at(task: Task, now: datetime) -> datetime | None:
    if task.run_at is None or task.run_at <= now or task.settled_at is not None:
        return None
    return task.run_at.astimezone(ZoneInfo(task.zone or "UTC"))


def _tree(task: Task) -> Iterator[Node]:
    """Every node behind its parent."""
    plan = task.plan
    if plan is None:
        return

    def below(nodes: Iterable[Node]) -> Iterator[Node]:
        for node in nodes:
            yield node
            yield from below(plan.made.get(node.id, ()))

    yield from below(node for node in plan.nodes if not node.parent)


def _line(task: Task, node: Node, now: datetime) -> CardLine:
    sub = task.subtasks[node.id]
    begun = sub.started_at or sub.dispatched_at
    children = [task.subtasks[child.id] for child in plan_of(task).made.get(node.id, ())]
    return CardLine(
        key=sub.key,
        title=node.title,
        skill=node.skill,
        agent=sub.agent,
        state=_shown(sub, children),
        seconds=((sub.finished_at or now) - begun).total_seconds() if begun else None,
        retries=sub.failures,
        needs_approval=waits_for_approval(task, sub),
        failure=sub.failure,
        depth=nesting(plan_of(task), node.id),
        round=node.round,
        done=sum(child.state in FINAL for child in children),
        total=len(children),
        waits_for=_waits_for(task, node) if sub.state is SubtaskState.PENDING and not children else (),
    )


def _waits_for(task: Task, node: Node) -> tuple[str, ...]:
    """The titles of its dependencies that have not ended yet."""
    by_id = plan_of(task).by_id
    return tuple(by_id[other].title for other in node.dependencies if task.subtasks[other].state not in FINAL)


def _shown(sub: Subtask, children: list[Subtask]) -> SubtaskState:
    """To a person, one that waits for its children is under way."""
    is_under_way = sub.state is SubtaskState.PENDING and bool(children)
    return SubtaskState.RUNNING if is_under_way else sub.state
