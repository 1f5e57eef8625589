from __future__ import annotations

from dataclasses import replace

import pytest

from bot.intake import Intake, IntakeSettings
from bot.limits import Limits
from bot.reply import Accepted, Reply
from domain.people import Person, Role
from domain.plan import Plan
from tests.unit.bot.desk import pressed
from tests.unit.bot.fakes import Stage, person, plan_of, released, stage, succeeded

ANN = person("ann")


def limited(on: Stage, per_minute: int = 3, open_tasks: int = 3) -> Intake:
    limits = Limits(per_minute=per_minute, open_tasks=open_tasks)
    return Intake(on.store, on.bus, on.clock, on.entropy, IntakeSettings(check=limits.check))


async def ask(on: Stage, intake: Intake, user: str = "ann", asker: Person | None = ANN) -> Accepted | Reply:
    return await intake.hear(on.message("do it", user=user), asker)


async def test_too_many_requests_in_a_minute_say_when_the_next_fits() -> None:
    async with stage() as on:
        intake = limited(on, per_minute=2, open_tasks=0)
        assert isinstance(await ask(on, intake), Accepted)
        await on.clock.advance(20.5)
        assert isinstance(await ask(on, intake), Accepted)
        refused = await ask(on, intake)
        assert isinstance(refused, Reply)
        assert refused.is_refusal
        assert "2 request(s)" in refused.text
        assert "40 s" in refused.text
        await on.clock.advance(39)
        assert isinstance(await ask(on, intake), Reply)
        await on.clock.advance(1)
        assert isinstance(await ask(on, intake), Accepted)


async def test_the_time_it_says_is_enough() -> None:
    async with stage() as on:
        intake = limited(on, per_minute=1, open_tasks=0)
        await ask(on, intake)
        refused = await ask(on, intake)
        assert isinstance(refused, Reply)
        seconds = int(refused.text.partition(" s;")[0].rpartition(" ")[2])
        await on.clock.advance(seconds)
        assert isinstance(await ask(on, intake), Accepted)


async def test_too_many_open_tasks_are_named() -> None:
    async with stage() as on:
        intake = limited(on, per_minute=0, open_tasks=2)
        first = await ask(on, intake)
        second = await intake.submit_plan(on.message("do it"), plan_of("a"), person=ANN)
        assert isinstance(first, Accepted)
        refused = await ask(on, intake)
        assert isinstance(refused, Reply)
        assert first.task_id in refused.text
        assert second.task_id in refused.text
        assert "/cancel" in refused.text
        await on.happen(second.task_id, released("a", on.clock), succeeded("a", on.clock))
        await on.answered(second.task_id)
        assert isinstance(await ask(on, intake), Accepted)


async def test_limits_are_per_person_and_nothing_is_left_of_a_refusal() -> None:
    async with stage() as on:
        intake = limited(on, per_minute=1)
        await ask(on, intake)
        refused = on.message("do it", key="u-refused")
        assert isinstance(await intake.hear(refused, ANN), Reply)
        assert isinstance(await ask(on, intake, user="bob", asker=person("bob")), Accepted)
        assert len(await on.store.transact(lambda uow: uow.tasks.recent(None, 10))) == 2
        await on.clock.advance(61)
        assert isinstance(await intake.hear(refused, ANN), Accepted)  # sent again, it is no duplicate


async def test_the_same_update_is_not_counted_twice() -> None:
    async with stage() as on:
        intake = limited(on, per_minute=1)
        message = on.message("do it")
        taken = await intake.hear(message, ANN)
        assert isinstance(taken, Accepted)
        assert await intake.hear(message, ANN) == Accepted(task_id=taken.task_id, is_new=False)


@pytest.mark.parametrize("asker", [None, Person(platform="console", user_id="ann", role=Role.OWNER)])
async def test_the_terminal_has_no_limits(asker: Person | None) -> None:
    async with stage() as on:
        intake = limited(on, per_minute=1, open_tasks=1)
        for _ in range(3):
            assert isinstance(await ask(on, intake, asker=asker), Accepted)


@pytest.mark.parametrize("way", ["ask", "fresh", "text", "retry", "run"])
async def test_every_way_to_a_task_is_limited(way: str) -> None:
    async def preview(*_args: object) -> Plan:
        return plan_of("a")

    async with stage(preview) as on:
        old = await on.accepted(plan_of("a"))
        await on.answered(old)
        await on.clock.advance(120)
        intake = limited(on, per_minute=1)
        limited_on = _with(on, intake)
        shown = await limited_on.say("/plan do it")
        assert isinstance(await limited_on.say("first"), Accepted)
        match way:
            case "run":
                outcome = await _run(limited_on, shown)
            case "text":
                outcome = await limited_on.say("second")
            case "retry":
                outcome = await limited_on.say(f"/retry {old} a")
            case _:
                outcome = await limited_on.say(f"/{way} second")
        assert isinstance(outcome, Reply)
        assert "more than 1 request(s)" in outcome.text
        assert outcome.is_refusal
        assert len(await on.store.transact(lambda uow: uow.tasks.recent(None, 10))) == 2


def _with(on: Stage, intake: Intake) -> Stage:
    means = replace(on.means, intake=intake)
    return replace(on, intake=intake, means=means, commands=type(on.commands)(means), controls=type(on.controls)(means))


async def _run(on: Stage, shown: Reply) -> Accepted | Reply:
    return await pressed(on, shown.buttons[0][0].action)
