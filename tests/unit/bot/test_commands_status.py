from __future__ import annotations

from dataclasses import replace

import pytest

from bot.post import Action, Verb
from domain import events as e
from domain.people import Role
from domain.plan import Plan
from domain.skill import Effect
from tests.unit.bot.desk import action, asked_in_group, pressed, told, told_in_group, verbs
from tests.unit.bot.fakes import plan_of, released, stage, started, succeeded


async def test_status_without_an_id_is_the_only_open_task_else_the_newest() -> None:
    async with stage() as on:
        assert (await told(on, "/status")).is_refusal
        first = await on.accepted(plan_of("a"))
        await on.clock.advance(1)
        second = await on.accepted(plan_of("a"))
        await on.answered(second)
        open_one = (await told(on, "/status")).card
        assert open_one is not None
        assert open_one.task_id == first
        await on.answered(first)
        newest = await told(on, "/status")
        assert newest.card is not None
        assert newest.card.task_id == second
        assert newest.answer is not None
        assert newest.answer.text == "all done"
        assert newest.text == ""


async def test_several_open_tasks_are_told_in_short_with_a_button_each() -> None:
    async with stage() as on:
        tasks = [await on.accepted(plan_of("a"), request=f"number {number}") for number in range(7)]
        await on.accepted(plan_of("a"), request="bob's secret", user="bob")
        reply = await told(on, "/status")
        assert reply.card is None
        assert all(f"{task}" in reply.text for task in tasks)
        assert "secret" not in reply.text
        assert verbs(reply) == [Verb.DETAILS] * 5
        details = await pressed(on, action(reply, Verb.DETAILS))
        assert details.card.task_id in tasks
        assert not details.is_notice


async def test_status_shows_what_would_be_approved_and_makes_the_offers() -> None:
    async with stage() as on:
        params = {"to": "{{a.output.n}}", "text": "\u202ehi"}
        mail = plan_of("mail", effect=Effect.EXTERNAL, params=params).nodes[0]
        plan = Plan(nodes=(*plan_of("a").nodes, replace(mail, dependencies=("a",))))
        task_id = await on.accepted(plan)
        await on.happen(task_id, released("a", on.clock), succeeded("a", on.clock))
        reply = await told(on, f"/status {task_id}")
        assert '{"to": "a", "text": "⟨U+202E⟩hi"}' in reply.text
        assert f"/approve {task_id}" in reply.text
        assert f"/deny {task_id}" in reply.text
        assert [verb for verb in verbs(reply) if verb is not Verb.CANCEL] == [Verb.ALLOW, Verb.DENY]
        again = await told(on, f"/status {task_id}")
        assert action(again, Verb.ALLOW) == action(reply, Verb.ALLOW)  # the same parameters are one offer


async def test_parameters_that_cannot_be_filled_in_are_shown_as_planned() -> None:
    async with stage() as on:
        plan = plan_of("mail", effect=Effect.EXTERNAL, params={"to": "{{gone.output}}"})
        task_id = await on.accepted(plan)
        assert "{{gone.output}}" in (await told(on, f"/status {task_id}")).text


async def test_status_says_why_from_rows_alone() -> None:
    async with stage() as on:
        task_id = await on.accepted(plan_of("a", "b"))
        await on.happen(task_id, released("a", on.clock), started("a", on.clock))
        await on.clock.advance(7)
        on.bus.order_error = None  # nothing but the database is asked
        reply = await told(on, f"/status {task_id}")
        assert "7.0 s" in reply.text
        assert "“Step b”: waits for “Step a”" in reply.text
        assert verbs(reply) == [Verb.CANCEL]
        assert on.bus.orders == []


async def test_a_running_planner_elsewhere_is_no_planner_here() -> None:
    async with stage() as on:
        task_id = await on.accepted()
        await on.store.transact(lambda uow: uow.registry.process_seen("bot", "p1", on.clock.now()))
        assert "No planner is running" in (await told(on, f"/status {task_id}")).text
        await on.store.transact(lambda uow: uow.registry.process_seen("planner", "p1", on.clock.now()))
        assert "No planner is running" not in (await told(on, f"/status {task_id}")).text


async def test_the_place_in_the_queue_is_said() -> None:
    async with stage() as on:
        for user in ("bob", "cid"):
            await on.accepted(user=user)
            await on.clock.advance(1)
        task_id = await on.accepted()
        assert "2 task(s) come before it" in (await told(on, f"/status {task_id}")).text


@pytest.mark.parametrize("role", [Role.ADMIN, Role.OWNER])
async def test_an_admin_in_private_sees_and_cancels_everybodys_and_decides_nothing_else(role: Role) -> None:
    async with stage() as on:
        theirs = await on.accepted(plan_of("pay", effect=Effect.EXTERNAL), user="bob")
        reply = await told(on, f"/status {theirs}", role=role)
        assert reply.card is not None
        assert verbs(reply) == [Verb.CANCEL]
        assert await on.store.transact(lambda uow: uow.offers.live(theirs, on.clock.now())) == []
        assert not (await told(on, f"/cost {theirs}", role=role)).is_refusal


@pytest.mark.parametrize(("role", "is_found"), [(Role.MEMBER, False), (Role.ADMIN, True), (Role.OWNER, True)])
async def test_in_a_group_only_admins_see_what_others_asked_for_there(role: Role, *, is_found: bool) -> None:
    async with stage() as on:
        theirs = await asked_in_group(on, plan_of("a"), user="bob")
        private = await on.accepted(plan_of("a"), user="bob")
        assert (await told_in_group(on, f"/status {theirs}", role=role)).is_refusal is not is_found
        assert (await told_in_group(on, f"/status {private}", role=role)).is_refusal
        details = await pressed(on, Action(verb=Verb.DETAILS, subject=theirs), role=role, chat_id="-100", is_group=True)
        assert (details.card is not None) is is_found
        assert details.is_private is is_found
        assert details.is_notice is not is_found


async def test_a_failed_task_offers_to_be_tried_again() -> None:
    async with stage() as on:
        task_id = await on.accepted(plan_of("a"))
        await on.happen(task_id, e.CancelRequested(at=on.clock.now()))
        await on.answered(task_id)
        assert Verb.RETRY in verbs(await told(on, f"/status {task_id}"))
