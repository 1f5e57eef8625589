"""Which messages are for us, and what they say. Messages are made of Discord's JSON, as the gateway sends it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.platforms.discord.connection import Connection, intents
from bot.platforms.discord.incoming import MAX_QUOTED, Edits, heard, is_for, with_reference
from tests.fakes import START
from tests.unit.bot.platforms.discord import discord

BOT, ANN, BEN = 1_000_000_000_000_000_001, 5, 6
AT = START.isoformat()


def user(number: int, **more: Any) -> dict[str, Any]:
    return {"id": str(number), "username": f"u{number}", "discriminator": "0", "avatar": None, **more}


def shape(content: str, author: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    named = [user(number) for number in (BOT, ANN, BEN) if f"<@{number}>" in content]
    return {
        "id": "100",
        "channel_id": "50",
        "author": author or user(ANN),
        "content": content,
        "timestamp": AT,
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": named,
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "pinned": False,
        "type": 0,
    } | more


def message(content: str, *, is_private: bool = False, **more: Any) -> discord.Message:
    state = Connection(intents(has_content=True))._connection
    where: Any = discord.PartialMessageable(state=state, id=50, guild_id=40)
    if is_private:
        where = discord.DMChannel._from_message(state, 50)
    return discord.Message(state=state, channel=where, data=shape(content, **more))  # type: ignore[arg-type]


def replying(content: str, to: dict[str, Any], **more: Any) -> discord.Message:
    reference = {"message_id": to["id"], "channel_id": "50"}
    return message(content, type=19, message_reference=reference, referenced_message=to, **more)


async def test_who_is_heard() -> None:
    assert is_for(message("hi", is_private=True), BOT)
    assert is_for(message(f"<@{BOT}> hi"), BOT)
    assert is_for(message(f"hi <@!{BOT}>"), BOT)
    assert not is_for(message("hi"), BOT)
    assert not is_for(message(f"<@{BEN}> hi"), BOT)
    assert not is_for(message("@everyone hi", mention_everyone=True), BOT)


@pytest.mark.parametrize(
    "more",
    [
        {"author": user(ANN, bot=True)},
        {"author": user(0, system=True)},
        {"webhook_id": "9"},
        {"type": 7},
        {"type": 18},
        {"type": 20},
    ],
)
async def test_who_is_not(more: dict[str, Any]) -> None:
    assert not is_for(message(f"<@{BOT}> hi", **more), BOT)
    assert not is_for(message("hi", is_private=True, **more), BOT)


async def test_a_reply_to_us_is_heard_unless_its_words_are_kept_from_us() -> None:
    ours = shape("card", user(BOT, bot=True), id="90")
    assert is_for(replying("also do X", ours), BOT)
    assert not is_for(replying("", ours), BOT)
    assert not is_for(replying("also do X", shape("hers", user(BEN), id="90")), BOT)
    assert heard(replying("also do X", ours), BOT, START).reply_to == "90"


async def test_our_name_is_taken_out_and_others_stay() -> None:
    got = heard(message(f"<@{BOT}>  ask <@{BEN}> about <@!{BOT}> it"), BOT, START)
    assert got.text == f"ask <@{BEN}> about  it"
    assert heard(message(f"<@{BOT}>"), BOT, START).text == ""
    assert got.received_at == START


async def test_a_long_quote_is_clipped() -> None:
    got = heard(replying(f"<@{BOT}> why?", shape("x" * 5_000, user(BEN), id="90")), BOT, START)
    assert got.text.startswith("why?\n\n> xxx")
    assert len(got.text) <= MAX_QUOTED + 20


async def test_a_chat_that_is_not_known_yet_counts_as_one_where_others_read() -> None:
    assert heard(message("hi"), BOT, START).is_group
    assert not heard(message("hi", is_private=True), BOT, START).is_group


async def test_what_is_forwarded_is_quoted_and_may_go_on() -> None:
    part = shape("told\nelsewhere") | {"attachments": [attachment(7, "../a b.txt")]}
    reference = {"message_id": "90", "channel_id": "51", "type": 1}
    got = heard(
        message("", is_private=True, message_reference=reference, message_snapshots=[{"message": part}]), BOT, START
    )
    assert (got.text, got.gathers, got.reply_to) == ("> told\n> elsewhere", True, "")
    assert got.uploads[0].name == "a_b.txt"


def attachment(number: int, name: str) -> dict[str, Any]:
    url = f"https://cdn.discordapp.com/attachments/50/{number}/x?ex=1"
    return {"id": str(number), "filename": name, "size": 3, "url": url, "proxy_url": url}


async def test_a_file_is_found_again_by_its_message() -> None:
    got = heard(message("hi", is_private=True, attachments=[attachment(7, ".profile")]), BOT, START)
    assert got.uploads[0].ref.startswith("50/100/7 https://cdn.discordapp.com/")
    assert got.uploads[0].name == "profile"
    many = [attachment(number, "a") for number in range(30)]
    assert len(heard(message("hi", is_private=True, attachments=many), BOT, START).uploads) == 20


def edited(content: str, seconds_ago: float = 0.0) -> discord.Message:
    return message(content, edited_timestamp=(START - timedelta(seconds=seconds_ago)).isoformat())


async def test_an_edit_is_one_when_words_change() -> None:
    edits = Edits()
    edits.note(message("one"))
    assert not edits.is_new(message("one"), START)
    assert not edits.is_new(edited("one"), START)
    assert edits.is_new(edited("two"), START)
    assert edits.is_new(edited("two", 9_999), START)


async def test_of_one_that_is_not_remembered_only_a_late_edit_counts() -> None:
    edits = Edits()
    assert edits.is_new(edited("two"), START)
    assert not edits.is_new(edited("two", 90), START)


async def test_only_the_latest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.platforms.discord.incoming._REMEMBERED", 1)
    edits = Edits()
    edits.note(message("one"))
    edits.note(message("else", id="101"))
    assert not edits.is_new(edited("two", 90), START)


class Room:
    """A channel that finds one message, or none."""

    def __init__(self, found: discord.Message | None) -> None:
        self.id = 50
        self.found = found

    async def fetch_message(self, _number: int) -> discord.Message:
        if self.found is None:
            raise discord.DiscordException
        return self.found


@pytest.mark.parametrize(("found", "quoted"), [("told", "\n\n> told"), (None, "")])
async def test_what_did_not_come_along_is_fetched_if_it_can_be(found: str | None, quoted: str) -> None:
    reply = message(f"<@{BOT}> why?", type=19, message_reference={"message_id": "90", "channel_id": "50"})
    reply.channel = Room(message(found, author=user(BEN)) if found else None)  # type: ignore[assignment]
    assert heard(await with_reference(reply), BOT, START).text == f"why?{quoted}"
