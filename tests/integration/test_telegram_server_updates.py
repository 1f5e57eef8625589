"""The strict Telegram of the tests: updates, people, files, queries and webhooks, with the real python-telegram-bot."""

from __future__ import annotations

import asyncio
import io
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from PIL import Image
from telegram import (
    BotCommand,
    BotCommandScopeAllPrivateChats,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    Update,
)
from telegram.error import Conflict, InvalidToken, NetworkError, TelegramError
from telegram.ext import Updater

from tests.telegram_server import UNLIMITED, Code, Kind, Rules, Trouble
from tests.telegram_server.scene import Scene, bot_of, playing

GO = InlineKeyboardMarkup([[InlineKeyboardButton("Go", callback_data="go")]])


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with playing() as scene:
        yield scene


def texts(updates: tuple[Update, ...]) -> list[str | None]:
    return [update.effective_message and update.effective_message.text for update in updates]


# --- getUpdates ---------------------------------------------------------------------------------------------------


async def test_what_is_not_confirmed_comes_again_in_order(scene: Scene) -> None:
    for text in "abcd":
        scene.telegram.people.say(scene.chat, scene.ada, text)
    first = await scene.bot.get_updates(limit=2)
    assert texts(first) == ["a", "b"]
    assert texts(await scene.bot.get_updates()) == ["a", "b", "c", "d"]
    assert texts(await scene.bot.get_updates(offset=first[1].update_id)) == ["b", "c", "d"]
    assert texts(await scene.bot.get_updates(offset=first[1].update_id + 1)) == ["c", "d"]
    assert texts(await scene.bot.get_updates()) == ["c", "d"]
    assert texts(await scene.bot.get_updates(offset=first[1].update_id + 1_000_000)) == ["c", "d"]
    assert texts(await scene.bot.get_updates(offset=-1)) == ["d"]
    assert texts(await scene.bot.get_updates()) == ["d"]
    await scene.advance(25 * 3600)
    assert texts(await scene.bot.get_updates()) == []
    assert scene.codes == []


async def test_kinds_that_are_not_wanted_are_not_kept(scene: Scene) -> None:
    await scene.bot.get_updates(allowed_updates=["edited_message"])
    said = scene.telegram.people.say(scene.chat, scene.ada, "a")
    scene.telegram.people.edit(said, "b")
    (update,) = await scene.bot.get_updates()
    assert update.edited_message.text == "b"
    with scene.refused("unknown type of update"):
        await scene.bot.get_updates(allowed_updates=["gossip"])


async def test_the_second_poller_ends_the_first(scene: Scene) -> None:
    async with bot_of(scene.telegram) as other, asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(_outcome(scene.bot.get_updates(timeout=30)))
        await scene.telegram.until(lambda: scene.telegram.updates.is_polled)
        second = tasks.create_task(_outcome(other.get_updates(timeout=30)))
        outcome = await waiting
        assert isinstance(outcome, Conflict)
        assert "terminated by other getUpdates request; make sure that only one bot instance is running" in str(outcome)
        person = scene.telegram.people.user()
        scene.telegram.people.say(scene.telegram.people.private(person), person, "hello")
    assert texts(second.result()) == ["hello"]
    assert scene.codes == ["two_pollers"]


async def _outcome(call: Any) -> Any:
    try:
        return await call
    except TelegramError as error:
        return error


async def test_a_poller_that_hung_up_is_no_second_poller(scene: Scene) -> None:
    with pytest.raises(NetworkError):
        await scene.bot.get_updates(timeout=30, read_timeout=-29.9)
    await scene.bot.get_me()  # its connection was made after the other one had gone
    assert not scene.telegram.updates.is_polled
    scene.telegram.people.say(scene.chat, scene.ada, "a")
    assert texts(await scene.bot.get_updates(timeout=30)) == ["a"]
    assert scene.codes == []


async def test_updates_are_repeated_held_reordered_and_delayed(scene: Scene) -> None:
    scene.telegram.people.say(scene.chat, scene.ada, "a")
    (first,) = await scene.bot.get_updates()
    assert texts(await scene.bot.get_updates(offset=first.update_id + 1)) == []
    scene.telegram.updates.repeat()
    (again,) = await scene.bot.get_updates(offset=first.update_id + 1)
    assert again.update_id == first.update_id
    scene.telegram.updates.hold()
    for text in "bcd":
        scene.telegram.people.say(scene.chat, scene.ada, text)
    assert await scene.bot.get_updates(offset=first.update_id + 1) == ()
    scene.telegram.updates.release(order=[2, 0, 1])
    assert texts(await scene.bot.get_updates(offset=first.update_id + 1)) == ["d", "b", "c"]
    assert texts(await scene.bot.get_updates(offset=first.update_id + 5)) == []
    scene.telegram.updates.delay(0.02)
    scene.telegram.people.say(scene.chat, scene.ada, "late")
    scene.telegram.people.say(scene.chat, scene.ada, "early")
    assert texts(await scene.bot.get_updates(offset=first.update_id + 4)) == ["early"]
    await scene.telegram.until(lambda: len(scene.telegram.updates.pending) == 2)
    assert texts(await scene.bot.get_updates(offset=first.update_id + 4)) == ["early", "late"]


