"""One task that this planner holds: it is planned outside of any transaction, and what comes of it is committed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import structlog

from domain.errors import ModelDown, Refused, StoreDown
from domain.events import Event, ModelGone, PlanFailed, PlanGrew, Planned, QuestionAsked
from domain.messages import Nudge
from domain.plan import Node, Plan
from domain.ports import Clock, ControlBus, Entropy, Store, UnitOfWork
from domain.progress import step
from domain.task import Failure, Task
from domain.texts import say
from planner.authoring import Grow
from planner.request import PlanRequest

log = structlog.get_logger()

PAUSE_S = 1.0  # while the database is away

PlanWith = Callable[[Task, PlanRequest, Grow], Awaitable[Plan]]
"""Plans one request of a task, whose owner nothing else may be shown to. What is given to `Grow` is committed at once.
Raises Refused with the sentence for the person; ModelDown with it when a model may find a plan later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What stands around the planner."""

    store: Store
    bus: ControlBus
    clock: Clock
    entropy: Entropy


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds the tasks: the name of a process, under which they are claimed, and for how many seconds it has a model
    that is away asked again."""

    name: str
    patience_s: float


class _Commit(NamedTuple):
    """The task as it stands after an event, if it is there at all, and whether the event changed it."""

    task: Task | None
    is_new: bool


class Claims:
    """Plans claimed tasks.

    Args:
        outside: where tasks are, and who is told.
        plan_with: plans a request.
        holder: who holds them.
    """

    def __init__(self, outside: Outside, plan_with: PlanWith, holder: Holder) -> None:
        self._outside = outside
        self._plan_with = plan_with
        self._holder = holder
        self._name = holder.name

    async def plan(self, task: Task, request: PlanRequest) -> datetime | None:
        """Have it planned; commit the plan, the question, or why there is neither. Returns when it is to be planned
        again, if no model answers and one is needed."""
        told = log.bind(task=task.id, trace=task.trace_id)
        outcome = await self._outcome(task, request)
        row, is_new = await self._committed(task.id, outcome)
        if row is None or not is_new:
            told.info("planned_in_vain")
            return None
        if row.model_away is not None:
            told.info("plan_waits_for_model", cause=row.model_away.cause, again_at=row.claimed_until)
            await self._nudge(row, ["changed"])
            return row.claimed_until
        for change in outcome.plan.repairs if isinstance(outcome, Planned) else ():
            told.info("plan_repaired", subtask=change.subtask, kind=change.kind, reason=change.reason)
        told.info("task_planned", subtasks=len(row.subtasks), failure=row.failure.code if row.failure else None)
        await self.announce(row)
        return None

    async def announce(self, task: Task) -> None:
        """Tell the other roles how the task stands now."""
        ready = [] if task.question else ["planned"]
        await self._nudge(task, ["settled"] if task.settled_at else [*ready, "changed"])

    async def _nudge(self, task: Task, kinds: Sequence[str]) -> None:
        await self._outside.bus.nudge([Nudge.model_validate({"kind": kind, "task_id": task.id}) for kind in kinds])

    async def _outcome(self, task: Task, request: PlanRequest) -> Event:
        try:
            async with asyncio.timeout(max(0.0, (task.deadline_at - self._now()).total_seconds())) as limit:
                plan = await self._plan_with(task, request, self._grow(task, limit))
        except TimeoutError:
            return self._failed(Failure(code="deadline"))
        except Refused as refused:
            return self._failed(Failure(code="no_plan", message=refused.say(task.language)))
        except ModelDown as down:
            return self._without_model(task, down)
        except Exception:  # whatever it is, this request must neither stop the others nor come back for ever
            log.exception("planning_crashed", task=task.id, trace=task.trace_id)
            return self._failed(
                Failure(code="error", message=say("error.internal", task.language, trace=task.trace_id))
            )
        if plan.question is not None and not plan.nodes:
            return QuestionAsked(question=plan.question, at=self._now(), by=self._name)
        return Planned(plan=plan, at=self._now(), by=self._name)

    def _without_model(self, task: Task, down: ModelDown) -> ModelGone:
        return ModelGone(
            cause=str(down.values.get("detail", "")),
            failure=Failure(code="no_plan", message=down.say(task.language)),
            patience_s=self._holder.patience_s,
            retry_after_s=down.retry_after_s or 0.0,
            jitter=self._outside.entropy.jitter(),
            at=self._now(),
            by=self._name,
        )

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
