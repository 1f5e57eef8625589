from __future__ import annotations

from dataclasses import replace

import pytest

from bot.cancel_text import cancel_text
from bot.post import Action, Verb
from domain import events as e
from domain.errors import BrokerDown
from domain.people import Role
from domain.plan import Node
from domain.progress import step
from domain.skill import Effect
from domain.task import SubtaskState, Task
from tests.unit.bot.desk import asked_in_group, pressed, told, told_in_group
from tests.unit.bot.fakes import plan_of, released, stage, started
from tests.unit.domain import build as b


async def test_cancel_stops_workers_and_settles() -> None:
    async with stage() as on:
        task_id = await on.accepted(plan_of("a", "b"))
        await on.happen(task_id, released("a", on.clock), started("a", on.clock))
        on.bus.nudged.clear()
        reply = await told(on, f"/cancel {task_id}")
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
        assert (await told(on, "/cancel")).is_refusal
        first = await on.accepted(plan_of("a"))
        second = await on.accepted(plan_of("a"))
        both = await told(on, "/cancel")
        assert both.is_refusal
        assert first in both.text
        assert second in both.text
        await on.answered(second)
        await on.say("/cancel")
        assert (await on.task(first)).cancelled_at is not None


async def test_what_is_granted_is_waited_for_and_named() -> None:
    async with stage() as on:
        task_id = await on.accepted(plan_of("pay", "tell", effect=Effect.EXTERNAL))
        approved = e.Approved(at=on.clock.now())
        task = await on.happen(task_id, approved, released("pay", on.clock), started("pay", on.clock))
        assert task.subtasks["pay"].state is SubtaskState.RUNNING
        text = (await told(on, "/cancel")).text
        assert "cannot be called back: “Step pay”. How it ends will be reported." in text
        assert "Never begun: “Step tell”." in text
        assert (await on.task(task_id)).settled_at is None
        assert "cannot be called back: “Step pay”" in (await told(on, f"/cancel {task_id}")).text  # still true


async def test_cancel_after_the_end_changes_nothing() -> None:
    async with stage() as on:
        task_id = await on.accepted(plan_of("a"))
        before = await on.answered(task_id)
        on.bus.nudged.clear()
        assert "over" in (await told(on, f"/cancel {task_id}")).text
        assert await on.task(task_id) == before
        assert on.bus.nudged == []


@pytest.mark.parametrize(("role", "may"), [(Role.MEMBER, False), (Role.ADMIN, True), (Role.OWNER, True)])
async def test_in_a_group_the_requester_and_admins_cancel(role: Role, *, may: bool) -> None:
    async with stage() as on:
        task_id = await asked_in_group(on, plan_of("a"), user="bob")
        reply = await told_in_group(on, f"/cancel {task_id}", role=role)
        assert reply.is_refusal is not may
        assert ((await on.task(task_id)).cancelled_at is not None) is may
        assert "no task" in reply.text or may


async def test_an_admin_cancels_a_runaway_from_a_private_chat_and_not_from_a_group() -> None:
    async with stage() as on:
        task_id = await on.accepted(plan_of("a"), user="bob")
        assert (await told_in_group(on, f"/cancel {task_id}", role=Role.OWNER)).is_refusal
        assert (await told(on, f"/cancel {task_id}")).is_refusal
        assert not (await told(on, f"/cancel {task_id}", role=Role.ADMIN)).is_refusal


async def test_the_button_cancels_in_a_few_words() -> None:
    async with stage() as on:
        task_id = await on.accepted(plan_of("a"))
        cancel = Action(verb=Verb.CANCEL, subject=task_id)
        stranger = await pressed(on, cancel, user="bob")
        assert (stranger.is_refusal, stranger.is_notice) == (True, True)
        assert (await on.task(task_id)).cancelled_at is None
        reply = await pressed(on, cancel)
        assert (reply.is_notice, reply.is_private) == (True, False)
        again = await pressed(on, cancel)
        assert "over" in again.text


