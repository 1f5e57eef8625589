"""Files that come with requests: fetched before anybody plans, whatever dies meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.fetching import FetchLoop, FetchSettings, Outside
from bot.intake import Intake, IntakeSettings
from bot.reply import Accepted
from domain.chat import ChatMessage
from domain.errors import Refused, Unavailable, XingshuError
from domain.task import Task, Upload, UploadState
from storage import open_store
from tests.fakes import CountingEntropy, FakeClock
from tests.unit.bot.fakes import FakeControlBus, FlakyStore, until


@dataclass
class Source:
    """A platform that has every file, unless told otherwise."""

    name: str = "fake"
    bot_id: str = "b1"
    errors: dict[str, XingshuError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def fetch(self, upload: Upload, into: Path) -> None:
        self.asked.append(upload.ref)
        if error := self.errors.get(upload.ref):
            raise error
        await asyncio.to_thread(into.write_text, upload.ref)


@dataclass
class Room:
    store: FlakyStore
    bus: FakeControlBus
    clock: FakeClock
    intake: Intake
    source: Source
    folder: Path

    async def task(self, *refs: str, number: int = 1) -> str:
        message = ChatMessage(
            platform="fake",
            bot_id="b1",
            chat_id="c1",
            user_id="ann",
            update_key=f"m:{number}",
            text="profile it",
            received_at=self.clock.now(),
            uploads=tuple(Upload(ref=ref, name=f"{ref}.csv") for ref in refs),
        )
        taken = await self.intake.receive(message)
        assert isinstance(taken, Accepted)
        return taken.task_id

    async def read(self, task_id: str) -> Task:
        task = await self.store.transact(lambda uow: uow.tasks.peek(task_id))
        assert task is not None
        return task

    async def states(self, task_id: str) -> list[UploadState]:
        return [upload.state for upload in (await self.read(task_id)).uploads]

    @asynccontextmanager
    async def fetching(self) -> AsyncIterator[None]:
        outside = Outside(store=self.store, bus=self.bus, clock=self.clock)
        loop = FetchLoop(outside, self.source, self.folder, FetchSettings(sweep_s=0.01))
        async with asyncio.TaskGroup() as group:
            work = group.create_task(loop.run())
            yield
            work.cancel()


@asynccontextmanager
async def room(folder: Path) -> AsyncIterator[Room]:
    clock, bus = FakeClock(), FakeControlBus()
    store = FlakyStore(open_store("sqlite://", clock))
    intake = Intake(store, bus, clock, CountingEntropy(), IntakeSettings())
    yield Room(store, bus, clock, intake, Source(), folder)
    await store.close()


async def test_a_request_waits_for_its_files_and_then_for_nobody(tmp_path: Path) -> None:
    async with room(tmp_path) as on:
        task_id = await on.task("f1", "f2")
        before = await on.read(task_id)
        assert before.claimed_until == before.deadline_at
        on.bus.nudged.clear()
        async with on.fetching():
            await until(lambda: ("received", task_id) in on.bus.nudged)
        after = await on.read(task_id)
        assert [upload.state for upload in after.uploads] == [UploadState.THERE, UploadState.THERE]
        assert after.claimed_until is None
        assert (tmp_path / "inbox" / task_id / "f1.csv").read_text() == "f1"


async def test_a_file_that_can_never_be_had_holds_nothing_up(tmp_path: Path) -> None:
    async with room(tmp_path) as on:
        on.source.errors["f1"] = Refused("chat.message_gone")
        task_id = await on.task("f1", "f2")
        async with on.fetching():
            await until(lambda: ("received", task_id) in on.bus.nudged[2:])
        assert await on.states(task_id) == [UploadState.LOST, UploadState.THERE]


async def test_one_that_may_be_had_later_is_asked_for_again(tmp_path: Path) -> None:
    async with room(tmp_path) as on:
        on.source.errors["f1"] = Unavailable("chat.platform_down", platform="Fake")
        task_id = await on.task("f1")
        async with on.fetching():
            await until(lambda: len(on.source.asked) >= 3)
            assert await on.states(task_id) == [UploadState.PENDING]
            on.source.errors.clear()
            await until(lambda: ("received", task_id) in on.bus.nudged[2:])
        assert await on.states(task_id) == [UploadState.THERE]


async def test_what_a_dead_process_left_is_fetched_by_the_next_and_by_no_other_bot(tmp_path: Path) -> None:
    async with room(tmp_path) as on:
        task_id = await on.task("f1")
        on.source.bot_id = "another"
        looks = on.store.transactions
        async with on.fetching():
            await until(lambda: on.store.transactions > looks + 3)
        assert on.source.asked == []
        on.source.bot_id = "b1"
        async with on.fetching():
            await until(lambda: ("received", task_id) in on.bus.nudged[2:])
        assert on.source.asked == ["f1"]


async def test_a_database_that_is_away_is_waited_for(tmp_path: Path) -> None:
    async with room(tmp_path) as on:
        task_id = await on.task("f1")
        on.store.is_down = True
        async with on.fetching():
            await until(lambda: on.store.refusals >= 2)
            on.store.is_down = False
            await until(lambda: ("received", task_id) in on.bus.nudged[2:])
        assert await on.states(task_id) == [UploadState.THERE]
