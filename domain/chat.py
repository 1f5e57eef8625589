"""What comes in from a chat, whatever the platform."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.task import Place, Route, Scope, Upload

MAX_REQUEST = 20_000  # characters of one request; longer text belongs into a file
MAX_UPLOADS = 20  # files of one request


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """One message of one person, addressed to the bot.

    `update_key` is the platform's own id of what came, decoded: together with platform and bot it makes the message
    unique, however often it arrives. An edited message has the key of the message it was. `user_id`, `chat_id`,
    `thread_id`, `message_id` and `reply_to` are the platform's numeric or immutable ids, never a display name.

    Args:
        message_id: what answers reply to; empty where there is nothing to reply to.
        reply_to: the message that this one replies to.
        is_group: others read along.
        within: larger places that the chat lies in, from the inside out (a thread's channel, a server): being known
            there is enough.
        locale: the language its person set on the platform, such as zh-hans.
        uploads: files that came with it, not fetched yet.
        gathers: more of the same request may follow at once: parts of a long text, an album, forwarded messages.
        is_edit: it was there before, with another text.
    """

    platform: str
    bot_id: str
    chat_id: str
    user_id: str
    update_key: str
    text: str
    received_at: datetime
    thread_id: str = ""
    message_id: str = ""
    reply_to: str = ""
    is_group: bool = False
    within: tuple[str, ...] = ()
    locale: str = ""
    uploads: tuple[Upload, ...] = ()
    gathers: bool = False
    is_edit: bool = False

    @property
    def route(self) -> Route:
        """Where the answer will go."""
        return Route(
            platform=self.platform,
            bot_id=self.bot_id,
            chat_id=self.chat_id,
            thread_id=self.thread_id,
            reply_to=self.message_id,
            is_group=self.is_group,
        )

    @property
    def place(self) -> Place:
        """Where it was said."""
        return self.route.place

    def scope(self, tenant: str) -> Scope:
        """Who owns what comes of it."""
        return Scope(tenant=tenant, owner=f"{self.platform}:{self.user_id}")
