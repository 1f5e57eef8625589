"""What happens to tasks, apart from what is shown of it: asked, planned, worked on, answered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from bot.drawing.cards import card_post, same_but_for_time
from bot.platform import Traits
from bot.post import Post
from domain import events as e
from domain.answer import Answer, Author, Statement
from domain.card import card_of
from domain.messages import Nudge
from domain.plan import Node, Plan
from domain.ports import Arrival, Store, UnitOfWork
from domain.progress import run
from domain.skill import Effect
from domain.task import Lease, Result, Route, Scope, SubtaskState, Task
from tests.virtual_time import LoopClock


class Bus:
    """Nudges, some of which get lost."""

    def __init__(self, random: Random, loss: float = 0.01) -> None:
        self._random = random
        self._loss = loss
        self._listeners: list[asyncio.Queue[Nudge]] = []

    async def nudge(self, nudges: Sequence[Nudge]) -> None:
        for nudge in nudges:
            for queue in self._listeners:
                if self._random.random() >= self._loss:
                    queue.put_nowait(nudge)

    def nudges(self, *_kinds: str) -> Any:
        return _Listening(self._listeners)


class _Listening:
    def __init__(self, listeners: list[asyncio.Queue[Nudge]]) -> None:
        self._listeners = listeners
        self._queue: asyncio.Queue[Nudge] = asyncio.Queue()

    async def __aenter__(self) -> _Listening:
        self._listeners.append(self._queue)
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._listeners.remove(self._queue)

    async def batch(self, limit: int) -> list[Arrival[Nudge]]:
        nudges = [await self._queue.get()]
        while not self._queue.empty() and len(nudges) < limit:
            nudges.append(self._queue.get_nowait())
        return [Arrival(message=one, sender="", redelivered=False, reason=None, tag=None) for one in nudges]


@dataclass
class Story:
    """All tasks of a simulation.

    Args:
        random: all chance.
        store: the rows.
        bus: who hears of changes.
        chats: their ids; those of groups begin with a dash.
        over_s: the tasks are asked within so many seconds.
        traits: what cards are drawn for.
        changes: by task, when which version came to be that a card looks different for, until a card shows it.
        answers: what each task was answered, and when.
    """

    random: Random
    store: Store
    bus: Bus
    chats: Sequence[str]
    over_s: float
    traits: Traits
    tasks: dict[str, Task] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    routes: dict[str, Route] = field(default_factory=dict)
    changes: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    answers: dict[str, tuple[str, float]] = field(default_factory=dict)
    asked_at: dict[str, float] = field(default_factory=dict)
    clock: LoopClock = field(default_factory=LoopClock)

    async def one(self, number: int) -> None:
        """The life of one task."""
        random = self.random
        await asyncio.sleep(random.uniform(0, self.over_s))
        task_id = await self._asked(number)
        await asyncio.sleep(random.uniform(0.05, 2.0))
        await self._happens(task_id, e.PlanningStarted(until=self._later(600), by="p"))
        await asyncio.sleep(random.uniform(0.5, 6.0))
        kind = random.random()
        if kind < 0.03:
            await self._asks_back(task_id)
        if kind > 0.85:
            await self._is_answered(task_id, Plan(answer="hello"))
            return
        plan = _plan(random, needs_approval=kind < 0.08)
        await self._happens(task_id, e.Planned(plan=plan, at=self.clock.now(), by="p"))
        async with asyncio.TaskGroup() as group:
            for key in self.tasks[task_id].subtasks:
                group.create_task(self._works(task_id, key))
        await self._is_answered(task_id)

    # --- its parts ----------------------------------------------------------------------------------------------------

    async def _asked(self, number: int) -> str:
        task_id = f"{number:06}"
        chat, now = self.random.choice(self.chats), self.clock.now()
        route = Route(platform="fake", bot_id="b1", chat_id=chat, reply_to=f"r{number}", is_group=chat.startswith("-"))
        task = Task(
            id=task_id,
            scope=Scope(tenant="local", owner=f"fake:{chat}"),
            route=route,
            request=f"request number {number}",
            language=self.random.choice(["en", "zh"]),
            trace_id=f"{number + 1:032x}",
            created_at=now,
            deadline_at=now + timedelta(hours=5),
        )
        await self.store.transact(lambda uow: uow.tasks.add(task))
        self.ids.append(task_id)
        self.tasks[task_id] = task
        self.routes[task_id] = route
        self.asked_at[task_id] = _time()
        self.changes[task_id] = [(_time(), 0)]
        await self.bus.nudge([Nudge(kind="changed", task_id=task_id)])
        return task_id

    async def _asks_back(self, task_id: str) -> None:
        await self._happens(task_id, e.QuestionAsked(question="Which one?", at=self.clock.now(), by="p"))
        await asyncio.sleep(self.random.uniform(3, 60))
        await self._happens(task_id, e.QuestionAnswered(reply="that one", at=self.clock.now()))
        await self._happens(task_id, e.PlanningStarted(until=self._later(600), by="p"))

    async def _works(self, task_id: str, key: str) -> None:
        """One step: it waits for those before it, perhaps for a person, is sent and run."""
        while self.tasks[task_id].subtasks[key].state is not SubtaskState.READY:  # noqa: ASYNC110 -- time is free here
            await asyncio.sleep(0.5)
        plan = self.tasks[task_id].plan
        if plan is not None and plan.by_id[key].needs_approval:
            await asyncio.sleep(self.random.uniform(2, 120))
            await self._happens(task_id, e.Approved(at=self.clock.now(), keys=frozenset({key})))
        now = self.clock.now()
        released = e.Released(key=key, agent="agent", at=now, due_at=self._later(900))
        lease = Lease(exec_id="x", worker="w", until=self._later(900))
        started = e.Started(key=key, attempt=1, lease=lease, at=now, due_at=self._later(900))
        await self._happens(task_id, released, started)
        await asyncio.sleep(self.random.choice([0.3, 1.0, 3.0, 8.0, 20.0]) * self.random.uniform(0.5, 1.5))
        result = Result(summary="done", output={"n": 1})
        done = e.Succeeded(key=key, attempt=1, exec_id="x", agent="agent", result=result, at=self.clock.now())
        await self._happens(task_id, done)

    async def _is_answered(self, task_id: str, plan: Plan | None = None) -> None:
        """Sometimes it takes a while to write, and everybody may read along."""
        now, random = self.clock.now(), self.random
        if plan is None:
            for part in range(random.choice([0, 0, 3])):
                await self.bus.nudge([Nudge(kind="draft", task_id=task_id, text=f"so far {part}")])
                await asyncio.sleep(1.0)
        paragraphs = [
            f"Paragraph {part} " + "word " * random.choice([3, 10, 40]) for part in range(random.choice([1, 2, 9]))
        ]
        text = "\n\n".join([f"answer of {task_id}", *(f"{paragraph}end." for paragraph in paragraphs)])
        files = ("chart.png",) if random.random() < 0.1 else ()
        answer = Answer(statements=(Statement(text=text),), author=Author.RULES, files=files)
        planned = [e.Planned(plan=plan, at=now, by="p")] if plan else []
        self.answers[task_id] = text, _time()
        await self._happens(task_id, *planned, e.Answered(answer=answer, at=self.clock.now()), kind="answered")

    async def _happens(self, task_id: str, *events: e.Event, kind: Any = "changed") -> None:
        def work(uow: UnitOfWork) -> Task:
            task, _ = run(uow.tasks.lock([task_id])[task_id], events)
            return uow.tasks.put(task)

        before = self.tasks[task_id]
        self.tasks[task_id] = after = await self.store.transact(work)
        if not same_but_for_time(self._look(before), self._look(after)):
            self.changes[task_id].append((_time(), after.version))
        await self.bus.nudge([Nudge(kind=kind, task_id=task_id)])

    def _look(self, task: Task) -> Post:
        return card_post(card_of(task, self.clock.now()), self.traits)

    def _later(self, seconds: float) -> datetime:
        return self.clock.now() + timedelta(seconds=seconds)


def _plan(random: Random, *, needs_approval: bool) -> Plan:
    count = random.choice([1, 1, 2, 2, 3, 4, 6])
    keys = [f"s{place}" for place in range(count)]
    nodes = [
        Node(
            id=key,
            skill="work",
            name=f"Step {key}",
            dependencies=(keys[place - 1],) if place and random.random() < 0.7 else (),
            effect=Effect.EXTERNAL if needs_approval and place == 0 else Effect.NONE,
        )
        for place, key in enumerate(keys)
    ]
    return Plan(nodes=tuple(nodes))


def _time() -> float:
    return asyncio.get_running_loop().time()
