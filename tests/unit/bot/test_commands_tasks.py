from __future__ import annotations

import re

import pytest

from bot.commands.paging import read_page
from bot.post import Action, Verb
from bot.reply import Reply
from domain import events as e
from domain.people import Role
from domain.skill import Effect
from tests.unit.bot.desk import action, buttons, pressed, told, told_in_group, verbs
from tests.unit.bot.fakes import Stage, plan_of, released, stage, succeeded


def ids(reply: Reply) -> list[str]:
    return re.findall(r"^\S ([0-9A-Z]{6}) · ", reply.text, re.MULTILINE)


async def many(on: Stage, count: int, user: str = "ann") -> list[str]:
    """Tasks a second apart, the newest first."""
    made = []
    for number in range(count):
        made.append(await on.accepted(plan_of("a"), request=f"number {number}", user=user))
        await on.clock.advance(1)
    return made[::-1]


async def test_tasks_lists_only_ones_own() -> None:
    async with stage() as on:
        assert "no tasks" in (await told(on, "/tasks")).text
        mine = await on.accepted(plan_of("a", "b"), request="count the lines\nof all files")
        await on.accepted(request="secret of bob", user="bob")
        await on.clock.advance(125)
        text = (await told(on, "/tasks")).text
        assert text == f"● {mine} · running · 0/2 · 2 min ago · count the lines of all files"


async def test_pages_are_turned_in_place_and_typed() -> None:
    async with stage() as on:
        made = await many(on, 25)
        first = await told(on, "/tasks")
        assert ids(first) == made[:10]
        assert [button.label for button in buttons(first)] == ["Older ›"]
        assert "/tasks 2 shows older ones" in first.text
        second = await pressed(on, action(first, Verb.PAGE))
        assert (ids(second), second.edits) == (made[10:20], True)
        assert [button.label for button in buttons(second)] == ["‹ Newer", "Older ›"]
        third = await pressed(on, action(second, Verb.PAGE, 1))
        assert ids(third) == made[20:]
        assert [button.label for button in buttons(third)] == ["‹ Newer"]
        assert ids(await pressed(on, action(third, Verb.PAGE))) == made[10:20]
        assert ids(await told(on, "/tasks 3")) == made[20:]
        assert not (await told(on, "/tasks 3")).edits
        assert (await told(on, "/tasks 4")).text == "All tasks, page 4: none."


async def test_a_list_without_any_says_which_it_is() -> None:
    async with stage() as on:
        assert (await told(on, "/tasks failed")).text == "Failed tasks, page 1: none."
    assert read_page("失败").nothing("zh") == "失败的任务，第 1 页：没有。"


@pytest.mark.parametrize(
    ("typed", "which"),
    [
        ("running", "running"),
        ("进行中", "running"),
        ("waiting", "waiting"),
        ("等待", "waiting"),
        ("done", "done"),
        ("已完成 1", "done"),
        ("failed", "failed"),
        ("1 失败", "failed"),
        ("CANCELLED", "cancelled"),
        ("取消", "cancelled"),
        ("open", "open"),
        ("all", "all"),
        ("全部", "all"),
    ],
)
async def test_filters_in_both_languages(typed: str, which: str) -> None:
    async with stage() as on:
        made = {
            "running": await on.accepted(plan_of("a")),
            "waiting": await on.accepted(plan_of("a", effect=Effect.EXTERNAL)),
            "done": await on.accepted(plan_of("a")),
            "failed": await on.accepted(plan_of("a")),
            "cancelled": await on.accepted(plan_of("a")),
        }
        await on.happen(made["done"], released("a", on.clock), succeeded("a", on.clock))
        await on.answered(made["done"])
        late = await on.task(made["failed"])
        await on.happen(made["failed"], e.DeadlinePassed(at=late.deadline_at))
        await on.answered(made["failed"])
        await on.answered(made["cancelled"])
        groups = {"open": ["running", "waiting"], "all": list(made)}
        expected = {made[name] for name in groups.get(which, [which])}
        assert set(ids(await told(on, f"/tasks {typed}"))) == expected


@pytest.mark.parametrize("typed", ["foo", "0", "-1", "99999999", "running walking", "１２", "\u202efoo"])
async def test_what_cannot_be_listed_says_what_can(typed: str) -> None:
    async with stage() as on:
        await on.accepted()
        reply = await told(on, f"/tasks {typed}")
        assert reply.is_refusal
        assert "waiting" in reply.text
        assert "\u202e" not in reply.text


async def test_everybodys_tasks_are_for_admins_in_private() -> None:
    async with stage() as on:
        made = await many(on, 6) + await many(on, 6, "bob")
        assert (await told(on, "/tasks everybody")).is_refusal
        assert (await told_in_group(on, "/tasks everybody", role=Role.OWNER)).is_refusal
        first = await told(on, "/tasks everybody running", role=Role.ADMIN)
        assert len(ids(first)) == 10
        turn = action(first, Verb.PAGE)
        second = await pressed(on, turn, role=Role.ADMIN)
        assert set(ids(first)) | set(ids(second)) == set(made)
        # a button proves nothing: neither who is an admin nor where it is shown
        assert (await pressed(on, turn, role=Role.MEMBER)).is_refusal
        assert (await pressed(on, turn, role=Role.ADMIN, chat_id="-100", is_group=True)).is_refusal


async def test_somebody_elses_list_is_not_turned() -> None:
    async with stage() as on:
        await many(on, 11)
        await many(on, 11, "bob")
        turn = action(await told(on, "/tasks"), Verb.PAGE)
        stolen = await pressed(on, turn, user="bob", chat_id="-100", is_group=True)
        assert (stolen.is_refusal, stolen.is_notice, stolen.edits, ids(stolen)) == (True, True, False, [])


@pytest.mark.parametrize(("subject", "argument"), [("all", ""), ("all", "0@ann"), ("x", "1@ann"), ("a-all", "1@ann")])
async def test_a_forged_page_is_an_old_button(subject: str, argument: str) -> None:
    async with stage() as on:
        await on.accepted()
        reply = await pressed(on, Action(verb=Verb.PAGE, subject=subject, argument=argument))
        assert reply.is_refusal
        assert reply.is_notice


async def test_buttons_fit_every_platform() -> None:
    async with stage() as on:
        snowflake = "1234567890123456789"
        await many(on, 12, snowflake)
        reply = await told(on, "/tasks everybody running", user=snowflake, role=Role.ADMIN)
        data = str(action(reply, Verb.PAGE))
        assert len(data.encode()) <= 64
        assert Action.read(data) == action(reply, Verb.PAGE)
        assert verbs(reply) == [Verb.PAGE]
