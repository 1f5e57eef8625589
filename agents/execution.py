"""One execution of one attempt: checks, go-ahead, work, report, in this order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any

import structlog

from agents import params
from agents.endings import Ending, doubtful, failed, perform
from agents.pace import Slot
from agents.reporter import Reason, Reporter
from agents.skill import Call, Skill
from agents.surroundings import Limits
from domain.messages import SUCCESS, Holding, TaskMessage
from domain.skill import Effect
from domain.texts import say

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message to be run, the way to acknowledge it (the second time does nothing), and its slot."""

    message: TaskMessage
    ack: Callable[[], None]
    slot: Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every execution of a worker works with."""

    skills: Mapping[str, Skill]
    reporter: Reporter
    limits: Limits


class Cut(Enum):
    """Why an execution ended before its work did."""

    STOPPED = "stopped"  # its attempt does not count any more: nothing is reported
    DRAINING = "draining"  # the worker leaves: the attempt is handed back


class Execution:
    """Runs one attempt. `exec_id` is the fence: whatever it reports counts only while it holds the attempt."""

    def __init__(self, exec_id: str, delivery: Delivery, desk: Desk) -> None:
        self.exec_id = exec_id
        self.message = delivery.message
        self.is_lasting = False
        self._delivery = delivery
        self._desk = desk
        self._began_at = asyncio.get_running_loop().time()
        self._is_granted = False
        self._decision = asyncio.Event()
        self._cut: Cut | None = None
        self._working: asyncio.Task[None] | None = None
        self._cancels = 0
        self._announcing: asyncio.Task[None] | None = None

    @property
    def holding(self) -> Holding:
        """Its lease, as heartbeats list it."""
        return Holding(task_id=self.message.task_id, attempt=self.message.metadata.attempt, exec_id=self.exec_id)

    async def run(self) -> None:
        """From the first check to the settled message."""
        prepared = self._prepared()
        if isinstance(prepared, Ending):
            self._delivery.slot.leave()
            await self._report(prepared)
        elif not self._is_external(prepared) or await self._go_ahead():
            await self._perform(prepared)
        self._delivery.slot.leave()
        self._delivery.ack()

    def grant(self) -> None:
        """The control plane allows the external effect."""
        self._is_granted = True
        self._decision.set()

    def cut(self, why: Cut) -> None:
        """End the work; what was already reported stays."""
        if self._cut is not Cut.STOPPED:
            self._cut = why
        self._decision.set()
        if self._working is not None:
            self._cancels += 1
            self._working.cancel()

    def _prepared(self) -> Skill | Ending:
        """The skill that is asked for, or why it cannot be run like this."""
        content = self.message.content
        skill = self._desk.skills.get(content.action)
        if skill is None:
            return failed("unknown_skill", content.action[:64])
        wrong = params.problems(content.params, skill.spec)
        language = content.context.language
        if wrong:
            return failed("bad_params", "; ".join(problem.say(language) for problem in wrong[:5]))
        if skill.spec.effect is Effect.EXTERNAL and self.message.metadata.effect != "external":
            return failed("refused", say("skill.unapproved", language, skill=skill.spec.name))
        return skill

    def _is_external(self, skill: Skill) -> bool:
        return skill.spec.effect is Effect.EXTERNAL or self.message.metadata.effect == "external"

    async def _go_ahead(self) -> bool:
        """Claim, and wait for the grant. Without it the effect never happens."""
        await self._hold(self._desk.reporter.claim)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._desk.limits.grant_s):
                await self._decision.wait()
        if self._is_granted and self._cut is None:
            return True
        if self._cut is not Cut.STOPPED:
            reason: Reason = "draining" if self._cut else "declined"
            await self._desk.reporter.hand_back(self.message, reason, self.exec_id)
        return False

    async def _perform(self, skill: Skill) -> None:
        """Do the work and say how it ended. What came back before may have killed whoever ran it: its lease is asked
        for first, so that doing so again counts as a try."""
        if self.message.metadata.attempt > 1 and not self.is_lasting:
            await self._hold(self._desk.reporter.started, lasts=False)
        self._began_at = asyncio.get_running_loop().time()
        ending = await self._worked(skill)
        self._delivery.slot.leave()
        if ending is not None:
            await self._report(ending)
        elif self._cut is Cut.DRAINING and self._is_granted:
            await self._report(failed("outcome_unknown"))
        elif self._cut is Cut.DRAINING:
            await self._desk.reporter.hand_back(self.message, "draining", self.exec_id)

    async def _worked(self, skill: Skill) -> Ending | None:
        """Run the skill; say `started` when it is not over soon. None when it was cut off."""
        if self._cut is not None:
            return None
        content, limits = self.message.content, self._desk.limits
        filled = params.filled(content.params, skill.spec)
        call = Call(params=filled, context=content.context, key=self.message.task_id)
        # A timer, not a task: most work is over before it, and a task would cost as much as the rest of an execution.
        outlasting = asyncio.get_running_loop().call_later(limits.quick_s, self._outlast)
        try:
            work = perform(skill, call, self.message.metadata.timeout_s, limits.max_result_bytes)
            ending = await self._cuttable(work)
        finally:
            outlasting.cancel()
            await self._announced()
        if ending is None or self._cut is Cut.STOPPED:
            return None
        return doubtful(ending) if self._is_granted else ending

    async def _cuttable(self, work: Coroutine[Any, Any, Ending]) -> Ending | None:
        """How the work ended; None when `cut` ended it."""
        self._working = me = asyncio.current_task()
        assert me is not None, "a coroutine runs in a task"  # noqa: S101 -- for the type
        try:
            return await work
        except asyncio.CancelledError:
            if me.cancelling() > self._cancels:
                raise
            return None if self._cancels else failed("crashed", "CancelledError", retryable=True)
        finally:
            self._working = None
            for _ in range(self._cancels):
                me.uncancel()

    def _outlast(self) -> None:
        """The work takes longer than a moment: from now on a lease stands for it."""
        if self.is_lasting:
            self._delivery.slot.lasts()
        else:
            self._announcing = asyncio.get_running_loop().create_task(self._hold(self._desk.reporter.started))

    async def _announced(self) -> None:
        """Not to be said any more, if it was not yet: the result says as much."""
        if self._announcing is not None:
            self._announcing.cancel()
            await asyncio.wait({self._announcing})
            if not self._announcing.cancelled():
                self._announcing.result()

    async def _hold(self, say_so: Callable[[TaskMessage, str], Awaitable[None]], *, lasts: bool = True) -> None:
        """Ask for the lease; once the broker has that, the lease stands for the message."""
        self.is_lasting = True
        await say_so(self.message, self.exec_id)
        if lasts:
            self._delivery.slot.lasts()
        self._delivery.ack()

    async def _report(self, ending: Ending) -> None:
        duration_s = asyncio.get_running_loop().time() - self._began_at
        is_routine = ending.status == SUCCESS and not self.is_lasting  # writing a line costs as much as all the rest
        (log.debug if is_routine else log.info)("attempt_ended", status=ending.status, duration_s=round(duration_s, 3))
        result = self._desk.reporter.result_of(self.message, self.exec_id, ending, duration_s)
        await self._desk.reporter.result(result, self.exec_id, keep=self.is_lasting)
