from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bot.delivery import DeliveryLoop, DeliverySettings
from bot.platform import ChatPlatform
from domain import events as e
from domain.errors import Refused, Unavailable, XingshuError
from domain.messages import Nudge
from domain.task import TaskState
from tests.unit.bot.fakes import FakePlatform, Stage, plan_of, released, stage, succeeded, until

BUSY = DeliverySettings(sweep_s=0.005)


@asynccontextmanager
async def delivering(on: Stage, platform: ChatPlatform, settings: DeliverySettings = BUSY) -> AsyncIterator[None]:
    loop = DeliveryLoop(on.store, on.bus, on.clock, platform, settings)
    async with asyncio.TaskGroup() as group:
        work = group.create_task(loop.run())
        yield
        work.cancel()


async def pending(on: Stage) -> int:
    return len(await on.store.transact(lambda uow: uow.deliveries.pending("fake", "b1", 100)))


async def settled_down(on: Stage) -> None:
    async def nothing_left() -> bool:
        return not await pending(on)

    await until(nothing_left)


async def test_a_new_task_has_its_card_at_once() -> None:
    platform = FakePlatform()
    async with stage() as on, delivering(on, platform):
        task_id = await on.accepted()
        await until(lambda: platform.cards)
        [(message_id, card)] = platform.cards
        assert (message_id, card.task_id, card.state) == (None, task_id, TaskState.RECEIVED)
        assert {route.chat_id for route in platform.routes} == {"chat-ann"}


async def test_edits_are_spaced_and_only_the_newest_is_shown() -> None:
    platform = FakePlatform()
    async with stage() as on, delivering(on, platform):
        task_id = await on.accepted(plan_of("a", "b"))
        await until(lambda: platform.cards)
        for event in (released("a", on.clock), succeeded("a", on.clock), released("b", on.clock)):
            await on.happen(task_id, event)
            await on.swept()
        await on.clock.advance(platform.min_edit_interval_s - 0.1)
        await on.swept()
        assert len(platform.cards) == 1
        await on.clock.advance(0.1)
        await until(lambda: len(platform.cards) == 2)
        message_id, card = platform.cards[1]
        assert message_id == f"m-{task_id}"
        assert card.done == 1
        assert card.revision == (await on.task(task_id)).version


async def test_two_tasks_of_a_chat_take_turns() -> None:
    platform = FakePlatform()
    async with stage() as on, delivering(on, platform):
        ids = [await on.accepted(plan_of("a", "b")) for _ in range(2)]
        await until(lambda: len(platform.cards) == 2)
        for turn in (1, 2):
            for task_id in ids:
                await on.happen(task_id, released("a", on.clock) if turn == 1 else succeeded("a", on.clock))
            await on.clock.advance(platform.min_edit_interval_s)
            await until(lambda turn=turn: len(platform.cards) == 2 + turn)
            await on.swept()
            assert len(platform.cards) == 2 + turn
        assert {card.task_id for _, card in platform.cards[2:]} == set(ids)


async def test_the_answer_does_not_wait_for_the_chats_turn() -> None:
    platform = FakePlatform()
    async with stage() as on, delivering(on, platform):
        task_id = await on.accepted(plan_of("a"))
        await until(lambda: platform.cards)
        await on.answered(task_id)
        await until(lambda: platform.answers)
        assert platform.answers == [(task_id, "all done")]
        assert platform.cards[-1][1].state is TaskState.CANCELLED
        await settled_down(on)


async def test_the_answer_is_sent_once_however_often_it_is_looked_at() -> None:
    platform = FakePlatform()
    async with stage() as on, delivering(on, platform):
        task_id = await on.accepted(plan_of("a"))
        await on.answered(task_id)
        await settled_down(on)
        await on.swept()
        assert platform.answers == [(task_id, "all done")]


async def test_a_process_that_died_before_recording_sends_the_same_answer_to_the_same_message() -> None:
    async with stage() as on:
        dying = FakePlatform(dies_after_answer=True)
        task_id = await on.accepted(plan_of("a"))
        await on.answered(task_id)
        with pytest.raises(ExceptionGroup):
            async with delivering(on, dying):
                await asyncio.Event().wait()
        second = FakePlatform()
        async with delivering(on, second):
            await settled_down(on)
        assert dying.answers == second.answers == [(task_id, "all done")]
        assert second.cards == []
        third = FakePlatform()
        async with delivering(on, third):
            await on.swept()
        assert third.answers == []


async def test_an_answer_that_could_not_be_recorded_is_not_sent_again_by_this_process() -> None:
    platform = FakePlatform()
    async with stage() as on:
        task_id = await on.accepted(plan_of("a"))
        await on.answered(task_id)
        on.store.falls_in = 2  # pending, shown, then down
        async with delivering(on, platform):
            await until(lambda: on.store.refusals >= 2)
            on.store.falls_in = None
            on.store.is_down = False
            await settled_down(on)
        assert platform.answers == [(task_id, "all done")]
        assert len(platform.cards) == 1


@pytest.mark.parametrize("error", [Unavailable("error.broker_down"), Refused("chat.empty")])
async def test_a_platform_that_fails_is_tried_again_later(error: XingshuError) -> None:
    platform = FakePlatform(error=error)
    async with stage() as on, delivering(on, platform):
        task_id = await on.accepted(plan_of("a"))
        await on.answered(task_id)

        async def was_counted() -> bool:
            [delivery] = await on.store.transact(lambda uow: uow.deliveries.pending("fake", "b1", 1))
            return delivery.tries > 0

        await until(was_counted)
        platform.error = None
        assert platform.answers == []
        await on.clock.advance(2)
        await settled_down(on)
        assert platform.answers == [(task_id, "all done")]


