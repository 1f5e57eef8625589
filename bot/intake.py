"""From a chat message to a committed task. Only what is committed was accepted; telling anybody comes after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Literal

import structlog

from bot.aftermath import tell
from bot.request_text import request_text
from domain.again import is_again
from domain.answer import Answer
from domain.card import Card
from domain.chat import ChatMessage
from domain.errors import Refused
from domain.events import Effect, Planned, QuestionAnswered, Settle
from domain.ids import TASK_ID_BITS, task_id
from domain.messages import Nudge
from domain.plan import Plan
from domain.ports import Clock, ControlBus, Entropy, Store, UnitOfWork
from domain.progress import step
from domain.task import Scope, Subtask, Task
from domain.texts import language_of

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The message is a task, now or since an earlier arrival of the same update; or, with `is_reply`, the answer to a
    task's question."""

    task_id: str
    is_new: bool
    is_reply: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Said at once, without a task: plain text, and for a platform that can draw them a card and an answer.

    `is_refusal` is whether the message could not be accepted.
    """

    text: str = ""
    card: Card | None = None
    answer: Answer | None = None
    is_refusal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeSettings:
    """`tenant` owns everything that comes in here; `deadline_s` is how long a task may take in all."""

    tenant: str = "local"
    deadline_s: float = 1800.0


class Intake:
    """Takes messages in.

    Args:
        store: where tasks are committed.
        bus: whom to nudge afterwards.
        clock: the time of acceptance.
        entropy: task and trace ids.
        settings: tenant and deadline.
    """

    def __init__(self, store: Store, bus: ControlBus, clock: Clock, entropy: Entropy, settings: IntakeSettings) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._entropy = entropy
        self._settings = settings

    def scope_of(self, message: ChatMessage) -> Scope:
        """Who owns what comes of this message."""
        return message.scope(self._settings.tenant)

    async def hear(self, message: ChatMessage) -> Accepted | Reply:
        """Take plain text: as the reply, when a task of this user asks something in this chat, else as a request. The
        same update twice is the same reply.

        Raises StoreDown when nothing was kept: then the update must not be acknowledged.
        """
        try:
            text = request_text(message.text)
        except Refused as refused:
            return Reply(text=refused.say(language_of(message.text)), is_refusal=True)
        answered = await self._store.transact(partial(self._reply, message=message, text=text))
        if answered is None:
            return await self.receive(message)
        accepted, effects = answered
        if accepted.is_reply:
            log.info("question_answered", task=accepted.task_id)
            await tell(self._bus, accepted.task_id, effects)
        return accepted

    def _reply(self, uow: UnitOfWork, message: ChatMessage, text: str) -> tuple[Accepted, tuple[Effect, ...]] | None:
        """What was answered; None when nothing was asked."""
        asking = uow.tasks.asking(self.scope_of(message), message.route)
        task = uow.tasks.lock([asking]).get(asking) if asking else None
        if task is None:
            return None
        replied, effects = step(task, QuestionAnswered(reply=text, at=self._clock.now()))
        if replied is task:
            return None
        earlier = uow.inbox.claim(message.platform, message.bot_id, message.update_key, task.id)
        if earlier is not None:
            return Accepted(task_id=earlier, is_new=False), ()
        uow.tasks.put(replied)
        return Accepted(task_id=task.id, is_new=False, is_reply=True), effects

    async def receive(
        self, message: ChatMessage, retry_of: str | None = None, *, is_fresh: bool = False
    ) -> Accepted | Reply:
        """Take a message as a request to be planned. The same update twice is the same task.

        Args:
            message: the request.
            retry_of: the task this one tries again.
            is_fresh: no kept plan, answer or result may be used for it; so too if the text asks for something anew.

        Raises StoreDown when nothing was kept: then the update must not be acknowledged.
        """
        try:
            task = replace(self._new_task(message, retry_of), is_fresh=is_fresh or is_again(message.text))
        except Refused as refused:
            return Reply(text=refused.say(language_of(message.text)), is_refusal=True)
        return await self._commit(message, task, "received")

    async def submit_plan(
        self,
        message: ChatMessage,
        plan: Plan,
        carried: Mapping[str, Subtask] = MappingProxyType({}),
        retry_of: str | None = None,
    ) -> Accepted:
        """Take a message whose plan is already there. The same update twice is the same task.

        Args:
            message: whose it is; its text is kept as the request.
            plan: a checked plan.
            carried: subtasks that ended in the task `retry_of` and need not run again.
            retry_of: the task this one tries again.

        Raises Refused for a text that cannot be a request, StoreDown when nothing was kept.
        """
        received = self._new_task(message, retry_of)
        task, effects = step(received, Planned(plan=plan, at=received.created_at, carried=carried))
        is_settled = any(isinstance(effect, Settle) for effect in effects)
        return await self._commit(message, task, "settled" if is_settled else "planned")

    def _new_task(self, message: ChatMessage, retry_of: str | None) -> Task:
        request = request_text(message.text)
        now = self._clock.now()
        return Task(
            id="",  # drawn inside the transaction, where it can be seen to be free
            scope=self.scope_of(message),
            route=message.route,
            request=request,
            language=language_of(request),
            trace_id=f"{self._entropy.bits(128) or 1:032x}",
            created_at=now,
            deadline_at=now + timedelta(seconds=self._settings.deadline_s),
            retry_of=retry_of,
        )

    async def _commit(
        self, message: ChatMessage, task: Task, news: Literal["received", "planned", "settled"]
    ) -> Accepted:
        def work(uow: UnitOfWork) -> Accepted:
            fresh = self._free_id(uow)
            earlier = uow.inbox.claim(message.platform, message.bot_id, message.update_key, fresh)
            if earlier is not None:
                return Accepted(task_id=earlier, is_new=False)
            uow.tasks.add(replace(task, id=fresh))
            return Accepted(task_id=fresh, is_new=True)

        accepted = await self._store.transact(work)
        log.info("message_accepted", task=accepted.task_id, is_new=accepted.is_new, trace=task.trace_id)
        if accepted.is_new:
            kinds: tuple[Literal["received", "planned", "settled", "changed"], ...] = (news, "changed")
            await self._bus.nudge([Nudge(kind=kind, task_id=accepted.task_id) for kind in kinds])
        return accepted

    def _free_id(self, uow: UnitOfWork) -> str:
        drawn = task_id(self._entropy.bits(TASK_ID_BITS))
        while uow.tasks.peek(drawn) is not None:
            drawn = task_id(self._entropy.bits(TASK_ID_BITS))
        return drawn
