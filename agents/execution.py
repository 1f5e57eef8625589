"""One execution of one attempt: checks, go-ahead, work, report, in this order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

import structlog

from agents import params
from agents.endings import Ending, doubtful, failed, perform
from agents.pace import Slot
from agents.reporter import Reason, Reporter
from agents.skill import Call, Skill
from agents.surroundings import Limits
from domain.messages import Holding, TaskMessage
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
        self._work: asyncio.Task[Ending] | None = None

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
        if self._work is not None:
            self._work.cancel()

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
        """Do the work and say how it ended."""
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
        content = self.message.content
        call = Call(params=params.filled(content.params, skill.spec), context=content.context)
        limits = self._desk.limits
        async with asyncio.TaskGroup() as group:
            self._work = group.create_task(
                perform(skill, call, self.message.metadata.timeout_s, limits.max_result_bytes)
            )
            if self._cut is not None:
                self._work.cancel()
            await asyncio.wait({self._work}, timeout=limits.quick_s)
            if not self._work.done() and not self.is_lasting:
                announcing = group.create_task(self._hold(self._desk.reporter.started))
                await asyncio.wait({self._work})
                announcing.cancel()
        return self._ending(self._work)

    def _ending(self, work: asyncio.Task[Ending]) -> Ending | None:
        if self._cut is Cut.STOPPED or (self._cut and work.cancelled()):
            return None
        ending = failed("crashed", "CancelledError", retryable=True) if work.cancelled() else work.result()
        return doubtful(ending) if self._is_granted else ending

    async def _hold(self, say_so: Callable[[TaskMessage, str], Awaitable[None]]) -> None:
        """Ask for the lease; once the broker has that, the lease stands for the message."""
        self.is_lasting = True
        await say_so(self.message, self.exec_id)
        self._delivery.slot.lasts()
        self._delivery.ack()

    async def _report(self, ending: Ending) -> None:
        duration_s = asyncio.get_running_loop().time() - self._began_at
        log.info("attempt_ended", status=ending.status, duration_s=round(duration_s, 3))
        result = self._desk.reporter.result_of(self.message, self.exec_id, ending, duration_s)
        await self._desk.reporter.result(result, self.exec_id, keep=self.is_lasting)
