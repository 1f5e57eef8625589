from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.post import Action, Verb
from bot.reply import Reply
from domain.people import Role
from domain.plan import Node, Plan
from domain.ports import UnitOfWork
from domain.skill import Effect
from domain.task import SubtaskState, Task, TaskState
from tests.unit.bot.desk import action, asked_in_group, pressed, told, told_in_group, verbs
from tests.unit.bot.fakes import Stage, plan_of, stage


def mail(key: str = "pay", **params: Any) -> Node:
    return Node(id=key, skill="mail", name=f"Mail {key}", effect=Effect.EXTERNAL, params=params or {"to": "bob"})


async def waiting(on: Stage, *nodes: Node, user: str = "ann") -> str:
    task_id = await on.accepted(Plan(nodes=nodes or (mail(),)), user=user)
    assert (await on.task(task_id)).state is TaskState.WAITING
    return task_id


async def approved(on: Stage, task_id: str) -> set[str]:
    return {sub.key for sub in (await on.task(task_id)).subtasks.values() if sub.approved}


async def other_params(on: Stage, task_id: str, key: str = "pay", **params: Any) -> None:
    """The plan changes behind the back of whoever was asked."""

    def work(uow: UnitOfWork) -> Task:
        task = uow.tasks.lock([task_id])[task_id]
        assert task.plan is not None
        nodes = tuple(replace(node, params=params) if node.id == key else node for node in task.plan.nodes)
        return uow.tasks.put(replace(task, plan=replace(task.plan, nodes=nodes)))

    await on.store.transact(work)


# --- typed --------------------------------------------------------------------------------------------------------


async def test_what_was_shown_is_allowed_by_a_word() -> None:
    async with stage() as on:
        assert (await told(on, "/approve")).is_refusal
        task_id = await waiting(on)
        await told(on, f"/status {task_id}")
        reply = await told(on, "/approve")
        assert not reply.is_refusal
        assert "“Mail pay”" in reply.text
        task = await on.task(task_id)
        assert (task.state, task.subtasks["pay"].approved) == (TaskState.RUNNING, True)
        assert ("changed", task_id) in on.bus.nudged
        assert "Nothing" in (await told(on, f"/approve {task_id}")).text
        assert (await told(on, "/approve")).is_refusal


async def test_nothing_is_allowed_unseen() -> None:
    async with stage() as on:
        task_id = await waiting(on)
        first = await told(on, f"/approve {task_id}")
        assert first.is_refusal
        assert '{"to": "bob"}' in first.text
        assert verbs(first) == [Verb.ALLOW, Verb.DENY]
        assert await approved(on, task_id) == set()
        assert not (await told(on, f"/approve {task_id}")).is_refusal
        assert await approved(on, task_id) == {"pay"}


async def test_what_was_shown_too_long_ago_is_shown_again() -> None:
    async with stage() as on:
        task_id = await waiting(on)
        await told(on, f"/status {task_id}")
        await on.clock.advance(900)
        assert (await told(on, f"/approve {task_id}")).is_refusal
        assert await approved(on, task_id) == set()
        assert not (await told(on, f"/approve {task_id}")).is_refusal


async def test_other_parameters_than_shown_are_shown_first() -> None:
    async with stage() as on:
        task_id = await waiting(on)
        await told(on, f"/status {task_id}")
        await other_params(on, task_id, to="mallory")
        reply = await told(on, f"/approve {task_id}")
        assert reply.is_refusal
        assert "mallory" in reply.text
        assert await approved(on, task_id) == set()


async def test_one_step_of_several_can_be_named() -> None:
    async with stage() as on:
        task_id = await waiting(on, mail("one"), mail("two"), mail("three"))
        await told(on, f"/status {task_id}")
        await on.say(f"/approve {task_id} two")
        assert await approved(on, task_id) == {"two"}
        assert (await told(on, f"/approve {task_id} two")).is_refusal
        assert (await told(on, f"/approve {task_id}.nobody")).is_refusal
        await on.say(f"/deny {task_id}.three")
        await on.say(f"/approve {task_id}")
        assert await approved(on, task_id) == {"one", "two"}
        assert (await on.task(task_id)).subtasks["three"].state is SubtaskState.CANCELLED


