"""The local Discord's websocket against the real discord.py, and against frames no library would send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.discord_server import DiscordServer
from tests.fakes import FakeClock
from tests.integration.discord_probe import Place, Probe, discord, point_to, raw_bot, running


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with DiscordServer() as server:
        server.gateway.is_relaxed = True
        yield Place(server)


async def test_connects_and_knows_its_guild(place: Place) -> None:
    async with running(place.server, Probe()) as probe:
        guild = probe.get_guild(place.guild.id)
        assert guild is not None
        assert guild.me.id == place.server.world.bot.id
        found = guild.get_channel(place.channel.id)
        assert found.name == "general"
        assert found.permissions_for(guild.me).send_messages
        place.server.people.say(place.channel, place.alice, "hello")
        await place.hears(probe, "hello")
        assert probe.said[0].author.display_name == "alice"
        assert probe.said[0].guild == guild
    assert place.server.codes == []


async def test_members_come_with_their_intent(place: Place) -> None:
    async with running(place.server, Probe(intents=discord.Intents.all())) as probe:
        assert probe.get_guild(place.guild.id).get_member(place.alice.id).name == "alice"
        found = await probe.get_guild(place.guild.id).query_members(user_ids=[place.alice.id])
        assert [one.name for one in found] == ["alice"]
    async with running(place.server, Probe()) as probe:
        assert probe.get_guild(place.guild.id).get_member(place.alice.id) is None


CUTS: dict[str, Callable[[DiscordServer], None]] = {
    "reset": lambda server: server.gateway.drop(),
    "reconnect asked": lambda server: server.gateway.reconnect(),
    "invalid but resumable": lambda server: server.gateway.invalidate(is_resumable=True),
    "close 4000": lambda server: server.gateway.close(4000),
    "close 4009": lambda server: server.gateway.close(4009),
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
async def test_resumes(place: Place, cut: Callable[[DiscordServer], None]) -> None:
    server = place.server
    async with running(server, Probe()) as probe:
        server.gateway.faults.refuses = True
        cut(server)
        await server.wait_for(lambda: not server.gateway.connected)
        server.people.say(place.channel, place.alice, "while you were away")
        server.gateway.faults.refuses = False
        await server.wait_for(lambda: server.transcript.counts["resumed"])
        server.people.say(place.channel, place.alice, "back again")
        await place.hears(probe, "while you were away", "back again")
    assert server.transcript.counts["identify"] == 1
    assert server.codes == []


async def test_begins_anew_after_an_invalid_session(place: Place) -> None:
    server = place.server
    async with running(server, Probe()) as probe:
        server.gateway.invalidate(is_resumable=False)
        await server.wait_ready(2)
        server.people.say(place.channel, place.alice, "hello")
        await place.hears(probe, "hello")
    assert server.transcript.counts["resume"] == 0


async def test_a_forgotten_session_cannot_resume(place: Place) -> None:
    server = place.server
    async with running(server, Probe()):
        server.gateway.faults.refuses = True
        server.gateway.drop()
        await server.wait_for(lambda: not server.gateway.connected)
        server.gateway.forget_sessions()
        server.gateway.faults.refuses = False
        await server.wait_ready(2)
    assert (server.transcript.counts["resume"], server.transcript.counts["resumed"]) == (1, 0)


async def test_events_may_be_lost(place: Place) -> None:
    server = place.server
    async with running(server, Probe()) as probe:
        server.gateway.faults.loses_events = True
        server.gateway.faults.refuses = True
        server.gateway.drop()
        await server.wait_for(lambda: not server.gateway.connected)
        server.people.say(place.channel, place.alice, "lost")
        server.gateway.faults.refuses = False
        await server.wait_for(lambda: server.transcript.counts["resumed"])
        server.people.say(place.channel, place.alice, "heard")
        await place.hears(probe, "heard")
        history = [message.content async for message in probe.room(place.channel.id).history()]
        assert history == ["heard", "lost"]


async def test_events_may_come_twice_or_in_the_wrong_order(place: Place) -> None:
    server = place.server
    async with running(server, Probe()) as probe:
        server.gateway.faults.duplicates = 1
        server.people.say(place.channel, place.alice, "twice")
        await place.hears(probe, "twice", "twice")
        server.gateway.faults.reorders = 1
        server.people.say(place.channel, place.alice, "first")
        server.people.say(place.channel, place.alice, "second")
        await place.hears(probe, "twice", "twice", "second", "first")
    assert probe.said[0].id == probe.said[1].id


async def test_a_zombie_is_left(place: Place) -> None:
    server = place.server
    server.gateway.heartbeat_interval_ms = 50
    async with running(server, Probe(heartbeat_timeout=0.2)):
        await server.wait_for(lambda: server.transcript.counts["heartbeat"] >= 2)
        server.gateway.faults.acks = False
        await server.wait_for(lambda: server.transcript.counts["disconnect"])
        server.gateway.faults.acks = True
        await server.wait_for(lambda: server.transcript.counts["resumed"])


async def test_wrong_token(place: Place) -> None:
    point_to(place.server.api_url, place.server.gateway.url)
    with pytest.raises(discord.LoginFailure):
        async with Probe() as probe:
            await probe.start("wrong")


async def test_intents_that_are_switched_off(place: Place) -> None:
    point_to(place.server.api_url, place.server.gateway.url)
    place.server.gateway.enabled = 0
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with Probe() as probe:
            await probe.start(place.server.token)


async def test_a_revoked_token_ends_it(place: Place) -> None:
    with pytest.RaisesGroup(discord.ConnectionClosed) as caught:
        async with running(place.server, Probe()):
            token = place.server.token
            place.server.revoke_token()
            await asyncio.Event().wait()
    assert caught.value.exceptions[0].code == 4004
    async with raw_bot(place.server) as bot:
        assert await bot.ask("GET", "/users/@me", token=token) == (401, {"message": "401: Unauthorized", "code": 0})


async def test_content_needs_its_intent(place: Place) -> None:
    people, bot = place.server.people, place.server.world.bot
    async with running(place.server, Probe(intents=discord.Intents.default())) as probe:
        people.say(place.channel, place.alice, "secret", files=[("a.txt", b"a")])
        people.say(place.channel, place.alice, f"<@{bot.id}> asked")
        people.say(people.dm(place.alice), place.alice, "private")
        own = await probe.room(place.channel.id).send("own")
        people.say(place.channel, place.alice, "answer", reply_to=place.channel.messages[own.id])
        await place.hears(probe, "", f"<@{bot.id}> asked", "private", "answer")
        assert probe.said[0].attachments == []
        assert isinstance(probe.said[2].channel, discord.DMChannel)
        assert probe.user in probe.said[3].mentions
    assert place.server.codes == []


async def test_a_bot_thrown_out_hears_nothing(place: Place) -> None:
    server = place.server
    async with running(server, Probe()) as probe:
        server.people.remove_bot(place.guild)
        await server.wait_for(lambda: "GUILD_DELETE" in probe.seen)
        server.people.say(place.channel, place.alice, "gone?")
        with pytest.raises(discord.Forbidden) as refused:
            await probe.room(place.channel.id).send("hello")
        assert refused.value.code == 50001
        assert probe.said == []


@asynccontextmanager
async def raw_socket(server: DiscordServer, query: str = "v=10&encoding=json") -> AsyncIterator[Frames]:
    url = f"{server.gateway.url}?{query}"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as websocket:
        yield Frames(websocket)


class Frames:
    """Frames as JSON, and the code at the end."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self._websocket = websocket

    async def send(self, op: int, data: object) -> None:
        await self._websocket.send_str(json.dumps({"op": op, "d": data}))

    async def next(self, op: int) -> dict[str, object]:
        """The next frame with that opcode."""
        while True:
            frame = json.loads(await self._websocket.receive_str())
            if frame["op"] == op:
                return frame

    async def end(self) -> int | None:
        """The code it is closed with."""
        async for _ in self._websocket:
            pass
        return self._websocket.close_code


