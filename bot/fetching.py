"""Brings the files that came with requests into the workspace, before anybody plans those requests."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NoReturn, Protocol

import structlog

from bot.aftermath import tell
from domain.errors import Refused, StoreDown, Unavailable
from domain.events import Effect, Fetched
from domain.ports import Clock, ControlBus, Store, UnitOfWork
from domain.progress import step
from domain.steering import is_fetching
from domain.task import Task, Upload, UploadState

log = structlog.get_logger()


class Source(Protocol):
    """The side of a `bot.platform.Platform` that files come from."""

    @property
    def name(self) -> str:
        """`platform` of its tasks."""
        ...

    @property
    def bot_id(self) -> str:
        """Which bot it is."""
        ...

    async def fetch(self, upload: Upload, into: Path) -> None:
        """Write a file. Raises Refused when it can never be had, Unavailable when it may be had later."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What stands around it."""

    store: Store
    bus: ControlBus
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSettings:
    """`sweep_s`: seconds a lost nudge, or a platform that was away, delays a file. `limit`: tasks in one look."""

    sweep_s: float = 5.0
    limit: int = 50


class FetchLoop:
    """Fetches for one bot.

    Args:
        outside: where tasks are, who is told, the time.
        source: the bot.
        workspace: the folder that agents work in; files go to `inbox/TASK/` in it.
        settings: the numbers.
    """

    def __init__(self, outside: Outside, source: Source, workspace: Path, settings: FetchSettings) -> None:
        self._outside = outside
        self._source = source
        self._workspace = workspace
        self._settings = settings
        self._awake = asyncio.Event()
        self._busy: set[str] = set()

    async def run(self) -> NoReturn:
        """Fetch until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._nudges())
            group.create_task(self._sweeps(group))
        raise AssertionError("the loops never end")

    async def _nudges(self) -> None:
        async with self._outside.bus.nudges("received") as nudges:
            self._awake.set()
            while True:
                await nudges.batch(100)
                self._awake.set()

    async def _sweeps(self, group: asyncio.TaskGroup) -> None:
        while True:
            self._awake.clear()
            for task in await self._pending():
                self._busy.add(task.id)
                group.create_task(self._fetched(task))
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.sweep_s):
                    await self._awake.wait()

    async def _pending(self) -> list[Task]:
        try:
            return await self._outside.store.transact(partial(self._look, busy=frozenset(self._busy)))
        except StoreDown as error:
            log.warning("fetching_waits_for_store", error=str(error))
            return []

    def _look(self, uow: UnitOfWork, busy: frozenset[str]) -> list[Task]:
        ids = uow.tasks.fetching(self._source.name, self._source.bot_id, self._settings.limit)
        tasks = [uow.tasks.peek(task_id) for task_id in ids if task_id not in busy]
        return [task for task in tasks if task is not None and is_fetching(task.uploads)]

    async def _fetched(self, task: Task) -> None:
        """Fetch what is missing of one task, and say so; what may be had later is left for a later look."""
        try:
            missing = (upload for upload in task.uploads if upload.state is UploadState.PENDING)
            uploads = [found for upload in missing if (found := await self._one(task, upload)) is not None]
            if uploads:
                await self._note(task.id, tuple(uploads))
        except Unavailable as error:
            log.warning("file_not_fetched", task=task.id, trace=task.trace_id, error=str(error))
        finally:
            self._busy.discard(task.id)

    async def _one(self, task: Task, upload: Upload) -> Upload | None:
        """The file as it stands now; None when it may be had later."""
        into = self._workspace / upload.path
        try:
            await asyncio.to_thread(partial(into.parent.mkdir, parents=True, exist_ok=True))
            await self._source.fetch(upload, into)
        except Refused as refused:
            log.warning("file_lost", task=task.id, trace=task.trace_id, error=str(refused))
            return replace(upload, state=UploadState.LOST)
        except (Unavailable, OSError) as error:
            log.warning("file_not_fetched", task=task.id, trace=task.trace_id, error=str(error))
            return None
        return replace(upload, state=UploadState.THERE)

    async def _note(self, task_id: str, uploads: tuple[Upload, ...]) -> None:
        def work(uow: UnitOfWork) -> tuple[Effect, ...] | None:
            task = uow.tasks.lock([task_id]).get(task_id)
            if task is None:
                return None
            after, effects = step(task, Fetched(uploads=uploads))
            if after is task:
                return None
            uow.tasks.put(after)
            return effects

        effects = await self._outside.store.transact(work)
        if effects is not None:
            await tell(self._outside.bus, task_id, effects)
