"""Replies: said where they were asked for, in the chat's turn. What cannot be said is logged, never raised."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from telegram import Bot
from telegram.error import BadRequest, NetworkError, TelegramError

from bot.drawing.entities import utf16_length
from bot.drawing.replies import reply_posts
from bot.drawing.rich_text import RichText
from bot.governor import Governor, Urgency
from bot.platform import Press, Say
from bot.platforms.telegram.faults import is_unsent
from bot.platforms.telegram.sending import Sending
from bot.platforms.telegram.traits import MAX_NOTICE, TRAITS
from bot.post import Post
from bot.reply import Reply
from domain.chat import ChatMessage
from domain.errors import Flooded, MessageGone, Unavailable, XingshuError
from domain.ports import Clock
from domain.task import Place
from domain.texts import Language, say

log = structlog.get_logger()

TRIES = 6
FIRST_PAUSE_S = 1.0  # doubled with every try
LANGUAGES: tuple[Language, ...] = ("en", "zh")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Where:
    """Where a reply is wanted, what it answers, and which message of ours it may take the place of."""

    place: Place
    reply_to: str
    is_group: bool
    shown_in: str = ""


class Voice:
    """Says replies.

    Args:
        sending: how messages go out.
        governor: whose turn it is in a chat.
        clock: for waiting.
    """

    def __init__(self, sending: Sending, governor: Governor, clock: Clock) -> None:
        self._sending = sending
        self._governor = governor
        self._clock = clock

    def to_message(self, message: ChatMessage, *, is_unusable: bool) -> Say:
        """How to answer a message."""
        where = _Where(place=message.place, reply_to=message.message_id, is_group=message.is_group)

        async def answer(reply: Reply) -> None:
            await self._show(where, _about_kind(reply) if is_unusable else reply)

        return answer

    async def to_press(self, press: Press, reply: Reply) -> None:
        """Show what a button asked for; a list's next page takes the place of the one before."""
        place = Place(platform=press.platform, bot_id=press.bot_id, chat_id=press.chat_id, thread_id=press.thread_id)
        shown_in = press.message_id if reply.edits else ""
        where = _Where(place=place, reply_to=press.message_id, is_group=press.is_group, shown_in=shown_in)
        await self._show(where, reply)

    async def _show(self, where: _Where, reply: Reply) -> None:
        message_id = where.shown_in
        for post in reply_posts(reply, TRAITS, where.reply_to):
            if not await self._say(where, post, message_id):
                return
            message_id = ""

    async def _say(self, where: _Where, post: Post, message_id: str) -> bool:
        """Send, or edit; again while it surely was not there. Returns whether it is known to be there now."""
        for number in range(TRIES):
            try:
                async with self._governor.sending(where.place, Urgency.REPLY, is_group=where.is_group):
                    await self._once(where, post, message_id)
            except Flooded:
                continue  # the turn waits as long as Telegram wants
            except MessageGone:
                message_id = ""
            except Unavailable as error:
                if not message_id and not is_unsent(error):
                    return _given_up(where, error)  # it may be there: twice would be worse than asking again
                await self._clock.sleep(FIRST_PAUSE_S * 2**number)
            except XingshuError as error:
                return _given_up(where, error)
            else:
                return True
        log.warning("reply_not_said", chat=where.place.chat_id, tries=TRIES)
        return False

    async def _once(self, where: _Where, post: Post, message_id: str) -> None:
        if message_id:
            await self._sending.edit(where.place, message_id, post)
        else:
            await self._sending.send(where.place, post)


async def answer_query(bot: Bot, query_id: str, text: str = "") -> None:
    """End the spinner of a pressed button, with a short text or without. Never raises: one too old has ended."""
    for _ in range(2):
        try:
            await bot.answer_callback_query(query_id, text=text or None)
        except BadRequest as error:
            log.debug("telegram_query_not_answered", error=error.message)
        except NetworkError:
            continue
        except TelegramError as error:
            log.warning("telegram_query_not_answered", error=type(error).__name__)
        return


def is_short(reply: Reply) -> bool:
    """It fits into the fleeting notice over a chat."""
    return reply.is_notice and utf16_length(RichText(reply.text)) <= MAX_NOTICE


def _about_kind(reply: Reply) -> Reply:
    """The message was not empty, only nothing that we can use; whatever else is said (who may, a code) stays."""
    for language in LANGUAGES:
        if reply.text == say("chat.empty", language):
            return Reply(text=say("telegram.unusable", language), is_refusal=True, language=language)
    return reply


def _given_up(where: _Where, error: XingshuError) -> bool:
    log.warning("reply_not_said", chat=where.place.chat_id, error=str(error), cause=type(error.__cause__).__name__)
    return False
