"""The bot's surroundings in tests: a real store in memory, a bus that remembers, platforms that remember."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot.access import Access, AccessSettings
from bot.commands import Commands, Means
from bot.controls import Controls
from bot.intake import Intake, IntakeSettings
from bot.reply import Accepted
from bot.scheduling.book import BookSettings, ScheduleBook
from domain import events as e
from domain.answer import Answer, Author, Statement
from domain.chat import ChatMessage
from domain.errors import StoreDown, XingshuError
from domain.messages import Nudge, Order
from domain.people import Person, Role
from domain.plan import Node, Plan
from domain.ports import Arrival, Store, UnitOfWork
from domain.progress import run
from domain.task import Lease, Result, Scope, Task
from domain.texts import Language
from storage import open_store
from tests.fakes import CountingEntropy, FakeClock
from tests.unit.bot.platform_twin import FakePlatform  # noqa: F401 -- for those who need nothing else of it


class Nudges:
    """A subscription fed by hand."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Nudge] = asyncio.Queue()

    async def batch(self, limit: int) -> Sequence[Arrival[Nudge]]:
        nudge = await self.queue.get()
        return [Arrival(message=nudge, sender="", redelivered=False, reason=None, tag=None)]


class FakeControlBus:
    """Remembers what was said; what is nudged reaches whoever listens."""

    def __init__(self) -> None:
        self.nudged: list[tuple[str, str]] = []
        self.orders: list[tuple[str, str, Order]] = []
        self.order_error: XingshuError | None = None
        self.loses_nudges = False
        self._listeners: list[tuple[tuple[str, ...], Nudges]] = []

    async def nudge(self, nudges: Sequence[Nudge]) -> None:
        for nudge in nudges:
            self.nudged.append((nudge.kind, nudge.task_id))
            for kinds, listener in self._listeners:
                if nudge.kind in kinds and not self.loses_nudges:
                    listener.queue.put_nowait(nudge)

    async def order(self, agent: str, worker: str, order: Order) -> bool:
        if self.order_error:
            raise self.order_error
        self.orders.append((agent, worker, order))
        return True

    @asynccontextmanager
    async def nudges(self, *kinds: str) -> AsyncIterator[Nudges]:
        listener = Nudges()
        self._listeners.append((kinds, listener))
        yield listener


class FlakyStore:
    """A store that is down when told."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_down = False
        self.falls_in: int | None = None  # transactions until it goes down
        self.refusals = 0
        self.transactions = 0

    async def transact(self, work: Callable[[UnitOfWork], Any]) -> Any:
        self.transactions += 1
        if self.falls_in is not None:
            self.is_down = self.falls_in <= 0
            self.falls_in -= 1
        if self.is_down:
            self.refusals += 1
            raise StoreDown("error.store_down")
        return await self._store.transact(work)

    async def close(self) -> None:
        await self._store.close()


async def no_preview(_scope: Scope, text: str, language: Language) -> Plan:
    raise AssertionError("nothing is to be planned here")


def person(user: str = "ann", role: Role | None = Role.MEMBER) -> Person:
    return Person(platform="fake", user_id=user, role=role)


@dataclass
class Stage:
    """A bot and all it needs."""

    store: FlakyStore
    bus: FakeControlBus
    clock: FakeClock
    entropy: CountingEntropy
    intake: Intake
    means: Means
    commands: Commands
    controls: Controls
    count: int = 0

    def message(self, text: str, *, user: str = "ann", key: str | None = None) -> ChatMessage:
        self.count += 1
        return ChatMessage(
            platform="fake",
            bot_id="b1",
            chat_id=f"chat-{user}",
            user_id=user,
            update_key=key or f"u{self.count}",
            text=text,
            received_at=self.clock.now(),
        )

    async def say(self, text: str, *, user: str = "ann", role: Role = Role.MEMBER) -> Any:
        message = self.message(text, user=user)
        return await self.commands.receive(message, person(user, role))

    async def accepted(self, plan: Plan | None = None, request: str = "do it", user: str = "ann") -> str:
        """A committed task, with a plan if there is one."""
        message = self.message(request, user=user)
        taken = await (self.intake.submit_plan(message, plan) if plan else self.intake.receive(message))
        assert isinstance(taken, Accepted)
        return taken.task_id

    async def task(self, task_id: str) -> Task:
        found = await self.store.transact(lambda uow: uow.tasks.peek(task_id))
        assert found is not None
        return found

    async def happen(self, task_id: str, *events: e.Event) -> Task:
        """Apply events to a stored task."""

        def work(uow: UnitOfWork) -> Task:
            task, _ = run(uow.tasks.lock([task_id])[task_id], events)
            return uow.tasks.put(task)

        return await self.store.transact(work)

    async def swept(self) -> None:
        """Let whoever is awake look at the rows a few more times."""
        enough = self.store.transactions + 5
        await until(lambda: self.store.transactions >= enough)

    async def answered(self, task_id: str, text: str = "all done") -> Task:
        """Settle what is left and answer."""
        now = self.clock.now()
        answer = Answer(statements=(Statement(text=text),), author=Author.RULES)
        settle = [] if (await self.task(task_id)).settled_at else [e.CancelRequested(at=now)]
        return await self.happen(task_id, *settle, e.Answered(answer=answer, at=now))


@asynccontextmanager
async def stage(
    preview: Callable[[Scope, str, Language], Awaitable[Plan]] = no_preview, clock: Any = None
) -> AsyncIterator[Stage]:
    """Set everything up on an empty database in memory."""
    clock, entropy, bus = clock or FakeClock(), CountingEntropy(), FakeControlBus()
    store = FlakyStore(open_store("sqlite://", clock))
    intake = Intake(store, bus, clock, entropy, IntakeSettings())
    access = Access(store, clock, entropy, AccessSettings())
    book = ScheduleBook(store, clock, entropy, BookSettings(per_person=3))
    means = Means(
        intake=intake, store=store, bus=bus, clock=clock, entropy=entropy, access=access, preview=preview, book=book
    )
    try:
        yield Stage(store, bus, clock, entropy, intake, means, Commands(means), Controls(means))
    finally:
        await store.close()


def plan_of(*names: str, **changes: Any) -> Plan:
    """A chain of nodes."""
    nodes = [
        Node(id=name, skill="say", name=f"Step {name}", dependencies=names[max(0, place - 1) : place], **changes)
        for place, name in enumerate(names)
    ]
    return Plan(nodes=tuple(nodes))


def released(key: str, clock: FakeClock) -> e.Released:
    return e.Released(key=key, agent="agent", at=clock.now(), due_at=clock.now())


def started(key: str, clock: FakeClock) -> e.Started:
    lease = Lease(exec_id="x1", worker="w1", until=clock.now())
    return e.Started(key=key, attempt=1, lease=lease, at=clock.now(), due_at=clock.now())


def succeeded(key: str, clock: FakeClock, result: Result | None = None) -> e.Succeeded:
    result = result or Result(summary=f"{key} is done", output={"n": key})
    return e.Succeeded(key=key, attempt=None, exec_id=None, agent="agent", result=result, at=clock.now())


async def until(condition: Callable[[], Any]) -> None:
    """Let everything run until something is the case; the condition may be a coroutine function."""
    async with asyncio.timeout(10):
        while True:
            found = condition()
            if (await found) if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(0.001)
