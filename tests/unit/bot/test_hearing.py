"""Texts that mean something to a task which is there already."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from bot.hearing import Gathering
from bot.intake import Intake, IntakeSettings
from bot.reply import Accepted, Reply
from domain import events as e
from domain.chat import ChatMessage
from domain.plan import Node, Plan
from domain.ports import Store, UnitOfWork
from domain.post import Posted, PostKind
from domain.progress import run
from domain.task import Exchange, SubtaskState, Task, TaskState, Upload
from storage import open_store
from tests.fakes import CountingEntropy, FakeClock
from tests.unit.bot.fakes import FakeControlBus

FILE = Upload(ref="f1", name="a.csv")


@dataclass
class Chat:
    store: Store
    bus: FakeControlBus
    clock: FakeClock
    intake: Intake

    def message(self, text: str, number: int, **more: Any) -> ChatMessage:
        usual = {
            "platform": "fake",
            "bot_id": "b1",
            "chat_id": "c1",
            "user_id": "ann",
            "update_key": f"m:{number}",
            "message_id": str(number),
            "text": text,
            "received_at": self.clock.now(),
        }
        return ChatMessage(**usual | more)

    async def hear(self, text: str, number: int, **more: Any) -> Accepted | Reply:
        return await self.intake.hear(self.message(text, number, **more))

    async def task(self, text: str, number: int, **more: Any) -> str:
        outcome = await self.hear(text, number, **more)
        assert isinstance(outcome, Accepted)
        return outcome.task_id

    async def read(self, task_id: str) -> Task:
        task = await self.store.transact(lambda uow: uow.tasks.peek(task_id))
        assert task is not None
        return task

    async def happen(self, task_id: str, *events: e.Event) -> None:
        def work(uow: UnitOfWork) -> None:
            uow.tasks.put(run(uow.tasks.lock([task_id])[task_id], events)[0])

        await self.store.transact(work)

    async def planned(self, text: str, number: int, *names: str) -> str:
        """A task under way whose card is message 900."""
        task_id = await self.task(text, number)
        nodes = tuple(Node(id=name, skill="echo", name=f"Do {name}") for name in names)
        await self.happen(task_id, e.Planned(plan=Plan(nodes=nodes), at=self.clock.now()))
        await self.carded(task_id)
        return task_id

    async def carded(self, task_id: str, message_id: str = "900") -> None:
        task = await self.read(task_id)
        posted = Posted(task_id=task_id, kind=PostKind.CARD, part=0, place=task.route.place, nonce="n")

        def work(uow: UnitOfWork) -> None:
            uow.posts.intend(posted)
            uow.posts.placed(replace(posted, message_id=message_id, is_filled=True))

        await self.store.transact(work)


@asynccontextmanager
async def chat(**numbers: Any) -> AsyncIterator[Chat]:
    clock, bus = FakeClock(), FakeControlBus()
    store = open_store("sqlite://", clock)
    intake = Intake(store, bus, clock, CountingEntropy(), IntakeSettings(**numbers))
    try:
        yield Chat(store, bus, clock, intake)
    finally:
        await store.close()


# --- one request in several messages --------------------------------------------------------------------------


async def test_parts_that_come_at_once_are_one_request() -> None:
    async with chat() as on:
        first = await on.task("look at this", 1, gathers=True)
        held = await on.read(first)
        assert held.claimed_until == on.clock.now() + timedelta(seconds=0.4)
        await on.clock.advance(0.3)
        second = await on.task("forwarded words", 2, gathers=True)
        third = await on.task("", 3, gathers=True, uploads=(FILE,))
        task = await on.read(first)
        assert {first, second, third} == {first}
        assert task.request.startswith("look at this\n\nforwarded words")
        assert [upload.path for upload in task.uploads] == [f"inbox/{first}/a.csv"]
        assert task.claimed_until == task.deadline_at  # its file is on its way


async def test_every_part_counts_once_however_often_it_comes() -> None:
    async with chat() as on:
        first = await on.task("one", 1, gathers=True)
        for _ in range(2):
            await on.task("two", 2, gathers=True)
            await on.task("one", 1, gathers=True)
        assert (await on.read(first)).request == "one\n\ntwo"


async def test_what_comes_later_or_from_elsewhere_is_another_request() -> None:
    async with chat() as on:
        first = await on.task("one", 1, gathers=True)
        others = {
            await on.task("two", 2, gathers=True, user_id="bob"),
            await on.task("three", 3, gathers=True, thread_id="7"),
            await on.task("four", 4),  # a platform without bursts
        }
        await on.clock.advance(0.5)
        others.add(await on.task("five", 5, gathers=True))
        assert len(others | {first}) == 5
        assert (await on.read(first)).request == "one"


async def test_an_endless_burst_is_cut() -> None:
    async with chat(gathering=Gathering(quiet_s=2.0, total_s=5.0)) as on:
        ids = []
        for number in range(6):
            ids.append(await on.task(f"part {number}", number, gathers=True))
            await on.clock.advance(1.5)
        assert len(set(ids[:4])) == 1
        assert len(set(ids)) == 2


async def test_parts_are_not_added_to_what_somebody_plans() -> None:
    async with chat() as on:
        first = await on.task("one", 1, gathers=True)
        await on.happen(first, e.PlanningStarted(until=on.clock.now() + timedelta(seconds=30), by="p"))
        assert await on.task("two", 2, gathers=True) != first


# --- edits ----------------------------------------------------------------------------------------------------


async def test_an_edit_before_anything_began_changes_the_request() -> None:
    async with chat() as on:
        task_id = await on.task("check src", 1)
        await on.happen(task_id, e.PlanningStarted(until=on.clock.now() + timedelta(seconds=30), by="p"))
        assert await on.hear("检查 src 目录下的代码", 1, is_edit=True) == Accepted(task_id=task_id, is_new=False)
        task = await on.read(task_id)
        assert (task.request, task.language, task.claimed_by) == ("检查 src 目录下的代码", "zh", None)
        assert ("received", task_id) in on.bus.nudged


async def test_an_edit_of_one_part_leaves_the_others() -> None:
    async with chat() as on:
        task_id = await on.task("one", 1, gathers=True)
        await on.task("two", 2, gathers=True)
        await on.hear("ONE", 1, is_edit=True)
        assert (await on.read(task_id)).request == "ONE\n\ntwo"


async def test_an_edit_after_the_start_says_what_to_do_instead() -> None:
    async with chat() as on:
        task_id = await on.planned("check src", 1, "a")
        outcome = await on.hear("check lib", 1, is_edit=True)
        assert isinstance(outcome, Reply)
        assert outcome.is_refusal
        assert f"{task_id} has begun" in outcome.text
        assert (await on.read(task_id)).request == "check src"


async def test_an_edit_that_changes_nothing_is_silent_and_one_of_a_command_too() -> None:
    async with chat() as on:
        task_id = await on.task("check src", 1)
        version = (await on.read(task_id)).version
        assert await on.hear("check src ", 1, is_edit=True) == Accepted(task_id=task_id, is_new=False)
        assert (await on.read(task_id)).version == version
        await on.store.transact(lambda uow: uow.inbox.claim("fake", "b1", "m:2", ""))
        assert await on.hear("/tasks", 2, is_edit=True) == Reply()


async def test_an_edited_message_that_never_came_is_a_request() -> None:
    async with chat() as on:
        assert (await on.hear("@bot check src", 5, is_edit=True)).is_new


# --- replies to a card ----------------------------------------------------------------------------------------


async def test_more_of_a_task_by_replying_to_its_card() -> None:
    async with chat() as on:
        task_id = await on.planned("check src", 1, "a")
        outcome = await on.hear("also profile sales.csv", 2, reply_to="900", uploads=(FILE,))
        task = await on.read(task_id)
        assert isinstance(outcome, Reply)
        assert outcome.text == f"{task_id} now includes that: its plan is being extended."
        assert task.dialogue == (Exchange(said="", reply="also profile sales.csv"),)
        assert (task.state, task.claimed_until) == (TaskState.PLANNING, task.deadline_at)
        again = await on.hear("also profile sales.csv", 2, reply_to="900", uploads=(FILE,))
        assert again == Accepted(task_id=task_id, is_new=False)
        assert len((await on.read(task_id)).dialogue) == 1


async def test_less_of_it() -> None:
    async with chat() as on:
        task_id = await on.planned("check src", 1, "a", "b")
        outcome = await on.hear("stop the second step", 2, reply_to="900")
        assert isinstance(outcome, Reply)
        assert outcome.text == f"“Do b” is taken out of {task_id}."
        states = {key: sub.state for key, sub in (await on.read(task_id)).subtasks.items()}
        assert states == {"a": SubtaskState.READY, "b": SubtaskState.CANCELLED}
        over = await on.hear("跳过第二步", 3, reply_to="900")
        assert isinstance(over, Reply)
        assert "已经结束" in over.text
        missing = await on.hear("skip step 7", 4, reply_to="900")
        assert isinstance(missing, Reply)
        assert missing.text == f"{task_id} has no such step. Its steps: a, b"


async def test_an_end_to_it() -> None:
    async with chat() as on:
        task_id = await on.planned("check src", 1, "a")
        await on.hear("算了", 2, reply_to="900")
        assert (await on.read(task_id)).cancelled_at is not None


async def test_a_reply_to_what_is_over_is_a_request() -> None:
    async with chat() as on:
        task_id = await on.planned("check src", 1, "a")
        await on.happen(task_id, e.CancelRequested(at=on.clock.now()))
        outcome = await on.hear("now the tests", 2, reply_to="900")
        assert isinstance(outcome, Accepted)
        assert outcome.is_new


async def test_nobody_steers_somebody_elses_task() -> None:
    async with chat() as on:
        task_id = await on.planned("check src", 1, "a")
        outcome = await on.hear("stop", 2, reply_to="900", user_id="bob")
        assert isinstance(outcome, Accepted)
        assert outcome.is_new
        assert (await on.read(task_id)).cancelled_at is None


async def test_a_question_is_answered_by_a_reply_to_it_even_when_two_ask() -> None:
    async with chat() as on:
        first, second = await on.task("one", 1), await on.task("two", 2)
        for task_id in (first, second):
            await on.happen(task_id, e.QuestionAsked(question="Which?", at=on.clock.now()))
        await on.carded(first, "901")
        await on.hear("the red one", 3, reply_to="901")
        assert (await on.read(first)).dialogue == (Exchange(said="Which?", reply="the red one"),)
        assert (await on.read(second)).question == "Which?"
        await on.hear("the blue one", 4)
        assert (await on.read(second)).question is None
