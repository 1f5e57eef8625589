from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.intake import Intake, IntakeSettings
from bot.reply import Accepted, Reply
from domain import events as e
from domain.errors import Refused, StoreDown
from domain.ids import TASK_ID_BITS
from domain.plan import Plan
from domain.task import Exchange, TaskState
from tests.unit.bot.fakes import Stage, plan_of, stage


async def test_a_message_becomes_a_task_and_only_then_is_it_told() -> None:
    async with stage() as on:
        taken = await on.intake.receive(on.message("请检查代码"))
        assert isinstance(taken, Accepted)
        task = await on.task(taken.task_id)
        assert (task.state, task.request, task.language) == (TaskState.RECEIVED, "请检查代码", "zh")
        assert (task.scope.owner, task.scope.tenant, task.route.chat_id) == ("fake:ann", "local", "chat-ann")
        assert task.deadline_at - task.created_at == timedelta(minutes=30)
        assert re.fullmatch(r"[0-9a-f]{32}", task.trace_id)
        assert on.bus.nudged == [("received", task.id), ("changed", task.id)]


async def test_the_same_update_is_the_same_task() -> None:
    async with stage() as on:
        first = await on.intake.receive(on.message("hello", key="77"))
        again = await on.intake.receive(on.message("hello", key="77"))
        assert first == Accepted(task_id=first.task_id, is_new=True)
        assert again == Accepted(task_id=first.task_id, is_new=False)
        assert len(await on.store.transact(lambda uow: uow.tasks.recent(None, 10))) == 1
        assert len(on.bus.nudged) == 2


async def test_a_taken_id_is_drawn_again() -> None:
    async with stage() as on:

        class Repeating:
            """The same id twice, then another."""

            def __init__(self) -> None:
                self.draws = [7, 7, 8]

            def bits(self, count: int) -> int:
                return self.draws.pop(0) if count == TASK_ID_BITS else 1

            def jitter(self) -> float:
                return 0.5

        intake = Intake(on.store, on.bus, on.clock, Repeating(), IntakeSettings())
        ids = [(await intake.receive(on.message("hello"))).task_id for _ in range(2)]
        assert ids == ["000007", "000008"]


@pytest.mark.parametrize("text", ["", "   ", "x" * 100_000, "\x00\x01\x02"])
async def test_what_cannot_be_a_request_is_answered_with_a_sentence(text: str) -> None:
    async with stage() as on:
        reply = await on.intake.receive(on.message(text))
        assert isinstance(reply, Reply)
        assert reply.is_refusal
        assert 10 < len(reply.text) < 200
        assert on.bus.nudged == []
        assert await on.store.transact(lambda uow: uow.tasks.recent(None, 10)) == []


async def test_right_to_left_text_is_kept_as_it_is() -> None:
    async with stage() as on:
        task = await on.task(await on.accepted(request="מחק \u202e הכל"))
        assert task.request == "מחק \u202e הכל"


async def test_a_given_plan_needs_no_planner() -> None:
    async with stage() as on:
        task = await on.task(await on.accepted(plan_of("a", "b")))
        assert task.state is TaskState.RUNNING
        assert list(task.subtasks) == ["a", "b"]
        assert on.bus.nudged[0][0] == "planned"


async def test_a_direct_reply_is_settled_at_once() -> None:
    async with stage() as on:
        task = await on.task(await on.accepted(Plan(answer="42")))
        assert task.settled_at is not None
        assert on.bus.nudged[0][0] == "settled"


async def test_a_plan_without_a_request_is_refused() -> None:
    async with stage() as on:
        with pytest.raises(Refused):
            await on.intake.submit_plan(on.message(" "), plan_of("a"))


async def test_nothing_is_told_when_nothing_was_kept() -> None:
    async with stage() as on:
        on.store.is_down = True
        with pytest.raises(StoreDown):
            await on.intake.receive(on.message("hello"))
        assert on.bus.nudged == []


