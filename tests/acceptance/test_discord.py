"""The real program in Discord, as people meet it: the real library, a strict server, processes that die."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.acceptance.serving import Serving, serving
from tests.discord_server import Channel, DiscordServer, Message, User

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

WAIT_S = 90.0
ASK = "profile examples/sales.csv"


class Talk:
    """Ada in her server's channel, and in a direct message."""

    def __init__(self, discord: DiscordServer, ada: User, here: Serving) -> None:
        self.discord = discord
        self.people = discord.people
        self.ada = ada
        self.here = here
        self.guild = self.people.guild("lab", ada)
        self.channel = self.people.channel(self.guild)
        self.dm = self.people.dm(ada)

    def ours(self, channel: Channel) -> list[Message]:
        return [one for one in channel.messages.values() if one.author is self.discord.world.bot]

    async def says(self, channel: Channel, word: str) -> Message:
        return await self.discord.wait_for(
            lambda: next((one for one in self.ours(channel) if word in one.content and not one.is_deleted), None),
            WAIT_S,
        )

    async def answer(self, channel: Channel, word: str) -> Message:
        """The message that rang."""
        return await self.discord.wait_for(
            lambda: next((one for one in self.ours(channel) if one.notified and word in one.content), None), WAIT_S
        )


@asynccontextmanager
async def talking(folder: Path, **settings: str) -> AsyncIterator[Talk]:
    async with DiscordServer() as discord:
        discord.gateway.is_relaxed = True  # a killed process identifies again at once
        ada = discord.people.user("ada")
        configured = {
            "DISCORD_BOT_TOKEN": discord.token,
            "DISCORD_API_BASE_URL": discord.api_url,
            "XINGSHU_ALLOWED_USERS": f"discord:{ada.id}=owner",
            **settings,
        }
        async with serving(folder, configured) as here:
            talk = Talk(discord, ada, here)
            await discord.wait_ready()
            await discord.wait_for(lambda: any("PUT /applications" in str(call) for call in discord.transcript.calls))
            yield talk
        assert discord.token not in here.command.log()


async def test_a_direct_message_has_one_card_and_one_answer(tmp_path: Path):
    async with talking(tmp_path) as talk:
        request = talk.people.say(talk.dm, talk.ada, ASK)
        answer = await talk.answer(talk.dm, "sales.csv")
        assert answer.reply_to == request.id
        card = await talk.says(talk.dm, "1/1")
        assert not card.notified
        assert [one for one in talk.ours(talk.dm) if one.notified] == [answer]
        assert talk.discord.codes == []


async def test_ask_in_a_channel_that_was_let_in(tmp_path: Path):
    async with talking(tmp_path) as talk:
        paired = talk.people.slash(talk.channel, talk.ada, "pair")
        await talk.discord.wait_response(paired)
        asked = talk.people.slash(talk.channel, talk.ada, "ask", text=ASK)
        await talk.discord.wait_answer(asked)
        assert not asked.is_ephemeral
        answer = await talk.answer(talk.channel, "rows")
        card = await talk.says(talk.channel, "1/1")
        task_id = re.search(r"\b[0-9A-HJKMNP-TV-Z]{6}\b", card.content)
        assert task_id is not None
        offered = await talk.discord.wait_answer(
            talk.people.complete(talk.channel, talk.ada, "status", "task", task=task_id[0][:2])
        )
        assert task_id[0] in str(offered.choices)
        shown = await talk.discord.wait_response(talk.people.slash(talk.channel, talk.ada, "status", task=task_id[0]))
        assert task_id[0] in shown.content
        assert shown.is_ephemeral
        assert not answer.pinged
        assert talk.discord.codes == []


async def test_a_stranger_and_a_channel_nobody_let_in_get_nothing(tmp_path: Path):
    async with talking(tmp_path) as talk:
        eve = talk.people.user("eve")
        talk.people.join(talk.guild, eve)
        mention = f"<@{talk.discord.world.bot.id}>"
        talk.people.say(talk.channel, talk.ada, f"{mention} {ASK}")
        talk.people.say(talk.people.dm(eve), eve, ASK)
        refusal = await talk.says(talk.people.dm(eve), str(eve.id))
        assert "one-time code" in refusal.content
        talk.people.say(talk.dm, talk.ada, "echo over")
        await talk.answer(talk.dm, "over")
        assert talk.ours(talk.channel) == []
        listed = await talk.here.run("tasks", "--json")
        assert [task["request"] for task in listed.json] == ["echo over"]


async def test_what_was_missed_while_the_process_was_dead_is_caught_up(tmp_path: Path):
    async with talking(tmp_path, XINGSHU_LEASE_S="6", XINGSHU_SWEEP_S="1") as talk:
        talk.people.say(talk.dm, talk.ada, "echo alpha")
        await talk.answer(talk.dm, "alpha")
        await talk.here.kill(talk.here.processes[-1])
        talk.people.say(talk.dm, talk.ada, "echo beta")
        await talk.here.start()
        await talk.answer(talk.dm, "beta")
        loud = [one.content for one in talk.ours(talk.dm) if one.notified]
        assert len(loud) == 2
