from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.intake import Accepted, Reply
from domain import events as e
from domain.agents import Worker
from domain.errors import BrokerDown, ModelDown, StoreDown
from domain.plan import Plan
from domain.skill import Effect, SkillSpec
from domain.task import Failure, Scope, SubtaskState, Task, TaskState
from domain.texts import Language
from tests.unit.bot.fakes import Stage, plan_of, released, stage, started, succeeded

COMMANDS = ("ask", "fresh", "status", "tasks", "cancel", "retry", "approve", "plan", "agents", "cost", "help")


async def reply_to(on: Stage, text: str, user: str = "ann") -> Reply:
    reply = await on.say(text, user=user)
    assert isinstance(reply, Reply)
    return reply


# --- the door -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["hello", "/ask hello", "/ASK@my_bot   hello", "／ask hello", "/ask\nhello"])
async def test_plain_text_and_ask_are_the_same(text: str) -> None:
    async with stage() as on:
        taken = await on.say(text)
        assert isinstance(taken, Accepted)
        assert (await on.task(taken.task_id)).request == "hello"


async def test_fresh_is_ask_without_what_was_kept() -> None:
    async with stage() as on:
        asked, fresh = await on.say("/ask hello"), await on.say("/fresh hello")
        assert not (await on.task(asked.task_id)).is_fresh
        task = await on.task(fresh.task_id)
        assert (task.request, task.is_fresh) == ("hello", True)


async def test_while_a_question_waits_plain_text_is_the_reply_and_commands_are_commands() -> None:
    async with stage() as on:
        task_id = await on.accepted(request="write the report")
        now = on.clock.now()
        begun = e.PlanningStarted(until=now + timedelta(minutes=1), by="p")
        await on.happen(task_id, begun, e.QuestionAsked(question="Which month?", at=now, by="p"))
        for command in ("/ask hello", "/fresh hello"):
            assert (await on.say(command)).task_id != task_id
        assert task_id in (await reply_to(on, "/tasks")).text
        assert (await on.task(task_id)).question == "Which month?"
        assert await on.say("March") == Accepted(task_id=task_id, is_new=False, is_reply=True)
        assert (await on.task(task_id)).question is None


@pytest.mark.parametrize("text", ["/etc/passwd is what?", "/ hello", "//", "1/2"])
async def test_a_slash_does_not_make_a_command(text: str) -> None:
    async with stage() as on:
        taken = await on.say(text)
        assert (await on.task(taken.task_id)).request == text


async def test_an_unknown_command_names_the_nearest() -> None:
    async with stage() as on:
        reply = await reply_to(on, "/statsu ABC")
        assert reply.is_refusal
        assert "/status" in reply.text
        assert "/help" in (await reply_to(on, "/xyzzy")).text


async def test_help_lists_every_command_in_the_users_language() -> None:
    async with stage() as on:
        english = (await reply_to(on, "/help")).text
        assert all(f"/{name}" in english for name in COMMANDS)
        await on.accepted(request="请帮我看看")
        assert "任务" in (await reply_to(on, "/help")).text


@pytest.mark.parametrize("text", ["/ask", "/ask   ", "/plan", "/fresh", "/ask \x00\x01"])
async def test_a_command_without_its_text_says_so(text: str) -> None:
    async with stage() as on:
        assert (await reply_to(on, text)).is_refusal


async def test_a_database_that_is_down_is_not_hidden() -> None:
    async with stage() as on:
        on.store.is_down = True
        with pytest.raises(StoreDown):
            await on.say("/tasks")


# --- ids ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["status", "cancel", "retry", "approve", "cost"])
async def test_unknown_and_foreign_ids_are_the_same(command: str) -> None:
    async with stage() as on:
        theirs = await on.accepted(plan_of("a"), user="bob")
        foreign = await reply_to(on, f"/{command} {theirs}")
        unknown = await reply_to(on, f"/{command} ZZZZZZ")
        assert foreign.text.replace(theirs, "ZZZZZZ") == unknown.text
        assert foreign.is_refusal
        assert (await on.task(theirs)).cancelled_at is None
        assert on.bus.orders == []


@pytest.mark.parametrize("typed", ["no-such-id", "1", "A" * 100_000, "'; drop table task; --", "\u202eABC"])
async def test_what_cannot_be_an_id_is_not_found(typed: str) -> None:
    async with stage() as on:
        reply = await reply_to(on, f"/status {typed}")
        assert reply.is_refusal
        assert len(reply.text) < 150
        assert "\u202e" not in reply.text


async def test_ids_are_read_the_way_people_type_them() -> None:
    async with stage() as on:
        task_id = await on.accepted()
        reply = await reply_to(on, f"/status  #{task_id.lower().replace('0', 'o').replace('1', 'l')} ")
        assert reply.card is not None
        assert reply.card.task_id == task_id


