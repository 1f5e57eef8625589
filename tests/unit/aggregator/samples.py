"""Settled tasks for tests, made the way real ones come about: by events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from domain import events as e
from domain.plan import Node, Plan
from domain.progress import run, step
from domain.task import Failure, Result, Route, Scope, Subtask, SubtaskState, Task
from domain.texts import language_of
from tests.fakes import START

AT = START + timedelta(seconds=12)
SCOPE = Scope(tenant="local", owner="console:ann")
Outcome = Result | Failure | SubtaskState


def task_of(plan: Plan | None, request: str = "do it") -> Task:
    """A task that has just been planned."""
    task = Task(
        id="K3M9QX",
        scope=SCOPE,
        route=Route(platform="console", bot_id="t", chat_id="t"),
        request=request,
        language=language_of(request),
        trace_id="0" * 31 + "1",
        created_at=START,
        deadline_at=START + timedelta(minutes=30),
    )
    return task if plan is None else step(task, e.Planned(plan=plan, at=START))[0]


def chain(*names: str) -> Plan:
    """A plan of one-attempt nodes, each after the one before."""
    nodes = [
        Node(
            id=name,
            skill=f"do.{name}",
            name=f"Step {name}",
            dependencies=names[max(0, place - 1) : place],
            max_attempts=1,
        )
        for place, name in enumerate(names)
    ]
    return Plan(nodes=tuple(nodes))


def loose(*names: str) -> Plan:
    """A plan of nodes that do not depend on one another."""
    return Plan(nodes=tuple(replace(node, dependencies=()) for node in chain(*names).nodes))


def settled(plan: Plan, outcomes: Mapping[str, Result | Failure], request: str = "do it") -> Task:
    """The task after these subtasks ended so; what is not named is cut off by the deadline."""
    task = task_of(plan, request)
    for key, outcome in outcomes.items():
        task, _ = run(task, _attempt(key, outcome))
    return step(task, e.DeadlinePassed(at=task.deadline_at))[0]


def _attempt(key: str, outcome: Result | Failure) -> list[e.Event]:
    released = e.Released(key=key, agent="agent", at=AT, due_at=AT + timedelta(minutes=1))
    if isinstance(outcome, Result):
        ended: e.Event = e.Succeeded(key=key, attempt=None, exec_id=None, agent="agent", result=outcome, at=AT)
    else:
        ended = e.Failed(key=key, attempt=None, exec_id=None, agent="agent", failure=outcome, at=AT, jitter=0.5)
    return [released, ended]


def with_state(task: Task, key: str, **changes: object) -> Task:
    """The task with one subtask changed by hand."""
    sub: Subtask = replace(task.subtasks[key], **changes)
    return replace(task, subtasks={**task.subtasks, key: sub})
