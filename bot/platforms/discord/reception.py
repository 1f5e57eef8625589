"""From Discord's events to the door: messages, commands, buttons and forms."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass

import discord
import structlog
from discord import app_commands

from bot.drawing.inert import outside
from bot.platform import Door, Press
from bot.platforms.discord.answering import Answer, Spot, Voice, acknowledge, respond, say_in_chat
from bot.platforms.discord.controls import form_for, typed_in
from bot.platforms.discord.incoming import PLATFORM, Edits, heard, is_for, upload_of, with_reference, within
from bot.platforms.discord.outcomes import TROUBLE
from bot.platforms.discord.outgoing import content_of
from bot.platforms.discord.slash import PUBLIC, STARTING, Line
from bot.post import ASKING, Action
from bot.reply import Accepted, Reply
from domain.chat import ChatMessage
from domain.errors import XingshuError
from domain.ports import Clock
from domain.safe_text import safe_line
from domain.task import Place
from domain.texts import Language, language_for, say

log = structlog.get_logger()

QUOTED = 300  # characters of a request that is shown as its own message
SUGGEST_S = 2.0  # of the three that Discord waits for
MAX_CHOICE, MAX_CHOICES = 100, 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """Hands in what one bot receives.

    Args:
        door: to whom.
        voice: how replies go out.
        clock: when it was received.
        bot_id: who we are.
        edits: which edits changed words.
    """

    door: Door
    voice: Voice
    clock: Clock
    bot_id: int
    edits: Edits

    # --- messages -------------------------------------------------------------------------------------------------

    async def take(self, message: discord.Message) -> bool:
        """A message. Whether it was for us."""
        if not is_for(message, self.bot_id):
            return False
        self.edits.note(message)
        await self._hand_in(message, f"m:{message.id}", is_edit=False)
        return True

    async def take_edit(self, message: discord.Message) -> bool:
        """A message that was changed. Whether it was for us, and its words are others now."""
        if not is_for(message, self.bot_id) or not self.edits.is_new(message, self.clock.now()):
            return False
        self.edits.note(message)
        await self._hand_in(message, f"e:{message.id}:{message.edited_at}", is_edit=True)
        return True

    async def _hand_in(self, message: discord.Message, key: str, *, is_edit: bool) -> None:
        whole = await with_reference(message)
        taken = heard(whole, self.bot_id, self.clock.now(), is_edit=is_edit)
        spot = Spot(place=taken.place, is_group=taken.is_group, key=key, reply_to=taken.message_id)
        await self.door.take(taken, lambda reply: say_in_chat(self.voice, spot, reply))

    # --- commands -------------------------------------------------------------------------------------------------

    async def perform(self, interaction: discord.Interaction, line: Line) -> None:
        """A slash command: acknowledged before anything else."""
        is_group = interaction.guild_id is not None
        lacking = _lacking(interaction) if is_group and line.name in STARTING else ()
        if lacking:
            language = _language(interaction)
            names = say("discord.comma", language).join(say(f"discord.right_{right}", language) for right in lacking)
            await respond(interaction, say("discord.grant", language, rights=names))
            return
        is_private = is_group and line.name not in PUBLIC
        if not await acknowledge(interaction, thinking=True, is_private=is_private):
            return
        answer = Answer(interaction, self.voice, self._spot(interaction), is_private=is_private)
        message_id = await answer.show(_quoted(line)) if line.name in PUBLIC else ""
        try:
            outcome = await self.door.take(self._message(interaction, line, message_id), answer.to_command)
        except Exception:  # whatever it is, nobody is left thinking for a quarter of an hour
            await answer.to_command(Reply(text=say("discord.broken", _language(interaction)), is_private=True))
            raise
        if isinstance(outcome, Accepted) and not message_id:
            await answer.to_command(Reply(text=say("discord.taken", _language(interaction), task=outcome.task_id)))
        elif outcome is None:
            await self._turned_away(interaction, answer)

    async def _turned_away(self, interaction: discord.Interaction, answer: Answer) -> None:
        """Who may not ask here gets no reply. But Discord has shown this person that something came of it: a word for
        them alone, as a command that vanishes seems broken."""
        if interaction.guild_id is None:
            await answer.clear()
        else:
            await answer.to_command(Reply(text=say("discord.not_here", _language(interaction)), is_private=True))

    async def complete(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Somebody types a task's id."""
        return await _choices(self.door.suggest(PLATFORM, str(interaction.user.id), typed))

    async def complete_schedule(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Somebody types what is to become of a schedule."""
        return await _choices(self.door.suggest_schedules(PLATFORM, str(interaction.user.id), typed))

    def _message(self, interaction: discord.Interaction, line: Line, message_id: str) -> ChatMessage:
        return ChatMessage(
            platform=PLATFORM,
            bot_id=str(self.bot_id),
            chat_id=_chat_id(interaction),
            user_id=str(interaction.user.id),
            update_key=f"i:{interaction.id}",
            text=line.text,
            received_at=self.clock.now(),
            message_id=message_id,
            is_group=interaction.guild_id is not None,
            within=within(interaction.channel),
            locale=str(interaction.locale),
            uploads=() if line.file is None else (upload_of(line.file, f"- {line.file.url}"),),
        )

    # --- buttons and forms ----------------------------------------------------------------------------------------

    async def press(self, interaction: discord.Interaction) -> None:
        """A button. One that needs a text opens a form, which must be the first thing that happens."""
        action = Action.read(_custom_id(interaction))
        if action is None:
            await respond(interaction, say("discord.stale", _language(interaction)))
        elif action.verb in ASKING:
            await self._ask(interaction, action)
        else:
            await self._pressed(interaction, action, "")

    async def submit(self, interaction: discord.Interaction) -> None:
        """A form that was filled in."""
        action = Action.read(_custom_id(interaction))
        if action is None or action.verb not in ASKING:
            await respond(interaction, say("discord.stale", _language(interaction)))
        else:
            await self._pressed(interaction, action, typed_in(dict(interaction.data or {})))

    async def _ask(self, interaction: discord.Interaction, action: Action) -> None:
        try:
            await interaction.response.send_modal(form_for(action, _language(interaction)))
        except TROUBLE as error:
            log.warning("discord_form_not_shown", interaction=interaction.id, error=repr(error))

    async def _pressed(self, interaction: discord.Interaction, action: Action, text: str) -> None:
        if not await acknowledge(interaction, thinking=False, is_private=False):
            return
        is_group = interaction.guild_id is not None
        press = Press(
            key=f"i:{interaction.id}",
            platform=PLATFORM,
            bot_id=str(self.bot_id),
            chat_id=_chat_id(interaction),
            user_id=str(interaction.user.id),
            message_id=str(interaction.message.id) if interaction.message is not None else "",
            action=action,
            received_at=self.clock.now(),
            is_group=is_group,
            locale=str(interaction.locale),
            text=text,
        )
        answer = Answer(interaction, self.voice, self._spot(interaction), is_private=is_group)
        try:
            await self.door.pressed(press, answer.to_press)
        except Exception:  # as above
            await answer.to_press(Reply(text=say("discord.broken", _language(interaction)), is_notice=True))
            raise

    def _spot(self, interaction: discord.Interaction) -> Spot:
        place = Place(platform=PLATFORM, bot_id=str(self.bot_id), chat_id=_chat_id(interaction))
        return Spot(place=place, is_group=interaction.guild_id is not None, key=f"i:{interaction.id}")


async def _choices(suggesting: Awaitable[list[tuple[str, str]]]) -> list[app_commands.Choice[str]]:
    """What was found to choose from. What takes too long is not offered."""
    try:
        async with asyncio.timeout(SUGGEST_S):
            found = await suggesting
    except (TimeoutError, XingshuError) as error:
        log.info("discord_nothing_suggested", error=repr(error))
        return []
    return [
        app_commands.Choice(name=f"{typed} · {about}"[:MAX_CHOICE], value=typed) for typed, about in found[:MAX_CHOICES]
    ]


def _chat_id(interaction: discord.Interaction) -> str:
    return str(interaction.channel_id or 0)


def _custom_id(interaction: discord.Interaction) -> str:
    return str(dict(interaction.data or {}).get("custom_id", ""))


def _language(interaction: discord.Interaction) -> Language:
    return language_for("", str(interaction.locale))


def _quoted(line: Line) -> str:
    return content_of(outside(f"› {safe_line(' '.join(line.words), QUOTED)}"))


def _lacking(interaction: discord.Interaction) -> tuple[str, ...]:
    """What the bot would need to write in this channel of a guild."""
    rights = interaction.app_permissions
    is_thread = isinstance(interaction.channel, discord.Thread)
    needed = {
        "view_channel": rights.view_channel,
        "send_messages": rights.send_messages_in_threads if is_thread else rights.send_messages,
        "read_message_history": rights.read_message_history,
    }
    return tuple(name for name, is_there in needed.items() if not (is_there or rights.administrator))
