"""Updates as Telegram delivers them, for tests."""

from __future__ import annotations

import itertools
import re
from typing import Any

from telegram import Update

from bot.platforms.telegram.wording import Me
from tests.fakes import START

ME = Me(42, "Xingshu_Bot")
ADA = {"id": 7, "is_bot": False, "first_name": "Ada", "language_code": "zh-hans"}
BOB = {"id": 8, "is_bot": False, "first_name": "Bob"}
OURS = {"id": 42, "is_bot": True, "first_name": "Xingshu", "username": "Xingshu_Bot"}
PRIVATE = {"id": 7, "type": "private"}
GROUP = {"id": -1001, "type": "supergroup", "title": "Team"}
FORUM = {**GROUP, "is_forum": True}

_numbers = itertools.count(1)
_NAMES = re.compile(r"(?<![\w@/])(?:/\w+(?:@\w+)?|@\w+)", re.ASCII)

Json = dict[str, Any]


def message_json(text: str | None = None, *, chat: Json = PRIVATE, sender: Json | None = ADA, **fields: Any) -> Json:
    """A message; mentions and commands are found as Telegram finds them."""
    message: Json = {"message_id": next(_numbers), "date": int(START.timestamp()), "chat": chat, **fields}
    if sender is not None:
        message["from"] = sender
    if text is not None:
        message["text"] = text
        message.setdefault("entities", found(text))
    return message


def found(text: str) -> list[Json]:
    """Mentions and commands in a text; offsets in UTF-16 units."""
    return [
        {
            "type": "bot_command" if match[0].startswith("/") else "mention",
            "offset": len(text[: match.start()].encode("utf-16-le")) // 2,
            "length": len(match[0]),
        }
        for match in _NAMES.finditer(text)
    ]


def update_of(message: Json, kind: str = "message") -> Update:
    return Update.de_json({"update_id": next(_numbers), kind: message}, None)


def said(text: str | None = None, **how: Any) -> Update:
    """The update of a message."""
    return update_of(message_json(text, **how))


def pressed(data: str | None, **fields: Any) -> Update:
    """The update of a pressed button."""
    query: Json = {"id": "99", "from": ADA, "chat_instance": "1", **fields}
    if data is not None:
        query["data"] = data
    return update_of(query, "callback_query")
