"""Slash commands, buttons and forms, between the Discord adapter and a strict server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.drawing.rich_text import RichText
from bot.post import Action, Button, Post, Verb
from bot.reply import Reply
from domain.texts import CATALOGUE
from tests.discord_server import Permission
from tests.fakes import FakeClock
from tests.integration.discord_stage import DiscordStage, discord_stage, made, running, text
from tests.unit.bot.fakes import until

CALLBACK = "POST /interactions/*/*/callback"
ORIGINAL = "PATCH /webhooks/*/*/messages/*"
FOLLOWUP = "POST /webhooks/*/*"
DEFERRED, DEFERRED_UPDATE, FORM = 5, 6, 9
QUARTER = 15 * 60


@pytest.fixture
async def stage() -> AsyncIterator[DiscordStage]:
    async with discord_stage() as here:
        yield here
        assert here.server.codes == here.expected


# --- commands ---------------------------------------------------------------------------------------------------------


async def test_a_request_is_acknowledged_before_any_work_and_stands_in_the_channel(stage: DiscordStage) -> None:
    stage.door.is_open.clear()
    asked = await stage.server.wait_answer(stage.slash("ask", text="sum <@1> up **now**"))
    assert (asked.answer, asked.is_ephemeral) == (DEFERRED, False)
    shown = await stage.server.wait_response(asked)
    await until(lambda: stage.door.at_door == 1)
    stage.door.is_open.set()
    await stage.took("/ask sum <@1> up **now**")
    message = stage.door.taken[0]
    assert (message.message_id, message.update_key) == (str(shown.id), f"i:{asked.id}")
    assert (message.chat_id, message.is_group, message.locale) == (str(stage.channel.id), True, "en-US")
    assert shown.content.startswith("› sum")
    assert "**now**" not in shown.content
    assert not shown.pinged
    answer = await stage.sent(Post(text=RichText("done"), reply_to=message.message_id))
    assert answer.reply_to == shown.id


async def test_what_else_is_asked_is_for_oneself_in_a_guild_and_plain_in_private(stage: DiscordStage) -> None:
    stage.door.answers = lambda _message: Reply(text="You have no tasks yet.")
    asked = stage.slash("tasks", filter="open 2")
    shown = await stage.server.wait_response(asked)
    assert (shown.is_ephemeral, shown.content) == (True, "You have no tasks yet.")
    alone = stage.slash("tasks", stage.server.people.dm(stage.bob))
    assert not (await stage.server.wait_response(alone)).is_ephemeral
    await stage.took("/tasks open 2", "/tasks")
    assert stage.door.taken[1].locale == "zh-CN"


async def test_every_command_is_offered_in_both_languages_and_taken_as_one_line(stage: DiscordStage) -> None:
    lines = {
        "fresh": {"text": "x"},
        "plan": {"text": "x y"},
        "status": {"task": "7KQ2M4"},
        "cancel": {},
        "retry": {"task": "7KQ2M4", "step": "b"},
        "approve": {"task": "7KQ2M4"},
        "deny": {},
        "schedule": {"when": "in 2h x"},
        "agents": {},
        "cost": {},
        "help": {},
        "language": {"language": "zh"},
        "pair": {"code": "ABCD"},
        "members": {"remove": "discord:5"},
    }
    for name, options in lines.items():
        command = stage.server.commands.named(name, None)
        assert command is not None
        assert command["description"] == CATALOGUE[f"discord.command_{name}"][0]
        chinese = {"zh-CN": CATALOGUE[f"discord.command_{name}"][1]}
        assert command["description_localizations"] == chinese | {"zh-TW": chinese["zh-CN"]}
        await stage.server.wait_response(stage.slash(name, **options))
    await until(lambda: len(stage.door.taken) == len(lines))
    assert set(stage.door.texts) == {
        "/fresh x",
        "/plan x y",
        "/status 7KQ2M4",
        "/cancel",
        "/retry 7KQ2M4 b",
        "/approve 7KQ2M4",
        "/deny",
        "/schedule in 2h x",
        "/agents",
        "/cost",
        "/help",
        "/language zh",
        "/pair ABCD",
        "/members remove discord:5",
    }


async def test_a_file_comes_with_a_request(stage: DiscordStage, tmp_path: Path) -> None:
    stage.slash("ask", text="read it", file=("a.csv", b"1,2"))
    await stage.took("/ask read it")
    upload = stage.door.taken[0].uploads[0]
    await stage.platform.fetch(upload, tmp_path / "a.csv")
    assert (upload.name, (tmp_path / "a.csv").read_bytes()) == ("a.csv", b"1,2")


async def test_a_task_that_a_private_command_began_is_named(stage: DiscordStage) -> None:
    asked = stage.slash("retry", task="7KQ2M4")
    assert "7KQ2M4" in (await stage.server.wait_response(asked)).content


async def test_who_may_not_ask_in_a_channel_is_told_so_alone(stage: DiscordStage) -> None:
    stage.door.answers = lambda _message: None
    asked = stage.slash("ask", text="let me in")
    await until(lambda: asked.followups)
    assert asked.response is not None
    assert asked.response.is_deleted
    shown = [
        await stage.server.wait_response(stage.slash(name, **more))
        for name, more in (("status", {}), ("plan", {"text": "x"}))
    ]
    for one in (*asked.followups, *shown):
        assert (one.is_ephemeral, one.content) == (True, CATALOGUE["discord.not_here"][0])


async def test_nobody_is_left_thinking_in_private_where_there_is_nothing_to_say(stage: DiscordStage) -> None:
    stage.door.answers = lambda _message: None
    for name, options in (("ask", {"text": "let me in"}), ("status", {})):
        asked = await stage.server.wait_answer(stage.slash(name, stage.server.people.dm(stage.bob), **options))
        await until(lambda asked=asked: asked.response is not None and asked.response.is_deleted)
        assert asked.followups == []


async def test_nobody_is_left_thinking_when_it_breaks_inside(stage: DiscordStage) -> None:
    def broken(_message: object) -> None:
        raise RuntimeError("a mistake")

    stage.door.answers = broken
    shown = await stage.server.wait_response(stage.slash("tasks"))
    assert (shown.is_ephemeral, shown.content) == (True, CATALOGUE["discord.broken"][0])
    asked = stage.slash("ask", text="do it")
    await until(lambda: asked.followups)
    assert (asked.followups[0].is_ephemeral, asked.followups[0].content) == (True, CATALOGUE["discord.broken"][0])
    card = await stage.card(Verb.CANCEL)
    stage.door.presses = None  # type: ignore[assignment] # breaks it
    pressed = stage.press(card, "Cancel")
    await until(lambda: pressed.followups)
    assert pressed.followups[0].content == CATALOGUE["discord.broken"][0]


async def test_a_refusal_for_oneself_does_not_stand_in_the_channel(stage: DiscordStage) -> None:
    stage.door.answers = lambda _message: Reply(text="Too many at once.", is_refusal=True, is_private=True)
    asked = stage.slash("ask", text="once more")
    await until(lambda: asked.followups)
    assert asked.response is not None
    assert asked.response.is_deleted
    assert [(one.is_ephemeral, one.content) for one in asked.followups] == [(True, "Too many at once.")]


async def test_where_the_bot_may_not_write_nothing_is_started(stage: DiscordStage) -> None:
    stage.server.people.deny(stage.channel, Permission.SEND_MESSAGES)
    asked = stage.slash("ask", text="do it")
    shown = await stage.server.wait_response(asked)
    assert shown.is_ephemeral
    assert "Send Messages" in shown.content
    answered = await stage.server.wait_response(stage.slash("help"))
    assert answered.is_ephemeral
    assert stage.door.texts == ["/help"]


async def test_an_acknowledgement_that_broke_is_given_again(stage: DiscordStage) -> None:
    stage.expected = ["second_ack"]  # which is how it learns that the first one counted
    stage.server.faults.add("reset_after", CALLBACK, times=1)
    asked = stage.slash("ask", text="do it")
    await stage.took("/ask do it")
    assert stage.door.taken[0].message_id == str((await stage.server.wait_response(asked)).id)


async def test_what_was_not_acknowledged_is_not_done() -> None:
    clock = FakeClock()
    async with discord_stage(clock=clock) as stage:
        held = stage.server.faults.add("hold", CALLBACK)
        stage.slash("ask", text="too late")
        await stage.server.wait_for(lambda: held.hits)
        await clock.advance(4)
        held.release()
        stage.slash("ask", text="in time")
        await stage.took("/ask in time")
        assert stage.server.codes == ["ack_missed"]


async def test_a_command_told_twice_is_done_once(stage: DiscordStage) -> None:
    stage.server.gateway.faults.duplicates = 1
    stage.slash("ask", text="once")
    stage.slash("ask", text="next")
    await until(lambda: "/ask next" in stage.door.texts)
    assert sorted(stage.door.texts) == ["/ask next", "/ask once"]


async def test_a_reply_that_comes_after_the_token_is_over_is_public_or_dropped() -> None:
    clock = FakeClock()
    async with discord_stage(clock=clock) as stage:
        stage.door.answers = lambda message: Reply(text=f"late: {message.text}")
        stage.door.is_open.clear()
        private = stage.server.people.dm(stage.bob)
        for name, channel, options in (
            ("ask", stage.channel, {"text": "x"}),
            ("help", stage.channel, {}),
            ("agents", private, {}),
        ):
            await stage.server.wait_answer(stage.slash(name, channel, **options))
        await until(lambda: stage.door.at_door == 3)
        await clock.advance(QUARTER + 1)
        stage.door.is_open.set()
        await stage.says(stage.channel, "late: /ask x")
        await stage.says(private, "late: /agents")
        assert not any("late: /help" in one for one in stage.channel.texts)
        assert set(stage.server.codes) == {"token_expired"}


async def test_a_card_needs_no_token(stage: DiscordStage) -> None:
    asked = stage.slash("ask", text="x")
    shown = await stage.server.wait_response(asked)
    await stage.took("/ask x")
    sent = await stage.sent(Post(text=RichText("card"), reply_to=str(shown.id)))
    del stage.server.world.interactions[asked.token]
    await stage.platform.edit(stage.place(), str(sent.id), text("an hour later"))
    assert sent.content == "an hour later"


# --- completion -------------------------------------------------------------------------------------------------------


async def test_ones_own_tasks_are_suggested(stage: DiscordStage) -> None:
    stage.door.suggestions = [("7KQ2M4", "sum it up"), ("7KXXXX", "y" * 120), ("ABCDEF", "else")]
    typed = stage.server.people.complete(stage.channel, stage.alice, "status", "task", task="7k")
    offered = await stage.server.wait_answer(typed)
    assert offered.choices is not None
    assert [one["value"] for one in offered.choices] == ["7KQ2M4", "7KXXXX"]
    assert offered.choices[0]["name"] == "7KQ2M4 · sum it up"


async def test_what_can_be_done_with_schedules_is_suggested(stage: DiscordStage) -> None:
    stage.door.suggestions = [("pause 7KQ2M4", "sum it up"), ("remove 7KQ2M4", "sum it up")]
    typed = stage.server.people.complete(stage.channel, stage.alice, "schedule", "when", when="pa")
    offered = await stage.server.wait_answer(typed)
    assert offered.choices is not None
    assert [(one["value"], one["name"]) for one in offered.choices] == [("pause 7KQ2M4", "pause 7KQ2M4 · sum it up")]


async def test_suggestions_that_take_too_long_are_none(stage: DiscordStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.platforms.discord.reception.SUGGEST_S", 0.01)
    stage.door.is_open.clear()
    typed = stage.server.people.complete(stage.channel, stage.alice, "cancel", "task", task="7")
    assert (await stage.server.wait_answer(typed)).choices == []


# --- buttons and forms ------------------------------------------------------------------------------------------------


async def test_a_press_is_acknowledged_before_any_work(stage: DiscordStage) -> None:
    stage.door.is_open.clear()
    pressed = stage.press(await stage.card(Verb.CANCEL), "Cancel")
    assert (await stage.server.wait_answer(pressed)).answer == DEFERRED_UPDATE
    stage.door.is_open.set()
    await until(lambda: stage.door.presses)
    got = stage.door.presses[0]
    assert (got.action, got.key) == (Action(verb=Verb.CANCEL, subject="7KQ2M4"), f"i:{pressed.id}")
    assert (got.user_id, got.message_id) == (str(stage.alice.id), str(pressed.message.id if pressed.message else 0))
    assert (got.chat_id, got.is_group, got.locale) == (str(stage.channel.id), True, "en-US")


async def test_a_double_click_is_two_acknowledged_presses(stage: DiscordStage) -> None:
    message = await stage.card(Verb.CANCEL)
    both = [stage.press(message, "Cancel") for _ in range(2)]
    for one in both:
        await stage.server.wait_answer(one)
    await until(lambda: len(stage.door.presses) == 2)
    assert len({one.key for one in stage.door.presses}) == 2


async def test_a_notice_is_for_whoever_pressed(stage: DiscordStage) -> None:
    stage.door.notice = Reply(text="It is over already.", is_notice=True)
    pressed = stage.press(await stage.card(Verb.CANCEL), "Cancel")
    await until(lambda: pressed.followups)
    assert [(one.content, one.is_ephemeral) for one in pressed.followups] == [("It is over already.", True)]


async def test_a_page_takes_the_place_of_the_one_before(stage: DiscordStage) -> None:
    more = Button(label="More", action=Action(verb=Verb.PAGE, subject="open", argument="2"))
    stage.door.answers = lambda _message: Reply(text="page 1", buttons=((more,),))
    listed = await stage.server.wait_response(stage.slash("tasks"))
    assert listed.is_ephemeral
    stage.door.notice = Reply(text="page 2", edits=True)
    stage.press(listed, "More")
    await until(lambda: listed.content == "page 2")
    assert listed.custom_ids == []


async def test_what_asks_for_words_opens_a_form_at_once(stage: DiscordStage) -> None:
    stage.door.is_open.clear()
    pressed = stage.press(await stage.card(Verb.REPLY, Verb.EDIT), "Reply")
    assert (await stage.server.wait_answer(pressed)).answer == FORM
    sent = stage.server.people.submit(pressed, {"text": "the blue one"})
    assert (await stage.server.wait_answer(sent)).answer == DEFERRED_UPDATE
    stage.door.is_open.set()
    await until(lambda: stage.door.presses)
    got = stage.door.presses[0]
    assert (got.action.verb, got.text, got.key) == (Verb.REPLY, "the blue one", f"i:{sent.id}")


async def test_a_button_works_after_a_restart() -> None:
    async with discord_stage(starts=False) as stage:
        async with running(stage.platform, stage.door):
            await stage.server.wait_ready()
            message = await stage.card(Verb.CANCEL, Verb.EDIT)
        async with running(made(stage.server, stage.bookmarks), stage.door):
            await stage.server.wait_ready(2)
            stage.press(message, "Cancel")
            form = await stage.server.wait_answer(stage.press(message, "Edit"))
            await until(lambda: stage.door.presses)
        async with running(made(stage.server, stage.bookmarks), stage.door):
            await stage.server.wait_ready(3)
            stage.server.people.submit(form, {"text": "all of it"})
            await until(lambda: len(stage.door.presses) == 2)
    assert [(one.action.verb, one.text) for one in stage.door.presses] == [(Verb.CANCEL, ""), (Verb.EDIT, "all of it")]
    assert stage.server.codes == []


async def test_a_press_of_a_stranger_or_of_nonsense_does_nothing_by_itself(stage: DiscordStage) -> None:
    message = await stage.card(Verb.CANCEL)
    forged = stage.server.people.press(message, stage.bob, "no:such:thing:at:all", is_forged=True)
    shown = await stage.server.wait_response(forged)
    assert shown.is_ephemeral
    assert "已经失效" in shown.content
    assert stage.door.presses == []


async def test_an_accepted_press_says_nothing_more(stage: DiscordStage) -> None:
    pressed = stage.press(await stage.card(Verb.RETRY), "Retry")
    await stage.server.wait_answer(pressed)
    await until(lambda: stage.door.presses)
    stage.slash("help")
    await stage.took("/help")
    assert pressed.followups == []