# --- looking ------------------------------------------------------------------------------------------------------


async def test_status_shows_the_newest_open_task_else_the_newest() -> None:
    async with stage() as on:
        assert (await reply_to(on, "/status")).is_refusal
        first = await on.accepted(plan_of("a"))
        await on.clock.advance(1)
        second = await on.accepted(plan_of("a"))
        await on.answered(second)
        open_one = (await reply_to(on, "/status")).card
        assert open_one is not None
        assert open_one.task_id == first
        await on.answered(first)
        newest = await reply_to(on, "/status")
        assert newest.card is not None
        assert newest.card.task_id == second
        assert newest.answer is not None
        assert newest.answer.text == "all done"


async def test_status_shows_what_would_be_approved() -> None:
    async with stage() as on:
        params = {"to": "{{a.output.n}}", "text": "\u202ehi"}
        mail = plan_of("mail", effect=Effect.EXTERNAL, params=params).nodes[0]
        plan = Plan(nodes=(*plan_of("a").nodes, replace(mail, dependencies=("a",))))
        task_id = await on.accepted(plan)
        await on.happen(task_id, released("a", on.clock), succeeded("a", on.clock))
        text = (await reply_to(on, f"/status {task_id}")).text
        assert '{"to": "a", "text": "⟨U+202E⟩hi"}' in text
        assert f"/approve {task_id}" in text


async def test_parameters_that_cannot_be_filled_in_are_shown_as_planned() -> None:
    async with stage() as on:
        plan = plan_of("mail", effect=Effect.EXTERNAL, params={"to": "{{gone.output}}"})
        task_id = await on.accepted(plan)
        assert "{{gone.output}}" in (await reply_to(on, f"/status {task_id}")).text


async def test_tasks_lists_only_ones_own() -> None:
    async with stage() as on:
        assert "no tasks" in (await reply_to(on, "/tasks")).text
        mine = await on.accepted(plan_of("a", "b"), request="count the lines\nof all files")
        await on.accepted(request="secret of bob", user="bob")
        text = (await reply_to(on, "/tasks")).text
        assert text == f"● {mine} · running · 0/2 · count the lines of all files"


async def test_agents_lists_who_is_alive() -> None:
    async with stage() as on:
        assert "xingshu worker" in (await reply_to(on, "/agents")).text
        now = on.clock.now()
        skill = SkillSpec(name="echo", description="says it again")
        workers = [
            Worker(
                agent="hall",
                worker=name,
                incarnation="1",
                slots=1,
                skills=skills,
                status="idle",
                current_task=None,
                last_seen=at,
            )
            for name, skills, at in [("w1", (skill,), now), ("w2", (), now), ("w3", (), now - timedelta(minutes=5))]
        ]
        mute = Worker(
            agent="mute",
            worker="w",
            incarnation="1",
            slots=1,
            skills=(),
            status="idle",
            current_task=None,
            last_seen=now,
        )
        await on.store.transact(lambda uow: [uow.registry.hello(worker) for worker in [*workers, mute]])
        text = (await reply_to(on, "/agents")).text.splitlines()
        assert text == [
            "hall · 2 worker(s)",
            "    echo – says it again",
            "mute · 1 worker(s)",
            "    (announces no skills)",
        ]


async def test_plan_previews_and_starts_nothing() -> None:
    async def preview(_scope: Scope, text: str, language: Language) -> Plan:
        assert (text, language) == ("清点文件", "zh")
        return plan_of("a", "b", effect=Effect.EXTERNAL)

    async with stage(preview) as on:
        text = (await reply_to(on, "/plan 清点文件")).text
        assert "b. Step b（say），在 a 之后，需要你批准" in text
        assert await on.store.transact(lambda uow: uow.tasks.recent(None, 10)) == []


async def test_a_model_that_is_down_is_said() -> None:
    async def preview(_scope: Scope, text: str, language: Language) -> Plan:
        raise ModelDown("error.model_down", detail="timeout")

    async with stage(preview) as on:
        assert "timeout" in (await reply_to(on, "/plan something")).text


# --- cancel -------------------------------------------------------------------------------------------------------


async def test_cancel_stops_workers_and_settles() -> None:
    async with stage() as on:
        task_id = await on.accepted(plan_of("a", "b"))
        await on.happen(task_id, released("a", on.clock), started("a", on.clock))
        on.bus.nudged.clear()
        reply = await reply_to(on, f"/cancel {task_id}")
        task = await on.task(task_id)
        assert {sub.state for sub in task.subtasks.values()} == {SubtaskState.CANCELLED}
        assert not reply.is_refusal
        assert task_id in reply.text
        [(agent, worker, order)] = on.bus.orders
        assert (agent, worker, order.type, order.task_id, order.exec_id) == (
            "agent",
            "w1",
            "stop",
            f"{task_id}.a",
            "x1",
        )
        assert on.bus.nudged == [("changed", task_id), ("planned", task_id), ("settled", task_id)]
        assert [attempt.key for attempt in await on.store.transact(lambda uow: uow.tasks.attempts(task_id))] == ["a"]


