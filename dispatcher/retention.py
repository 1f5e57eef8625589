"""What is old goes, a few rows at a time and never in anybody's way: written down first, where that is wished."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, NoReturn

import structlog

from domain.errors import Unavailable
from domain.ports import Clock, Store, UnitOfWork

log = structlog.get_logger()

TASKS = 25  # deleted in one transaction
ROWS = 500  # of anything small
PAUSE_S = 0.5  # between two transactions, so that work comes first
START_S = 10.0
EVERY_S = 60.0  # to look again when nothing old was left
UPDATES = timedelta(days=7)  # at least, so that no update is taken twice: Telegram delivers for a day
LETTERS = timedelta(days=30)  # a dead letter that was not seen again

Archive = Callable[[Sequence[Mapping[str, Any]]], Awaitable[None]]
"""Writes documents down so that they survive the machine's power; only then may the rows go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How long what is kept; None for ever.

    `tasks`: after they were answered. `books`: model calls.
    """

    tasks: timedelta | None
    books: timedelta | None


class Keeping:
    """Deletes what is old. Any number of processes may; each goes on where the rows are.

    Args:
        store: the rows.
        clock: the time.
        kept: how long what is kept.
        archive: where tasks are written before they go; nowhere for None.
    """

    def __init__(self, store: Store, clock: Clock, kept: Kept, archive: Archive | None = None) -> None:
        self._store = store
        self._clock = clock
        self._kept = kept
        self._archive = archive

    async def run(self) -> NoReturn:
        """Go on until cancelled; a process that is there for a moment only has other things to do."""
        await self._clock.sleep(START_S)
        while True:
            try:
                has_more = await self.sweep()
            except Unavailable as error:
                log.info("retention_waits", error=str(error))
                has_more = False
            except OSError as error:  # nothing goes that could not be written down
                log.warning("archive_failed", error=str(error))
                has_more = False
            await self._clock.sleep(PAUSE_S if has_more else EVERY_S)

    async def sweep(self) -> bool:
        """One batch of everything; whether there may be more."""
        tasks = await self.drop_tasks()
        rows = await self._store.transact(self._drop_rows)
        return tasks == TASKS or rows >= ROWS

    async def drop_tasks(self) -> int:
        """One batch of tasks; how many that were. One that was written down and not deleted, because this process ended
        in between, is written down once more the next time."""
        if self._kept.tasks is None:
            return 0
        before = self._clock.now() - self._kept.tasks
        tasks = await self._store.transact(lambda uow: uow.retention.over(before, TASKS))
        if not tasks:
            return 0
        if self._archive is not None:
            await self._archive(await self._store.transact(lambda uow: uow.retention.documents(tasks)))
        gone = await self._store.transact(partial(_drop, tasks=tasks))
        log.info("tasks_purged", tasks=gone, is_archived=self._archive is not None)
        return gone

    def _drop_rows(self, uow: UnitOfWork) -> int:
        now, rows = self._clock.now(), uow.retention
        gone = [rows.drop_expired(now, ROWS), uow.dead.purge(now - LETTERS, ROWS)]
        if self._kept.tasks is not None:
            gone.append(rows.drop_updates(now - max(self._kept.tasks, UPDATES), ROWS))
        if self._kept.books is not None:
            gone.append(rows.drop_calls(now - self._kept.books, ROWS))
        return max(gone)


def _drop(uow: UnitOfWork, tasks: Sequence[tuple[str, int]]) -> int:
    return uow.retention.drop(tasks)
