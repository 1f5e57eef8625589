"""What becomes of a chat, or of one task in it, when something could not be shown there."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import partial

import structlog

from bot.delivery.board import Board, Desk, Job
from bot.delivery.scene import Done, note_done
from bot.delivery.steps import without_file
from domain.errors import Refused, StoreDown, Unavailable, XingshuError
from domain.ports import Clock, Store

log = structlog.get_logger()

MAX_PAUSE_S = 30.0  # while a platform is: an answer is not to come much later than the platform comes back
MAX_REFUSED_S = 3600.0  # for what a platform refuses to take
GIVE_UP = timedelta(days=7)  # for what is kept for somebody who cannot be reached
FOR_GOOD = frozenset({"blocked", "chat_gone"})
_DAY_S = 86_400.0
PAUSES_S = {
    "blocked": (_DAY_S,),
    "chat_gone": (_DAY_S,),
    "topic_closed": (60.0, 300.0, 1800.0, 7200.0, 21_600.0),
    "not_allowed": (60.0, 300.0, 1800.0, 7200.0, 21_600.0),
}


class Setbacks:
    """Decides how long to wait, and counts.

    Args:
        store: where failures are counted.
        clock: the time.
        board: which places are shut.
    """

    def __init__(self, store: Store, clock: Clock, board: Board) -> None:
        self._store = store
        self._clock = clock
        self._board = board

    async def put_off(self, desk: Desk, job: Job, error: XingshuError) -> None:
        """Try again later: everything in this place while the platform is away, only this task when it is refused."""
        log.warning("delivery_failed", task=job.task_id, platform=desk.place.platform, error=str(error))
        job.tries += 1
        is_refused_file = isinstance(error, Refused) and job.step is not None and job.step.post.attachment is not None
        if is_refused_file and job.scene is not None and job.step is not None and job.parts is not None:
            job.parts = without_file(job.scene.task, job.parts, job.step.posted)
        if isinstance(error, Unavailable):
            pause_s = min(MAX_PAUSE_S, 2.0 ** min(desk.failures, 10))
            desk.failures += 1
            desk.rests_until = self._clock.now() + timedelta(seconds=pause_s)
        else:
            self.rest(job, min(MAX_REFUSED_S, 2.0 ** min(job.tries, 20)))
        await self._count(job, str(error))

    def rest(self, job: Job, pause_s: float) -> None:
        """Leave a task alone for so many seconds."""
        job.rests_until = self._clock.now() + timedelta(seconds=pause_s)
        job.is_stale = True

    async def shut(self, desk: Desk, job: Job, how: str) -> None:
        """Nothing arrives there: leave the place alone for longer and longer, and say so once."""
        now = self._clock.now()
        news = self._board.shut(desk, how, now, PAUSES_S.get(how, PAUSES_S["not_allowed"]))
        if news is not None:
            log.warning("chat_unreachable", platform=desk.place.platform, chat=desk.place.chat_id, how=how)
        await self._count(job, how)
        task = job.scene.task if job.scene else None
        if how in FOR_GOOD and task is not None and task.answered_at is not None and task.answered_at + GIVE_UP < now:
            log.warning("answer_undeliverable", task=task.id, platform=desk.place.platform, how=how)
            done = Done(shown_version=task.version, is_delivered=True)
            with suppress(StoreDown):
                await self._store.transact(partial(note_done, task_id=task.id, done=done, now=now))

    async def _count(self, job: Job, error: str) -> None:
        with suppress(StoreDown):  # then it is not counted, and tried again all the same
            await self._store.transact(lambda uow: uow.deliveries.failed(job.task_id, error))