async def test_only_what_was_shown_of_several_is_allowed_and_the_rest_is_shown() -> None:
    async with stage() as on:
        task_id = await waiting(on, mail("one"), mail("two"))
        await told(on, f"/approve {task_id} one")
        reply = await told(on, f"/approve {task_id}")
        assert not reply.is_refusal
        assert "“Mail one”" in reply.text
        assert await approved(on, task_id) == {"one"}
        assert verbs(reply) == [Verb.ALLOW, Verb.DENY]
        await on.say(f"/approve {task_id}")
        assert await approved(on, task_id) == {"one", "two"}


async def test_deny_needs_no_showing_and_the_step_never_runs() -> None:
    async with stage() as on:
        assert (await told(on, "/deny")).is_refusal
        task_id = await waiting(on)
        shown = await told(on, f"/status {task_id}")
        reply = await told(on, "/deny")
        assert "will not happen" in reply.text
        task = await on.task(task_id)
        assert task.subtasks["pay"].state is SubtaskState.CANCELLED
        assert ("settled", task_id) in on.bus.nudged
        late = await pressed(on, action(shown, Verb.ALLOW))
        assert late.is_refusal
        assert "refused" in late.text
        assert await on.task(task_id) == task


async def test_approve_finds_the_one_task_in_which_something_waits_while_the_rest_runs() -> None:
    async with stage() as on:
        await on.accepted(plan_of("a"))
        task_id = await on.accepted(Plan(nodes=(*plan_of("a").nodes, mail())))
        assert (await on.task(task_id)).state is TaskState.RUNNING
        await on.say("/approve")
        assert not (await told(on, "/approve")).is_refusal
        assert await approved(on, task_id) == {"pay"}
        for _ in range(2):
            await waiting(on)
        assert "Which one?" in (await told(on, "/approve")).text


# --- buttons ------------------------------------------------------------------------------------------------------


async def shown(on: Stage, task_id: str, user: str = "ann") -> Reply:
    return await told(on, f"/status {task_id}", user=user)


async def test_a_button_allows_once() -> None:
    async with stage() as on:
        task_id = await waiting(on)
        allow = action(await shown(on, task_id), Verb.ALLOW)
        reply = await pressed(on, allow)
        assert (reply.is_notice, reply.is_refusal) == (True, False)
        assert await approved(on, task_id) == {"pay"}
        task = await on.task(task_id)
        await on.clock.advance(12)
        again = await pressed(on, allow)
        assert (again.is_notice, again.is_refusal) == (True, True)
        assert again.text == "You allowed it 12 s ago."
        assert await on.task(task_id) == task


async def test_allow_and_deny_at_once_are_one_decision() -> None:
    async with stage() as on:
        task_id = await waiting(on)
        reply = await shown(on, task_id)
        async with asyncio.TaskGroup() as group:
            both = [group.create_task(pressed(on, action(reply, verb))) for verb in (Verb.ALLOW, Verb.DENY)]
        assert sorted(one.result().is_refusal for one in both) == [False, True]
        task = await on.task(task_id)
        assert task.subtasks["pay"].approved is not (task.subtasks["pay"].state is SubtaskState.CANCELLED)


async def test_a_denied_step_cannot_be_allowed() -> None:
    async with stage() as on:
        task_id = await waiting(on)
        reply = await shown(on, task_id)
        assert not (await pressed(on, action(reply, Verb.DENY))).is_refusal
        task = await on.task(task_id)
        assert (await pressed(on, action(reply, Verb.ALLOW))).is_refusal
        assert await on.task(task_id) == task
        assert task.subtasks["pay"].state is SubtaskState.CANCELLED


@pytest.mark.parametrize("verb", [Verb.ALLOW, Verb.DENY])
async def test_an_expired_button_asks_again_with_a_new_one(verb: Verb) -> None:
    async with stage() as on:
        task_id = await waiting(on)
        old = action(await shown(on, task_id), verb)
        await on.clock.advance(900)
        reply = await pressed(on, old)
        assert reply.is_refusal
        assert not reply.is_notice
        assert '{"to": "bob"}' in reply.text
        fresh = action(reply, verb)
        assert fresh != old
        assert (await on.task(task_id)).state is TaskState.WAITING
        assert not (await pressed(on, fresh)).is_refusal
        assert (await on.task(task_id)).state is not TaskState.WAITING


