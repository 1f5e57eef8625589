"""Turns against a stored task, and what is reported to them."""

from __future__ import annotations

from datetime import timedelta

from dispatcher.assignment import Agents
from dispatcher.policy import Policy
from dispatcher.turn import Arrived, Decided, Turn
from domain import events as e
from domain.skill import SkillSpec
from domain.task import Failure, Lease, Result, Task
from storage import SqlStore
from tests.fakes import START, CountingEntropy
from tests.unit.dispatcher.crew import worker

SPEC = SkillSpec(name="echo", description="")
ECHO = Agents.of([worker("echo", SPEC)], START, [])
NOBODY = Agents.of([], START, [])


async def keep(store: SqlStore, *tasks: Task) -> None:
    for task in tasks:
        await store.transact(lambda uow, task=task: uow.tasks.add(task))


async def take(
    store: SqlStore,
    arrived: Arrived | None = None,
    *,
    policy: Policy | None = None,
    agents: Agents = ECHO,
    at_s: float = 0,
) -> Decided:
    now = START + timedelta(seconds=at_s)
    given = arrived or Arrived(looks_around=True)
    return await store.transact(lambda uow: Turn(policy or Policy(), agents, CountingEntropy(), now)(uow, given))


async def stored(store: SqlStore, task_id: str = "AAAAAA") -> Task:
    found = await store.transact(lambda uow: uow.tasks.peek(task_id))
    assert found is not None
    return found


def report(*events: e.Event, task_id: str = "AAAAAA") -> Arrived:
    return Arrived(readers={task_id: [lambda _task, event=event: (event,) for event in events]})


def succeeded(key: str, output: object = None, attempt: int | None = 1, **result: object) -> e.Succeeded:
    brought = Result(**{"summary": "ok", "output": output, **result})
    return e.Succeeded(key=key, attempt=attempt, exec_id=None, agent="echo", result=brought, at=START)


def failed(key: str, code: str = "crashed", *, retryable: bool = True) -> e.Failed:
    failure = Failure(code=code, retryable=retryable)
    return e.Failed(key=key, attempt=1, exec_id=None, agent="echo", failure=failure, at=START, jitter=0.5)


def started(key: str, exec_id: str = "x1") -> e.Started:
    lease = Lease(exec_id=exec_id, worker="w1", until=START + timedelta(seconds=30))
    return e.Started(key=key, attempt=1, lease=lease, at=START, due_at=START + timedelta(seconds=75))


def sent(decided: Decided) -> list[str]:
    return [message.task_id for message in decided.messages]
