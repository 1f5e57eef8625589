"""From what Telegram delivers to what comes in from a chat: whose word counts, what is for us, what came along."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from telegram import CallbackQuery, Chat, Message, Update, User
from telegram.constants import ChatType

from bot.platform import Press
from bot.platforms.telegram.uploads import uploads_of
from bot.platforms.telegram.wording import Me, command_to, names, quoted, takes_context, words
from bot.post import Action
from domain.chat import ChatMessage
from domain.task import Upload

PLATFORM = "telegram"
KEPT_ALBUMS = 500
_TELEGRAM_ITSELF = 777000  # forwards of a linked channel, and service notices
_LONG = 4000  # characters; clients cut a longer text into several messages
_JUST_NOW = timedelta(seconds=2.5)  # Telegram tells whole seconds; what waited longer was not said in one breath
_UNUSABLE = (
    "sticker",
    "poll",
    "location",
    "venue",
    "contact",
    "dice",
    "game",
    "story",
    "checklist",
    "paid_media",
    "invoice",
    "giveaway",
)
_GROUPS = frozenset({ChatType.GROUP, ChatType.SUPERGROUP})


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A message for the door. `is_unusable`: there is nothing in it that we could work with."""

    message: ChatMessage
    is_unusable: bool = False


class Albums:
    """Albums that are meant for us. Only one of the messages of an album has the caption that says so."""

    def __init__(self, kept: int = KEPT_ALBUMS) -> None:
        self._kept = kept
        self._known: OrderedDict[tuple[int, str], None] = OrderedDict()

    def __contains__(self, message: object) -> bool:
        return isinstance(message, Message) and (message.chat.id, message.media_group_id) in self._known

    def add(self, message: Message) -> None:
        """Remember the album of this message, if it belongs to one; the oldest are forgotten."""
        if message.media_group_id:
            self._known[message.chat.id, message.media_group_id] = None
        while len(self._known) > self._kept:
            self._known.popitem(last=False)


def message_of(update: Update, me: Me, albums: Albums, at: datetime) -> Incoming | None:
    """The message of an update; None when there is none, or none that is for us."""
    message = update.message or update.edited_message
    if message is None or message.from_user is None or not _may_speak(message, message.from_user):
        return None
    if not _is_for_us(message, me, albums):
        return None
    albums.add(message)
    return _read(message, message.from_user, me, at, is_edit=update.edited_message is not None)


def press_of(query: CallbackQuery, bot_id: str, at: datetime) -> Press | None:
    """A pressed button; None when the button is not one of ours."""
    action = Action.read(query.data or "")
    if action is None or query.message is None:
        return None
    message, chat = query.message, query.message.chat
    return Press(
        key=f"c:{query.id}",
        platform=PLATFORM,
        bot_id=bot_id,
        chat_id=str(chat.id),
        user_id=str(query.from_user.id),
        message_id=str(message.message_id),
        action=action,
        received_at=at,
        thread_id=_thread(message) if isinstance(message, Message) else "",
        is_group=chat.type in _GROUPS,
        locale=query.from_user.language_code or "",
    )


def _may_speak(message: Message, sender: User) -> bool:
    """Only a person who can be told from others: not a bot, not a channel, not an anonymous admin, not Telegram."""
    if sender.is_bot or sender.id == _TELEGRAM_ITSELF or message.sender_chat or message.is_automatic_forward:
        return False
    return message.chat.type in {ChatType.PRIVATE, *_GROUPS} and not message.chat.is_direct_messages


def _is_for_us(message: Message, me: Me, albums: Albums) -> bool:
    """Everything in a private chat; in a group commands, mentions and replies, and what belongs to one of these."""
    if not _is_group(message.chat):
        return True
    addressee = command_to(message)
    if addressee is not None:
        return not addressee or me.is_named(addressee)
    return names(message, me) or _is_reply_to_us(message, me) or message in albums


def _is_reply_to_us(message: Message, me: Me) -> bool:
    replied = _replied(message)
    return replied is not None and replied.from_user is not None and replied.from_user.id == me.id


def _replied(message: Message) -> Message | None:
    """What it replies to. The message that opened a topic is named by everything in that topic: that is no reply."""
    replied = message.reply_to_message
    return None if replied is None or replied.forum_topic_created else replied


def _read(message: Message, sender: User, me: Me, at: datetime, *, is_edit: bool) -> Incoming | None:
    text, uploads = _content(message, me)
    is_unusable = not text and not uploads and _is_unusable(message)
    if not text and not uploads and not is_unusable and not names(message, me):
        return None  # somebody joined, something was pinned
    replied, is_group = _replied(message), _is_group(message.chat)
    is_part = bool(message.media_group_id or message.forward_origin) or len(text) >= _LONG
    read = ChatMessage(
        platform=PLATFORM,
        bot_id=str(me.id),
        chat_id=str(message.chat.id),
        user_id=str(sender.id),
        update_key=f"m:{message.chat.id}:{message.message_id}",
        text=text,
        received_at=at,
        thread_id=_thread(message),
        message_id=str(message.message_id),
        reply_to=str(replied.message_id) if replied else "",
        is_group=is_group,
        locale=sender.language_code or "",
        uploads=uploads,
        gathers=is_part or (not is_group and at - message.date < _JUST_NOW),
        is_edit=is_edit,
    )
    return Incoming(message=read, is_unusable=is_unusable)


def _content(message: Message, me: Me) -> tuple[str, tuple[Upload, ...]]:
    """Words and files. What somebody else said is context of a request that replies to it, and so are its files."""
    text, uploads = words(message, me), uploads_of(message)
    if _is_reply_to_us(message, me) or not takes_context(text):
        return text, uploads
    replied = _replied(message)
    context = quoted(message) if replied or message.external_reply else ""
    more = uploads_of(replied) if replied else ()
    return "\n\n".join(filter(None, [text, context])), (*uploads, *more)


def _is_unusable(message: Message) -> bool:
    return any(getattr(message, kind) for kind in _UNUSABLE)


def _thread(message: Message) -> str:
    """The forum topic; threads of replies in other groups have a number, too, which is nothing to us."""
    return str(message.message_thread_id) if message.is_topic_message and message.message_thread_id else ""


def _is_group(chat: Chat) -> bool:
    return chat.type in _GROUPS
