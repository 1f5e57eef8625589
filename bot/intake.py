"""From a chat message to a committed task. Only what is committed was accepted; telling anybody comes after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Literal

import structlog

from bot.aftermath import tell
from bot.hearing import USUAL, Gathering, Heard, Meant, claim, meant
from bot.reply import Accepted, Reply
from bot.request_text import request_text
from domain.again import is_again
from domain.chat import MAX_UPLOADS, ChatMessage
from domain.errors import Refused
from domain.events import PlanFailed, Planned, Settle
from domain.ids import TASK_ID_BITS, task_id
from domain.messages import Nudge
from domain.people import Person
from domain.plan import Plan
from domain.ports import Clock, ControlBus, Entropy, Store, UnitOfWork
from domain.progress import step
from domain.steering import with_uploads
from domain.task import Failure, Scope, Subtask, Task
from domain.texts import Language, language_for, say
from domain.uploads import placed

log = structlog.get_logger()

Check = Callable[[UnitOfWork, Scope, datetime, Person | None], None]
"""Raises Refused when somebody may hand in nothing more now."""


def unlimited(_uow: UnitOfWork, _scope: Scope, _now: datetime, _person: Person | None) -> None:
    """Anybody may hand in anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeSettings:
    """`tenant` owns everything that comes in here; `deadline_s` is how long a task may take in all; `gathering` how
    long the parts of one request are waited for; `check` who may hand in no more now."""

    tenant: str = "local"
    deadline_s: float = 1800.0
    gathering: Gathering = USUAL
    check: Check = unlimited


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When a request is to be worked on.

    Args:
        run_at: not before.
        zone: the time zone in which its person reads that.
        deadline_s: seconds it may take from then on; None: as long as any.
        expires_s: seconds within which it must have begun, else it is given up; None: whenever it can.
        schedule_id: the schedule that hands it in.
    """

    run_at: datetime | None = None
    zone: str | None = None
    deadline_s: float | None = None
    expires_s: float | None = None
    schedule_id: str | None = None


AT_ONCE = Timing()


class Intake:
    """Takes messages in.

    Args:
        store: where tasks are committed.
        bus: whom to nudge afterwards.
        clock: the time of acceptance.
        entropy: task and trace ids.
        settings: the numbers.
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

    async def hear(self, message: ChatMessage, person: Person | None = None) -> Accepted | Reply:
        """Take plain text: as an edit, a reply or a part of what is there, else as a request. The same update twice is
        the same.

        Raises StoreDown when nothing was kept: then the update must not be acknowledged.
        """
        try:
            heard = self._heard(message, person)
            changed = await self._store.transact(partial(meant, heard=heard, gathering=self._settings.gathering))
        except Refused as refused:
            return _refusal(refused, message, person)
        if changed is None:
            return await self.receive(message, person=person)
        await self._tell(changed)
        return changed.outcome

    async def _tell(self, changed: Meant) -> None:
        if changed.task_id:
            log.info("task_steered", task=changed.task_id)
            await tell(self._bus, changed.task_id, changed.effects)

    async def receive(
        self,
        message: ChatMessage,
        retry_of: str | None = None,
        *,
        is_fresh: bool = False,
        person: Person | None = None,
        timing: Timing = AT_ONCE,
    ) -> Accepted | Reply:
        """Take a message as a request to be planned. The same update twice is the same task.

        Args:
            message: the request.
            retry_of: the task this one tries again.
            is_fresh: no kept plan, answer or result may be used for it; so too if the text asks for something anew.
            person: who asks; limits and language follow them.
            timing: when it is to be worked on.

        Raises StoreDown when nothing was kept: then the update must not be acknowledged.
        """
        try:
            heard = self._heard(message, person)
            task = replace(self._new_task(heard, retry_of, timing), is_fresh=is_fresh or is_again(message.text))
            return await self._commit(heard, task, ("received", person))
        except Refused as refused:
            return _refusal(refused, message, person)

    def take_in(self, uow: UnitOfWork, message: ChatMessage, person: Person, timing: Timing) -> Accepted:
        """Take a request as `receive` does, within a transaction of the caller's, who announces it afterwards.

        Raises Refused for a text that cannot be a request or for one request too many.
        """
        heard = self._heard(message, person)
        task = replace(self._new_task(heard, timing=timing), is_fresh=is_again(message.text))
        return self._taken(uow, heard, task, person)

    def turn_down(
        self, uow: UnitOfWork, message: ChatMessage, person: Person, timing: Timing, failure: Failure
    ) -> Accepted:
        """Take a request that nothing can come of any more, so that its person is told why; else as `take_in`."""
        heard = self._heard(message, person)
        failed, _ = step(self._new_task(heard, timing=timing), PlanFailed(failure=failure, at=heard.now))
        return self._added(uow, heard, failed)

    async def announce(self, accepted: Accepted, news: News) -> None:
        """Tell the other roles of a task, once it is committed."""
        if accepted.is_new:
            kinds: tuple[News, ...] = (news, "changed")
            await self._bus.nudge([Nudge(kind=kind, task_id=accepted.task_id) for kind in kinds])

    async def submit_plan(
        self,
        message: ChatMessage,
        plan: Plan,
        carried: Mapping[str, Subtask] = MappingProxyType({}),
        retry_of: str | None = None,
        person: Person | None = None,
    ) -> Accepted:
        """Take a message whose plan is already there. The same update twice is the same task.

        Args:
            message: whose it is; its text is kept as the request.
            plan: a checked plan.
            carried: subtasks that ended in the task `retry_of` and need not run again.
            retry_of: the task this one tries again.
            person: who asks; limits and language follow them.

        Raises Refused for a text that cannot be a request or for one request too many, StoreDown when nothing was kept.
        """
        heard = self._heard(message, person)
        received = self._new_task(heard, retry_of)
        task, effects = step(received, Planned(plan=plan, at=received.created_at, carried=carried))
        is_settled = any(isinstance(effect, Settle) for effect in effects)
        return await self._commit(heard, task, ("settled" if is_settled else "planned", person))

    def _heard(self, message: ChatMessage, person: Person | None) -> Heard:
        """Raises Refused when it cannot be a request."""
        if len(message.uploads) > MAX_UPLOADS:
            raise Refused("chat.too_many_files", limit=MAX_UPLOADS)
        language = _language(message, person)
        is_bare = bool(message.uploads) and not message.text.strip()
        text = say("chat.only_files", language) if is_bare else request_text(message.text)
        return Heard(message=message, scope=self.scope_of(message), text=text, language=language, now=self._clock.now())

    def _new_task(self, heard: Heard, retry_of: str | None = None, timing: Timing = AT_ONCE) -> Task:
        gathering_s = self._settings.gathering.quiet_s if heard.message.gathers else 0.0
        begins_at = max(heard.now, timing.run_at or heard.now)
        return Task(
            id="",  # drawn inside the transaction, where it can be seen to be free
            scope=heard.scope,
            route=heard.message.route,
            request=heard.text,
            language=heard.language,
            trace_id=f"{self._entropy.bits(128) or 1:032x}",
            created_at=heard.now,
            deadline_at=begins_at + timedelta(seconds=timing.deadline_s or self._settings.deadline_s),
            claimed_until=heard.now + timedelta(seconds=gathering_s) if gathering_s else None,
            retry_of=retry_of,
            run_at=timing.run_at,
            zone=timing.zone,
            expires_at=None if timing.expires_s is None else begins_at + timedelta(seconds=timing.expires_s),
            schedule_id=timing.schedule_id,
        )

    async def _commit(self, heard: Heard, task: Task, whose: tuple[News, Person | None]) -> Accepted:
        """Add the task, unless its update was taken before. Raises Refused for one request too many."""
        news, person = whose
        accepted = await self._store.transact(lambda uow: self._taken(uow, heard, task, person))
        log.info("message_accepted", task=accepted.task_id, is_new=accepted.is_new, trace=task.trace_id)
        await self.announce(accepted, news)
        return accepted

    def _taken(self, uow: UnitOfWork, heard: Heard, task: Task, person: Person | None) -> Accepted:
        message = heard.message
        known = uow.inbox.known(message.platform, message.bot_id, message.update_key)
        if known is not None:
            return Accepted(task_id=known, is_new=False)
        self._settings.check(uow, heard.scope, heard.now, person)
        return self._added(uow, heard, task)

    def _added(self, uow: UnitOfWork, heard: Heard, task: Task) -> Accepted:
        fresh = self._free_id(uow)
        earlier = claim(uow, heard, fresh)
        if earlier is not None:
            return Accepted(task_id=earlier, is_new=False)
        uow.tasks.add(with_uploads(replace(task, id=fresh), placed(heard.message.uploads, fresh)))
        return Accepted(task_id=fresh, is_new=True)

    def _free_id(self, uow: UnitOfWork) -> str:
        drawn = task_id(self._entropy.bits(TASK_ID_BITS))
        while uow.tasks.peek(drawn) is not None:
            drawn = task_id(self._entropy.bits(TASK_ID_BITS))
        return drawn


News = Literal["received", "planned", "settled", "changed"]


def _language(message: ChatMessage, person: Person | None) -> Language:
    return language_for(message.text, message.locale, person.language if person else None)


def _refusal(refused: Refused, message: ChatMessage, person: Person | None) -> Reply:
    language = _language(message, person)
    return Reply(text=refused.say(language), is_refusal=True, language=language)
