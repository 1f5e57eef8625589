from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.commands import is_slow, menu
from bot.commands.words import ALIASES, MAY, read
from bot.reply import Accepted, Reply
from domain import events as e
from domain.agents import Worker
from domain.errors import ModelDown, StoreDown
from domain.people import Role
from domain.plan import Plan
from domain.post import Posted, PostKind
from domain.skill import SkillSpec
from domain.task import Scope
from domain.texts import Language
from tests.unit.bot.desk import asked_in_group, in_group, told, told_in_group
from tests.unit.bot.fakes import Stage, person, plan_of, stage

MEMBERS = [
    "ask",
    "fresh",
    "plan",
    "status",
    "tasks",
    "cancel",
    "retry",
    "approve",
    "deny",
    "schedule",
    "agents",
    "cost",
    "language",
]


# --- the door -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["hello", "/ask hello", "/ASK@my_bot   hello", "／ask hello", "/ask\nhello", "/问 hello", "／提问hello"]
)
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
        assert task_id in (await told(on, "/tasks")).text
        assert (await on.task(task_id)).question == "Which month?"
        assert await on.say("March") == Accepted(task_id=task_id, is_new=False, is_reply=True)
        assert (await on.task(task_id)).question is None


@pytest.mark.parametrize("text", ["/etc/passwd is what?", "/ hello", "//", "1/2"])
async def test_a_slash_does_not_make_a_command(text: str) -> None:
    async with stage() as on:
        taken = await on.say(text)
        assert (await on.task(taken.task_id)).request == text


@pytest.mark.parametrize("text", ["/ask", "/ask   ", "/plan", "/fresh", "/ask \x00\x01"])
async def test_a_command_without_its_text_says_so(text: str) -> None:
    async with stage() as on:
        assert (await told(on, text)).is_refusal


async def test_a_database_that_is_down_is_not_hidden() -> None:
    async with stage() as on:
        on.store.is_down = True
        with pytest.raises(StoreDown):
            await on.say("/tasks")


# --- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "argument"),
    [
        ("/取消 7KQ2M4", "cancel", "7KQ2M4"),
        ("/取消7KQ2M4", "cancel", "7KQ2M4"),
        ("／任务 失败 2", "tasks", "失败 2"),
        ("/计划清点文件 和目录", "plan", "清点文件 和目录"),
        ("/重试7KQ2M4 t1", "retry", "7KQ2M4 t1"),
        ("/帮助@my_bot", "help", ""),
        ("/重新", "fresh", ""),
    ],
)
def test_commands_have_chinese_names_with_or_without_a_space(text: str, name: str, argument: str) -> None:
    typed = read(text)
    assert typed is not None
    assert (typed.name, typed.argument, typed.is_known) == (name, argument, True)


def test_every_alias_is_a_command_and_none_hides_another() -> None:
    assert set(ALIASES.values()) == set(MAY)
    for alias, name in ALIASES.items():
        typed = read(f"/{alias}7KQ2M4")
        assert typed is not None
        assert (typed.name, typed.argument) == (name, "7KQ2M4")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("/statsu ABC", "/status"),
        ("/taks", "/tasks"),
        ("/aprove ABC", "/approve"),
        ("/canel", "/cancel"),
        ("/状太", "/状态"),
    ],
)
async def test_an_unknown_command_names_the_nearest(typed: str, meant: str) -> None:
    async with stage() as on:
        reply = await told(on, typed)
        assert reply.is_refusal
        assert f"{meant}?" in reply.text.replace("吗？", "?").replace(" ?", "?")
        assert "/help" in (await told(on, "/xyzzy")).text


async def test_nobody_is_pointed_to_what_they_may_not_use() -> None:
    async with stage() as on:
        assert "/members" not in (await told(on, "/membrs")).text
        assert "/members" in (await told(on, "/membrs", role=Role.OWNER)).text
        refused = await told(on, "/members")
        assert refused.is_refusal
        assert refused.text == "/members is not for you; ask an owner."
        for role in (Role.MEMBER, Role.ADMIN):
            assert (await told(on, "/pair", role=role)).is_refusal


