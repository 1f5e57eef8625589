"""Shows tasks where they came from: the newest card, edits spaced out, and the answer once.

What is shown is one thing, what was done another: a platform that is down delays this loop and nothing else.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import structlog

from bot.platform import ChatPlatform
from domain.answer import Answer
from domain.card import card_of
from domain.errors import Malformed, Refused, StoreDown, Unavailable, XingshuError
from domain.messages import Nudge
from domain.ports import Clock, ControlBus, Delivery, Store
from domain.task import Route

log = structlog.get_logger()

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
MAX_PAUSE_S = 300.0
KEPT = 500  # cards whose drafts are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """`sweep_s`: how long a lost nudge can delay a card. `limit`: tasks looked at in one go."""

    sweep_s: float = 5.0
    limit: int = 100


class DeliveryLoop:
    """Delivers for one bot.

    Args:
        store: what is to be shown, and what has been.
        bus: wakes the loop.
        clock: for spacing edits and retries.
        platform: the bot.
        settings: the numbers.
    """

    def __init__(
        self,
        store: Store,
        bus: ControlBus,
        clock: Clock,
        platform: ChatPlatform,
        settings: DeliverySettings = DeliverySettings(),
    ) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._platform = platform
        self._settings = settings
        self._awake = asyncio.Event()
        self._edited_at: dict[str, datetime] = {}  # by task: whose turn it is in a chat
        self._chat_rests_until: dict[Route, datetime] = {}
        self._task_rests_until: dict[str, datetime] = {}  # after a failure
        self._sent: set[str] = set()  # answers that are out, but not recorded yet
        self._shown: dict[str, Delivery] = {}  # cards that are out, by task
        self._drafts: dict[str, str] = {}  # of their answers, not shown yet

    async def run(self) -> NoReturn:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._nudges())
            group.create_task(self._sweeps())
        raise AssertionError("the loops never end")

    async def _nudges(self) -> None:
        async with self._bus.nudges("changed", "settled", "answered", "draft") as nudges:
            self._awake.set()  # for what happened before anybody listened
            while True:
                for arrival in await nudges.batch(self._settings.limit):
                    self._hear(arrival.message)
                self._awake.set()

    def _hear(self, message: Nudge | Malformed) -> None:
        """Keep the newest draft of an answer, if its card is ours. It is in no row: what is lost is lost."""
        if isinstance(message, Nudge) and message.kind == "draft" and message.task_id in self._shown:
            self._drafts[message.task_id] = message.text

    async def _sweeps(self) -> None:
        while True:
            self._awake.clear()
            pause_s = await self._sweep()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._awake.wait()

    async def _sweep(self) -> float:
        """Show all that is due. Returns how many seconds may pass until something is due again."""
        try:
            pending = await self._store.transact(
                lambda uow: uow.deliveries.pending(self._platform.name, self._platform.bot_id, self._settings.limit)
            )
            drafted = [self._shown[task_id] for task_id in self._drafts if task_id in self._shown]
            waiting = {delivery.task.id: delivery for delivery in (*drafted, *pending)}.values()
            for delivery in sorted(waiting, key=lambda one: self._edited_at.get(one.task.id, LONG_AGO)):
                if self._due_at(delivery) <= self._clock.now():
                    await self._deliver(delivery)
        except StoreDown as error:
            log.warning("delivery_waits", platform=self._platform.name, error=str(error))
            return self._settings.sweep_s
        now = self._clock.now()
        waits = [(self._due_at(delivery) - now).total_seconds() for delivery in waiting]
        return min([self._settings.sweep_s, *(wait for wait in waits if wait > 0)])

    def _due_at(self, delivery: Delivery) -> datetime:
        """When it may be shown. A first card, a question and an answer do not wait for the chat's turn."""
        task = delivery.task
        rested = self._task_rests_until.get(task.id, LONG_AGO)
        is_edit = delivery.platform_message_id is not None and task.answer is None and task.question is None
        return max(rested, self._chat_rests_until.get(task.route, LONG_AGO)) if is_edit else rested

    async def _deliver(self, delivery: Delivery) -> None:
        task = delivery.task
        try:
            message_id = delivery.platform_message_id
            is_news = delivery.shown_version < task.version or task.id in self._drafts
            if is_news and task.id not in self._sent:
                message_id = await self._show_card(delivery)
            if task.answer is not None:
                await self._send_answer(delivery, task.answer, message_id)
        except StoreDown:
            raise
        except (Unavailable, Refused) as error:
            await self._put_off(delivery, error)

    async def _show_card(self, delivery: Delivery) -> str:
        task, now = delivery.task, self._clock.now()
        heard = self._drafts.pop(task.id, "")
        draft = heard if task.settled_at and task.answer is None else ""
        card = card_of(task, now, draft)
        message_id = await self._platform.show_card(task.route, card, delivery.platform_message_id)
        self._keep(replace(delivery, shown_version=task.version, platform_message_id=message_id))
        self._edited_at[task.id] = now
        self._chat_rests_until = {route: until for route, until in self._chat_rests_until.items() if until > now}
        self._chat_rests_until[task.route] = now + timedelta(seconds=self._platform.min_edit_interval_s)
        await self._store.transact(lambda uow: uow.deliveries.shown(task.id, task.version, message_id))
        return message_id

    def _keep(self, delivery: Delivery) -> None:
        """Remember where a card is, for drafts; the oldest are forgotten."""
        self._shown.pop(delivery.task.id, None)
        self._shown[delivery.task.id] = delivery
        if len(self._shown) > KEPT:
            del self._shown[next(iter(self._shown))]

    async def _send_answer(self, delivery: Delivery, answer: Answer, message_id: str | None) -> None:
        """Send, then record: an answer that was recorded first and then lost with the process would never be seen.

        Dying in between sends it again. A chat writes to the same message, so nobody sees two; a terminal prints it
        in its next session, and the one it was printed in before is gone."""
        task = delivery.task
        if task.id not in self._sent:
            await self._platform.send_answer(task.route, task, answer, message_id)
            self._sent.add(task.id)
        await self._store.transact(lambda uow: uow.deliveries.delivered(task.id, self._clock.now()))
        for by_task in (self._edited_at, self._task_rests_until, self._shown, self._drafts):
            by_task.pop(task.id, None)
        self._sent.discard(task.id)
        log.info("answer_delivered", task=task.id, platform=self._platform.name, trace=task.trace_id)

    async def _put_off(self, delivery: Delivery, error: XingshuError) -> None:
        task = delivery.task
        log.warning("delivery_failed", task=task.id, platform=self._platform.name, error=str(error))
        pause_s = min(MAX_PAUSE_S, 2.0 ** min(delivery.tries, 10))
        self._task_rests_until[task.id] = self._clock.now() + timedelta(seconds=pause_s)
        await self._store.transact(lambda uow: uow.deliveries.failed(task.id, str(error)))
