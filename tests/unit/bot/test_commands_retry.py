from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.post import Action, Verb
from bot.reply import Accepted, Reply
from domain import events as e
from domain.people import Role
from domain.task import Failure, SubtaskState, Task, TaskState, Upload, UploadState
from tests.unit.bot.desk import all_tasks, asked_in_group, press_of, pressed, told, told_in_group
from tests.unit.bot.fakes import Stage, person, plan_of, released, stage, succeeded


async def half_failed(on: Stage, task_id: str = "") -> Task:
    task_id = task_id or await on.accepted(plan_of("a", "b", "c", max_attempts=1))
    failed = e.Failed(
        key="b",
        attempt=None,
        exec_id=None,
        agent="agent",
        failure=Failure(code="crashed"),
        at=on.clock.now(),
        jitter=0.1,
    )
    a, b = released("a", on.clock), released("b", on.clock)
    await on.happen(task_id, a, succeeded("a", on.clock), b, failed)
    return await on.answered(task_id)


def again(task: Task, step: str = "") -> Action:
    return Action(verb=Verb.RETRY, subject=task.id, argument=step)


async def test_retry_is_a_new_task_that_keeps_what_succeeded() -> None:
    async with stage() as on:
        old = await half_failed(on)
        taken = await on.say(f"/retry {old.id}")
        new = await on.task(taken.task_id)
        assert (new.id != old.id, new.retry_of, new.request, new.plan) == (True, old.id, old.request, old.plan)
        assert new.subtasks["a"].result == old.subtasks["a"].result
        assert [sub.state for sub in new.subtasks.values()] == [
            SubtaskState.SUCCEEDED,
            SubtaskState.READY,
            SubtaskState.PENDING,
        ]
        assert await on.task(old.id) == old


@pytest.mark.parametrize("typed", ["{id} a", "{id}.a", "{id}  a"])
async def test_retry_of_a_step_runs_it_and_what_follows(typed: str) -> None:
    async with stage() as on:
        old = await half_failed(on)
        taken = await on.say("/retry " + typed.format(id=old.id))
        new = await on.task(taken.task_id)
        assert new.subtasks["a"].state is SubtaskState.READY
        assert new.subtasks["a"].result is None


async def test_retry_of_a_task_without_a_plan_asks_again_with_its_files() -> None:
    async with stage() as on:
        file = Upload(ref="f1", name="a.csv", path="", state=UploadState.PENDING)
        message = replace(on.message("do the impossible"), uploads=(file,))
        taken = await on.intake.receive(message)
        assert isinstance(taken, Accepted)
        there = replace((await on.task(taken.task_id)).uploads[0], state=UploadState.THERE)
        failed = e.PlanFailed(failure=Failure(code="no_plan"), at=on.clock.now())
        await on.happen(taken.task_id, e.Fetched(uploads=(there,)), failed)
        await on.answered(taken.task_id)
        new = await on.task((await on.say(f"/retry {taken.task_id}")).task_id)
        assert (new.state, new.request, new.retry_of) == (TaskState.RECEIVED, "do the impossible", taken.task_id)
        assert new.is_fresh
        assert [(upload.ref, upload.state) for upload in new.uploads] == [("f1", UploadState.PENDING)]
        assert new.id in new.uploads[0].path


async def test_retry_refusals_say_why() -> None:
    async with stage() as on:
        assert "/retry id" in (await told(on, "/retry")).text
        task_id = await on.accepted(plan_of("a"))
        assert "still running" in (await told(on, f"/retry {task_id}")).text
        await on.happen(task_id, released("a", on.clock), succeeded("a", on.clock))
        await on.answered(task_id)
        assert "succeeded" in (await told(on, f"/retry {task_id}")).text
        for typed in (f"{task_id} t1.2.x", f"{task_id}.t1.2.x"):
            assert "no step t1.2.x" in (await told(on, f"/retry {typed}")).text
        assert isinstance(await on.say(f"/retry {task_id} a"), Accepted)


