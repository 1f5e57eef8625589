"""Settled tasks for tests, made the way real ones come about: by events."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from domain import events as e
from domain import growth
from domain.ends import node_of
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


def ended(task: Task, key: str, outcome: Result | Failure) -> Task:
    """The task after one more subtask ended so."""
    return run(task, _attempt(key, outcome))[0]


def mapped(files: Sequence[str], lost: Collection[int] = (), request: str = "do it", **changes: Any) -> Task:
    """A task that listed files and read each of them; some could not be read."""
    each = Node(
        id="each",
        skill="read",
        name="Read each",
        dependencies=("ls",),
        for_each="{{ls.output.files}}",
        params={"path": "{{item}}"},
        max_attempts=1,
    )
    listing = Node(id="ls", skill="list", name="List", max_attempts=1)
    task = task_of(Plan(nodes=(listing, replace(each, **changes)), max_nodes=500), request)
    task = ended(task, "ls", Result(summary=f"{len(files)} files", output={"files": list(files)}))
    for place, name in enumerate(files):
        outcome = Failure(code="refused", message="no access") if place in lost else Result(summary=f"read {name}")
        task = ended(task, f"each.{place + 1}", outcome)
    return task


def divided(task: Task, key: str, *nodes: Node, summary: str = "") -> Task:
    """The task after an agent brought a plan instead of a result."""
    released = e.Released(key=key, agent="agent", at=AT, due_at=AT + timedelta(minutes=1))
    children = growth.children(node_of(task, key), nodes)
    result = Result(summary=summary)
    made = e.Divided(key=key, attempt=None, exec_id=None, agent="agent", nodes=children, result=result, at=AT)
    return run(task, [released, made])[0]


def with_state(task: Task, key: str, **changes: object) -> Task:
    """The task with one subtask changed by hand."""
    sub: Subtask = replace(task.subtasks[key], **changes)
    return replace(task, subtasks={**task.subtasks, key: sub})