async def test_a_long_truth_is_a_message_and_private_in_a_group() -> None:
    async with stage() as on:
        names = [f"a-step-with-a-rather-long-name-{number}" for number in range(9)]
        task_id = await asked_in_group(on, plan_of(*names))
        reply = await pressed(on, Action(verb=Verb.CANCEL, subject=task_id), chat_id="-100", is_group=True)
        assert len(reply.text) > 200
        assert (reply.is_notice, reply.is_private) == (False, True)


# --- the words ----------------------------------------------------------------------------------------------------


def cancelled(task: Task) -> str:
    return cancel_text(task, step(task, e.CancelRequested(at=b.at(50)))[0], "en")


def named(*keys: str, **more: object) -> tuple[Node, ...]:
    return tuple(b.node(key, name=f"Do {key}", **more) for key in keys)


def test_what_was_done_is_told_by_what_it_did_to_the_world() -> None:
    nodes = (*named("read"), *named("write", effect=Effect.IDEMPOTENT), *named("mail", effect=Effect.EXTERNAL))
    task = b.planned(*nodes, *named("last"))
    task, _ = b.do(task, b.approved())
    task, _ = b.ends(task, "read", "write", "mail")
    assert cancelled(task).splitlines() == [
        "7K2QXM is cancelled: nothing new starts.",
        "Done before, and not undone: “Do write”, “Do mail”.",
        "Done before; it only read: “Do read”.",
        "Never begun: “Do last”.",
    ]


def test_what_runs_is_told_by_what_it_may_have_done() -> None:
    task = b.planned(*named("read"), *named("write", effect=Effect.IDEMPOTENT), *named("mail", effect=Effect.EXTERNAL))
    running = [each for key in ("read", "write") for each in (b.released(key), b.started(key))]
    task, _ = b.do(task, *running, b.approved(), b.released("mail"))
    assert cancelled(task).splitlines()[1:] == [
        "Being stopped; it may have changed something already: “Do write”, “Do mail”.",
        "Being stopped; it only reads: “Do read”.",
    ]


def test_what_failed_before_and_what_is_unclear_is_told() -> None:
    task = b.planned(*named("again"), *named("mail", effect=Effect.EXTERNAL), *named("last"))
    again = replace(b.failed("again", retryable=True))
    mail = (b.approved(), b.released("mail"), b.claimed("mail"), b.lease_expired("mail"))
    task, _ = b.do(task, b.released("again"), again, *mail)
    assert task.subtasks["mail"].state is SubtaskState.UNKNOWN
    assert cancelled(task).splitlines()[1:] == [
        "Whether this happened is not known: “Do mail”.",
        "Not tried again: “Do again”.",
        "Never begun: “Do last”.",
    ]


def test_steps_that_were_dropped_before_are_no_news() -> None:
    task, _ = b.do(b.planned(*named("a", "z")), b.dropped("a"))
    assert cancelled(task).splitlines()[1:] == ["Never begun: “Do z”."]


def test_many_steps_are_counted() -> None:
    text = cancelled(b.planned(*named(*(f"n{number}" for number in range(200)))))
    assert text.endswith("“Do n4” and 195 more.")


def test_before_there_is_a_plan_there_is_little_to_tell() -> None:
    assert cancelled(b.received()) == "7K2QXM is cancelled: nothing new starts."


def test_it_is_told_in_chinese() -> None:
    task = b.planned(*named("mail", effect=Effect.EXTERNAL))
    task, _ = b.do(task, b.approved(), b.released("mail"), b.claimed("mail"))
    after, _ = step(task, e.CancelRequested(at=b.at(50)))
    assert cancel_text(task, after, "zh").splitlines() == [
        "7K2QXM 正在取消：不会再开始新的步骤。",
        "此前已获准并正在进行，无法撤回：“Do mail”。结束后会报告结果。",
    ]
