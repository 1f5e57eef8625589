"""The tables of chats: who is known, what was offered and shown, our own messages, who speaks for which token."""

from __future__ import annotations

from sqlalchemy import text

from storage.rows import (
    Json,
    Key,
    MaybeJson,
    MaybeTime,
    MaybeWord,
    Number,
    Row,
    RowNumber,
    TaskKey,
    TaskRef,
    Time,
    Word,
    index,
    table,
)


class PersonRow(Row, table=True):
    """Somebody on a platform. `known_at` is when they got a role that they had not."""

    __tablename__ = "person"
    tenant: Key
    platform: Key
    user_id: Key
    role: MaybeWord
    language: MaybeWord
    known_at: Time
    zone: MaybeWord


class KnownChatRow(Row, table=True):
    """A group chat that was let in, and by whom."""

    __tablename__ = "known_chat"
    tenant: Key
    platform: Key
    chat_id: Key
    let_in_by: Word
    let_in_at: Time


class PairingRow(Row, table=True):
    """A one-time code, by its digest."""

    __tablename__ = "pairing"
    tenant: Key
    digest: Key
    role: Word
    expires_at: Time
    made_by: Word


class KnockRow(Row, table=True):
    """Somebody unknown wrote."""

    __tablename__ = "knock"
    id: RowNumber = None
    tenant: Word
    platform: Word
    user_id: Word
    at: Time


class OfferRow(Row, table=True):
    """One subtask as it was shown, to be allowed or refused."""

    __tablename__ = "offer"
    code: Key
    tenant: Word
    owner: Word
    task_id: TaskRef
    key: Word
    digest: Word
    made_at: Time
    expires_at: Time
    decided_by: MaybeWord
    decided_at: MaybeTime
    is_allowed: bool | None


class PreviewRow(Row, table=True):
    """A plan that was shown and not begun; `uploads` is NULL when empty."""

    __tablename__ = "preview"
    tenant: Key
    owner: Key
    code: Key
    platform: Word
    bot_id: Word
    chat_id: Word
    thread_id: Word
    reply_to: Word
    is_group: bool
    request: Word
    language: Word
    plan: Json
    made_at: Time
    expires_at: Time
    task_id: MaybeWord
    message_id: Word
    uploads: MaybeJson


class PostRow(Row, table=True):
    """A message of ours, from before it is sent."""

    __tablename__ = "post"
    task_id: TaskKey
    kind: Key
    part: Number
    tenant: Word
    owner: Word
    platform: Word
    bot_id: Word
    chat_id: Word
    thread_id: Word
    nonce: Word
    about: Word
    message_id: MaybeWord
    is_filled: bool


class LeaderRow(Row, table=True):
    """Who speaks for something, and how long."""

    __tablename__ = "leader"
    tenant: Key
    name: Key
    holder: Word
    held_until: Time


class CursorRow(Row, table=True):
    """The last message taken of a chat or thread: decimal digits without leading zeros."""

    __tablename__ = "cursor"
    tenant: Key
    platform: Key
    bot_id: Key
    chat_id: Key
    thread_id: Key
    message_id: Word


PERSON, KNOWN_CHAT, PAIRING, KNOCK = table("person"), table("known_chat"), table("pairing"), table("knock")
OFFER, PREVIEW, POST = table("offer"), table("preview"), table("post")
LEADER, CURSOR = table("leader"), table("cursor")

IS_SENT = text("message_id IS NOT NULL")

index("ix_pairing_expires_at", None, "expires_at")
index("ix_knock_user", None, "tenant", "platform", "user_id", "at")
index("ix_knock_at", None, "at")
index("ix_preview_expires_at", None, "expires_at")
index("ix_post_message", IS_SENT, "platform", "bot_id", "chat_id", "message_id")
