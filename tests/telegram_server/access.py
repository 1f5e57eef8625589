"""Where a bot may write: chats, topics, messages to reply to, and Telegram's words when it may not."""

from __future__ import annotations

from dataclasses import dataclass

from tests.telegram_server.model import Chat, Kind, Message
from tests.telegram_server.violations import ApiError, bad_request, forbidden
from tests.telegram_server.world import Call, World

_UPGRADED = "group chat was upgraded to a supergroup chat"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a new message goes."""

    chat: Chat
    thread: int | None
    reply_to: int | None


def chat_of(world: World, call: Call, *, is_writing: bool = True) -> Chat:
    """The chat that a call names, if the bot may write to it (or read it)."""
    chat = _named(world, call.parameters["chat_id"])
    call.chat = chat
    call.request.chat_id = chat.id
    told = ("chat", chat.id)
    if chat.kind is Kind.PRIVATE:
        if is_writing:
            _check_person(chat, told)
    else:
        _check_membership(chat, told)
        if is_writing and chat.is_muted:
            raise bad_request("not enough rights to send text messages to the chat", told=told)
    return chat


def _named(world: World, name: int | str) -> Chat:
    if isinstance(name, str):
        for chat in world.chats.values():
            if chat.username and f"@{chat.username}".lower() == name.lower() and chat.kind is not Kind.PRIVATE:
                return chat
        raise bad_request("chat not found", told=("chat", name))
    if chat := world.chats.get(name):
        return chat
    user = world.users.get(name)
    if user is None:
        raise bad_request("chat not found", told=("chat", name))
    if user.is_bot:
        raise forbidden("the bot can't send messages to the bot", told=("chat", name))
    raise forbidden("bot can't initiate conversation with a user", told=("chat", name))


def _check_person(chat: Chat, told: tuple[str, int]) -> None:
    user = chat.user
    assert user
    if user.is_deactivated:
        raise forbidden("user is deactivated", told=told)
    if user.has_blocked:
        raise forbidden("bot was blocked by the user", told=told)
    if not user.has_started:
        raise forbidden("bot can't initiate conversation with a user", told=told)


def _check_membership(chat: Chat, told: tuple[str, int]) -> None:
    name = {Kind.GROUP: "group", Kind.SUPERGROUP: "supergroup"}.get(chat.kind, "channel")
    if chat.upgraded_to is not None:
        parameters = {"migrate_to_chat_id": chat.upgraded_to}
        raise ApiError(400, f"Bad Request: {_UPGRADED}", parameters=parameters, told=told)
    if chat.is_deleted:
        raise forbidden("the group chat was deleted", told=told)
    if chat.bot_is == "kicked":
        raise forbidden(f"bot was kicked from the {name} chat", told=told)
    if chat.bot_is == "left":
        raise forbidden(f"bot is not a member of the {name} chat", told=told)
    if chat.kind is Kind.CHANNEL and chat.bot_is != "administrator":
        raise bad_request("need administrator rights in the channel chat", told=told)


def target_of(world: World, call: Call) -> Target:
    """Where the message of a call goes."""
    chat = chat_of(world, call)
    replied = _replied(chat, call)
    thread = topic_of(chat, call.get("message_thread_id"))
    if thread is None and replied and replied.is_topic_message:
        thread = topic_of(chat, replied.thread)
    return Target(chat, thread, replied.id if replied else None)


def topic_of(chat: Chat, thread: int | None) -> int | None:
    """A topic that is open. Chats without topics do not look at it."""
    if thread is None or not (chat.is_forum or chat.kind is Kind.PRIVATE):
        return None
    topic = chat.topics.get(thread)
    if topic is None:
        raise bad_request("message thread not found", told=("thread", chat.id, thread))
    if topic.is_closed and chat.bot_is != "administrator":
        raise bad_request("TOPIC_CLOSED", told=("thread", chat.id, thread))
    return thread


def _replied(chat: Chat, call: Call) -> Message | None:
    reply = call.get("reply_parameters")
    if not reply:
        return None
    if reply.get("chat_id", chat.id) != chat.id:
        raise bad_request("this server knows no replies across chats")
    message = chat.messages.get(reply["message_id"])
    if message is None or message.is_deleted:
        if reply.get("allow_sending_without_reply"):
            return None
        raise bad_request("message to be replied not found", told=("reply", chat.id, reply["message_id"]))
    if (quote := reply.get("quote")) and quote not in message.text:
        raise bad_request("QUOTE_TEXT_INVALID")
    return message
