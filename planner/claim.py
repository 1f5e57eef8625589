"""One task that this planner holds: it is planned outside of any transaction, and what comes of it is committed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import structlog

from domain.errors import Refused, StoreDown
from domain.events import Event, PlanFailed, PlanGrew, Planned, QuestionAsked
from domain.messages import Nudge
from domain.plan import Node, Plan
from domain.ports import Clock, ControlBus, Store, UnitOfWork
from domain.progress import step
from domain.task import Failure, Task
from domain.texts import say
from planner.authoring import Grow
from planner.request import PlanRequest

log = structlog.get_logger()

PAUSE_S = 1.0  # while the database is away

PlanWith = Callable[[Task, PlanRequest, Grow], Awaitable[Plan]]
"""Plans one request of a task, whose owner nothing else may be shown to. What is given to `Grow` is committed at once.
Raises Refused with the sentence for the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What stands around the planner."""

    store: Store
    bus: ControlBus
    clock: Clock


class _Commit(NamedTuple):
    """The task as it stands after an event, if it is there at all, and whether the event changed it."""

    task: Task | None
    is_new: bool


class Claims:
    """Plans claimed tasks.

    Args:
        outside: where tasks are, and who is told.
        plan_with: plans a request.
        name: under which the tasks are claimed.
    """

    def __init__(self, outside: Outside, plan_with: PlanWith, name: str) -> None:
        self._outside = outside
        self._plan_with = plan_with
        self._name = name

    async def plan(self, task: Task, request: PlanRequest) -> None:
        """Have it planned; commit the plan, the question, or why there is neither."""
        told = log.bind(task=task.id, trace=task.trace_id)
        outcome = await self._outcome(task, request)
        row, is_new = await self._committed(task.id, outcome)
        if row is None or not is_new:
            told.info("planned_in_vain")
            return
        for change in outcome.plan.repairs if isinstance(outcome, Planned) else ():
            told.info("plan_repaired", subtask=change.subtask, kind=change.kind, reason=change.reason)
        told.info("task_planned", subtasks=len(row.subtasks), failure=row.failure.code if row.failure else None)
        await self.announce(row)

    async def announce(self, task: Task) -> None:
        """Tell the other roles how the task stands now."""
        ready = [] if task.question else ["planned"]
        kinds = ["settled"] if task.settled_at else [*ready, "changed"]
        await self._outside.bus.nudge([Nudge.model_validate({"kind": kind, "task_id": task.id}) for kind in kinds])

    async def _outcome(self, task: Task, request: PlanRequest) -> Event:
        try:
            async with asyncio.timeout(max(0.0, (task.deadline_at - self._now()).total_seconds())) as limit:
                plan = await self._plan_with(task, request, self._grow(task, limit))
        except TimeoutError:
            return self._failed(Failure(code="deadline"))
        except Refused as refused:
            return self._failed(Failure(code="no_plan", message=refused.say(task.language)))
        except Exception:  # whatever it is, this request must neither stop the others nor come back for ever
            log.exception("planning_crashed", task=task.id, trace=task.trace_id)
            return self._failed(
                Failure(code="error", message=say("error.internal", task.language, trace=task.trace_id))
            )
        if plan.question is not None and not plan.nodes:
            return QuestionAsked(question=plan.question, at=self._now(), by=self._name)
        return Planned(plan=plan, at=self._now(), by=self._name)

    def _failed(self, failure: Failure) -> PlanFailed:
        return PlanFailed(failure=failure, at=self._now(), by=self._name)

    def _grow(self, task: Task, limit: asyncio.Timeout) -> Grow:
        """Commits nodes; ends the planning at once when the task was ended, or taken over, meanwhile."""

        async def grow(nodes: Sequence[Node], author: str) -> None:
            event = PlanGrew(nodes=tuple(nodes), author=author, at=self._now(), by=self._name)
            row, is_new = await self._committed(task.id, event)
            if row is None or row.planned_at is not None or row.claimed_by != self._name:
                with suppress(RuntimeError):  # ended already; it may go on for somebody else who asked the same
                    limit.reschedule(asyncio.get_running_loop().time())
            elif is_new:
                await self.announce(row)

        return grow

    async def _committed(self, task_id: str, event: Event) -> _Commit:
        """Apply an event. A plan is paid for: the database is waited for."""

        def work(uow: UnitOfWork) -> _Commit:
            task = uow.tasks.lock([task_id]).get(task_id)
            after = step(task, event)[0] if task else None
            is_new = after is not None and after is not task
            return _Commit(uow.tasks.put(after) if after and is_new else task, is_new)

        while True:
            try:
                return await self._outside.store.transact(work)
            except StoreDown as error:
                log.warning("plan_waits_for_store", task=task_id, error=str(error), cause=repr(error.__cause__))
                await self._outside.clock.sleep(PAUSE_S)

    def _now(self) -> datetime:
        return self._outside.clock.now()