async def test_an_unknown_command_is_said_again_harmlessly() -> None:
    async with stage() as on:
        assert len((await told(on, "/" + "x" * 10_000)).text) < 150


# --- help and language ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
async def test_help_lists_what_somebody_may_use_in_their_language(role: Role) -> None:
    async with stage() as on:
        english = (await told(on, "/help", role=role)).text
        assert all(f"/{name} " in english for name in MEMBERS)
        assert ("/members" in english) is (role is Role.OWNER)
        await on.accepted(request="请帮我看看")
        assert "任务号" in (await told(on, "/help", role=role)).text


async def test_the_language_follows_the_words_then_the_platform() -> None:
    async with stage() as on:

        async def said(text: str, locale: str) -> str:
            reply = await on.commands.receive(replace(on.message(text), locale=locale), person())
            assert isinstance(reply, Reply)
            assert reply.text
            return reply.language

        assert await said("/tasks", "zh-hans") == "zh"
        assert await said("/tasks", "de") == "en"
        assert await said("/plan", "zh") == "zh"
        await on.accepted(request="please count the lines of all files")
        assert await said("/tasks", "zh-hans") == "en"


async def test_a_language_that_was_chosen_decides() -> None:
    async with stage() as on:
        task_id = await on.accepted(plan_of("a"), request="please count the lines of all files")
        reply = await told(on, "/language zh")
        assert "中文" in reply.text
        ann = await on.means.access.person("fake", "ann")
        assert ann.language == "zh"
        ann = replace(ann, role=Role.MEMBER)
        status = await on.commands.receive(on.message(f"/status {task_id}"), ann)
        assert isinstance(status, Reply)
        assert (status.language, status.card and status.card.language) == ("zh", "zh")
        await told(on, "/语言 auto")
        assert (await on.means.access.person("fake", "ann")).language is None
        assert (await told(on, "/language klingon")).is_refusal
        assert (await told(on, "/language")).is_refusal


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_menu_has_a_short_description_for_each_command(language: Language) -> None:
    shown = dict(menu(Role.OWNER, language))
    assert list(shown) == [name for name in MAY if name != "start"]
    assert all(3 <= len(description) <= 100 for description in shown.values())
    assert "pair" not in dict(menu(Role.ADMIN, language))


async def test_start_greets_and_helps() -> None:
    async with stage() as on:
        text = (await told(on, "/start")).text
        assert "Hello" in text
        assert "/status" in text


def test_only_planning_is_slow() -> None:
    assert [text for text in ("/plan x", "/计划x", "/status", "plan", "/planes x") if is_slow(text)] == [
        "/plan x",
        "/计划x",
    ]


# --- ids ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("command", ["status", "cancel", "retry", "approve", "deny", "cost"])
async def test_unknown_and_foreign_ids_are_the_same(command: str, role: Role) -> None:
    async with stage() as on:
        theirs = await on.accepted(plan_of("a"), user="bob")
        before = await on.task(theirs)
        foreign = await told_in_group(on, f"/{command} {theirs}", role=role)
        unknown = await told_in_group(on, f"/{command} ZZZZZZ", role=role)
        assert foreign.text.replace(theirs, "ZZZZZZ") == unknown.text
        assert foreign.is_refusal
        assert await on.task(theirs) == before
        assert on.bus.orders == []


@pytest.mark.parametrize("command", ["status", "cancel", "retry", "approve", "deny", "cost"])
async def test_a_members_private_chat_finds_nobody_elses_either(command: str) -> None:
    async with stage() as on:
        theirs = await on.accepted(plan_of("a"), user="bob")
        foreign, unknown = await told(on, f"/{command} {theirs}"), await told(on, f"/{command} ZZZZZZ")
        assert foreign == replace(unknown, text=foreign.text)
        assert foreign.text.replace(theirs, "ZZZZZZ") == unknown.text


