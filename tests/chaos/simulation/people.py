"""Those who ask, and the chat they ask in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from domain import events as e
from domain.chat import ChatMessage
from domain.ports import Clock, UnitOfWork
from domain.progress import step
from domain.task import FINAL_TASK, Task, TaskState
from tests.chaos.simulation.chance import Chance
from tests.chaos.simulation.database import WatchedDatabase
from tests.twins.store import MemoryStore

BOT = "b1"
PLATFORM = "fake"


@dataclass
class Updates:
    """What was said and not acknowledged. A platform gives it again and again, in any order."""

    chance: Chance
    waiting: dict[str, ChatMessage] = field(default_factory=dict)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    count: int = 0

    def said(self, message: ChatMessage) -> None:
        self.waiting[message.update_key] = message
        self.came.set()

    async def next(self) -> ChatMessage:
        while not self.waiting:
            self.came.clear()
            await self.came.wait()
        return self.chance.choice(list(self.waiting.values()))

    def acknowledged(self, message: ChatMessage) -> None:
        """Most of the time it is not said again."""
        if not self.chance.goes_wrong(0.15):
            self.waiting.pop(message.update_key, None)


class Person:
    """Asks one thing, says what is asked back, allows what is to be allowed; sometimes thinks better of it."""

    def __init__(self, number: int, updates: Updates, database: WatchedDatabase, clock: Clock) -> None:
        self._request = f"do work {number}"
        self._chat_id = str(100 + number)
        self._user_id = updates.chance.choice(("7", "8"))
        self._updates = updates
        self._database = database
        self._store = MemoryStore(database, clock)
        self._clock = clock
        self._has_replied = False

    @property
    def request(self) -> str:
        return self._request

    async def lives(self, asks_at: float) -> None:
        """Until it is over."""
        chance = self._updates.chance
        await asyncio.sleep(asks_at)
        self._says(self._request)
        patience_s = chance.between(0, 80) if chance.happens(0.2) else 1e9
        began_at = asyncio.get_running_loop().time()
        while (task := self._task()) is None or task.state not in FINAL_TASK:
            await asyncio.sleep(chance.between(0.5, 5.0))
            if task is not None:
                self._minds(task, asyncio.get_running_loop().time() - began_at > patience_s)

    def _minds(self, task: Task, is_impatient: bool) -> None:  # noqa: FBT001 -- one caller
        now, chance = self._clock.now(), self._updates.chance
        if is_impatient:
            self._happens(task.id, e.CancelRequested(at=now))
        if task.question is not None and not self._has_replied:
            self._has_replied = True
            self._says("that one")
        elif task.state is TaskState.WAITING and chance.happens(0.5):
            waiting = frozenset(key for key, sub in task.subtasks.items() if not sub.approved)
            denied = e.Denied(keys=waiting, at=now)
            self._happens(task.id, denied if chance.happens(0.15) else e.Approved(at=now))

    def _task(self) -> Task | None:
        return next((task for task in self._database.tasks.values() if task.request == self._request), None)

    def _says(self, text: str) -> None:
        self._updates.count += 1
        key = str(self._updates.count)
        message = ChatMessage(
            platform=PLATFORM,
            bot_id=BOT,
            chat_id=self._chat_id,
            user_id=self._user_id,
            update_key=key,
            text=text,
            received_at=self._clock.now(),
            message_id=key,
        )
        self._updates.said(message)

    def _happens(self, task_id: str, event: e.Event) -> None:
        def work(uow: UnitOfWork) -> None:
            task = uow.tasks.lock([task_id])[task_id]
            after, _ = step(task, event)
            if after is not task:
                uow.tasks.put(after)

        self._store.transacted(work)
