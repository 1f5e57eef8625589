"""Cards: shown at once, edited in place, never faster than the chat's pace."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from bot.delivery import DeliverySettings
from bot.delivery.nonces import MAX_NONCE, first_nonce, generation, is_of, next_nonce
from bot.drawing.rich_text import RichText
from bot.platform import Pace, Traits
from bot.post import Post
from domain import events as e
from domain.errors import Refused
from domain.messages import Nudge
from domain.ports import UnitOfWork
from domain.post import PostKind
from domain.task import TaskState
from tests.unit.bot.delivering import all_shown, delivering, in_quick_time, is_answered, pending, quick_stage
from tests.unit.bot.fakes import FakePlatform, Stage, plan_of, released, started, succeeded, until

PACED = Traits(pace=Pace(private_s=3.0))
CALM = DeliverySettings(sweep_s=0.05, private_refresh_s=1e6)


@in_quick_time
async def test_a_new_task_has_its_card_at_once() -> None:
    platform = FakePlatform()
    async with quick_stage() as on, delivering(on, platform):
        task_id = await on.accepted()
        await until(lambda: platform.cards)
        [card] = platform.of("c", task_id)
        assert card.place.chat_id == "chat-ann"
        assert card.post.is_silent
        assert task_id in card.text
        await all_shown(on)
    assert platform.violations == []


@in_quick_time
async def test_a_card_replies_to_its_request() -> None:
    platform = FakePlatform()
    async with quick_stage() as on, delivering(on, platform):
        message = replace(on.message("do it"), message_id="77")
        await on.intake.submit_plan(message, plan_of("a"))
        await until(lambda: platform.cards)
    assert platform.cards[0].reply_to == "77"


@in_quick_time
async def test_a_card_is_edited_in_place_and_only_the_newest_is_shown() -> None:
    platform = FakePlatform(traits=PACED)
    async with quick_stage() as on, delivering(on, platform, CALM):
        task_id = await on.accepted(plan_of("a", "b"))
        await until(lambda: platform.cards)
        for event in (released("a", on.clock), succeeded("a", on.clock), released("b", on.clock)):
            await on.happen(task_id, event)
            await asyncio.sleep(0.2)
        assert len(platform.cards) == 1
        await asyncio.sleep(1.0)
        assert len(platform.cards) == 2
        card = platform.cards[1].card
        assert len(platform.of("c")) == 1
        assert card is not None
        assert card.done == 1
        assert card.revision == (await on.task(task_id)).version
        await all_shown(on)


@in_quick_time
async def test_two_tasks_of_a_chat_take_turns() -> None:
    platform = FakePlatform(traits=PACED)
    async with quick_stage() as on, delivering(on, platform, CALM):
        ids = [await on.accepted(plan_of("a", "b")) for _ in range(2)]
        await until(lambda: len(platform.cards) == 2)
        await asyncio.sleep(60)
        for turn in (1, 2):
            for task_id in ids:
                await on.happen(task_id, released("a", on.clock) if turn == 1 else succeeded("a", on.clock))
            await on.swept()
            await asyncio.sleep(3.0)
            await on.swept()
            await asyncio.sleep(3.0)
            await until(lambda turn=turn: len(platform.cards) == 2 + 2 * turn)
        assert [len(line.looks) for line in platform.of("c")] == [3, 3]


@in_quick_time
async def test_what_looks_the_same_is_not_edited() -> None:
    platform = FakePlatform()
    async with quick_stage() as on, delivering(on, platform, CALM):
        task_id = await on.accepted(plan_of("a"))
        await all_shown(on)
        for number in range(3):
            claimed_until = on.clock.now() + timedelta(seconds=number)
            await on.store.transact(partial(touched, task_id=task_id, claimed_until=claimed_until))
            await all_shown(on)
        assert len(platform.cards) == 1


def touched(uow: UnitOfWork, task_id: str, claimed_until: datetime) -> None:
    """A change that no card shows."""
    uow.tasks.put(replace(uow.tasks.lock([task_id])[task_id], claimed_until=claimed_until))


@in_quick_time
async def test_time_is_shown_now_and_then_while_something_runs() -> None:
    platform = FakePlatform()
    async with quick_stage() as on, delivering(on, platform):
        task_id = await on.accepted(plan_of("a"))
        await on.happen(task_id, released("a", on.clock), started("a", on.clock))
        await all_shown(on)
        await on.swept()
        before = len(platform.cards)
        await asyncio.sleep(4.0)
        await on.swept()
        assert len(platform.cards) == before
        await asyncio.sleep(1.0)
        assert len(platform.cards) == before + 1
        for _ in range(3):
            await asyncio.sleep(5.0)
            await on.swept()
        assert before + 2 <= len(platform.cards) <= before + 4
        await on.happen(task_id, succeeded("a", on.clock))
        await is_answered(on, task_id)
        await all_shown(on)
        last = len(platform.cards)
        await asyncio.sleep(60)
        await on.swept()
        assert len(platform.cards) == last


@in_quick_time
async def test_after_a_restart_the_same_card_goes_on() -> None:
    platform = FakePlatform()
    async with quick_stage() as on:
        async with delivering(on, platform):
            task_id = await on.accepted(plan_of("a"))
            await all_shown(on)
        await on.happen(task_id, released("a", on.clock))
        async with delivering(on, platform):
            await all_shown(on)
        [line] = platform.of("c")
        assert line.post.card is not None
        assert line.post.card.revision == (await on.task(task_id)).version


@in_quick_time
async def test_a_card_from_before_messages_were_written_down_is_adopted() -> None:
    platform = FakePlatform()
    async with quick_stage() as on:
        task_id = await on.accepted(plan_of("a"))
        place = (await on.task(task_id)).route.place
        card_id = await platform.send(place, Post(text=RichText("old")), f"{task_id}-c0-0")
        await on.store.transact(lambda uow: uow.deliveries.shown(task_id, 0, card_id))
        await on.happen(task_id, released("a", on.clock))
        async with delivering(on, platform):
            await all_shown(on)
        [line] = platform.of("c")
        assert len(line.looks) == 2
        [posted] = await on.store.transact(lambda uow: uow.posts.of_task(task_id))
        assert (posted.kind, posted.message_id) == (PostKind.CARD, card_id)


@in_quick_time
async def test_a_deleted_card_comes_again_but_not_for_ever() -> None:
    platform = FakePlatform()
    async with quick_stage() as on, delivering(on, platform, CALM):
        task_id = await on.accepted(plan_of(*"abcdefgh"))
        for key in "abcdefgh":
            await all_shown(on)
            for line in platform.of("c"):
                platform.delete(line)
            await on.happen(task_id, released(key, on.clock), succeeded(key, on.clock))
        await all_shown(on)
        assert len(platform.lines) == 6
        await is_answered(on, task_id)
        await all_shown(on)
        assert platform.answers == [(task_id, "all done")]
        assert len({line.nonce for line in platform.lines}) == len(platform.lines)


@in_quick_time
async def test_an_edit_that_is_refused_for_good_is_passed_over() -> None:
    platform = FakePlatform()
    async with quick_stage() as on, delivering(on, platform, CALM):
        task_id = await on.accepted(plan_of("a"))
        await all_shown(on)
        platform.fail(Refused("chat.empty"), only="edit")
        await on.happen(task_id, released("a", on.clock))
        await all_shown(on)
        assert len(platform.cards) == 1
        await is_answered(on, task_id)
        await asyncio.sleep(1.0)
        assert platform.answers == [(task_id, "all done")]
        assert len(platform.cards) == 2


@in_quick_time
async def test_the_longer_it_takes_the_more_seldom_anybody_looks() -> None:
    platform = FakePlatform()
    async with quick_stage() as on, delivering(on, platform, DeliverySettings()):
        task_id = await on.accepted(plan_of("a"))
        await on.happen(task_id, released("a", on.clock), started("a", on.clock))
        counts = []
        for _ in range(3):
            before = len(platform.edits)
            await asyncio.sleep(600.0)
            counts.append(len(platform.edits) - before)
    assert counts[0] > 30
    assert counts == sorted(counts, reverse=True)
    assert counts[2] <= 15


@in_quick_time
async def test_a_nudge_is_faster_than_the_sweep() -> None:
    platform = FakePlatform()
    async with quick_stage() as on, delivering(on, platform, DeliverySettings(sweep_s=600.0)):
        await until(lambda: on.store.transactions)
        await on.accepted()
        await until(lambda: platform.cards)


@in_quick_time
async def test_a_lost_nudge_costs_a_sweep() -> None:
    platform = FakePlatform()
    async with quick_stage() as on:
        on.bus.loses_nudges = True
        async with delivering(on, platform):
            await on.swept()
            await on.accepted()
            await until(lambda: platform.cards)


@in_quick_time
async def test_other_bots_tasks_are_left_alone() -> None:
    platform = FakePlatform(bot_id="b2")
    async with quick_stage() as on, delivering(on, platform):
        await on.accepted()
        await on.swept()
        assert platform.cards == []
        assert await pending(on) == 1


@in_quick_time
async def test_a_database_that_is_down_is_waited_for() -> None:
    platform = FakePlatform()
    async with quick_stage() as on:
        await on.accepted()
        on.store.is_down = True
        async with delivering(on, platform):
            await until(lambda: on.store.refusals >= 2)
            assert platform.cards == []
            on.store.is_down = False
            await until(lambda: platform.cards)


# --- drafts -------------------------------------------------------------------------------------------------------


def heard(task_id: str, text: str) -> Nudge:
    return Nudge(kind="draft", task_id=task_id, text=text)


async def writing(on: Stage, platform: FakePlatform) -> str:
    """A task whose answer is being written, with its card shown."""
    task_id = await on.accepted(plan_of("a"))
    await until(lambda: platform.cards)
    await on.happen(task_id, released("a", on.clock), succeeded("a", on.clock))
    await on.swept()
    await asyncio.sleep(3.0)
    await all_shown(on)
    await on.swept()
    return task_id


@in_quick_time
async def test_a_draft_is_shown_under_the_pace_of_edits_and_only_the_newest() -> None:
    platform = FakePlatform(traits=PACED)
    async with quick_stage() as on, delivering(on, platform, CALM):
        task_id = await writing(on, platform)
        before = len(platform.cards)
        await on.bus.nudge([heard(task_id, "one"), heard(task_id, "one two")])
        await on.swept()
        assert len(platform.cards) == before
        await asyncio.sleep(3.0)
        await until(lambda: len(platform.cards) > before)
        assert "one two" in platform.cards[-1].text.text
        await asyncio.sleep(30.0)
        await on.swept()
        assert len(platform.cards) == before + 1


@in_quick_time
async def test_a_draft_is_forgotten_when_the_answer_is_there() -> None:
    platform = FakePlatform(traits=PACED)
    async with quick_stage() as on, delivering(on, platform, CALM):
        task_id = await writing(on, platform)
        await on.bus.nudge([heard(task_id, "half of it")])
        await is_answered(on, task_id)
        await until(lambda: platform.answers)
        await on.bus.nudge([heard(task_id, "too late")])
        await asyncio.sleep(30.0)
        await all_shown(on)
        last = platform.of("c")[0].post.card
        assert last is not None
        assert last.state is TaskState.ANSWERED
        assert not any("too late" in card.text.text for card in platform.cards)
        assert "half" not in platform.of("c")[0].text


@in_quick_time
async def test_a_draft_of_a_round_that_is_planned_anew_is_not_shown() -> None:
    platform = FakePlatform()
    async with quick_stage() as on, delivering(on, platform, CALM):
        task_id = await on.accepted(replace(plan_of("a"), rounds_left=1))
        await on.happen(task_id, released("a", on.clock), succeeded("a", on.clock))
        await all_shown(on)
        await on.happen(task_id, e.Dissatisfied(why="the prices", at=on.clock.now()))
        await on.bus.nudge([heard(task_id, "too little")])
        await all_shown(on)
        await on.swept()
        assert "too little" not in platform.cards[-1].text.text


@in_quick_time
async def test_drafts_of_other_bots_tasks_are_not_kept() -> None:
    platform = FakePlatform(bot_id="b2")
    async with quick_stage() as on, delivering(on, platform) as loop:
        await on.accepted()
        await on.bus.nudge([heard(f"{number:06}", "x") for number in range(100)])
        await on.swept()
        assert len(loop._board) == 0


@in_quick_time
async def test_a_person_who_waits_sees_that_somebody_writes() -> None:
    platform = FakePlatform()
    async with quick_stage() as on, delivering(on, platform):
        task_id = await on.accepted()
        await all_shown(on)
        assert platform.busy_in == []
        await on.happen(task_id, e.PlanningStarted(until=on.clock.now(), by="p"))
        await until(lambda: len(platform.busy_in) == 1)
        await on.swept()
        assert len(platform.busy_in) == 1
        await asyncio.sleep(5.0)
        await until(lambda: len(platform.busy_in) == 2)


# --- what is remembered -------------------------------------------------------------------------------------------


@in_quick_time
async def test_nothing_is_remembered_of_what_is_over() -> None:
    platform = FakePlatform()
    async with quick_stage() as on, delivering(on, platform) as loop:
        ids = [await on.accepted(plan_of("a"), user=f"user{number}") for number in range(20)]
        for task_id in ids:
            await is_answered(on, task_id)
        await all_shown(on)
        await until(lambda: not len(loop._board))
        assert loop._board.desks == {}


@in_quick_time
async def test_what_was_shown_is_not_shown_again_for_a_late_nudge() -> None:
    platform = FakePlatform()
    async with quick_stage() as on, delivering(on, platform):
        task_id = await on.accepted(plan_of("a"))
        await is_answered(on, task_id)
        await all_shown(on)
        calls = len(platform.edits), len(platform.lines)
        for _ in range(3):
            await on.bus.nudge([Nudge(kind="answered", task_id=task_id)])
            await on.swept()
        assert (len(platform.edits), len(platform.lines)) == calls


@pytest.mark.parametrize("kind", list(PostKind))
def test_names_of_messages_fit_every_platform(kind: PostKind) -> None:
    nonce = first_nonce("7KQ2M4", kind, "ABCDEFGHJK")
    for _ in range(12):
        nonce = next_nonce(nonce)
    assert len(nonce) <= MAX_NONCE
    assert generation(nonce) == 12
    assert is_of(nonce, "ABCDEFGHJK")
    assert not is_of(nonce, "ABCDEFGHJ")
