"""Rate limits and made-up trouble of the local Discord, met by the real discord.py and without it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.discord_server import DiscordServer
from tests.discord_server.limits import Bucket
from tests.fakes import FakeClock
from tests.integration.discord_probe import Place, Probe, RawBot, discord, raw_bot, running

CREATE = "POST /channels/{channel_id}/messages"


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with DiscordServer() as server:
        yield Place(server)


@pytest.fixture
async def raw(place: Place) -> AsyncIterator[RawBot]:
    place.server.limits.is_on = False
    async with raw_bot(place.server) as bot:
        yield bot


async def test_buckets() -> None:
    clock = FakeClock()
    async with DiscordServer(clock=clock) as server, raw_bot(server) as bot:
        there = Place(server)
        path, body = f"/channels/{there.channel.id}/messages", {"content": "x"}
        for left in (4, 3, 2, 1, 0):
            assert (await bot.ask("POST", path, body))[0] == 200
            assert bot.headers["X-RateLimit-Remaining"] == str(left)
        await clock.advance(1)
        status, answer = await bot.ask("POST", path, body)
        assert (status, answer) == (
            429,
            {"message": "You are being rate limited.", "retry_after": 4.0, "global": False},
        )
        assert bot.headers["Content-Type"] == "application/json"
        assert bot.headers["Via"]
        assert bot.headers["X-RateLimit-Scope"] == "user"
        other = server.people.channel(there.guild, "other")
        assert (await bot.ask("POST", f"/channels/{other.id}/messages", body))[0] == 200
        assert (await bot.ask("GET", path))[0] == 200
        assert server.codes == []
        await clock.advance(3.9)
        assert (await bot.ask("POST", path, body))[0] == 429
        assert server.codes == ["called_during_429"]
        await clock.advance(0.1)
        assert (await bot.ask("POST", path, body))[0] == 200


async def test_the_limit_overall() -> None:
    clock = FakeClock()
    async with DiscordServer(clock=clock) as server, raw_bot(server) as bot:
        for _ in range(50):
            assert (await bot.ask("GET", "/users/@me"))[0] == 200
        status, answer = await bot.ask("GET", "/users/@me")
        assert (status, answer["global"], bot.headers["X-RateLimit-Global"]) == (429, True, "true")
        assert (await bot.ask("POST", "/interactions/1/x/callback", {}))[0] == 404
        await clock.advance(1)
        assert (await bot.ask("GET", "/users/@me"))[0] == 200
        server.limits.max_invalid = 3
        for _ in range(2):
            assert (await bot.ask("GET", "/users/@me", token="wrong"))[0] == 401
        assert (await bot.ask("GET", "/users/@me"))[0] == 429
        assert "Via" not in bot.headers
        assert server.codes == ["invalid_requests"]


async def test_discord_py_keeps_within_buckets(place: Place) -> None:
    place.server.limits.buckets[CREATE] = Bucket("message-create", 2, 0.1)
    async with running(place.server, Probe()) as probe:
        for number in range(7):
            await probe.room(place.channel.id).send(str(number))
    assert place.channel.texts == list("0123456")
    assert place.server.transcript.counts["429"] == 0


async def test_discord_py_waits_after_429(place: Place) -> None:
    place.server.faults.add("429", "POST /channels/*/messages", seconds=0.05)
    async with running(place.server, Probe()) as probe:
        await probe.room(place.channel.id).send("after all")
    assert place.channel.texts == ["after all"]
    assert [call.status for call in place.server.transcript.of(CREATE)] == [429, 200]
    assert place.server.codes == []


@pytest.mark.parametrize(
    ("kind", "more", "arrives"),
    [
        ("reset", {}, False),
        ("reset_after", {}, True),
        ("status", {"status": 503}, False),
        ("status_after", {"status": 503}, True),
    ],
)
async def test_faults(place: Place, kind: str, more: dict[str, Any], arrives: bool) -> None:  # noqa: FBT001 -- a parameter
    async with running(place.server, Probe()) as probe:
        place.server.faults.add(kind, "POST /channels/*/messages", **more)
        with pytest.raises((OSError, discord.DiscordServerError)):
            await probe.room(place.channel.id).send("maybe", nonce="n")
        assert place.channel.texts == (["maybe"] if arrives else [])
        await probe.room(place.channel.id).send("maybe", nonce="n")
    assert place.channel.texts == ["maybe"]
    first = place.server.transcript.of(CREATE)[0]
    assert (first.fault, first.had_effect) == (kind, arrives)


@pytest.mark.parametrize(("kind", "arrives"), [("hold", False), ("hold_after", True)])
async def test_holding_a_request(place: Place, raw: RawBot, kind: str, arrives: bool) -> None:  # noqa: FBT001
    fault = place.server.faults.add(kind, "POST /channels/*/messages", when=lambda call: call.number > 1)
    path = f"/channels/{place.channel.id}/messages"
    await raw.ask("POST", path, {"content": "first"})
    async with raw.begin("POST", path, {"content": "second"}) as answer:
        await place.server.wait_for(lambda: (fault.hits and fault.is_before) or "second" in place.channel.texts)
        assert ("second" in place.channel.texts) is arrives
        fault.release()
        assert (await answer)[0] == 200
    assert place.channel.texts == ["first", "second"]


async def test_slow_requests(place: Place, raw: RawBot) -> None:
    fault = place.server.faults.add("slow", "GET /users/@me", seconds=0.01)
    place.server.faults.add("slow_after", "POST /channels/*/messages", seconds=0.01)
    assert (await raw.ask("GET", "/users/@me"))[0] == 200
    assert (await raw.ask("POST", f"/channels/{place.channel.id}/messages", {"content": "x"}))[0] == 200
    assert fault.hits == 1
    assert [call.fault for call in place.server.transcript.calls] == ["slow", "slow_after"]


async def test_a_global_429(place: Place, raw: RawBot) -> None:
    place.server.faults.add("429", "GET /users/@me", seconds=60, is_global=True)
    assert (await raw.ask("GET", "/users/@me"))[1]["global"] is True
    assert (await raw.ask("POST", f"/channels/{place.channel.id}/messages", {"content": "x"}))[0] == 429
    place.server.limits.grace_s = 0
    assert (await raw.ask("GET", f"/channels/{place.channel.id}"))[0] == 429
    assert place.server.codes == ["called_during_429"]