async def test_cancel_without_a_broker_still_cancels() -> None:
    async with stage() as on:
        task_id = await on.accepted(plan_of("a"))
        await on.happen(task_id, released("a", on.clock), started("a", on.clock))
        on.bus.order_error = BrokerDown("error.broker_down")
        await on.say("/cancel")
        assert (await on.task(task_id)).settled_at is not None


async def test_cancel_without_an_id_means_the_only_open_task() -> None:
    async with stage() as on:
        assert (await reply_to(on, "/cancel")).is_refusal
        first = await on.accepted(plan_of("a"))
        second = await on.accepted(plan_of("a"))
        both = await reply_to(on, "/cancel")
        assert both.is_refusal
        assert first in both.text
        assert second in both.text
        await on.answered(second)
        await on.say("/cancel")
        assert (await on.task(first)).cancelled_at is not None


async def test_what_is_granted_is_waited_for() -> None:
    async with stage() as on:
        task_id = await on.accepted(plan_of("pay", effect=Effect.EXTERNAL))
        approved = e.Approved(at=on.clock.now())
        task = await on.happen(task_id, approved, released("pay", on.clock), started("pay", on.clock))
        assert task.subtasks["pay"].state is SubtaskState.RUNNING
        reply = await reply_to(on, "/cancel")
        assert "reported" in reply.text
        assert (await on.task(task_id)).settled_at is None


async def test_cancel_after_the_end_changes_nothing() -> None:
    async with stage() as on:
        task_id = await on.accepted(plan_of("a"))
        before = await on.answered(task_id)
        on.bus.nudged.clear()
        assert "over" in (await reply_to(on, f"/cancel {task_id}")).text
        assert await on.task(task_id) == before
        assert on.bus.nudged == []


# --- approve ------------------------------------------------------------------------------------------------------


async def test_approve_lets_the_waiting_go_on() -> None:
    async with stage() as on:
        assert (await reply_to(on, "/approve")).is_refusal
        task_id = await on.accepted(plan_of("pay", effect=Effect.EXTERNAL))
        assert (await on.task(task_id)).state is TaskState.WAITING
        reply = await reply_to(on, "/approve")
        task = await on.task(task_id)
        assert not reply.is_refusal
        assert (task.state, task.subtasks["pay"].approved) == (TaskState.RUNNING, True)
        assert ("changed", task_id) in on.bus.nudged
        assert "Nothing" in (await reply_to(on, f"/approve {task_id}")).text


# --- retry --------------------------------------------------------------------------------------------------------


async def half_failed(on: Stage) -> Task:
    task_id = await on.accepted(plan_of("a", "b", "c", max_attempts=1))
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


async def test_retry_of_a_task_without_a_plan_asks_again() -> None:
    async with stage() as on:
        task_id = await on.accepted(request="do the impossible")
        failed = e.PlanFailed(failure=Failure(code="no_plan"), at=on.clock.now())
        await on.happen(task_id, failed)
        await on.answered(task_id)
        new = await on.task((await on.say(f"/retry {task_id}")).task_id)
        assert (new.state, new.request, new.retry_of) == (TaskState.RECEIVED, "do the impossible", task_id)
        assert new.is_fresh


async def test_retry_refusals_say_why() -> None:
    async with stage() as on:
        assert "/retry id" in (await reply_to(on, "/retry")).text
        task_id = await on.accepted(plan_of("a"))
        assert "still running" in (await reply_to(on, f"/retry {task_id}")).text
        await on.happen(task_id, released("a", on.clock), succeeded("a", on.clock))
        await on.answered(task_id)
        assert "succeeded" in (await reply_to(on, f"/retry {task_id}")).text
        for typed in (f"{task_id} t1.2.x", f"{task_id}.t1.2.x"):
            assert "no step t1.2.x" in (await reply_to(on, f"/retry {typed}")).text
        assert isinstance(await on.say(f"/retry {task_id} a"), Accepted)


async def test_the_same_retry_twice_is_one_task() -> None:
    async with stage() as on:
        old = await half_failed(on)
        first = await on.commands.receive(on.message(f"/retry {old.id}", key="r"))
        again = await on.commands.receive(on.message(f"/retry {old.id}", key="r"))
        assert isinstance(first, Accepted)
        assert again == Accepted(task_id=first.task_id, is_new=False)
