"""Messages in and out, between the Discord adapter and a strict server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.drawing.rich_text import RichText, Span, Style
from bot.post import Action, Attachment, Button, Look, Post, Verb
from bot.reply import Reply
from domain.errors import Flooded, MessageGone, Misconfigured, Refused, Unavailable, Unreachable
from tests.discord_server import BOT_ID, DiscordServer, Permission
from tests.integration.discord_stage import DiscordSettings, DiscordStage, discord_stage, made, probe, running, text
from tests.unit.bot.fakes import until

CREATE = "POST /channels/*/messages"
EDIT = "PATCH /channels/*/messages/*"


@pytest.fixture
async def stage() -> AsyncIterator[DiscordStage]:
    async with discord_stage() as here:
        yield here
        assert here.server.codes == here.expected


# --- in ---------------------------------------------------------------------------------------------------------------


async def test_a_mention_and_a_private_message_are_taken_and_all_else_is_not(stage: DiscordStage) -> None:
    people = stage.server.people
    people.say(stage.channel, stage.alice, "just talking")
    people.say(stage.channel, stage.alice, f"<@{stage.bob.id}> and others")
    asked = stage.mention("sum it up")
    private = people.say(people.dm(stage.bob), stage.bob, "in private")
    await until(lambda: len(stage.door.taken) == 2)
    public, alone = sorted(stage.door.taken, key=lambda message: not message.is_group)
    assert (public.text, public.is_group, public.update_key) == ("sum it up", True, f"m:{asked.id}")
    assert (public.chat_id, public.user_id) == (str(stage.channel.id), str(stage.alice.id))
    assert (public.message_id, public.bot_id, public.platform) == (str(asked.id), str(BOT_ID), "discord")
    assert (alone.text, alone.is_group, alone.message_id) == ("in private", False, str(private.id))


async def test_a_thread_is_a_chat_of_its_own(stage: DiscordStage) -> None:
    thread = stage.server.people.thread(stage.channel, "talk", stage.alice)
    stage.server.people.say(thread, stage.alice, f"<@{BOT_ID}> here")
    await stage.took("here")
    assert stage.door.taken[0].chat_id == str(thread.id)
    assert stage.door.taken[0].is_group
    sent = await stage.sent(text("there"), channel=thread)
    assert sent.channel_id == thread.id


async def test_a_reply_to_the_bot_needs_no_mention(stage: DiscordStage) -> None:
    card = await stage.sent(text("a card"))
    stage.server.people.say(stage.channel, stage.alice, "also do X", reply_to=card)
    await stage.took("also do X")
    assert stage.door.taken[0].reply_to == str(card.id)


async def test_what_somebody_else_said_is_quoted_when_replied_to(stage: DiscordStage) -> None:
    told = stage.server.people.say(stage.channel, stage.bob, "first\nsecond end")
    stage.mention("is that so?", reply_to=told)
    await stage.took("is that so?\n\n> first\n> second end")


async def test_an_edit_is_told_once_and_only_when_words_change(stage: DiscordStage) -> None:
    asked = stage.mention("sum it up")
    await stage.took("sum it up")
    stage.server.chat.announce("MESSAGE_UPDATE", asked)  # a preview was drawn
    stage.server.people.edit(asked, f"<@{BOT_ID}> sum it all up")
    stage.server.chat.announce("MESSAGE_UPDATE", asked)
    stage.mention("next")
    await stage.took("sum it up", "sum it all up", "next")
    assert [message.is_edit for message in stage.door.taken] == [False, True, False]
    assert stage.door.taken[1].update_key == f"m:{asked.id}"


async def test_messages_of_a_chat_wait_for_one_another_and_for_nobody_else(stage: DiscordStage) -> None:
    stage.door.is_open.clear()
    stage.mention("one")
    stage.mention("two")
    stage.server.people.say(stage.server.people.dm(stage.bob), stage.bob, "elsewhere")
    await until(lambda: stage.door.at_door == 2)
    assert stage.bookmarks.last == {}
    stage.door.is_open.set()
    await until(lambda: len(stage.door.taken) == 3)
    here = [one.text for one in stage.door.taken if one.is_group]
    assert here == ["one", "two"]
    last = stage.door.taken[here.index("two")]
    await until(lambda: stage.bookmarks.last.get(last.chat_id) is not None)


async def test_a_message_told_twice_is_the_same_update(stage: DiscordStage) -> None:
    stage.server.gateway.faults.duplicates = 1
    stage.mention("once")
    await until(lambda: len(stage.door.taken) == 2)
    assert len({message.update_key for message in stage.door.taken}) == 1


async def test_files_come_and_go(stage: DiscordStage, tmp_path: Path) -> None:
    stage.mention("read this", files=[("报告 1.csv", b"a,b\n1,2\n")])
    await stage.took("read this")
    upload = stage.door.taken[0].uploads[0]
    assert upload.bytes == 8
    assert upload.name == "报告_1.csv"
    await stage.platform.fetch(upload, tmp_path / "in.csv")
    assert (tmp_path / "in.csv").read_bytes() == b"a,b\n1,2\n"
    found = Attachment(name="图表.png", path=tmp_path / "in.csv")
    sent = await stage.sent(Post(text=RichText("the chart"), attachment=found))
    assert (sent.content, sent.attachments[0].content) == ("the chart", b"a,b\n1,2\n")


async def test_a_link_that_ended_is_replaced_by_a_new_one(stage: DiscordStage, tmp_path: Path) -> None:
    stage.mention("read this", files=[("a.txt", b"words")])
    await stage.took("read this")
    upload = stage.door.taken[0].uploads[0]
    where, _, url = upload.ref.partition(" ")
    await stage.platform.fetch(replace(upload, ref=f"{where} {url.split('?')[0]}?ex=1"), tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_bytes() == b"words"


async def test_a_file_that_cannot_be_had_is_refused(stage: DiscordStage, tmp_path: Path) -> None:
    asked = stage.mention("read this", files=[("a.txt", b"words")])
    await stage.took("read this")
    upload = stage.door.taken[0].uploads[0]
    stage.server.people.delete(asked)
    with pytest.raises(Refused) as large:
        await stage.platform.fetch(replace(upload, bytes=51 * 2**20), tmp_path / "a.txt")
    with pytest.raises(Refused) as gone:
        await stage.platform.fetch(replace(upload, ref=upload.ref.partition(" ")[0]), tmp_path / "a.txt")
    assert (large.value.key, gone.value.key) == ("discord.upload_too_large", "discord.upload_gone")


async def test_a_reply_answers_the_message_it_is_for(stage: DiscordStage) -> None:
    stage.door.answers = lambda _message: Reply(text="There is no command /frob.")
    asked = stage.mention("/frob")
    said = await stage.says(stage.channel, "There is no command")
    assert said.reply_to == asked.id
    assert not said.pinged


async def test_a_reply_whose_sending_broke_is_there_once(stage: DiscordStage) -> None:
    stage.server.faults.add("reset_after", CREATE, times=1)
    stage.door.answers = lambda _message: Reply(text="help yourself")
    stage.mention("/help")
    await stage.server.wait_for(lambda: stage.server.transcript.counts["nonce_repeated"] == 1)
    assert sum("help yourself" in one for one in stage.channel.texts) == 1


# --- out --------------------------------------------------------------------------------------------------------------


async def test_a_message_is_styled_silent_and_replies(stage: DiscordStage) -> None:
    asked = stage.mention("x")
    rich = RichText("bold <@1> @everyone *x*", (Span(start=0, end=4, style=Style.BOLD),))
    sent = await stage.sent(Post(text=rich, reply_to=str(asked.id)))
    assert sent.content.startswith("**bold**")
    assert (sent.notified, sent.reply_to, sent.pinged, sent.pinged_everyone) == (False, asked.id, set(), False)
    loud = await stage.sent(Post(text=RichText("done"), is_silent=False), "n2")
    assert loud.notified


async def test_what_it_replies_to_may_be_gone(stage: DiscordStage) -> None:
    asked = stage.mention("x")
    stage.server.people.delete(asked)
    sent = await stage.sent(Post(text=RichText("done"), reply_to=str(asked.id)))
    assert sent.content == "done"


async def test_buttons_look_as_they_should_and_go_with_an_edit(stage: DiscordStage) -> None:
    row = (
        Button(label="Cancel", action=Action(verb=Verb.CANCEL, subject="7KQ2M4"), look=Look.BAD),
        Button(label="Cancel", action=Action(verb=Verb.CANCEL, subject="7KQ2M4")),
        Button(label="D" * 90, action=Action(verb=Verb.DETAILS, subject="7KQ2M4")),
    )
    sent = await stage.sent(Post(text=RichText("card"), buttons=(row,)))
    assert sent.custom_ids == ["c:7KQ2M4", "s:7KQ2M4"]
    assert sent.labels == ["Cancel", "D" * 80]
    await stage.platform.edit(stage.place(), str(sent.id), text("card 2"))
    assert (sent.content, sent.custom_ids) == ("card 2", [])
    await stage.platform.edit(stage.place(), str(sent.id), text("card 2"))


async def test_a_send_that_broke_is_repeated_under_its_nonce(stage: DiscordStage) -> None:
    stage.server.faults.add("reset_after", CREATE, times=1)
    with pytest.raises(Unavailable):
        await stage.platform.send(stage.place(), text("the answer"), "n1")
    again = await stage.platform.send(stage.place(), text("the answer"), "n1", is_repeat=True)
    assert [one.id for one in stage.channel.visible] == [int(again)]


@pytest.mark.parametrize("nonce", ["n1", None])
async def test_a_repeat_long_after_looks_for_its_message(stage: DiscordStage, nonce: str | None) -> None:
    asked = stage.mention("x")
    post = Post(text=RichText("the answer"), reply_to=str(asked.id))
    first = await stage.sent(post)
    other = await stage.sent(text("the answer"), "n2")
    stage.server.chat.nonce_window_s = -1.0
    first.nonce, other.nonce = nonce, nonce and "n2"  # the history of the real one may come without
    assert await stage.platform.send(stage.place(), post, "n1", is_repeat=True) == str(first.id)
    assert await stage.platform.send(stage.place(), text("new"), "n3", is_repeat=True) not in (first.id, other.id)


async def test_an_edit_is_repeated_when_the_connection_breaks(stage: DiscordStage) -> None:
    sent = await stage.sent(text("card"))
    stage.server.faults.add("reset", EDIT, times=1)
    await stage.platform.edit(stage.place(), str(sent.id), text("card 2"))
    assert sent.content == "card 2"


async def test_what_discord_does_not_take_goes_out_plain(stage: DiscordStage) -> None:
    stage.expected = ["content_too_long"]
    rich = RichText("x" * 1_998, (Span(start=0, end=1_998, style=Style.BOLD),))
    sent = await stage.sent(Post(text=rich))
    assert sent.content == "x" * 1_998


async def test_a_bucket_that_is_empty_for_long_is_a_flood(stage: DiscordStage) -> None:
    stage.server.faults.add("429", CREATE, seconds=45.0)
    with pytest.raises(Flooded) as flooded:
        await stage.platform.send(stage.place(), text("x"), "n1")
    assert 44.0 < flooded.value.retry_after_s <= 46.0


async def test_trouble_has_names(stage: DiscordStage) -> None:
    people = stage.server.people
    card = await stage.sent(text("card"))
    people.delete(card)
    with pytest.raises(MessageGone):
        await stage.platform.edit(stage.place(), str(card.id), text("card 2"))
    thread = people.thread(stage.channel, "talk", stage.alice)
    mine = await stage.sent(text("card"), channel=thread)
    people.archive(thread, is_locked=True)
    silent = people.channel(stage.server.world.guilds[stage.channel.guild_id or 0], "silent")
    people.deny(silent, Permission.SEND_MESSAGES)
    hidden = people.channel(stage.server.world.guilds[stage.channel.guild_id or 0], "hidden")
    people.deny(hidden, Permission.VIEW_CHANNEL)
    private = people.dm(stage.bob)
    stage.bob.takes_dms = False
    gone = people.channel(stage.server.world.guilds[stage.channel.guild_id or 0], "gone")
    people.remove_channel(gone)
    found = {}
    for where in (thread, silent, hidden, private, gone):
        with pytest.raises(Unreachable) as refused:
            await stage.platform.send(stage.place(where), text("x"), "n1")
        found[where.name or "private"] = refused.value.how
    assert found == {
        "talk": "topic_closed",
        "silent": "not_allowed",
        "hidden": "chat_gone",
        "private": "blocked",
        "gone": "chat_gone",
    }
    with pytest.raises(Unreachable) as closed:
        await stage.platform.edit(stage.place(thread), str(mine.id), text("card 2"))
    assert closed.value.how == "topic_closed"
    await stage.platform.busy(stage.place(gone))


async def test_an_archived_thread_is_opened_again_by_an_edit_as_by_a_message(stage: DiscordStage) -> None:
    thread = stage.server.people.thread(stage.channel, "talk", stage.alice)
    card = await stage.sent(text("card"), channel=thread)
    stage.server.people.archive(thread)
    await stage.platform.edit(stage.place(thread), str(card.id), text("card 2"))
    assert card.content == "card 2"
    assert thread.thread is not None
    assert not thread.thread.is_archived


async def test_typing_is_shown(stage: DiscordStage) -> None:
    await stage.platform.busy(stage.place())
    assert stage.server.transcript.of("POST /channels/{channel_id}/typing")


async def test_a_file_that_is_gone_or_too_large_is_refused(stage: DiscordStage, tmp_path: Path) -> None:
    with pytest.raises(Refused) as gone:
        await stage.sent(Post(text=RichText("x"), attachment=Attachment(name="a", path=tmp_path / "a")))
    stage.expected = ["invalid_body"]
    large = Attachment(name="a", content=b"x" * (10 * 2**20 + 1))
    with pytest.raises(Refused) as refused:
        await stage.sent(Post(text=RichText("x"), attachment=large))
    assert (gone.value.key, refused.value.key) == ("discord.file_gone", "discord.too_large")


# --- standing ---------------------------------------------------------------------------------------------------------


async def test_nothing_can_be_written_without_a_connection() -> None:
    async with discord_stage(starts=False) as stage:
        with pytest.raises(Unavailable):
            await stage.platform.send(stage.place(), text("x"), "n1")
        await stage.platform.busy(stage.place())


async def test_a_refused_token_is_named() -> None:
    async with discord_stage(starts=False) as stage:
        stage.server.token = "another"
        with pytest.raises(Misconfigured) as refused:
            await stage.platform.run(stage.door)
        assert "DISCORD_BOT_TOKEN" in str(refused.value)


async def test_a_token_that_is_revoked_ends_it() -> None:
    async with discord_stage(starts=False) as stage, running(stage.platform, stage.door) as task:
        await stage.server.wait_ready()
        stage.server.revoke_token()
        with pytest.raises(Misconfigured):
            await asyncio.wait_for(asyncio.shield(task), 10)
        with pytest.raises(Unavailable):
            await stage.platform.send(stage.place(), text("x"), "n1")


async def test_a_server_that_is_away_is_told() -> None:
    async with DiscordServer() as server:
        platform = made(server, None)  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        await platform.run(None)  # type: ignore[arg-type]


async def test_a_bot_without_contents_hears_what_is_meant_for_it() -> None:
    async with discord_stage(starts=False) as stage:
        stage.server.gateway.enabled &= ~(1 << 15)
        async with running(stage.platform, stage.door):
            await stage.server.wait_ready()
            stage.server.people.say(stage.channel, stage.alice, "not for you")
            stage.mention("for you")
            stage.server.people.say(stage.server.people.dm(stage.bob), stage.bob, "for you alone")
            await until(lambda: sorted(stage.door.texts) == ["for you", "for you alone"])


async def test_a_probe_says_how_it_stands() -> None:
    async with DiscordServer() as server:
        settings = DiscordSettings(token=server.token, base_url=server.api_url)
        assert "xingshu" in await probe(settings, "en")
        server.gateway.enabled &= ~(1 << 15)
        assert "Message Content Intent" in await probe(settings, "en")
        server.token = "another"
        with pytest.raises(Misconfigured):
            await probe(settings, "en")
