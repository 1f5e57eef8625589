"""The local Discord's REST against the real discord.py: messages, files, refusals, bad manners."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.discord_server import DiscordServer, Permission
from tests.fakes import FakeClock
from tests.integration.discord_probe import Place, Probe, RawBot, discord, raw_bot, running


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with DiscordServer() as server:
        server.gateway.is_relaxed = True
        yield Place(server)


@pytest.fixture
async def raw(place: Place) -> AsyncIterator[RawBot]:
    place.server.limits.is_on = False
    async with raw_bot(place.server) as bot:
        yield bot


def wrong(body: Any, path: str) -> str:
    """The code Discord gives the field at `path`."""
    node = body["errors"]
    for part in path.split("."):
        node = node[part]
    return str(node["_errors"][0]["code"])


async def test_a_message_lives(place: Place) -> None:
    async with running(place.server, Probe()) as probe:
        question = place.server.people.say(place.channel, place.alice, "a question")
        await place.hears(probe, "a question")
        sent = await probe.said[0].reply("draft", silent=True, mention_author=True)
        await sent.edit(content="  final  ")
        found = await place.server.wait_message(place.channel, "final")
        assert (found.history, found.edits, found.notified) == (["draft", "final"], 1, False)
        assert (found.reply_to, found.pinged) == (question.id, {place.alice.id})
        fetched = await probe.room(place.channel.id).fetch_message(sent.id)
        assert (fetched.content, fetched.reference.resolved.content) == ("final", "a question")
        assert fetched.edited_at is not None
        await sent.add_reaction("✅")
        await sent.delete()
        assert found.is_deleted
        assert found.reactions == {"✅": {probe.user.id}}
    assert place.server.codes == []


async def test_history_in_pages(place: Place) -> None:
    for number in range(7):
        place.server.people.say(place.channel, place.alice, str(number))
    middle = list(place.channel.messages)[3]
    async with running(place.server, Probe()) as probe:
        room = probe.room(place.channel.id)

        async def texts(**how: Any) -> str:
            return "".join([message.content async for message in room.history(**how)])

        there = discord.Object(middle)
        assert await texts(limit=3) == "654"
        assert await texts(limit=2, before=there) == "21"
        assert await texts(limit=2, after=there) == "45"
        assert await texts(limit=3, around=there) in {"432", "234"}


async def test_files_both_ways(place: Place) -> None:
    async with running(place.server, Probe()) as probe:
        place.server.people.say(place.channel, place.alice, "see", files=[("a.csv", b"1,2\n")])
        await place.hears(probe, "see")
        attachment = probe.said[0].attachments[0]
        assert (attachment.filename, attachment.size, attachment.content_type) == ("a.csv", 4, "text/csv")
        assert await attachment.read() == b"1,2\n"
        file = discord.File(io.BytesIO(b"\x89PNG"), "chart.png", description="a chart")
        sent = await probe.room(place.channel.id).send("here", file=file)
        await sent.edit(attachments=[*sent.attachments, discord.File(io.BytesIO(b"x"), "more.txt")])
        found = place.channel.messages[sent.id]
        assert [(one.filename, one.content) for one in found.attachments] == [
            ("chart.png", b"\x89PNG"),
            ("more.txt", b"x"),
        ]
        assert found.attachments[0].description == "a chart"
        big = discord.File(io.BytesIO(bytes(10 * 1024 * 1024 + 1)), "big.bin")
        with pytest.raises(discord.HTTPException) as refused:
            await probe.room(place.channel.id).send(file=big)
        assert (refused.value.status, refused.value.code) == (413, 40005)
    assert place.server.codes == ["invalid_body"]


async def test_links_to_files_end(place: Place) -> None:
    clock = FakeClock()
    async with DiscordServer(clock=clock) as server, raw_bot(server) as bot:
        there = Place(server)
        message = server.people.say(there.channel, there.alice, "see", files=[("a.csv", b"1")])
        _, body = await bot.ask("GET", f"/channels/{there.channel.id}/messages/{message.id}")
        url = body["attachments"][0]["url"]
        async with bot.session.get(url) as response:
            assert (response.status, await response.read()) == (200, b"1")
        await clock.advance(25 * 3600)
        async with bot.session.get(url) as response:
            assert response.status == 404


async def test_a_nonce_is_taken_for_a_while() -> None:
    clock = FakeClock()
    async with DiscordServer(clock=clock) as server:
        place = Place(server)
        server.limits.is_on = False
        async with running(server, Probe()) as probe:
            room = probe.room(place.channel.id)
            first = await room.send("answer", nonce="task-1")
            again = await room.send("answer", nonce="task-1")
            other = await room.send("answer", nonce="task-2")
            await clock.advance(301)
            late = await room.send("answer", nonce="task-1")
    assert first.id == again.id
    assert len({first.id, other.id, late.id}) == 3
    assert place.channel.texts == ["answer"] * 3


EMBED = {"title": "t"}
BUTTON = {"type": 2, "style": 1, "label": "b", "custom_id": "x"}
TEXT = {"type": 10, "content": "x"}


def in_row(*items: dict[str, Any]) -> dict[str, Any]:
    return {"components": [{"type": 1, "components": list(items)}]}


def select(*values: str) -> dict[str, Any]:
    return {"type": 3, "custom_id": "s", "options": [{"label": value, "value": value} for value in values]}


BODIES: dict[str, tuple[dict[str, Any], str]] = {
    "long content": ({"content": "x" * 2001}, "content"),
    "long nonce": ({"content": "x", "nonce": "1" * 26}, "nonce"),
    "eleven embeds": ({"embeds": [EMBED] * 11}, "embeds"),
    "long title": ({"embeds": [{"title": "x" * 257}]}, "embeds.0.title"),
    "long description": ({"embeds": [{"description": "x" * 4097}]}, "embeds.0.description"),
    "long footer": ({"embeds": [{"footer": {"text": "x" * 2049}}]}, "embeds.0.footer.text"),
    "long author": ({"embeds": [{"author": {"name": "x" * 257}}]}, "embeds.0.author.name"),
    "26 fields": ({"embeds": [{"fields": [{"name": "n", "value": "v"}] * 26}]}, "embeds.0.fields"),
    "field without value": ({"embeds": [{"fields": [{"name": "n", "value": " "}]}]}, "embeds.0.fields.0.value"),
    "6001 in all": ({"embeds": [{"description": "x" * 3001}] * 2}, "embeds"),
    "six rows": (
        {"components": [{"type": 1, "components": [{**BUTTON, "custom_id": str(n)}]} for n in range(6)]},
        "components",
    ),
    "six buttons": (
        {"components": [{"type": 1, "components": [{**BUTTON, "custom_id": str(n)} for n in range(6)]}]},
        "components.0.components",
    ),
    "long label": (
        {"components": [{"type": 1, "components": [{**BUTTON, "label": "x" * 81}]}]},
        "components.0.components.0.label",
    ),
    "long custom_id": (
        {"components": [{"type": 1, "components": [{**BUTTON, "custom_id": "x" * 101}]}]},
        "components.0.components.0.custom_id",
    ),
    "same custom_id": ({"components": [{"type": 1, "components": [BUTTON, {**BUTTON}]}]}, "components"),
    "bare button": ({"components": [BUTTON]}, "components.0.type"),
    "26 options": (in_row(select(*map(str, range(26)))), "components.0.components.0.options"),
    "same option": (in_row(select("a", "a")), "components.0.components.0.options"),
    "more than there are": (in_row(select("a") | {"max_values": 2}), "components.0.components.0.max_values"),
    "select beside button": (in_row(select("a"), BUTTON), "components.0.components"),
    "input in a message": (in_row({"type": 4, "custom_id": "t"}), "components.0.components.0.type"),
    "no style": (in_row({**BUTTON, "style": 9}), "components.0.components.0.style"),
    "no label": (in_row({"type": 2, "style": 1, "custom_id": "x"}), "components.0.components.0"),
    "no custom_id": (in_row({"type": 2, "style": 1, "label": "x"}), "components.0.components.0.custom_id"),
    "link without url": (in_row({"type": 2, "style": 5, "label": "x"}), "components.0.components.0.url"),
    "link with custom_id": (in_row({**BUTTON, "style": 5, "url": "https://a.b"}), "components.0.components.0"),
    "content beside components v2": ({"content": "x", "flags": 1 << 15, "components": []}, "content"),
    "41 components": ({"content": "", "flags": 1 << 15, "components": [TEXT] * 41}, "components"),
    "4001 in components": (
        {"content": "", "flags": 1 << 15, "components": [{"type": 10, "content": "x" * 2001}] * 2},
        "components",
    ),
    "contradicting mentions": (
        {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
        "allowed_mentions",
    ),
    "reply to nothing": ({"content": "x", "message_reference": {"message_id": "1"}}, "message_reference"),
}


@pytest.mark.parametrize(("body", "path"), BODIES.values(), ids=BODIES)
async def test_bodies_discord_refuses(
    place: Place, raw: RawBot, body: dict[str, Any], path: str, request: pytest.FixtureRequest
) -> None:
    status, answer = await raw.ask("POST", f"/channels/{place.channel.id}/messages", {"content": "x", **body})
    assert (status, answer["code"], answer["message"]) == (400, 50035, "Invalid Form Body")
    assert wrong(answer, path)
    assert place.channel.texts == []
    named = {"long content": {"content_too_long"}, "same custom_id": {"custom_id_duplicated"}}
    assert set(place.server.codes) == named.get(request.node.callspec.id, {"invalid_body"})


@pytest.mark.parametrize(
    "body",
    [
        {"content": "x" * 2000},
        {"content": "😀" * 2000},
        {"embeds": [{"description": "x" * 3000}] * 2},
        {
            "content": "x",
            "components": [{"type": 1, "components": [{**BUTTON, "custom_id": str(n)} for n in range(5)]}],
        },
        {"flags": 1 << 15, "components": [{"type": 10, "content": "x" * 4000}]},
    ],
    ids=["2000", "2000 emoji", "6000 in embeds", "five buttons", "4000 in components"],
)
async def test_bodies_discord_just_takes(place: Place, raw: RawBot, body: dict[str, Any]) -> None:
    status, _ = await raw.ask("POST", f"/channels/{place.channel.id}/messages", body)
    assert status == 200


async def test_refusals(place: Place, raw: RawBot) -> None:
    people, server = place.server.people, place.server
    here, mallory = place.channel.id, people.user("mallory")
    question = people.say(place.channel, place.alice, "hi")
    secret, quiet = people.channel(place.guild, "secret"), people.channel(place.guild, "quiet")
    people.deny(secret, Permission.VIEW_CHANNEL)
    people.deny(quiet, Permission.SEND_MESSAGES)
    private = people.dm(place.alice)
    place.alice.takes_dms = False
    old = people.thread(place.channel, "old", place.alice, question)
    message = (await raw.ask("POST", f"/channels/{old.id}/messages", {"content": "x"}))[1]["id"]
    people.archive(old, is_locked=True)
    asked = [
        ("POST", "/channels/1/messages", {"content": "x"}, 404, 10003),
        ("POST", "/channels/abc/messages", {"content": "x"}, 400, 50035),
        ("PATCH", f"/channels/{here}/messages/1", {"content": "x"}, 404, 10008),
        ("PATCH", f"/channels/{here}/messages/{question.id}", {"content": "x"}, 403, 50005),
        ("DELETE", f"/channels/{here}/messages/{question.id}", None, 403, 50013),
        ("POST", f"/channels/{secret.id}/messages", {"content": "x"}, 403, 50001),
        ("POST", f"/channels/{quiet.id}/messages", {"content": "x"}, 403, 50013),
        ("POST", f"/channels/{private.id}/messages", {"content": "x"}, 403, 50007),
        ("POST", f"/channels/{here}/messages", {"content": "  "}, 400, 50006),
        ("PATCH", f"/channels/{old.id}/messages/{message}", {"content": "y"}, 400, 50083),
        ("POST", f"/channels/{old.id}/messages", {"content": "y"}, 400, 50083),
        ("POST", f"/channels/{here}/messages/{question.id}/threads", {"name": "again"}, 400, 160004),
        ("GET", f"/users/{mallory.id + 1}", None, 404, 10013),
        ("GET", f"/guilds/{place.guild.id}/members/{mallory.id}", None, 404, 10007),
        ("POST", "/users/@me/channels", {"recipient_id": "1"}, 400, 50033),
        ("GET", "/guilds/1", None, 404, 10004),
        ("GET", "/nowhere", None, 404, 0),
    ]
    for method, path, body, status, code in asked:
        got, answer = await raw.ask(method, path, body)
        assert (method, path, got, answer["code"]) == (method, path, status, code)
    people.remove_channel(place.channel)
    assert (await raw.ask("GET", f"/channels/{here}"))[1]["code"] == 10003
    assert (await raw.ask("GET", f"/channels/{old.id}"))[1]["code"] == 10003
    assert server.codes == ["invalid_body", "invalid_body", "unknown_route"]
    for _ in range(2):
        await raw.ask("GET", f"/channels/{old.id}")
    assert server.codes[3:] == []
    await raw.ask("GET", f"/channels/{old.id}")
    assert server.codes[3:] == ["keeps_trying"]


async def test_threads(place: Place) -> None:
    people = place.server.people
    async with running(place.server, Probe()) as probe:
        question = people.say(place.channel, place.alice, "big question")
        await place.hears(probe, "big question")
        thread = await probe.said[0].create_thread(name="work")
        assert thread.id == question.id == question.thread_id
        assert thread.parent_id == place.channel.id
        await thread.send("inside")
        inside = place.server.world.channels[thread.id]
        people.archive(inside)
        await thread.send("opens it again")
        assert inside.thread is not None
        assert not inside.thread.is_archived
        people.say(inside, place.alice, "and me")
        await place.hears(probe, "big question", "and me")
        assert probe.said[1].channel.parent.id == place.channel.id
        await thread.edit(archived=True)
        assert inside.thread.is_archived
        with pytest.raises(discord.Forbidden):
            await thread.edit(locked=True)
    assert place.server.codes == []


async def test_who_is_pinged(place: Place, raw: RawBot) -> None:
    path = f"/channels/{place.channel.id}/messages"
    text = f"<@{place.alice.id}> @everyone"
    for mentions in (
        {"parse": []},
        {"parse": ["users"]},
        {"users": [str(place.alice.id)]},
        {"parse": ["everyone"]},
        None,
    ):
        await raw.ask("POST", path, {"content": text} | ({} if mentions is None else {"allowed_mentions": mentions}))
    alice = {place.alice.id}
    assert [message.pinged for message in place.channel.visible] == [set(), alice, alice, set(), alice]
    assert not any(message.pinged_everyone for message in place.channel.visible)
    place.guild.roles[
        place.guild.members[place.server.world.bot.id].roles[0]
    ].permissions |= Permission.MENTION_EVERYONE
    await raw.ask("POST", path, {"content": text, "allowed_mentions": {"parse": ["everyone"]}})
    assert place.channel.visible[-1].pinged_everyone
    assert place.server.codes == [
        "everyone_allowed",
        "allowed_mentions_missing",
        "everyone_allowed",
        "everyone_allowed",
    ]


async def test_bad_manners_are_noticed(place: Place, raw: RawBot) -> None:
    path = f"/channels/{place.channel.id}/messages"
    quiet = {"allowed_mentions": {"parse": []}}
    fine = ["`https://a.b`", "<https://a.b>", "no link"]
    for text in (*fine, "see https://a.b"):
        await raw.ask("POST", path, {"content": text, **quiet})
    assert place.server.codes == ["previews"]
    await raw.ask("POST", path, {"content": "see https://a.b", "flags": 4, **quiet})
    await raw.ask("POST", path, {"content": "hidden", "flags": 4, "embeds": [EMBED], **quiet})
    await raw.ask("POST", path, {"content": "x", "reply_markup": {}, "flags": 64, **quiet})
    assert place.server.codes[1:] == ["embeds_hidden", "ephemeral_ignored", "unknown_field"]
    assert place.server.violations[-1].detail == "reply_markup"


async def test_a_wait_in_vain_says_what_was_seen(place: Place, raw: RawBot) -> None:
    await raw.ask("GET", "/users/@me")
    with pytest.raises(TimeoutError, match="#1 GET /users/@me -> 200"):
        await place.server.wait_message(place.channel, "never", timeout=0.01)
