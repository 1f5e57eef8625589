from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.post import Action, Verb
from bot.reply import Accepted
from domain import events as e
from domain.errors import StoreDown
from domain.people import Role
from domain.skill import Effect
from domain.task import Exchange, TaskState
from tests.unit.bot.desk import all_tasks, asked_in_group, press_of, pressed
from tests.unit.bot.fakes import Stage, person, plan_of, stage


async def asking(on: Stage, user: str = "ann") -> str:
    task_id = await on.accepted(request="write the report", user=user)
    now = on.clock.now()
    begun = e.PlanningStarted(until=now + timedelta(minutes=1), by="p")
    await on.happen(task_id, begun, e.QuestionAsked(question="Which month?", at=now, by="p"))
    return task_id


def reply_to(task_id: str) -> Action:
    return Action(verb=Verb.REPLY, subject=task_id)


async def test_the_text_of_a_form_answers_the_question() -> None:
    async with stage() as on:
        task_id, other = await asking(on), await asking(on)
        on.bus.nudged.clear()
        outcome = await pressed(on, reply_to(task_id), text=" March\r\nplease ")
        assert outcome == Accepted(task_id=task_id, is_new=False, is_reply=True)
        task = await on.task(task_id)
        assert task.dialogue == (Exchange(said="Which month?", reply="March\nplease"),)
        assert (await on.task(other)).question is not None
        assert ("received", task_id) in on.bus.nudged
        again = await pressed(on, reply_to(task_id), text="April")
        assert (again.is_refusal, again.is_notice) == (True, True)
        assert (await on.task(task_id)).dialogue == task.dialogue


async def test_without_a_form_it_says_how() -> None:
    async with stage() as on:
        task_id = await asking(on)
        for text in ("", "  \n"):
            reply = await pressed(on, reply_to(task_id), text=text)
            assert (reply.is_notice, task_id in reply.text) == (True, True)
        assert (await on.task(task_id)).question is not None


async def test_what_cannot_be_a_reply_is_refused() -> None:
    async with stage() as on:
        task_id = await asking(on)
        assert (await pressed(on, reply_to(task_id), text="\x00\x01")).is_refusal
        assert (await pressed(on, reply_to(task_id), text="x" * 100_000)).is_refusal
        assert (await on.task(task_id)).question is not None


async def test_only_whom_it_concerns_answers() -> None:
    async with stage() as on:
        task_id = await asking(on)
        for role in Role:
            theirs = await pressed(on, reply_to(task_id), user="bob", role=role, text="March")
            unknown = await pressed(on, reply_to("ZZZZZZ"), user="bob", role=role, text="March")
            assert theirs.text.replace(task_id, "ZZZZZZ") == unknown.text
        assert (await on.task(task_id)).question is not None


# --- all of them ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", list(Verb))
async def test_a_stranger_presses_in_vain(verb: Verb) -> None:
    async with stage() as on:
        task_id = await on.accepted(plan_of("a", effect=Effect.EXTERNAL), user="bob")
        before = await on.task(task_id)
        for user in ("bob", "mallory"):  # even a former member's own tasks
            press = press_of(on, Action(verb=verb, subject=task_id), user=user, text="x")
            reply = await on.controls.pressed(press, person(user, None))
            assert (reply.text, reply.is_notice) == ("That is not yours to decide.", True)
        assert await on.task(task_id) == before


@pytest.mark.parametrize("verb", list(Verb))
@pytest.mark.parametrize("subject", ["ZZZZZZ", "x", "-", "everybody", "0" * 40])
async def test_whatever_a_forged_button_says_is_answered_with_a_notice(verb: Verb, subject: str) -> None:
    async with stage() as on:
        await on.accepted(plan_of("a", effect=Effect.EXTERNAL))
        tasks = await all_tasks(on)
        for argument in ("", "1", "a", "\u202e", "x" * 40):
            for role in (Role.MEMBER, Role.OWNER):
                action = Action(verb=verb, subject=subject, argument=argument)
                reply = await pressed(on, action, user="mallory", role=role, text="x")
                assert (reply.is_refusal, reply.is_notice) == (True, True)
                assert 0 < len(reply.text) <= 200
                assert "\u202e" not in reply.text
        assert await all_tasks(on) == tasks


async def test_a_database_that_is_down_is_not_hidden() -> None:
    async with stage() as on:
        task_id = await on.accepted(plan_of("a"))
        on.store.is_down = True
        with pytest.raises(StoreDown):
            await pressed(on, Action(verb=Verb.CANCEL, subject=task_id))


async def test_notices_speak_the_language_of_whoever_pressed() -> None:
    async with stage() as on:
        task_id = await on.accepted(plan_of("a"), request="数一数所有文件的行数")
        assert "已取消" in (await pressed(on, Action(verb=Verb.CANCEL, subject=task_id))).text
        none = await pressed(on, Action(verb=Verb.CANCEL, subject="ZZZZZZ"), user="new", locale="zh-hant")
        assert "没有任务" in none.text
        chosen = press_of(on, Action(verb=Verb.CANCEL, subject=task_id))
        english = await on.controls.pressed(chosen, replace(person(), language="en"))
        assert "over" in english.text


async def test_in_a_group_what_is_long_is_for_whoever_pressed_alone() -> None:
    async with stage() as on:
        task_id = await asked_in_group(on, plan_of("a", effect=Effect.EXTERNAL))
        place = {"chat_id": "-100", "is_group": True}
        details = await pressed(on, Action(verb=Verb.DETAILS, subject=task_id), **place)
        assert (details.is_private, details.is_notice) == (True, False)
        denied = await pressed(
            on, next(b.action for row in details.buttons for b in row if b.action.verb == "d"), **place
        )
        assert (denied.is_private, denied.is_notice) == (False, True)
        assert (await on.task(task_id)).state is not TaskState.WAITING
