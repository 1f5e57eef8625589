"""The ports of a process that is to end at a crash point (`app.failpoints`): each does what it wraps, and tells
before and after. Only made when the setting says so; the loops behind the ports know nothing of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from app.failpoints import Failpoints
from domain.ports import Arrival, Store, Subscription, UnitOfWork

if TYPE_CHECKING:
    from agents.skill import Call, Delegation, Skill
    from bot.platform import Door, Platform, Traits
    from bot.post import Post
    from domain.messages import Hello, Notice, Order, Report, ResultMessage, TaskMessage
    from domain.model import Completion, Prompt
    from domain.ports import AgentBus, ControlBus, Listener, Model
    from domain.task import Attempt, Place, Result, Task, Upload

T = TypeVar("T")
M = TypeVar("M")

Naming = Callable[[str, "Task"], str]
"""What a part of the program did to a task (`add`, `put`), as the act of a crash point."""


class _Tasks(Protocol):
    """What of `domain.ports.Tasks` changes tasks."""

    def add(self, task: Task) -> None: ...

    def put(self, task: Task, attempts: Sequence[Attempt] = ()) -> Task: ...


def _of_bot(how: str, _task: Task) -> str:
    return "intake.commit" if how == "add" else "command.commit"


def _of_planner(_how: str, task: Task) -> str:
    if task.planned_at is not None or task.settled_at is not None or task.question is not None:
        return "planner.plan"
    return "planner.grow" if task.subtasks else "planner.claim"


def _of_dispatcher(_how: str, _task: Task) -> str:
    return "dispatcher.commit"


def _of_aggregator(_how: str, task: Task) -> str:
    return "aggregator.claim" if task.answer is None else "aggregator.answer"


ACTS: Mapping[str, Naming] = {
    "bot": _of_bot,
    "planner": _of_planner,
    "dispatcher": _of_dispatcher,
    "aggregator": _of_aggregator,
}
"""Part of the program -> what its transactions are called; one that changes no task has no crash points."""


class FailingStore:
    """`domain.ports.Store`, as one part of the program uses it. Before: all is done but the commit."""

    def __init__(self, store: Store, part: str, points: Failpoints) -> None:
        self._store = store
        self._name = ACTS[part]
        self._points = points

    async def transact(self, work: Callable[[UnitOfWork], T]) -> T:
        """See the port."""
        acts: dict[str, None] = {}

        def watched(uow: UnitOfWork) -> T:
            acts.clear()
            seen = _Through(uow, tasks=_Through(uow.tasks, **self._noted(uow.tasks, acts)))
            result = work(cast(UnitOfWork, seen))
            for act in acts:
                self._points.reached(f"{act}.before")
            return result

        result = await self._store.transact(watched)
        for act in acts:
            self._points.reached(f"{act}.after")
        return result

    async def close(self) -> None:
        """See the port."""
        await self._store.close()

    def _noted(self, tasks: _Tasks, acts: dict[str, None]) -> dict[str, Callable[..., Any]]:
        def add(task: Task) -> None:
            acts[self._name("add", task)] = None
            tasks.add(task)

        def put(task: Task, attempts: Sequence[Attempt] = ()) -> Task:
            acts[self._name("put", task)] = None
            return tasks.put(task, attempts)

        return {"add": add, "put": put}


class _Through:
    """Something with a few of its attributes replaced."""

    def __init__(self, inner: object, **replaced: object) -> None:
        self._inner = inner
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class FailingSubscription:
    """`domain.ports.Subscription` of messages that are acknowledged."""

    def __init__(self, inner: Subscription[Any], part: str, points: Failpoints) -> None:
        self._inner = inner
        self._part = part
        self._points = points

    async def batch(self, limit: int) -> Sequence[Arrival[Any]]:
        """See the port."""
        arrivals = await self._inner.batch(limit)
        self._points.reached(f"{self._part}.take.after")
        return arrivals

    async def widen(self, prefetch: int) -> None:
        """See the port."""
        await self._inner.widen(prefetch)

    async def ack(self, arrivals: Sequence[Arrival[Any]]) -> None:
        """See the port."""
        self._points.reached(f"{self._part}.ack.before")
        await self._inner.ack(arrivals)
        self._points.reached(f"{self._part}.ack.after")

    async def reject(self, arrivals: Sequence[Arrival[Any]]) -> None:
        """See the port."""
        await self._inner.reject(arrivals)


@asynccontextmanager
async def _subscribed(
    entering: AbstractAsyncContextManager[Subscription[M]], part: str, points: Failpoints
) -> AsyncIterator[Subscription[M]]:
    async with entering as subscription:
        yield FailingSubscription(subscription, part, points)


class FailingControlBus(_Through):
    """`domain.ports.ControlBus`, as the dispatcher uses it."""

    def __init__(self, bus: ControlBus, points: Failpoints) -> None:
        super().__init__(bus)
        self._bus = bus
        self._points = points

    async def publish(self, messages: Sequence[TaskMessage]) -> Sequence[Any]:
        """See the port."""
        self._points.reached("dispatcher.publish.before")
        refusals = await self._bus.publish(messages)
        self._points.reached("dispatcher.publish.after")
        return refusals

    async def order(self, agent: str, worker: str, order: Order) -> bool:
        """See the port."""
        self._points.reached("dispatcher.order.before")
        told = await self._bus.order(agent, worker, order)
        self._points.reached("dispatcher.order.after")
        return told

    def reports(self) -> AbstractAsyncContextManager[Subscription[Report]]:
        """See the port."""
        return _subscribed(self._bus.reports(), "dispatcher", self._points)


class FailingAgentBus(_Through):
    """`domain.ports.AgentBus`."""

    def __init__(self, bus: AgentBus, points: Failpoints) -> None:
        super().__init__(bus)
        self._bus = bus
        self._points = points

    def tasks(self, agent: str, prefetch: int) -> AbstractAsyncContextManager[Subscription[TaskMessage]]:
        """See the port."""
        return _subscribed(self._bus.tasks(agent, prefetch), "agent", self._points)

    async def report(self, agent: str, message: ResultMessage | Notice | Hello) -> None:
        """See the port."""
        self._points.reached(f"agent.{message.type}.before")
        await self._bus.report(agent, message)
        self._points.reached(f"agent.{message.type}.after")


class FailingModel:
    """`domain.ports.Model`."""

    def __init__(self, model: Model, points: Failpoints) -> None:
        self._model = model
        self._points = points

    async def complete(self, prompt: Prompt, listener: Listener | None = None) -> Completion:
        """See the port."""
        self._points.reached(f"model.{prompt.purpose}.before")
        completion = await self._model.complete(prompt, listener)
        self._points.reached(f"model.{prompt.purpose}.after")
        return completion


class FailingSkill:
    """`agents.skill.Skill`. After: whatever it does to the world is done, and nobody was told."""

    def __init__(self, skill: Skill, points: Failpoints) -> None:
        self.spec = skill.spec
        self._skill = skill
        self._points = points

    async def run(self, call: Call) -> Result | Delegation:
        """See the port."""
        self._points.reached("agent.skill.before")
        result = await self._skill.run(call)
        self._points.reached("agent.skill.after")
        return result


class FailingPlatform:
    """`bot.platform.Platform`."""

    def __init__(self, platform: Platform, points: Failpoints) -> None:
        self._platform = platform
        self._points = points

    @property
    def name(self) -> str:
        """See the port."""
        return self._platform.name

    @property
    def bot_id(self) -> str:
        """See the port."""
        return self._platform.bot_id

    @property
    def traits(self) -> Traits:
        """See the port."""
        return self._platform.traits

    async def run(self, door: Door) -> None:
        """See the port."""
        await self._platform.run(door)

    async def send(self, place: Place, post: Post, nonce: str, *, is_repeat: bool = False) -> str:
        """See the port."""
        act = "answer" if post.markdown else "card" if post.card else "stub"
        self._points.reached(f"chat.{act}.before")
        message_id = await self._platform.send(place, post, nonce, is_repeat=is_repeat)
        self._points.reached(f"chat.{act}.after")
        return message_id

    async def edit(self, place: Place, message_id: str, post: Post) -> None:
        """See the port."""
        act = "answer" if post.markdown else "edit"
        self._points.reached(f"chat.{act}.before")
        await self._platform.edit(place, message_id, post)
        self._points.reached(f"chat.{act}.after")

    async def busy(self, place: Place) -> None:
        """See the port."""
        await self._platform.busy(place)

    async def fetch(self, upload: Upload, into: Path) -> None:
        """See the port."""
        await self._platform.fetch(upload, into)