@pytest.mark.parametrize("command", ["retry", "approve", "deny"])
async def test_an_admin_elsewhere_decides_nothing_for_others(command: str) -> None:
    async with stage() as on:
        theirs = await on.accepted(plan_of("a"), user="bob")
        assert (await told(on, f"/{command} {theirs}", role=Role.OWNER)).is_refusal


@pytest.mark.parametrize("typed", ["no-such-id", "1", "A" * 100_000, "'; drop table task; --", "\u202eABC"])
async def test_what_cannot_be_an_id_is_not_found(typed: str) -> None:
    async with stage() as on:
        reply = await told(on, f"/status {typed}")
        assert reply.is_refusal
        assert len(reply.text) < 150
        assert "\u202e" not in reply.text


async def test_ids_are_read_the_way_people_type_them() -> None:
    async with stage() as on:
        task_id = await on.accepted()
        reply = await told(on, f"/status  #{task_id.lower().replace('0', 'o').replace('1', 'l')} ")
        assert reply.card is not None
        assert reply.card.task_id == task_id


async def posted(on: Stage, task_id: str, message_id: str, user: str = "ann") -> None:
    place = on.message("", user=user).place
    card = Posted(task_id=task_id, kind=PostKind.CARD, part=0, place=place, nonce=task_id, message_id=message_id)
    await on.store.transact(lambda uow: (uow.posts.intend(card), uow.posts.placed(card)))


async def test_a_bare_command_that_replies_to_a_card_means_its_task() -> None:
    async with stage() as on:
        one, other = await on.accepted(plan_of("a")), await on.accepted(plan_of("a"))
        await posted(on, one, "77")
        await on.commands.receive(replace(on.message("/cancel"), reply_to="77"), person())
        assert (await on.task(one)).cancelled_at is not None
        assert (await on.task(other)).cancelled_at is None
        typed = await on.commands.receive(replace(on.message(f"/status {other}"), reply_to="77"), person())
        assert isinstance(typed, Reply)
        assert typed.card is not None
        assert typed.card.task_id == other
        unknown = await on.commands.receive(replace(on.message("/status"), reply_to="78"), person())
        assert isinstance(unknown, Reply)
        assert "2 of your tasks are open" in unknown.text


async def test_a_reply_to_somebody_elses_card_finds_nothing() -> None:
    async with stage() as on:
        theirs = await asked_in_group(on, plan_of("a"), user="bob")
        message = replace(in_group(on.message("/cancel")), reply_to="77")
        card = Posted(task_id=theirs, kind=PostKind.CARD, part=0, place=message.place, nonce="n", message_id="77")
        await on.store.transact(lambda uow: (uow.posts.intend(card), uow.posts.placed(card)))
        reply = await on.commands.receive(message, person())
        assert isinstance(reply, Reply)
        assert "There is no task" in reply.text
        assert (await on.task(theirs)).cancelled_at is None


# --- edits --------------------------------------------------------------------------------------------------------


async def test_an_edited_command_is_not_obeyed_again() -> None:
    async with stage() as on:
        one, other = await on.accepted(plan_of("a")), await on.accepted(plan_of("a"))
        message = on.message(f"/cancel {one}", key="e1")
        await on.commands.receive(message, person())
        await on.store.transact(lambda uow: uow.inbox.claim("fake", "b1", "e1", ""))
        edited = replace(message, text=f"/cancel {other}", is_edit=True)
        assert await on.commands.receive(edited, person()) == Reply()
        assert (await on.task(other)).cancelled_at is None


async def test_the_words_of_an_ask_can_be_edited() -> None:
    async with stage() as on:
        message = replace(on.message("/ask count the lines"), message_id="5")
        taken = await on.commands.receive(message, person())
        assert isinstance(taken, Accepted)
        edited = replace(message, text="/ask count the words", is_edit=True)
        assert await on.commands.receive(edited, person()) == Accepted(task_id=taken.task_id, is_new=False)
        assert (await on.task(taken.task_id)).request == "count the words"


