"""The slash commands: what they are called, what can be filled in, and what was typed as one line of text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import discord
import structlog
from discord import Locale, app_commands
from discord.http import Route

from bot.platforms.discord.outcomes import TROUBLE, meant
from domain.errors import XingshuError
from domain.texts import language_for, say

log = structlog.get_logger()

PUBLIC = frozenset({"ask", "fresh"})
"""Commands whose request everybody in the channel may read."""
STARTING = PUBLIC | {"retry", "plan", "schedule"}
"""Commands that lead to messages in the channel."""

_CHINESE = frozenset({Locale.chinese, Locale.taiwan_chinese})
_LANGUAGES = [("English", "en"), ("中文", "zh")]


class Desk(Protocol):
    """Does what commands ask for."""

    async def perform(self, interaction: discord.Interaction, line: Line) -> None:
        """One command."""
        ...

    async def complete(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Task ids to choose from."""
        ...

    async def complete_schedule(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """What can be done with schedules, to choose from."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One command as it would have been typed, and the file that came with it."""

    name: str
    words: tuple[str, ...] = ()
    file: discord.Attachment | None = None

    @property
    def text(self) -> str:
        """As a message."""
        return " ".join((f"/{self.name}", *self.words))


class Chinese(app_commands.Translator):
    """Descriptions for those who set Discord to Chinese; the names of commands are the same for all."""

    async def translate(
        self, string: app_commands.locale_str, locale: Locale, _context: app_commands.TranslationContextTypes
    ) -> str | None:
        """None where the English one stays."""
        key = string.extras.get("key")
        return say(key, "zh") if key is not None and locale in _CHINESE else None


class Slash(app_commands.CommandTree[discord.Client]):
    """All commands. One that Discord remembers otherwise than we do is told so instead of left without an answer."""

    async def on_error(
        self, interaction: discord.Interaction[discord.Client], error: app_commands.AppCommandError, /
    ) -> None:
        """The outermost edge of one command."""
        log.warning("discord_command_failed", interaction=interaction.id, error=repr(error))
        known = (app_commands.CommandNotFound, app_commands.CommandSignatureMismatch)
        if isinstance(error, known) and not interaction.response.is_done():
            text = say("discord.commands_changed", language_for("", str(interaction.locale)))
            try:
                await interaction.response.send_message(text, ephemeral=True)
            except TROUBLE as trouble:
                log.warning("discord_not_answered", interaction=interaction.id, error=repr(trouble))


async def plant(client: discord.Client, desk: Desk) -> Slash:
    """The commands of one client, not yet known to Discord."""
    tree = Slash(client)
    await tree.set_translator(Chinese())
    for command in _commands(desk):
        tree.add_command(command)
    return tree


async def synced(client: discord.Client, tree: Slash) -> bool:
    """Tell Discord the commands if it knows others: it counts how often it is told. Whether it had to be.

    What goes wrong is logged: the commands it knows go on working.
    """
    number = client.application_id
    if number is None:
        return False
    try:
        with meant(client):
            route = Route("GET", "/applications/{application_id}/commands", application_id=number)
            known = await client.http.request(route, params={"with_localizations": "true"})
            if _digest(known) == _digest(await _payload(tree)):
                return False
            await tree.sync()
    except XingshuError as error:
        log.warning("discord_commands_not_synced", error=repr(error.__cause__ or error))
        return False
    log.info("discord_commands_synced")
    return True


async def _payload(tree: Slash) -> list[dict[str, Any]]:
    translator = tree.translator
    commands = (one for one in tree.get_commands() if isinstance(one, app_commands.Command))
    return [await one.get_translated_payload(tree, translator) if translator else one.to_dict(tree) for one in commands]


_TELLING = ("name", "description", "description_localizations", "type", "required", "autocomplete", "choices", "value")


def _digest(commands: list[dict[str, Any]]) -> str:
    """What matters of commands, whatever order and defaults they come with."""
    shapes = sorted((_shape(command) for command in commands), key=lambda shape: str(shape["name"]))
    return hashlib.sha256(json.dumps(shapes, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _shape(part: dict[str, Any]) -> dict[str, Any]:
    shape = {key: part[key] for key in _TELLING if part.get(key)}
    for key in ("options", "choices"):
        if part.get(key):
            shape[key] = [_shape(inner) for inner in part[key]]
    return shape


# --- what there is ----------------------------------------------------------------------------------------------------


def _commands(desk: Desk) -> list[app_commands.Command[Any, ..., None]]:
    return [
        *(_wordy(desk, name) for name in ("ask", "fresh")),
        _planning(desk),
        *(_about_task(desk, name) for name in ("status", "cancel", "cost")),
        *(_about_step(desk, name) for name in ("retry", "approve", "deny")),
        _scheduling(desk),
        *(_with_option(desk, name, option) for name, option in (("tasks", "filter"), ("pair", "code"))),
        _members(desk),
        _language(desk),
        *(_bare(desk, name) for name in ("agents", "help")),
    ]


def _text(key: str) -> app_commands.locale_str:
    return app_commands.locale_str(say(key, "en"), key=key)


def _command(name: str, callback: Callable[..., Any], *options: str) -> app_commands.Command[Any, ..., None]:
    described = app_commands.describe(**{option: _text(f"discord.option_{option}") for option in options})(callback)
    return app_commands.Command(name=name, description=_text(f"discord.command_{name}"), callback=described)


def _wordy(desk: Desk, name: str) -> app_commands.Command[Any, ..., None]:
    async def perform(interaction: discord.Interaction, text: str, file: discord.Attachment | None = None) -> None:
        await desk.perform(interaction, Line(name=name, words=(text,), file=file))

    return _command(name, perform, "text", "file")


def _planning(desk: Desk) -> app_commands.Command[Any, ..., None]:
    async def perform(interaction: discord.Interaction, text: str) -> None:
        await desk.perform(interaction, Line(name="plan", words=(text,)))

    return _command("plan", perform, "text")


def _about_task(desk: Desk, name: str) -> app_commands.Command[Any, ..., None]:
    async def perform(interaction: discord.Interaction, task: str = "") -> None:
        await desk.perform(interaction, Line(name=name, words=_words(task)))

    command = _command(name, perform, "task")
    command.autocomplete("task")(desk.complete)
    return command


def _about_step(desk: Desk, name: str) -> app_commands.Command[Any, ..., None]:
    async def perform(interaction: discord.Interaction, task: str = "", step: str = "") -> None:
        await desk.perform(interaction, Line(name=name, words=_words(task, step)))

    command = _command(name, perform, "task", "step")
    command.autocomplete("task")(desk.complete)
    return command


def _with_option(desk: Desk, name: str, option: str) -> app_commands.Command[Any, ..., None]:
    async def perform(interaction: discord.Interaction, words: str = "") -> None:
        await desk.perform(interaction, Line(name=name, words=_words(words)))

    renamed = app_commands.rename(words=option)(perform)
    described = app_commands.describe(words=_text(f"discord.option_{option}"))(renamed)
    return app_commands.Command(name=name, description=_text(f"discord.command_{name}"), callback=described)


def _scheduling(desk: Desk) -> app_commands.Command[Any, ..., None]:
    async def perform(interaction: discord.Interaction, when: str = "") -> None:
        await desk.perform(interaction, Line(name="schedule", words=_words(when)))

    command = _command("schedule", perform, "when")
    command.autocomplete("when")(desk.complete_schedule)
    return command


def _members(desk: Desk) -> app_commands.Command[Any, ..., None]:
    async def perform(interaction: discord.Interaction, remove: str = "") -> None:
        await desk.perform(interaction, Line(name="members", words=("remove", remove) if remove.strip() else ()))

    return _command("members", perform, "remove")


def _language(desk: Desk) -> app_commands.Command[Any, ..., None]:
    async def perform(interaction: discord.Interaction, language: str) -> None:
        await desk.perform(interaction, Line(name="language", words=(language,)))

    choices = [app_commands.Choice(name=name, value=value) for name, value in _LANGUAGES]
    choices.append(app_commands.Choice(name=_text("discord.choice_auto"), value="auto"))
    return _command("language", app_commands.choices(language=choices)(perform), "language")


def _bare(desk: Desk, name: str) -> app_commands.Command[Any, ..., None]:
    async def perform(interaction: discord.Interaction) -> None:
        await desk.perform(interaction, Line(name=name))

    return _command(name, perform)


def _words(*typed: str) -> tuple[str, ...]:
    return tuple(word for one in typed if (word := one.strip()))