def identity(server: DiscordServer, intents: int = 513) -> dict[str, object]:
    return {"token": server.token, "intents": intents, "properties": {}}


async def _too_big(frames: Frames, server: DiscordServer) -> None:
    await frames.send(2, identity(server) | {"properties": {"os": "x" * 4096}})


async def _too_early(frames: Frames, _server: DiscordServer) -> None:
    await frames.send(3, {"status": "online"})


async def _too_many(frames: Frames, _server: DiscordServer) -> None:
    for _ in range(121):
        await frames.send(1, None)


async def _twice(frames: Frames, server: DiscordServer) -> None:
    await frames.send(2, identity(server))
    await frames.send(2, identity(server))


async def _from_the_future(frames: Frames, server: DiscordServer) -> None:
    await frames.send(2, identity(server))
    ready = (await frames.next(0))["d"]
    async with raw_socket(server) as other:
        await other.send(6, {"token": server.token, "session_id": ready["session_id"], "seq": 99})
        assert await other.end() == 4007
    server.gateway.close(4000)


async def _unknown_intent(frames: Frames, server: DiscordServer) -> None:
    await frames.send(2, identity(server, 1 << 30))


async def _unknown_opcode(frames: Frames, server: DiscordServer) -> None:
    await frames.send(99, identity(server))


REFUSED: dict[int, Callable[[Frames, DiscordServer], Awaitable[None]]] = {
    4001: _unknown_opcode,
    4002: _too_big,
    4003: _too_early,
    4005: _twice,
    4007: _from_the_future,
    4008: _too_many,
    4013: _unknown_intent,
}


@pytest.mark.parametrize("code", REFUSED)
async def test_frames_nobody_should_send(place: Place, code: int) -> None:
    async with raw_socket(place.server) as frames:
        await REFUSED[code](frames, place.server)
        assert await frames.end() == (4000 if code == 4007 else code)
    assert f"gateway_{code}" in place.server.codes


async def test_versions_and_heartbeats(place: Place) -> None:
    async with raw_socket(place.server, "v=6&encoding=json") as frames:
        assert await frames.end() == 4012
    place.server.gateway.heartbeat_interval_ms = 20
    async with raw_socket(place.server) as frames:
        assert await frames.end() == 4009
    assert place.server.codes == ["heartbeat_missed"]


async def test_identify_too_often() -> None:
    clock = FakeClock()
    async with DiscordServer(clock=clock) as server:
        for answer, wait_s in ((0, 5), (0, 4), (9, 5), (0, 0)):
            async with raw_socket(server) as frames:
                await frames.send(2, identity(server))
                await frames.next(answer)
            await clock.advance(wait_s)
        assert server.codes == ["identify_too_often"]
