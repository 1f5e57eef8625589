"""The Discord adapter against a server that limits it, in virtual time."""

from __future__ import annotations

import asyncio

from bot.reply import Reply
from tests.integration.discord_stage import DiscordStage, discord_stage, made, running, text
from tests.virtual_time import LoopClock, virtually

SENT, EDITED = 12, 20


async def _written(stage: DiscordStage) -> None:
    """Many messages at once, and one that changes all the time."""
    card = await stage.platform.send(stage.place(), text("card"), "card")
    async with asyncio.TaskGroup() as group:
        for number in range(SENT):
            group.create_task(stage.platform.send(stage.place(), text(f"message {number}"), f"n{number}"))
        for number in range(EDITED):
            group.create_task(stage.platform.edit(stage.place(), card, text(f"card {number}")))


def test_whatever_is_written_at_once_arrives_once_without_a_refusal() -> None:
    async def main() -> None:
        async with discord_stage(starts=False, clock=LoopClock()) as stage:
            stage.server.limits.is_on = True
            stage.platform = made(stage.server, stage.bookmarks, LoopClock())
            async with running(stage.platform, stage.door):
                await stage.server.wait_ready()
                await _written(stage)
                assert sorted(stage.channel.texts)[1:] == sorted(f"message {number}" for number in range(SENT))
                assert stage.server.codes == []

    virtually(main)


def test_a_long_refusal_makes_one_chat_rest_and_its_reply_comes_after_it() -> None:
    async def main() -> None:
        async with discord_stage(starts=False, clock=LoopClock()) as stage:
            clock = LoopClock()
            stage.platform = made(stage.server, stage.bookmarks, clock)
            async with running(stage.platform, stage.door):
                await stage.server.wait_ready()
                stage.server.faults.add("429", "POST /channels/*/messages", seconds=45.0)
                stage.door.answers = lambda _message: Reply(text="here it is")
                begun = clock.now()
                stage.mention("/help")
                await stage.server.wait_message(stage.channel, "here it is", timeout=300.0)
                assert 45 <= (clock.now() - begun).total_seconds() < 60

    virtually(main)
