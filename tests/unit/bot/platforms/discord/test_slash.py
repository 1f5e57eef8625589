"""What Discord is told of the commands."""

from __future__ import annotations

from typing import Any

from bot.platforms.discord.connection import Connection, intents
from bot.platforms.discord.slash import Line, _digest, _payload, plant
from domain.texts import CATALOGUE

STARTING = ("ask", "fresh", "plan")
ABOUT = ("status", "tasks", "cancel", "retry", "approve", "deny", "cost")
AROUND = ("schedule", "agents", "help", "language", "pair", "members")


class Nobody:
    """Uses no command."""

    async def perform(self, interaction: Any, line: Line) -> None:
        raise AssertionError

    async def complete(self, interaction: Any, typed: str) -> list[Any]:
        raise AssertionError

    async def complete_schedule(self, interaction: Any, typed: str) -> list[Any]:
        raise AssertionError


async def told() -> list[dict[str, Any]]:
    client = Connection(intents(has_content=False))
    return await _payload(await plant(client, Nobody()))


async def test_all_are_there_with_their_options() -> None:
    commands = {command["name"]: command for command in await told()}
    assert set(commands) == {*STARTING, *ABOUT, *AROUND}
    options = {name: [option["name"] for option in command["options"]] for name, command in commands.items()}
    assert options["ask"] == ["text", "file"]
    assert options["tasks"] == ["filter"]
    assert options["retry"] == ["task", "step"]
    completed = {name for name, command in commands.items() for one in command["options"] if one.get("autocomplete")}
    assert completed == {"status", "cancel", "cost", "retry", "approve", "deny", "schedule"}


def test_descriptions_fit() -> None:
    lines = [
        line
        for key, pair in CATALOGUE.items()
        if key.startswith(("discord.command_", "discord.option_"))
        for line in pair
    ]
    assert all(1 <= len(line) <= 100 for line in lines)
    forms = [line for key, pair in CATALOGUE.items() if key.startswith("discord.form_") for line in pair]
    assert all(1 <= len(line) <= 45 for line in forms)


async def test_the_same_commands_are_the_same_whatever_discord_adds() -> None:
    ours = await told()
    theirs = [
        command | {"id": "1", "version": "2", "default_permission": True, "options": command["options"] or None}
        for command in ours
    ]
    assert _digest(ours) == _digest(theirs[::-1])
    changed = [ours[0] | {"description": "else"}, *ours[1:]]
    assert _digest(changed) != _digest(ours)
    assert _digest(ours[1:]) != _digest(ours)


def test_a_line_is_what_would_have_been_typed() -> None:
    assert Line(name="retry", words=("7KQ2M4", "b")).text == "/retry 7KQ2M4 b"
    assert Line(name="help").text == "/help"
