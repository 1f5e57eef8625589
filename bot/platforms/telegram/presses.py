"""Pressed buttons: each is answered soon, whatever else happens, for until then its chat shows a spinner."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from telegram import Bot, CallbackQuery

from bot.pause import pause
from bot.platform import Door, Press
from bot.platforms.telegram.reading import press_of
from bot.platforms.telegram.voice import Voice, answer_query, is_short
from bot.reply import Reply
from domain.ports import Clock
from domain.texts import language_for, say

SOON_S = 2.0  # how long a notice is waited for
KEPT = 2000  # presses that were taken: Telegram may deliver one twice


class Presses:
    """Takes them.

    Args:
        bot: answers them.
        bot_id: whose buttons they are.
        voice: says what is longer than a notice.
        clock: the time.
    """

    def __init__(self, bot: Bot, bot_id: str, voice: Voice, clock: Clock) -> None:
        self._bot = bot
        self._bot_id = bot_id
        self._voice = voice
        self._clock = clock
        self._taken: OrderedDict[str, None] = OrderedDict()

    async def take(self, query: CallbackQuery, door: Door, group: asyncio.TaskGroup) -> None:
        """Hand one in; `group` owns what ends its spinner."""
        if query.id in self._taken:
            return
        answer = _Answer(self._bot, query.id)
        press = press_of(query, self._bot_id, self._clock.now())
        if press is None:
            language = language_for("", query.from_user.language_code or "")
            await answer.give(say("telegram.stale_button", language))
            return
        group.create_task(answer.soon(self._clock))
        await door.pressed(press, lambda reply: self._say(press, answer, reply))
        self._keep(query.id)

    async def _say(self, press: Press, answer: _Answer, reply: Reply) -> None:
        is_notice = is_short(reply) and not answer.is_given
        await answer.give(reply.text if is_notice else "")
        if not is_notice and _has_something(reply):
            await self._voice.to_press(press, reply)

    def _keep(self, query_id: str) -> None:
        self._taken[query_id] = None
        while len(self._taken) > KEPT:
            self._taken.popitem(last=False)


class _Answer:
    """The one answer of a callback query."""

    def __init__(self, bot: Bot, query_id: str) -> None:
        self._bot = bot
        self._query_id = query_id
        self._given = asyncio.Event()

    @property
    def is_given(self) -> bool:
        """There will be no other."""
        return self._given.is_set()

    async def give(self, text: str = "") -> None:
        """Answer, unless that was done."""
        if not self.is_given:
            self._given.set()
            await answer_query(self._bot, self._query_id, text)

    async def soon(self, clock: Clock) -> None:
        """Answer without a text if nothing else comes."""
        await pause(clock, SOON_S, self._given)
        await self.give()


def _has_something(reply: Reply) -> bool:
    return bool(reply.text or reply.card or reply.answer or reply.buttons)
