"""Serves the desks: takes turns, sends and edits, and writes down what came of it."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import structlog

from bot.delivery.board import LONG_AGO, Board, Desk, Job
from bot.delivery.rests import keep_rests
from bot.delivery.scene import NOTHING, Done, Ledger, Part, Scene, note_done, parts_of
from bot.delivery.setbacks import MAX_REFUSED_S, Setbacks
from bot.delivery.steps import Shown, Step, View, is_working, next_look_at, next_step
from bot.drawing.answers import answer_posts
from bot.files import Find
from bot.governor import Governor, Urgency
from bot.offers import APPROVAL_S, Offering
from bot.pause import pause
from bot.platform import Platform, Traits
from domain.answer import Answer
from domain.errors import (
    Flooded,
    MessageGone,
    Misconfigured,
    Refused,
    StoreDown,
    Unavailable,
    Unreachable,
)
from domain.ports import Clock, ControlBus, Entropy, Store
from domain.post import PostKind
from domain.task import Task

log = structlog.get_logger()

STORE_PAUSE_S = 1.0  # while the database is away
BUSY_S = 5.0  # so long "typing" is shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What delivery needs of the world."""

    store: Store
    bus: ControlBus
    clock: Clock
    entropy: Entropy


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """What one bot writes with: the platform, its pace, and where the files of answers are found."""

    platform: Platform
    governor: Governor
    find: Find


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """The numbers of the loop.

    Args:
        sweep_s: how long a lost nudge can delay a card.
        limit: tasks looked for in one go.
        private_refresh_s: seconds after which a card shows that time has passed, in a private chat.
        group_refresh_s: the same in a group.
        approval_s: how long what is shown to be approved can be.
    """

    sweep_s: float = 5.0
    limit: int = 100
    private_refresh_s: float = 5.0
    group_refresh_s: float = 15.0
    approval_s: float = APPROVAL_S


USUAL = DeliverySettings()


