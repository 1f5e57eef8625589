"""The place at a terminal: turns typed lines into messages of one person in one session."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from bot.card_text import card_text
from bot.platform import Door, Traits
from bot.reply import Accepted, Reply
from domain.chat import ChatMessage
from domain.errors import Unavailable
from domain.markdown import readable
from domain.ports import Clock, Entropy
from domain.texts import language_of

PLATFORM = "console"
TRAITS = Traits(
    max_text=sys.maxsize,
    max_file_bytes=sys.maxsize,
    columns=100,
    card_lines=40,
    sends_once=True,
    has_buttons=False,
)


def terminal_of(user_id: str) -> str:
    """The session of a person's terminal chat, whenever they open it."""
    return f"terminal-{user_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Who sits here.

    `user_id` owns the tasks. `bot_id` names the session: what it accepted is shown by whoever delivers for that
    name, so two terminals that are open at once need two.
    """

    clock: Clock
    entropy: Entropy
    user_id: str
    bot_id: str

    def message(self, line: str) -> ChatMessage:
        """A typed line."""
        return ChatMessage(
            platform=PLATFORM,
            bot_id=self.bot_id,
            chat_id=self.bot_id,
            user_id=self.user_id,
            update_key=f"{self.entropy.bits(128):032x}",
            text=line,
            received_at=self.clock.now(),
        )

    async def tell(self, door: Door, line: str) -> Accepted | Reply:
        """Hand in one line. What cannot be taken now is said, as nobody sends it again by itself."""
        try:
            return await door.take(self.message(line), _hear) or Reply()
        except Unavailable as error:
            return Reply(text=error.say(language_of(line)), is_refusal=True)

    async def standing(self, door: Door, task_id: str) -> Reply:
        """How a task stands right now; empty when that cannot be known."""
        reply = await self.tell(door, f"/status {task_id}")
        return reply if isinstance(reply, Reply) and not reply.is_refusal else Reply()


async def _hear(reply: Reply) -> None:
    """A reply is what `take` returns, too."""


def reply_text(reply: Reply) -> str:
    """A reply as plain text."""
    parts = (
        card_text(reply.card) if reply.card else "",
        reply.text,
        readable(reply.answer.text) if reply.answer else "",
    )
    return "\n".join(part for part in parts if part)