async def test_changed_parameters_are_shown_and_the_old_button_never_counts_for_them() -> None:
    async with stage() as on:
        task_id = await waiting(on)
        old = action(await shown(on, task_id), Verb.ALLOW)
        await other_params(on, task_id, to="mallory", amount=1e6)
        for _ in range(2):
            reply = await pressed(on, old)
            assert "changed" in reply.text
            assert "mallory" in reply.text
            assert await approved(on, task_id) == set()
        await other_params(on, task_id, to="bob")  # back to what was shown: it is the very same thing again
        assert not (await pressed(on, old)).is_refusal
        assert await approved(on, task_id) == {"pay"}


async def test_a_button_counts_for_its_own_step_only() -> None:
    async with stage() as on:
        task_id = await waiting(on, mail("one"), mail("two"))
        reply = await shown(on, task_id)
        await pressed(on, action(reply, Verb.ALLOW, 1))
        assert await approved(on, task_id) == {"two"}


@pytest.mark.parametrize("verb", [Verb.ALLOW, Verb.DENY])
@pytest.mark.parametrize("role", [None, *Role])
async def test_another_user_decides_nothing_in_private(verb: Verb, role: Role | None) -> None:
    async with stage() as on:
        task_id = await waiting(on)
        button = action(await shown(on, task_id), verb)
        before = await on.task(task_id)
        for place in ({}, {"chat_id": "chat-ann"}, {"chat_id": "-100", "is_group": True}):
            reply = await pressed(on, button, user="bob", role=role, **place)
            assert (reply.text, reply.is_notice) == ("That is not yours to decide.", True)
        assert await on.task(task_id) == before


@pytest.mark.parametrize(("role", "may"), [(Role.MEMBER, False), (Role.ADMIN, True), (Role.OWNER, True)])
async def test_in_a_group_the_requester_and_admins_decide(role: Role, *, may: bool) -> None:
    async with stage() as on:
        task_id = await asked_in_group(on, Plan(nodes=(mail(),)))
        reply = await told_in_group(on, f"/approve {task_id}")  # by the requester: it is only shown yet
        button = action(reply, Verb.ALLOW)
        place = {"chat_id": "-100", "is_group": True}
        assert (await pressed(on, button, user="bob", role=role, **place)).is_refusal is not may
        assert await approved(on, task_id) == ({"pay"} if may else set())
        elsewhere = await pressed(on, button, user="cid", role=role, chat_id="-200", is_group=True)
        assert elsewhere.text == "That is not yours to decide."
        late = await pressed(on, button, **place)
        assert ("fake:bob allowed it" in late.text) is may


@pytest.mark.parametrize("code", ["", "0000000000", "x" * 40, "'; drop table offer; --"])
async def test_a_code_that_was_never_given_out_decides_nothing(code: str) -> None:
    async with stage() as on:
        task_id = await waiting(on)
        await shown(on, task_id)
        reply = await pressed(on, Action(verb=Verb.ALLOW, subject=code))
        assert reply.text == "That is not yours to decide."
        assert await approved(on, task_id) == set()


async def test_a_button_of_a_task_that_is_over_says_so() -> None:
    async with stage() as on:
        task_id = await waiting(on)
        allow = action(await shown(on, task_id), Verb.ALLOW)
        await on.answered(task_id)
        before = await on.task(task_id)
        reply = await pressed(on, allow)
        assert "does not wait" in reply.text
        assert reply.is_notice
        assert await on.task(task_id) == before


async def test_codes_cannot_be_guessed_and_fit_a_button() -> None:
    async with stage() as on:
        codes = set()
        for number in range(50):
            task_id = await on.accepted(Plan(nodes=(mail(to=f"bob{number}"),)))
            codes.add(action(await shown(on, task_id), Verb.ALLOW).subject)
        assert len(codes) == 50
        assert {len(code) for code in codes} == {10}


async def test_an_offer_that_could_not_be_kept_decides_nothing() -> None:
    async with stage() as on:
        task_id = await waiting(on)
        allow = action(await shown(on, task_id), Verb.ALLOW)
        on.store.is_down = True
        with pytest.raises(Exception, match="database"):
            await pressed(on, allow)
        on.store.is_down = False
        assert await approved(on, task_id) == set()
        assert not (await pressed(on, allow)).is_refusal