class Clerk:
    """Does what is owed at one desk after the other; each desk is served by itself."""

    def __init__(self, outside: Outside, bot: Bot, board: Board, settings: DeliverySettings) -> None:
        self._store = outside.store
        self._clock = outside.clock
        self._platform = bot.platform
        self._governor = bot.governor
        self._find = bot.find
        self._board = board
        self._setbacks = Setbacks(outside.store, outside.clock, board)
        self._settings = settings
        self._ledger = Ledger(offering=Offering(entropy=outside.entropy, approval_s=settings.approval_s))

    async def serve(self, desk: Desk) -> None:
        """Until nothing more is owed there. Raises Misconfigured when the token does not count any more."""
        try:
            while True:
                desk.news.clear()
                wait_s = desk.wait_s(self._clock.now())
                if wait_s == math.inf:
                    return
                if wait_s > 0:
                    await pause(self._clock, wait_s, desk.news)
                else:
                    await self._take_turn(desk)
        finally:
            self._board.leave(desk)

    async def _take_turn(self, desk: Desk) -> None:
        """Wait for a turn there, and use it for what is most urgent by then."""
        first = desk.first(self._clock.now())
        if first is None:
            return
        desk.turn = turn = self._governor.sending(desk.place, first.urgency, is_group=desk.is_group)
        try:
            async with turn:
                job = desk.first(self._clock.now())
                if job is None or not await self._advance(desk, job, turn.urgency):
                    turn.unused()
        except Flooded as flooded:
            log.info("chat_flooded", platform=desk.place.platform, retry_after_s=flooded.retry_after_s)
            await self.keep_rests()
            return
        finally:
            desk.turn = None
        if job is not None:
            await self._be_busy(desk, job)

    # --- one step ---------------------------------------------------------------------------------------------------

    async def _advance(self, desk: Desk, job: Job, allowed: Urgency) -> bool:
        """Do the next thing for a task, if the turn is good for it. Whether anything was sent."""
        is_sent = False
        try:
            if job.is_stale or job.scene is None:
                await self._turn_page(job)
            step = job.step
            if step is None or step.urgency > allowed:
                return False
            is_sent = True
            job.done = await self._carry_out(job, step)
            self._went_well(desk, job)
            await self._turn_page(job)
        except (Flooded, Misconfigured):
            raise
        except StoreDown as error:
            log.warning("delivery_waits", platform=desk.place.platform, error=str(error), cause=repr(error.__cause__))
            job.rests_until = self._clock.now() + timedelta(seconds=STORE_PAUSE_S)
            job.is_stale = True
        except Unreachable as error:
            await self._setbacks.shut(desk, job, error.how)
        except (Unavailable, Refused) as error:
            await self._setbacks.put_off(desk, job, error)
        except Exception:  # whatever it is, this task must not stop the others
            log.exception("delivery_crashed", task=job.task_id, platform=desk.place.platform)
            self._setbacks.rest(job, MAX_REFUSED_S)
        return is_sent

    async def _carry_out(self, job: Job, step: Step) -> Done:
        """Send or edit one message. An edit that is refused for good is passed over."""
        try:
            return step.done(await self._call(job, step))
        except MessageGone:
            if step.posted.message_id is None or job.scene is None:
                raise
            return step.gone(job.scene)
        except Unreachable:
            raise
        except Refused as refused:
            if step.urgency < Urgency.EDIT:
                raise
            log.warning("edit_refused", task=job.task_id, platform=step.posted.place.platform, error=str(refused))
            return step.passed_over()

    async def _call(self, job: Job, step: Step) -> str:
        """Returns the id of the message."""
        posted = step.posted
        if posted.message_id is not None:
            await self._platform.edit(posted.place, posted.message_id, step.post)
            return posted.message_id
        is_first = posted.nonce in job.untried
        job.untried.discard(posted.nonce)
        try:
            return await self._platform.send(posted.place, step.post, posted.nonce, is_repeat=not is_first)
        except Flooded:
            if is_first:
                job.untried.add(posted.nonce)
            raise

    def _went_well(self, desk: Desk, job: Job) -> None:
        desk.failures = 0
        job.tries = 0
        step = job.step
        if step is not None and step.posted.kind is PostKind.CARD and job.done.gone is None:
            job.shown = Shown(post=replace(step.post, card=None), at=self._clock.now())
        if self._board.open(desk.place):
            log.info("chat_reachable_again", platform=desk.place.platform, chat=desk.place.chat_id)
        if job.done.is_delivered:
            log.info("answer_delivered", task=job.task_id, platform=desk.place.platform)

    # --- between steps ----------------------------------------------------------------------------------------------

    async def _turn_page(self, job: Job) -> None:
        """Write down what was done, read how things stand, and decide what is next."""
        scene = await self._read(job)
        if scene is not None and scene.task.answer is not None and job.parts is None:
            job.answered = scene.task
            scene = await self._read(job)
        if scene is None:
            self._board.drop(job)
            return
        view = self._view(job)
        job.step = next_step(scene, view)
        if job.step is not None:
            job.urgency, job.due_at = job.step.urgency, LONG_AGO
            return
        await self._note(job, scene)
        if not job.is_stale:
            self._settle(job, scene, view)

    async def _read(self, job: Job) -> Scene | None:
        if job.answered is not None and job.answered.answer is not None and job.parts is None:
            job.parts = await _drawn(self._platform.traits, self._find, job.answered, job.answered.answer)
        job.is_stale = False
        done, now = job.done, self._clock.now()
        turning = partial(self._ledger.turn_page, task_id=job.task_id, done=done, parts=job.parts, now=now)
        job.scene = scene = await self._store.transact(turning)
        job.done = NOTHING
        if scene is not None:
            job.untried |= scene.fresh
            job.version = max(job.version, scene.task.version)
            job.noted = max(job.noted, -1 if done.shown_version is None else done.shown_version)
            job.is_delivered |= done.is_delivered
        return scene

    async def _note(self, job: Job, scene: Scene) -> None:
        """The card shows this version without having been touched."""
        is_out = scene.task.answer is not None
        if job.noted < scene.task.version or is_out > job.is_delivered:
            note = Done(shown_version=scene.task.version, is_delivered=is_out)
            await self._store.transact(partial(note_done, task_id=job.task_id, done=note, now=self._clock.now()))
            job.noted, job.is_delivered = scene.task.version, is_out

    def _settle(self, job: Job, scene: Scene, view: View) -> None:
        """Nothing is owed for now: wait for news or a time, or be done with it."""
        job.urgency = Urgency.TIME
        if scene.task.answer is not None:
            self._board.close(job)
            return
        job.due_at = next_look_at(scene, view)
        job.is_stale = True

    def _view(self, job: Job) -> View:
        settings = self._settings
        refresh_s = settings.group_refresh_s if job.route.is_group else settings.private_refresh_s
        return View(
            traits=self._platform.traits, refresh_s=refresh_s, parts=job.parts, shown=job.shown, draft=job.draft
        )

    async def keep_rests(self) -> None:
        """Write down which chats were flooded, so that the next process leaves them alone, too."""
        rests = self._governor.unkept()
        if rests:
            with suppress(StoreDown):
                await self._store.transact(lambda uow: keep_rests(uow, rests))

    # --- manners ----------------------------------------------------------------------------------------------------

    async def _be_busy(self, desk: Desk, job: Job) -> None:
        """Show a person who waits that somebody is writing."""
        now = self._clock.now()
        if desk.is_group or job.scene is None or not is_working(job.scene.task):
            return
        if now >= desk.busy_at + timedelta(seconds=BUSY_S) and self._governor.spare(desk.place, is_group=False):
            desk.busy_at = now
            await self._platform.busy(desk.place)


async def _drawn(traits: Traits, find: Find, task: Task, answer: Answer) -> tuple[Part, ...]:
    """Long answers take a while to draw, and files to look for."""

    def draw() -> tuple[Part, ...]:
        return parts_of(answer_posts(task, answer, traits, find(answer.files, traits.max_file_bytes)))

    return await asyncio.to_thread(draw)
