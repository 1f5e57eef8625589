from __future__ import annotations

import re
from datetime import timedelta

import pytest

from bot.intake import Accepted, Intake, IntakeSettings, Reply
from domain.errors import Refused, StoreDown
from domain.ids import TASK_ID_BITS
from domain.plan import Plan
from domain.task import TaskState
from tests.unit.bot.fakes import plan_of, stage


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
