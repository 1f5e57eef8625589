"""Short ways to make the values tests are about."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from domain import events as e
from domain.plan import Node, Plan
from domain.progress import run
from domain.task import Route, Scope, Task
from tests.fakes import START

SCOPE = Scope(tenant="main", owner="console:ann")
ROUTE = Route(platform="console", bot_id="console", chat_id="ann")


def node(key: str, *dependencies: str, **changes: Any) -> Node:
    return Node(**{"id": key, "skill": "echo", "dependencies": dependencies, **changes})


def plan(*nodes: Node, **changes: Any) -> Plan:
    return Plan(nodes=nodes, **changes)


def chain(*keys: str) -> Plan:
    return plan(*(node(key, *keys[place - 1 : place]) if place else node(key) for place, key in enumerate(keys)))


def task(task_id: str = "AAAAAA", **changes: Any) -> Task:
    given: dict[str, Any] = {
        "id": task_id,
        "scope": SCOPE,
        "route": ROUTE,
        "request": "do it",
        "language": "en",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "created_at": START,
        "deadline_at": START + timedelta(minutes=30),
    }
    return Task(**{**given, **changes})


def planned(the_plan: Plan, task_id: str = "AAAAAA", **changes: Any) -> Task:
    return run(task(task_id, **changes), [e.Planned(plan=the_plan, at=START)])[0]


def released(the_task: Task, *keys: str, agent: str = "echo") -> Task:
    due_at = START + timedelta(minutes=2)
    return run(the_task, [e.Released(key=key, agent=agent, at=START, due_at=due_at) for key in keys])[0]
