"""What the dispatcher tells the world once a turn is committed. Whatever gets lost here a sweep makes again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import takewhile

import structlog

from dispatcher.assignment import Agents, task_message
from dispatcher.policy import Policy
from dispatcher.turn import Decided, Published
from domain import events as e
from domain.errors import Misconfigured, Refused, Unavailable, Unroutable
from domain.ids import SubtaskId, trace_id_of
from domain.messages import Nudge, Order, TaskMessage
from domain.ports import Clock, ControlBus, Entropy, Store, UnitOfWork
from domain.ranking import Durations
from domain.task import SubtaskState

log = structlog.get_logger()

RESEND = 200  # unconfirmed attempts sent again in one go
AT_ONCE = 4  # publishes under way at the same time


class Outgoing:
    """Publishes attempts, remembers which of them the broker confirmed, gives orders, nudges other roles."""

    def __init__(self, store: Store, bus: ControlBus, clock: Clock, entropy: Entropy, policy: Policy) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._entropy = entropy
        self._policy = policy
        self._confirmed: dict[Published, datetime] = {}
        self._publishing = asyncio.Semaphore(AT_ONCE)

    def take_confirmed(self, before: datetime | None = None) -> tuple[Published, ...]:
        """What was confirmed until then, or at all, for the next transaction to write down. Most attempts end earlier
        than that, and then it need not be written."""
        due = takewhile(lambda one: before is None or one[1] <= before, self._confirmed.items())
        confirmed = tuple(name for name, _ in due)
        self.drop_ended(confirmed)
        return confirmed

    def drop_ended(self, attempts: Iterable[Published]) -> None:
        """Forget whether these were confirmed: nobody will ask."""
        for attempt in attempts:
            self._confirmed.pop(attempt, None)

    async def tell(self, decided: Decided) -> None:
        """Give the orders and nudges of a turn."""
        for task_id, order in decided.orders:
            await self._order(task_id, order)
        nudges = [Nudge(kind="settled", task_id=task_id) for task_id in decided.settled]
        nudges += [Nudge(kind="received", task_id=task_id) for task_id in decided.replanned]
        nudges += [Nudge(kind="changed", task_id=task_id) for task_id in decided.changed]
        if nudges:
            await self._bus.nudge(nudges)

    async def publish(self, messages: Sequence[TaskMessage]) -> None:
        """Send attempts. Those not confirmed stay unconfirmed in their rows."""
        async with self._publishing:
            refusals = await self._bus.publish(messages)
        missing: set[str] = set()
        confirmed_at = self._clock.now()
        for message, refusal in zip(messages, refusals, strict=True):
            name = SubtaskId.read(message.task_id)
            if refusal is None and name is not None:
                self._confirmed[name, message.metadata.attempt] = confirmed_at
                continue
            log.warning("dispatch_unconfirmed", subtask=message.task_id, agent=message.target, error=str(refusal))
            if isinstance(refusal, Unroutable):
                missing.add(message.target)
        if missing:
            await self._declare(missing)
        _note(messages)

    async def resend(self, agents: Agents, *, lost_all: bool) -> None:
        """Publish again what the broker never confirmed, or everything it had when it lost its queues."""
        now = self._clock.now()
        if lost_all:
            await self._declare(agents.names)
            self._confirmed.clear()
            await self._store.transact(lambda uow: uow.outbox.forget())
        before = now if lost_all else now - timedelta(seconds=self._policy.republish_s)
        confirmed = self.take_confirmed()
        messages = await self._store.transact(
            partial(self._unpublished, before=before, confirmed=confirmed, durations=agents.durations)
        )
        if messages:
            log.info("dispatching_again", attempts=len(messages))
            await self.publish(messages)

    def _unpublished(
        self, uow: UnitOfWork, before: datetime, confirmed: Sequence[Published], durations: Durations
    ) -> list[TaskMessage]:
        uow.outbox.confirm(confirmed, self._clock.now())
        messages: list[TaskMessage] = []
        for name, attempt in uow.outbox.unpublished(before, RESEND):
            task = uow.tasks.peek(name.task)
            sub = task.subtasks.get(name.key) if task else None
            if task is None or sub is None or sub.attempt != attempt or sub.state is not SubtaskState.DISPATCHED:
                continue
            try:
                messages.append(task_message(task, name.key, self._policy, self._entropy.bits(64), durations))
            except Refused as refused:
                log.warning("dispatch_refused", subtask=str(name), error=str(refused))
        return messages

    async def _declare(self, agents: set[str]) -> None:
        """Make their queues anew. One that stands otherwise on the broker is its agent's trouble, and nobody else's."""
        try:
            await self._bus.declare(agents)
        except (Unavailable, Misconfigured) as error:
            log.warning("declare_failed", agents=sorted(agents), error=str(error))

    async def _order(self, task_id: str, order: e.Grant | e.Stop) -> None:
        kind = "grant" if isinstance(order, e.Grant) else "stop"
        name = str(SubtaskId(task_id, order.key))
        worker = order.lease.worker
        told = await self._bus.order(order.agent, worker, Order(type=kind, task_id=name, exec_id=order.lease.exec_id))
        log.info("worker_told", order=kind, subtask=name, agent=order.agent, worker=worker, told=told)


def _note(messages: Sequence[TaskMessage]) -> None:
    """A line for each where somebody wants to read them; even one that is not written costs as much as its SQL."""
    told = log.bind()
    if told.is_enabled_for(logging.DEBUG):
        for message in messages:
            trace, attempt = trace_id_of(message.metadata.traceparent), message.metadata.attempt
            told.debug(
                "attempt_dispatched", trace=trace, subtask=message.task_id, agent=message.target, attempt=attempt
            )