async def test_a_request_can_be_fresh() -> None:
    async with stage() as on:
        taken = [await on.intake.receive(on.message("hello"), is_fresh=is_fresh) for is_fresh in (True, False)]
        assert [(await on.task(one.task_id)).is_fresh for one in taken] == [True, False]


async def test_again_means_anew_whatever_is_kept() -> None:
    async with stage() as on:
        taken = [await on.intake.receive(on.message(text)) for text in ("do that again for March", "再来一次", "March")]
        assert [(await on.task(one.task_id)).is_fresh for one in taken] == [True, True, False]


# --- replies ------------------------------------------------------------------------------------------------------


async def asking(on: Stage, question: str = "Which month?", user: str = "ann", request: str = "report") -> str:
    """A task that waits for the answer to its question."""
    task_id = await on.accepted(request=request, user=user)
    now = on.clock.now()
    asked = e.QuestionAsked(question=question, at=now, by="p")
    task = await on.happen(task_id, e.PlanningStarted(until=now, by="p"), asked)
    assert task.question == question
    on.bus.nudged.clear()
    return task_id


async def test_plain_text_answers_the_question_of_a_task() -> None:
    async with stage() as on:
        task_id = await asking(on)
        assert await on.say("March\r\nplease") == Accepted(task_id=task_id, is_new=False, is_reply=True)
        task = await on.task(task_id)
        assert (task.state, task.question) == (TaskState.RECEIVED, None)
        assert task.dialogue == (Exchange(said="Which month?", reply="March\nplease"),)
        assert {("received", task_id), ("changed", task_id)} <= set(on.bus.nudged)
        assert (await on.say("something else")).is_new


async def test_the_same_reply_answers_once() -> None:
    async with stage() as on:
        task_id = await asking(on)
        message = on.message("March", key="77")
        await on.intake.hear(message)
        on.bus.nudged.clear()
        assert await on.intake.hear(message) == Accepted(task_id=task_id, is_new=False)
        assert len((await on.task(task_id)).dialogue) == 1
        assert on.bus.nudged == []


async def test_the_request_itself_arriving_again_is_no_reply() -> None:
    async with stage() as on:
        message = on.message("report", key="1")
        taken = await on.intake.hear(message)
        now = on.clock.now()
        asked = e.QuestionAsked(question="Which month?", at=now, by="p")
        await on.happen(taken.task_id, e.PlanningStarted(until=now, by="p"), asked)
        assert await on.intake.hear(message) == Accepted(task_id=taken.task_id, is_new=False)
        assert (await on.task(taken.task_id)).question == "Which month?"


async def test_ask_always_makes_a_new_task() -> None:
    async with stage() as on:
        task_id = await asking(on)
        taken = await on.say("/ask March")
        assert taken.is_new
        assert (await on.task(task_id)).question is not None


async def test_only_the_same_person_in_the_same_chat_answers() -> None:
    async with stage() as on:
        task_id = await asking(on)
        assert (await on.say("March", user="ben")).is_new
        elsewhere = replace(on.message("March"), chat_id="another")
        assert (await on.intake.hear(elsewhere)).is_new
        assert (await on.task(task_id)).question == "Which month?"


async def test_the_newest_question_is_answered_first() -> None:
    async with stage() as on:
        first = await asking(on)
        await on.clock.advance(1)
        second = await asking(on, "Which year?")
        assert (await on.say("2026")).task_id == second
        assert (await on.say("March")).task_id == first


async def test_what_cannot_be_a_request_cannot_be_a_reply() -> None:
    async with stage() as on:
        task_id = await asking(on)
        reply = await on.say("\x00\x01")
        assert isinstance(reply, Reply)
        assert reply.is_refusal
        assert (await on.task(task_id)).question is not None


async def test_a_reply_that_could_not_be_kept_is_not_told() -> None:
    async with stage() as on:
        await asking(on)
        on.store.is_down = True
        with pytest.raises(StoreDown):
            await on.intake.hear(on.message("March"))
        assert on.bus.nudged == []
