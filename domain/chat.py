"""What comes in from a chat, whatever the platform."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.task import Route, Scope

MAX_REQUEST = 20_000  # characters of one request; longer text belongs into a file


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """One message of one person.

    `update_key` is the platform's own id of the update, decoded: together with platform and bot it makes
    the message unique, however often it arrives. `user_id` and `chat_id` are the platform's numeric or
    immutable ids, never a display name.
    """

    platform: str
    bot_id: str
    chat_id: str
    user_id: str
    update_key: str
    text: str
    received_at: datetime

    @property
    def route(self) -> Route:
        """Where the answer will go."""
        return Route(platform=self.platform, bot_id=self.bot_id, chat_id=self.chat_id)

    def scope(self, tenant: str) -> Scope:
        """Who owns what comes of it."""
        return Scope(tenant=tenant, owner=f"{self.platform}:{self.user_id}")
