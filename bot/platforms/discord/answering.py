"""Answering where somebody asked: acknowledgements within three seconds, and replies while a token lives.

Rules: https://docs.discord.com/developers/interactions/receiving-and-responding.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import discord
import structlog

from bot.drawing.replies import reply_posts
from bot.governor import Governor, Urgency
from bot.platform import Traits
from bot.platforms.discord.outcomes import ACKNOWLEDGED, GONE_TOKENS, LOST, TROUBLE
from bot.platforms.discord.outgoing import Writing, content_of, held_by, shown_with
from bot.post import Post
from bot.reply import Reply
from domain.errors import Flooded, Unavailable, XingshuError
from domain.ports import Clock
from domain.task import Place

log = structlog.get_logger()

TRIES, PAUSE_S = 3, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What every reply needs."""

    writing: Writing
    governor: Governor
    clock: Clock
    traits: Traits


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a reply goes when it goes there as an ordinary message; `key` names what it replies to."""

    place: Place
    is_group: bool
    key: str
    reply_to: str = ""


async def acknowledge(interaction: discord.Interaction, *, thinking: bool, is_private: bool) -> bool:
    """Tell Discord that it was heard; for `thinking` with a message that will say more. False: nobody waits any more.

    A lost connection may have had its effect: being told so at the second try is as good as being told at the first.
    """
    for _ in range(TRIES):
        try:
            await interaction.response.defer(ephemeral=is_private, thinking=thinking)
        except discord.HTTPException as error:
            if error.code == ACKNOWLEDGED:
                return True
            log.warning("discord_not_acknowledged", interaction=interaction.id, error=str(error))
            return False
        except LOST as error:
            log.info("discord_acknowledges_again", interaction=interaction.id, error=repr(error))
        else:
            return True
    return False


async def respond(interaction: discord.Interaction, text: str) -> None:
    """Acknowledge with a word for this person alone, which is all there is to say."""
    await _logged(interaction, lambda: interaction.response.send_message(text, ephemeral=True))


async def say_in_chat(voice: Voice, spot: Spot, reply: Reply) -> None:
    """A reply as ordinary messages. The same reply is there once, however often it is tried."""
    for number, post in enumerate(reply_posts(reply, voice.traits, spot.reply_to)):
        await post_in_chat(voice, spot, post, number)


async def post_in_chat(voice: Voice, spot: Spot, post: Post, number: int) -> None:
    """One message of a reply. What cannot be said is logged."""
    nonce = hashlib.sha256(f"{spot.key}:{number}".encode()).hexdigest()[:24]
    for left in reversed(range(TRIES)):
        try:
            async with voice.governor.sending(spot.place, Urgency.REPLY, is_group=spot.is_group):
                await voice.writing.send(spot.place, post, nonce)
        except Unavailable as error:
            log.warning("discord_reply_waits", chat=spot.place.chat_id, error=str(error), tries_left=left)
            if left and not isinstance(error, Flooded):
                await voice.clock.sleep(PAUSE_S)
        except XingshuError as error:
            log.warning("discord_reply_lost", chat=spot.place.chat_id, error=str(error))
            return
        else:
            return


class Answer:
    """Replies to one interaction that was acknowledged.

    Args:
        interaction: which.
        voice: for what cannot go through its token any more.
        spot: where that goes.
        is_private: it was acknowledged for this person alone.
    """

    def __init__(self, interaction: discord.Interaction, voice: Voice, spot: Spot, *, is_private: bool) -> None:
        self._interaction = interaction
        self._voice = voice
        self._spot = spot
        self._is_private = is_private

    async def to_command(self, reply: Reply) -> None:
        """What a command brought, in the message that has been thinking about it."""
        posts = reply_posts(reply, self._voice.traits)
        is_own = reply.is_private and not self._is_private and self._spot.is_group
        if is_own:  # whether all may read it was settled when it was acknowledged: it needs a message of its own
            await self.clear()
        for number, post in enumerate(posts):
            if number == 0 and not is_own:
                await self._through_token(post, number, self._put)
            else:
                await self._through_token(post, number, lambda post: self._follow(post, is_private=is_own))

    async def to_press(self, reply: Reply) -> None:
        """What a button brought: its own message changed, or a word for whoever pressed it."""
        is_private = reply.is_notice or reply.is_private or self._spot.is_group
        for number, post in enumerate(reply_posts(reply, self._voice.traits)):
            if reply.edits and number == 0:
                await self._through_token(post, number, self._put)
            else:
                await self._through_token(post, number, lambda post: self._follow(post, is_private=is_private))

    async def show(self, text: str) -> str:
        """Have the message that has been thinking say this. Returns its id; empty if that could not be learnt."""
        for _ in range(TRIES):
            try:
                shown = await self._interaction.edit_original_response(content=text)
            except LOST:
                continue
            except discord.DiscordException as error:
                log.warning("discord_request_not_shown", interaction=self._interaction.id, error=str(error))
                break
            return str(shown.id)
        return ""

    async def clear(self) -> None:
        """Take the message that has been thinking away: there is nothing to say."""
        await _logged(self._interaction, self._interaction.delete_original_response)

    async def _through_token(self, post: Post, number: int, show: Callable[[Post], Awaitable[Any]]) -> None:
        try:
            await show(post)
        except (XingshuError, *TROUBLE) as error:
            is_over = isinstance(error, discord.HTTPException) and error.code in GONE_TOKENS
            if is_over and not self._is_private:
                await post_in_chat(self._voice, self._spot, post, number)
                return
            log.warning("discord_reply_lost", interaction=self._interaction.id, error=repr(error), is_over=is_over)

    async def _put(self, post: Post) -> None:
        """Into the message that is there; which may be repeated."""
        file = await held_by(post.attachment)
        for left in reversed(range(TRIES)):
            options = {"view": None} | shown_with(post, file, "attachments")
            try:
                await self._interaction.edit_original_response(content=content_of(post.text), **options)
            except LOST:
                if not left:
                    raise
            else:
                return

    async def _follow(self, post: Post, *, is_private: bool) -> None:
        options = shown_with(post, await held_by(post.attachment), "file")
        await self._interaction.followup.send(
            content_of(post.text),
            ephemeral=is_private or self._is_private,
            suppress_embeds=True,
            silent=True,
            **options,
        )


async def _logged(interaction: discord.Interaction, call: Callable[[], Awaitable[Any]]) -> None:
    try:
        await call()
    except TROUBLE as error:
        log.warning("discord_not_answered", interaction=interaction.id, error=repr(error))