async def test_the_updater_polls_confirms_and_survives(scene: Scene) -> None:
    queue: asyncio.Queue[Update] = asyncio.Queue()
    async with Updater(scene.bot, queue) as updater:
        scene.telegram.people.say(scene.chat, scene.ada, "before")
        await updater.start_polling(poll_interval=0)
        assert (await queue.get()).message.text == "before"
        await scene.telegram.until(lambda: scene.telegram.updates.is_polled)
        scene.telegram.people.say(scene.chat, scene.ada, "during")
        assert (await queue.get()).message.text == "during"
        await updater.stop()
    assert not scene.telegram.updates.pending
    assert scene.codes == []


async def test_token(scene: Scene) -> None:
    stranger = bot_of(scene.telegram, token="1:wrong")
    with pytest.raises(InvalidToken):
        await stranger.initialize()
    await stranger.shutdown()
    assert scene.telegram.transcript.requests[-1].description == "Unauthorized"
    scene.telegram.membership.revoke_token()
    for _ in range(2):
        with pytest.raises(InvalidToken):
            await scene.bot.send_message(scene.chat.id, "x")
    assert scene.codes == ["refused_again"]
    scene.telegram.membership.restore_token()
    await scene.bot.send_message(scene.chat.id, "x")


async def test_an_outage_keeps_everything(scene: Scene) -> None:
    await scene.bot.send_message(scene.chat.id, "x")
    port = scene.telegram.port
    await scene.telegram.stop()
    with pytest.raises(NetworkError):
        await scene.bot.send_message(scene.chat.id, "y")
    scene.telegram.people.say(scene.chat, scene.ada, "are you there?")
    await scene.telegram.start()
    assert scene.telegram.port == port
    assert texts(await scene.bot.get_updates()) == ["are you there?"]
    assert scene.telegram.transcript.texts(scene.chat) == ["x", "are you there?"]


# --- what people do -----------------------------------------------------------------------------------------------


async def test_privacy_of_groups(scene: Scene) -> None:
    people = scene.telegram.people
    group = people.group(scene.ada)
    await scene.bot.send_message(group.id, "I am here")
    mine = scene.telegram.transcript.last(group)
    for text in (
        "nobody",
        "😀 @xingshu_test_bot hi",
        "/ask",
        "/ask@xingshu_test_bot",
        "/ask@other_bot",
        "@xingshu_test",
    ):
        people.say(group, scene.ada, text)
    people.say(group, scene.ada, "a reply", reply_to=mine)
    people.say(group, scene.ada, "a reply to a person", reply_to=people.say(group, scene.ada, "z"))
    people.say(group, people.user(is_bot=True), "I am a scene.bot @xingshu_test_bot")
    people.say(group, scene.ada, "/general")
    heard = ["😀 @xingshu_test_bot hi", "/ask", "/ask@xingshu_test_bot", "a reply"]
    updates = await scene.bot.get_updates()
    assert texts(updates) == heard
    assert updates[0].message.parse_entities(["mention"]).popitem()[1] == "@xingshu_test_bot"
    scene.telegram.membership.set_bot(group, "administrator", scene.ada)
    people.say(group, scene.ada, "nobody")
    people.anonymous(group, "in the name of the group")
    anonymous = (await scene.bot.get_updates())[-1].message
    assert (anonymous.from_user.is_bot, anonymous.sender_chat.id) == (True, group.id)
    channel = people.channel()
    people.post(channel, "news")
    assert (await scene.bot.get_updates())[-1].channel_post.sender_chat.id == channel.id
    people.as_channel(group, channel, "as a channel")
    assert (await scene.bot.get_updates())[-1].message.sender_chat.id == channel.id


async def test_albums_and_forwards(scene: Scene) -> None:
    scene.telegram.people.album(scene.chat, scene.ada, [("a.txt", b"1"), ("b.txt", b"2")], caption="both")
    scene.telegram.people.forward(scene.chat, scene.ada, ["x", "y"], author=scene.ada)
    one, two, *forwarded = [update.message for update in await scene.bot.get_updates()]
    assert one.media_group_id == two.media_group_id
    assert (one.caption, two.caption, two.document.file_name) == ("both", None, "b.txt")
    assert [message.forward_origin.sender_user.id for message in forwarded] == [scene.ada.id] * 2


