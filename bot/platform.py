"""What a chat platform must be able to do for us."""

from __future__ import annotations

from typing import Protocol

from domain.answer import Answer
from domain.card import Card
from domain.task import Route, Task


class ChatPlatform(Protocol):
    """One bot on one platform. Every method raises Unavailable when trying again may help (no connection, a rate
    limit), Refused when it will not (the person blocked the bot)."""

    @property
    def name(self) -> str:
        """`platform` of its messages and routes."""
        ...

    @property
    def bot_id(self) -> str:
        """Which bot it is, should there be several."""
        ...

    @property
    def min_edit_interval_s(self) -> float:
        """Seconds between two edits in one chat."""
        ...

    async def show_card(self, route: Route, card: Card, platform_message_id: str | None) -> str:
        """Show a card, in the message it was shown in before if there is one. Returns that message's id."""
        ...

    async def send_answer(self, route: Route, task: Task, answer: Answer, platform_message_id: str | None) -> None:
        """Show the answer of a task; `platform_message_id` is its card.

        It can be called again for the same task when the process died right after it: a platform whose messages
        last makes that invisible by writing to a message it can name.
        """
        ...
