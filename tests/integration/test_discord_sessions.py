"""Connections that come and go: what the Discord adapter misses, and what it makes up for."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from domain.errors import Unavailable
from tests.contract.buses import RealClock
from tests.discord_server import BOT_ID, DiscordServer, User
from tests.integration.discord_stage import DiscordStage, FakeBookmarks, discord_stage, made, running
from tests.unit.bot.fakes import until

ROOT = Path(__file__).parents[2]
SYNC = "PUT /applications/{application_id}/commands"
HISTORY_FAULT = "GET /channels/*/messages"
HISTORY = "GET /channels/{channel_id}/messages"


async def _at_once(_self: object, _shard: object, *, initial: bool = False) -> None:
    """Instead of five seconds between two IDENTIFYs."""


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.platforms.discord.connection.Connection.before_identify_hook", _at_once)


@pytest.fixture
async def stage() -> AsyncIterator[DiscordStage]:
    async with discord_stage() as here:
        yield here
        assert here.server.codes == []


async def test_a_session_that_is_resumed_misses_nothing(stage: DiscordStage) -> None:
    stage.mention("before")
    await stage.took("before")
    stage.server.gateway.reconnect()
    stage.mention("meanwhile")
    await stage.server.wait_for(lambda: stage.server.transcript.counts["resume"])
    stage.mention("after")
    await stage.took("before", "meanwhile", "after")
    assert stage.server.transcript.of(HISTORY) == []


async def test_after_a_lost_session_history_tells_what_was_missed_in_order(stage: DiscordStage) -> None:
    stage.mention("before")
    await stage.took("before")
    await until(lambda: stage.bookmarks.last)
    stage.server.gateway.faults.loses_events = True
    stage.mention("missed 1")
    stage.server.people.say(stage.channel, stage.bob, "not for the bot")
    stage.mention("missed 2")
    stage.server.gateway.faults.loses_events = False
    stage.server.gateway.invalidate(is_resumable=False)
    await stage.server.wait_ready(2)
    stage.mention("after")
    await until(lambda: "after" in stage.door.texts)
    assert list(dict.fromkeys(stage.door.texts)) == ["before", "missed 1", "missed 2", "after"]
    assert all(message.is_group for message in stage.door.taken)
    after = next(one for one in stage.channel.visible if one.content.endswith("after"))
    await until(lambda: stage.bookmarks.last == {str(stage.channel.id): str(after.id)})


async def test_nothing_new_is_taken_before_it_is_known_what_was_missed() -> None:
    async with discord_stage(starts=False) as stage:
        missed = stage.mention("missed")
        stage.bookmarks.last[str(stage.channel.id)] = str(missed.id - 1)
        stage.bookmarks.is_down = True
        async with running(made(stage.server, stage.bookmarks, ImpatientClock()), stage.door):
            await stage.server.wait_ready()
            stage.mention("new")
            await until(lambda: stage.bookmarks.asked > 2)
            assert stage.door.texts == []
            stage.bookmarks.is_down = False
            await until(lambda: "new" in stage.door.texts)
            assert stage.door.texts[0] == "missed"


async def test_a_bookmark_that_cannot_be_kept_stops_nobody(stage: DiscordStage) -> None:
    stage.bookmarks.is_down = True
    stage.mention("one")
    await stage.took("one")
    stage.bookmarks.is_down = False
    two = stage.mention("two")
    await stage.took("one", "two")
    await until(lambda: stage.bookmarks.last == {str(stage.channel.id): str(two.id)})


async def test_a_chat_that_is_gone_keeps_no_other_from_being_read() -> None:
    async with discord_stage(starts=False) as stage:
        private = stage.server.people.dm(stage.bob)
        missed = stage.server.people.say(private, stage.bob, "missed")
        stage.bookmarks.last = {"12345": "1", str(private.id): str(missed.id - 1), str(stage.channel.id): "1"}
        stage.server.people.remove_channel(stage.channel)
        async with running(stage.platform, stage.door):
            await stage.took("missed")
            assert not stage.door.taken[0].is_group


async def test_a_history_that_cannot_be_had_now_is_asked_for_again() -> None:
    async with discord_stage(starts=False) as stage:
        missed = stage.mention("missed")
        stage.bookmarks.last[str(stage.channel.id)] = str(missed.id - 1)
        stage.server.faults.add("status", HISTORY_FAULT, status=503, times=2)
        async with running(made(stage.server, stage.bookmarks, ImpatientClock()), stage.door):
            await stage.server.wait_ready()
            stage.mention("new")
            await until(lambda: "new" in stage.door.texts)
            assert stage.door.texts[0] == "missed"


async def test_a_history_that_cannot_be_had_for_very_long_is_given_up() -> None:
    async with discord_stage(starts=False) as stage:
        missed = stage.mention("missed")
        stage.bookmarks.last[str(stage.channel.id)] = str(missed.id - 1)
        stage.server.faults.add("status", HISTORY_FAULT, status=503, times=None)
        async with running(made(stage.server, stage.bookmarks, ImpatientClock()), stage.door):
            await stage.server.wait_ready()
            stage.mention("new")
            await stage.took("new")


async def test_only_the_latest_session_says_where_to_begin() -> None:
    async with discord_stage(starts=False) as stage:
        missed = stage.mention("missed")
        stage.bookmarks.last[str(stage.channel.id)] = str(missed.id - 1)
        stage.bookmarks.is_down = True
        async with running(made(stage.server, stage.bookmarks, ImpatientClock()), stage.door):
            await stage.server.wait_ready()
            await until(lambda: stage.bookmarks.asked)
            stage.server.gateway.invalidate(is_resumable=False)
            await stage.server.wait_ready(2)
            stage.bookmarks.is_down = False
            await stage.took("missed")
            assert len(stage.server.transcript.of(HISTORY)) == 1


async def test_a_connection_that_discord_does_not_want_ends_it() -> None:
    async with discord_stage(starts=False) as stage, running(stage.platform, stage.door) as task:
        await stage.server.wait_ready()
        stage.server.gateway.close(4013)
        with pytest.raises(Unavailable):
            await asyncio.wait_for(asyncio.shield(task), 10)


async def test_of_very_many_the_newest_are_looked_at() -> None:
    async with discord_stage(starts=False) as stage:
        private = stage.server.people.dm(stage.bob)
        for number in range(205):
            stage.server.people.say(private, stage.bob, str(number))
        stage.bookmarks.last = {str(private.id): "1"}
        async with running(stage.platform, stage.door):
            await stage.took(*map(str, range(5, 205)))


async def test_commands_are_told_once_and_again_when_they_change() -> None:
    async with discord_stage(starts=False) as stage:
        counts = stage.server.transcript.counts
        for session in (1, 2, 3):
            async with running(made(stage.server, FakeBookmarks()), stage.door):
                await stage.server.wait_for(partial(has_looked, stage, session))
                private = stage.server.people.dm(stage.bob)
                stage.server.people.say(private, stage.bob, f"session {session}")
                await stage.took(*(f"session {number + 1}" for number in range(session)))
        assert counts[SYNC] == 1
        known = stage.server.commands.named("ask", None)
        assert known is not None
        known["description"] = "as it was"
        async with running(made(stage.server, FakeBookmarks()), stage.door):
            await stage.server.wait_for(lambda: counts[SYNC] == 2)


def has_looked(stage: DiscordStage, times: int) -> bool:
    """Whether the bot has asked so often which commands are known, and they are."""
    asked = stage.server.transcript.of("GET /applications/{application_id}/commands")
    has_ended = all(call.status == 200 for call in asked)
    return len(asked) == times and has_ended and stage.server.commands.named("ask", None) is not None


async def test_commands_that_cannot_be_told_stop_nothing() -> None:
    async with discord_stage(starts=False) as stage:
        stage.server.faults.add("status", "PUT /applications/*/commands", status=403, times=None)
        async with running(stage.platform, stage.door):
            await stage.server.wait_for(lambda: stage.server.transcript.counts[SYNC])
            stage.mention("here?")
            await stage.took("here?")


class ImpatientClock(RealClock):
    """Sleeps are over at once."""

    async def sleep(self, _seconds: float) -> None:
        await asyncio.sleep(0.001)


# --- killed -----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def bot_process(server: DiscordServer, folder: Path, word: str = "") -> AsyncIterator[asyncio.subprocess.Process]:
    arguments = (server.token, server.api_url, str(folder), word)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.discord_bot", *arguments, cwd=ROOT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def taken(folder: Path) -> list[str]:
    path = folder / "taken"
    lines = path.read_text().splitlines() if path.exists() else []
    return list(dict.fromkeys(json.loads(line)[1] for line in lines))


@pytest.mark.process
async def test_what_was_said_around_a_kill_is_taken_after_it(tmp_path: Path) -> None:
    async with DiscordServer() as server:
        server.gateway.is_relaxed = True
        alice: User = server.people.user("alice")
        channel = server.people.channel(server.people.guild("lab", alice))
        private = server.people.dm(alice)

        def say(text: str) -> None:
            server.people.say(channel, alice, f"<@{BOT_ID}> {text}")
            server.people.say(private, alice, f"{text}, alone")

        async with bot_process(server, tmp_path, word="stuck here") as process:
            await server.wait_ready(timeout=30)
            say("first")
            await until(lambda: set(read_by(tmp_path).values()) == {"first", "first, alone"})
            server.people.say(channel, alice, f"<@{BOT_ID}> stuck here")
            say("behind it")
            await until(lambda: "behind it, alone" in taken(tmp_path))
            process.kill()
            await process.wait()
        say("while it was away")
        server.people.say(channel, alice, "to nobody")
        async with bot_process(server, tmp_path):
            await until(lambda: len(taken(tmp_path)) == 7)
        texts = taken(tmp_path)
        assert [one for one in texts if "alone" not in one] == ["first", "stuck here", "behind it", "while it was away"]
        assert [one for one in texts if "alone" in one] == [
            "first, alone",
            "behind it, alone",
            "while it was away, alone",
        ]
        assert server.codes == []


def read_by(folder: Path) -> dict[str, str]:
    """What the bookmarks point at, by chat."""
    path = folder / "bookmarks"
    last = json.loads(path.read_text()) if path.exists() else {}
    told = dict(json.loads(line) for line in (folder / "taken").read_text().splitlines()) if last else {}
    return {chat: told.get(f"m:{message}", "") for chat, message in last.items()}