async def test_files_go_up_and_down(scene: Scene) -> None:
    scene.telegram.people.document(scene.chat, scene.ada, "数据.csv", b"a,b\n1,2\n", mime="text/csv", caption="look")
    scene.telegram.people.document(scene.chat, scene.ada, "huge.bin", b"", size=20 * 1024 * 1024 + 1)
    scene.telegram.people.photo(scene.chat, scene.ada, b"jpeg", caption="me")
    small, huge, photo = [update.message for update in await scene.bot.get_updates()]
    assert (small.document.file_name, small.document.mime_type, small.caption) == ("数据.csv", "text/csv", "look")
    file = await scene.bot.get_file(small.document.file_id)
    assert bytes(await file.download_as_bytearray()) == b"a,b\n1,2\n"
    assert bytes(await (await scene.bot.get_file(photo.photo[-1])).download_as_bytearray()) == b"jpeg"
    with scene.refused("Bad Request: file is too big"):
        await scene.bot.get_file(huge.document.file_id)
    sent = await scene.bot.send_document(
        scene.chat.id, b"report", filename="r.md", caption="*x*", parse_mode="MarkdownV2"
    )
    again = await scene.bot.send_document(scene.chat.id, sent.document.file_id)
    assert scene.telegram.transcript.last(scene.chat).content.file.data == b"report"
    assert again.document.file_name == "r.md"
    with scene.refused("wrong file identifier/HTTP URL specified"):
        await scene.bot.send_document(scene.chat.id, "nothing")
    assert [str(code) for code in scene.codes] == ["file_too_big", "bad_file"]


async def test_downloads_break_too(scene: Scene) -> None:
    said = scene.telegram.people.document(scene.chat, scene.ada, "a.txt", b"a")
    file = await scene.bot.get_file(said.content.file.file_id)
    for trouble in (Trouble.RESET, Trouble.ERROR):
        scene.telegram.faults.add(trouble, "download")
        with pytest.raises(NetworkError):
            await file.download_as_bytearray()
    assert bytes(await file.download_as_bytearray()) == b"a"


async def test_a_text_becomes_a_document(scene: Scene) -> None:
    sent = await scene.bot.send_message(scene.chat.id, "a card", reply_markup=GO)
    media = InputMediaDocument(b"all of it", filename="answer.md", caption="the answer")
    edited = await scene.bot.edit_message_media(media, scene.chat.id, sent.message_id)
    assert (edited.caption, edited.document.file_name, edited.text, edited.reply_markup) == (
        "the answer",
        "answer.md",
        None,
        None,
    )
    await scene.bot.edit_message_caption(scene.chat.id, sent.message_id, caption="other words")
    picture = io.BytesIO()
    Image.new("RGB", (30, 20)).save(picture, "PNG")
    photo = await scene.bot.send_photo(scene.chat.id, picture.getvalue())
    assert (photo.photo[-1].width, photo.photo[-1].height) == (30, 20)
    album = await scene.bot.send_media_group(scene.chat.id, [InputMediaPhoto(picture.getvalue()) for _ in range(2)])
    assert len({message.media_group_id for message in album}) == 1
    with scene.refused("can't use the media of the specified type in the album"):
        await scene.bot.edit_message_media(media, scene.chat.id, album[0].message_id)


async def test_uploads_beyond_the_limit() -> None:
    async with playing(Rules(limits=UNLIMITED, max_upload=1000, max_photo=100)) as scene:
        await scene.bot.send_document(scene.chat.id, b"x" * 1000)
        for size in (1001, 2_000_000):
            with scene.refused("Request Entity Too Large"):
                await scene.bot.send_document(scene.chat.id, b"x" * size)
        with scene.refused("file is too big"):
            await scene.bot.send_photo(scene.chat.id, b"x" * 101)
        assert scene.codes == ["file_too_big"] * 3


# --- callback queries ---------------------------------------------------------------------------------------------