async def test_the_same_retry_twice_is_one_task() -> None:
    async with stage() as on:
        old = await half_failed(on)
        first = await on.commands.receive(on.message(f"/retry {old.id}", key="r"), person())
        again = await on.commands.receive(on.message(f"/retry {old.id}", key="r"), person())
        assert isinstance(first, Accepted)
        assert again == Accepted(task_id=first.task_id, is_new=False)


# --- the button -----------------------------------------------------------------------------------------------------


async def test_a_double_press_is_one_task() -> None:
    async with stage() as on:
        old = await half_failed(on)
        async with asyncio.TaskGroup() as group:
            both = [group.create_task(pressed(on, again(old))) for _ in range(2)]
        assert any(isinstance(one.result(), Accepted) and one.result().is_new for one in both)
        assert len(await all_tasks(on)) == 2
        late = await pressed(on, again(old))
        assert isinstance(late, Reply)
        [new] = [task for task in await all_tasks(on) if task.id != old.id]
        assert new.id in late.text
        assert late.is_notice


async def test_once_the_new_try_is_over_the_button_tries_again() -> None:
    async with stage() as on:
        old = await half_failed(on)
        made = []
        for _ in range(3):
            taken = await pressed(on, again(old))
            assert isinstance(taken, Accepted)
            assert taken.is_new
            made.append(taken.task_id)
            await on.answered(taken.task_id)
        assert len(set(made)) == 3


async def test_each_step_has_a_try_of_its_own() -> None:
    async with stage() as on:
        old = await half_failed(on)
        whole, step = await pressed(on, again(old)), await pressed(on, again(old, "b"))
        assert whole.task_id != step.task_id


async def test_the_new_answer_replies_to_the_request_it_was_about() -> None:
    async with stage() as on:
        message = replace(on.message("do it"), message_id="42")
        taken = await on.intake.submit_plan(message, plan_of("a", "b", "c", max_attempts=1))
        old = await half_failed(on, taken.task_id)
        new = await on.task((await pressed(on, again(old))).task_id)
        assert new.route == old.route
        typed = await on.commands.receive(replace(on.message(f"/retry {old.id}"), message_id="50"), person())
        assert isinstance(typed, Accepted)
        assert (await on.task(typed.task_id)).route.reply_to == "50"


async def test_from_another_chat_it_replies_where_it_was_pressed() -> None:
    async with stage() as on:
        old = await half_failed(on)
        new = await on.task((await pressed(on, again(old), chat_id="chat-2", message_id="9")).task_id)
        assert (new.route.chat_id, new.route.reply_to) == ("chat-2", "9")


async def test_refusals_of_the_button_are_notices() -> None:
    async with stage() as on:
        running = await on.task(await on.accepted(plan_of("a")))
        for action in (again(running), again(await half_failed(on), "nobody"), again(replace(running, id="ZZZZZZ"))):
            reply = await pressed(on, action)
            assert (reply.is_refusal, reply.is_notice) == (True, True)
        assert len(await all_tasks(on)) == 2


# --- others -------------------------------------------------------------------------------------------------------


async def test_what_an_admin_tries_again_belongs_to_whom_it_belonged() -> None:
    async with stage() as on:
        old = await half_failed(on, await asked_in_group(on, plan_of("a", "b", "c", max_attempts=1)))
        assert (await told_in_group(on, f"/retry {old.id}", user="bob")).is_refusal
        taken = await told_in_group(on, f"/retry {old.id}", user="bob", role=Role.ADMIN)
        assert (await on.task(taken.task_id)).scope == old.scope
        press = press_of(on, again(old), user="bob", chat_id="-100", is_group=True)
        by_button = await on.controls.pressed(press, person("bob", Role.OWNER))
        assert isinstance(by_button, Accepted)
        assert (await on.task(by_button.task_id)).scope == old.scope


async def test_nobody_tries_again_what_is_not_theirs() -> None:
    async with stage() as on:
        old = await half_failed(on)
        for role in Role:
            reply = await pressed(on, again(old), user="bob", role=role)
            assert "There is no task" in reply.text
        assert len(await all_tasks(on)) == 1