# --- people -------------------------------------------------------------------------------------------------------


async def test_an_owner_makes_codes_in_private_only() -> None:
    async with stage() as on:
        for typed, role in (("", Role.MEMBER), (" admin", Role.ADMIN)):
            text = (await told(on, f"/pair{typed}", role=Role.OWNER)).text
            code = text.split("/pair ")[1].split()[0]
            newcomer = f"new-{role}"
            assert isinstance(await on.means.access.admit(on.message(f"/pair {code}", user=newcomer)), Reply)
            assert (await on.means.access.person("fake", newcomer)).role is role
        assert (await told(on, "/pair emperor", role=Role.OWNER)).is_refusal
        assert (await told_in_group(on, "/pair admin", role=Role.OWNER)).is_refusal


async def test_an_owner_lets_a_group_in_by_a_word() -> None:
    async with stage() as on:
        assert "may use me now" in (await told_in_group(on, "/pair", role=Role.OWNER)).text
        assert "already" in (await told_in_group(on, "/pair", role=Role.OWNER)).text
        assert await on.store.transact(lambda uow: uow.people.is_chat_known("fake", "-100"))


async def test_members_are_listed_and_removed() -> None:
    async with stage() as on:
        code = await on.means.access.new_code(Role.MEMBER, "fake:ann")
        await on.means.access.admit(on.message(f"/pair {code}", user="bob"))
        listed = (await told(on, "/members", role=Role.OWNER)).text
        assert "fake:bob · member" in listed
        assert (await told_in_group(on, "/members", role=Role.OWNER)).is_refusal
        for typed in ("remove", "remove fake:ann", "remove fake:nobody", "add fake:bob", "remove \u202ebob"):
            reply = await told(on, f"/members {typed}", role=Role.OWNER)
            assert reply.is_refusal
            assert "\u202e" not in reply.text
        assert "bob" in (await told(on, "/members remove fake:bob", role=Role.OWNER)).text
        assert (await on.means.access.person("fake", "bob")).role is None


# --- agents and plans ------------------------------------------------------------------------------------------------


def worker(agent: str, name: str, seen: Any, *skills: SkillSpec) -> Worker:
    return Worker(
        agent=agent,
        worker=name,
        incarnation="1",
        slots=1,
        skills=skills,
        status="idle",
        current_task=None,
        last_seen=seen,
    )


async def test_agents_lists_who_is_alive() -> None:
    async with stage() as on:
        assert "xingshu worker" in (await told(on, "/agents")).text
        now = on.clock.now()
        workers = [
            worker("hall", "w1", now, SkillSpec(name="echo", description="says it again")),
            worker("hall", "w2", now),
            worker("hall", "w3", now - timedelta(minutes=5)),
            worker("mute", "w", now),
        ]
        await on.store.transact(lambda uow: [uow.registry.hello(one) for one in workers])
        assert (await told(on, "/agents")).text.splitlines() == [
            "hall · 2 worker(s)",
            "    echo – says it again",
            "mute · 1 worker(s)",
            "    (announces no skills)",
        ]


async def test_plan_previews_and_starts_nothing() -> None:
    async def preview(_scope: Scope, text: str, language: Language) -> Plan:
        assert (text, language) == ("清点文件", "zh")
        return plan_of("a", "b")

    async with stage(preview) as on:
        text = (await told(on, "/plan 清点文件")).text
        assert "b. Step b（say），在 a 之后" in text
        assert await on.store.transact(lambda uow: uow.tasks.recent(None, 10)) == []


async def test_a_model_that_is_down_is_said() -> None:
    async def preview(_scope: Scope, text: str, language: Language) -> Plan:
        raise ModelDown("error.model_down", detail="timeout")

    async with stage(preview) as on:
        assert "timeout" in (await told(on, "/plan something")).text