async def test_buttons(scene: Scene) -> None:
    await scene.bot.send_message(scene.chat.id, "x", reply_markup=GO)
    message = scene.telegram.transcript.last(scene.chat)
    pressed = scene.telegram.people.press(message, scene.ada, label="Go")
    with pytest.raises(AssertionError, match="no button"):
        scene.telegram.people.press(message, scene.ada, label="Stop")
    forged = scene.telegram.people.forge(message, scene.ada, "sudo")
    first, second = [update.callback_query for update in await scene.bot.get_updates()]
    assert (first.data, first.message.text, second.data) == ("go", "x", "sudo")
    await first.answer("yes")
    assert pressed.answers == [{"text": "yes"}]
    with scene.refused("query is too old and response timeout expired or query ID is invalid"):
        await first.answer()
    assert scene.codes == ["answered_twice"]
    scene.telegram.transcript.forget_violations()
    await scene.advance(11)
    assert [found.code for found in scene.telegram.transcript.violations(Code.UNANSWERED)] == [Code.UNANSWERED]
    await second.answer()
    assert scene.codes == ["late_answer"]
    assert forged.answers == [{}]


async def test_queries_that_come_again_are_rightly_answered_again(scene: Scene) -> None:
    await scene.bot.send_message(scene.chat.id, "x", reply_markup=GO)
    message = scene.telegram.transcript.last(scene.chat)
    scene.telegram.people.press(message, scene.ada, data="go")
    await scene.advance(61)  # it was down for a minute: the query is old, and that is not its fault
    for _ in range(2):
        (update,) = await scene.bot.get_updates()
        with scene.refused("query is too old"):
            await update.callback_query.answer()
    scene.telegram.people.press(message, scene.ada, data="go")
    scene.telegram.faults.add(Trouble.RESET_AFTER, "answerCallbackQuery")
    update = (await scene.bot.get_updates())[-1]
    for _ in range(2):
        with pytest.raises(TelegramError):
            await update.callback_query.answer()
    scene.telegram.people.delete(message)
    scene.telegram.people.forge(message, scene.ada, "go")
    assert not (await scene.bot.get_updates())[-1].callback_query.message.is_accessible
    assert scene.codes == []


# --- settings of the bot ------------------------------------------------------------------------------------------


async def test_commands_drafts_and_the_like(scene: Scene) -> None:
    scope = BotCommandScopeAllPrivateChats()
    await scene.bot.set_my_commands([BotCommand("ask", "提问")], scope=scope, language_code="zh")
    assert [command.description for command in await scene.bot.get_my_commands(scope, "zh")] == ["提问"]
    assert await scene.bot.get_my_commands() == ()
    await scene.bot.delete_my_commands(scope, "zh")
    assert await scene.bot.get_my_commands(scope, "zh") == ()
    await scene.bot.set_my_description("d", "zh")
    await scene.bot.set_my_short_description("s")
    await scene.bot.send_message_draft(scene.chat.id, 7, "thinking")
    assert scene.telegram.world.drafts[-1]["text"] == "thinking"
    said = scene.telegram.people.say(scene.chat, scene.ada, "hm")
    await scene.bot.set_message_reaction(scene.chat.id, said.id, "👀")
    assert scene.telegram.world.reactions[scene.chat.id, said.id] == ["👀"]
    group = scene.telegram.people.group(scene.ada, kind=Kind.GROUP)
    assert (await scene.bot.get_chat_member(group.id, scene.ada.id)).status == "creator"
    assert [member.user.id for member in await scene.bot.get_chat_administrators(group.id)] == [scene.ada.id]
    assert (await scene.bot.get_chat(group.id)).title == "Team"
    assert (await scene.bot.get_me()).can_read_all_group_messages is False
    assert scene.codes == []


# --- webhook ------------------------------------------------------------------------------------------------------


async def test_webhook_gets_updates_until_it_says_yes(scene: Scene, free_port) -> None:
    queue: asyncio.Queue[Update] = asyncio.Queue()
    async with Updater(scene.bot, queue) as updater:
        await updater.start_webhook(
            "127.0.0.1", free_port, "hook", webhook_url=f"http://127.0.0.1:{free_port}/hook", secret_token="s3"
        )
        scene.telegram.people.say(scene.chat, scene.ada, "a")
        assert (await queue.get()).message.text == "a"
        scene.telegram.world.webhook.secret = "wrong"
        scene.telegram.people.say(scene.chat, scene.ada, "b")
        await scene.telegram.until(lambda: scene.telegram.world.webhook.last_error)
        assert "Wrong response from the webhook: 403" in (await scene.bot.get_webhook_info()).last_error_message
        scene.telegram.world.webhook.secret = "s3"
        assert (await queue.get()).message.text == "b"
        scene.telegram.updates.repeat()
        assert (await queue.get()).message.text == "b"
        with scene.refused("can't use getUpdates method while webhook is active", Conflict):
            await scene.bot.get_updates()
        await updater.stop()
        await scene.bot.delete_webhook()
        assert await scene.bot.get_updates() == ()
        assert queue.empty()
    assert scene.codes == ["polled_with_webhook"]


@pytest.fixture
def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
