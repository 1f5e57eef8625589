"""What the local Discord takes as application commands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.discord_server import DiscordServer
from tests.fakes import FakeClock
from tests.integration.discord_probe import raw_bot


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer(clock=FakeClock()) as made:
        made.limits.is_on = False
        yield made


COMMAND = {"name": "ask", "description": "Ask"}
TEXT = {"name": "text", "description": "t", "type": 3}
COMMANDS: dict[str, Any] = {
    "capitals": {**COMMAND, "name": "Ask"},
    "long name": {**COMMAND, "name": "x" * 33},
    "blank": {**COMMAND, "name": "a b"},
    "no description": {"name": "ask"},
    "long description": {**COMMAND, "description": "x" * 101},
    "26 options": {**COMMAND, "options": [{**TEXT, "name": f"o{n}"} for n in range(26)]},
    "26 choices": {**COMMAND, "options": [{**TEXT, "choices": [{"name": str(n), "value": str(n)} for n in range(26)]}]},
    "required last": {**COMMAND, "options": [TEXT, {**TEXT, "name": "more", "required": True}]},
    "choices and completion": {
        **COMMAND,
        "options": [{**TEXT, "autocomplete": True, "choices": [{"name": "a", "value": "a"}]}],
    },
    "unknown locale": {**COMMAND, "description_localizations": {"zh": "问"}},
    "too large": {
        **COMMAND,
        "options": [
            {**TEXT, "name": f"o{n}", "choices": [{"name": "x" * 90, "value": f"{m}"} for m in range(25)]}
            for n in range(4)
        ],
    },
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
async def test_commands_discord_refuses(server: DiscordServer, command: dict[str, Any]) -> None:
    async with raw_bot(server) as bot:
        status, body = await bot.ask("PUT", f"/applications/{server.world.bot.id}/commands", [command])
    assert (status, body["code"]) == (400, 50035)


async def test_registering_commands(server: DiscordServer) -> None:
    path = f"/applications/{server.world.bot.id}/commands"
    async with raw_bot(server) as bot:

        async def put(*commands: dict[str, Any]) -> tuple[int, Any]:
            return await bot.ask("PUT", path, list(commands))

        many = [{**COMMAND, "name": f"c{number}"} for number in range(198)]
        assert (await put(*many[:101]))[1]["code"] == 30032
        _, first = await put(COMMAND)
        _, same = await put(COMMAND)
        assert first == same
        assert server.codes == ["sync_unchanged"]
        _, changed = await put({**COMMAND, "description": "Ask me"})
        assert changed[0]["id"] == first[0]["id"]
        assert changed[0]["version"] != first[0]["version"]
        assert (await put(*many[:99]))[0] == 200
        assert (await put(*many[99:]))[0] == 200
        _, refused = await put(*({**COMMAND, "name": f"d{number}"} for number in range(5)))
        assert refused["code"] == 30034
    assert server.codes == ["sync_unchanged", "too_many_creates"]


async def test_one_command_after_the_other(server: DiscordServer) -> None:
    guild = server.people.guild("lab", server.people.user("alice"))
    app = server.world.bot.id
    async with raw_bot(server) as bot:
        for path in (f"/applications/{app}/commands", f"/applications/{app}/guilds/{guild.id}/commands"):
            _, made = await bot.ask("POST", path, COMMAND)
            assert (await bot.ask("GET", path))[1] == [made]
            one = f"{path}/{made['id']}"
            _, changed = await bot.ask("PATCH", one, {"description": "Ask me"})
            assert (changed["name"], changed["description"]) == ("ask", "Ask me")
            assert (await bot.ask("GET", one))[1] == changed
            assert (await bot.ask("DELETE", one))[0] == 204
            assert (await bot.ask("GET", one))[1]["code"] == 10063
        assert (await bot.ask("GET", "/applications/1/commands"))[0] == 400