async def test_a_nudge_is_faster_than_the_sweep() -> None:
    platform = FakePlatform()
    async with stage() as on, delivering(on, platform, DeliverySettings(sweep_s=600.0)):
        await until(lambda: on.store.transactions)
        await on.accepted()
        await until(lambda: platform.cards)


async def test_a_lost_nudge_costs_a_sweep() -> None:
    platform = FakePlatform()
    async with stage() as on:
        on.bus.loses_nudges = True
        async with delivering(on, platform):
            await on.swept()
            await on.accepted()
            await until(lambda: platform.cards)


async def test_other_bots_tasks_are_left_alone() -> None:
    platform = FakePlatform(bot_id="b2")
    async with stage() as on, delivering(on, platform):
        await on.accepted()
        await on.swept()
        assert platform.cards == []
        assert await pending(on) == 1


async def test_a_database_that_is_down_is_waited_for() -> None:
    platform = FakePlatform()
    async with stage() as on:
        await on.accepted()
        on.store.is_down = True
        async with delivering(on, platform):
            await until(lambda: on.store.refusals >= 2)
            assert platform.cards == []
            on.store.is_down = False
            await until(lambda: platform.cards)


# --- questions and drafts -----------------------------------------------------------------------------------------


def heard(task_id: str, text: str) -> Nudge:
    return Nudge(kind="draft", task_id=task_id, text=text)


async def writing(on: Stage, platform: FakePlatform) -> str:
    """A task whose answer is being written, with its card shown."""
    task_id = await on.accepted(plan_of("a"))
    await until(lambda: platform.cards)
    await on.happen(task_id, released("a", on.clock), succeeded("a", on.clock))
    await on.clock.advance(platform.min_edit_interval_s)
    await until(lambda: platform.cards[-1][1].done == 1)
    await settled_down(on)
    return task_id


async def test_a_draft_is_shown_under_the_spacing_of_edits_and_only_the_newest() -> None:
    platform = FakePlatform()
    async with stage() as on, delivering(on, platform):
        task_id = await writing(on, platform)
        before = len(platform.cards)
        await on.bus.nudge([heard(task_id, "one"), heard(task_id, "one two")])
        await on.swept()
        assert len(platform.cards) == before
        await on.clock.advance(platform.min_edit_interval_s)
        await until(lambda: len(platform.cards) > before)
        message_id, card = platform.cards[-1]
        assert (message_id, card.draft) == (f"m-{task_id}", "one two")
        await on.clock.advance(10 * platform.min_edit_interval_s)
        await on.swept()
        assert len(platform.cards) == before + 1


async def test_a_draft_is_forgotten_when_the_answer_is_there() -> None:
    platform = FakePlatform()
    async with stage() as on, delivering(on, platform):
        task_id = await writing(on, platform)
        await on.bus.nudge([heard(task_id, "half of it")])
        await on.answered(task_id)
        await until(lambda: platform.answers)
        await on.bus.nudge([heard(task_id, "too late")])
        await on.clock.advance(10 * platform.min_edit_interval_s)
        await on.swept()
        assert [card.draft for _, card in platform.cards if card.state is TaskState.ANSWERED] == [""]
        assert all(card.draft != "too late" for _, card in platform.cards)


async def test_a_draft_of_a_round_that_is_planned_anew_is_not_shown() -> None:
    platform = FakePlatform()
    async with stage() as on, delivering(on, platform):
        task_id = await on.accepted(replace(plan_of("a"), rounds_left=1))
        await on.happen(task_id, released("a", on.clock), succeeded("a", on.clock))
        await until(lambda: platform.cards)
        await on.bus.nudge([heard(task_id, "too little")])
        await on.happen(task_id, e.Dissatisfied(why="the prices", at=on.clock.now()))
        await on.clock.advance(platform.min_edit_interval_s)
        await until(lambda: platform.cards[-1][1].rounds)
        assert platform.cards[-1][1].draft == ""


async def test_drafts_of_other_bots_tasks_are_not_kept() -> None:
    platform = FakePlatform(bot_id="b2")
    async with stage() as on:
        loop = DeliveryLoop(on.store, on.bus, on.clock, platform, BUSY)
        for number in range(1000):
            loop._hear(heard(f"{number:06}", "x"))
        assert loop._drafts == {}


async def test_a_draft_that_cannot_be_shown_is_lost_and_nothing_else() -> None:
    platform = FakePlatform()
    async with stage() as on, delivering(on, platform):
        task_id = await writing(on, platform)
        await on.clock.advance(platform.min_edit_interval_s)
        platform.error = Unavailable("error.broker_down")
        await on.bus.nudge([heard(task_id, "half of it")])
        await on.swept()
        platform.error = None
        await on.answered(task_id)
        await on.clock.advance(60)
        await settled_down(on)
        assert platform.answers == [(task_id, "all done")]


async def test_a_question_does_not_wait_for_the_chats_turn() -> None:
    platform = FakePlatform()
    async with stage() as on, delivering(on, platform):
        task_id = await on.accepted()
        await until(lambda: platform.cards)
        now = on.clock.now()
        asked = e.QuestionAsked(question="Which month?", at=now, by="p")
        await on.happen(task_id, e.PlanningStarted(until=now, by="p"), asked)
        await until(lambda: len(platform.cards) == 2)
        assert platform.cards[-1][1].question == "Which month?"
