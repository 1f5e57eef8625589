"""Taking messages from an agent's queue: never more than can be run soon, and each one exactly one way out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import structlog

from agents.execution import Delivery, Desk, Execution
from agents.intake import Intake
from agents.leases import Leases
from agents.pace import Pace, Slots
from agents.reporter import Reason, label_log
from agents.surroundings import Identity, Ports
from domain.errors import Malformed, Unavailable
from domain.lives import exec_id
from domain.messages import TaskMessage
from domain.ports import Arrival

log = structlog.get_logger()

RECONNECT_PAUSE_S = 1.0


class Consumption:
    """Feeds one agent's messages to executions until `stop`.

    A subscription is left when lasting work holds every slot, because a message that waits here could run
    elsewhere, and when the pace asks for a smaller prefetch.
    """

    def __init__(self, identity: Identity, ports: Ports, desk: Desk, leases: Leases) -> None:
        self._identity = identity
        self._ports = ports
        self._desk = desk
        self._leases = leases
        self._pace = Pace(desk.limits.slots, desk.limits.prefetch)
        self._slots = Slots(desk.limits.slots, self._pace)
        self._is_stopping = False
        self._waiting: asyncio.Task[None] | None = None

    async def run(self, group: asyncio.TaskGroup) -> None:
        """Consume; executions live in `group`, which outlives subscriptions."""
        while not self._is_stopping:
            try:
                await self._unless_stopped(self._slots.until_free())
                async with self._ports.bus.tasks(self._identity.agent, self._pace.prefetch) as subscription:
                    await self._session(Intake(subscription), group)
            except* Unavailable as errors:
                log.warning("consumption_interrupted", agent=self._identity.agent, error=str(errors.exceptions[0]))
                await self._unless_stopped(self._ports.clock.sleep(RECONNECT_PAUSE_S))

    def stop(self) -> None:
        """Take nothing more; what came and was not begun is handed back."""
        self._is_stopping = True
        if self._waiting is not None:
            self._waiting.cancel()

    async def _unless_stopped(self, wait: Coroutine[Any, Any, None]) -> None:
        """Wait for something that `stop` cuts short."""
        async with asyncio.TaskGroup() as group:
            self._waiting = group.create_task(wait)
            if self._is_stopping:
                self._waiting.cancel()

    async def _session(self, intake: Intake, group: asyncio.TaskGroup) -> None:
        async with asyncio.TaskGroup() as settling:
            settle = settling.create_task(intake.settle())
            await self._unless_stopped(self._fetch(intake, group))
            await intake.until_settled()
            await self._give_back_unbegun(intake)
            await intake.until_settled()
            settle.cancel()

    async def _fetch(self, intake: Intake, group: asyncio.TaskGroup) -> None:
        """Begin what comes, while this subscription suits the work."""
        prefetch = self._pace.prefetch
        while self._pace.prefetch >= prefetch and not self._slots.is_crowded:
            if self._pace.prefetch > prefetch:
                prefetch = self._pace.prefetch
                await intake.widen(prefetch)
            for arrival in await intake.batch(self._slots.free):
                message = self._runnable(intake, arrival, group)
                if message is not None:
                    delivery = Delivery(message=message, ack=partial(intake.ack, arrival), slot=self._slots.take())
                    group.create_task(self._execute(delivery))
            await self._slots.until_free_or_crowded()

    async def _give_back_unbegun(self, intake: Intake) -> None:
        """What lies here and was not begun runs elsewhere, or here later."""
        arrivals: Sequence[Arrival[TaskMessage]] = ()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._desk.limits.sweep_s):
                arrivals = await intake.batch(max(self._desk.limits.prefetch, self._desk.limits.slots))
        # An ack would bring another message here, to be given back in its turn. One that is left comes again as
        # redelivered, of an attempt that is over by then.
        reason: Reason
        reason, settle = ("draining", intake.ack) if self._is_stopping else ("busy", intake.leave)
        async with asyncio.TaskGroup() as group:
            for arrival in arrivals:
                message = self._runnable(intake, arrival, group)
                if message is not None:
                    group.create_task(self._hand_back(message, reason, partial(settle, arrival)))

    def _runnable(self, intake: Intake, arrival: Arrival[TaskMessage], group: asyncio.TaskGroup) -> TaskMessage | None:
        """The message, if it may be run. A redelivered one may have been begun before, so it never is again."""
        if isinstance(arrival.message, Malformed):
            log.warning("message_rejected", agent=self._identity.agent, reason=str(arrival.message))
            intake.reject(arrival)
            return None
        if arrival.redelivered:
            group.create_task(self._hand_back(arrival.message, "redelivered", partial(intake.ack, arrival)))
            return None
        return arrival.message

    async def _hand_back(self, message: TaskMessage, reason: Reason, settle: Callable[[], None]) -> None:
        label_log(message)
        await self._desk.reporter.hand_back(message, reason)
        settle()

    async def _execute(self, delivery: Delivery) -> None:
        label_log(delivery.message)
        execution = Execution(exec_id(self._identity.incarnation, self._ports.entropy.bits(64)), delivery, self._desk)
        self._leases.add(execution)
        try:
            await execution.run()
        finally:
            self._leases.remove(execution)
