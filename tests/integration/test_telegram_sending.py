"""Messages out: what people see, and what each of Telegram's refusals becomes."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.drawing.entities import Entity
from bot.drawing.rich_text import RichText, Span, Style
from bot.platforms.telegram import TRAITS, Telegram
from bot.post import Action, Attachment, Button, Post, Verb
from domain.errors import Flooded, MessageGone, Misconfigured, Refused, Unavailable, Unreachable, XingshuError
from domain.task import Place
from tests.integration.telegram_bot import bot_of, server, virtual
from tests.telegram_server import Chat, Code, Kind, Rules, TelegramServer, Trouble

BOLD = RichText("🚀 done & <dusted>", (Span(start=2, end=6, style=Style.BOLD),))
STOP = ((Button(label="Stop", action=Action(verb=Verb.CANCEL, subject="7KQ2M4")),),)


def place(chat: Chat, thread: int | None = None) -> Place:
    return Place(
        platform="telegram", bot_id="123456789", chat_id=str(chat.id), thread_id="" if thread is None else str(thread)
    )


class Desk:
    """A bot that only writes, and one chat."""

    def __init__(self, telegram: TelegramServer) -> None:
        self.telegram = telegram
        self.bot: Telegram = bot_of(telegram)
        self.ada = telegram.people.user()
        self.chat = telegram.people.private(self.ada)

    async def send(self, post: Post | str, chat: Chat | None = None, thread: int | None = None) -> str:
        drawn = Post(text=RichText(post)) if isinstance(post, str) else post
        return await self.bot.send(place(chat or self.chat, thread), drawn, "nonce")

    async def edit(self, message_id: str, post: Post | str, chat: Chat | None = None) -> None:
        drawn = Post(text=RichText(post)) if isinstance(post, str) else post
        await self.bot.edit(place(chat or self.chat), message_id, drawn)

    async def __aenter__(self) -> Desk:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.bot._downloads.close()
        await self.bot._bot.initialize()
        await self.bot._bot.shutdown()


@virtual
async def test_text_styles_buttons_and_what_it_answers():
    async with server() as telegram, Desk(telegram) as desk:
        asked = telegram.people.say(desk.chat, desk.ada, "go")
        sent = await desk.send(Post(text=BOLD, buttons=STOP, reply_to=str(asked.id)))
        message = telegram.transcript.last(desk.chat)
        assert (str(message.id), message.text, message.is_silent, message.reply_to) == (sent, BOLD.text, True, asked.id)
        assert [(one["type"], one["offset"], one["length"]) for one in message.content.entities] == [("bold", 3, 4)]
        assert [one["callback_data"] for one in message.content.buttons] == ["c:7KQ2M4"]
        await desk.send(Post(text=BOLD, is_silent=False))
        assert not telegram.transcript.last(desk.chat).is_silent
        assert telegram.transcript.violations() == []


@virtual
async def test_an_edit_shows_something_else_and_takes_the_buttons_away():
    async with server() as telegram, Desk(telegram) as desk:
        sent = await desk.send(Post(text=BOLD, buttons=STOP))
        await desk.edit(sent, "over")
        message = telegram.transcript.last(desk.chat)
        assert (message.text, message.content.buttons, message.edits) == ("over", [], 1)
        assert telegram.transcript.violations() == []


@virtual
async def test_what_shows_it_already_is_fine():
    async with server() as telegram, Desk(telegram) as desk:
        sent = await desk.send("the same")
        await desk.edit(sent, "the same")
        assert telegram.transcript.last(desk.chat).edits == 0


@virtual
async def test_what_is_answered_may_be_gone():
    async with server() as telegram, Desk(telegram) as desk:
        asked = telegram.people.say(desk.chat, desk.ada, "go")
        telegram.people.delete(asked)
        await desk.send(Post(text=BOLD, reply_to=str(asked.id)))
        assert telegram.transcript.last(desk.chat).reply_to is None


@virtual
async def test_styles_that_are_refused_are_left_out(monkeypatch: pytest.MonkeyPatch):
    beyond = [Entity(type="bold", offset=5, length=5000), Entity(type="sparkle", offset=0, length=1)]
    monkeypatch.setattr("bot.platforms.telegram.look.entities", lambda _text: beyond)
    async with server() as telegram, Desk(telegram) as desk:
        with capture_logs() as logs:
            sent = await desk.send(Post(text=BOLD))
            await desk.edit(sent, Post(text=RichText("newer", BOLD.spans)))
        assert telegram.transcript.last(desk.chat).text == "newer"
        assert telegram.transcript.last(desk.chat).content.entities == ()
        assert [line["event"] for line in logs] == ["telegram_styles_refused"] * 2


@virtual
async def test_a_file_goes_out_as_one(tmp_path: Path):
    async with server() as telegram, Desk(telegram) as desk:
        path = tmp_path / "x"
        path.write_bytes(b"city,sales\n" * 1000)
        file = Attachment(name="报告 2026.csv", path=path)
        await desk.send(Post(text=BOLD, attachment=file))
        message = telegram.transcript.last(desk.chat)
        assert message.content.file is not None
        assert (message.content.file.name, message.content.file.data) == ("报告 2026.csv", path.read_bytes())
        assert (message.text, len(message.content.entities)) == (BOLD.text, 1)
        await desk.send(Post(text=RichText(""), attachment=Attachment(name="made.md", content=b"# made")))
        made = telegram.transcript.last(desk.chat).content.file
        assert made is not None
        assert made.data == b"# made"
        assert telegram.transcript.violations() == []


@virtual
async def test_a_placeholder_becomes_a_file_and_that_may_be_repeated():
    async with server() as telegram, Desk(telegram) as desk:
        sent = await desk.send("✓ 7KQ2M4")
        post = Post(text=RichText("made.md"), attachment=Attachment(name="made.md", content=b"# made"))
        await desk.edit(sent, post)
        await desk.edit(sent, post)
        message = telegram.transcript.last(desk.chat)
        assert (message.content.media, message.text) == ("document", "made.md")
        await desk.edit(sent, "another caption")
        await desk.edit(sent, "another caption")
        assert telegram.transcript.last(desk.chat).text == "another caption"
        assert len(telegram.transcript.by_bot(desk.chat)) == 1


@virtual
@pytest.mark.parametrize("size", [0, TRAITS.max_file_bytes + 1, None])
async def test_files_that_cannot_be_sent(tmp_path: Path, size: int | None):
    async with server() as telegram, Desk(telegram) as desk:
        path = tmp_path / "big"
        if size is not None:
            with path.open("wb") as out:
                out.truncate(size)
        with pytest.raises(Refused, match=r"big\.csv"):
            await desk.send(Post(text=BOLD, attachment=Attachment(name="big.csv", path=path)))
        assert telegram.transcript.calls("sendDocument") == []


@virtual
async def test_a_file_that_the_server_finds_too_large():
    async with server(Rules(max_upload=10)) as telegram, Desk(telegram) as desk:
        with pytest.raises(Refused):
            await desk.send(Post(text=BOLD, attachment=Attachment(name="a", content=b"x" * 11)))


# --- where it cannot go -------------------------------------------------------------------------------------------


async def refused(desk: Desk, chat: Chat, thread: int | None = None) -> str:
    with pytest.raises(Unreachable) as raised:
        await desk.send("hello", chat, thread)
    assert raised.value.say("zh")
    return raised.value.how


@virtual
async def test_people_who_blocked_the_bot():
    async with server() as telegram, Desk(telegram) as desk:
        telegram.membership.block(desk.ada)
        assert await refused(desk, desk.chat) == "blocked"
        telegram.membership.deactivate(desk.ada)
        assert await refused(desk, desk.chat) == "blocked"
        shy = telegram.people.private(telegram.people.user("Shy"), has_started=False)
        assert await refused(desk, shy) == "blocked"


@virtual
async def test_groups_that_the_bot_is_not_in_or_may_not_write_in():
    async with server() as telegram, Desk(telegram) as desk:
        groups = [telegram.people.group(desk.ada) for _ in range(4)]
        telegram.membership.set_bot(groups[0], "kicked", desk.ada)
        telegram.membership.set_bot(groups[1], "left", desk.ada)
        telegram.membership.delete_group(groups[2])
        telegram.membership.mute_bot(groups[3])
        ways = [await refused(desk, group) for group in groups]
        assert ways == ["chat_gone", "chat_gone", "chat_gone", "not_allowed"]
        nowhere = Place(platform="telegram", bot_id="123456789", chat_id="-1005")
        with pytest.raises(Unreachable) as raised:
            await desk.bot.send(nowhere, Post(text=BOLD), "n")
        assert raised.value.how == "chat_gone"


@virtual
async def test_topics():
    async with server() as telegram, Desk(telegram) as desk:
        forum = telegram.people.group(desk.ada, is_forum=True)
        open_, closed, deleted = (telegram.people.topic(forum, desk.ada, name) for name in "abc")
        telegram.people.close_topic(forum, desk.ada, closed)
        telegram.people.delete_topic(forum, deleted)
        await desk.send("here", forum, open_)
        assert telegram.transcript.last(forum).thread == open_
        assert [await refused(desk, forum, thread) for thread in (closed, deleted)] == ["topic_closed", "topic_closed"]
        await desk.bot.busy(place(forum, open_))
        await desk.bot.busy(place(forum, deleted))  # nobody minds
        assert [(chat, action) for _, chat, action in telegram.world.actions] == [(forum.id, "typing")]


@virtual
async def test_a_message_that_is_gone():
    async with server() as telegram, Desk(telegram) as desk:
        sent = await desk.send("card")
        telegram.people.delete(telegram.transcript.last(desk.chat))
        with pytest.raises(MessageGone):
            await desk.edit(sent, "newer card")
        theirs = telegram.people.say(desk.chat, desk.ada, "mine")
        with pytest.raises(MessageGone):
            await desk.edit(str(theirs.id), "yours")


@virtual
async def test_a_group_that_became_a_supergroup_is_found_again():
    async with server() as telegram, Desk(telegram) as desk:
        group = telegram.people.group(desk.ada, kind=Kind.GROUP)
        new = telegram.membership.upgrade(group, desk.ada)
        sent = await desk.send("here", group)
        await desk.edit(sent, "still here", group)
        await desk.send("again", group)
        assert telegram.transcript.texts(new)[-2:] == ["still here", "again"]
        assert len(telegram.transcript.calls("sendMessage", chat=group)) == 1


# --- trouble ------------------------------------------------------------------------------------------------------


@virtual
@pytest.mark.parametrize(
    ("trouble", "status", "kind", "arrived"),
    [
        (Trouble.ERROR, 502, Unavailable, False),
        (Trouble.ERROR_AFTER, 500, Unavailable, True),
        (Trouble.RESET, 0, Unavailable, False),
        (Trouble.RESET_AFTER, 0, Unavailable, True),
        (Trouble.HANG_AFTER, 0, Unavailable, True),
        (Trouble.GARBAGE_AFTER, 0, Unavailable, True),
        (Trouble.TOO_MANY, 0, Flooded, False),
    ],
)
async def test_trouble_is_told_and_nothing_is_sent_twice(
    trouble: Trouble, status: int, kind: type[XingshuError], arrived: object
):
    async with server() as telegram, Desk(telegram) as desk:
        telegram.faults.add(trouble, "sendMessage", status=status, retry_after=7)
        with pytest.raises(kind) as raised:
            await desk.send("hello")
        assert len(telegram.transcript.calls("sendMessage")) == 1
        assert bool(telegram.transcript.by_bot(desk.chat)) is arrived
        if isinstance(raised.value, Flooded):
            assert raised.value.retry_after_s == 7.0


@virtual
async def test_an_edit_that_was_lost_on_the_way_back_may_be_repeated():
    async with server() as telegram, Desk(telegram) as desk:
        sent = await desk.send("card")
        telegram.faults.add(Trouble.RESET_AFTER, "editMessageText")
        with pytest.raises(Unavailable):
            await desk.edit(sent, "newer")
        await desk.edit(sent, "newer")
        assert telegram.transcript.last(desk.chat).edits == 1
        assert telegram.transcript.violations() == []


@virtual
async def test_nobody_there():
    async with server() as telegram:
        desk = Desk(telegram)
    with pytest.raises(Unavailable):
        await desk.send("hello")
    await desk.bot._bot.shutdown()


@virtual
async def test_a_token_that_does_not_count():
    async with server() as telegram, Desk(telegram) as desk:
        telegram.membership.revoke_token()
        with pytest.raises(Misconfigured, match="TELEGRAM_BOT_TOKEN") as raised:
            await desk.send("hello")
        assert telegram.token not in f"{raised.value!r}{raised.value.__cause__!r}"
        telegram.membership.restore_token()


@virtual
async def test_links_are_not_fetched():
    async with server() as telegram, Desk(telegram) as desk:
        sent = await desk.send("see https://example.org/secret?token=1")
        await desk.edit(sent, "see https://example.org/other")
        assert telegram.transcript.violations(Code.LINK_PREVIEW) == []
