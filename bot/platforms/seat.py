"""The place at a terminal: turns typed lines into messages of one person in one session."""

from __future__ import annotations

from dataclasses import dataclass

from bot.card_text import card_text, question_of
from bot.commands import Commands
from bot.intake import Accepted, Reply
from domain.chat import ChatMessage
from domain.errors import Unavailable
from domain.markdown import readable
from domain.ports import Clock, Entropy
from domain.texts import language_of

PLATFORM = "console"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Who sits here, and the door to everything.

    `user_id` owns the tasks. `bot_id` names the session: what it accepted is shown by whoever delivers for that
    name, so two terminals that are open at once need two.
    """

    commands: Commands
    clock: Clock
    entropy: Entropy
    user_id: str
    bot_id: str

    async def tell(self, line: str) -> Accepted | Reply:
        """Hand in one line. What cannot be taken now is said, as nobody sends it again by itself."""
        message = ChatMessage(
            platform=PLATFORM,
            bot_id=self.bot_id,
            chat_id=self.bot_id,
            user_id=self.user_id,
            update_key=f"{self.entropy.bits(128):032x}",
            text=line,
            received_at=self.clock.now(),
        )
        try:
            return await self.commands.receive(message)
        except Unavailable as error:
            return Reply(text=error.say(language_of(line)), is_refusal=True)

    async def standing(self, task_id: str) -> Reply:
        """How a task stands right now; empty when that cannot be known."""
        reply = await self.tell(f"/status {task_id}")
        return reply if isinstance(reply, Reply) and not reply.is_refusal else Reply()


def asked_text(standing: Reply) -> str:
    """What a task waits for: its question, or the parameters to approve; empty when it does not wait."""
    question = question_of(standing.card) if standing.card else []
    return "\n".join(part for part in (*question, standing.text) if part)


def reply_text(reply: Reply) -> str:
    """A reply as plain text."""
    parts = (
        card_text(reply.card) if reply.card else "",
        reply.text,
        readable(reply.answer.text) if reply.answer else "",
    )
    return "\n".join(part for part in parts if part)
