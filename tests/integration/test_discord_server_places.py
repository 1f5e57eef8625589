"""Guilds, channels, threads, private conversations and people of the local Discord, as discord.py sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.discord_server import BOT_ID, DiscordServer, Impossible, Kind, Permission
from tests.integration.discord_probe import Place, Probe, RawBot, app_commands, discord, raw_bot, running


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with DiscordServer() as server:
        server.limits.is_on = False
        yield Place(server)


@pytest.fixture
async def probe(place: Place) -> AsyncIterator[Probe]:
    async with running(place.server, Probe()) as found:
        yield found


@pytest.fixture
async def raw(place: Place) -> AsyncIterator[RawBot]:
    async with raw_bot(place.server) as bot:
        yield bot


async def test_looking_around(place: Place, probe: Probe) -> None:
    guild = await probe.fetch_guild(place.guild.id)
    assert guild.name == "lab"
    assert [role.name for role in await guild.fetch_roles()] == ["@everyone", "xingshu"]
    assert [channel.name for channel in await guild.fetch_channels()] == ["general"]
    assert (await guild.fetch_member(place.alice.id)).name == "alice"
    assert (await probe.fetch_user(place.alice.id)).name == "alice"
    assert [one.id async for one in probe.fetch_guilds()] == [place.guild.id]
    assert (await probe.fetch_channel(place.channel.id)).name == "general"
    assert (await probe.application_info()).name == "xingshu"
    assert (await probe.http.get_bot_gateway())[1] == place.server.gateway.url
    later = place.server.people.guild("second", place.alice)
    await place.server.wait_for(lambda: probe.seen.count("GUILD_CREATE") == 2)
    await probe.get_guild(later.id).leave()
    await place.server.wait_for(lambda: "GUILD_DELETE" in probe.seen)
    assert [one.id async for one in probe.fetch_guilds()] == [place.guild.id]
    assert place.server.codes == []


async def test_private_conversations(place: Place, probe: Probe) -> None:
    user = await probe.fetch_user(place.alice.id)
    await user.send("hello")
    private = place.server.people.dm(place.alice)
    assert private.texts == ["hello"]
    assert private.messages[next(iter(private.messages))].notified
    place.server.people.say(private, place.alice, "hi")
    await place.hears(probe, "hi")
    async with probe.said[0].channel.typing():
        await probe.said[0].channel.send("and bye")
    assert place.server.transcript.counts[f"typing {private.id}"] >= 1
    mallory = place.server.people.user("mallory")
    with pytest.raises(Impossible):
        place.server.people.say(private, mallory, "let me in")
    stranger = await probe.fetch_user(mallory.id)
    with pytest.raises(discord.Forbidden) as refused:
        await stranger.send("we share no guild")
    assert refused.value.code == 50007


async def test_threads_beside_messages(place: Place, probe: Probe) -> None:
    general = probe.get_channel(place.channel.id)
    thread = await general.create_thread(name="aside", type=discord.ChannelType.public_thread)
    await thread.send("in it")
    inside = place.server.world.channels[thread.id]
    assert (inside.kind, inside.texts, inside.name) == (Kind.PUBLIC_THREAD, ["in it"], "aside")
    await thread.leave()
    assert BOT_ID not in inside.thread.members
    await thread.join()
    place.server.people.archive(inside)
    assert [one.id async for one in general.archived_threads()] == [thread.id]
    assert await probe.get_guild(place.guild.id).active_threads() == []
    place.server.people.reopen(inside)
    assert [one.id for one in await probe.get_guild(place.guild.id).active_threads()] == [thread.id]
    with pytest.raises(discord.Forbidden):
        await thread.delete()
    place.server.people.allow(place.channel, Permission.MANAGE_THREADS)
    await thread.delete()
    assert thread.id not in place.server.world.channels
    other = place.server.people.thread(place.channel, "by alice", place.alice)
    await place.server.wait_for(lambda: probe.get_channel(other.id))
    assert place.server.codes == []


async def test_a_locked_thread(place: Place, probe: Probe) -> None:
    thread = place.server.people.thread(place.channel, "t", place.alice)
    found = await probe.fetch_channel(thread.id)
    message = await found.send("before")
    thread.thread.is_locked = True
    for act in (found.send("x"), message.edit(content="y")):
        with pytest.raises(discord.Forbidden) as refused:
            await act
        assert refused.value.code == 160005


async def test_what_people_change(place: Place, probe: Probe) -> None:
    people = place.server.people
    first = people.say(place.channel, place.alice, "typo")
    await place.hears(probe, "typo")
    people.edit(first, f"<@{BOT_ID}> no typo")
    await place.server.wait_for(lambda: "MESSAGE_UPDATE" in probe.seen)
    assert probe.cached_messages[0].content.endswith("no typo")
    assert probe.user in probe.cached_messages[0].mentions
    assert (first.history, first.pinged) == (["typo", f"<@{BOT_ID}> no typo"], set())
    people.react(first, place.alice, "👍")
    await place.server.wait_for(lambda: "MESSAGE_REACTION_ADD" in probe.seen)
    people.delete(first)
    await place.server.wait_for(lambda: "MESSAGE_DELETE" in probe.seen)
    assert list(probe.cached_messages) == []


async def test_deleting_needs_permission(place: Place, probe: Probe) -> None:
    message = place.server.people.say(place.channel, place.alice, "mine")
    await place.hears(probe, "mine")
    with pytest.raises(discord.Forbidden):
        await probe.said[0].delete()
    place.server.people.allow(place.channel, Permission.MANAGE_MESSAGES)
    await probe.said[0].add_reaction("✅")
    await probe.said[0].remove_reaction("✅", probe.user)
    assert message.reactions == {"✅": set()}
    await probe.said[0].delete()
    assert message.is_deleted
    with pytest.raises(discord.Forbidden):
        await probe.get_channel(place.channel.id).delete()


async def test_permissions_one_by_one(place: Place, raw: RawBot) -> None:
    people, path = place.server.people, f"/channels/{place.channel.id}/messages"
    question = people.say(place.channel, place.alice, "hi")
    people.deny(
        place.channel, Permission.EMBED_LINKS | Permission.READ_MESSAGE_HISTORY | Permission.CREATE_PUBLIC_THREADS
    )
    assert (await raw.ask("POST", path, {"embeds": [{"title": "x"}]}))[1]["code"] == 50013
    assert (await raw.ask("GET", path)) == (200, [])
    assert (await raw.ask("GET", f"{path}/{question.id}"))[1]["code"] == 50013
    reply = {"content": "x", "message_reference": {"message_id": str(question.id)}}
    assert (await raw.ask("POST", path, reply))[1]["code"] == 160002
    assert (await raw.ask("POST", f"{path}/{question.id}/threads", {"name": "x"}))[1]["code"] == 50013
    people.deny(place.channel, Permission(0))
    people.remove_bot(place.guild)
    assert (await raw.ask("GET", f"/guilds/{place.guild.id}"))[1]["code"] == 50001
    with pytest.raises(Impossible):
        people.slash(place.channel, place.alice, "ask")


async def test_a_reply_to_nothing_may_still_be_sent(place: Place, raw: RawBot) -> None:
    gone = {"message_id": "1", "fail_if_not_exists": False}
    status, body = await raw.ask(
        "POST", f"/channels/{place.channel.id}/messages", {"content": "x", "message_reference": gone}
    )
    assert (status, "message_reference" in body) == (200, False)


BROKEN: dict[str, tuple[dict[str, Any], bytes]] = {
    "not JSON": ({"Content-Type": "application/json"}, b"{"),
    "no JSON type": ({"Content-Type": "text/plain"}, b"{}"),
    "a list": ({"Content-Type": "application/json"}, b"[]"),
    "content is a number": ({"Content-Type": "application/json"}, b'{"content": 1}'),
    "embeds is a text": ({"Content-Type": "application/json"}, b'{"embeds": "x"}'),
    "an embed is a text": ({"Content-Type": "application/json"}, b'{"embeds": ["x"]}'),
}


@pytest.mark.parametrize(("headers", "body"), BROKEN.values(), ids=BROKEN)
async def test_bodies_that_are_none(place: Place, raw: RawBot, headers: dict[str, str], body: bytes) -> None:
    url = f"{place.server.api_url}/channels/{place.channel.id}/messages"
    token = {"Authorization": f"Bot {place.server.token}"}
    async with raw.session.post(url, data=body, headers=headers | token) as response:
        assert response.status == 400
    assert set(place.server.codes) == {"invalid_body"}


async def test_options_of_every_kind(place: Place) -> None:
    probe = Probe()
    seen: list[Any] = []

    @probe.tree.command(description="Everything")
    @app_commands.choices(colour=[app_commands.Choice(name="Red", value="r")])
    async def every(  # noqa: PLR0917 -- discord.py calls it
        interaction: discord.Interaction,
        number: app_commands.Range[int, 1, 5],
        share: float,
        yes: bool,  # noqa: FBT001 -- an option
        where: discord.TextChannel,
        colour: app_commands.Choice[str],
        who: discord.Member | None = None,
    ) -> None:
        seen.append((number, share, yes, where.id, colour.value, who and who.id))
        await interaction.response.send_message("ok")

    good = {"number": 2, "share": 0.5, "yes": True, "where": place.channel, "colour": "r", "who": place.alice}
    wrong = [("number", 6), ("number", True), ("share", "x"), ("yes", 1), ("where", 5), ("colour", "g"), ("who", "a")]
    async with running(place.server, probe):
        await probe.tree.sync()
        asked = place.server.people.slash(place.channel, place.alice, "every", **good)
        await place.server.wait_answer(asked)
        for name, value in wrong:
            with pytest.raises(Impossible):
                place.server.people.slash(place.channel, place.alice, "every", **(good | {name: value}))
    assert seen == [(2, 0.5, True, place.channel.id, "r", place.alice.id)]
